// What the addon exports, part by part.
#ifndef GEARTRAIN_EXPORTS_H_
#define GEARTRAIN_EXPORTS_H_

#include <node_api.h>

#include "layout.h"
#include "napi-util.h"

namespace geartrain {

void ExportCreate(napi_env env, napi_value exports);
void ExportReactor(napi_env env, napi_value exports);
void ExportBlobs(napi_env env, napi_value exports);
void ExportDecoder(napi_env env, napi_value exports);
void ExportFunctions(napi_env env, napi_value exports);

// Settings from the two arrays that src/native/addon.ts makes of the packet table and the limits.
Settings ReadSettings(ByteSpan numbers, ByteSpan shapes);

}  // namespace geartrain

#endif  // GEARTRAIN_EXPORTS_H_
