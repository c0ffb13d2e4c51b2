// The binding of FirstMessageQueue to JavaScript. Rule: no logic here; calls to a queue that is
// closed do nothing.
#include "binding/binding.h"
#include "binding/exports.h"
#include "first-message/first-message-queue.h"

namespace geartrain {

// Freed when the queue is closed and the JavaScript handle is collected.
struct FirstMessageBinding {
  Napi::Env env;
  EnvironmentState* state;
  FirstMessageBinding* next = nullptr;
  FirstMessageBinding* previous = nullptr;
  FirstMessageQueue* queue = nullptr;  // Null once every handle is closed.
  // Given up with the queue, as Held is.
  struct {
    Napi::FunctionReference on_rows;
    Napi::FunctionReference on_accept_error;
    Napi::FunctionReference on_closed;
    Napi::ObjectReference rows;
    Napi::ObjectReference texts;
  } held = {};
  bool is_collected = false;
};

namespace {

Outcome OnRows(void* data, uint32_t row_count) {
  FirstMessageBinding* binding = static_cast<FirstMessageBinding*>(data);
  return Call(binding->env, binding->held.on_rows, static_cast<int32_t>(row_count));
}

Outcome OnAcceptError(void* data, int error) {
  FirstMessageBinding* binding = static_cast<FirstMessageBinding*>(data);
  return Call(binding->env, binding->held.on_accept_error, error);
}

void OnClosed(void* data) {
  FirstMessageBinding* binding = static_cast<FirstMessageBinding*>(data);
  EnvironmentState* state = binding->state;
  delete binding->queue;
  binding->queue = nullptr;
  if (!state->is_ending) Call(binding->env, binding->held.on_closed, 0);
  binding->held = {};
  state->queues.Remove(binding);
  if (binding->is_collected) delete binding;
  EndIfEmpty(state);
}

void OnCollected(Napi::Env, FirstMessageBinding* binding) {
  binding->is_collected = true;
  if (binding->queue == nullptr) delete binding;
}

FirstMessageQueue* QueueOf(const Napi::CallbackInfo& info) {
  return info[0].As<Napi::External<FirstMessageBinding>>().Data()->queue;
}

// (numbers, host, onRows, onAcceptError, onClosed) -> { handle, rows, texts }, or a negative errno
Napi::Value FirstMessageOpen(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) Die("no event loop");
  Napi::Float64Array number = info[0].As<Napi::Float64Array>();
  if (number.ElementLength() != 11) Die("options of a first-message queue have a wrong length");
  char host[128];
  CopyText(info[1], host);
  FirstMessageBinding* binding =
      new FirstMessageBinding{env, env.GetInstanceData<EnvironmentState>()};
  auto handle = Napi::External<FirstMessageBinding>::New(env, binding, OnCollected);
  Napi::Int32Array rows = Napi::Int32Array::New(env, kPeerRows * kPeerRowInts);
  Napi::Uint8Array texts = Napi::Uint8Array::New(env, kPeerRows * kAddressBytesMax);
  if (handle.IsEmpty()) delete binding;
  if (handle.IsEmpty() || rows.IsEmpty() || texts.IsEmpty()) return Napi::Value();
  Napi::Object result = Napi::Object::New(env);
  result.Set("rows", rows);
  result.Set("texts", texts);
  if (!result.Set("handle", handle)) return Napi::Value();
  FirstMessageQueue* queue = new FirstMessageQueue(
      FirstMessageOptions{static_cast<Awaits>(static_cast<int32_t>(number[3])),
                          static_cast<uint64_t>(number[4]), static_cast<uint32_t>(number[5]),
                          ReadStreamOptions(number, 6)},
      rows.Data(), reinterpret_cast<char*>(texts.Data()),
      FirstMessageHost{binding, OnRows, OnAcceptError, OnClosed});
  int error = queue->Listen(loop, host, static_cast<int>(number[0]), static_cast<int>(number[1]),
                            number[2] != 0);
  if (error != 0) {
    delete queue;
    return Napi::Number::New(env, error);
  }
  binding->queue = queue;
  binding->held.rows = Napi::Persistent<Napi::Object>(rows);
  binding->held.texts = Napi::Persistent<Napi::Object>(texts);
  binding->held.on_rows = Napi::Persistent(info[2].As<Napi::Function>());
  binding->held.on_accept_error = Napi::Persistent(info[3].As<Napi::Function>());
  binding->held.on_closed = Napi::Persistent(info[4].As<Napi::Function>());
  binding->state->queues.PushFront(binding);
  return result;
}

int FirstMessagePort(const Napi::CallbackInfo& info) {
  FirstMessageQueue* queue = QueueOf(info);
  return queue == nullptr ? 0 : queue->port();
}

void FirstMessageRefuse(const Napi::CallbackInfo& info) {
  if (FirstMessageQueue* queue = QueueOf(info)) queue->Refuse(Int(info[1]));
}

void FirstMessagePause(const Napi::CallbackInfo& info) {
  if (FirstMessageQueue* queue = QueueOf(info)) queue->Pause(Bool(info[1]));
}

void FirstMessageClose(const Napi::CallbackInfo& info) {
  if (FirstMessageQueue* queue = QueueOf(info)) queue->Close();
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

void CloseFirstMessageQueues(EnvironmentState* state) {
  for (FirstMessageBinding* binding = state->queues.first; binding != nullptr;
       binding = binding->next) {
    binding->queue->Close();
  }
}

void ExportFirstMessageQueue(Napi::Object exports) {
  Export<FirstMessageOpen>(exports, "firstMessageOpen");
  Export<FirstMessagePort>(exports, "firstMessagePort");
  Export<FirstMessageRefuse>(exports, "firstMessageRefuse");
  Export<FirstMessagePause>(exports, "firstMessagePause");
  Export<FirstMessageClose>(exports, "firstMessageClose");
  Export<LookAtFirst>(exports, "lookAtFirst");
}

}  // namespace geartrain
