// What the addon exports, part by part.
#ifndef GEARTRAIN_EXPORTS_H_
#define GEARTRAIN_EXPORTS_H_

#include "base/sockets.h"
#include "binding/napi-util.h"
#include "codec/layout.h"

namespace geartrain {

void ExportReactor(Napi::Object exports);
void ExportFirstMessageQueue(Napi::Object exports);
void ExportDisk(Napi::Object exports);
void ExportBlobs(Napi::Object exports);
void ExportDecoder(Napi::Object exports);
void ExportFunctions(Napi::Object exports);

// Settings from the two arrays that src/native/addon-settings.ts makes of the packet table and the
// limits.
Settings ReadSettings(const Napi::Value& numbers, const Napi::Value& shapes);

// Five numbers from `at` on, as addon-settings.ts orders them.
inline StreamOptions ReadStreamOptions(const Napi::Float64Array& number, size_t at) {
  return StreamOptions{number[at] != 0, static_cast<int>(number[at + 1]),
                       static_cast<int>(number[at + 2]), static_cast<int>(number[at + 3]),
                       static_cast<int>(number[at + 4])};
}

}  // namespace geartrain

#endif  // GEARTRAIN_EXPORTS_H_
