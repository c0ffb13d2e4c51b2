#include "codec/blob.h"

#include "codec/layout.h"

namespace geartrain {
namespace {

// A read into less room than this costs more than it brings.
constexpr uint32_t kRoomMin = 16 * 1024;

}  // namespace

BlobTable::~BlobTable() {
  for (uint32_t i = 0; i < slots_.size(); i++) {
    if (slots_[i].blob == nullptr) continue;
    free(slots_[i].blob->bytes);
    free(slots_[i].blob);
  }
  for (Spare* spare : spares_) {
    while (spare != nullptr) {
      Spare* next = spare->next;
      free(spare);
      spare = next;
    }
  }
}

Blob* BlobTable::Create() {
  uint32_t index = free_;
  if (index == kNone) {
    if (slots_.size() > kSlotMask) return nullptr;
    index = slots_.size();
    slots_.Push(Slot{nullptr, 0, kNone});
  } else {
    free_ = slots_[index].next_free;
  }
  Slot& slot = slots_[index];
  slot.generation = slot.generation == kGenerationMax ? 1 : slot.generation + 1;
  Blob* blob = static_cast<Blob*>(Allocate(sizeof(Blob)));
  *blob = Blob{nullptr, 0, 0, 1, static_cast<int32_t>(slot.generation << kSlotBits | index)};
  slot.blob = blob;
  return blob;
}

Blob* BlobTable::From(const uint8_t* bytes, uint32_t count) {
  void* memory = malloc(count == 0 ? 1 : count);
  Blob* blob = memory == nullptr ? nullptr : Create();
  if (blob == nullptr) {
    free(memory);
    return nullptr;
  }
  CopyBytes(memory, bytes, count);
  blob->bytes = static_cast<uint8_t*>(memory);
  blob->capacity = count;
  Advance(blob, count);
  return blob;
}

Blob* BlobTable::Find(int32_t id) {
  uint32_t index = static_cast<uint32_t>(id) & kSlotMask;
  if (id <= 0 || index >= slots_.size()) return nullptr;
  Blob* blob = slots_[index].blob;
  return blob != nullptr && blob->id == id ? blob : nullptr;
}

void BlobTable::Release(Blob* blob) {
  if (--blob->references > 0) return;
  uint32_t index = static_cast<uint32_t>(blob->id) & kSlotMask;
  slots_[index].blob = nullptr;
  slots_[index].next_free = free_;
  free_ = index;
  *kib_ -= static_cast<int32_t>(Kib(blob->size));
  FreeBlock(blob->bytes, blob->capacity);
  free(blob);
}

BlobTable::Spare** BlobTable::SparesOf(uint32_t bytes) {
  for (uint32_t shift = kSpareShiftMin; shift <= kSpareShiftMax; shift++) {
    if (bytes == 1u << shift) return &spares_[shift - kSpareShiftMin];
  }
  return nullptr;
}

// A power of two, so that blobs can reuse each other's blocks. Untouched pages take no memory.
uint8_t* BlobTable::TakeBlock(uint32_t total, uint32_t* capacity) {
  *capacity = 1u << kSpareShiftMin;
  while (*capacity < total && *capacity < 1u << kSpareShiftMax) *capacity *= 2;
  Spare** spares = SparesOf(*capacity);
  if (*spares == nullptr) return static_cast<uint8_t*>(malloc(*capacity));
  Spare* spare = *spares;
  *spares = spare->next;
  spare_bytes_ -= *capacity;
  return reinterpret_cast<uint8_t*>(spare);
}

void BlobTable::FreeBlock(uint8_t* bytes, uint32_t capacity) {
  Spare** spares = SparesOf(capacity);
  if (spares == nullptr || spare_bytes_ + capacity > kSpareBytesMax) return free(bytes);
  Spare* spare = reinterpret_cast<Spare*>(bytes);
  spare->next = *spares;
  *spares = spare;
  spare_bytes_ += capacity;
}

bool BlobTable::WouldPass(uint64_t bytes) const {
  if (*kib_max_ <= 0) return false;
  return static_cast<uint64_t>(*kib_) + (bytes + 1023) / 1024 > static_cast<uint64_t>(*kib_max_);
}

bool BlobTable::Grow(Blob* blob, uint32_t total) {
  uint32_t missing = total - blob->size;
  if (blob->capacity - blob->size >= (missing < kRoomMin ? missing : kRoomMin)) return true;
  uint32_t capacity;
  void* bytes;
  if (blob->capacity == 0) {
    bytes = TakeBlock(total, &capacity);
  } else {
    uint64_t wanted = uint64_t{blob->capacity} * 2;
    capacity = wanted > total ? total : static_cast<uint32_t>(wanted);
    bytes = realloc(blob->bytes, capacity);
  }
  if (bytes == nullptr) return false;
  blob->bytes = static_cast<uint8_t*>(bytes);
  blob->capacity = capacity;
  return true;
}

bool BlobTable::Append(Blob* blob, const uint8_t* bytes, uint32_t count, uint32_t total) {
  if (count > total - blob->size || WouldPass(count)) return false;
  while (count > 0) {
    if (!Grow(blob, total)) return false;
    uint32_t room = blob->capacity - blob->size;
    uint32_t part = room < count ? room : count;
    CopyBytes(blob->bytes + blob->size, bytes, part);
    Advance(blob, part);
    bytes += part;
    count -= part;
  }
  return true;
}

void BlobTable::Advance(Blob* blob, uint32_t bytes) {
  *kib_ += static_cast<int32_t>(Kib(blob->size + bytes) - Kib(blob->size));
  blob->size += bytes;
}

}  // namespace geartrain
