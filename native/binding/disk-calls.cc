// The binding of Disk (disk.h) to JavaScript. Rule: no logic here; calls to a disk that is closed do
// nothing.
#include "binding/binding.h"
#include "binding/exports.h"
#include "disk/disk.h"

namespace geartrain {

// Freed when the disk is closed and the JavaScript handle is collected.
struct DiskBinding {
  Napi::Env env;
  EnvironmentState* state;
  DiskBinding* next = nullptr;
  DiskBinding* previous = nullptr;
  Disk* disk = nullptr;  // Null once its handle is closed.
  Napi::FunctionReference on_done{};
  bool is_collected = false;
};

namespace {

struct HeldOrder : DiskOrder {
  Napi::ObjectReference bytes;
};

void OnDone(void* data, DiskOrder* order) {
  DiskBinding* binding = static_cast<DiskBinding*>(data);
  int error = order->error;
  delete static_cast<HeldOrder*>(order);
  if (!binding->state->is_ending) Call(binding->env, binding->on_done, error);
}

void OnClosed(void* data) {
  DiskBinding* binding = static_cast<DiskBinding*>(data);
  EnvironmentState* state = binding->state;
  delete binding->disk;
  binding->disk = nullptr;
  binding->on_done = Napi::FunctionReference();
  state->disks.Remove(binding);
  if (binding->is_collected) delete binding;
  EndIfEmpty(state);
}

void OnCollected(Napi::Env, DiskBinding* binding) {
  binding->is_collected = true;
  if (binding->disk == nullptr) delete binding;
}

Disk* DiskOf(const Napi::CallbackInfo& info) {
  return info[0].As<Napi::External<DiskBinding>>().Data()->disk;
}

// (onDone) -> handle, or a negative errno
Napi::Value DiskOpen(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) Die("no event loop");
  DiskBinding* binding = new DiskBinding{env, env.GetInstanceData<EnvironmentState>()};
  auto handle = Napi::External<DiskBinding>::New(env, binding, OnCollected);
  if (handle.IsEmpty()) {
    delete binding;
    return Napi::Value();
  }
  Disk* disk = new Disk(DiskHost{binding, OnDone, OnClosed});
  int error = disk->Start(loop);
  if (error != 0) {
    delete disk;
    return Napi::Number::New(env, error);
  }
  binding->disk = disk;
  binding->on_done = Napi::Persistent(info[0].As<Napi::Function>());
  binding->state->disks.PushFront(binding);
  return handle;
}

// (handle, fd, pieces, at, isSynced)
void DiskGive(const Napi::CallbackInfo& info) {
  Disk* disk = DiskOf(info);
  if (disk == nullptr) return;
  Napi::Array pieces = info[2].As<Napi::Array>();
  if (pieces.Length() > kDiskPieces) Die("too many pieces");
  HeldOrder* order = new HeldOrder();
  order->fd = Int(info[1]);
  order->at = static_cast<int64_t>(Double(info[3]));
  order->is_synced = Bool(info[4]);
  order->piece_count = static_cast<int>(pieces.Length());
  for (int i = 0; i < order->piece_count; i++) {
    Napi::Uint8Array piece = pieces.Get(static_cast<uint32_t>(i)).As<Napi::Uint8Array>();
    order->pieces[i] = iovec{piece.Data(), piece.ByteLength()};
  }
  order->bytes = Napi::Persistent<Napi::Object>(pieces);
  disk->Give(order);
}

void DiskClose(const Napi::CallbackInfo& info) {
  if (Disk* disk = DiskOf(info)) disk->Close();
}

}  // namespace

void CloseDisks(EnvironmentState* state) {
  for (DiskBinding* binding = state->disks.first; binding != nullptr; binding = binding->next) {
    binding->disk->Close();
  }
}

void ExportDisk(Napi::Object exports) {
  Export<DiskOpen>(exports, "diskOpen");
  Export<DiskGive>(exports, "diskGive");
  Export<DiskClose>(exports, "diskClose");
}

}  // namespace geartrain
