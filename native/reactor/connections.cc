// Connections of a reactor: slots and generations, poll masks. Rule: a slot and a descriptor's
// number are free only after uv_close's callback, and slots are reused in the order in which they
// became free, so that an id stays stale for as long as possible.
#include <unistd.h>

#include "reactor/reactor.h"

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

uint32_t Reactor::TakeSlot() {
  uint32_t index = first_free_;
  if (index == kNone) {
    index = slots_.size();
    slots_.Push(Slot{nullptr, 0, kNone, false});
  } else {
    first_free_ = slots_[index].next_free;
    if (first_free_ == kNone) last_free_ = kNone;
  }
  Slot& slot = slots_[index];
  slot.generation = slot.generation == kGenerationMax ? 1 : slot.generation + 1;
  arrays_.unsent[index] = 0;
  return index;
}

Connection* Reactor::CreateConnection(int fd, int* error) {
  if (!HasSlot()) {
    *error = UV_EMFILE;
    return nullptr;
  }
  Connection* connection = new Connection();
  connection->send_queue.CountIn(&unsent_held_);
  *error = uv_poll_init(loop_, &connection->poll, fd);
  if (*error != 0) {
    delete connection;
    return nullptr;
  }
  uint32_t index = TakeSlot();
  slots_[index].connection = connection;
  connection->poll.data = connection;
  connection->reactor = this;
  connection->fd = fd;
  connection->owns_fd = true;
  connection->id = IdOf(index);
  connection->first_segment = connection->last_segment = -1;
  open_handles_++;
  connection_count_++;
  UpdateMask(connection);
  UpdateReference();
  return connection;
}

int32_t Reactor::Reserve() {
  if (is_closing_) return UV_ECANCELED;
  if (!HasSlot()) return UV_EMFILE;
  uint32_t index = TakeSlot();
  slots_[index].is_reserved = true;
  reserved_count_++;
  connection_count_++;
  UpdateReference();
  return IdOf(index);
}

void Reactor::Unreserve(int32_t conn) {
  uint32_t index = static_cast<uint32_t>(conn) & kSlotMask;
  if (conn <= 0 || index >= slots_.size() || !slots_[index].is_reserved) return;
  if (IdOf(index) != conn) return;
  slots_[index].is_reserved = false;
  reserved_count_--;
  connection_count_--;
  FreeSlot(index);
  UpdateReference();
}

void Reactor::CloseConnection(Connection* connection) {
  if (connection->is_closed) return;
  connection->is_closed = true;
  if (connection->is_ready) RemoveReady(connection);
  if (connection->is_dirty) Remove(&dirty_, connection);
  if (connection->in_close_list) Remove(&closes_, connection);
  connection->send_queue.Clear(&blobs_);
  connection->read_buffer.Dispose(&read_context_);
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

// Sets the events of libuv. A connection that is not read waits for the hang-up only, once.
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
  connection->read_buffer.Feed(unread, unread_bytes);
  if (connection->read_buffer.HasUndecoded()) MakeReady(connection);
  // One part may be 4 GiB at most, which unsent output never reaches: outputBytesMax is a 31-bit
  // number of bytes.
  if (unsent_bytes > 0) {
    connection->send_queue.AppendBytes(unsent, static_cast<uint32_t>(unsent_bytes));
    PublishUnsent(connection);
    MarkDirty(connection);
  }
  return connection->id;
}

uint64_t Reactor::UnsentBytes(int32_t conn) {
  Connection* connection = Find(conn);
  return connection == nullptr ? 0 : connection->send_queue.unsent();
}

uint64_t Reactor::UnreadBytes(int32_t conn) {
  Connection* connection = Find(conn);
  return connection == nullptr ? 0 : connection->read_buffer.UnreadBytes();
}

void Reactor::NotifyDrained(int32_t conn, uint64_t bytes) {
  Connection* connection = Find(conn);
  if (connection == nullptr) return;
  connection->wants_drained = true;
  connection->drained_at = bytes;
  if (connection->send_queue.unsent() <= bytes) MakeReady(connection);
}

}  // namespace geartrain
