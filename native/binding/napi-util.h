// What node-addon-api says in more than a line. Arguments were checked in src/native/; a wrong one
// here is our own fault, and As<>() ends the process (see binding.gyp).
// Rule: in a thread that is being terminated making an array or setting a field fails, at any time
// and from then on: who makes an object looks at its parts, sets the one that counts last, and
// gives nothing when that fails.
#ifndef GEARTRAIN_NAPI_UTIL_H_
#define GEARTRAIN_NAPI_UTIL_H_

#include <napi.h>

#include "base/memory.h"

namespace geartrain {

inline int32_t Int(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

inline double Double(const Napi::Value& value) { return value.As<Napi::Number>().DoubleValue(); }

inline bool Bool(const Napi::Value& value) { return value.As<Napi::Boolean>().Value(); }

// Copies a string, cut behind its last whole character that fits, and a NUL.
template <size_t room>
void CopyText(const Napi::Value& value, char (&target)[room]) {
  if (napi_get_value_string_utf8(value.Env(), value, target, room, nullptr) != napi_ok) {
    Die("argument is no string");
  }
}

template <auto function>
Napi::Value Answer(const Napi::CallbackInfo& info) {
  return Napi::Value::From(info.Env(), function(info));
}

// Exports a function of CallbackInfo that gives nothing, a number, a boolean or a Napi::Value.
template <auto function>
void Export(Napi::Object exports, const char* name) {
  Napi::Env env = exports.Env();
  if constexpr (std::is_convertible_v<decltype(function), Napi::Function::VoidCallback>) {
    exports.Set(name, Napi::Function::New<function>(env, name));
  } else {
    exports.Set(name, Napi::Function::New<Answer<function>>(env, name));
  }
}

}  // namespace geartrain

#endif  // GEARTRAIN_NAPI_UTIL_H_
