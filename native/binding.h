// A reactor and what it needs of JavaScript, as one environment's handle. Freed when the reactor is
// closed and the JavaScript handle is collected.
#ifndef GEARTRAIN_BINDING_H_
#define GEARTRAIN_BINDING_H_

#include "napi-util.h"
#include "reactor.h"

namespace geartrain {

struct Binding;

// What one environment has; its reactors are closed before its loop goes away.
struct EnvironmentState {
  Binding* first;
  napi_async_cleanup_hook_handle hook;
  bool is_ending;
};

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

// The handle is the first argument of every call.
inline Binding* BindingOf(const Arguments& arguments) {
  return static_cast<Binding*>(arguments.External(0));
}

inline Reactor* ReactorOf(const Arguments& arguments) { return BindingOf(arguments)->reactor; }

}  // namespace geartrain

#endif  // GEARTRAIN_BINDING_H_
