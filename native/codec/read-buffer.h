// The input side of one connection: unconsumed bytes, a blob that fills, and bytes that `hold`
// un-read. Rule: knows no socket; the reactor reads into Target() and calls Commit(), the parity
// suite feeds it bytes.
//
//   fill_    a frame whose head is complete and whose data goes to a blob; its bytes come first
//   queue_   bytes before the next read: an incomplete frame, or (undecoded_) whole ones that
//            found no free row
#ifndef GEARTRAIN_READ_BUFFER_H_
#define GEARTRAIN_READ_BUFFER_H_

#include "codec/blob.h"
#include "codec/codec.h"

namespace geartrain {

// Shared by all connections of a thread.
struct ReadContext {
  const Settings* settings;
  Batch* batch;
  BlobTable* blobs;
  uint8_t* scratch;  // read_bytes long, for dropped data.
  uint64_t turn;     // Counts batches; arena offsets of another turn are invalid.
};

class ReadBuffer {
 public:
  ReadBuffer() = default;
  ~ReadBuffer() { free(fill_); }
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  // The peer has ended and nothing is undecoded: a frame that still fills can never be complete.
  void End(ReadContext* context) { DropFill(context); }
  // Releases blobs; the last call.
  void Dispose(ReadContext* context) { DropFill(context); }

  // More rows may follow without another read.
  bool HasUndecoded() const { return undecoded_ || (fill_ != nullptr && fill_->missing == 0); }
  // A fault was found: nothing more is decoded, bytes are dropped.
  bool IsDead() const { return dead_; }
  bool HasDroppedData() const { return fill_ != nullptr && fill_->blob == nullptr; }

  // Whether the batch has room for the rows of the next read or step, at worst one.
  bool HasRoom(const ReadContext& context) const;
  // Where the next read goes and how long it may be. Requires HasRoom() and not HasUndecoded().
  uint8_t* Target(ReadContext* context, uint32_t* room);
  // `count` > 0 bytes were read into Target(): appends the rows of complete frames.
  void Commit(ReadContext* context, int32_t conn, uint32_t count);
  // Decodes bytes at hand. Requires HasRoom() and HasUndecoded().
  void Step(ReadContext* context, int32_t conn);
  // Appends bytes to those at hand, to be decoded by Step().
  void Feed(const uint8_t* bytes, size_t count);

  // Takes back everything from arena offset `start` of this turn's batch on; no effect if that is
  // not ours.
  void Unread(ReadContext* context, uint32_t start);
  // Whether Unread() accepts `start` of this turn's batch.
  bool Owns(const ReadContext& context, uint32_t start) const {
    return region_turn_ == context.turn && start >= region_start_ && start <= region_end_;
  }
  // The first offset that Unread() accepts, if Owns() is true.
  uint32_t StartOfRegion() const { return region_start_; }
  // Arena offset for a row without bytes (GONE), after all others of this turn.
  uint32_t OffsetOfEmptyRow(const ReadContext& context);

  // All bytes at hand, without dropped data.
  size_t UnreadBytes() const;
  // Copies them, as the peer sent them. HasDroppedData() must be false.
  void CopyUnread(uint8_t* target) const;

 private:
  struct Fill {
    Blob* blob;  // Null: data is read and dropped.
    uint32_t head_bytes;
    uint32_t total;    // Data bytes announced.
    uint32_t missing;  // Data bytes still to come.
    uint8_t* head() { return reinterpret_cast<uint8_t*>(this + 1); }
  };

  // Decodes arena [start, end); returns the offset after the consumed bytes.
  uint32_t DecodeRegion(ReadContext* context, int32_t conn, uint32_t start, uint32_t end);
  void BeginFill(ReadContext* context, const uint8_t* head, uint32_t head_bytes,
                 uint32_t data_bytes);
  // Takes `count` bytes, at most `missing`, from `bytes`; bytes that are in the blob already are
  // only counted.
  void AddToFill(ReadContext* context, const uint8_t* bytes, uint32_t count);
  // Where the next data of the blob goes; drops the blob if it cannot grow.
  uint8_t* FillTarget(ReadContext* context, uint32_t* room);
  void EmitFill(ReadContext* context, int32_t conn);
  void DropFill(ReadContext* context);

  ByteQueue queue_;
  Fill* fill_ = nullptr;
  uint64_t region_turn_ = ~uint64_t{0};
  uint32_t region_start_ = 0;
  uint32_t region_end_ = 0;   // Arena offset after the last consumed byte.
  int32_t emitted_blob_ = 0;  // BLOB of this turn's region when it is one large frame, otherwise 0.
  uint32_t emitted_total_ = 0;
  bool undecoded_ = false;
  bool dead_ = false;
};

}  // namespace geartrain

#endif  // GEARTRAIN_READ_BUFFER_H_
