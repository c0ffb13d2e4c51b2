// Memory without the C++ library's containers, which would tie the binary to a newer libstdc++.
// Rule: when memory for our own small tables runs out, the process ends; only blobs may fail
// (blob.h).
#ifndef GEARTRAIN_MEMORY_H_
#define GEARTRAIN_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace geartrain {

[[noreturn]] inline void Die(const char* what) {
  fprintf(stderr, "geartrain: %s\n", what);
  abort();
}

inline void* Allocate(size_t bytes) {
  void* memory = malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) Die("out of memory");
  return memory;
}

// memcpy that accepts a null pointer with a count of 0.
inline void CopyBytes(void* to, const void* from, size_t bytes) {
  if (bytes > 0) memcpy(to, from, bytes);
}

// A growing array of plain values. Elements move when it grows: keep no pointers into it.
template <typename T>
class Vector {
 public:
  Vector() = default;
  ~Vector() { free(items_); }
  Vector(const Vector&) = delete;
  Vector& operator=(const Vector&) = delete;

  uint32_t size() const { return size_; }
  T& operator[](uint32_t index) { return items_[index]; }
  T* begin() { return items_; }
  void Clear() { size_ = 0; }
  void Push(const T& item) {
    if (size_ == capacity_) Grow();
    items_[size_++] = item;
  }
  // Exchanges contents, so that one list can be processed while new items go into an empty one.
  void Swap(Vector& other) {
    T* items = items_;
    items_ = other.items_;
    other.items_ = items;
    uint32_t size = size_;
    size_ = other.size_;
    other.size_ = size;
    uint32_t capacity = capacity_;
    capacity_ = other.capacity_;
    other.capacity_ = capacity;
  }

 private:
  void Grow() {
    capacity_ = capacity_ == 0 ? 16 : capacity_ * 2;
    T* items = static_cast<T*>(realloc(static_cast<void*>(items_), capacity_ * sizeof(T)));
    if (items == nullptr) Die("out of memory");
    items_ = items;
  }

  T* items_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
};

// Bytes with a moving front: a connection's unconsumed input. Takes no memory while it is empty.
class ByteQueue {
 public:
  ByteQueue() = default;
  ~ByteQueue() { free(bytes_); }
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  size_t size() const { return end_ - start_; }
  const uint8_t* data() const { return bytes_ + start_; }

  // Replaces the content by a copy of `first` and `second`; `second` may lie in this queue.
  void Assign(const uint8_t* first, size_t first_bytes, const uint8_t* second,
              size_t second_bytes) {
    if (first_bytes + second_bytes == 0) return Clear();
    uint8_t* bytes = static_cast<uint8_t*>(Allocate(first_bytes + second_bytes));
    CopyBytes(bytes, first, first_bytes);
    CopyBytes(bytes + first_bytes, second, second_bytes);
    free(bytes_);
    bytes_ = bytes;
    start_ = 0;
    end_ = capacity_ = first_bytes + second_bytes;
  }
  // Replaces the content; cheap when the old memory is large enough. `bytes` must not lie in this
  // queue.
  void Set(const uint8_t* bytes, size_t count) {
    if (count == 0) return Clear();
    if (bytes_ == nullptr || capacity_ < count) {
      free(bytes_);
      bytes_ = static_cast<uint8_t*>(Allocate(count));
      capacity_ = count;
    }
    memcpy(bytes_, bytes, count);
    start_ = 0;
    end_ = count;
  }
  void Take(size_t count) {
    start_ += count;
    if (start_ == end_) Clear();
  }
  void Clear() {
    free(bytes_);
    bytes_ = nullptr;
    start_ = end_ = capacity_ = 0;
  }

 private:
  uint8_t* bytes_ = nullptr;
  size_t start_ = 0;
  size_t end_ = 0;
  size_t capacity_ = 0;
};

}  // namespace geartrain

#endif  // GEARTRAIN_MEMORY_H_
