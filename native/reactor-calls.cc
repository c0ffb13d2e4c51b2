// The calls of src/native/bindings.ts that reach a reactor, one by one.
// Rule: no logic here; calls to a reactor that is closed do nothing.
#include "binding.h"
#include "exports.h"

namespace geartrain {
namespace {

// (handle, host, port, backlog, v6Only) -> id or negative errno
napi_value ListenIp(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  char host[128];
  arguments.String(1, host, sizeof host);
  Reactor* reactor = ReactorOf(arguments);
  if (reactor == nullptr) return MakeInt(env, UV_ECANCELED);
  int port = arguments.Int(2);
  return MakeInt(env, reactor->ListenIp(host, port, arguments.Int(3), arguments.Bool(4)));
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

napi_value PauseReading(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (Reactor* reactor = ReactorOf(arguments)) reactor->PauseReading(arguments.Bool(1));
  return nullptr;
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
  SetFunction(env, exports, "listenIp", ListenIp);
  SetFunction(env, exports, "listenPath", ListenPath);
  SetFunction(env, exports, "listenerPort", ListenerPort);
  SetFunction(env, exports, "unlisten", Unlisten);
  SetFunction(env, exports, "adopt", Adopt);
  SetFunction(env, exports, "spill", Spill);
  SetFunction(env, exports, "close", Close);
  SetFunction(env, exports, "closeAfterFlush", CloseAfterFlush);
  SetFunction(env, exports, "hold", Hold);
  SetFunction(env, exports, "resume", Resume);
  SetFunction(env, exports, "detach", Detach);
  SetFunction(env, exports, "unsentBytes", UnsentBytes);
  SetFunction(env, exports, "notifyDrained", NotifyDrained);
  SetFunction(env, exports, "watchRings", WatchRings);
  SetFunction(env, exports, "pauseReading", PauseReading);
  SetFunction(env, exports, "nudge", Nudge);
  SetFunction(env, exports, "destroy", Destroy);
}

}  // namespace geartrain
