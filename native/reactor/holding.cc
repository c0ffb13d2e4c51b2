// Paused connections: hold, resume, and moving to another thread. Rule: rows that the caller got
// and did not handle come again; nothing is lost and nothing comes twice.
#include "reactor/reactor.h"

namespace geartrain {

void Reactor::Hold(int32_t conn, uint32_t start) {
  Connection* connection = Find(conn);
  if (connection == nullptr || connection->is_closing || connection->is_lingering) return;
  connection->is_held = true;
  if (!is_in_turn_) {
    start = connection->read_buffer.StartOfRegion();
    if (connection->read_buffer.Owns(read_context_, start)) DropRows(connection, false);
  }
  if (!connection->read_buffer.Owns(read_context_, start)) return;
  connection->read_buffer.Unread(&read_context_, start);
  // GONE comes again after the un-read bytes; only GONE for too much output cannot wait.
  if (!connection->is_over_limit) connection->gone_given = false;
}

// Removes rows from a batch that was not handed over yet: all of a closed connection; of a held
// one its frames and its end, when they are un-read. Blobs of a closed connection are released,
// those of un-read frames stay alive.
void Reactor::DropRows(Connection* connection, bool is_closed) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < batch_.row_count; i++) {
    const int32_t* row = batch_.rows + size_t{i} * kRowInts;
    bool stays = row[kType] == kOpen || row[kType] == kDrained ||
                 (row[kType] == kGone && connection->is_over_limit);
    if (row[kConn] == connection->id && (is_closed || !stays)) {
      Blob* blob = is_closed ? blobs_.Find(row[kBlob]) : nullptr;
      if (blob != nullptr) blobs_.Release(blob);
      continue;
    }
    if (kept != i) memcpy(batch_.rows + size_t{kept} * kRowInts, row, kRowInts * sizeof(int32_t));
    kept++;
  }
  batch_.row_count = kept;
}

void Reactor::Resume(int32_t conn) {
  Connection* connection = Find(conn);
  if (connection == nullptr || !connection->is_held) return;
  connection->is_held = false;
  GoOnReading(connection);
  if (!is_in_turn_) UpdateIdle();
}

void Reactor::PauseReading(bool is_paused) {
  if (is_paused == is_reading_paused_ || is_closing_) return;
  is_reading_paused_ = is_paused;
  // No more to do: each connection stops being polled when its next bytes arrive.
  if (is_paused) return;
  for (uint32_t i = 0; i < slots_.size(); i++) {
    Connection* connection = slots_[i].connection;
    if (connection != nullptr && !connection->is_closed) GoOnReading(connection);
  }
  if (!is_in_turn_) UpdateIdle();
}

// Polls the connection again; its rows that need no further event come in the next turn.
void Reactor::GoOnReading(Connection* connection) {
  if (connection->read_buffer.HasUndecoded() || connection->has_ended ||
      connection->is_poll_broken) {
    MakeReady(connection);
  }
  UpdateMask(connection);
}

Connection* Reactor::FindDetachable(int32_t conn) {
  Connection* connection = Find(conn);
  if (connection == nullptr || connection->is_closing || connection->is_lingering) return nullptr;
  if (!is_in_turn_) Hold(conn, 0);
  if (connection->read_buffer.HasDroppedData()) return nullptr;
  Spill();
  return connection;
}

int Reactor::Detach(Connection* connection) {
  connection->owns_fd = false;
  int fd = connection->fd;
  CloseConnection(connection);
  return fd;
}

}  // namespace geartrain
