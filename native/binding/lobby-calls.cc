// The binding of Lobby (lobby.h) to JavaScript. Rule: no logic here; calls to a lobby that is closed
// do nothing.
#include "binding/binding.h"
#include "binding/exports.h"
#include "first-message/lobby.h"

namespace geartrain {

// Freed when the lobby is closed and the JavaScript handle is collected.
struct LobbyBinding {
  Napi::Env env;
  EnvironmentState* state;
  LobbyBinding* next = nullptr;
  LobbyBinding* previous = nullptr;
  Lobby* lobby = nullptr;  // Null once every handle is closed.
  // Given up with the lobby, as Held is.
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
  LobbyBinding* binding = static_cast<LobbyBinding*>(data);
  return Call(binding->env, binding->held.on_rows, static_cast<int32_t>(row_count));
}

Outcome OnAcceptError(void* data, int error) {
  LobbyBinding* binding = static_cast<LobbyBinding*>(data);
  return Call(binding->env, binding->held.on_accept_error, error);
}

void OnClosed(void* data) {
  LobbyBinding* binding = static_cast<LobbyBinding*>(data);
  EnvironmentState* state = binding->state;
  delete binding->lobby;
  binding->lobby = nullptr;
  if (!state->is_ending) Call(binding->env, binding->held.on_closed, 0);
  binding->held = {};
  state->lobbies.Remove(binding);
  if (binding->is_collected) delete binding;
  EndIfEmpty(state);
}

void OnCollected(Napi::Env, LobbyBinding* binding) {
  binding->is_collected = true;
  if (binding->lobby == nullptr) delete binding;
}

Lobby* LobbyOf(const Napi::CallbackInfo& info) {
  return info[0].As<Napi::External<LobbyBinding>>().Data()->lobby;
}

// (numbers, host, onRows, onAcceptError, onClosed) -> { handle, rows, texts }, or a negative errno
Napi::Value LobbyOpen(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) Die("no event loop");
  Napi::Float64Array number = info[0].As<Napi::Float64Array>();
  if (number.ElementLength() != 11) Die("options of a lobby have a wrong length");
  char host[128];
  CopyText(info[1], host);
  LobbyBinding* binding = new LobbyBinding{env, env.GetInstanceData<EnvironmentState>()};
  auto handle = Napi::External<LobbyBinding>::New(env, binding, OnCollected);
  Napi::Int32Array rows = Napi::Int32Array::New(env, kLobbyRows * kLobbyRowInts);
  Napi::Uint8Array texts = Napi::Uint8Array::New(env, kLobbyRows * kAddressBytesMax);
  if (handle.IsEmpty()) delete binding;
  if (handle.IsEmpty() || rows.IsEmpty() || texts.IsEmpty()) return Napi::Value();
  Napi::Object result = Napi::Object::New(env);
  result.Set("rows", rows);
  result.Set("texts", texts);
  if (!result.Set("handle", handle)) return Napi::Value();
  Lobby* lobby = new Lobby(
      LobbyOptions{static_cast<Awaits>(static_cast<int32_t>(number[3])),
                   static_cast<uint64_t>(number[4]), static_cast<uint32_t>(number[5]),
                   ReadStreamOptions(number, 6)},
      rows.Data(), reinterpret_cast<char*>(texts.Data()),
      LobbyHost{binding, OnRows, OnAcceptError, OnClosed});
  int error = lobby->Listen(loop, host, static_cast<int>(number[0]), static_cast<int>(number[1]),
                            number[2] != 0);
  if (error != 0) {
    delete lobby;
    return Napi::Number::New(env, error);
  }
  binding->lobby = lobby;
  binding->held.rows = Napi::Persistent<Napi::Object>(rows);
  binding->held.texts = Napi::Persistent<Napi::Object>(texts);
  binding->held.on_rows = Napi::Persistent(info[2].As<Napi::Function>());
  binding->held.on_accept_error = Napi::Persistent(info[3].As<Napi::Function>());
  binding->held.on_closed = Napi::Persistent(info[4].As<Napi::Function>());
  binding->state->lobbies.PushFront(binding);
  return result;
}

int LobbyPort(const Napi::CallbackInfo& info) {
  Lobby* lobby = LobbyOf(info);
  return lobby == nullptr ? 0 : lobby->port();
}

void LobbyRefuse(const Napi::CallbackInfo& info) {
  if (Lobby* lobby = LobbyOf(info)) lobby->Refuse(Int(info[1]));
}

void LobbyPause(const Napi::CallbackInfo& info) {
  if (Lobby* lobby = LobbyOf(info)) lobby->Pause(Bool(info[1]));
}

void LobbyClose(const Napi::CallbackInfo& info) {
  if (Lobby* lobby = LobbyOf(info)) lobby->Close();
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

void CloseLobbies(EnvironmentState* state) {
  for (LobbyBinding* binding = state->lobbies.first; binding != nullptr; binding = binding->next) {
    binding->lobby->Close();
  }
}

void ExportLobby(Napi::Object exports) {
  Export<LobbyOpen>(exports, "lobbyOpen");
  Export<LobbyPort>(exports, "lobbyPort");
  Export<LobbyRefuse>(exports, "lobbyRefuse");
  Export<LobbyPause>(exports, "lobbyPause");
  Export<LobbyClose>(exports, "lobbyClose");
  Export<LookAtFirst>(exports, "lookAtFirst");
}

}  // namespace geartrain
