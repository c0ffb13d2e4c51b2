// The native reactor: sockets of one thread on the thread's own libuv loop, one batch of rows into
// JavaScript and one batch of output back per turn. Knows no N-API; it reaches JavaScript through
// ReactorHost. Contract: src/native/contract.ts. Rule: while the host's on_turn runs, calls only
// record requests; Flush() and FinishCloses() carry them out afterwards.
//
//   prepare   Flush, then (rings) asleep = 1 and a last check of them
//   poll      connections: one recv each into the arena, rows; listeners: accept; doorbell
//   check     ready list, RunTurn: on_turn, Flush, FinishCloses
#ifndef GEARTRAIN_REACTOR_H_
#define GEARTRAIN_REACTOR_H_

#include <uv.h>

#include "base/list.h"
#include "base/outcome.h"
#include "base/sockets.h"
#include "codec/read-buffer.h"
#include "reactor/send-queue.h"

namespace geartrain {

struct ReactorHost {
  void* data;
  Outcome (*on_turn)(void* data, uint32_t row_count);
  Outcome (*on_listen_error)(void* data, int error);
  // Called before output is taken, while ids are reserved: removes the output for them. Runs no
  // other JavaScript, so that nothing more is written meanwhile.
  void (*on_output)(void* data);
  // Every handle is closed; the reactor is not used again.
  void (*on_closed)(void* data);
};

// The arrays that JavaScript shares; their memory outlives the reactor.
struct SharedArrays {
  uint8_t* arena;
  uint32_t arena_bytes;
  int32_t* rows;
  uint32_t row_count;
  uint8_t* out;
  uint32_t out_bytes;
  int32_t* out_rows;
  uint32_t out_row_count;
  int32_t* control;
  // By slot. JavaScript adds the bytes that it appends to `out`; after every send the rest is
  // written.
  double* unsent;
};

struct ReactorOptions {
  uint64_t output_pause_bytes;
  uint64_t output_bytes_max;
  StreamOptions stream;
};

class Reactor;

struct Connection {
  uv_poll_t poll;
  Reactor* reactor;
  Connection* next;  // Link in the ready list.
  Connection* previous;
  ReadBuffer read_buffer;
  SendQueue send_queue;
  uint64_t read_turn;     // The last turn in which it was read or decoded.
  uint64_t drained_at;    // Unsent output at which a DRAINED row is due.
  uint64_t linger_until;  // uv_now() at which a lingering connection is closed.
  uint64_t backlog;       // Unsent output after the last send.
  int fd;
  int32_t id;
  int mask;               // The mask of the last uv_poll_start; each costs two system calls.
  int32_t first_segment;  // Its first output row in the batch that is being taken; -1: none.
  int32_t last_segment;
  int8_t end_reason;
  bool wants_drained : 1;
  bool is_held : 1;
  bool is_paused : 1;        // Too much unsent output: reading is paused.
  bool is_write_armed : 1;
  bool is_write_broken : 1;  // Output is dropped.
  bool is_poll_broken : 1;   // EPOLLERR: libuv has stopped the handle; read to the end without it.
  bool is_disconnected : 1;  // UV_DISCONNECT has fired; it is level-triggered.
  bool has_ended : 1;        // EOF or a failed read.
  bool is_over_limit : 1;
  bool gone_given : 1;
  bool is_closing : 1;       // close() was called.
  bool is_lingering : 1;     // closeAfterFlush() was called.
  bool is_shut : 1;          // Our direction is shut down.
  bool is_closed : 1;        // uv_close() was called.
  bool owns_fd : 1;
  bool is_ready : 1;
  bool is_dirty : 1;
  bool in_close_list : 1;
};

struct Listener {
  uv_poll_t poll;
  Reactor* reactor;
  int fd;
  int32_t id;
  int port;
  bool is_waiting;  // Not polled until the retry timer fires.
  bool is_closed;
  bool is_local;
  char path[108];
};

class Reactor {
 public:
  Reactor(uv_loop_t* loop, const Settings& settings, const ReactorOptions& options,
          const SharedArrays& arrays, const ReactorHost& host);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Return the listener's id, or a negative errno.
  int ListenIp(const char* host, int port, int backlog, bool v6_only);
  int ListenPath(const char* path, int mode, int backlog);
  int ListenerPort(int32_t id);
  void Unlisten(int32_t id);
  // Returns conn, or a negative errno; then the caller keeps the descriptor.
  int32_t Adopt(int fd, const uint8_t* unread, size_t unread_bytes, const uint8_t* unsent,
                size_t unsent_bytes);

  // Reserves an id for a connection of the caller; the reactor only keeps its slot. Returns conn,
  // or a negative errno.
  int32_t Reserve();
  void Unreserve(int32_t conn);

  void Spill();
  void Close(int32_t conn);
  void CloseAfterFlush(int32_t conn, double linger_ms);
  void Hold(int32_t conn, uint32_t start);
  void Resume(int32_t conn);
  void PauseReading(bool is_paused);
  // The connection, spilled and ready to be read out before Detach(); null: unknown, closing, or
  // its data was dropped.
  Connection* FindDetachable(int32_t conn);
  // Removes the connection without closing its descriptor, which it returns.
  int Detach(Connection* connection);
  uint64_t UnsentBytes(int32_t conn);
  uint64_t UnreadBytes(int32_t conn);
  void NotifyDrained(int32_t conn, uint64_t bytes);
  BlobTable* blobs() { return &blobs_; }

  // The word arrays are copied; `words` must outlive the reactor. `fd` -1: no doorbell.
  int WatchRings(int32_t* words, int32_t asleep, const int32_t* write_words,
                 const int32_t* read_words, uint32_t count, int fd);
  void RequestTurn();
  // Sends once more, then closes everything; ReactorHost::on_closed follows from the loop.
  void Destroy();
  // As Destroy(), without sending: the environment is ending.
  void Abandon();

 private:
  // reactor.cc
  void InitHandles(uv_loop_t* loop);
  void RunTurn();
  void MakeRoom();
  void ClearBatch();
  void OnPrepare();
  void OnCheck();
  bool MustReportMemory() const { return LimitedMib() != reported_mib_; }
  int32_t LimitedMib() const;
  void UpdateIdle();
  void UpdateReference();
  void CloseHandle(uv_handle_t* handle);
  void HandleClosed();
  void ReportListenError();
  static void OnHandleClosed(uv_handle_t* handle);

  // connections.cc
  struct Slot {
    Connection* connection;
    uint32_t generation;
    uint32_t next_free;
    bool is_reserved;
  };
  bool HasSlot() const { return first_free_ != ~0u || slots_.size() <= kSlotMask; }
  // A slot under its next generation. HasSlot() must be true.
  uint32_t TakeSlot();
  int32_t IdOf(uint32_t index) {
    return static_cast<int32_t>(slots_[index].generation << kSlotBits | index);
  }
  Connection* Find(int32_t conn);
  Connection* CreateConnection(int fd, int* error);
  void CloseConnection(Connection* connection);
  void FreeSlot(uint32_t index);
  void UpdateMask(Connection* connection);
  static void OnConnectionClosed(uv_handle_t* handle);

  // closing.cc
  void NoteClose(Connection* connection);
  void FinishCloses(uint32_t most);
  void FinishLinger(Connection* connection);
  void StartLingerTimer();
  static void OnLingerTimer(uv_timer_t* timer);

  // holding.cc
  void DropRows(Connection* connection, bool is_closed);
  void GoOnReading(Connection* connection);

  // input.cc
  static void OnPoll(uv_poll_t* poll, int status, int events);
  void OnEvents(Connection* connection, int status, int events);
  void OnReadable(Connection* connection);
  bool MayRead(const Connection* connection) const;
  void ReadOnce(Connection* connection);
  void DiscardOnce(Connection* connection);
  void MakeReady(Connection* connection);
  void MakeReadyFirst(Connection* connection);
  void RemoveReady(Connection* connection);
  bool ProcessReady();
  bool Process(Connection* connection);
  void EmitGone(Connection* connection, int reason);

  // output.cc
  void Flush();
  void DropOutput();
  void GroupSegments();
  const int32_t* OutRow(int32_t segment) const {
    return arrays_.out_rows + static_cast<size_t>(segment) * kOutInts;
  }
  void Deliver(Connection* connection);
  void QueueSegments(Connection* connection, size_t skip);
  void SendSegments(Connection* connection);
  void CopySegments(Connection* connection, uint8_t* target);
  void SendQueued(Connection* connection);
  void ArmWrite(Connection* connection);
  void AfterSend(Connection* connection);
  // Publishes the connection's waiting output to JavaScript; none of it is in `out`.
  void PublishUnsent(const Connection* connection) {
    arrays_.unsent[static_cast<uint32_t>(connection->id) & kSlotMask] =
        static_cast<double>(connection->send_queue.unsent());
  }
  void BreakWrite(Connection* connection);
  void MarkDirty(Connection* connection);

  // listeners.cc
  int StartListener(int fd, int backlog, Listener** created);
  void CloseListener(Listener* listener);
  void AcceptAll(Listener* listener);
  bool AcceptOne(Listener* listener);
  void WaitToAccept(Listener* listener, int error);
  void EmitOpen(int32_t conn, Listener* listener, const char* text, int port);
  static void OnAcceptable(uv_poll_t* poll, int status, int events);
  static void OnRetryTimer(uv_timer_t* timer);
  static void OnListenerClosed(uv_handle_t* handle);

  // rings.cc
  bool RingsDiffer();
  void SleepOrTurn();
  void StayAwake();
  void CloseDoorbell();
  static void OnDoorbell(uv_poll_t* poll, int status, int events);

  uv_loop_t* loop_;
  Settings settings_;
  ReactorOptions options_;
  SharedArrays arrays_;
  ReactorHost host_;
  Batch batch_;
  BlobTable blobs_;
  ReadContext read_context_;
  uint8_t* scratch_;

  uv_prepare_t prepare_;
  uv_check_t check_;
  uv_idle_t idle_;
  uv_timer_t ring_timer_;
  uv_timer_t retry_timer_;
  uv_timer_t linger_timer_;
  uint32_t open_handles_ = 0;  // Handles whose close callback has not run.

  Vector<Slot> slots_;
  uint32_t first_free_;
  uint32_t last_free_;
  uint32_t connection_count_ = 0;
  uint32_t reserved_count_ = 0;
  List<Connection> ready_;
  Vector<Connection*> dirty_;
  Vector<Connection*> closes_;
  Vector<int32_t> lingering_;
  int32_t* next_segment_;

  Vector<Listener*> listeners_;
  int32_t last_listener_id_ = 0;
  uint32_t listener_count_ = 0;
  int listen_error_ = 0;  // To be reported in the next check; 0: none.
  bool has_reported_error_ = false;
  uint64_t reported_at_ = 0;

  int32_t* ring_words_ = nullptr;
  int32_t asleep_word_ = 0;
  Vector<int32_t> ring_pairs_;  // Write word, read word, ...
  uv_poll_t* doorbell_ = nullptr;
  int doorbell_fd_ = -1;

  // MiB of blobs and unsent output as last reported to the thread, when memory is limited.
  int32_t reported_mib_ = 0;
  uint64_t unsent_held_ = 0;  // Memory of unsent output, without blobs.

  bool is_in_turn_ = false;
  bool is_turn_requested_ = false;
  bool is_reading_paused_ = false;
  bool ring_woke_ = false;
  bool must_spin_ = false;  // Rings had more records than one prepare may handle.
  bool is_asleep_ = false;  // We have set the asleep word.
  bool is_destroy_noted_ = false;
  bool is_closing_ = false;
};

}  // namespace geartrain

#endif  // GEARTRAIN_REACTOR_H_
