// The reactor's side of the rings (rules of sleeping: src/ring/doorbell.ts): no record is missed,
// because the asleep word is set before the last check, and a producer publishes before it reads
// the asleep word.
#include <errno.h>
#include <unistd.h>

#include "reactor/reactor.h"

namespace geartrain {
namespace {

// Turns that one prepare may run for rings before sockets get their turn.
constexpr int kTurnsMax = 8;
constexpr uint64_t kSleepMsMax = 1000;

}  // namespace

int Reactor::WatchRings(int32_t* words, int32_t asleep, const int32_t* write_words,
                        const int32_t* read_words, uint32_t count, int fd) {
  if (is_closing_) return UV_ECANCELED;
  if (fd != doorbell_fd_) {
    CloseDoorbell();
    if (fd >= 0) {
      uv_poll_t* poll = new uv_poll_t;
      int error = uv_poll_init(loop_, poll, fd);
      if (error != 0) {
        delete poll;
        return error;
      }
      poll->data = this;
      open_handles_++;
      doorbell_ = poll;
      doorbell_fd_ = fd;
      uv_poll_start(poll, UV_READABLE, OnDoorbell);
      uv_unref(reinterpret_cast<uv_handle_t*>(poll));
    }
  }
  if (ring_words_ != nullptr) StayAwake();
  ring_words_ = words;
  asleep_word_ = asleep;
  ring_pairs_.Clear();
  for (uint32_t i = 0; i < count; i++) {
    ring_pairs_.Push(write_words[i]);
    ring_pairs_.Push(read_words[i]);
  }
  uv_timer_start(&ring_timer_, [](uv_timer_t*) {}, kSleepMsMax, kSleepMsMax);
  uv_unref(reinterpret_cast<uv_handle_t*>(&ring_timer_));
  UpdateReference();
  return 0;
}

bool Reactor::RingsDiffer() {
  for (uint32_t i = 0; i < ring_pairs_.size(); i += 2) {
    int32_t write = __atomic_load_n(ring_words_ + ring_pairs_[i], __ATOMIC_SEQ_CST);
    int32_t read = __atomic_load_n(ring_words_ + ring_pairs_[i + 1], __ATOMIC_SEQ_CST);
    if (write != read) return true;
  }
  return false;
}

void Reactor::SleepOrTurn() {
  for (int turns = 0; turns < kTurnsMax; turns++) {
    __atomic_store_n(ring_words_ + asleep_word_, 1, __ATOMIC_SEQ_CST);
    is_asleep_ = true;
    if (!RingsDiffer()) return;
    StayAwake();
    RunTurn();
    if (is_closing_) return;
  }
  // Still awake: the next check comes after the sockets.
  must_spin_ = true;
}

void Reactor::StayAwake() {
  if (!is_asleep_) return;
  is_asleep_ = false;
  __atomic_store_n(ring_words_ + asleep_word_, 0, __ATOMIC_SEQ_CST);
}

void Reactor::CloseDoorbell() {
  if (doorbell_ == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(doorbell_), [](uv_handle_t* handle) {
    Reactor* reactor = static_cast<Reactor*>(handle->data);
    delete reinterpret_cast<uv_poll_t*>(handle);
    reactor->HandleClosed();
  });
  doorbell_ = nullptr;
  doorbell_fd_ = -1;
}

void Reactor::OnDoorbell(uv_poll_t* poll, int status, int) {
  Reactor* reactor = static_cast<Reactor*>(poll->data);
  if (status != 0) return reactor->CloseDoorbell();
  uint64_t rung;
  while (read(reactor->doorbell_fd_, &rung, sizeof rung) < 0 && errno == EINTR) {
  }
  reactor->ring_woke_ = true;
}

}  // namespace geartrain
