// A reactor and what it needs of JavaScript, as one environment's handle. Freed when the reactor is
// closed and the JavaScript handle is collected.
#ifndef GEARTRAIN_BINDING_H_
#define GEARTRAIN_BINDING_H_

#include "base/list.h"
#include "binding/callback.h"
#include "binding/napi-util.h"
#include "reactor/reactor.h"

namespace geartrain {

struct Binding;
struct FirstMessageBinding;
struct DiskBinding;

// What one environment has; all of it is closed before its loop goes away.
struct EnvironmentState {
  List<Binding> bindings;
  List<FirstMessageBinding> queues;
  List<DiskBinding> disks;
  napi_async_cleanup_hook_handle hook = nullptr;
  bool is_ending = false;
};

// first-message-calls.cc
void CloseFirstMessageQueues(EnvironmentState* state);
// disk-calls.cc
void CloseDisks(EnvironmentState* state);

// Lets the environment go on with its end when nothing of ours is left.
inline void EndIfEmpty(EnvironmentState* state) {
  if (!state->is_ending) return;
  if (state->bindings.count > 0 || state->queues.count > 0 || state->disks.count > 0) return;
  if (state->hook != nullptr) napi_remove_async_cleanup_hook(state->hook);
  state->hook = nullptr;
}

// Given up as soon as the reactor is closed: a callback that reaches the handle would else keep
// both alive for ever.
struct Held {
  Napi::FunctionReference on_turn;
  Napi::FunctionReference on_listen_error;
  Napi::FunctionReference on_closed;
  Napi::FunctionReference on_output;
  Napi::ObjectReference arrays[6];
  Napi::ObjectReference ring_words;
};

struct Binding {
  Napi::Env env;
  EnvironmentState* state;
  Binding* next = nullptr;
  Binding* previous = nullptr;
  Reactor* reactor = nullptr;  // Null once every handle is closed.
  Held held = {};
  bool is_collected = false;
};

// The handle is the first argument of every call.
inline Binding* BindingOf(const Napi::CallbackInfo& info) {
  return info[0].As<Napi::External<Binding>>().Data();
}

inline Reactor* ReactorOf(const Napi::CallbackInfo& info) { return BindingOf(info)->reactor; }

}  // namespace geartrain

#endif  // GEARTRAIN_BINDING_H_
