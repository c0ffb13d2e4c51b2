// The binding of Reactor to JavaScript: making one, and its calls. Rule: no logic here; calls to a
// closed reactor do nothing.
#include "binding/binding.h"
#include "binding/blob-calls.h"
#include "binding/errors.h"
#include "binding/exports.h"
#include "binding/settings.h"
#include "reactor/reactor.h"

namespace geartrain {
namespace {

constexpr size_t kArenaBytes = 1024 * 1024;
constexpr size_t kRows = 4096;
constexpr size_t kOutBytes = 1024 * 1024;
constexpr size_t kOutRows = 16384;

// Not by napi_make_callback: promises, which may write output, must not run now.
void OnOutput(void* data) {
  Binding<Reactor>* binding = static_cast<Binding<Reactor>*>(data);
  Napi::Env env = binding->env;
  Napi::HandleScope scope(env);
  napi_status status =
      napi_call_function(env, env.Global(), binding->held.on_output.Value(), 0, nullptr, nullptr);
  if (status != napi_ok) ReportFailure(env);
}

ReactorOptions ReadOptions(const Napi::Value& numbers) {
  Napi::Float64Array number = numbers.As<Napi::Float64Array>();
  if (number.ElementLength() != 7) Die("options have a wrong length");
  return ReactorOptions{static_cast<uint64_t>(number[0]), static_cast<uint64_t>(number[1]),
                        ReadStreamOptions(number, 2)};
}

// (settings, shapes, options, onTurn, onListenError, onClosed, onOutput, unsent) ->
// { handle, arena, rows, out, outRows, control }
Napi::Value CreateReactor(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::External<Binding<Reactor>> handle;
  Binding<Reactor>* binding = Binding<Reactor>::New<&Reactor::Abandon>(env, &handle);
  if (binding == nullptr) return Napi::Value();
  Napi::Uint8Array arena = Napi::Uint8Array::New(env, kArenaBytes);
  Napi::Int32Array rows = Napi::Int32Array::New(env, kRows * kRowInts);
  Napi::Uint8Array out = Napi::Uint8Array::New(env, kOutBytes);
  Napi::Int32Array out_rows = Napi::Int32Array::New(env, kOutRows * kOutInts);
  Napi::Int32Array control = Napi::Int32Array::New(env, kControlInts);
  Napi::Float64Array unsent = info[7].As<Napi::Float64Array>();
  if (unsent.ElementLength() != kSlotMask + 1) Die("unsent has a wrong length");
  Napi::TypedArray arrays[] = {arena, rows, out, out_rows, control, unsent};
  for (const Napi::TypedArray& array : arrays) {
    if (array.IsEmpty()) return Napi::Value();
  }
  for (int i = 0; i < 6; i++) binding->held.arrays[i] = Napi::Persistent<Napi::Object>(arrays[i]);
  binding->held.on_event = Napi::Persistent(info[3].As<Napi::Function>());
  binding->held.on_error = Napi::Persistent(info[4].As<Napi::Function>());
  binding->held.on_closed = Napi::Persistent(info[5].As<Napi::Function>());
  binding->held.on_output = Napi::Persistent(info[6].As<Napi::Function>());
  binding->Open(new Reactor(
      LoopOf(env), ReadSettings(info[0], info[1]), ReadOptions(info[2]),
      SharedArrays{arena.Data(), kArenaBytes, rows.Data(), kRows, out.Data(), kOutBytes,
                   out_rows.Data(), kOutRows, control.Data(), unsent.Data()},
      ReactorHost{binding, binding->OnEvent, binding->OnError, OnOutput, binding->OnClosed}));
  Napi::Object result = Napi::Object::New(env);
  result.Set("arena", arena);
  result.Set("rows", rows);
  result.Set("out", out);
  result.Set("outRows", out_rows);
  result.Set("control", control);
  if (!result.Set("handle", handle)) return Napi::Value();
  return result;
}

// (handle, host, port, backlog, v6Only) -> id or negative errno
int ListenIp(const Napi::CallbackInfo& info) {
  char host[128];
  CopyText(info[1], host);
  Reactor* reactor = ObjectOf<Reactor>(info);
  if (reactor == nullptr) return UV_ECANCELED;
  return reactor->ListenIp(host, Int(info[2]), Int(info[3]), Bool(info[4]));
}

// (handle, path, mode, backlog) -> id or negative errno
int ListenPath(const Napi::CallbackInfo& info) {
  char path[256];
  CopyText(info[1], path);
  Reactor* reactor = ObjectOf<Reactor>(info);
  if (reactor == nullptr) return UV_ECANCELED;
  return reactor->ListenPath(path, Int(info[2]), Int(info[3]));
}

// (handle, fd, unread, unsent) -> conn
int32_t Adopt(const Napi::CallbackInfo& info) {
  Reactor* reactor = ObjectOf<Reactor>(info);
  int fd = Int(info[1]);
  Napi::Uint8Array unread = info[2].As<Napi::Uint8Array>();
  Napi::Uint8Array unsent = info[3].As<Napi::Uint8Array>();
  int32_t conn = reactor == nullptr ? UV_ECANCELED
                                    : reactor->Adopt(fd, unread.Data(), unread.ElementLength(),
                                                     unsent.Data(), unsent.ElementLength());
  if (conn < 0) ThrowSystemError(info.Env(), conn, "adopt", "descriptor %d", fd);
  return conn;
}

// (handle) -> conn
int32_t Reserve(const Napi::CallbackInfo& info) {
  Reactor* reactor = ObjectOf<Reactor>(info);
  int32_t conn = reactor == nullptr ? UV_ECANCELED : reactor->Reserve();
  if (conn < 0) ThrowSystemError(info.Env(), conn, "reserve", "a connection");
  return conn;
}

// (handle, conn) -> { fd, unread, unsent }
Napi::Value Detach(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Reactor* reactor = ObjectOf<Reactor>(info);
  int32_t conn = Int(info[1]);
  Connection* connection = reactor == nullptr ? nullptr : reactor->FindDetachable(conn);
  if (connection == nullptr) {
    ThrowReactorError(env, "detach: connection %d cannot leave its thread", conn);
    return Napi::Value();
  }
  Napi::Uint8Array unread = Napi::Uint8Array::New(env, connection->read_buffer.UnreadBytes());
  Napi::Uint8Array unsent = Napi::Uint8Array::New(env, connection->send_queue.unsent());
  Napi::Object result = Napi::Object::New(env);
  // Without them the connection stays, and is closed with its thread.
  if (unread.IsEmpty() || unsent.IsEmpty()) return Napi::Value();
  connection->read_buffer.CopyUnread(unread.Data());
  connection->send_queue.CopyTo(unsent.Data());
  result.Set("unread", unread);
  result.Set("unsent", unsent);
  if (!result.Set("fd", connection->fd)) return Napi::Value();
  reactor->Detach(connection);
  return result;
}

// (handle, words, asleep, writeWords, readWords, doorbellFd)
void WatchRings(const Napi::CallbackInfo& info) {
  Binding<Reactor>* binding = info[0].As<Napi::External<Binding<Reactor>>>().Data();
  Napi::Int32Array words = info[1].As<Napi::Int32Array>();
  Napi::Int32Array write_words = info[3].As<Napi::Int32Array>();
  Napi::Int32Array read_words = info[4].As<Napi::Int32Array>();
  int fd = Int(info[5]);
  int error = binding->object == nullptr
                  ? UV_ECANCELED
                  : binding->object->WatchRings(
                        words.Data(), Int(info[2]), write_words.Data(), read_words.Data(),
                        static_cast<uint32_t>(write_words.ElementLength()), fd);
  if (error < 0) return ThrowSystemError(info.Env(), error, "watch", "doorbell %d", fd);
  binding->held.arrays[6] = Napi::Persistent<Napi::Object>(words);
}

BlobTable* BlobsOfReactor(const Napi::CallbackInfo& info) {
  Reactor* reactor = ObjectOf<Reactor>(info);
  return reactor == nullptr ? nullptr : reactor->blobs();
}

}  // namespace

// Methods of NativeReactor in src/native/bindings.ts, by name.
void ExportReactor(Napi::Object exports) {
  Export<CreateReactor>(exports, "createReactor");
  Napi::Object table = AddTable(exports, "reactor");
  Export<ListenIp>(table, "listenIp");
  Export<ListenPath>(table, "listenPath");
  Export<Method<&Reactor::ListenerPort>>(table, "listenerPort");
  Export<Method<&Reactor::Unlisten>>(table, "unlisten");
  Export<Adopt>(table, "adopt");
  Export<Reserve>(table, "reserve");
  Export<Method<&Reactor::Unreserve>>(table, "unreserve");
  Export<Method<&Reactor::Spill>>(table, "spill");
  Export<Method<&Reactor::Close>>(table, "close");
  Export<Method<&Reactor::CloseAfterFlush>>(table, "closeAfterFlush");
  Export<Method<&Reactor::Hold>>(table, "hold");
  Export<Method<&Reactor::Resume>>(table, "resume");
  Export<Detach>(table, "detach");
  Export<Method<&Reactor::UnsentBytes>>(table, "unsentBytes");
  Export<Method<&Reactor::UnreadBytes>>(table, "unreadBytes");
  Export<Method<&Reactor::NotifyDrained>>(table, "notifyDrained");
  Export<WatchRings>(table, "watchRings");
  Export<Method<&Reactor::PauseReading>>(table, "pauseReading");
  Export<Method<&Reactor::RequestTurn>>(table, "requestTurn");
  Export<Method<&Reactor::Destroy>>(table, "startDestroy");
  Export<BlobFrom<BlobsOfReactor>>(table, "blobFrom");
  Export<BlobOpen<BlobsOfReactor>>(table, "blobOpen");
  Export<BlobAppend<BlobsOfReactor>>(table, "blobAppend");
  Export<BlobRetain<BlobsOfReactor>>(table, "blobRetain");
  Export<BlobRelease<BlobsOfReactor>>(table, "blobRelease");
  Export<BlobBytes<BlobsOfReactor>>(table, "blobBytes");
  Export<BlobRead<BlobsOfReactor>>(table, "blobRead");
}

}  // namespace geartrain
