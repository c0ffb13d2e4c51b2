// Short forms for node-addon-api. src/native/ passes arguments of the right types; As<>() ends the
// process for a wrong one (see binding.gyp). Rule: in a thread that is being terminated, making an
// array or setting a field can fail at any time, and fails from then on. So a function that makes
// an object checks its parts, sets the most important one last, and returns nothing when that
// fails.
#ifndef GEARTRAIN_NAPI_UTIL_H_
#define GEARTRAIN_NAPI_UTIL_H_

#include <napi.h>

#include <type_traits>

#include "base/memory.h"

namespace geartrain {

inline int32_t Int(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

inline double Double(const Napi::Value& value) { return value.As<Napi::Number>().DoubleValue(); }

inline bool Bool(const Napi::Value& value) { return value.As<Napi::Boolean>().Value(); }

// A boolean or a number, by the type of a parameter.
template <typename T>
T FromValue(const Napi::Value& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return Bool(value);
  } else if constexpr (sizeof(T) == sizeof(int32_t)) {
    return static_cast<T>(Int(value));
  } else {
    return static_cast<T>(Double(value));
  }
}

// Copies a string and a NUL; a longer string is cut after the last whole character that fits.
template <size_t room>
void CopyText(const Napi::Value& value, char (&target)[room]) {
  if (napi_get_value_string_utf8(value.Env(), value, target, room, nullptr) != napi_ok) {
    Die("argument is no string");
  }
}

template <auto function>
Napi::Value ToValue(const Napi::CallbackInfo& info) {
  return Napi::Value::From(info.Env(), function(info));
}

// A table of functions among the exports.
inline Napi::Object AddTable(Napi::Object exports, const char* name) {
  Napi::Object table = Napi::Object::New(exports.Env());
  exports.Set(name, table);
  return table;
}

// A row of the exports or of a table: a function of CallbackInfo that returns nothing, a number, a
// boolean or a Napi::Value.
template <auto function>
void Export(Napi::Object table, const char* name) {
  Napi::Env env = table.Env();
  if constexpr (std::is_convertible_v<decltype(function), Napi::Function::VoidCallback>) {
    table.Set(name, Napi::Function::New<function>(env, name));
  } else {
    table.Set(name, Napi::Function::New<ToValue<function>>(env, name));
  }
}

}  // namespace geartrain

#endif  // GEARTRAIN_NAPI_UTIL_H_
