#include "codec/codec.h"

#include <cstring>

namespace geartrain {
namespace {

constexpr uint32_t kMagicRequest = 0x00524551;
constexpr uint32_t kMagicResponse = 0x00524553;
constexpr uint32_t kNotFound = 0xffffffff;

uint32_t ReadUint32(const uint8_t* p) {
  return (uint32_t{p[0]} << 24) | (uint32_t{p[1]} << 16) | (uint32_t{p[2]} << 8) | uint32_t{p[3]};
}

uint32_t Min(uint32_t a, uint32_t b) { return a < b ? a : b; }

// Offset after the nul_count-th NUL in [from, to), or kNotFound.
uint32_t EndOfArguments(const uint8_t* arena, uint32_t from, uint32_t to, uint32_t nul_count) {
  for (; nul_count > 0; nul_count--) {
    const void* nul = from < to ? memchr(arena + from, 0, to - from) : nullptr;
    if (nul == nullptr) return kNotFound;
    from = static_cast<uint32_t>(static_cast<const uint8_t*>(nul) - arena) + 1;
  }
  return from;
}

// State of one Decode call: the words that every step needs.
struct Cursor {
  const Settings& settings;
  Batch* batch;
  int32_t conn;
  uint32_t at;
  uint32_t end;
  Decoded result;

  bool Stopped(Stop stop) {
    result.stop = stop;
    return false;
  }
  bool Fault(int32_t reason, uint32_t announced = 0) {
    int32_t* row = batch->Append(conn, kFault, at);
    row[kA0] = reason;
    row[kA1] = static_cast<int32_t>(announced);  // actually unsigned
    return Stopped(Stop::kFault);
  }
  bool TextLine();
  bool Packet();
  bool PacketWithData(uint32_t type, uint32_t payload);
  bool PacketWithoutData(uint32_t type, uint32_t payload);
  bool TooFewArguments(uint32_t type, uint32_t frame_end);
};

// Writes lengths and hashes of the arguments; `head_end` is the end of the last one of a type
// without data.
void FillArguments(const Settings& settings, const Shape& shape, const uint8_t* arena, int32_t* row,
                   uint32_t head_end) {
  uint32_t from = static_cast<uint32_t>(row[kOff]);
  for (uint32_t i = 0; i < shape.arg_count && i < kArgumentsKept; i++) {
    bool takes_rest = shape.has_data == 0 && i + 1 == shape.arg_count;
    uint32_t to = head_end;
    if (!takes_rest) to = EndOfArguments(arena, from, head_end, 1) - 1;
    row[kA0 + i] = static_cast<int32_t>(to - from);
    if (i < shape.names) row[kHash0 + i] = HashBytes(arena + from, to - from, settings.hash_seed);
    from = to + 1;
  }
}

// Row of a packet with all its NULs. Data, if the type has any, is [head_end, frame_end).
int32_t* AppendPacket(const Settings& settings, Batch* batch, int32_t conn, uint32_t type,
                      uint32_t start, uint32_t head_end, uint32_t frame_end) {
  const Shape& shape = settings.shapes[type];
  int32_t* row = batch->Append(conn, static_cast<int32_t>(type), start);
  row[kOff] = static_cast<int32_t>(start + kHeaderBytes);
  row[kEnd] = static_cast<int32_t>(frame_end);
  row[kData] = static_cast<int32_t>(shape.has_data ? head_end : frame_end);
  row[kDataLen] = shape.has_data ? static_cast<int32_t>(frame_end - head_end) : 0;
  row[kFlags] = ReadUint32(batch->arena + start) == kMagicResponse ? kFlagRes : 0;
  FillArguments(settings, shape, batch->arena, row, head_end);
  return row;
}

bool Cursor::TextLine() {
  uint32_t limit = Min(end - at, settings.line_bytes_max + 1);
  const uint8_t* text = batch->arena + at;
  const void* lf = memchr(text, '\n', limit);
  if (lf == nullptr) {
    if (limit <= settings.line_bytes_max) return Stopped(Stop::kNeedMore);
    return Fault(kLineTooLong);
  }
  uint32_t bytes = static_cast<uint32_t>(static_cast<const uint8_t*>(lf) - text);
  int32_t* row = batch->Append(conn, kLine, at);
  row[kA0] = static_cast<int32_t>(bytes > 0 && text[bytes - 1] == '\r' ? bytes - 1 : bytes);
  at += bytes + 1;
  row[kData] = row[kEnd] = static_cast<int32_t>(at);
  return true;
}

bool Cursor::Packet() {
  if (end - at < kHeaderBytes) return Stopped(Stop::kNeedMore);
  const uint8_t* header = batch->arena + at;
  uint32_t magic = ReadUint32(header);
  if (magic != kMagicRequest && magic != kMagicResponse) return Fault(kBadMagic);
  uint32_t type = ReadUint32(header + 4);
  if (type == 0 || type > settings.type_max) return Fault(kBadType);
  uint32_t payload = ReadUint32(header + 8);
  if (payload > settings.packet_bytes_max) return Fault(kPacketTooLarge, payload);
  return settings.shapes[type].has_data ? PacketWithData(type, payload)
                                        : PacketWithoutData(type, payload);
}

bool Cursor::PacketWithoutData(uint32_t type, uint32_t payload) {
  if (kHeaderBytes + payload > settings.head_bytes_max) return Fault(kHeadTooLong);
  if (end - at < kHeaderBytes + payload) return Stopped(Stop::kNeedMore);
  uint32_t first = at + kHeaderBytes;
  uint32_t frame_end = first + payload;
  uint32_t arg_count = settings.shapes[type].arg_count;
  if (arg_count > 1 &&
      EndOfArguments(batch->arena, first, frame_end, arg_count - 1) == kNotFound) {
    return TooFewArguments(type, frame_end);
  }
  AppendPacket(settings, batch, conn, type, at, frame_end, frame_end);
  at = frame_end;
  return true;
}

bool Cursor::PacketWithData(uint32_t type, uint32_t payload) {
  uint32_t have = end - at - kHeaderBytes;
  uint32_t first = at + kHeaderBytes;
  uint32_t limit = Min(payload, settings.head_bytes_max - kHeaderBytes);
  uint32_t head_end = EndOfArguments(batch->arena, first, first + Min(have, limit),
                                     settings.shapes[type].arg_count);
  if (head_end == kNotFound) {
    if (have < limit) return Stopped(Stop::kNeedMore);
    if (payload > limit) return Fault(kHeadTooLong);
    return TooFewArguments(type, first + payload);
  }
  if (have >= payload) {
    AppendPacket(settings, batch, conn, type, at, head_end, first + payload);
    at = first + payload;
    return true;
  }
  // The sum cannot overflow: payload is at most packet_bytes_max, which is below 2^31.
  if (kHeaderBytes + payload <= settings.carry_bytes_max) return Stopped(Stop::kNeedMore);
  result.head_bytes = head_end - at;
  result.data_bytes = payload - (head_end - first);
  return Stopped(Stop::kLarge);
}

bool Cursor::TooFewArguments(uint32_t type, uint32_t frame_end) {
  if (!settings.shapes[type].may_be_short) return Fault(kTooFewArguments);
  uint32_t first = at + kHeaderBytes;
  bool is_response = ReadUint32(batch->arena + at) == kMagicResponse;
  int32_t* row = batch->Append(conn, static_cast<int32_t>(type), at);
  row[kOff] = static_cast<int32_t>(first);
  row[kA0] = static_cast<int32_t>(frame_end - first);
  row[kData] = row[kEnd] = static_cast<int32_t>(frame_end);
  row[kFlags] = kFlagShort | (is_response ? kFlagRes : 0);
  at = frame_end;
  return true;
}

}  // namespace

int32_t* Batch::Append(int32_t conn, int32_t type, uint32_t start) {
  int32_t* row = rows + static_cast<size_t>(row_count++) * kRowInts;
  memset(row, 0, kRowInts * sizeof(int32_t));
  row[kConn] = conn;
  row[kType] = type;
  row[kStart] = row[kOff] = row[kData] = row[kEnd] = static_cast<int32_t>(start);
  return row;
}

Decoded Decode(const Settings& settings, Batch* batch, int32_t conn, uint32_t start, uint32_t end) {
  Cursor cursor{settings, batch, conn, start, end, {Stop::kNeedMore, start, 0, 0}};
  bool more = true;
  while (more && cursor.at < end) {
    if (batch->IsFull()) {
      cursor.result.stop = Stop::kRowsFull;
      break;
    }
    more = batch->arena[cursor.at] == 0 ? cursor.Packet() : cursor.TextLine();
  }
  cursor.result.at = cursor.at;
  return cursor.result;
}

void AppendLarge(const Settings& settings, Batch* batch, int32_t conn, uint32_t start,
                 uint32_t head_bytes, uint32_t data_bytes, int32_t blob) {
  uint32_t end = start + head_bytes;
  uint32_t type = ReadUint32(batch->arena + start + 4);
  int32_t* row = AppendPacket(settings, batch, conn, type, start, end, end);
  row[kDataLen] = static_cast<int32_t>(data_bytes);
  row[kBlob] = blob;
}

int32_t HashBytes(const uint8_t* bytes, uint32_t count, uint32_t seed) {
  uint32_t h = seed ^ count;
  for (uint32_t i = 0; i < count; i++) h = ((h ^ bytes[i]) * 0x5bd1e995u) ^ (h >> 15);
  h ^= h >> 16;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  return static_cast<int32_t>(h ^ (h >> 16));
}

}  // namespace geartrain
