// The calls of src/native/bindings.ts that reach a reactor's blobs. They answer false (or -1) for
// an unknown id.
#include "binding.h"
#include "exports.h"

namespace geartrain {
namespace {

// (handle, bytes, start, end) -> id, or 0 when there is no memory
napi_value BlobFrom(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Reactor* reactor = ReactorOf(arguments);
  uint32_t start = static_cast<uint32_t>(arguments.Number(2));
  uint32_t count = static_cast<uint32_t>(arguments.Number(3)) - start;
  if (reactor == nullptr) return MakeInt(env, 0);
  Blob* blob = reactor->blobs()->From(arguments.Bytes(1).bytes + start, count);
  return MakeInt(env, blob == nullptr ? 0 : blob->id);
}

Blob* BlobOf(const Arguments& arguments) {
  Reactor* reactor = ReactorOf(arguments);
  return reactor == nullptr ? nullptr : reactor->blobs()->Find(arguments.Int(1));
}

napi_value BlobRetain(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Blob* blob = BlobOf(arguments);
  if (blob != nullptr) ReactorOf(arguments)->blobs()->Retain(blob);
  return MakeBool(env, blob != nullptr);
}

napi_value BlobRelease(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Blob* blob = BlobOf(arguments);
  if (blob != nullptr) ReactorOf(arguments)->blobs()->Release(blob);
  return MakeBool(env, blob != nullptr);
}

napi_value BlobBytes(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Blob* blob = BlobOf(arguments);
  return MakeNumber(env, blob == nullptr ? -1 : static_cast<double>(blob->size));
}

// (handle, id, offset, target, at, count) -> whether it was done
napi_value BlobRead(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Blob* blob = BlobOf(arguments);
  ByteSpan target = arguments.Bytes(3);
  double offset = arguments.Number(2);
  double at = arguments.Number(4);
  double count = arguments.Number(5);
  bool is_inside = blob != nullptr && offset >= 0 && at >= 0 && count >= 0 &&
                   offset + count <= blob->size && at + count <= static_cast<double>(target.count);
  if (is_inside) {
    CopyBytes(target.bytes + static_cast<size_t>(at), blob->bytes + static_cast<size_t>(offset),
              static_cast<size_t>(count));
  }
  return MakeBool(env, is_inside);
}

}  // namespace

void ExportBlobs(napi_env env, napi_value exports) {
  SetFunction(env, exports, "blobFrom", BlobFrom);
  SetFunction(env, exports, "blobRetain", BlobRetain);
  SetFunction(env, exports, "blobRelease", BlobRelease);
  SetFunction(env, exports, "blobBytes", BlobBytes);
  SetFunction(env, exports, "blobRead", BlobRead);
}

}  // namespace geartrain
