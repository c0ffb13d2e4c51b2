// Listening sockets of a reactor: bind, accept, OPEN rows. Rule: when descriptors run out a
// listener is not polled for 100 ms; it never spins and never gives up.
#include <errno.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/sockets.h"
#include "reactor/reactor.h"

namespace geartrain {
namespace {

constexpr uint64_t kRetryMs = 100;
constexpr int kAcceptsMax = 64;

}  // namespace

int Reactor::ListenIp(const char* host, int port, int backlog, bool v6_only) {
  int fd = BindIp(host, port, v6_only);
  if (fd < 0) return fd;
  if (kAcceptedInherit) SetStreamOptions(fd, options_.stream);
  Listener* listener = nullptr;
  int id = StartListener(fd, backlog, &listener);
  if (id < 0) return id;
  listener->port = BoundPort(fd);
  return id;
}

int Reactor::ListenPath(const char* path, int mode, int backlog) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof address.sun_path) return UV_ENAMETOOLONG;
  memcpy(address.sun_path, path, length);
  int fd = OpenSocket(AF_UNIX);
  if (fd < 0) return fd;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    int error = -errno;
    close(fd);
    return error;
  }
  // Before listen(): no peer can connect until then, so that the initial mode lets no stranger in.
  if (chmod(path, static_cast<mode_t>(mode)) != 0) {
    int error = -errno;
    unlink(path);
    close(fd);
    return error;
  }
  Listener* listener = nullptr;
  int id = StartListener(fd, backlog, &listener);
  if (id < 0) {
    unlink(path);
    return id;
  }
  listener->is_local = true;
  memcpy(listener->path, path, length + 1);
  return id;
}

// Takes ownership of `fd`, also on failure.
int Reactor::StartListener(int fd, int backlog, Listener** created) {
  int error = is_closing_ ? UV_ECANCELED : 0;
  if (error == 0 && listen(fd, backlog) != 0) error = -errno;
  Listener* listener = error == 0 ? new Listener() : nullptr;
  if (error == 0) error = uv_poll_init(loop_, &listener->poll, fd);
  if (error != 0) {
    delete listener;
    close(fd);
    return error;
  }
  open_handles_++;
  listener_count_++;
  listener->poll.data = listener;
  listener->reactor = this;
  listener->fd = fd;
  listener->id = ++last_listener_id_;
  uv_poll_start(&listener->poll, UV_READABLE, OnAcceptable);
  listeners_.Push(listener);
  UpdateReference();
  *created = listener;
  return listener->id;
}

int Reactor::ListenerPort(int32_t id) {
  for (uint32_t i = 0; i < listeners_.size(); i++) {
    if (listeners_[i]->id == id) return listeners_[i]->port;
  }
  return 0;
}

void Reactor::Unlisten(int32_t id) {
  for (uint32_t i = 0; i < listeners_.size(); i++) {
    Listener* listener = listeners_[i];
    if (listener->id == id && !listener->is_closed) CloseListener(listener);
  }
}

void Reactor::CloseListener(Listener* listener) {
  listener->is_closed = true;
  listener_count_--;
  if (listener->is_local) unlink(listener->path);
  uv_close(reinterpret_cast<uv_handle_t*>(&listener->poll), OnListenerClosed);
  UpdateReference();
}

void Reactor::OnListenerClosed(uv_handle_t* handle) {
  Listener* listener = static_cast<Listener*>(handle->data);
  Reactor* reactor = listener->reactor;
  Vector<Listener*> kept;
  for (uint32_t i = 0; i < reactor->listeners_.size(); i++) {
    if (reactor->listeners_[i] != listener) kept.Push(reactor->listeners_[i]);
  }
  reactor->listeners_.Swap(kept);
  close(listener->fd);
  delete listener;
  reactor->HandleClosed();
}

void Reactor::OnAcceptable(uv_poll_t* poll, int status, int) {
  Listener* listener = static_cast<Listener*>(poll->data);
  if (listener->is_closed) return;
  if (status < 0) return listener->reactor->WaitToAccept(listener, status);
  listener->reactor->AcceptAll(listener);
}

void Reactor::AcceptAll(Listener* listener) {
  for (int i = 0; i < kAcceptsMax; i++) {
    if (batch_.IsFull() || batch_.arena_capacity - batch_.arena_used < kAddressBytesMax) {
      MakeRoom();
      if (is_closing_) return;
    }
    if (listener->is_closed || listener->is_waiting || !AcceptOne(listener)) return;
  }
}

// False: no peer is waiting, or none can be accepted now.
bool Reactor::AcceptOne(Listener* listener) {
  sockaddr_storage address = {};
  int fd = AcceptPeer(listener->fd, &address);
  if (fd == -EAGAIN || fd == -EINTR) return fd == -EINTR;
  if (fd < 0) {
    WaitToAccept(listener, fd);
    return false;
  }
  if (!kAcceptedInherit && !listener->is_local) SetStreamOptions(fd, options_.stream);
  char text[kAddressBytesMax] = "localhost";
  int port = 0;
  if (!listener->is_local) {
    WriteAddress(address, text);
    port = PortOf(address);
  }
  int error = 0;
  Connection* connection = CreateConnection(fd, &error);
  if (connection == nullptr) {
    close(fd);
    WaitToAccept(listener, error);
    return false;
  }
  EmitOpen(connection->id, listener, text, port);
  return true;
}

void Reactor::EmitOpen(int32_t conn, Listener* listener, const char* text, int port) {
  uint32_t start = batch_.arena_used;
  uint32_t length = static_cast<uint32_t>(strlen(text));
  memcpy(batch_.arena + start, text, length);
  batch_.arena_used = start + length;
  int32_t* row = batch_.Append(conn, kOpen, start);
  row[kA0] = static_cast<int32_t>(length);
  row[kA1] = port;
  row[kA2] = listener->id;
  row[kData] = row[kEnd] = static_cast<int32_t>(batch_.arena_used);
}

void Reactor::WaitToAccept(Listener* listener, int error) {
  listener->is_waiting = true;
  listen_error_ = error;
  uv_poll_stop(&listener->poll);
  if (!uv_is_active(reinterpret_cast<uv_handle_t*>(&retry_timer_))) {
    uv_timer_start(&retry_timer_, OnRetryTimer, kRetryMs, 0);
  }
}

void Reactor::OnRetryTimer(uv_timer_t* timer) {
  Reactor* reactor = static_cast<Reactor*>(timer->data);
  for (uint32_t i = 0; i < reactor->listeners_.size(); i++) {
    Listener* listener = reactor->listeners_[i];
    if (!listener->is_waiting || listener->is_closed) continue;
    listener->is_waiting = false;
    uv_poll_start(&listener->poll, UV_READABLE, OnAcceptable);
  }
}

}  // namespace geartrain
