// The input side of one connection: what was read and not consumed, a blob that fills, and what
// `hold` gives back.
// Rule: knows no socket; the reactor reads into Target() and calls Commit(), the parity suite feeds
// it bytes.
//
//   fill_    a frame whose head is complete and whose data goes to a blob; its bytes come first
//   queue_   bytes in front of the next read: an incomplete frame, or (undecoded_) whole ones that
//            found no free row
#ifndef GEARTRAIN_READ_BUFFER_H_
#define GEARTRAIN_READ_BUFFER_H_

#include "codec/blob.h"
#include "codec/codec.h"

namespace geartrain {

// What all connections of a thread share.
struct ReadContext {
  const Settings* settings;
  Batch* batch;
  BlobTable* blobs;
  uint8_t* scratch;  // read_bytes long, for data that is dropped.
  uint64_t turn;     // Counts batches; arena offsets of another turn mean nothing.
};

class ReadBuffer {
 public:
  ReadBuffer() = default;
  ~ReadBuffer() { free(fill_); }
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  // The peer has ended and nothing is undecoded: a frame that still fills can never be whole.
  void End(ReadContext* context) { DropFill(context); }
  // Gives blobs back; the last call.
  void Dispose(ReadContext* context) { DropFill(context); }

  // Rows may come without another read.
  bool HasUndecoded() const { return undecoded_ || (fill_ != nullptr && fill_->missing == 0); }
  // A fault was found: nothing more is decoded, bytes are thrown away.
  bool IsDead() const { return dead_; }
  bool HasDroppedData() const { return fill_ != nullptr && fill_->blob == nullptr; }

  // The batch can take what the next read or step may bring, at worst one row.
  bool HasRoom(const ReadContext& context) const;
  // Where the next read goes and how long it may be. HasRoom() and not HasUndecoded().
  uint8_t* Target(ReadContext* context, uint32_t* room);
  // `count` > 0 bytes were read into Target(): appends the rows of complete frames.
  void Commit(ReadContext* context, int32_t conn, uint32_t count);
  // Decodes what is at hand. HasRoom() and HasUndecoded().
  void Step(ReadContext* context, int32_t conn);
  // Appends bytes to those at hand, to be decoded by Step().
  void Feed(const uint8_t* bytes, size_t count);

  // Takes back everything from arena offset `start` of this turn's batch on. Nothing if that is not
  // ours.
  void Unread(ReadContext* context, uint32_t start);
  // Whether [start, ...) is a place of this turn's batch that Unread() accepts.
  bool Owns(const ReadContext& context, uint32_t start) const {
    return region_turn_ == context.turn && start >= region_start_ && start <= region_end_;
  }
  // The first offset that Unread() accepts, if Owns() says so.
  uint32_t StartOfRegion() const { return region_start_; }
  // Arena offset for a row that has no bytes of its own (GONE), after all others of this turn.
  uint32_t OffsetOfEmptyRow(const ReadContext& context);

  // All bytes at hand; data that was dropped is not.
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

  // Decodes arena [start, end); returns the offset after what was consumed.
  uint32_t DecodeRegion(ReadContext* context, int32_t conn, uint32_t start, uint32_t end);
  void BeginFill(ReadContext* context, const uint8_t* head, uint32_t head_bytes,
                 uint32_t data_bytes);
  // Takes `count` bytes, at most `missing`, from `bytes`; those that lie in the blob already are
  // only counted.
  void AddToFill(ReadContext* context, const uint8_t* bytes, uint32_t count);
  // Where the next data of the blob goes; the blob is given up if it cannot grow.
  uint8_t* FillTarget(ReadContext* context, uint32_t* room);
  void EmitFill(ReadContext* context, int32_t conn);
  void DropFill(ReadContext* context);

  ByteQueue queue_;
  Fill* fill_ = nullptr;
  uint64_t region_turn_ = ~uint64_t{0};
  uint32_t region_start_ = 0;
  uint32_t region_end_ = 0;   // Arena offset after the last byte that was consumed.
  int32_t emitted_blob_ = 0;  // BLOB of this turn's region when it is one large frame, else 0.
  uint32_t emitted_total_ = 0;
  bool undecoded_ = false;
  bool dead_ = false;
};

}  // namespace geartrain

#endif  // GEARTRAIN_READ_BUFFER_H_
