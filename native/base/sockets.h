// Socket calls and options for the listeners.
#ifndef GEARTRAIN_SOCKETS_H_
#define GEARTRAIN_SOCKETS_H_

#include <sys/socket.h>

#include <cstdint>

namespace geartrain {

// Options of accepted sockets.
struct StreamOptions {
  bool keepalive;
  int keepalive_idle;  // Seconds, count; -1: the system's default.
  int keepalive_interval;
  int keepalive_count;
  int user_timeout_ms;  // TCP_USER_TIMEOUT; 0: the system's default.
};

// Bytes that WriteAddress() needs.
constexpr uint32_t kAddressBytesMax = 64;

// A non-blocking stream socket, or a negative errno.
int OpenSocket(int family);
// A TCP socket bound to an IP address, or a negative errno. Port 0: any.
int BindIp(const char* host, int port, bool v6_only);
void SetOption(int fd, int level, int name, int value);
// Whether accepted TCP sockets have the options of their listener, so that these are set only once.
#ifdef __linux__
constexpr bool kAcceptedInherit = true;
#else
constexpr bool kAcceptedInherit = false;
#endif
// Options of an accepted TCP socket, or of its listener.
void SetStreamOptions(int fd, const StreamOptions& options);
int PortOf(const sockaddr_storage& address);
// The address as text, without port or scope; an IPv4 peer of an IPv6 listener as IPv4.
void WriteAddress(const sockaddr_storage& address, char* text);
// The port that a listening socket is bound to.
int BoundPort(int fd);
// The descriptor of the next peer, non-blocking. -EAGAIN: there is none; -EINTR: the peer died
// while it waited, try the next one; other negative errno: no peer can be accepted now.
int AcceptPeer(int fd, sockaddr_storage* address);

}  // namespace geartrain

#endif  // GEARTRAIN_SOCKETS_H_
