// What the addon exports, part by part.
#ifndef GEARTRAIN_EXPORTS_H_
#define GEARTRAIN_EXPORTS_H_

#include "layout.h"
#include "napi-util.h"

namespace geartrain {

void ExportReactor(Napi::Object exports);
void ExportBlobs(Napi::Object exports);
void ExportDecoder(Napi::Object exports);
void ExportFunctions(Napi::Object exports);

// Settings from the two arrays that src/native/addon-settings.ts makes of the packet table and the
// limits.
Settings ReadSettings(const Napi::Value& numbers, const Napi::Value& shapes);

}  // namespace geartrain

#endif  // GEARTRAIN_EXPORTS_H_
