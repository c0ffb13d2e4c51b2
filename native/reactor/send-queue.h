// Unsent output of one connection that the kernel did not take, or that was spilled: copied bytes
// and pinned blobs. Rule: parts are sent in order; a blob is released as soon as its part has been
// sent.
#ifndef GEARTRAIN_SEND_QUEUE_H_
#define GEARTRAIN_SEND_QUEUE_H_

#include <sys/uio.h>

#include "codec/blob.h"

namespace geartrain {

class SendQueue {
 public:
  SendQueue() = default;
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  // `*held` counts the memory of copied bytes while they exist; call it before all others.
  void CountIn(uint64_t* held) { held_ = held; }
  uint64_t unsent() const { return unsent_; }
  void AppendBytes(const uint8_t* bytes, uint32_t count);
  // Takes ownership of one reference to `blob`.
  void AppendBlob(BlobTable* blobs, Blob* blob, uint32_t offset, uint32_t count);
  // Points `parts` at the front of the output; returns the number of parts set, at most `limit`.
  uint32_t Gather(iovec* parts, uint32_t limit);
  // The first `count` bytes have been sent.
  void Advance(BlobTable* blobs, size_t count);
  void Clear(BlobTable* blobs);
  // Copies all unsent() bytes.
  void CopyTo(uint8_t* target);

 private:
  struct Part {
    uint8_t* bytes;  // Owned, unless it is a blob's.
    Blob* blob;      // Null for copied bytes.
    uint32_t offset;
    uint32_t end;
    uint32_t capacity;
  };
  void ReleasePart(BlobTable* blobs, Part* part);

  Vector<Part> parts_;
  uint32_t first_ = 0;
  uint64_t unsent_ = 0;
  uint64_t* held_ = nullptr;
};

}  // namespace geartrain

#endif  // GEARTRAIN_SEND_QUEUE_H_
