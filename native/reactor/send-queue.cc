#include "reactor/send-queue.h"

namespace geartrain {
namespace {

constexpr uint32_t kPartBytes = 16 * 1024;

}  // namespace

void SendQueue::AppendBytes(const uint8_t* bytes, uint32_t count) {
  unsent_ += count;
  if (parts_.size() > first_) {
    Part& last = parts_[parts_.size() - 1];
    uint32_t room = last.blob == nullptr ? last.capacity - last.end : 0;
    uint32_t part = room < count ? room : count;
    CopyBytes(last.bytes + last.end, bytes, part);
    last.end += part;
    bytes += part;
    count -= part;
  }
  if (count == 0) return;
  uint32_t capacity = count < kPartBytes ? kPartBytes : count;
  Part part{static_cast<uint8_t*>(Allocate(capacity)), nullptr, 0, count, capacity};
  memcpy(part.bytes, bytes, count);
  parts_.Push(part);
  *held_ += capacity;
}

void SendQueue::AppendBlob(BlobTable* blobs, Blob* blob, uint32_t offset, uint32_t count) {
  if (count == 0) return blobs->Release(blob);
  unsent_ += count;
  parts_.Push(Part{blob->bytes, blob, offset, offset + count, 0});
}

uint32_t SendQueue::Gather(iovec* parts, uint32_t limit) {
  uint32_t count = parts_.size() - first_;
  if (count > limit) count = limit;
  for (uint32_t i = 0; i < count; i++) {
    Part& part = parts_[first_ + i];
    parts[i] = iovec{part.bytes + part.offset, part.end - part.offset};
  }
  return count;
}

void SendQueue::Advance(BlobTable* blobs, size_t count) {
  unsent_ -= count;
  while (first_ < parts_.size()) {
    Part& part = parts_[first_];
    uint32_t left = part.end - part.offset;
    if (count < left) {
      part.offset += static_cast<uint32_t>(count);
      return;
    }
    count -= left;
    ReleasePart(blobs, &part);
    first_++;
  }
  first_ = 0;
  parts_.Clear();
}

void SendQueue::Clear(BlobTable* blobs) {
  for (; first_ < parts_.size(); first_++) ReleasePart(blobs, &parts_[first_]);
  first_ = 0;
  unsent_ = 0;
  parts_.Clear();
}

void SendQueue::CopyTo(uint8_t* target) {
  for (uint32_t i = first_; i < parts_.size(); i++) {
    Part& part = parts_[i];
    memcpy(target, part.bytes + part.offset, part.end - part.offset);
    target += part.end - part.offset;
  }
}

void SendQueue::ReleasePart(BlobTable* blobs, Part* part) {
  if (part->blob != nullptr) {
    blobs->Release(part->blob);
  } else {
    *held_ -= part->capacity;
    free(part->bytes);
  }
}

}  // namespace geartrain
