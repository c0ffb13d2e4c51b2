// The calls about blobs, for each object with a blob table: `blobs_of` returns the table, or null
// when the object is closed. Rule: no logic here; an unknown id throws.
#ifndef GEARTRAIN_BLOB_CALLS_H_
#define GEARTRAIN_BLOB_CALLS_H_

#include "binding/errors.h"
#include "binding/napi-util.h"
#include "codec/blob.h"
#include "codec/layout.h"

namespace geartrain {

using BlobsOf = BlobTable*(const Napi::CallbackInfo& info);

inline Blob* FindBlob(const Napi::CallbackInfo& info, BlobTable* blobs, const char* what) {
  Blob* blob = blobs == nullptr ? nullptr : blobs->Find(Int(info[1]));
  if (blob == nullptr) ThrowReactorError(info.Env(), "%s blob %d: not alive", what, Int(info[1]));
  return blob;
}

// Reads bytes [start, end) from three arguments, beginning with `at`. Throws and returns false
// when they are out of range.
inline bool ReadSpan(const Napi::CallbackInfo& info, size_t at, const char* what,
                     const uint8_t** first, uint32_t* count) {
  Napi::Uint8Array bytes = info[at].As<Napi::Uint8Array>();
  double start = Double(info[at + 1]);
  double end = Double(info[at + 2]);
  double length = static_cast<double>(bytes.ElementLength());
  if (!(start >= 0 && start <= end && end <= length)) {
    ThrowRangeError(info.Env(), "%s: [%.0f, %.0f) of %.0f bytes", what, start, end, length);
    return false;
  }
  *first = bytes.Data() + static_cast<size_t>(start);
  *count = static_cast<uint32_t>(end) - static_cast<uint32_t>(start);
  return true;
}

// (handle, bytes, start, end) -> id
template <BlobsOf blobs_of>
int32_t BlobFrom(const Napi::CallbackInfo& info) {
  const uint8_t* bytes;
  uint32_t count;
  if (!ReadSpan(info, 1, "make a blob", &bytes, &count)) return 0;
  BlobTable* blobs = blobs_of(info);
  Blob* blob = blobs == nullptr ? nullptr : blobs->From(bytes, count);
  if (blob != nullptr) return blob->id;
  ThrowReactorError(info.Env(), "make a blob: no memory for %u bytes", count);
  return 0;
}

// (handle, announcedBytes) -> id, or BLOB_DROPPED when the limit or the ids forbid it
template <BlobsOf blobs_of>
int32_t BlobOpen(const Napi::CallbackInfo& info) {
  BlobTable* blobs = blobs_of(info);
  if (blobs == nullptr) return kBlobDropped;
  Blob* blob = blobs->WouldPass(static_cast<uint64_t>(Double(info[1]))) ? nullptr : blobs->Create();
  return blob == nullptr ? kBlobDropped : blob->id;
}

// (handle, id, bytes, start, end, announcedBytes) -> success
template <BlobsOf blobs_of>
bool BlobAppend(const Napi::CallbackInfo& info) {
  const uint8_t* bytes;
  uint32_t count;
  if (!ReadSpan(info, 2, "append to a blob", &bytes, &count)) return false;
  BlobTable* blobs = blobs_of(info);
  Blob* blob = blobs == nullptr ? nullptr : blobs->Find(Int(info[1]));
  return blob != nullptr &&
         blobs->Append(blob, bytes, count, static_cast<uint32_t>(Double(info[5])));
}

template <BlobsOf blobs_of>
void BlobRetain(const Napi::CallbackInfo& info) {
  BlobTable* blobs = blobs_of(info);
  if (Blob* blob = FindBlob(info, blobs, "retain")) blobs->Retain(blob);
}

template <BlobsOf blobs_of>
void BlobRelease(const Napi::CallbackInfo& info) {
  BlobTable* blobs = blobs_of(info);
  if (Blob* blob = FindBlob(info, blobs, "release")) blobs->Release(blob);
}

template <BlobsOf blobs_of>
double BlobBytes(const Napi::CallbackInfo& info) {
  Blob* blob = FindBlob(info, blobs_of(info), "measure");
  return blob == nullptr ? 0 : static_cast<double>(blob->size);
}

// (handle, id, offset, target, at, count)
template <BlobsOf blobs_of>
void BlobRead(const Napi::CallbackInfo& info) {
  BlobTable* blobs = blobs_of(info);
  Blob* blob = blobs == nullptr ? nullptr : blobs->Find(Int(info[1]));
  Napi::Uint8Array target = info[3].As<Napi::Uint8Array>();
  double offset = Double(info[2]);
  double at = Double(info[4]);
  double count = Double(info[5]);
  bool is_inside = blob != nullptr && offset >= 0 && at >= 0 && count >= 0 &&
                   offset + count <= blob->size &&
                   at + count <= static_cast<double>(target.ElementLength());
  if (!is_inside) {
    return ThrowRangeError(info.Env(), "read blob %d: %.0f bytes from %.0f to %.0f", Int(info[1]),
                           count, offset, at);
  }
  CopyBytes(target.Data() + static_cast<size_t>(at), blob->bytes + static_cast<size_t>(offset),
            static_cast<size_t>(count));
}

}  // namespace geartrain

#endif  // GEARTRAIN_BLOB_CALLS_H_
