// The calls of src/native/bindings.ts that reach a reactor, one by one.
// Rule: no logic here; calls to a reactor that is closed do nothing.
#include "binding/binding.h"
#include "binding/exports.h"

namespace geartrain {
namespace {

// (handle, host, port, backlog, v6Only) -> id or negative errno
int ListenIp(const Napi::CallbackInfo& info) {
  char host[128];
  CopyText(info[1], host);
  Reactor* reactor = ReactorOf(info);
  if (reactor == nullptr) return UV_ECANCELED;
  return reactor->ListenIp(host, Int(info[2]), Int(info[3]), Bool(info[4]));
}

// (handle, path, mode, backlog) -> id or negative errno
int ListenPath(const Napi::CallbackInfo& info) {
  char path[256];
  CopyText(info[1], path);
  Reactor* reactor = ReactorOf(info);
  if (reactor == nullptr) return UV_ECANCELED;
  return reactor->ListenPath(path, Int(info[2]), Int(info[3]));
}

int ListenerPort(const Napi::CallbackInfo& info) {
  Reactor* reactor = ReactorOf(info);
  return reactor == nullptr ? 0 : reactor->ListenerPort(Int(info[1]));
}

void Unlisten(const Napi::CallbackInfo& info) {
  if (Reactor* reactor = ReactorOf(info)) reactor->Unlisten(Int(info[1]));
}

// (handle, fd, unread, unsent) -> conn or negative errno
int32_t Adopt(const Napi::CallbackInfo& info) {
  Reactor* reactor = ReactorOf(info);
  if (reactor == nullptr) return UV_ECANCELED;
  Napi::Uint8Array unread = info[2].As<Napi::Uint8Array>();
  Napi::Uint8Array unsent = info[3].As<Napi::Uint8Array>();
  return reactor->Adopt(Int(info[1]), unread.Data(), unread.ElementLength(), unsent.Data(),
                        unsent.ElementLength());
}

int32_t Reserve(const Napi::CallbackInfo& info) {
  Reactor* reactor = ReactorOf(info);
  return reactor == nullptr ? UV_ECANCELED : reactor->Reserve();
}

void Unreserve(const Napi::CallbackInfo& info) {
  if (Reactor* reactor = ReactorOf(info)) reactor->Unreserve(Int(info[1]));
}

void Spill(const Napi::CallbackInfo& info) {
  if (Reactor* reactor = ReactorOf(info)) reactor->Spill();
}

void Close(const Napi::CallbackInfo& info) {
  if (Reactor* reactor = ReactorOf(info)) reactor->Close(Int(info[1]));
}

void CloseAfterFlush(const Napi::CallbackInfo& info) {
  if (Reactor* reactor = ReactorOf(info)) {
    reactor->CloseAfterFlush(Int(info[1]), Double(info[2]));
  }
}

void Hold(const Napi::CallbackInfo& info) {
  if (Reactor* reactor = ReactorOf(info)) {
    reactor->Hold(Int(info[1]), static_cast<uint32_t>(Int(info[2])));
  }
}

void Resume(const Napi::CallbackInfo& info) {
  if (Reactor* reactor = ReactorOf(info)) reactor->Resume(Int(info[1]));
}

// (handle, conn) -> { fd, unread, unsent }, or undefined when it cannot be detached
Napi::Value Detach(const Napi::CallbackInfo& info) {
  Reactor* reactor = ReactorOf(info);
  Connection* connection = reactor == nullptr ? nullptr : reactor->FindDetachable(Int(info[1]));
  if (connection == nullptr) return info.Env().Undefined();
  Napi::Uint8Array unread =
      Napi::Uint8Array::New(info.Env(), connection->read_buffer.UnreadBytes());
  Napi::Uint8Array unsent = Napi::Uint8Array::New(info.Env(), connection->send_queue.unsent());
  Napi::Object result = Napi::Object::New(info.Env());
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

double UnsentBytes(const Napi::CallbackInfo& info) {
  Reactor* reactor = ReactorOf(info);
  return reactor == nullptr ? 0 : static_cast<double>(reactor->UnsentBytes(Int(info[1])));
}

double UnreadBytes(const Napi::CallbackInfo& info) {
  Reactor* reactor = ReactorOf(info);
  return reactor == nullptr ? 0 : static_cast<double>(reactor->UnreadBytes(Int(info[1])));
}

void NotifyDrained(const Napi::CallbackInfo& info) {
  if (Reactor* reactor = ReactorOf(info)) {
    reactor->NotifyDrained(Int(info[1]), static_cast<uint64_t>(Double(info[2])));
  }
}

// (handle, words, asleep, writeWords, readWords, doorbellFd) -> 0 or negative errno
int WatchRings(const Napi::CallbackInfo& info) {
  Binding* binding = BindingOf(info);
  if (binding->reactor == nullptr) return UV_ECANCELED;
  Napi::Int32Array words = info[1].As<Napi::Int32Array>();
  Napi::Int32Array write_words = info[3].As<Napi::Int32Array>();
  Napi::Int32Array read_words = info[4].As<Napi::Int32Array>();
  int result = binding->reactor->WatchRings(
      words.Data(), Int(info[2]), write_words.Data(), read_words.Data(),
      static_cast<uint32_t>(write_words.ElementLength()), Int(info[5]));
  if (result == 0) binding->held.ring_words = Napi::Persistent<Napi::Object>(words);
  return result;
}

void PauseReading(const Napi::CallbackInfo& info) {
  if (Reactor* reactor = ReactorOf(info)) reactor->PauseReading(Bool(info[1]));
}

void RequestTurn(const Napi::CallbackInfo& info) {
  if (Reactor* reactor = ReactorOf(info)) reactor->RequestTurn();
}

void Destroy(const Napi::CallbackInfo& info) {
  if (Reactor* reactor = ReactorOf(info)) reactor->Destroy();
}

}  // namespace

void ExportReactor(Napi::Object exports) {
  Export<ListenIp>(exports, "listenIp");
  Export<ListenPath>(exports, "listenPath");
  Export<ListenerPort>(exports, "listenerPort");
  Export<Unlisten>(exports, "unlisten");
  Export<Adopt>(exports, "adopt");
  Export<Reserve>(exports, "reserve");
  Export<Unreserve>(exports, "unreserve");
  Export<Spill>(exports, "spill");
  Export<Close>(exports, "close");
  Export<CloseAfterFlush>(exports, "closeAfterFlush");
  Export<Hold>(exports, "hold");
  Export<Resume>(exports, "resume");
  Export<Detach>(exports, "detach");
  Export<UnsentBytes>(exports, "unsentBytes");
  Export<UnreadBytes>(exports, "unreadBytes");
  Export<NotifyDrained>(exports, "notifyDrained");
  Export<WatchRings>(exports, "watchRings");
  Export<PauseReading>(exports, "pauseReading");
  Export<RequestTurn>(exports, "requestTurn");
  Export<Destroy>(exports, "destroy");
}

}  // namespace geartrain
