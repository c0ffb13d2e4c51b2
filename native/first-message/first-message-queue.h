// The first-message queue of a port: its peers wait here until their first message is complete.
// Until then each costs a descriptor and about 100 bytes. Knows no N-API; it reaches JavaScript
// through FirstMessageHost. Contract: src/native/contract.ts. Rule: bytes are peeked at and stay
// in the socket, so that the new owner of a descriptor reads from the first byte on. The work of
// one pass of the loop is bounded, however many peers come or leave.
//
//   first-message-queue.cc   the port: listen, accept, passes, close
//   first-message-peers.cc   the peers: checks, ends, timeouts
#ifndef GEARTRAIN_FIRST_MESSAGE_QUEUE_H_
#define GEARTRAIN_FIRST_MESSAGE_QUEUE_H_

#include <uv.h>

#include "base/list.h"
#include "base/outcome.h"
#include "base/sockets.h"
#include "first-message/first-message.h"

namespace geartrain {

struct FirstMessageOptions {
  Awaits awaits;
  uint64_t timeout_ms;   // For the first message.
  uint32_t waiting_max;  // Beyond that the oldest is pushed out.
  StreamOptions stream;  // For peers that are handed on.
};

constexpr uint32_t kPeerRowInts = 4;
constexpr uint32_t kPeerRows = 512;
enum PeerField { kPeer = 0, kEvent = 1, kValue = 2, kDetail = 3 };
enum PeerEvent {
  kEntered = 1,   // VALUE its port, DETAIL the bytes of its address.
  kWholeNow = 2,  // VALUE its descriptor, which the reader owns from now on.
  kEnded = 3,     // VALUE a PeerEnd, DETAIL what is wrong (Look) and, above 8 bits, its detail.
};
enum PeerEnd { kEndWrong = 1, kEndLeft = 2, kEndLate = 3, kEndPushedOut = 4 };

struct FirstMessageHost {
  void* data;
  Outcome (*on_rows)(void* data, uint32_t row_count);
  Outcome (*on_accept_error)(void* data, int error);
  // Every handle is closed; the queue is not used again.
  void (*on_closed)(void* data);
};

class FirstMessageQueue {
 public:
  // `rows` has kPeerRows rows, `texts` kAddressBytesMax bytes for each; both outlive the queue.
  FirstMessageQueue(const FirstMessageOptions& options, int32_t* rows, char* texts,
                    const FirstMessageHost& host);
  ~FirstMessageQueue();
  FirstMessageQueue(const FirstMessageQueue&) = delete;
  FirstMessageQueue& operator=(const FirstMessageQueue&) = delete;

  // Call once. 0, or a negative errno: then nothing is open, and the caller deletes it.
  int Listen(uv_loop_t* loop, const char* host, int port, int backlog, bool v6_only);
  int Port() { return port_; }
  // Ends a peer that has just entered and may not stay. Ignores an unknown id.
  void Refuse(int32_t id);
  // While paused, new peers wait in the kernel.
  void Pause(bool is_paused);
  // Closes all waiting peers; FirstMessageHost::on_closed follows from the loop.
  void Close();

 private:
  struct Peer {
    Peer* next;
    Peer* previous;
    uint64_t due;  // uv_now() at which its time is over.
    int fd;
    int32_t id;
    bool has_head;  // A request whose body is incomplete; it may take longer.
    bool is_ending;
  };

  // first-message-queue.cc
  void Pass(bool may_accept);
  void AcceptSome();
  bool AcceptOne();
  void StopAccepting(int error);
  void UpdateAccepting();
  void AddRow(int32_t id, int32_t event, int32_t value, int32_t detail);
  void ReportRows();
  void RunTimer();
  static void OnAcceptable(uv_poll_t* poll, int status, int events);
  static void OnReady(uv_poll_t* poll, int status, int events);
  static void OnTimer(uv_timer_t* timer);
  static void OnHandleClosed(uv_handle_t* handle);

  // first-message-peers.cc
  bool Admit(int fd, int32_t id);
  void LookAtSome();
  void LookAt(Peer* peer, uint32_t events);
  void HandOn(Peer* peer);
  void End(Peer* peer, int32_t end, int32_t detail, const char* answer);
  bool ReadAway(int fd);
  void PushOut();
  void EndLate();
  void Drop(List<Peer>* list, Peer* peer);

  FirstMessageOptions options_;
  int32_t* rows_;
  char* texts_;
  FirstMessageHost host_;
  uint32_t row_count_ = 0;
  uint32_t taken_max_;
  uv_loop_t* loop_ = nullptr;
  uv_poll_t accept_poll_;
  uv_poll_t ready_poll_;
  uv_timer_t timer_;
  uint32_t open_handles_ = 0;
  int listen_fd_ = -1;
  int ready_fd_ = -1;  // epoll: waiting peers with bytes to look at.
  int port_ = 0;
  int32_t last_id_ = 0;
  List<Peer> waiting_;  // Oldest first.
  List<Peer>
      ending_;  // Refused peers; their further bytes are read and dropped, so that they see an end and not a reset.
  bool is_accepting_ = false;  // False: accepting failed, and is tried again at the next tick.
  bool is_paused_ = false;
  bool is_closed_ = false;
  uint8_t bytes_[kFirstBytesMax];
};

}  // namespace geartrain

#endif  // GEARTRAIN_FIRST_MESSAGE_QUEUE_H_
