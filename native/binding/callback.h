// Calls from the loop into JavaScript. A thrown error becomes an uncaught exception.
#ifndef GEARTRAIN_CALLBACK_H_
#define GEARTRAIN_CALLBACK_H_

#include <napi.h>

#include "base/outcome.h"

namespace geartrain {

// Runs promises and ticks after it.
Outcome Call(Napi::Env env, const Napi::FunctionReference& function, int32_t argument);
// The outcome of a failed call.
Outcome ReportFailure(napi_env env);

}  // namespace geartrain

#endif  // GEARTRAIN_CALLBACK_H_
