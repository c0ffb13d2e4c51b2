// Connections of a reactor: slots and generations, poll masks, and the ways in which a connection ends.
// Rule: a slot and a descriptor's number are free again only after uv_close's callback, and slots are reused in the
// order in which they became free, so an id stays stale for as long as possible.
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reactor.h"

namespace geartrain {
namespace {

constexpr uint32_t kNone = ~0u;

void Remove(Vector<Connection*>* list, Connection* connection) {
  Vector<Connection*> rest;
  for (uint32_t i = 0; i < list->size(); i++) {
    if ((*list)[i] != connection) rest.Push((*list)[i]);
  }
  list->Swap(rest);
}

}  // namespace

Connection* Reactor::Find(int32_t conn) {
  uint32_t index = static_cast<uint32_t>(conn) & kSlotMask;
  if (conn <= 0 || index >= slots_.size()) return nullptr;
  Connection* connection = slots_[index].connection;
  if (connection == nullptr || connection->id != conn || connection->is_closed) return nullptr;
  return connection;
}

Connection* Reactor::CreateConnection(int fd, int* error) {
  if (first_free_ == kNone && slots_.size() > kSlotMask) {
    *error = UV_EMFILE;
    return nullptr;
  }
  Connection* connection = new Connection();
  *error = uv_poll_init(loop_, &connection->poll, fd);
  if (*error != 0) {
    delete connection;
    return nullptr;
  }
  uint32_t index = first_free_;
  if (index == kNone) {
    index = slots_.size();
    slots_.Push(Slot{nullptr, 0, kNone});
  } else {
    first_free_ = slots_[index].next_free;
    if (first_free_ == kNone) last_free_ = kNone;
  }
  Slot& slot = slots_[index];
  slot.generation = slot.generation == kGenerationMax ? 1 : slot.generation + 1;
  slot.connection = connection;
  connection->poll.data = connection;
  connection->reactor = this;
  connection->fd = fd;
  connection->owns_fd = true;
  connection->id = static_cast<int32_t>(slot.generation << kSlotBits | index);
  connection->first_segment = connection->last_segment = -1;
  open_handles_++;
  connection_count_++;
  UpdateMask(connection);
  UpdateReference();
  return connection;
}

void Reactor::CloseConnection(Connection* connection) {
  if (connection->is_closed) return;
  connection->is_closed = true;
  if (connection->is_ready) RemoveReady(connection);
  if (connection->is_dirty) Remove(&dirty_, connection);
  if (connection->in_close_list) Remove(&closes_, connection);
  connection->outlet.Clear(&blobs_);
  connection->intake.Dispose(&intake_host_);
  connection_count_--;
  uv_close(reinterpret_cast<uv_handle_t*>(&connection->poll), OnConnectionClosed);
  UpdateReference();
}

void Reactor::OnConnectionClosed(uv_handle_t* handle) {
  Connection* connection = static_cast<Connection*>(handle->data);
  Reactor* reactor = connection->reactor;
  if (connection->owns_fd) close(connection->fd);
  reactor->FreeSlot(static_cast<uint32_t>(connection->id) & kSlotMask);
  delete connection;
  reactor->HandleClosed();
}

void Reactor::FreeSlot(uint32_t index) {
  slots_[index].connection = nullptr;
  slots_[index].next_free = kNone;
  if (last_free_ == kNone) {
    first_free_ = index;
  } else {
    slots_[last_free_].next_free = index;
  }
  last_free_ = index;
}

// Asks libuv for what is wanted now. A connection that is not read asks for the hang-up alone, once.
void Reactor::UpdateMask(Connection* connection) {
  bool wants_input = connection->is_lingering ? !connection->has_ended : MayRead(connection);
  int mask = connection->is_write_armed ? UV_WRITABLE : 0;
  if (wants_input) {
    mask |= UV_READABLE;
  } else if (!connection->is_disconnected) {
    mask |= UV_DISCONNECT;
  }
  if (mask == connection->mask || connection->is_closed || connection->is_poll_broken) return;
  connection->mask = mask;
  if (mask == 0) {
    uv_poll_stop(&connection->poll);
  } else {
    uv_poll_start(&connection->poll, mask, OnPoll);
  }
}

int32_t Reactor::Adopt(int fd, const uint8_t* unread, size_t unread_bytes, const uint8_t* unsent,
                       size_t unsent_bytes) {
  if (is_closing_) return UV_ECANCELED;
  int error = 0;
  Connection* connection = CreateConnection(fd, &error);
  if (connection == nullptr) return error;
  connection->intake.Feed(unread, unread_bytes);
  if (connection->intake.HasUndecoded()) MakeReady(connection);
  // One part may be 4 GiB at most, which unsent output never is: outputBytesMax is a 31-bit number of bytes.
  if (unsent_bytes > 0) {
    connection->outlet.AppendBytes(unsent, static_cast<uint32_t>(unsent_bytes));
    MarkDirty(connection);
  }
  return connection->id;
}

void Reactor::Close(int32_t conn) {
  Connection* connection = Find(conn);
  if (connection == nullptr) return;
  connection->is_closing = true;
  NoteClose(connection);
}

void Reactor::CloseAfterFlush(int32_t conn, double linger_ms) {
  Connection* connection = Find(conn);
  if (connection == nullptr || connection->is_closing) return;
  if (!(linger_ms > 0)) return Close(conn);
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

void Reactor::FinishCloses() {
  if (closes_.size() == 0) return;
  Vector<Connection*> closes;
  closes.Swap(closes_);
  for (Connection** item = closes.begin(); item != closes.begin() + closes.size(); item++) {
    Connection* connection = *item;
    connection->in_close_list = false;
    if (connection->is_closing || (connection->gone_given && !connection->is_lingering)) {
      if (connection->outlet.unsent() > 0) SendQueue(connection);
      CloseConnection(connection);
    } else if (connection->is_lingering) {
      FinishLinger(connection);
    }
  }
  if (lingering_.size() > 0) StartLingerTimer();
}

// Closes a lingering connection when its output is gone. Before that our direction is shut down and the peer's bytes
// are read away: closing with unread bytes would reset the connection and take the last reply with it.
void Reactor::FinishLinger(Connection* connection) {
  bool is_sent = connection->outlet.unsent() == 0;
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

void Reactor::Hold(int32_t conn, uint32_t start) {
  Connection* connection = Find(conn);
  if (connection == nullptr || connection->is_closing || connection->is_lingering) return;
  connection->is_held = true;
  if (!is_in_turn_ || !connection->intake.Owns(intake_host_, start)) return;
  connection->intake.Unread(&intake_host_, start);
  // GONE comes again behind what was un-read; only one for too much output cannot wait.
  if (!connection->is_over_limit) connection->gone_given = false;
}

void Reactor::Resume(int32_t conn) {
  Connection* connection = Find(conn);
  if (connection == nullptr || !connection->is_held) return;
  connection->is_held = false;
  if (connection->intake.HasUndecoded() || connection->has_ended || connection->is_poll_broken) {
    MakeReady(connection);
    if (!is_in_turn_) UpdateIdle();
  }
  UpdateMask(connection);
}

Connection* Reactor::FindDetachable(int32_t conn) {
  Connection* connection = Find(conn);
  if (connection == nullptr || connection->is_closing || connection->is_lingering) return nullptr;
  if (connection->intake.HasDroppedData()) return nullptr;
  Spill();
  return connection;
}

int Reactor::Detach(Connection* connection) {
  connection->owns_fd = false;
  int fd = connection->fd;
  CloseConnection(connection);
  return fd;
}

uint64_t Reactor::UnsentBytes(int32_t conn) {
  Connection* connection = Find(conn);
  return connection == nullptr ? 0 : connection->outlet.unsent();
}

void Reactor::NotifyDrained(int32_t conn, uint64_t bytes) {
  Connection* connection = Find(conn);
  if (connection == nullptr) return;
  connection->wants_drained = true;
  connection->drained_at = bytes;
  if (connection->outlet.unsent() <= bytes) MakeReady(connection);
}

}  // namespace geartrain
