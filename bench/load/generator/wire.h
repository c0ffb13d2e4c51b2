// Gearman frames as the load generator writes and checks them.
// Rule: bytes only, no socket and no scenario. Source: Gearman PROTOCOL, binary packets.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

[[noreturn]] inline void fail(const std::string &message) {
  std::fprintf(stderr, "load: %s\n", message.c_str());
  std::exit(1);
}

namespace wire {

enum Type : uint32_t {
  CAN_DO = 1,
  PRE_SLEEP = 4,
  NOOP = 6,
  SUBMIT_JOB = 7,
  JOB_CREATED = 8,
  GRAB_JOB = 9,
  NO_JOB = 10,
  JOB_ASSIGN = 11,
  WORK_COMPLETE = 13,
  ECHO_REQ = 16,
  ECHO_RES = 17,
  SUBMIT_JOB_BG = 18,
  ERROR = 19,
  GRAB_JOB_UNIQ = 30,
  JOB_ASSIGN_UNIQ = 31,
  GRAB_JOB_ALL = 39,
};

constexpr size_t kHeaderBytes = 12;

inline void putU32(char *at, uint32_t value) {
  const uint32_t big = __builtin_bswap32(value);
  std::memcpy(at, &big, 4);
}

inline uint32_t getU32(const char *at) {
  uint32_t big;
  std::memcpy(&big, at, 4);
  return __builtin_bswap32(big);
}

inline void putU64(char *at, uint64_t value) {
  const uint64_t big = __builtin_bswap64(value);
  std::memcpy(at, &big, 8);
}

inline uint64_t getU64(const char *at) {
  uint64_t big;
  std::memcpy(&big, at, 8);
  return __builtin_bswap64(big);
}

// Bytes between a read and a write position; moves them to the front only when it must grow.
class Buffer {
 public:
  const char *data() const { return bytes_.data() + start_; }
  size_t size() const { return end_ - start_; }
  size_t room() const { return bytes_.size() - end_; }

  // At least `count` writable bytes behind the content; call produced() for those really written.
  char *reserve(size_t count) {
    if (room() >= count) return bytes_.data() + end_;
    if (start_ > 0) {
      std::memmove(bytes_.data(), data(), size());
      end_ -= start_;
      start_ = 0;
    }
    if (room() < count) bytes_.resize(end_ + count + (end_ >> 1));
    return bytes_.data() + end_;
  }

  void produced(size_t count) { end_ += count; }

  void consumed(size_t count) {
    start_ += count;
    if (start_ == end_) start_ = end_ = 0;
  }

  void append(const char *from, size_t count) {
    if (count == 0) return;
    std::memcpy(reserve(count), from, count);
    produced(count);
  }

 private:
  std::vector<char> bytes_;
  size_t start_ = 0;
  size_t end_ = 0;
};

// Appends one request; the caller fills its `payloadBytes` bytes at the pointer returned.
inline char *putRequest(Buffer &out, uint32_t type, size_t payloadBytes) {
  char *at = out.reserve(kHeaderBytes + payloadBytes);
  std::memcpy(at, "\0REQ", 4);
  putU32(at + 4, type);
  putU32(at + 8, static_cast<uint32_t>(payloadBytes));
  out.produced(kHeaderBytes + payloadBytes);
  return at + kHeaderBytes;
}

// Appends a submit but for its unique and workload: the caller fills the unique at the pointer
// returned, and the workload one byte behind it.
inline char *putSubmit(Buffer &out, uint32_t type, const std::string &name, size_t uniqueBytes,
                       size_t workloadBytes) {
  const size_t nameBytes = name.size() + 1;
  char *at = putRequest(out, type, nameBytes + uniqueBytes + 1 + workloadBytes);
  std::memcpy(at, name.c_str(), nameBytes);
  at[nameBytes + uniqueBytes] = 0;
  return at + nameBytes;
}

// Cuts the next NUL-ended argument off the front of `rest`; false when there is no NUL.
inline bool cutArgument(std::string_view &rest, std::string_view &argument) {
  const char *nul = static_cast<const char *>(std::memchr(rest.data(), 0, rest.size()));
  if (nul == nullptr) return false;
  const size_t length = static_cast<size_t>(nul - rest.data());
  argument = rest.substr(0, length);
  rest.remove_prefix(length + 1);
  return true;
}

// Workloads say which job they belong to, so that a result can be checked without keeping it:
// 8 bytes job number (when they fit), then a pattern that starts at (number & 255).
class Workloads {
 public:
  explicit Workloads(size_t bytes) : bytes_(bytes), pattern_(bytes + 256) {
    for (size_t i = 0; i < pattern_.size(); i++) {
      pattern_[i] = static_cast<char>((i * 2654435761u) >> 13);
    }
  }

  size_t bytes() const { return bytes_; }
  bool isNumbered() const { return bytes_ >= 8; }

  void write(char *at, uint64_t number) const {
    const size_t head = isNumbered() ? 8 : 0;
    if (head != 0) putU64(at, number);
    if (bytes_ > head) std::memcpy(at + head, &pattern_[number & 255], bytes_ - head);
  }

  // The job number, or -1 when the bytes are not what write() made for that number.
  // Without room for a number only the length can be checked, and the answer is 0.
  int64_t check(std::string_view data) const {
    if (data.size() != bytes_) return -1;
    if (!isNumbered()) return 0;
    const uint64_t number = getU64(data.data());
    if (std::memcmp(data.data() + 8, &pattern_[number & 255], bytes_ - 8) != 0) return -1;
    return static_cast<int64_t>(number);
  }

 private:
  size_t bytes_;
  std::vector<char> pattern_;
};

}  // namespace wire
