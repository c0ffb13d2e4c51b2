// Cuts bytes into frames: pure, without memory, sockets or JavaScript. Equal to
// src/protocol/decoder.ts row for row. Rule: it reads the arena and appends rows; the caller keeps
// unconsumed bytes (read-buffer.h). Source: Gearman PROTOCOL; the observed limits of gearmand.
#ifndef GEARTRAIN_CODEC_H_
#define GEARTRAIN_CODEC_H_

#include "codec/layout.h"

namespace geartrain {

// Arena and row table of one turn.
struct Batch {
  uint8_t* arena;
  uint32_t arena_capacity;
  uint32_t arena_used;
  int32_t* rows;
  uint32_t row_capacity;
  uint32_t row_count;

  bool IsFull() const { return row_count == row_capacity; }
  // The next row, zeroed except for conn, type and an empty span at `start`. IsFull() must be
  // false.
  int32_t* Append(int32_t conn, int32_t type, uint32_t start);
};

enum class Stop {
  kNeedMore,  // All complete frames are decoded; [at, end) is the beginning of one.
  kRowsFull,  // More frames may be complete in [at, end).
  kFault,     // A FAULT row was written.
  kLarge,     // [at, end) begins a frame whose data belongs into a blob; its head is complete.
};

struct Decoded {
  Stop stop;
  uint32_t at;           // Arena offset of the first byte that was not consumed.
  uint32_t head_bytes;   // kLarge: header and arguments with their NULs.
  uint32_t data_bytes;   // kLarge: data after the head, arrived or not.
};

// Decodes arena bytes [start, end) of connection `conn`.
Decoded Decode(const Settings& settings, Batch* batch, int32_t conn, uint32_t start, uint32_t end);

// Writes the row of a frame whose head lies at arena [start, start + head_bytes) and whose data
// does not.
void AppendLarge(const Settings& settings, Batch* batch, int32_t conn, uint32_t start,
                 uint32_t head_bytes, uint32_t data_bytes, int32_t blob);

// hashBytes of src/protocol/hash.ts.
int32_t HashBytes(const uint8_t* bytes, uint32_t count, uint32_t seed);

}  // namespace geartrain

#endif  // GEARTRAIN_CODEC_H_
