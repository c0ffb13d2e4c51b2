// Judges the first bytes of a peer: whether they belong to the protocol of its port, and whether
// the message is complete. Knows no socket. Rule: the ClientHello's rules are those of
// src/transport/tls/client-hello.ts; test/parity compares them.
#ifndef GEARTRAIN_FIRST_MESSAGE_H_
#define GEARTRAIN_FIRST_MESSAGE_H_

#include <cstddef>
#include <cstdint>

namespace geartrain {

enum class Awaits : int32_t { kTls = 0, kHttp = 1 };

// As many bytes as must be seen to know that a message is complete or too long.
constexpr size_t kFirstBytesMax = 5 + 16384;
constexpr size_t kHeadBytesMax = 8192;

// From 1 on: what is wrong, as in client-hello.ts; HTTP has one kind only.
enum Look : int32_t {
  kBody = -2,  // The head of a request is complete, its announced body is not.
  kMore = -1,
  kWhole = 0,
  kWrongRecordBytes = 1,
  kWrongMessage = 2,
  kWrongInPieces = 3,
  kWrongLengths = 4,
  kWrongGearman = 5,
  kWrongText = 6,
  kWrongNoise = 7,
};

// A complete record with a ClientHello. `detail`: the bytes of a record of a wrong length.
int32_t LookAtHello(const uint8_t* bytes, size_t count, int32_t* detail);
// A complete request: its head, and its body when both are kHeadBytesMax or less and it announces
// a length. A longer head counts as complete too: the reader refuses it.
int32_t LookAtHead(const uint8_t* bytes, size_t count);

}  // namespace geartrain

#endif  // GEARTRAIN_FIRST_MESSAGE_H_
