// Errors that a call throws. src/native/addon-errors.ts makes them, so they are of its classes.
// Rule: after throwing, a call returns at once; its result is ignored.
#ifndef GEARTRAIN_ERRORS_H_
#define GEARTRAIN_ERRORS_H_

#include <napi.h>

namespace geartrain {

// SystemError: `syscall` and a text as of printf; `error` is a negative errno.
__attribute__((format(printf, 4, 5))) void ThrowSystemError(Napi::Env env, int error,
                                                            const char* syscall,
                                                            const char* format, ...);
// ReactorError: the object's state does not allow the call.
__attribute__((format(printf, 2, 3))) void ThrowReactorError(Napi::Env env, const char* format,
                                                             ...);
__attribute__((format(printf, 2, 3))) void ThrowRangeError(Napi::Env env, const char* format, ...);

}  // namespace geartrain

#endif  // GEARTRAIN_ERRORS_H_
