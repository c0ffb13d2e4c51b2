// The port of a lobby: listens, accepts a few in a pass, tells what happened, and ends.
// Rule: nobody is accepted faster than he can be looked at before he is pushed out; when descriptors
// run out nothing is accepted until the timer's next tick.
#include "first-message/lobby.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/memory.h"

namespace geartrain {
namespace {

constexpr uint32_t kAcceptsMax = 64;
// Times are kept this exactly.
constexpr uint64_t kTickMs = 100;

Lobby* Of(const void* data) { return static_cast<Lobby*>(const_cast<void*>(data)); }

}  // namespace

Lobby::Lobby(const LobbyOptions& options, int32_t* rows, char* texts, const LobbyHost& host)
    : options_(options), rows_(rows), texts_(texts), host_(host) {
  uint32_t quarter = (options.waiting_max + 3) / 4;
  taken_max_ = quarter < kAcceptsMax ? quarter : kAcceptsMax;
}

Lobby::~Lobby() {
  if (listen_fd_ >= 0) close(listen_fd_);
  if (ready_fd_ >= 0) close(ready_fd_);
}

int Lobby::Listen(uv_loop_t* loop, const char* host, int port, int backlog, bool v6_only) {
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
  if (error != 0) Die("a lobby cannot be watched");
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

void Lobby::OnAcceptable(uv_poll_t* poll, int status, int) {
  Lobby* lobby = Of(poll->data);
  if (lobby->is_closed_) return;
  if (status < 0) {
    lobby->StopAccepting(status);
  } else {
    lobby->Pass(true);
  }
}

void Lobby::OnReady(uv_poll_t* poll, int, int) {
  Lobby* lobby = Of(poll->data);
  if (!lobby->is_closed_) lobby->Pass(false);
}

// Looks before it pushes out. What is left for the next pass makes its descriptor ready again.
void Lobby::Pass(bool may_accept) {
  LookAtSome();
  if (may_accept) AcceptSome();
  PushOut();
  RunTimer();
  Tell();
}

void Lobby::AcceptSome() {
  for (uint32_t i = 0; i < taken_max_; i++) {
    if (!AcceptOne()) return;
  }
}

// False: there is nobody left to accept, or nobody can be accepted now.
bool Lobby::AcceptOne() {
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

void Lobby::StopAccepting(int error) {
  is_accepting_ = false;
  UpdateAccepting();
  RunTimer();
  if (host_.on_accept_error(host_.data, error) == Outcome::kEnding) Close();
}

void Lobby::Pause(bool is_paused) {
  if (is_closed_ || is_paused == is_paused_) return;
  is_paused_ = is_paused;
  UpdateAccepting();
}

void Lobby::UpdateAccepting() {
  if (is_closed_) return;
  if (is_accepting_ && !is_paused_) {
    uv_poll_start(&accept_poll_, UV_READABLE, OnAcceptable);
  } else {
    uv_poll_stop(&accept_poll_);
  }
}

void Lobby::AddRow(int32_t id, int32_t event, int32_t value, int32_t detail) {
  int32_t* row = rows_ + size_t{row_count_++} * kLobbyRowInts;
  row[kPeer] = id;
  row[kEvent] = event;
  row[kValue] = value;
  row[kDetail] = detail;
}

void Lobby::Tell() {
  if (row_count_ == 0) return;
  uint32_t count = row_count_;
  row_count_ = 0;
  Outcome outcome = is_closed_ ? Outcome::kEnding : host_.on_rows(host_.data, count);
  if (outcome != Outcome::kEnding) return;
  // Nobody has read them.
  for (uint32_t i = 0; i < count; i++) {
    const int32_t* row = rows_ + size_t{i} * kLobbyRowInts;
    if (row[kEvent] == kWholeNow) close(row[kValue]);
  }
  Close();
}

// Ticks while there is somebody, or accepting is to be tried again.
void Lobby::RunTimer() {
  if (is_closed_) return;
  bool must_run = waiting_.count > 0 || ending_.count > 0 || !is_accepting_;
  if (must_run == (uv_is_active(reinterpret_cast<uv_handle_t*>(&timer_)) != 0)) return;
  if (must_run) {
    uv_timer_start(&timer_, OnTimer, kTickMs, kTickMs);
  } else {
    uv_timer_stop(&timer_);
  }
}

void Lobby::OnTimer(uv_timer_t* timer) {
  Lobby* lobby = Of(timer->data);
  if (!lobby->is_accepting_) {
    lobby->is_accepting_ = true;
    lobby->UpdateAccepting();
  }
  // Who has spoken in time is heard first.
  lobby->LookAtSome();
  lobby->EndLate();
  lobby->RunTimer();
  lobby->Tell();
}

// It came in this pass, so it is one of the last.
void Lobby::Refuse(int32_t id) {
  Peer* peer = waiting_.last;
  while (peer != nullptr && peer->id != id) peer = peer->previous;
  if (peer != nullptr) Drop(&waiting_, peer);
}

void Lobby::Close() {
  if (is_closed_) return;
  is_closed_ = true;
  while (waiting_.first != nullptr) Drop(&waiting_, waiting_.first);
  while (ending_.first != nullptr) Drop(&ending_, ending_.first);
  uv_close(reinterpret_cast<uv_handle_t*>(&accept_poll_), OnHandleClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&ready_poll_), OnHandleClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), OnHandleClosed);
}

void Lobby::OnHandleClosed(uv_handle_t* handle) {
  Lobby* lobby = Of(handle->data);
  if (--lobby->open_handles_ > 0) return;
  // Whoever hears of it may bind the port again.
  close(lobby->listen_fd_);
  close(lobby->ready_fd_);
  lobby->listen_fd_ = lobby->ready_fd_ = -1;
  lobby->host_.on_closed(lobby->host_.data);
}

}  // namespace geartrain
