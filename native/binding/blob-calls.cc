// The calls of src/native/bindings.ts that reach a reactor's blobs. They answer false (or -1) for
// an unknown id.
#include "binding/binding.h"
#include "binding/exports.h"

namespace geartrain {
namespace {

// (handle, bytes, start, end) -> id, or 0 when there is no memory
int32_t BlobFrom(const Napi::CallbackInfo& info) {
  Reactor* reactor = ReactorOf(info);
  uint32_t start = static_cast<uint32_t>(Double(info[2]));
  uint32_t count = static_cast<uint32_t>(Double(info[3])) - start;
  if (reactor == nullptr) return 0;
  Blob* blob = reactor->blobs()->From(info[1].As<Napi::Uint8Array>().Data() + start, count);
  return blob == nullptr ? 0 : blob->id;
}

// (handle, announcedBytes) -> id, or BLOB_DROPPED when the limit or the ids forbid it
int32_t BlobOpen(const Napi::CallbackInfo& info) {
  Reactor* reactor = ReactorOf(info);
  if (reactor == nullptr) return kBlobDropped;
  BlobTable* blobs = reactor->blobs();
  Blob* blob = blobs->WouldPass(static_cast<uint64_t>(Double(info[1]))) ? nullptr : blobs->Create();
  return blob == nullptr ? kBlobDropped : blob->id;
}

Blob* BlobOf(const Napi::CallbackInfo& info) {
  Reactor* reactor = ReactorOf(info);
  return reactor == nullptr ? nullptr : reactor->blobs()->Find(Int(info[1]));
}

// (handle, id, bytes, start, end, announcedBytes) -> whether it was done
bool BlobAppend(const Napi::CallbackInfo& info) {
  Blob* blob = BlobOf(info);
  uint32_t start = static_cast<uint32_t>(Double(info[3]));
  uint32_t count = static_cast<uint32_t>(Double(info[4])) - start;
  return blob != nullptr &&
         ReactorOf(info)->blobs()->Append(blob, info[2].As<Napi::Uint8Array>().Data() + start,
                                          count, static_cast<uint32_t>(Double(info[5])));
}

bool BlobRetain(const Napi::CallbackInfo& info) {
  Blob* blob = BlobOf(info);
  if (blob != nullptr) ReactorOf(info)->blobs()->Retain(blob);
  return blob != nullptr;
}

bool BlobRelease(const Napi::CallbackInfo& info) {
  Blob* blob = BlobOf(info);
  if (blob != nullptr) ReactorOf(info)->blobs()->Release(blob);
  return blob != nullptr;
}

double BlobBytes(const Napi::CallbackInfo& info) {
  Blob* blob = BlobOf(info);
  return blob == nullptr ? -1 : static_cast<double>(blob->size);
}

// (handle, id, offset, target, at, count) -> whether it was done
bool BlobRead(const Napi::CallbackInfo& info) {
  Blob* blob = BlobOf(info);
  Napi::Uint8Array target = info[3].As<Napi::Uint8Array>();
  double offset = Double(info[2]);
  double at = Double(info[4]);
  double count = Double(info[5]);
  bool is_inside = blob != nullptr && offset >= 0 && at >= 0 && count >= 0 &&
                   offset + count <= blob->size &&
                   at + count <= static_cast<double>(target.ElementLength());
  if (is_inside) {
    CopyBytes(target.Data() + static_cast<size_t>(at), blob->bytes + static_cast<size_t>(offset),
              static_cast<size_t>(count));
  }
  return is_inside;
}

}  // namespace

void ExportBlobs(Napi::Object exports) {
  Export<BlobFrom>(exports, "blobFrom");
  Export<BlobOpen>(exports, "blobOpen");
  Export<BlobAppend>(exports, "blobAppend");
  Export<BlobRetain>(exports, "blobRetain");
  Export<BlobRelease>(exports, "blobRelease");
  Export<BlobBytes>(exports, "blobBytes");
  Export<BlobRead>(exports, "blobRead");
}

}  // namespace geartrain
