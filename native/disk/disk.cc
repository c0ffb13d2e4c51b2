#include "disk/disk.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace geartrain {
namespace {

int WriteAll(DiskOrder* order) {
  iovec* piece = order->pieces;
  iovec* end = piece + order->piece_count;
  int64_t at = order->at;
  while (true) {
    while (piece < end && piece->iov_len == 0) piece++;
    if (piece == end) return 0;
    ssize_t count = pwritev(order->fd, piece, static_cast<int>(end - piece), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -errno;
    if (count == 0) return UV_EIO;
    at += count;
    // The system may write only a part.
    for (size_t left = static_cast<size_t>(count); left > 0;) {
      size_t taken = left < piece->iov_len ? left : piece->iov_len;
      piece->iov_base = static_cast<char*>(piece->iov_base) + taken;
      piece->iov_len -= taken;
      left -= taken;
      if (piece->iov_len == 0) piece++;
    }
  }
}

int CarryOut(DiskOrder* order) {
  int error = WriteAll(order);
  if (error != 0 || !order->is_synced) return error;
  while (fdatasync(order->fd) != 0) {
    if (errno != EINTR) return -errno;
  }
  return 0;
}

// A policy that the process has chosen stays. If the system refuses, the thread runs like all
// others.
void GiveWay() {
  sched_param parameters = {};
  if (sched_getscheduler(0) == SCHED_OTHER) sched_setscheduler(0, SCHED_BATCH, &parameters);
}

}  // namespace

Disk::Disk(const DiskHost& host) : host_(host) {
  uv_mutex_init(&lock_);
  uv_cond_init(&given_);
}

Disk::~Disk() {
  uv_cond_destroy(&given_);
  uv_mutex_destroy(&lock_);
}

int Disk::Start(uv_loop_t* loop) {
  int error =
      uv_thread_create(&thread_, [](void* disk) { static_cast<Disk*>(disk)->Run(); }, this);
  if (error != 0) return error;
  error = uv_async_init(loop, &async_,
                        [](uv_async_t* async) { static_cast<Disk*>(async->data)->ReportDone(); });
  if (error != 0) {
    Stop();
    return error;
  }
  async_.data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(&async_));
  return 0;
}

void Disk::Give(DiskOrder* order) {
  if (under_way_++ == 0) uv_ref(reinterpret_cast<uv_handle_t*>(&async_));
  uv_mutex_lock(&lock_);
  waiting_.PushBack(order);
  uv_mutex_unlock(&lock_);
  // Signalled last: otherwise the thread would wake up and wait for the lock.
  uv_cond_signal(&given_);
}

void Disk::Close() {
  if (is_closed_) return;
  is_closed_ = true;
  Stop();
  ReportDone();
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), [](uv_handle_t* handle) {
    Disk* disk = static_cast<Disk*>(handle->data);
    disk->host_.on_closed(disk->host_.data);
  });
}

// Finishes all given orders first.
void Disk::Stop() {
  uv_mutex_lock(&lock_);
  is_ending_ = true;
  uv_mutex_unlock(&lock_);
  uv_cond_signal(&given_);
  uv_thread_join(&thread_);
}

void Disk::Run() {
  prctl(PR_SET_NAME, "geartrain-disk");
  GiveWay();
  uv_mutex_lock(&lock_);
  while (true) {
    while (waiting_.first == nullptr && !is_ending_) uv_cond_wait(&given_, &lock_);
    DiskOrder* order = waiting_.first;
    if (order == nullptr) break;
    waiting_.Remove(order);
    uv_mutex_unlock(&lock_);
    order->error = CarryOut(order);
    uv_mutex_lock(&lock_);
    done_.PushBack(order);
    uv_mutex_unlock(&lock_);
    uv_async_send(&async_);
    uv_mutex_lock(&lock_);
  }
  uv_mutex_unlock(&lock_);
}

void Disk::ReportDone() {
  uv_mutex_lock(&lock_);
  List<DiskOrder> done = done_;
  done_ = {};
  uv_mutex_unlock(&lock_);
  while (DiskOrder* order = done.first) {
    done.Remove(order);
    if (--under_way_ == 0) uv_unref(reinterpret_cast<uv_handle_t*>(&async_));
    host_.on_done(host_.data, order);
  }
}

}  // namespace geartrain
