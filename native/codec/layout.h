// The frame batch in C++: the same words as src/protocol/batch.ts, which documents them. Rule:
// only numbers that the compiler needs are here; test/unit/native compares behaviour with
// batch.ts. TypeScript passes packet shapes and byte limits (Settings) from its own tables.
#ifndef GEARTRAIN_LAYOUT_H_
#define GEARTRAIN_LAYOUT_H_

#include <cstdint>

namespace geartrain {

constexpr uint32_t kRowInts = 16;
enum RowField {
  kConn = 0,
  kType = 1,
  kStart = 2,
  kOff = 3,
  kA0 = 4,
  kA1 = 5,
  kA2 = 6,
  kData = 8,
  kDataLen = 9,
  kBlob = 10,
  kHash0 = 11,
  kFlags = 13,
  kEnd = 14,
};
constexpr uint32_t kArgumentsKept = 4;

enum RowFlag { kFlagRes = 1, kFlagShort = 2 };
enum RowKind { kOpen = -1, kLine = -2, kGone = -3, kFault = -4, kDrained = -5 };
enum GoneReason { kGoneEnd = 0, kGoneReset = 1, kGoneOutputLimit = 2 };
enum FaultReason {
  kBadMagic = 1,
  kBadType = 2,
  kHeadTooLong = 3,
  kTooFewArguments = 4,
  kLineTooLong = 5,
  kPacketTooLarge = 6,
};
constexpr int32_t kBlobDropped = -1;

// Ids of connections and blobs: slot and generation; a generation is never 0, so no id is 0.
constexpr uint32_t kSlotBits = 20;
constexpr uint32_t kSlotMask = (1u << kSlotBits) - 1;
constexpr uint32_t kGenerationMax = 2047;

constexpr uint32_t kOutInts = 4;
enum OutField { kOutConn = 0, kOutOff = 1, kOutLen = 2, kOutBlob = 3 };

enum ControlWord { kOutRows = 0, kOutBytes = 1, kBlobKib = 2, kBlobKibMax = 3, kUnsentKib = 4 };
constexpr uint32_t kControlInts = 16;

constexpr uint32_t kHeaderBytes = 12;
constexpr uint32_t kTypesMax = 64;

// One row of the packet table in src/protocol/packets.ts.
struct Shape {
  uint8_t arg_count;
  uint8_t has_data;
  uint8_t names;
  uint8_t may_be_short;
};

// Facts for the decoder, from packets.ts, limits.ts and the reactor's options.
struct Settings {
  Shape shapes[kTypesMax];
  uint32_t type_max;
  uint32_t hash_seed;
  uint32_t packet_bytes_max;
  uint32_t head_bytes_max;
  uint32_t line_bytes_max;
  uint32_t carry_bytes_max;
  uint32_t read_bytes;
};

}  // namespace geartrain

#endif  // GEARTRAIN_LAYOUT_H_
