// The tables of the addon's exports; each file with calls fills one or more of them. Contract:
// Bindings in src/native/bindings.ts.
#ifndef GEARTRAIN_EXPORTS_H_
#define GEARTRAIN_EXPORTS_H_

#include "binding/napi-util.h"

namespace geartrain {

void ExportReactor(Napi::Object exports);
void ExportFirstMessageQueue(Napi::Object exports);
void ExportDisk(Napi::Object exports);
void ExportDecoder(Napi::Object exports);
void ExportFunctions(Napi::Object exports);

}  // namespace geartrain

#endif  // GEARTRAIN_EXPORTS_H_
