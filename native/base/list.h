// A list whose items carry their links: T has `next` and `previous`, and is in at most one list.
#ifndef GEARTRAIN_LIST_H_
#define GEARTRAIN_LIST_H_

#include <cstdint>

namespace geartrain {

template <typename T>
struct List {
  T* first = nullptr;
  T* last = nullptr;
  uint32_t count = 0;

  void PushBack(T* item) { Insert(last, item, nullptr); }
  void PushFront(T* item) { Insert(nullptr, item, first); }

  void Remove(T* item) {
    (item->previous == nullptr ? first : item->previous->next) = item->next;
    (item->next == nullptr ? last : item->next->previous) = item->previous;
    count--;
  }

 private:
  void Insert(T* previous, T* item, T* next) {
    item->previous = previous;
    item->next = next;
    (previous == nullptr ? first : previous->next) = item;
    (next == nullptr ? last : next->previous) = item;
    count++;
  }
};

}  // namespace geartrain

#endif  // GEARTRAIN_LIST_H_
