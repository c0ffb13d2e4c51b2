// Poll events of connections, and the ready list: connections with rows that no further event
// would announce (bytes at hand, GONE, DRAINED). Rule: one read of a connection a turn; a
// connection with more bytes comes last in the next turn.
#include <errno.h>
#include <sys/socket.h>

#include "reactor/reactor.h"

namespace geartrain {
namespace {

ssize_t Receive(int fd, uint8_t* target, uint32_t room) {
  ssize_t count;
  do {
    count = recv(fd, target, room, 0);
  } while (count < 0 && errno == EINTR);
  return count;
}

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

bool Reactor::MayRead(const Connection* connection) const {
  return !is_reading_paused_ && !connection->is_held && !connection->is_paused &&
         !connection->has_ended && !connection->is_over_limit && !connection->is_closing;
}

void Reactor::OnPoll(uv_poll_t* poll, int status, int events) {
  Connection* connection = static_cast<Connection*>(poll->data);
  if (!connection->is_closed) connection->reactor->OnEvents(connection, status, events);
}

void Reactor::OnEvents(Connection* connection, int status, int events) {
  if (status < 0) {
    // EPOLLERR. libuv has stopped the handle, but bytes that came before a reset can still be
    // read.
    connection->is_poll_broken = true;
    connection->mask = 0;
    events = UV_READABLE | UV_WRITABLE | UV_DISCONNECT;
    if (connection->is_lingering) return CloseConnection(connection);
  }
  if ((events & UV_WRITABLE) != 0 && connection->send_queue.unsent() > 0) {
    SendQueued(connection);
    if (status < 0 && connection->send_queue.unsent() > 0) BreakWrite(connection);
    AfterSend(connection);
    // A pending close follows with the next flush.
    if (connection->is_lingering && !connection->in_close_list) FinishLinger(connection);
    if (connection->is_closed) return;
  }
  if ((events & UV_READABLE) != 0) {
    OnReadable(connection);
    if (is_closing_ || connection->is_closed) return;
  }
  if ((events & UV_DISCONNECT) != 0) {
    connection->is_disconnected = true;
    UpdateMask(connection);
  }
}

void Reactor::OnReadable(Connection* connection) {
  if (connection->is_lingering) return DiscardOnce(connection);
  // The mask changes only at an unwanted event: a short hold costs no system call.
  if (!MayRead(connection)) return UpdateMask(connection);
  if (connection->read_buffer.HasUndecoded() || connection->read_turn == read_context_.turn) return;
  if (!connection->read_buffer.HasRoom(read_context_)) {
    MakeRoom();
    if (is_closing_ || connection->is_closed || connection->is_lingering) return;
    if (!MayRead(connection) || connection->read_buffer.HasUndecoded()) return;
  }
  ReadOnce(connection);
  if (connection->is_poll_broken && !connection->has_ended) MakeReady(connection);
}

void Reactor::ReadOnce(Connection* connection) {
  uint32_t room;
  uint8_t* target = connection->read_buffer.Target(&read_context_, &room);
  ssize_t count = Receive(connection->fd, target, room);
  connection->read_turn = read_context_.turn;
  if (count > 0) {
    connection->read_buffer.Commit(&read_context_, connection->id, static_cast<uint32_t>(count));
    if (connection->read_buffer.HasUndecoded()) MakeReady(connection);
  } else if (count < 0 && WouldBlock()) {
    if (!connection->is_poll_broken) return;
    connection->is_poll_broken = false;
    UpdateMask(connection);
  } else {
    connection->has_ended = true;
    connection->is_disconnected = true;
    connection->end_reason = count == 0 ? kGoneEnd : kGoneReset;
    connection->read_buffer.End(&read_context_);
    MakeReady(connection);
  }
}

void Reactor::DiscardOnce(Connection* connection) {
  ssize_t count = Receive(connection->fd, scratch_, settings_.read_bytes);
  if (count > 0 || (count < 0 && WouldBlock())) return;
  connection->has_ended = true;
  connection->is_disconnected = true;
  if (count < 0) BreakWrite(connection);
  if (!connection->in_close_list) FinishLinger(connection);
}

void Reactor::MakeReady(Connection* connection) {
  if (connection->is_ready || connection->is_closed) return;
  connection->is_ready = true;
  ready_.PushBack(connection);
}

void Reactor::MakeReadyFirst(Connection* connection) {
  if (connection->is_ready) return;
  connection->is_ready = true;
  ready_.PushFront(connection);
}

void Reactor::RemoveReady(Connection* connection) {
  connection->is_ready = false;
  ready_.Remove(connection);
}

// Handles each currently ready connection once. False: the batch has no room for the first of the
// others.
bool Reactor::ProcessReady() {
  Connection* last = ready_.last;
  while (ready_.first != nullptr) {
    Connection* connection = ready_.first;
    RemoveReady(connection);
    if (!Process(connection)) {
      MakeReadyFirst(connection);
      return false;
    }
    if (connection == last) break;
  }
  return true;
}

// Appends the pending rows of `connection`. False: the batch has no room, and some or all rows are
// missing.
bool Reactor::Process(Connection* connection) {
  if (batch_.IsFull()) return false;
  if (connection->is_closing || connection->is_lingering || connection->gone_given) return true;
  if (connection->wants_drained && connection->send_queue.unsent() <= connection->drained_at) {
    connection->wants_drained = false;
    batch_.Append(connection->id, kDrained, batch_.arena_used);
    if (batch_.IsFull()) return false;
  }
  if (connection->is_over_limit) {
    EmitGone(connection, kGoneOutputLimit);
    return true;
  }
  // Skipped; Resume(), AfterSend() and PauseReading() make it ready again.
  if (connection->is_held || connection->is_paused || is_reading_paused_) return true;
  if (connection->read_buffer.HasUndecoded()) {
    // One region of the arena a turn, so that hold() can take back all of it.
    if (connection->read_turn == read_context_.turn) {
      MakeReady(connection);
      return true;
    }
    if (!connection->read_buffer.HasRoom(read_context_)) return false;
    connection->read_buffer.Step(&read_context_, connection->id);
    connection->read_turn = read_context_.turn;
    if (batch_.IsFull()) return false;
  } else if (connection->is_poll_broken && MayRead(connection) &&
             connection->read_turn != read_context_.turn) {
    if (!connection->read_buffer.HasRoom(read_context_)) return false;
    ReadOnce(connection);
    if (batch_.IsFull()) return false;
  }
  if (connection->read_buffer.HasUndecoded()) {
    MakeReady(connection);
  } else if (connection->has_ended) {
    EmitGone(connection, connection->end_reason);
  } else if (connection->is_poll_broken && MayRead(connection)) {
    MakeReady(connection);
  }
  return true;
}

void Reactor::EmitGone(Connection* connection, int reason) {
  uint32_t offset = connection->read_buffer.OffsetOfEmptyRow(read_context_);
  int32_t* row = batch_.Append(connection->id, kGone, offset);
  row[kA0] = reason;
  connection->gone_given = true;
  // After END the peer may still read: the thread closes when it has sent its last replies.
  if (reason != kGoneEnd) NoteClose(connection);
}

}  // namespace geartrain
