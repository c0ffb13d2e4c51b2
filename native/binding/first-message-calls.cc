// The binding of FirstMessageQueue to JavaScript. Rule: no logic here; calls to a closed queue do
// nothing.
#include "binding/binding.h"
#include "binding/exports.h"
#include "binding/settings.h"
#include "first-message/first-message-queue.h"

namespace geartrain {
namespace {

// (numbers, host, onRows, onAcceptError, onClosed) -> { handle, rows, texts }, or a negative errno
Napi::Value OpenFirstMessageQueue(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Float64Array number = info[0].As<Napi::Float64Array>();
  if (number.ElementLength() != 11) Die("options of a first-message queue have a wrong length");
  char host[128];
  CopyText(info[1], host);
  Napi::External<Binding<FirstMessageQueue>> handle;
  auto binding = Binding<FirstMessageQueue>::New<&FirstMessageQueue::Close>(env, &handle);
  if (binding == nullptr) return Napi::Value();
  Napi::Int32Array rows = Napi::Int32Array::New(env, kPeerRows * kPeerRowInts);
  Napi::Uint8Array texts = Napi::Uint8Array::New(env, kPeerRows * kAddressBytesMax);
  if (rows.IsEmpty() || texts.IsEmpty()) return Napi::Value();
  Napi::Object result = Napi::Object::New(env);
  result.Set("rows", rows);
  result.Set("texts", texts);
  if (!result.Set("handle", handle)) return Napi::Value();
  FirstMessageQueue* queue = new FirstMessageQueue(
      FirstMessageOptions{static_cast<Awaits>(static_cast<int32_t>(number[3])),
                          static_cast<uint64_t>(number[4]), static_cast<uint32_t>(number[5]),
                          ReadStreamOptions(number, 6)},
      rows.Data(), reinterpret_cast<char*>(texts.Data()),
      FirstMessageHost{binding, binding->OnEvent, binding->OnError, binding->OnClosed});
  int error = queue->Listen(LoopOf(env), host, static_cast<int>(number[0]),
                            static_cast<int>(number[1]), number[2] != 0);
  if (error != 0) {
    delete queue;
    return Napi::Number::New(env, error);
  }
  binding->held.arrays[0] = Napi::Persistent<Napi::Object>(rows);
  binding->held.arrays[1] = Napi::Persistent<Napi::Object>(texts);
  binding->held.on_event = Napi::Persistent(info[2].As<Napi::Function>());
  binding->held.on_error = Napi::Persistent(info[3].As<Napi::Function>());
  binding->held.on_closed = Napi::Persistent(info[4].As<Napi::Function>());
  binding->Open(queue);
  return result;
}

// (awaits, bytes) -> Look, above 8 bits its detail. For the parity suite.
int32_t LookAtFirst(const Napi::CallbackInfo& info) {
  Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  int32_t detail = 0;
  int32_t look = static_cast<Awaits>(Int(info[0])) == Awaits::kTls
                     ? LookAtHello(bytes.Data(), bytes.ElementLength(), &detail)
                     : LookAtHead(bytes.Data(), bytes.ElementLength());
  return look > 0 ? look | detail << 8 : look;
}

}  // namespace

// Methods of NativeFirstMessageQueue in src/native/bindings.ts, by name.
void ExportFirstMessageQueue(Napi::Object exports) {
  Export<OpenFirstMessageQueue>(exports, "openFirstMessageQueue");
  Export<LookAtFirst>(exports, "lookAtFirst");
  Napi::Object table = AddTable(exports, "firstMessageQueue");
  Export<Method<&FirstMessageQueue::Port>>(table, "boundPort");
  Export<Method<&FirstMessageQueue::Refuse>>(table, "refuse");
  Export<Method<&FirstMessageQueue::Pause>>(table, "pause");
  Export<Method<&FirstMessageQueue::Close>>(table, "startClose");
}

}  // namespace geartrain
