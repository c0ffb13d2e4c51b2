// The addon's entry: its exports, and the end of an environment. State is kept per environment:
// each thread that loads the addon has its own.
#include "binding/binding.h"
#include "binding/exports.h"

namespace geartrain {
namespace {

// Runs before the environment's loop goes away; Binding::OnClosed of the last object completes it.
void OnEnvironmentEnd(napi_async_cleanup_hook_handle handle, void* data) {
  EnvironmentState* state = static_cast<EnvironmentState*>(data);
  state->is_ending = true;
  state->hook = handle;
  for (AnyBinding* binding = state->bindings.first; binding != nullptr; binding = binding->next) {
    binding->end(binding);
  }
  EndIfEmpty(state);
}

// (fail): call once, before everything else; see errors.h
void SetFail(const Napi::CallbackInfo& info) {
  info.Env().GetInstanceData<EnvironmentState>()->fail =
      Napi::Persistent(info[0].As<Napi::Function>());
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  EnvironmentState* state = new EnvironmentState();
  env.SetInstanceData(state);
  if (napi_add_async_cleanup_hook(env, OnEnvironmentEnd, state, &state->hook) != napi_ok) {
    Die("no cleanup hook");
  }
  Export<SetFail>(exports, "setFail");
  ExportReactor(exports);
  ExportFirstMessageQueue(exports);
  ExportDisk(exports);
  ExportDecoder(exports);
  ExportFunctions(exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)

}  // namespace geartrain
