// The addon's state in one environment, that is in one thread, and Binding: a native object with
// its references to JavaScript. JavaScript's handle of the object is an External with its Binding,
// and the first argument of every call. Rule: every object is closed before the loop of its
// environment goes away. A Binding is freed when its object is closed and its handle is collected.
#ifndef GEARTRAIN_BINDING_H_
#define GEARTRAIN_BINDING_H_

#include <uv.h>

#include <utility>

#include "base/list.h"
#include "binding/callback.h"
#include "binding/napi-util.h"

namespace geartrain {

struct AnyBinding;

struct EnvironmentState {
  List<AnyBinding> bindings;     // Bindings of open objects.
  Napi::FunctionReference fail;  // Makes errors; see errors.h.
  napi_async_cleanup_hook_handle hook = nullptr;
  bool is_ending = false;
};

// Completes the end of the environment when no object is left.
inline void EndIfEmpty(EnvironmentState* state) {
  if (!state->is_ending || state->bindings.count > 0) return;
  if (state->hook != nullptr) napi_remove_async_cleanup_hook(state->hook);
  state->hook = nullptr;
}

inline uv_loop_t* LoopOf(Napi::Env env) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) Die("no event loop");
  return loop;
}

// Released as soon as the object is closed: otherwise a callback that refers to the handle would
// keep both alive for ever.
struct Held {
  Napi::FunctionReference on_event;  // Its argument is a number of rows, or the result of an order.
  Napi::FunctionReference on_error;  // Its argument is an errno.
  Napi::FunctionReference on_closed;
  Napi::FunctionReference on_output;
  Napi::ObjectReference arrays[7];
};

struct AnyBinding {
  Napi::Env env;
  EnvironmentState* state;
  void (*end)(AnyBinding* binding);  // Closes the object because its environment ends.
  AnyBinding* next = nullptr;
  AnyBinding* previous = nullptr;
  Held held = {};
  bool is_open = false;
  bool is_collected = false;
};

template <typename T>
struct Binding : AnyBinding {
  T* object = nullptr;  // Null before Open(), and once every handle of the loop is closed.

  // `close` is called when the environment ends. Null when there is no handle: JavaScript cannot
  // run.
  template <void (T::*close)()>
  static Binding* New(Napi::Env env, Napi::External<Binding>* handle) {
    auto end = [](AnyBinding* binding) { (static_cast<Binding*>(binding)->object->*close)(); };
    Binding* binding = new Binding{{env, env.GetInstanceData<EnvironmentState>(), end}};
    *handle = Napi::External<Binding>::New(env, binding, OnCollected);
    if (!handle->IsEmpty()) return binding;
    delete binding;
    return nullptr;
  }

  // Takes ownership of the object, which calls OnClosed at its end.
  void Open(T* opened) {
    object = opened;
    is_open = true;
    state->bindings.PushFront(this);
  }

  static void OnCollected(Napi::Env, Binding* binding) {
    binding->is_collected = true;
    if (!binding->is_open) delete binding;
  }

  // Callbacks of the object's host, whose `data` is the Binding.
  static Outcome OnEvent(void* data, uint32_t number) {
    Binding* binding = static_cast<Binding*>(data);
    return Call(binding->env, binding->held.on_event, static_cast<int32_t>(number));
  }

  static Outcome OnError(void* data, int error) {
    Binding* binding = static_cast<Binding*>(data);
    return Call(binding->env, binding->held.on_error, error);
  }

  static void OnClosed(void* data) {
    Binding* binding = static_cast<Binding*>(data);
    EnvironmentState* state = binding->state;
    delete binding->object;
    binding->object = nullptr;
    bool must_call = !state->is_ending && !binding->held.on_closed.IsEmpty();
    if (must_call) Call(binding->env, binding->held.on_closed, 0);
    binding->held = {};
    binding->is_open = false;
    state->bindings.Remove(binding);
    if (binding->is_collected) delete binding;
    EndIfEmpty(state);
  }
};

// Null when it is closed.
template <typename T>
T* ObjectOf(const Napi::CallbackInfo& info) {
  return info[0].As<Napi::External<Binding<T>>>().Data()->object;
}

template <typename T, typename Result, typename... Arguments, size_t... index>
Result CallMethod(T* object, Result (T::*method)(Arguments...),
                  [[maybe_unused]] const Napi::CallbackInfo& info, std::index_sequence<index...>) {
  return (object->*method)(FromValue<Arguments>(info[index + 1])...);
}

template <auto method, int closed, typename T, typename Result, typename... Arguments>
Result CallUnlessClosed(const Napi::CallbackInfo& info, Result (T::*)(Arguments...)) {
  T* object = ObjectOf<T>(info);
  if constexpr (std::is_void_v<Result>) {
    if (object != nullptr) {
      CallMethod(object, method, info, std::index_sequence_for<Arguments...>());
    }
  } else {
    if (object == nullptr) return closed;
    return CallMethod(object, method, info, std::index_sequence_for<Arguments...>());
  }
}

// Makes a method of numbers and booleans a function of (handle, its arguments). For a closed
// object it does nothing and returns `closed`.
template <auto method, int closed = 0>
auto Method(const Napi::CallbackInfo& info) {
  return CallUnlessClosed<method, closed>(info, method);
}

}  // namespace geartrain

#endif  // GEARTRAIN_BINDING_H_
