// Blobs: large data of frames in memory of their own, counted by references, so that it is received
// straight into its place and sent straight from it. One table a reactor; used by one thread only.
// Rule: memory is taken as bytes arrive, never as announced; what arrived is counted in
// control[BLOB_KIB].
#ifndef GEARTRAIN_BLOB_H_
#define GEARTRAIN_BLOB_H_

#include "memory.h"

namespace geartrain {

struct Blob {
  uint8_t* bytes;
  uint32_t size;      // Bytes that are there.
  uint32_t capacity;  // Bytes allocated.
  uint32_t references;
  int32_t id;
};

class BlobTable {
 public:
  // `kib` is where the table keeps the KiB of all blobs, `kib_max` where their limit stands (0:
  // none).
  BlobTable(int32_t* kib, const int32_t* kib_max) : kib_(kib), kib_max_(kib_max) {}
  ~BlobTable();

  // An empty blob with one reference; null when all ids are taken.
  Blob* Create();
  // A blob with a copy of `bytes` and one reference; null when there is no memory or no id.
  Blob* From(const uint8_t* bytes, uint32_t count);
  // The blob, or null when `id` is stale or was never given.
  Blob* Find(int32_t id);
  void Retain(Blob* blob) { blob->references++; }
  void Release(Blob* blob);

  // MiB of all blobs that count against a limit; 0 without one.
  int32_t LimitedMib() const { return *kib_max_ > 0 ? *kib_ / 1024 : 0; }
  // Whether a blob of `bytes` more than now would pass the limit.
  bool WouldPass(uint64_t bytes) const;
  // Makes room behind `size` for a read, when the blob will hold `total` in the end; false: no
  // memory.
  bool Grow(Blob* blob, uint32_t total);
  // Says that `bytes` were written behind `size`. Needs as much capacity.
  void Advance(Blob* blob, uint32_t bytes);

 private:
  struct Slot {
    Blob* blob;
    uint32_t generation;
    uint32_t next_free;
  };
  static uint32_t Kib(uint32_t bytes) { return (bytes + 1023u) / 1024u; }

  int32_t* kib_;
  const int32_t* kib_max_;
  Vector<Slot> slots_;
  uint32_t free_ = kNone;
  static constexpr uint32_t kNone = 0xffffffff;
};

}  // namespace geartrain

#endif  // GEARTRAIN_BLOB_H_
