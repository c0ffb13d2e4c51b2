// System calls that Node does not offer: doorbells, giving pages back, descriptor limit, syslog.
// Rule: failures are negative errno values; syslog's identity is the only state that all threads
// share.
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <syslog.h>
#include <unistd.h>

#include "exports.h"

namespace geartrain {
namespace {

// openlog keeps the pointer, so the text must live as long as the process.
char log_identity[64];
pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

// (bytes): zeroes them and gives the whole pages among them back.
napi_value Discard(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ByteSpan span = arguments.Bytes(0);
  uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  uintptr_t start = reinterpret_cast<uintptr_t>(span.bytes);
  uintptr_t end = start + span.count;
  uintptr_t first = (start + page - 1) & ~(page - 1);
  uintptr_t last = end & ~(page - 1);
  if (first >= last || madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED) != 0) {
    if (span.count > 0) memset(span.bytes, 0, span.count);
    return nullptr;
  }
  memset(span.bytes, 0, first - start);
  memset(reinterpret_cast<void*>(last), 0, end - last);
  return nullptr;
}

napi_value DoorbellCreate(napi_env env, napi_callback_info) {
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return MakeInt(env, fd < 0 ? -errno : fd);
}

napi_value DoorbellRing(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  int fd = arguments.Int(0);
  uint64_t one = 1;
  // EAGAIN: the counter is full, so the bell is ringing already.
  while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {
  }
  return nullptr;
}

napi_value CloseDescriptor(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  close(arguments.Int(0));
  return nullptr;
}

// (count) -> the limit in force or negative errno
napi_value SetFileLimit(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  rlim_t count = static_cast<rlim_t>(arguments.Number(0));
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return MakeInt(env, -errno);
  limit.rlim_cur = count;
  if (limit.rlim_max < count) limit.rlim_max = count;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return MakeInt(env, -errno);
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return MakeInt(env, -errno);
  return MakeNumber(env, static_cast<double>(limit.rlim_cur));
}

napi_value SyslogOpen(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  pthread_mutex_lock(&log_lock);
  arguments.String(0, log_identity, sizeof log_identity);
  openlog(log_identity, LOG_PID, LOG_USER);
  pthread_mutex_unlock(&log_lock);
  return nullptr;
}

// (level, text); a text above 8 KiB is cut
napi_value Syslog(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  char text[8192];
  arguments.String(1, text, sizeof text);
  syslog(LOG_MAKEPRI(LOG_USER, arguments.Int(0) & LOG_PRIMASK), "%s", text);
  return nullptr;
}

}  // namespace

void ExportFunctions(napi_env env, napi_value exports) {
  SetFunction(env, exports, "discard", Discard);
  SetFunction(env, exports, "doorbellCreate", DoorbellCreate);
  SetFunction(env, exports, "doorbellRing", DoorbellRing);
  SetFunction(env, exports, "closeDescriptor", CloseDescriptor);
  SetFunction(env, exports, "setFileLimit", SetFileLimit);
  SetFunction(env, exports, "syslogOpen", SyslogOpen);
  SetFunction(env, exports, "syslog", Syslog);
}

}  // namespace geartrain
