// The port of a first-message queue: listens, accepts a few peers in each pass, reports events,
// closes. Rule: a peer is checked before newer ones can push it out; when descriptors run out,
// accepting pauses until the timer's next tick.
#include "first-message/first-message-queue.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/memory.h"

namespace geartrain {
namespace {

constexpr uint32_t kAcceptsMax = 64;
// Precision of timeouts.
constexpr uint64_t kTickMs = 100;

FirstMessageQueue* Of(const void* data) {
  return static_cast<FirstMessageQueue*>(const_cast<void*>(data));
}

}  // namespace

FirstMessageQueue::FirstMessageQueue(const FirstMessageOptions& options, int32_t* rows, char* texts,
                                     const FirstMessageHost& host)
    : options_(options), rows_(rows), texts_(texts), host_(host) {
  uint32_t quarter = (options.waiting_max + 3) / 4;
  taken_max_ = quarter < kAcceptsMax ? quarter : kAcceptsMax;
}

FirstMessageQueue::~FirstMessageQueue() {
  if (listen_fd_ >= 0) close(listen_fd_);
  if (ready_fd_ >= 0) close(ready_fd_);
}

int FirstMessageQueue::Listen(uv_loop_t* loop, const char* host, int port, int backlog,
                              bool v6_only) {
  loop_ = loop;
  listen_fd_ = BindIp(host, port, v6_only);
  if (listen_fd_ < 0) return listen_fd_;
  if (listen(listen_fd_, backlog) != 0) return -errno;
  ready_fd_ = epoll_create1(EPOLL_CLOEXEC);
  if (ready_fd_ < 0) return -errno;
  port_ = BoundPort(listen_fd_);
  // Both are descriptors that libuv can watch, so this does not fail.
  int error = uv_poll_init(loop, &accept_poll_, listen_fd_);
  if (error == 0) error = uv_poll_init(loop, &ready_poll_, ready_fd_);
  if (error != 0) Die("a first-message queue cannot be watched");
  uv_timer_init(loop, &timer_);
  open_handles_ = 3;
  accept_poll_.data = ready_poll_.data = timer_.data = this;
  // The port alone keeps the loop alive.
  uv_unref(reinterpret_cast<uv_handle_t*>(&ready_poll_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&timer_));
  uv_poll_start(&ready_poll_, UV_READABLE, OnReady);
  uv_poll_start(&accept_poll_, UV_READABLE, OnAcceptable);
  is_accepting_ = true;
  return 0;
}

void FirstMessageQueue::OnAcceptable(uv_poll_t* poll, int status, int) {
  FirstMessageQueue* queue = Of(poll->data);
  if (queue->is_closed_) return;
  if (status < 0) {
    queue->StopAccepting(status);
  } else {
    queue->Pass(true);
  }
}

void FirstMessageQueue::OnReady(uv_poll_t* poll, int, int) {
  FirstMessageQueue* queue = Of(poll->data);
  if (!queue->is_closed_) queue->Pass(false);
}

// Checks peers before pushing any out. Peers left for the next pass make its descriptor ready
// again.
void FirstMessageQueue::Pass(bool may_accept) {
  LookAtSome();
  if (may_accept) AcceptSome();
  PushOut();
  RunTimer();
  ReportRows();
}

void FirstMessageQueue::AcceptSome() {
  for (uint32_t i = 0; i < taken_max_; i++) {
    if (!AcceptOne()) return;
  }
}

// False: no peer is waiting, or none can be accepted now.
bool FirstMessageQueue::AcceptOne() {
  sockaddr_storage address = {};
  int fd = AcceptPeer(listen_fd_, &address);
  if (fd == -EAGAIN || fd == -EINTR) return fd == -EINTR;
  if (fd < 0) {
    StopAccepting(fd);
    return false;
  }
  last_id_ = last_id_ == INT32_MAX ? 1 : last_id_ + 1;
  if (!Admit(fd, last_id_)) {
    StopAccepting(-errno);
    close(fd);
    return false;
  }
  char* text = texts_ + size_t{row_count_} * kAddressBytesMax;
  WriteAddress(address, text);
  AddRow(last_id_, kEntered, PortOf(address), static_cast<int32_t>(strlen(text)));
  return true;
}

void FirstMessageQueue::StopAccepting(int error) {
  is_accepting_ = false;
  UpdateAccepting();
  RunTimer();
  if (host_.on_accept_error(host_.data, error) == Outcome::kEnding) Close();
}

void FirstMessageQueue::Pause(bool is_paused) {
  if (is_closed_ || is_paused == is_paused_) return;
  is_paused_ = is_paused;
  UpdateAccepting();
}

void FirstMessageQueue::UpdateAccepting() {
  if (is_closed_) return;
  if (is_accepting_ && !is_paused_) {
    uv_poll_start(&accept_poll_, UV_READABLE, OnAcceptable);
  } else {
    uv_poll_stop(&accept_poll_);
  }
}

void FirstMessageQueue::AddRow(int32_t id, int32_t event, int32_t value, int32_t detail) {
  int32_t* row = rows_ + size_t{row_count_++} * kPeerRowInts;
  row[kPeer] = id;
  row[kEvent] = event;
  row[kValue] = value;
  row[kDetail] = detail;
}

void FirstMessageQueue::ReportRows() {
  if (row_count_ == 0) return;
  uint32_t count = row_count_;
  row_count_ = 0;
  Outcome outcome = is_closed_ ? Outcome::kEnding : host_.on_rows(host_.data, count);
  if (outcome != Outcome::kEnding) return;
  // The rows were not read.
  for (uint32_t i = 0; i < count; i++) {
    const int32_t* row = rows_ + size_t{i} * kPeerRowInts;
    if (row[kEvent] == kWholeNow) close(row[kValue]);
  }
  Close();
}

// Ticks while there are peers, or accepting is to be tried again.
void FirstMessageQueue::RunTimer() {
  if (is_closed_) return;
  bool must_run = waiting_.count > 0 || ending_.count > 0 || !is_accepting_;
  if (must_run == (uv_is_active(reinterpret_cast<uv_handle_t*>(&timer_)) != 0)) return;
  if (must_run) {
    uv_timer_start(&timer_, OnTimer, kTickMs, kTickMs);
  } else {
    uv_timer_stop(&timer_);
  }
}

void FirstMessageQueue::OnTimer(uv_timer_t* timer) {
  FirstMessageQueue* queue = Of(timer->data);
  if (!queue->is_accepting_) {
    queue->is_accepting_ = true;
    queue->UpdateAccepting();
  }
  // A message that came in time counts, so check first.
  queue->LookAtSome();
  queue->EndLate();
  queue->RunTimer();
  queue->ReportRows();
}

// The peer came in this pass, so it is one of the last.
void FirstMessageQueue::Refuse(int32_t id) {
  Peer* peer = waiting_.last;
  while (peer != nullptr && peer->id != id) peer = peer->previous;
  if (peer != nullptr) Drop(&waiting_, peer);
}

void FirstMessageQueue::Close() {
  if (is_closed_) return;
  is_closed_ = true;
  while (waiting_.first != nullptr) Drop(&waiting_, waiting_.first);
  while (ending_.first != nullptr) Drop(&ending_, ending_.first);
  uv_close(reinterpret_cast<uv_handle_t*>(&accept_poll_), OnHandleClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&ready_poll_), OnHandleClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), OnHandleClosed);
}

void FirstMessageQueue::OnHandleClosed(uv_handle_t* handle) {
  FirstMessageQueue* queue = Of(handle->data);
  if (--queue->open_handles_ > 0) return;
  // After on_closed the port may be bound again.
  close(queue->listen_fd_);
  close(queue->ready_fd_);
  queue->listen_fd_ = queue->ready_fd_ = -1;
  queue->host_.on_closed(queue->host_.data);
}

}  // namespace geartrain
