// How a connection ends: close() at the end of the turn, closeAfterFlush() when its output has
// been sent.
#include <sys/socket.h>

#include "reactor/reactor.h"

namespace geartrain {

void Reactor::Close(int32_t conn) {
  Connection* connection = Find(conn);
  if (connection == nullptr) return;
  if (!is_in_turn_) DropRows(connection, true);
  connection->is_closing = true;
  NoteClose(connection);
}

void Reactor::CloseAfterFlush(int32_t conn, double linger_ms) {
  Connection* connection = Find(conn);
  if (connection == nullptr || connection->is_closing) return;
  if (!(linger_ms > 0)) return Close(conn);
  if (!is_in_turn_) DropRows(connection, true);
  connection->linger_until = uv_now(loop_) + static_cast<uint64_t>(linger_ms);
  if (!connection->is_lingering) lingering_.Push(conn);
  connection->is_lingering = true;
  NoteClose(connection);
}

void Reactor::NoteClose(Connection* connection) {
  if (connection->in_close_list) return;
  connection->in_close_list = true;
  closes_.Push(connection);
}

// Limited, because each close takes the system some time: when thousands leave at once, new peers
// are served in between.
void Reactor::FinishCloses(uint32_t most) {
  if (closes_.size() == 0) return;
  Vector<Connection*> closes;
  closes.Swap(closes_);
  for (uint32_t i = 0; i < closes.size(); i++) {
    Connection* connection = closes[i];
    if (i >= most) {
      closes_.Push(connection);
      continue;
    }
    connection->in_close_list = false;
    if (connection->is_closing || (connection->gone_given && !connection->is_lingering)) {
      if (connection->send_queue.unsent() > 0) SendQueued(connection);
      CloseConnection(connection);
    } else if (connection->is_lingering) {
      FinishLinger(connection);
    }
  }
  if (lingering_.size() > 0) StartLingerTimer();
}

// Closes a lingering connection when its output has been sent. Before that our direction is shut
// down and the peer's bytes are read and dropped: closing with unread bytes would reset the
// connection and lose the last reply.
void Reactor::FinishLinger(Connection* connection) {
  bool is_sent = connection->send_queue.unsent() == 0;
  if (connection->is_write_broken || (is_sent && connection->has_ended)) {
    return CloseConnection(connection);
  }
  if (is_sent && !connection->is_shut) {
    connection->is_shut = true;
    shutdown(connection->fd, SHUT_WR);
  }
  UpdateMask(connection);
}

void Reactor::StartLingerTimer() {
  uint64_t next = ~uint64_t{0};
  Vector<int32_t> kept;
  for (uint32_t i = 0; i < lingering_.size(); i++) {
    Connection* connection = Find(lingering_[i]);
    if (connection == nullptr) continue;
    kept.Push(lingering_[i]);
    if (connection->linger_until < next) next = connection->linger_until;
  }
  lingering_.Swap(kept);
  if (lingering_.size() == 0) {
    uv_timer_stop(&linger_timer_);
    return;
  }
  uint64_t now = uv_now(loop_);
  uv_timer_start(&linger_timer_, OnLingerTimer, next > now ? next - now : 0, 0);
}

void Reactor::OnLingerTimer(uv_timer_t* timer) {
  Reactor* reactor = static_cast<Reactor*>(timer->data);
  uint64_t now = uv_now(reactor->loop_);
  for (uint32_t i = 0; i < reactor->lingering_.size(); i++) {
    Connection* connection = reactor->Find(reactor->lingering_[i]);
    if (connection != nullptr && connection->linger_until <= now) {
      reactor->CloseConnection(connection);
    }
  }
  reactor->StartLingerTimer();
}

}  // namespace geartrain
