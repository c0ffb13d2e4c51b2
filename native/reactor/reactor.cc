#include "reactor/reactor.h"

namespace geartrain {
namespace {

constexpr uint64_t kReportEveryMs = 1000;
// Limit of connections closed after a turn, and once more before the loop sleeps.
constexpr uint32_t kClosesMax = 128;

}  // namespace

Reactor::Reactor(uv_loop_t* loop, const Settings& settings, const ReactorOptions& options,
                 const SharedArrays& arrays, const ReactorHost& host)
    : loop_(loop),
      settings_(settings),
      options_(options),
      arrays_(arrays),
      host_(host),
      batch_{arrays.arena, arrays.arena_bytes, 0, arrays.rows, arrays.row_count, 0},
      blobs_(arrays.control + kBlobKib, arrays.control + kBlobKibMax),
      scratch_(static_cast<uint8_t*>(Allocate(settings.read_bytes))),
      first_free_(~0u),
      last_free_(~0u),
      next_segment_(static_cast<int32_t*>(Allocate(arrays.out_row_count * sizeof(int32_t)))) {
  read_context_ = ReadContext{&settings_, &batch_, &blobs_, scratch_, 1};
  InitHandles(loop);
}

Reactor::~Reactor() {
  free(scratch_);
  free(next_segment_);
}

void Reactor::InitHandles(uv_loop_t* loop) {
  uv_prepare_init(loop, &prepare_);
  uv_check_init(loop, &check_);
  uv_idle_init(loop, &idle_);
  uv_timer_init(loop, &ring_timer_);
  uv_timer_init(loop, &retry_timer_);
  uv_timer_init(loop, &linger_timer_);
  open_handles_ = 6;
  prepare_.data = check_.data = idle_.data = this;
  ring_timer_.data = retry_timer_.data = linger_timer_.data = this;
  uv_prepare_start(&prepare_, [](uv_prepare_t* handle) {
    static_cast<Reactor*>(handle->data)->OnPrepare();
  });
  uv_check_start(&check_, [](uv_check_t* handle) {
    static_cast<Reactor*>(handle->data)->OnCheck();
  });
  // Only `prepare_`, by UpdateReference(), and a running `idle_` keep the loop alive.
  uv_unref(reinterpret_cast<uv_handle_t*>(&prepare_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&check_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&ring_timer_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&retry_timer_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&linger_timer_));
}

void Reactor::RunTurn() {
  is_turn_requested_ = ring_woke_ = must_spin_ = false;
  is_in_turn_ = true;
  arrays_.control[kUnsentKib] = static_cast<int32_t>(unsent_held_ >> 10);
  Outcome outcome = host_.on_turn(host_.data, batch_.row_count);
  is_in_turn_ = false;
  reported_mib_ = LimitedMib();
  ClearBatch();
  if (outcome == Outcome::kEnding) return Abandon();
  if (outcome == Outcome::kThrew) DropOutput();
  Flush();
  FinishCloses(kClosesMax);
  if (is_destroy_noted_) Destroy();
}

void Reactor::ClearBatch() {
  batch_.row_count = 0;
  batch_.arena_used = 0;
  read_context_.turn++;
}

// Empties the batch while sockets are being read: arena or row table is full.
void Reactor::MakeRoom() {
  if (batch_.row_count > 0) {
    RunTurn();
  } else {
    ClearBatch();
  }
}

void Reactor::OnPrepare() {
  if (is_closing_) return;
  Flush();
  FinishCloses(kClosesMax);
  if (ring_words_ != nullptr) SleepOrTurn();
  if (!is_closing_) UpdateIdle();
}

void Reactor::OnCheck() {
  if (is_closing_) return;
  must_spin_ = false;
  if (ring_words_ != nullptr) {
    StayAwake();
    if (RingsDiffer()) ring_woke_ = true;
  }
  if (listen_error_ != 0) ReportListenError();
  if (is_closing_) return;
  if (!ProcessReady()) {
    // The rows of sockets have filled the batch: ready connections get a batch of their own.
    MakeRoom();
    if (is_closing_) return;
    ProcessReady();
  }
  if (batch_.row_count > 0 || is_turn_requested_ || ring_woke_ || MustReportMemory()) {
    RunTurn();
  } else {
    ClearBatch();
  }
  if (!is_closing_) UpdateIdle();
}

// Incomplete frames grow, and sent ones leave, without a row; threads share the limit and must
// know.
int32_t Reactor::LimitedMib() const {
  if (arrays_.control[kBlobKibMax] <= 0) return 0;
  return blobs_.LimitedMib() + static_cast<int32_t>(unsent_held_ >> 20);
}

// An active idle handle keeps the loop from sleeping while work is left.
void Reactor::UpdateIdle() {
  bool must_run = ready_.count > 0 || is_turn_requested_ || must_spin_ || closes_.size() > 0 ||
                  MustReportMemory();
  if (must_run == (uv_is_active(reinterpret_cast<uv_handle_t*>(&idle_)) != 0)) return;
  if (must_run) {
    uv_idle_start(&idle_, [](uv_idle_t*) {});
  } else {
    uv_idle_stop(&idle_);
  }
}

void Reactor::UpdateReference() {
  if (is_closing_) return;
  bool is_needed = connection_count_ > 0 || listener_count_ > 0 || ring_words_ != nullptr;
  uv_handle_t* handle = reinterpret_cast<uv_handle_t*>(&prepare_);
  if (is_needed) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
}

void Reactor::ReportListenError() {
  int error = listen_error_;
  uint64_t now = uv_now(loop_);
  listen_error_ = 0;
  if (has_reported_error_ && now - reported_at_ < kReportEveryMs) return;
  has_reported_error_ = true;
  reported_at_ = now;
  if (host_.on_listen_error(host_.data, error) == Outcome::kEnding) Abandon();
}

void Reactor::RequestTurn() {
  if (is_closing_) return;
  is_turn_requested_ = true;
  UpdateIdle();
}

void Reactor::Destroy() {
  if (is_closing_) return;
  if (is_in_turn_) {
    is_destroy_noted_ = true;
    return;
  }
  Flush();
  FinishCloses(UINT32_MAX);
  Abandon();
}

void Reactor::Abandon() {
  if (is_closing_) return;
  is_closing_ = true;
  if (ring_words_ != nullptr) StayAwake();
  // Rows that will not be handed over must not keep blobs.
  for (uint32_t i = 0; i < batch_.row_count; i++) {
    const int32_t* row = batch_.rows + size_t{i} * kRowInts;
    Blob* blob = blobs_.Find(row[kBlob]);
    if (blob != nullptr) blobs_.Release(blob);
  }
  batch_.row_count = 0;
  for (uint32_t i = 0; i < listeners_.size(); i++) {
    if (!listeners_[i]->is_closed) CloseListener(listeners_[i]);
  }
  for (uint32_t i = 0; i < slots_.size(); i++) {
    if (slots_[i].connection != nullptr) CloseConnection(slots_[i].connection);
  }
  CloseDoorbell();
  CloseHandle(reinterpret_cast<uv_handle_t*>(&prepare_));
  CloseHandle(reinterpret_cast<uv_handle_t*>(&check_));
  CloseHandle(reinterpret_cast<uv_handle_t*>(&idle_));
  CloseHandle(reinterpret_cast<uv_handle_t*>(&ring_timer_));
  CloseHandle(reinterpret_cast<uv_handle_t*>(&retry_timer_));
  CloseHandle(reinterpret_cast<uv_handle_t*>(&linger_timer_));
}

void Reactor::CloseHandle(uv_handle_t* handle) { uv_close(handle, OnHandleClosed); }

void Reactor::OnHandleClosed(uv_handle_t* handle) {
  static_cast<Reactor*>(handle->data)->HandleClosed();
}

void Reactor::HandleClosed() {
  if (--open_handles_ == 0) host_.on_closed(host_.data);
}

}  // namespace geartrain
