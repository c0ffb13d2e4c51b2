#include "codec/read-buffer.h"

namespace geartrain {
namespace {

// Limit of one read, and of one step of a fill from bytes at hand (of an adopted connection).
constexpr uint32_t kFillBytesMax = 1024 * 1024;

uint32_t Min(size_t a, size_t b) { return static_cast<uint32_t>(a < b ? a : b); }

}  // namespace

bool ReadBuffer::HasRoom(const ReadContext& context) const {
  const Settings& settings = *context.settings;
  uint32_t needed = settings.read_bytes;
  if (fill_ != nullptr) {
    needed = fill_->head_bytes;
  } else {
    needed += Min(queue_.size(), settings.read_bytes + settings.carry_bytes_max);
  }
  return !context.batch->IsFull() &&
         context.batch->arena_capacity - context.batch->arena_used >= needed;
}

uint8_t* ReadBuffer::Target(ReadContext* context, uint32_t* room) {
  *room = context->settings->read_bytes;
  if (dead_) return context->scratch;
  if (fill_ != nullptr) return FillTarget(context, room);
  uint8_t* start = context->batch->arena + context->batch->arena_used;
  CopyBytes(start, queue_.data(), queue_.size());
  return start + queue_.size();
}

void ReadBuffer::Commit(ReadContext* context, int32_t conn, uint32_t count) {
  if (dead_) return;
  if (fill_ != nullptr) {
    AddToFill(context, nullptr, count);
    if (fill_->missing == 0) EmitFill(context, conn);
    return;
  }
  uint32_t start = context->batch->arena_used;
  uint32_t end = start + static_cast<uint32_t>(queue_.size()) + count;
  uint32_t at = DecodeRegion(context, conn, start, end);
  queue_.Set(context->batch->arena + at, end - at);
}

void ReadBuffer::Step(ReadContext* context, int32_t conn) {
  if (fill_ != nullptr) {
    uint32_t count = Min(Min(queue_.size(), kFillBytesMax), fill_->missing);
    if (count > 0) AddToFill(context, queue_.data(), count);
    queue_.Take(count);
    if (fill_->missing == 0) EmitFill(context, conn);
    undecoded_ = queue_.size() > 0;
    return;
  }
  const Settings& settings = *context->settings;
  uint32_t count = Min(queue_.size(), settings.read_bytes + settings.carry_bytes_max);
  uint32_t start = context->batch->arena_used;
  CopyBytes(context->batch->arena + start, queue_.data(), count);
  uint32_t at = DecodeRegion(context, conn, start, start + count);
  queue_.Take(at - start);
  // The rest is an incomplete frame only if the whole queue was read.
  if (!dead_ && queue_.size() > start + count - at) undecoded_ = true;
}

void ReadBuffer::Feed(const uint8_t* bytes, size_t count) {
  if (count == 0) return;
  queue_.Assign(queue_.data(), queue_.size(), bytes, count);
  undecoded_ = !dead_;
}

uint32_t ReadBuffer::DecodeRegion(ReadContext* context, int32_t conn, uint32_t start,
                                  uint32_t end) {
  Batch* batch = context->batch;
  Decoded decoded = Decode(*context->settings, batch, conn, start, end);
  uint32_t at = decoded.at;
  undecoded_ = decoded.stop == Stop::kRowsFull;
  dead_ = decoded.stop == Stop::kFault;
  if (decoded.stop == Stop::kLarge) {
    BeginFill(context, batch->arena + at, decoded.head_bytes, decoded.data_bytes);
    uint32_t count = end - at - decoded.head_bytes;
    if (count > 0) AddToFill(context, batch->arena + at + decoded.head_bytes, count);
  }
  if (decoded.stop == Stop::kLarge || decoded.stop == Stop::kFault) at = end;
  batch->arena_used = end;
  region_turn_ = context->turn;
  region_start_ = start;
  region_end_ = at;
  emitted_blob_ = 0;
  return at;
}

void ReadBuffer::BeginFill(ReadContext* context, const uint8_t* head, uint32_t head_bytes,
                           uint32_t data_bytes) {
  Blob* blob = context->blobs->WouldPass(data_bytes) ? nullptr : context->blobs->Create();
  fill_ = static_cast<Fill*>(Allocate(sizeof(Fill) + head_bytes));
  *fill_ = Fill{blob, head_bytes, data_bytes, data_bytes};
  memcpy(fill_->head(), head, head_bytes);
}

uint8_t* ReadBuffer::FillTarget(ReadContext* context, uint32_t* room) {
  Blob* blob = fill_->blob;
  if (blob != nullptr && !context->blobs->Grow(blob, fill_->total)) {
    context->blobs->Release(blob);
    blob = fill_->blob = nullptr;
  }
  if (blob == nullptr) {
    *room = Min(*room, fill_->missing);
    return context->scratch;
  }
  *room = Min(Min(blob->capacity - blob->size, kFillBytesMax), fill_->missing);
  return blob->bytes + blob->size;
}

void ReadBuffer::AddToFill(ReadContext* context, const uint8_t* bytes, uint32_t count) {
  fill_->missing -= count;
  if (fill_->blob != nullptr && context->blobs->WouldPass(count)) {
    context->blobs->Release(fill_->blob);
    fill_->blob = nullptr;
  }
  if (bytes == nullptr) {
    if (fill_->blob != nullptr) context->blobs->Advance(fill_->blob, count);
    return;
  }
  while (count > 0 && fill_->blob != nullptr) {
    uint32_t room = count;
    uint8_t* target = FillTarget(context, &room);
    if (fill_->blob == nullptr) return;
    uint32_t part = Min(fill_->blob->capacity - fill_->blob->size, count);
    memcpy(target, bytes, part);
    context->blobs->Advance(fill_->blob, part);
    bytes += part;
    count -= part;
  }
}

void ReadBuffer::EmitFill(ReadContext* context, int32_t conn) {
  Batch* batch = context->batch;
  uint32_t start = batch->arena_used;
  memcpy(batch->arena + start, fill_->head(), fill_->head_bytes);
  batch->arena_used = start + fill_->head_bytes;
  emitted_blob_ = fill_->blob != nullptr ? fill_->blob->id : kBlobDropped;
  emitted_total_ = fill_->total;
  AppendLarge(*context->settings, batch, conn, start, fill_->head_bytes, fill_->total,
              emitted_blob_);
  region_turn_ = context->turn;
  region_start_ = start;
  region_end_ = batch->arena_used;
  free(fill_);
  fill_ = nullptr;
}

void ReadBuffer::DropFill(ReadContext* context) {
  if (fill_ == nullptr) return;
  if (fill_->blob != nullptr) context->blobs->Release(fill_->blob);
  free(fill_);
  fill_ = nullptr;
}

void ReadBuffer::Unread(ReadContext* context, uint32_t start) {
  if (!Owns(*context, start)) return;
  region_turn_ = ~uint64_t{0};
  const uint8_t* bytes = context->batch->arena + start;
  uint32_t count = region_end_ - start;
  if (count == 0) return;
  if (emitted_blob_ == 0) {
    DropFill(context);
    dead_ = false;
    queue_.Assign(bytes, count, queue_.data(), queue_.size());
    undecoded_ = queue_.size() > 0;
  } else {
    // The row's reference to the blob becomes ours again.
    fill_ = static_cast<Fill*>(Allocate(sizeof(Fill) + count));
    *fill_ = Fill{context->blobs->Find(emitted_blob_), count, emitted_total_, 0};
    memcpy(fill_->head(), bytes, count);
  }
}

uint32_t ReadBuffer::OffsetOfEmptyRow(const ReadContext& context) {
  if (region_turn_ != context.turn) {
    region_turn_ = context.turn;
    region_start_ = region_end_ = context.batch->arena_used;
    emitted_blob_ = 0;
  }
  return region_end_;
}

size_t ReadBuffer::UnreadBytes() const {
  if (fill_ == nullptr) return queue_.size();
  size_t filled = fill_->blob == nullptr ? 0 : fill_->blob->size;
  return fill_->head_bytes + filled + queue_.size();
}

void ReadBuffer::CopyUnread(uint8_t* target) const {
  if (fill_ != nullptr) {
    memcpy(target, fill_->head(), fill_->head_bytes);
    CopyBytes(target + fill_->head_bytes, fill_->blob->bytes, fill_->blob->size);
    target += fill_->head_bytes + fill_->blob->size;
  }
  CopyBytes(target, queue_.data(), queue_.size());
}

}  // namespace geartrain
