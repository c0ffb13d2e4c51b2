// Settings and options from the arrays of numbers that src/native/addon-settings.ts makes.
#ifndef GEARTRAIN_SETTINGS_H_
#define GEARTRAIN_SETTINGS_H_

#include <napi.h>

#include "base/sockets.h"
#include "codec/layout.h"

namespace geartrain {

// What the codec must know of the packet table and the limits.
Settings ReadSettings(const Napi::Value& numbers, const Napi::Value& shapes);

// Five numbers from `at` on.
StreamOptions ReadStreamOptions(const Napi::Float64Array& number, size_t at);

}  // namespace geartrain

#endif  // GEARTRAIN_SETTINGS_H_
