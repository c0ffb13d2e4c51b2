#include "base/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>
#include <uv.h>

namespace geartrain {

int OpenSocket(int family) {
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
}

int BindIp(const char* host, int port, bool v6_only) {
  sockaddr_storage address = {};
  socklen_t bytes = sizeof(sockaddr_in);
  int error = uv_ip4_addr(host, port, reinterpret_cast<sockaddr_in*>(&address));
  if (error != 0) {
    bytes = sizeof(sockaddr_in6);
    error = uv_ip6_addr(host, port, reinterpret_cast<sockaddr_in6*>(&address));
  }
  if (error != 0) return error;
  int fd = OpenSocket(address.ss_family);
  if (fd < 0) return fd;
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.ss_family == AF_INET6) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6_only ? 1 : 0);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), bytes) == 0) return fd;
  error = -errno;
  close(fd);
  return error;
}

void SetOption(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

int PortOf(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

void WriteAddress(const sockaddr_storage& address, char* text) {
  const void* host = &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr;
  int family = AF_INET;
  if (address.ss_family == AF_INET6) {
    const in6_addr* long_host = &reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
    bool is_mapped = IN6_IS_ADDR_V4MAPPED(long_host);
    family = is_mapped ? AF_INET : AF_INET6;
    host = is_mapped ? static_cast<const void*>(&long_host->s6_addr[12]) : long_host;
  }
  inet_ntop(family, host, text, kAddressBytesMax);
}

void SetStreamOptions(int fd, const StreamOptions& options) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
#ifdef TCP_USER_TIMEOUT
  if (options.user_timeout_ms > 0) {
    SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options.user_timeout_ms);
  }
#endif
  if (!options.keepalive) return;
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (options.keepalive_idle >= 0) {
    SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, options.keepalive_idle);
  }
  if (options.keepalive_interval >= 0) {
    SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, options.keepalive_interval);
  }
  if (options.keepalive_count >= 0) {
    SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, options.keepalive_count);
  }
}

namespace {

// Whether the error is about one connection that died while it waited to be accepted.
bool IsOfOneConnection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace

int BoundPort(int fd) {
  sockaddr_storage address = {};
  socklen_t bytes = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes);
  return PortOf(address);
}

int AcceptPeer(int fd, sockaddr_storage* address) {
  socklen_t bytes = sizeof *address;
  int peer = accept4(fd, reinterpret_cast<sockaddr*>(address), &bytes,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (peer >= 0) return peer;
  if (errno == EWOULDBLOCK) return -EAGAIN;
  return IsOfOneConnection(errno) ? -EINTR : -errno;
}

}  // namespace geartrain
