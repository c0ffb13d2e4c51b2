#include "binding/errors.h"

#include <cstdarg>
#include <cstdio>

#include "binding/binding.h"

namespace geartrain {
namespace {

constexpr size_t kTextBytes = 160;

// The function throws, and the error is left for the caller in JavaScript.
void Fail(Napi::Env env, const char* syscall, const char* text, int error) {
  napi_value arguments[] = {Napi::String::New(env, syscall), Napi::String::New(env, text),
                            Napi::Number::New(env, error)};
  napi_call_function(env, env.Global(), env.GetInstanceData<EnvironmentState>()->fail.Value(), 3,
                     arguments, nullptr);
}

}  // namespace

void ThrowSystemError(Napi::Env env, int error, const char* syscall, const char* format, ...) {
  char text[kTextBytes];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  Fail(env, syscall, text, error);
}

void ThrowReactorError(Napi::Env env, const char* format, ...) {
  char text[kTextBytes];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  Fail(env, "", text, 0);
}

void ThrowRangeError(Napi::Env env, const char* format, ...) {
  char text[kTextBytes];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  napi_throw_range_error(env, nullptr, text);
}

}  // namespace geartrain
