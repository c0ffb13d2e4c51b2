// A thread that writes to files and makes them durable, one order after the other, so that a
// serving thread never waits for a disk. Knows no N-API; it reaches JavaScript through DiskHost.
// Contract: src/native/contract.ts. Rule: it is a batch thread: it does not interrupt the thread
// that gave it an order when both share a core, but runs when that core is idle or its share of it
// is due.
#ifndef GEARTRAIN_DISK_H_
#define GEARTRAIN_DISK_H_

#include <sys/uio.h>
#include <uv.h>

#include "base/list.h"

namespace geartrain {

constexpr int kDiskPieces = 4;

// Owned by the caller before Give() and again when it is done.
struct DiskOrder {
  DiskOrder* next;
  DiskOrder* previous;
  int fd;
  bool is_synced;  // Durable when it is done, with all earlier writes to the file.
  int64_t at;
  int piece_count;
  iovec pieces[kDiskPieces];
  int error;  // 0 or a negative errno, once it is done.
};

struct DiskHost {
  void* data;
  // Called on the loop, in the order of the orders; also for those that were pending at the end.
  void (*on_done)(void* data, DiskOrder* order);
  // The handle is closed; the disk is not used again.
  void (*on_closed)(void* data);
};

class Disk {
 public:
  explicit Disk(const DiskHost& host);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // Call once. 0, or a negative errno: then nothing is open, and the caller deletes it.
  int Start(uv_loop_t* loop);
  // Keeps the loop alive until it is done.
  void Give(DiskOrder* order);
  // Waits for pending orders; DiskHost::on_closed follows from the loop.
  void Close();

 private:
  void Run();
  void Stop();
  void ReportDone();

  DiskHost host_;
  uv_async_t async_;
  uv_thread_t thread_;
  uint32_t under_way_ = 0;  // Given and not reported as done.
  bool is_closed_ = false;
  uv_mutex_t lock_;  // Protects the members below.
  uv_cond_t given_;
  List<DiskOrder> waiting_;
  List<DiskOrder> done_;
  bool is_ending_ = false;
};

}  // namespace geartrain

#endif  // GEARTRAIN_DISK_H_
