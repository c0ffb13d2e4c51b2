// Jobs whose result is awaited, found by handle. Open addressing with backward shift, never full.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

class OpenJobs {
 public:
  static constexpr size_t kHandleBytesMax = 64;

  struct Job {
    uint64_t number;
    uint64_t atNs;
  };

  explicit OpenJobs(size_t countMax) {
    size_t size = 16;
    while (size < countMax * 3) size *= 2;
    slots_.resize(size);
  }

  size_t count() const { return count_; }

  // False when the handle is there already. The handle has at most kHandleBytesMax bytes.
  bool add(std::string_view handle, uint64_t number, uint64_t atNs) {
    const uint64_t hash = hashOf(handle);
    size_t i = find(handle, hash);
    if (slots_[i].bytes != 0) return false;
    Slot &slot = slots_[i];
    slot.hash = hash;
    slot.job = {number, atNs};
    slot.bytes = static_cast<uint8_t>(handle.size());
    std::memcpy(slot.handle, handle.data(), handle.size());
    count_++;
    return true;
  }

  // False when no such handle is open.
  bool take(std::string_view handle, Job &job) {
    size_t hole = find(handle, hashOf(handle));
    if (slots_[hole].bytes == 0) return false;
    job = slots_[hole].job;
    count_--;
    const size_t mask = slots_.size() - 1;
    for (size_t i = (hole + 1) & mask; slots_[i].bytes != 0; i = (i + 1) & mask) {
      const size_t home = slots_[i].hash & mask;
      if (((i - home) & mask) < ((i - hole) & mask)) continue;
      slots_[hole] = slots_[i];
      hole = i;
    }
    slots_[hole].bytes = 0;
    return true;
  }

 private:
  struct Slot {
    uint64_t hash = 0;
    Job job{};
    uint8_t bytes = 0;
    char handle[kHandleBytesMax];
  };

  static uint64_t hashOf(std::string_view handle) {
    uint64_t hash = 0xcbf29ce484222325ull;
    for (const char c : handle) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
    return hash ^ (hash >> 32);
  }

  size_t find(std::string_view handle, uint64_t hash) const {
    const size_t mask = slots_.size() - 1;
    size_t i = hash & mask;
    while (slots_[i].bytes != 0) {
      const Slot &slot = slots_[i];
      if (slot.hash == hash && std::string_view(slot.handle, slot.bytes) == handle) break;
      i = (i + 1) & mask;
    }
    return i;
  }

  std::vector<Slot> slots_;
  size_t count_ = 0;
};
