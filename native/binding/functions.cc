// System calls that Node does not offer: doorbells, giving pages back, descriptor limit, syslog.
// Contract: NativeFunctions in src/native/contract.ts; the names are in the table at the end.
// Rule: syslog's identity is the only state that threads share.
#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "binding/errors.h"
#include "binding/exports.h"

namespace geartrain {
namespace {

// openlog keeps the pointer, so the text must live as long as the process.
char log_identity[64];
pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

// (bytes): zeroes them and gives the whole pages among them back to the system.
void Discard(const Napi::CallbackInfo& info) {
  Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  uintptr_t start = reinterpret_cast<uintptr_t>(bytes.Data());
  uintptr_t end = start + bytes.ElementLength();
  uintptr_t first = (start + page - 1) & ~(page - 1);
  uintptr_t last = end & ~(page - 1);
  if (first >= last || madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED) != 0) {
    if (bytes.ElementLength() > 0) memset(bytes.Data(), 0, bytes.ElementLength());
    return;
  }
  memset(bytes.Data(), 0, first - start);
  memset(reinterpret_cast<void*>(last), 0, end - last);
}

void CloseAtEnd(void* fd) { close(static_cast<int>(reinterpret_cast<intptr_t>(fd))); }

void* AsArgument(int fd) { return reinterpret_cast<void*>(static_cast<intptr_t>(fd)); }

// Closed by doorbellClose, or when the thread that made it ends; its own threads have ended
// before.
int DoorbellCreate(const Napi::CallbackInfo& info) {
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) {
    ThrowSystemError(info.Env(), -errno, "eventfd", "for a doorbell");
    return fd;
  }
  napi_add_env_cleanup_hook(info.Env(), CloseAtEnd, AsArgument(fd));
  return fd;
}

void DoorbellClose(const Napi::CallbackInfo& info) {
  int fd = Int(info[0]);
  napi_remove_env_cleanup_hook(info.Env(), CloseAtEnd, AsArgument(fd));
  close(fd);
}

// Gives the free pages of the C library's heap back to the system, where the library can.
void TrimHeap(const Napi::CallbackInfo&) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void DoorbellRing(const Napi::CallbackInfo& info) {
  int fd = Int(info[0]);
  uint64_t one = 1;
  // EAGAIN: the counter is full, so the bell is ringing already.
  while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void CloseDescriptor(const Napi::CallbackInfo& info) { close(Int(info[0])); }

// () -> two connected descriptors
Napi::Value SocketPair(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fds[2];
  int result = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
  if (result != 0) {
    ThrowSystemError(env, -errno, "socketpair", "for a connection in the process");
    return Napi::Value();
  }
  Napi::Array both = Napi::Array::New(env, 2);
  if (!both.IsEmpty() && both.Set(0u, fds[0]) && both.Set(1u, fds[1])) return both;
  for (int fd : fds) close(fd);
  return Napi::Value();
}

// (count) -> the limit in force
double SetFileLimit(const Napi::CallbackInfo& info) {
  double wanted = Double(info[0]);
  rlim_t count = static_cast<rlim_t>(wanted);
  rlimit limit = {};
  int result = getrlimit(RLIMIT_NOFILE, &limit);
  if (result == 0) {
    limit.rlim_cur = count;
    if (limit.rlim_max < count) limit.rlim_max = count;
    result = setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (result == 0) result = getrlimit(RLIMIT_NOFILE, &limit);
  if (result != 0) ThrowSystemError(info.Env(), -errno, "setrlimit", "to %.0f", wanted);
  return static_cast<double>(limit.rlim_cur);
}

void SyslogOpen(const Napi::CallbackInfo& info) {
  pthread_mutex_lock(&log_lock);
  CopyText(info[0], log_identity);
  openlog(log_identity, LOG_PID, LOG_USER);
  pthread_mutex_unlock(&log_lock);
}

// (level, text); a text above 8 KiB is cut
void Syslog(const Napi::CallbackInfo& info) {
  char text[8192];
  CopyText(info[1], text);
  syslog(LOG_MAKEPRI(LOG_USER, Int(info[0]) & LOG_PRIMASK), "%s", text);
}

}  // namespace

void ExportFunctions(Napi::Object exports) {
  Napi::Object table = AddTable(exports, "functions");
  Export<Discard>(table, "discard");
  Export<TrimHeap>(table, "trimHeap");
  Export<DoorbellCreate>(table, "doorbellCreate");
  Export<DoorbellRing>(table, "doorbellRing");
  Export<DoorbellClose>(table, "doorbellClose");
  Export<CloseDescriptor>(table, "closeDescriptor");
  Export<SocketPair>(table, "socketPair");
  Export<SetFileLimit>(table, "setFileLimit");
  Export<SyslogOpen>(table, "syslogOpen");
  Export<Syslog>(table, "syslog");
}

}  // namespace geartrain
