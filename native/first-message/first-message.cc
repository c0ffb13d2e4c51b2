// Sources: RFC 8446, sections 4.1.2 and 5.1; RFC 9112, sections 2.2 and 3.
#include "first-message/first-message.h"

namespace geartrain {
namespace {

constexpr size_t kRecordHeadBytes = 5;
constexpr size_t kMessageHeadBytes = 4;
constexpr size_t kRandomBytes = 32;
constexpr size_t kSessionIdBytesMax = 32;
constexpr size_t kMethodBytesMax = 32;

// The protocol that a peer without TLS speaks.
int32_t KindOfClearText(uint8_t first) {
  if (first == 0) return kWrongGearman;
  bool is_text = (first >= 0x20 && first < 0x7f) || first == '\n' || first == '\r';
  return is_text ? kWrongText : kWrongNoise;
}

size_t Number(const uint8_t* bytes, int count) {
  size_t value = 0;
  for (int i = 0; i < count; i++) value = value << 8 | bytes[i];
  return value;
}

// Whether the lengths inside a ClientHello of `count` bytes are consistent, and its version is one
// of TLS.
bool FieldsFit(const uint8_t* hello, size_t count) {
  size_t at = 2 + kRandomBytes;
  if (count < at + 1 || hello[0] != 3 || hello[at] > kSessionIdBytesMax) return false;
  at += 1 + hello[at];
  if (count < at + 2) return false;
  size_t suites = Number(hello + at, 2);
  if (suites == 0 || suites % 2 != 0) return false;
  at += 2 + suites;
  if (count < at + 1 || hello[at] == 0) return false;
  at += 1 + hello[at];
  // TLS 1.2 may do without extensions.
  if (count == at) return true;
  return count >= at + 2 && Number(hello + at, 2) == count - at - 2;
}

// Whether the line at `at` is a field of that name, which is in lower case; then `at` moves after
// it.
bool IsField(const uint8_t* bytes, size_t end, size_t* at, const char* name) {
  size_t i = *at;
  for (; *name != '\0'; name++, i++) {
    if (i >= end || (bytes[i] | 0x20) != static_cast<uint8_t>(*name | 0x20)) return false;
  }
  *at = i;
  return true;
}

// Bytes of the body after the head that ends at `end`; 0: none, or they are not waited for.
size_t BodyBytes(const uint8_t* bytes, size_t end) {
  size_t body = 0;
  for (size_t at = 1; at < end; at++) {
    if (bytes[at - 1] != '\n') continue;
    // The client sends its body when it is asked to.
    if (IsField(bytes, end, &at, "expect:")) return 0;
    if (!IsField(bytes, end, &at, "content-length:")) continue;
    while (at < end && (bytes[at] == ' ' || bytes[at] == '\t')) at++;
    for (; at < end && bytes[at] >= '0' && bytes[at] <= '9'; at++) {
      body = body * 10 + (bytes[at] - '0');
      if (body > kHeadBytesMax) return 0;
    }
  }
  return body;
}

int32_t LookAtBody(const uint8_t* bytes, size_t end, size_t count) {
  size_t total = end + BodyBytes(bytes, end);
  return total > count && total <= kHeadBytesMax ? kBody : kWhole;
}

}  // namespace

int32_t LookAtHello(const uint8_t* bytes, size_t count, int32_t* detail) {
  if (count == 0) return kMore;
  if (bytes[0] != 22 || (count > 1 && bytes[1] != 3)) return KindOfClearText(bytes[0]);
  if (count < kRecordHeadBytes) return kMore;
  size_t record = Number(bytes + 3, 2);
  if (record < kMessageHeadBytes || record > kFirstBytesMax - kRecordHeadBytes) {
    *detail = static_cast<int32_t>(record);
    return kWrongRecordBytes;
  }
  if (count > kRecordHeadBytes && bytes[kRecordHeadBytes] != 1) return kWrongMessage;
  if (count < kRecordHeadBytes + kMessageHeadBytes) return kMore;
  size_t message = Number(bytes + kRecordHeadBytes + 1, 3);
  if (message + kMessageHeadBytes > record) return kWrongInPieces;
  if (count < kRecordHeadBytes + record) return kMore;
  bool fits = FieldsFit(bytes + kRecordHeadBytes + kMessageHeadBytes, message);
  return fits ? kWhole : kWrongLengths;
}

int32_t LookAtHead(const uint8_t* bytes, size_t count) {
  size_t at = 0;
  while (at < count && (bytes[at] == '\r' || bytes[at] == '\n')) at++;
  size_t start = at;
  while (at < count && ((bytes[at] >= 'A' && bytes[at] <= 'Z') || bytes[at] == '-')) at++;
  if (at - start > kMethodBytesMax) return kWrongNoise;
  if (at < count && (at == start || bytes[at] != ' ')) return kWrongNoise;
  for (; at < count; at++) {
    // An empty line: the end of the one before it, with or without CR.
    if (bytes[at] != '\n') continue;
    bool is_end = bytes[at - 1] == '\n' || (bytes[at - 1] == '\r' && bytes[at - 2] == '\n');
    if (is_end) return LookAtBody(bytes, at + 1, count);
  }
  return count > kHeadBytesMax ? kWhole : kMore;
}

}  // namespace geartrain
