// The addon's entry, and the binding of Reactor (reactor.h) to JavaScript. State is kept per
// environment: each thread that loads the addon has its own, and closes its reactors before its
// loop goes away.
// Rule: no logic here; src/native/addon.ts checks arguments and turns negative errno values into
// errors.
#include "binding.h"
#include "exports.h"

namespace geartrain {
namespace {

constexpr size_t kArenaBytes = 1024 * 1024;
constexpr size_t kRows = 4096;
constexpr size_t kOutBytes = 1024 * 1024;
constexpr size_t kOutRows = 16384;

// After a failed call: a thrown error goes the way of every uncaught one; no error at all means
// that the environment is going away.
Outcome ReportFailure(napi_env env) {
  bool is_pending = false;
  napi_value error;
  if (napi_is_exception_pending(env, &is_pending) != napi_ok || !is_pending) {
    return Outcome::kEnding;
  }
  if (napi_get_and_clear_last_exception(env, &error) != napi_ok) return Outcome::kEnding;
  return napi_fatal_exception(env, error) == napi_ok ? Outcome::kThrew : Outcome::kEnding;
}

Outcome Call(Binding* binding, napi_ref function_ref, int32_t argument) {
  napi_env env = binding->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return Outcome::kEnding;
  napi_value receiver;
  napi_value function;
  napi_value value;
  Must(napi_get_global(env, &receiver), "get global");
  Must(napi_get_reference_value(env, function_ref, &function), "get callback");
  Must(napi_create_int32(env, argument, &value), "make a number");
  napi_status status =
      napi_make_callback(env, nullptr, receiver, function, 1, &value, nullptr);
  Outcome outcome = status == napi_ok ? Outcome::kDone : ReportFailure(env);
  napi_close_handle_scope(env, scope);
  return outcome;
}

Outcome OnTurn(void* data, uint32_t row_count) {
  Binding* binding = static_cast<Binding*>(data);
  return Call(binding, binding->on_turn, static_cast<int32_t>(row_count));
}

Outcome OnListenError(void* data, int error) {
  Binding* binding = static_cast<Binding*>(data);
  return Call(binding, binding->on_listen_error, error);
}

void DeleteReferences(Binding* binding) {
  napi_env env = binding->env;
  napi_delete_reference(env, binding->on_turn);
  napi_delete_reference(env, binding->on_listen_error);
  napi_delete_reference(env, binding->on_closed);
  for (napi_ref array : binding->arrays) napi_delete_reference(env, array);
  if (binding->ring_words != nullptr) napi_delete_reference(env, binding->ring_words);
}

void Unlink(Binding* binding) {
  Binding** link = binding->previous == nullptr ? &binding->state->first : &binding->previous->next;
  *link = binding->next;
  if (binding->next != nullptr) binding->next->previous = binding->previous;
}

void OnClosed(void* data) {
  Binding* binding = static_cast<Binding*>(data);
  EnvironmentState* state = binding->state;
  delete binding->reactor;
  binding->reactor = nullptr;
  if (!state->is_ending) Call(binding, binding->on_closed, 0);
  DeleteReferences(binding);
  Unlink(binding);
  if (binding->is_collected) free(binding);
  if (state->is_ending && state->first == nullptr) napi_remove_async_cleanup_hook(state->hook);
}

void OnCollected(napi_env, void* data, void*) {
  Binding* binding = static_cast<Binding*>(data);
  binding->is_collected = true;
  if (binding->reactor == nullptr) free(binding);
}

// Runs before the environment's loop goes away; OnClosed ends it.
void OnEnvironmentEnd(napi_async_cleanup_hook_handle handle, void* data) {
  EnvironmentState* state = static_cast<EnvironmentState*>(data);
  state->is_ending = true;
  if (state->first == nullptr) {
    napi_remove_async_cleanup_hook(handle);
    return;
  }
  for (Binding* binding = state->first; binding != nullptr; binding = binding->next) {
    binding->reactor->Abandon();
  }
}

void OnStateCollected(napi_env, void* data, void*) { free(data); }

SharedArrays MakeArrays(napi_env env, napi_value object, Binding* binding) {
  struct {
    const char* name;
    napi_typedarray_type type;
    size_t length;
    void* data;
  } arrays[5] = {
      {"arena", napi_uint8_array, kArenaBytes, nullptr},
      {"rows", napi_int32_array, kRows * kRowInts, nullptr},
      {"out", napi_uint8_array, kOutBytes, nullptr},
      {"outRows", napi_int32_array, kOutRows * kOutInts, nullptr},
      {"control", napi_int32_array, kControlInts, nullptr},
  };
  for (size_t i = 0; i < 5; i++) {
    napi_value array = MakeArray(env, arrays[i].type, arrays[i].length, &arrays[i].data);
    SetField(env, object, arrays[i].name, array);
    binding->arrays[i] = Keep(env, array);
  }
  return SharedArrays{static_cast<uint8_t*>(arrays[0].data), kArenaBytes,
                      static_cast<int32_t*>(arrays[1].data), kRows,
                      static_cast<uint8_t*>(arrays[2].data), kOutBytes,
                      static_cast<int32_t*>(arrays[3].data), kOutRows,
                      static_cast<int32_t*>(arrays[4].data)};
}

ReactorOptions ReadOptions(ByteSpan numbers) {
  const double* number = reinterpret_cast<const double*>(numbers.bytes);
  if (numbers.count != 6 * sizeof(double)) Die("options have a wrong length");
  return ReactorOptions{static_cast<uint64_t>(number[0]), static_cast<uint64_t>(number[1]),
                        number[2] != 0,                   static_cast<int>(number[3]),
                        static_cast<int>(number[4]),      static_cast<int>(number[5])};
}

// (settings, shapes, options, onTurn, onListenError, onClosed) -> { handle, arena, rows, out,
// outRows, control }
napi_value Create(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  void* state;
  uv_loop_s* loop;
  Must(napi_get_instance_data(env, &state), "get the environment's state");
  Must(napi_get_uv_event_loop(env, &loop), "get the loop");
  Binding* binding = static_cast<Binding*>(Allocate(sizeof(Binding)));
  memset(binding, 0, sizeof *binding);
  binding->env = env;
  binding->state = static_cast<EnvironmentState*>(state);
  napi_value result = MakeObject(env);
  SharedArrays arrays = MakeArrays(env, result, binding);
  binding->on_turn = Keep(env, arguments.Value(3));
  binding->on_listen_error = Keep(env, arguments.Value(4));
  binding->on_closed = Keep(env, arguments.Value(5));
  binding->reactor =
      new Reactor(loop, ReadSettings(arguments.Bytes(0), arguments.Bytes(1)),
                  ReadOptions(arguments.Bytes(2)), arrays,
                  Host{binding, OnTurn, OnListenError, OnClosed});
  binding->next = binding->state->first;
  if (binding->next != nullptr) binding->next->previous = binding;
  binding->state->first = binding;
  napi_value handle;
  Must(napi_create_external(env, binding, OnCollected, nullptr, &handle), "make a handle");
  SetField(env, result, "handle", handle);
  return result;
}

}  // namespace

void ExportCreate(napi_env env, napi_value exports) {
  EnvironmentState* state = static_cast<EnvironmentState*>(Allocate(sizeof(EnvironmentState)));
  *state = EnvironmentState{nullptr, nullptr, false};
  Must(napi_set_instance_data(env, state, OnStateCollected, nullptr), "keep the state");
  Must(napi_add_async_cleanup_hook(env, OnEnvironmentEnd, state, &state->hook), "add a hook");
  SetFunction(env, exports, "create", Create);
}

}  // namespace geartrain

NAPI_MODULE_INIT() {
  geartrain::ExportCreate(env, exports);
  geartrain::ExportReactor(env, exports);
  geartrain::ExportBlobs(env, exports);
  geartrain::ExportDecoder(env, exports);
  geartrain::ExportFunctions(env, exports);
  return exports;
}
