// The load generator's sockets: one epoll loop, one read per ready socket and turn, one write per
// socket with output, at the end of the turn. Rule: everything runs in one thread.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stats.h"
#include "wire.h"

class Connection;

// Whoever speaks over a connection. The payload is valid during the call only.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual void onFrame(uint32_t type, std::string_view payload) = 0;
};

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

inline Address resolve(const std::string &host, const std::string &port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo *found = nullptr;
  const int code = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (code != 0) fail("resolve " + host + ": " + gai_strerror(code));
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  freeaddrinfo(found);
  return address;
}

// Ends a run in which no job moves: longer than any pause of a healthy server.
constexpr uint64_t kStallNs = 10000000000ull;

class Loop {
 public:
  Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), events_(512), scratch_(1 << 18) {
    if (epoll_ < 0) fail(std::string("epoll_create1: ") + std::strerror(errno));
  }

  // `source` spreads the local ports of many short connections over addresses of 127/8.
  inline Connection *open(const Address &address, Peer *peer, uint64_t source = 0);
  inline void close(Connection *connection);
  inline void runUntil(const char *what, const std::function<bool()> &isDone);

  // The time of the read that is being handled, monotonic nanoseconds.
  uint64_t readAtNs() const { return readAtNs_; }
  // For bytes that no read caused: the first ones of a phase.
  void touchClock() { readAtNs_ = stats::nowNs(); }
  // Tells the watchdog that a job went forward.
  void moved() { moves_++; }
  void markDirty(Connection *connection) { dirty_.push_back(connection); }
  // How long a turn may sleep; 0: never.
  void sleepAtMost(int ms) { sleepMs_ = std::min(sleepMs_, ms); }
  // Called in each turn, before what was written leaves.
  std::function<void()> onTurn = [] {};
  std::function<std::string()> describe = [] { return std::string(); };

 private:
  inline void turn(int timeoutMs);
  inline void read(Connection *connection);
  inline void flush(Connection *connection);
  inline size_t dispatch(Connection *connection, const char *data, size_t count);
  inline void watch(Connection *connection, uint32_t events, int operation);

  int epoll_;
  std::vector<epoll_event> events_;
  std::vector<char> scratch_;
  std::vector<Connection *> dirty_;
  std::vector<std::unique_ptr<Connection>> closed_;
  uint64_t readAtNs_ = 0;
  uint64_t moves_ = 0;
  int sleepMs_ = 1000;
};

class Connection {
 public:
  Connection(Loop &loop, int fd, Peer *peer) : fd(fd), peer(peer), loop_(loop) {}

  // The bytes to append to; they leave at the end of the turn.
  wire::Buffer &out() {
    if (!isDirty && !wantsWrite) {
      isDirty = true;
      loop_.markDirty(this);
    }
    return out_;
  }

  int fd;
  Peer *peer;
  wire::Buffer in;
  bool isDirty = false;
  bool wantsWrite = false;

 private:
  friend class Loop;
  Loop &loop_;
  wire::Buffer out_;
};

inline void Loop::watch(Connection *connection, uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = connection;
  if (epoll_ctl(epoll_, operation, connection->fd, &event) != 0) {
    fail(std::string("epoll_ctl: ") + std::strerror(errno));
  }
}

inline void bindSource(int fd, const Address &address, uint64_t source) {
  auto target = reinterpret_cast<const sockaddr_in *>(&address.storage);
  if (target->sin_family != AF_INET || (ntohl(target->sin_addr.s_addr) >> 24) != 127) return;
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(0x7f000101u + static_cast<uint32_t>(source % 100));
  const int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(fd, reinterpret_cast<sockaddr *>(&from), sizeof from) != 0) {
    fail(std::string("bind: ") + std::strerror(errno));
  }
}

inline Connection *Loop::open(const Address &address, Peer *peer, uint64_t source) {
  const int family = address.storage.ss_family;
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(std::string("socket: ") + std::strerror(errno));
  if (source != 0) bindSource(fd, address, source);
  // A blocking connect keeps the server's accept queue (32 in C gearmand) from overflowing.
  if (::connect(fd, reinterpret_cast<const sockaddr *>(&address.storage), address.length) != 0) {
    fail(std::string("connect: ") + std::strerror(errno));
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto *connection = new Connection(*this, fd, peer);
  watch(connection, EPOLLIN, EPOLL_CTL_ADD);
  return connection;
}

// Safe inside a callback: the object lives until the end of the turn.
inline void Loop::close(Connection *connection) {
  ::close(connection->fd);
  connection->fd = -1;
  closed_.emplace_back(connection);
}

inline size_t Loop::dispatch(Connection *connection, const char *data, size_t count) {
  size_t used = 0;
  while (count - used >= wire::kHeaderBytes && connection->fd >= 0) {
    const char *head = data + used;
    if (std::memcmp(head, "\0RES", 4) != 0) fail("a frame does not start with RES");
    const size_t payloadBytes = wire::getU32(head + 8);
    if (count - used - wire::kHeaderBytes < payloadBytes) {
      // The rest of a large frame is then read without moving what is already here.
      const size_t missing = payloadBytes + wire::kHeaderBytes - (count - used);
      if (missing > scratch_.size()) connection->in.reserve(missing);
      break;
    }
    connection->peer->onFrame(wire::getU32(head + 4), {head + wire::kHeaderBytes, payloadBytes});
    used += wire::kHeaderBytes + payloadBytes;
  }
  return used;
}

inline void Loop::read(Connection *connection) {
  // Most reads end with a whole frame: they are handled where they were read, in shared memory.
  const bool isFresh = connection->in.size() == 0;
  const size_t roomBytes =
      isFresh ? scratch_.size() : std::max<size_t>(connection->in.room(), 1 << 16);
  char *to = isFresh ? scratch_.data() : connection->in.reserve(roomBytes);
  const ssize_t count = recv(connection->fd, to, roomBytes, MSG_DONTWAIT);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    fail(std::string("recv: ") + std::strerror(errno) + describe());
  }
  if (count == 0) fail("the server closed a connection" + describe());
  readAtNs_ = stats::nowNs();
  if (isFresh) {
    const size_t used = dispatch(connection, to, static_cast<size_t>(count));
    connection->in.append(to + used, static_cast<size_t>(count) - used);
  } else {
    connection->in.produced(static_cast<size_t>(count));
    connection->in.consumed(dispatch(connection, connection->in.data(), connection->in.size()));
  }
}

inline void Loop::flush(Connection *connection) {
  connection->isDirty = false;
  if (connection->fd < 0) return;
  wire::Buffer &out = connection->out_;
  while (out.size() > 0) {
    const ssize_t count = send(connection->fd, out.data(), out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) {
      out.consumed(static_cast<size_t>(count));
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      fail(std::string("send: ") + std::strerror(errno) + describe());
    }
  }
  const bool wantsWrite = out.size() > 0;
  if (wantsWrite != connection->wantsWrite) {
    connection->wantsWrite = wantsWrite;
    watch(connection, wantsWrite ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
  }
}

inline void Loop::turn(int timeoutMs) {
  onTurn();
  for (Connection *connection : dirty_) flush(connection);
  dirty_.clear();
  closed_.clear();
  const int count = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeoutMs);
  if (count < 0 && errno != EINTR) fail(std::string("epoll_wait: ") + std::strerror(errno));
  for (int i = 0; i < count; i++) {
    auto *connection = static_cast<Connection *>(events_[static_cast<size_t>(i)].data.ptr);
    const uint32_t ready = events_[static_cast<size_t>(i)].events;
    if (connection->fd < 0) continue;
    if ((ready & EPOLLOUT) != 0) flush(connection);
    if (connection->fd >= 0 && (ready & ~static_cast<uint32_t>(EPOLLOUT)) != 0) read(connection);
  }
}

// Turns until isDone(); ends the process when nothing moved for kStallNs.
inline void Loop::runUntil(const char *what, const std::function<bool()> &isDone) {
  uint64_t movesSeen = moves_;
  uint64_t movedAtNs = stats::nowNs();
  while (!isDone()) {
    turn(sleepMs_);
    if (moves_ != movesSeen) {
      movesSeen = moves_;
      movedAtNs = readAtNs_;
    } else if (stats::nowNs() - movedAtNs > kStallNs) {
      fail(std::string(what) + ": nothing moved for " + std::to_string(kStallNs / 1000000000) +
           " s" + describe());
    }
  }
  for (Connection *connection : dirty_) flush(connection);
  dirty_.clear();
}
