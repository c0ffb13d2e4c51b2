// Calls from the loop into JavaScript. What is thrown goes the way of every uncaught error.
#ifndef GEARTRAIN_CALLBACK_H_
#define GEARTRAIN_CALLBACK_H_

#include <napi.h>

#include "base/outcome.h"

namespace geartrain {

// Promises and ticks run after it.
Outcome Call(Napi::Env env, const Napi::FunctionReference& function, int32_t argument);
// What has become of a call that failed.
Outcome ReportFailure(napi_env env);

}  // namespace geartrain

#endif  // GEARTRAIN_CALLBACK_H_
