// Reads settings and options from the number arrays of src/native/addon-settings.ts.
#ifndef GEARTRAIN_SETTINGS_H_
#define GEARTRAIN_SETTINGS_H_

#include <napi.h>

#include "base/sockets.h"
#include "codec/layout.h"

namespace geartrain {

// Facts of the packet table and limits for the codec.
Settings ReadSettings(const Napi::Value& numbers, const Napi::Value& shapes);

// Five numbers, beginning at `at`.
StreamOptions ReadStreamOptions(const Napi::Float64Array& number, size_t at);

}  // namespace geartrain

#endif  // GEARTRAIN_SETTINGS_H_
