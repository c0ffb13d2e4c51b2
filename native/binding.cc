// The addon's entry, and the binding of Reactor (reactor.h) to JavaScript. State is kept per environment: each thread
// that loads the addon has its own, and closes its reactors before its loop goes away.
// Rule: no logic here; src/native/addon.ts checks arguments and turns negative errno values into errors.
#include <uv.h>

#include "exports.h"
#include "reactor.h"

namespace geartrain {
namespace {

struct Binding;

// What one environment has.
struct EnvironmentState {
  Binding* first;
  napi_async_cleanup_hook_handle hook;
  bool is_ending;
};

// A reactor and what it needs of JavaScript. Freed when the reactor is closed and the JavaScript handle is collected.
struct Binding {
  napi_env env;
  EnvironmentState* state;
  Binding* next;
  Binding* previous;
  Reactor* reactor;  // Null once every handle is closed.
  napi_ref on_turn;
  napi_ref on_listen_error;
  napi_ref on_closed;
  napi_ref arrays[5];
  napi_ref ring_words;
  bool is_collected;
};

constexpr size_t kArenaBytes = 1024 * 1024;
constexpr size_t kRows = 4096;
constexpr size_t kOutBytes = 1024 * 1024;
constexpr size_t kOutRows = 16384;

// After a failed call: a thrown error goes the way of every uncaught one; no error at all means that the environment
// is going away.
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

Binding* BindingOf(const Arguments& arguments) {
  return static_cast<Binding*>(arguments.External(0));
}

Reactor* ReactorOf(const Arguments& arguments) { return BindingOf(arguments)->reactor; }

napi_ref Keep(napi_env env, napi_value value) {
  napi_ref reference;
  Must(napi_create_reference(env, value, 1, &reference), "make a reference");
  return reference;
}

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

// (settings, shapes, options, onTurn, onListenError, onClosed) -> { handle, arena, rows, out, outRows, control }
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

// (handle, host, port, backlog, v6Only) -> id or negative errno
napi_value ListenIp(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  char host[128];
  arguments.String(1, host, sizeof host);
  Reactor* reactor = ReactorOf(arguments);
  if (reactor == nullptr) return MakeInt(env, UV_ECANCELED);
  return MakeInt(env, reactor->ListenIp(host, arguments.Int(2), arguments.Int(3), arguments.Bool(4)));
}

// (handle, path, mode, backlog) -> id or negative errno
napi_value ListenPath(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  char path[256];
  arguments.String(1, path, sizeof path);
  Reactor* reactor = ReactorOf(arguments);
  if (reactor == nullptr) return MakeInt(env, UV_ECANCELED);
  return MakeInt(env, reactor->ListenPath(path, arguments.Int(2), arguments.Int(3)));
}

napi_value ListenerPort(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Reactor* reactor = ReactorOf(arguments);
  return MakeInt(env, reactor == nullptr ? 0 : reactor->ListenerPort(arguments.Int(1)));
}

napi_value Unlisten(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (Reactor* reactor = ReactorOf(arguments)) reactor->Unlisten(arguments.Int(1));
  return nullptr;
}

// (handle, fd, unread, unsent) -> conn or negative errno
napi_value Adopt(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Reactor* reactor = ReactorOf(arguments);
  if (reactor == nullptr) return MakeInt(env, UV_ECANCELED);
  ByteSpan unread = arguments.Bytes(2);
  ByteSpan unsent = arguments.Bytes(3);
  return MakeInt(env, reactor->Adopt(arguments.Int(1), unread.bytes, unread.count, unsent.bytes,
                                     unsent.count));
}

napi_value Spill(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (Reactor* reactor = ReactorOf(arguments)) reactor->Spill();
  return nullptr;
}

napi_value Close(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (Reactor* reactor = ReactorOf(arguments)) reactor->Close(arguments.Int(1));
  return nullptr;
}

napi_value CloseAfterFlush(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (Reactor* reactor = ReactorOf(arguments)) {
    reactor->CloseAfterFlush(arguments.Int(1), arguments.Number(2));
  }
  return nullptr;
}

napi_value Hold(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (Reactor* reactor = ReactorOf(arguments)) {
    reactor->Hold(arguments.Int(1), static_cast<uint32_t>(arguments.Int(2)));
  }
  return nullptr;
}

napi_value Resume(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (Reactor* reactor = ReactorOf(arguments)) reactor->Resume(arguments.Int(1));
  return nullptr;
}

// (handle, conn) -> { fd, unread, unsent }, or undefined when it cannot be detached
napi_value Detach(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Reactor* reactor = ReactorOf(arguments);
  Connection* connection =
      reactor == nullptr ? nullptr : reactor->FindDetachable(arguments.Int(1));
  if (connection == nullptr) return nullptr;
  napi_value result = MakeObject(env);
  void* bytes;
  napi_value array =
      MakeArray(env, napi_uint8_array, connection->intake.UnreadBytes(), &bytes);
  connection->intake.CopyUnread(static_cast<uint8_t*>(bytes));
  SetField(env, result, "unread", array);
  array = MakeArray(env, napi_uint8_array, connection->outlet.unsent(), &bytes);
  connection->outlet.CopyTo(static_cast<uint8_t*>(bytes));
  SetField(env, result, "unsent", array);
  SetField(env, result, "fd", MakeInt(env, reactor->Detach(connection)));
  return result;
}

napi_value UnsentBytes(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Reactor* reactor = ReactorOf(arguments);
  return MakeNumber(
      env, reactor == nullptr ? 0 : static_cast<double>(reactor->UnsentBytes(arguments.Int(1))));
}

napi_value NotifyDrained(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (Reactor* reactor = ReactorOf(arguments)) {
    reactor->NotifyDrained(arguments.Int(1), static_cast<uint64_t>(arguments.Number(2)));
  }
  return nullptr;
}

// (handle, bytes, start, end) -> id, or 0 when there is no memory
napi_value BlobFrom(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Reactor* reactor = ReactorOf(arguments);
  uint32_t start = static_cast<uint32_t>(arguments.Number(2));
  uint32_t count = static_cast<uint32_t>(arguments.Number(3)) - start;
  Blob* blob = reactor == nullptr ? nullptr : reactor->blobs()->From(arguments.Bytes(1).bytes + start, count);
  return MakeInt(env, blob == nullptr ? 0 : blob->id);
}

Blob* BlobOf(const Arguments& arguments) {
  Reactor* reactor = ReactorOf(arguments);
  return reactor == nullptr ? nullptr : reactor->blobs()->Find(arguments.Int(1));
}

// The blob functions answer false (or -1) for an unknown id.
napi_value MakeBool(napi_env env, bool value) {
  napi_value result;
  Must(napi_get_boolean(env, value, &result), "make a boolean");
  return result;
}

napi_value BlobRetain(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Blob* blob = BlobOf(arguments);
  if (blob != nullptr) ReactorOf(arguments)->blobs()->Retain(blob);
  return MakeBool(env, blob != nullptr);
}

napi_value BlobRelease(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Blob* blob = BlobOf(arguments);
  if (blob != nullptr) ReactorOf(arguments)->blobs()->Release(blob);
  return MakeBool(env, blob != nullptr);
}

napi_value BlobBytes(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Blob* blob = BlobOf(arguments);
  return MakeNumber(env, blob == nullptr ? -1 : static_cast<double>(blob->size));
}

// (handle, id, offset, target, at, count) -> whether it was done
napi_value BlobRead(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Blob* blob = BlobOf(arguments);
  ByteSpan target = arguments.Bytes(3);
  double offset = arguments.Number(2);
  double at = arguments.Number(4);
  double count = arguments.Number(5);
  bool is_inside = blob != nullptr && offset >= 0 && at >= 0 && count >= 0 &&
                   offset + count <= blob->size && at + count <= static_cast<double>(target.count);
  if (is_inside) {
    CopyBytes(target.bytes + static_cast<size_t>(at), blob->bytes + static_cast<size_t>(offset),
              static_cast<size_t>(count));
  }
  return MakeBool(env, is_inside);
}

// (handle, words, asleep, writeWords, readWords, doorbellFd) -> 0 or negative errno
napi_value WatchRings(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Binding* binding = BindingOf(arguments);
  if (binding->reactor == nullptr) return MakeInt(env, UV_ECANCELED);
  ByteSpan write_words = arguments.Bytes(3);
  ByteSpan read_words = arguments.Bytes(4);
  int result = binding->reactor->WatchRings(
      reinterpret_cast<int32_t*>(arguments.Bytes(1).bytes), arguments.Int(2),
      reinterpret_cast<const int32_t*>(write_words.bytes),
      reinterpret_cast<const int32_t*>(read_words.bytes),
      static_cast<uint32_t>(write_words.count / sizeof(int32_t)), arguments.Int(5));
  if (result == 0) {
    napi_ref old = binding->ring_words;
    binding->ring_words = Keep(env, arguments.Value(1));
    if (old != nullptr) napi_delete_reference(env, old);
  }
  return MakeInt(env, result);
}

napi_value Nudge(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (Reactor* reactor = ReactorOf(arguments)) reactor->Nudge();
  return nullptr;
}

napi_value Destroy(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (Reactor* reactor = ReactorOf(arguments)) reactor->Destroy();
  return nullptr;
}

}  // namespace

void ExportReactor(napi_env env, napi_value exports) {
  EnvironmentState* state =
      static_cast<EnvironmentState*>(Allocate(sizeof(EnvironmentState)));
  *state = EnvironmentState{nullptr, nullptr, false};
  Must(napi_set_instance_data(env, state, OnStateCollected, nullptr), "keep the state");
  Must(napi_add_async_cleanup_hook(env, OnEnvironmentEnd, state, &state->hook), "add a hook");
  const struct {
    const char* name;
    napi_callback callback;
  } functions[] = {
      {"create", Create},
      {"listenIp", ListenIp},
      {"listenPath", ListenPath},
      {"listenerPort", ListenerPort},
      {"unlisten", Unlisten},
      {"adopt", Adopt},
      {"spill", Spill},
      {"close", Close},
      {"closeAfterFlush", CloseAfterFlush},
      {"hold", Hold},
      {"resume", Resume},
      {"detach", Detach},
      {"unsentBytes", UnsentBytes},
      {"notifyDrained", NotifyDrained},
      {"blobFrom", BlobFrom},
      {"blobRetain", BlobRetain},
      {"blobRelease", BlobRelease},
      {"blobBytes", BlobBytes},
      {"blobRead", BlobRead},
      {"watchRings", WatchRings},
      {"nudge", Nudge},
      {"destroy", Destroy},
  };
  for (const auto& function : functions) {
    SetFunction(env, exports, function.name, function.callback);
  }
}

}  // namespace geartrain

NAPI_MODULE_INIT() {
  geartrain::ExportReactor(env, exports);
  geartrain::ExportDecoder(env, exports);
  geartrain::ExportFunctions(env, exports);
  return exports;
}
