// The peers of a first-message queue: a peer is checked when bytes arrive, and leaves when it is
// handed on or ended. Rule: a pass touches at most kLooksMax peers here, and each call frees only
// its own, so that no event of the same pass points to a freed one.
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cstring>

#include "first-message/first-message-queue.h"

namespace geartrain {
namespace {

constexpr int kLooksMax = 256;
// How long a refused peer may take to read its answer.
constexpr uint64_t kEndingMs = 1000;
constexpr size_t kReadAwayBytes = 64 * 1024;

constexpr char kBadRequest[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
constexpr char kTimeout[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";

}  // namespace

// False (errno): it cannot be watched, and the caller keeps the descriptor.
bool FirstMessageQueue::Admit(int fd, int32_t id) {
  Peer* peer =
      new Peer{nullptr, nullptr, uv_now(loop_) + options_.timeout_ms, fd, id, false, false};
  // Edge-triggered: no peer is checked twice for the same bytes.
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  event.data.ptr = peer;
  if (epoll_ctl(ready_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    delete peer;
    return false;
  }
  waiting_.PushBack(peer);
  return true;
}

void FirstMessageQueue::LookAtSome() {
  epoll_event events[kLooksMax];
  int count = epoll_wait(ready_fd_, events, kLooksMax, 0);
  for (int i = 0; i < count; i++) {
    Peer* peer = static_cast<Peer*>(events[i].data.ptr);
    if (!peer->is_ending) {
      LookAt(peer, events[i].events);
    } else if (ReadAway(peer->fd)) {
      Drop(&ending_, peer);
    }
  }
}

void FirstMessageQueue::LookAt(Peer* peer, uint32_t events) {
  bool is_tls = options_.awaits == Awaits::kTls;
  size_t room = is_tls ? kFirstBytesMax : kHeadBytesMax + 1;
  ssize_t count;
  do {
    count = recv(peer->fd, bytes_, room, MSG_PEEK | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (count <= 0) return End(peer, kEndLeft, 0, nullptr);
  int32_t detail = 0;
  size_t size = static_cast<size_t>(count);
  int32_t look = is_tls ? LookAtHello(bytes_, size, &detail) : LookAtHead(bytes_, size);
  if (look == kWhole) return HandOn(peer);
  peer->has_head = look == kBody;
  if (look > 0) {
    return End(peer, kEndWrong, look | detail << 8, is_tls ? "" : kBadRequest);
  }
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) End(peer, kEndLeft, 0, nullptr);
}

void FirstMessageQueue::HandOn(Peer* peer) {
  epoll_ctl(ready_fd_, EPOLL_CTL_DEL, peer->fd, nullptr);
  SetStreamOptions(peer->fd, options_.stream);
  AddRow(peer->id, kWholeNow, peer->fd, 0);
  waiting_.Remove(peer);
  delete peer;
}

// Without an `answer` the peer ends at once, otherwise when it has taken the answer (which may be
// empty).
void FirstMessageQueue::End(Peer* peer, int32_t end, int32_t detail, const char* answer) {
  AddRow(peer->id, kEnded, end, detail);
  if (answer != nullptr) {
    if (*answer != '\0') send(peer->fd, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(peer->fd, SHUT_WR);
  }
  // Closing with unread bytes would reset the connection.
  bool has_ended = ReadAway(peer->fd);
  if (answer == nullptr || has_ended) return Drop(&waiting_, peer);
  waiting_.Remove(peer);
  peer->is_ending = true;
  peer->due = uv_now(loop_) + kEndingMs;
  ending_.PushBack(peer);
}

// True: no more bytes will come.
bool FirstMessageQueue::ReadAway(int fd) {
  for (int i = 0; i < 2; i++) {
    ssize_t count = recv(fd, nullptr, kReadAwayBytes, MSG_TRUNC | MSG_DONTWAIT);
    if (count <= 0) return count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  }
  // A peer that keeps sending is not waited for.
  return true;
}

void FirstMessageQueue::PushOut() {
  while (waiting_.count > options_.waiting_max) End(waiting_.first, kEndPushedOut, 0, nullptr);
  while (ending_.count > options_.waiting_max) Drop(&ending_, ending_.first);
}

void FirstMessageQueue::EndLate() {
  uint64_t now = uv_now(loop_);
  const char* answer = options_.awaits == Awaits::kTls ? nullptr : kTimeout;
  for (int i = 0; i < kLooksMax - 1 && waiting_.first != nullptr; i++) {
    if (waiting_.first->due > now) break;
    if (waiting_.first->has_head) {
      HandOn(waiting_.first);
    } else {
      End(waiting_.first, kEndLate, 0, answer);
    }
  }
  while (ending_.first != nullptr && ending_.first->due <= now) Drop(&ending_, ending_.first);
}

void FirstMessageQueue::Drop(List<Peer>* list, Peer* peer) {
  list->Remove(peer);
  // Closing the descriptor removes it from epoll.
  close(peer->fd);
  delete peer;
}

}  // namespace geartrain
