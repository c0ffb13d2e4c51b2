// Output of a reactor: takes the rows of JavaScript, groups them by connection and sends each
// connection its bytes with one system call; bytes that the kernel does not take wait in the
// connection's send queue. Rule: UV_WRITABLE is requested only after the kernel was full, and
// dropped only when nothing is left.
#include <errno.h>
#include <sys/socket.h>

#include "reactor/reactor.h"

namespace geartrain {
namespace {

constexpr uint32_t kPartsMax = 64;

}  // namespace

void Reactor::MarkDirty(Connection* connection) {
  if (connection->is_dirty) return;
  connection->is_dirty = true;
  dirty_.Push(connection);
}

// Links the output rows of each connection and empties the batch; `out` itself stays readable
// until the next turn.
void Reactor::GroupSegments() {
  int32_t count = arrays_.control[kOutRows];
  if (count == 0) return;
  if (count < 0 || static_cast<uint32_t>(count) > arrays_.out_row_count) Die("output rows overrun");
  for (int32_t i = 0; i < count; i++) {
    const int32_t* row = OutRow(i);
    uint64_t end = uint64_t{static_cast<uint32_t>(row[kOutOff])} +
                   static_cast<uint32_t>(row[kOutLen]);
    Blob* blob = blobs_.Find(row[kOutBlob]);
    if (row[kOutBlob] != 0 && blob == nullptr) Die("output row with a stale blob");
    if (end > (blob == nullptr ? arrays_.out_bytes : blob->size)) Die("output row out of range");
    Connection* connection = Find(row[kOutConn]);
    if (connection == nullptr || connection->is_write_broken || connection->is_over_limit ||
        connection->is_shut) {
      if (connection != nullptr) PublishUnsent(connection);
      if (blob != nullptr) blobs_.Release(blob);
      continue;
    }
    next_segment_[i] = -1;
    if (connection->first_segment < 0) {
      connection->first_segment = i;
    } else {
      next_segment_[connection->last_segment] = i;
    }
    connection->last_segment = i;
    MarkDirty(connection);
  }
  arrays_.control[kOutRows] = 0;
  arrays_.control[kOutBytes] = 0;
}

void Reactor::Flush() {
  // Promises and timers have written since the turn, perhaps for reserved connections.
  if (reserved_count_ > 0 && arrays_.control[kOutRows] > 0) host_.on_output(host_.data);
  GroupSegments();
  if (dirty_.size() == 0) return;
  Vector<Connection*> dirty;
  dirty.Swap(dirty_);
  for (Connection** item = dirty.begin(); item != dirty.begin() + dirty.size(); item++) {
    (*item)->is_dirty = false;
    Deliver(*item);
  }
  dirty.Swap(dirty_);
  dirty_.Clear();
}

void Reactor::Spill() {
  GroupSegments();
  for (uint32_t i = 0; i < dirty_.size(); i++) QueueSegments(dirty_[i], 0);
}

void Reactor::DropOutput() {
  GroupSegments();
  for (uint32_t i = 0; i < dirty_.size(); i++) {
    Connection* connection = dirty_[i];
    for (int32_t s = connection->first_segment; s >= 0; s = next_segment_[s]) {
      Blob* blob = blobs_.Find(OutRow(s)[kOutBlob]);
      if (blob != nullptr) blobs_.Release(blob);
    }
    connection->first_segment = connection->last_segment = -1;
  }
}

void Reactor::Deliver(Connection* connection) {
  if (connection->send_queue.unsent() > 0) {
    QueueSegments(connection, 0);
    if (!connection->is_write_armed) SendQueued(connection);
  } else if (connection->first_segment >= 0) {
    SendSegments(connection);
  }
  AfterSend(connection);
}

// Sends a connection's rows without copying when they are one run of bytes, as one copy when they
// are small.
void Reactor::SendSegments(Connection* connection) {
  uint32_t runs = 0;
  uint64_t total = 0;
  bool has_blob = false;
  int32_t run_end = -1;
  for (int32_t s = connection->first_segment; s >= 0; s = next_segment_[s]) {
    const int32_t* row = OutRow(s);
    if (row[kOutOff] != run_end) runs++;
    run_end = row[kOutOff] + row[kOutLen];
    total += static_cast<uint32_t>(row[kOutLen]);
    has_blob = has_blob || row[kOutBlob] != 0;
  }
  if (has_blob || (runs > 1 && total > settings_.read_bytes)) {
    QueueSegments(connection, 0);
    SendQueued(connection);
    return;
  }
  const uint8_t* bytes = arrays_.out + OutRow(connection->first_segment)[kOutOff];
  if (runs > 1) {
    CopySegments(connection, scratch_);
    bytes = scratch_;
  }
  ssize_t sent = 0;
  if (total > 0) {
    do {
      sent = send(connection->fd, bytes, total, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
  }
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
    connection->first_segment = connection->last_segment = -1;
    return BreakWrite(connection);
  }
  QueueSegments(connection, sent < 0 ? 0 : static_cast<size_t>(sent));
  if (connection->send_queue.unsent() > 0) ArmWrite(connection);
}

void Reactor::CopySegments(Connection* connection, uint8_t* target) {
  for (int32_t s = connection->first_segment; s >= 0; s = next_segment_[s]) {
    const int32_t* row = OutRow(s);
    CopyBytes(target, arrays_.out + row[kOutOff], static_cast<size_t>(row[kOutLen]));
    target += row[kOutLen];
  }
}

// Moves a connection's rows into its queue, except the first `skip` bytes (plain ones, sent
// already).
void Reactor::QueueSegments(Connection* connection, size_t skip) {
  for (int32_t s = connection->first_segment; s >= 0; s = next_segment_[s]) {
    const int32_t* row = OutRow(s);
    uint32_t offset = static_cast<uint32_t>(row[kOutOff]);
    uint32_t count = static_cast<uint32_t>(row[kOutLen]);
    if (row[kOutBlob] != 0) {
      connection->send_queue.AppendBlob(&blobs_, blobs_.Find(row[kOutBlob]), offset, count);
    } else if (skip >= count) {
      skip -= count;
    } else {
      connection->send_queue.AppendBytes(arrays_.out + offset + skip,
                                         count - static_cast<uint32_t>(skip));
      skip = 0;
    }
  }
  connection->first_segment = connection->last_segment = -1;
}

void Reactor::SendQueued(Connection* connection) {
  SendQueue& queue = connection->send_queue;
  while (queue.unsent() > 0) {
    iovec parts[kPartsMax];
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = queue.Gather(parts, kPartsMax);
    size_t total = 0;
    for (size_t i = 0; i < message.msg_iovlen; i++) total += parts[i].iov_len;
    ssize_t sent;
    do {
      sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) return BreakWrite(connection);
      return ArmWrite(connection);
    }
    queue.Advance(&blobs_, static_cast<size_t>(sent));
    if (static_cast<size_t>(sent) < total) return ArmWrite(connection);
  }
}

void Reactor::ArmWrite(Connection* connection) {
  connection->is_write_armed = true;
  UpdateMask(connection);
}

// Updates everything that depends on the amount of unsent output.
void Reactor::AfterSend(Connection* connection) {
  uint64_t unsent = connection->send_queue.unsent();
  // Over the limit since the last send and still growing: one packet of any size may pass, not a
  // second one.
  bool is_growing = unsent > connection->backlog;
  bool was_over = connection->backlog > options_.output_bytes_max;
  connection->backlog = unsent;
  PublishUnsent(connection);
  if (was_over && is_growing && !connection->is_lingering) {
    connection->is_over_limit = true;
    connection->send_queue.Clear(&blobs_);
    PublishUnsent(connection);
    connection->is_write_armed = false;
    // After GONE was given no further row comes: the connection is closed without one.
    return connection->gone_given ? NoteClose(connection) : MakeReady(connection);
  }
  bool must_pause = unsent > options_.output_pause_bytes ||
                    (connection->is_paused && unsent > options_.output_pause_bytes / 2);
  bool may_go_on = connection->is_paused && !must_pause;
  connection->is_paused = must_pause;
  bool must_disarm = connection->is_write_armed && unsent == 0;
  if (must_disarm) connection->is_write_armed = false;
  if (must_disarm || may_go_on) UpdateMask(connection);
  if (may_go_on) MakeReady(connection);
  if (connection->wants_drained && unsent <= connection->drained_at) MakeReady(connection);
}

// The peer no longer takes output. Bytes that it sent before are still read, until that ends or
// fails.
void Reactor::BreakWrite(Connection* connection) {
  connection->is_write_broken = true;
  connection->send_queue.Clear(&blobs_);
  AfterSend(connection);
}

}  // namespace geartrain
