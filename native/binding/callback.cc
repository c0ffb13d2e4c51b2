#include "binding/callback.h"

namespace geartrain {

// After a failed call: a thrown error becomes an uncaught exception; without an error the
// environment is ending.
Outcome ReportFailure(napi_env env) {
  bool is_pending = false;
  napi_value error;
  if (napi_is_exception_pending(env, &is_pending) != napi_ok || !is_pending) {
    return Outcome::kEnding;
  }
  if (napi_get_and_clear_last_exception(env, &error) != napi_ok) return Outcome::kEnding;
  return napi_fatal_exception(env, error) == napi_ok ? Outcome::kThrew : Outcome::kEnding;
}

// napi_make_callback itself: node-addon-api's version would wrap the error before we can report
// it.
Outcome Call(Napi::Env env, const Napi::FunctionReference& function, int32_t argument) {
  Napi::HandleScope scope(env);
  napi_value value = Napi::Number::New(env, argument);
  napi_status status =
      napi_make_callback(env, nullptr, env.Global(), function.Value(), 1, &value, nullptr);
  return status == napi_ok ? Outcome::kDone : ReportFailure(env);
}

}  // namespace geartrain
