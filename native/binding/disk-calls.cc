// The binding of Disk to JavaScript. Rule: no logic here; calls to a closed disk do nothing.
#include "binding/binding.h"
#include "binding/exports.h"
#include "disk/disk.h"

namespace geartrain {
namespace {

struct HeldOrder : DiskOrder {
  Napi::ObjectReference bytes;
};

void OnDone(void* data, DiskOrder* order) {
  Binding<Disk>* binding = static_cast<Binding<Disk>*>(data);
  int error = order->error;
  delete static_cast<HeldOrder*>(order);
  if (!binding->state->is_ending) Call(binding->env, binding->held.on_event, error);
}

// (onDone) -> handle, or a negative errno
Napi::Value OpenDisk(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::External<Binding<Disk>> handle;
  Binding<Disk>* binding = Binding<Disk>::New<&Disk::Close>(env, &handle);
  if (binding == nullptr) return Napi::Value();
  Disk* disk = new Disk(DiskHost{binding, OnDone, binding->OnClosed});
  int error = disk->Start(LoopOf(env));
  if (error != 0) {
    delete disk;
    return Napi::Number::New(env, error);
  }
  binding->held.on_event = Napi::Persistent(info[0].As<Napi::Function>());
  binding->Open(disk);
  return handle;
}

// (handle, fd, pieces, at, isSynced)
void Give(const Napi::CallbackInfo& info) {
  Disk* disk = ObjectOf<Disk>(info);
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

}  // namespace

// Methods of NativeDisk in src/native/bindings.ts, by name.
void ExportDisk(Napi::Object exports) {
  Export<OpenDisk>(exports, "openDisk");
  Napi::Object table = AddTable(exports, "disk");
  Export<Give>(table, "give");
  Export<Method<&Disk::Close>>(table, "close");
}

}  // namespace geartrain
