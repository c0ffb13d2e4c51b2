// Blobs: large data of frames in memory of their own, with a reference count. Data is received
// straight into a blob and sent straight from it. One table for each reactor; used by one thread
// only. Rule: memory is used as bytes arrive, never as announced; control[BLOB_KIB] counts arrived
// bytes. Blocks of 64 KiB to 1 MiB are kept for the next blob, so that their pages need not be
// made again; at most kSpareBytesMax of them.
#ifndef GEARTRAIN_BLOB_H_
#define GEARTRAIN_BLOB_H_

#include "base/memory.h"

namespace geartrain {

struct Blob {
  uint8_t* bytes;
  uint32_t size;      // Bytes that have arrived.
  uint32_t capacity;  // Bytes allocated.
  uint32_t references;
  int32_t id;
};

class BlobTable {
 public:
  // `kib` is the word for the KiB of all blobs, `kib_max` that of their limit (0: none).
  BlobTable(int32_t* kib, const int32_t* kib_max) : kib_(kib), kib_max_(kib_max) {}
  ~BlobTable();

  // An empty blob with one reference; null when all ids are taken.
  Blob* Create();
  // A blob with a copy of `bytes` and one reference; null when there is no memory or no id.
  Blob* From(const uint8_t* bytes, uint32_t count);
  // The blob, or null when `id` is stale or unknown.
  Blob* Find(int32_t id);
  void Retain(Blob* blob) { blob->references++; }
  void Release(Blob* blob);

  // MiB of all blobs that count against a limit; 0 without one.
  int32_t LimitedMib() const { return *kib_max_ > 0 ? *kib_ / 1024 : 0; }
  // Whether `bytes` more of blobs would exceed the limit.
  bool WouldPass(uint64_t bytes) const;
  // Makes room after `size` for a read, of a blob that will hold `total`; false: no memory.
  bool Grow(Blob* blob, uint32_t total);
  // Appends a copy of `bytes` to a blob that will hold `total`; false, with only some of them
  // appended, when the limit or memory forbids it.
  bool Append(Blob* blob, const uint8_t* bytes, uint32_t count, uint32_t total);
  // `bytes` were written after `size`; they must fit the capacity.
  void Advance(Blob* blob, uint32_t bytes);

 private:
  struct Slot {
    Blob* blob;
    uint32_t generation;
    uint32_t next_free;
  };
  // The header of a free block, stored in the block itself.
  struct Spare {
    Spare* next;
  };
  static constexpr uint32_t kSpareShiftMin = 16;
  static constexpr uint32_t kSpareShiftMax = 20;
  static constexpr uint32_t kSpareBytesMax = 8 * 1024 * 1024;
  static uint32_t Kib(uint32_t bytes) { return (bytes + 1023u) / 1024u; }
  // The list of free blocks of this size; null for sizes that are not kept.
  Spare** SparesOf(uint32_t bytes);
  // A first block for a blob of `total` bytes; null: no memory.
  uint8_t* TakeBlock(uint32_t total, uint32_t* capacity);
  void FreeBlock(uint8_t* bytes, uint32_t capacity);

  Spare* spares_[kSpareShiftMax - kSpareShiftMin + 1] = {};
  uint32_t spare_bytes_ = 0;
  int32_t* kib_;
  const int32_t* kib_max_;
  Vector<Slot> slots_;
  uint32_t free_ = kNone;
  static constexpr uint32_t kNone = 0xffffffff;
};

}  // namespace geartrain

#endif  // GEARTRAIN_BLOB_H_
