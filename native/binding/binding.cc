// The addon's entry, and the binding of Reactor (reactor.h) to JavaScript. State is kept per
// environment: each thread that loads the addon has its own, and closes its reactors before its
// loop goes away.
// Rule: no logic here; src/native/addon.ts checks arguments and turns negative errno values into
// errors.
#include "binding/binding.h"
#include "binding/exports.h"

namespace geartrain {
namespace {

constexpr size_t kArenaBytes = 1024 * 1024;
constexpr size_t kRows = 4096;
constexpr size_t kOutBytes = 1024 * 1024;
constexpr size_t kOutRows = 16384;

Outcome OnTurn(void* data, uint32_t row_count) {
  Binding* binding = static_cast<Binding*>(data);
  return Call(binding->env, binding->held.on_turn, static_cast<int32_t>(row_count));
}

Outcome OnListenError(void* data, int error) {
  Binding* binding = static_cast<Binding*>(data);
  return Call(binding->env, binding->held.on_listen_error, error);
}

// Not by napi_make_callback: promises, which may write output, have to wait.
void OnOutput(void* data) {
  Binding* binding = static_cast<Binding*>(data);
  Napi::Env env = binding->env;
  Napi::HandleScope scope(env);
  napi_status status = napi_call_function(env, env.Global(), binding->held.on_output.Value(), 0,
                                          nullptr, nullptr);
  if (status != napi_ok) ReportFailure(env);
}

void OnClosed(void* data) {
  Binding* binding = static_cast<Binding*>(data);
  EnvironmentState* state = binding->state;
  delete binding->reactor;
  binding->reactor = nullptr;
  if (!state->is_ending) Call(binding->env, binding->held.on_closed, 0);
  binding->held = {};
  state->bindings.Remove(binding);
  if (binding->is_collected) delete binding;
  EndIfEmpty(state);
}

void OnCollected(Napi::Env, Binding* binding) {
  binding->is_collected = true;
  if (binding->reactor == nullptr) delete binding;
}

// Runs before the environment's loop goes away; OnClosed ends it.
void OnEnvironmentEnd(napi_async_cleanup_hook_handle handle, void* data) {
  EnvironmentState* state = static_cast<EnvironmentState*>(data);
  state->is_ending = true;
  state->hook = handle;
  CloseFirstMessageQueues(state);
  CloseDisks(state);
  for (Binding* binding = state->bindings.first; binding != nullptr; binding = binding->next) {
    binding->reactor->Abandon();
  }
  EndIfEmpty(state);
}

ReactorOptions ReadOptions(const Napi::Value& numbers) {
  Napi::Float64Array number = numbers.As<Napi::Float64Array>();
  if (number.ElementLength() != 7) Die("options have a wrong length");
  return ReactorOptions{static_cast<uint64_t>(number[0]), static_cast<uint64_t>(number[1]),
                        ReadStreamOptions(number, 2)};
}

// (settings, shapes, options, onTurn, onListenError, onClosed, onOutput, unsent) -> { handle, arena,
// rows, out, outRows, control }
Napi::Value Create(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) Die("no event loop");
  Binding* binding = new Binding{env, env.GetInstanceData<EnvironmentState>()};
  auto handle = Napi::External<Binding>::New(env, binding, OnCollected);
  Napi::Uint8Array arena = Napi::Uint8Array::New(env, kArenaBytes);
  Napi::Int32Array rows = Napi::Int32Array::New(env, kRows * kRowInts);
  Napi::Uint8Array out = Napi::Uint8Array::New(env, kOutBytes);
  Napi::Int32Array out_rows = Napi::Int32Array::New(env, kOutRows * kOutInts);
  Napi::Int32Array control = Napi::Int32Array::New(env, kControlInts);
  Napi::Float64Array unsent = info[7].As<Napi::Float64Array>();
  if (unsent.ElementLength() != kSlotMask + 1) Die("unsent has a wrong length");
  Napi::TypedArray arrays[] = {arena, rows, out, out_rows, control, unsent};
  if (handle.IsEmpty()) delete binding;
  for (const Napi::TypedArray& array : arrays) {
    if (handle.IsEmpty() || array.IsEmpty()) return Napi::Value();
  }
  for (int i = 0; i < 6; i++) binding->held.arrays[i] = Napi::Persistent<Napi::Object>(arrays[i]);
  binding->held.on_turn = Napi::Persistent(info[3].As<Napi::Function>());
  binding->held.on_listen_error = Napi::Persistent(info[4].As<Napi::Function>());
  binding->held.on_closed = Napi::Persistent(info[5].As<Napi::Function>());
  binding->held.on_output = Napi::Persistent(info[6].As<Napi::Function>());
  binding->reactor = new Reactor(
      loop, ReadSettings(info[0], info[1]), ReadOptions(info[2]),
      SharedArrays{arena.Data(), kArenaBytes, rows.Data(), kRows, out.Data(), kOutBytes,
                   out_rows.Data(), kOutRows, control.Data(), unsent.Data()},
      Host{binding, OnTurn, OnListenError, OnOutput, OnClosed});
  binding->state->bindings.PushFront(binding);
  Napi::Object result = Napi::Object::New(env);
  result.Set("arena", arena);
  result.Set("rows", rows);
  result.Set("out", out);
  result.Set("outRows", out_rows);
  result.Set("control", control);
  if (!result.Set("handle", handle)) return Napi::Value();
  return result;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  EnvironmentState* state = new EnvironmentState();
  env.SetInstanceData(state);
  if (napi_add_async_cleanup_hook(env, OnEnvironmentEnd, state, &state->hook) != napi_ok) {
    Die("no cleanup hook");
  }
  Export<Create>(exports, "create");
  ExportReactor(exports);
  ExportFirstMessageQueue(exports);
  ExportDisk(exports);
  ExportBlobs(exports);
  ExportDecoder(exports);
  ExportFunctions(exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)

}  // namespace geartrain
