/* The yardstick: a bare broker on epoll, to show what sockets and kernel alone cost.
 * Rule: just enough protocol for the load generator, one read and one write per socket and turn, no
 * coalescing, priorities, timeouts, limits, requeue or admin. It is not a job server.
 * Usage: yardstick PORT */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  CAN_DO = 1, PRE_SLEEP = 4, NOOP = 6, SUBMIT_JOB = 7, JOB_CREATED = 8, GRAB_JOB = 9, NO_JOB = 10,
  JOB_ASSIGN = 11, WORK_COMPLETE = 13, ECHO_REQ = 16, ECHO_RES = 17, SUBMIT_JOB_BG = 18,
  GRAB_JOB_UNIQ = 30, JOB_ASSIGN_UNIQ = 31, GRAB_JOB_ALL = 39
};
enum { HEADER = 12, HANDLE = 18, FUNCTIONS = 1 << 16, SCRATCH = 1 << 18, EVENTS = 512 };

typedef struct { char *at; size_t start, end, size; } Buffer;
typedef struct Conn {
  int fd;
  uint32_t generation, sleeps;
  int isSleeping, isDirty, wantsWrite;
  Buffer in, out;
  uint32_t *abilities, abilityCount, abilitySize;
  struct Conn *next;
} Conn;
/* Block: unique, NUL, workload. The handle is "Y:", slot and serial in hex. */
typedef struct {
  uint32_t next, serial, function, uniqueBytes, clientGeneration;
  size_t bytes;
  char *block;
  Conn *client, *worker;
} Job;
typedef struct { Conn *conn; uint32_t generation, sleeps; } Sleeper;
typedef struct {
  char *name;
  size_t bytes;
  uint32_t first, last;
  Sleeper *sleepers;
  size_t sleeperFirst, sleeperCount, sleeperSize;
} Function;

static Function functions[FUNCTIONS];
static Job *jobs;
static uint32_t jobCount, jobSize, jobFree, serials;
static Conn *dirty, *freeConns, *closedConns;
static char scratch[SCRATCH];
static int epoll;

static void die(const char *what) { perror(what); exit(1); }
static void *need(void *memory) { if (memory == NULL) die("memory"); return memory; }
static uint32_t get32(const char *at) { uint32_t v; memcpy(&v, at, 4); return ntohl(v); }
static void put32(char *at, uint32_t v) { v = htonl(v); memcpy(at, &v, 4); }

static char *reserve(Buffer *b, size_t count) {
  if (b->size - b->end < count && b->start > 0) {
    memmove(b->at, b->at + b->start, b->end - b->start);
    b->end -= b->start;
    b->start = 0;
  }
  if (b->size - b->end < count) {
    b->size = b->end + count + b->end / 2;
    b->at = need(realloc(b->at, b->size));
  }
  return b->at + b->end;
}

static char *reply(Conn *conn, uint32_t type, size_t bytes) {
  if (!conn->isDirty && !conn->wantsWrite) {
    conn->isDirty = 1;
    conn->next = dirty;
    dirty = conn;
  }
  char *at = reserve(&conn->out, HEADER + bytes);
  conn->out.end += HEADER + bytes;
  memcpy(at, "\0RES", 4);
  put32(at + 4, type);
  put32(at + 8, (uint32_t)bytes);
  return at + HEADER;
}

static void watch(Conn *conn, uint32_t events, int operation) {
  struct epoll_event event = { .events = events, .data.ptr = conn };
  if (epoll_ctl(epoll, operation, conn->fd, &event) != 0) die("epoll_ctl");
}

/* The slot is reused after the turn, so that events still in the list meet fd -1. */
static void drop(Conn *conn) {
  if (conn->fd < 0) return;
  close(conn->fd);
  conn->fd = -1;
  conn->generation++;
  conn->isSleeping = 0;
}

static void flush(Conn *conn) {
  Buffer *out = &conn->out;
  while (conn->fd >= 0 && out->end > out->start) {
    size_t bytes = out->end - out->start;
    ssize_t count = send(conn->fd, out->at + out->start, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) { drop(conn); return; }
    out->start += (size_t)count;
  }
  if (conn->fd < 0) return;
  int wantsWrite = out->end > out->start;
  if (!wantsWrite) out->start = out->end = 0;
  if (wantsWrite != conn->wantsWrite) {
    watch(conn, wantsWrite ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
  }
  conn->wantsWrite = wantsWrite;
}

static uint32_t functionOf(const char *name, size_t bytes) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (size_t i = 0; i < bytes; i++) hash = (hash ^ (uint8_t)name[i]) * 0x100000001b3ull;
  uint32_t i = (uint32_t)(hash ^ (hash >> 32)) & (FUNCTIONS - 1);
  for (uint32_t tries = 0; tries < FUNCTIONS; tries++, i = (i + 1) & (FUNCTIONS - 1)) {
    Function *f = &functions[i];
    if (f->name != NULL && (f->bytes != bytes || memcmp(f->name, name, bytes) != 0)) continue;
    if (f->name != NULL) return i;
    f->name = need(malloc(bytes + 1));
    memcpy(f->name, name, bytes);
    f->bytes = bytes;
    f->first = f->last = UINT32_MAX;
    return i;
  }
  fprintf(stderr, "yardstick: more than %d functions\n", FUNCTIONS);
  exit(1);
}

static void putHandle(char *at, uint32_t slot, uint32_t serial) {
  static const char digits[] = "0123456789abcdef";
  uint64_t value = (uint64_t)slot << 32 | serial;
  at[0] = 'Y';
  at[1] = ':';
  for (int i = 0; i < 16; i++) at[2 + i] = digits[value >> (60 - 4 * i) & 15];
}

static Job *jobOf(const char *handle, size_t bytes, uint32_t *slot) {
  uint64_t value = 0;
  if (bytes < HANDLE) return NULL;
  for (int i = 2; i < HANDLE; i++) {
    value = value << 4 | (uint64_t)((handle[i] & 15) + (handle[i] > '9' ? 9 : 0));
  }
  *slot = (uint32_t)(value >> 32);
  return *slot < jobCount && jobs[*slot].serial == (uint32_t)value ? &jobs[*slot] : NULL;
}

static void wakeOne(Function *f) {
  while (f->sleeperCount > 0) {
    Sleeper s = f->sleepers[f->sleeperFirst];
    f->sleeperFirst = (f->sleeperFirst + 1) & (f->sleeperSize - 1);
    f->sleeperCount--;
    if (s.conn->generation != s.generation || s.conn->sleeps != s.sleeps) continue;
    if (!s.conn->isSleeping) continue;
    s.conn->isSleeping = 0;
    reply(s.conn, NOOP, 0);
    return;
  }
}

static void addSleeper(Function *f, Conn *conn) {
  if (f->sleeperCount == f->sleeperSize) {
    size_t size = f->sleeperSize == 0 ? 16 : f->sleeperSize * 2;
    Sleeper *grown = need(malloc(size * sizeof *grown));
    for (size_t i = 0; i < f->sleeperCount; i++) {
      grown[i] = f->sleepers[(f->sleeperFirst + i) & (f->sleeperSize - 1)];
    }
    free(f->sleepers);
    f->sleepers = grown;
    f->sleeperFirst = 0;
    f->sleeperSize = size;
  }
  size_t last = (f->sleeperFirst + f->sleeperCount++) & (f->sleeperSize - 1);
  f->sleepers[last] = (Sleeper){ conn, conn->generation, conn->sleeps };
}

static void onSubmit(Conn *conn, const char *at, size_t bytes, int isBackground) {
  const char *nameEnd = memchr(at, 0, bytes);
  if (nameEnd == NULL) { drop(conn); return; }
  const char *uniqueEnd = memchr(nameEnd + 1, 0, bytes - (size_t)(nameEnd + 1 - at));
  if (uniqueEnd == NULL) { drop(conn); return; }
  uint32_t slot = jobFree;
  if (slot != UINT32_MAX) {
    jobFree = jobs[slot].next;
  } else {
    if (jobCount == jobSize) {
      jobSize = jobSize == 0 ? 1024 : jobSize * 2;
      jobs = need(realloc(jobs, jobSize * sizeof *jobs));
    }
    slot = jobCount++;
  }
  Job *job = &jobs[slot];
  job->serial = ++serials;
  job->function = functionOf(at, (size_t)(nameEnd - at));
  job->uniqueBytes = (uint32_t)(uniqueEnd - nameEnd - 1);
  job->bytes = bytes - (size_t)(nameEnd + 1 - at);
  job->block = need(malloc(job->bytes));
  memcpy(job->block, nameEnd + 1, job->bytes);
  job->client = isBackground ? NULL : conn;
  job->clientGeneration = conn->generation;
  job->worker = NULL;
  job->next = UINT32_MAX;
  Function *f = &functions[job->function];
  if (f->first == UINT32_MAX) f->first = slot; else jobs[f->last].next = slot;
  f->last = slot;
  putHandle(reply(conn, JOB_CREATED, HANDLE), slot, job->serial);
  wakeOne(f);
}

static void onGrab(Conn *conn, int withUnique) {
  for (uint32_t i = 0; i < conn->abilityCount; i++) {
    Function *f = &functions[conn->abilities[i]];
    if (f->first == UINT32_MAX) continue;
    uint32_t slot = f->first;
    Job *job = &jobs[slot];
    f->first = job->next;
    job->worker = conn;
    size_t skipped = withUnique ? 0 : job->uniqueBytes + 1;
    char *at = reply(conn, withUnique ? JOB_ASSIGN_UNIQ : JOB_ASSIGN,
                     HANDLE + 1 + f->bytes + 1 + job->bytes - skipped);
    putHandle(at, slot, job->serial);
    at[HANDLE] = 0;
    memcpy(at + HANDLE + 1, f->name, f->bytes);
    at[HANDLE + 1 + f->bytes] = 0;
    memcpy(at + HANDLE + 1 + f->bytes + 1, job->block + skipped, job->bytes - skipped);
    return;
  }
  reply(conn, NO_JOB, 0);
}

static void onSleep(Conn *conn) {
  for (uint32_t i = 0; i < conn->abilityCount; i++) {
    if (functions[conn->abilities[i]].first != UINT32_MAX) { reply(conn, NOOP, 0); return; }
  }
  conn->isSleeping = 1;
  conn->sleeps++;
  for (uint32_t i = 0; i < conn->abilityCount; i++) {
    addSleeper(&functions[conn->abilities[i]], conn);
  }
}

static void onComplete(Conn *conn, const char *at, size_t bytes) {
  uint32_t slot;
  Job *job = jobOf(at, bytes, &slot);
  if (job == NULL || job->worker != conn) { drop(conn); return; }
  if (job->client != NULL && job->client->generation == job->clientGeneration) {
    memcpy(reply(job->client, WORK_COMPLETE, bytes), at, bytes);
  }
  free(job->block);
  job->serial = 0;
  job->next = jobFree;
  jobFree = slot;
}

static void onFrame(Conn *conn, uint32_t type, const char *at, size_t bytes) {
  switch (type) {
    case SUBMIT_JOB: case SUBMIT_JOB_BG: onSubmit(conn, at, bytes, type == SUBMIT_JOB_BG); break;
    case GRAB_JOB: conn->isSleeping = 0; onGrab(conn, 0); break;
    case GRAB_JOB_UNIQ: case GRAB_JOB_ALL: conn->isSleeping = 0; onGrab(conn, 1); break;
    case WORK_COMPLETE: onComplete(conn, at, bytes); break;
    case PRE_SLEEP: onSleep(conn); break;
    case ECHO_REQ: memcpy(reply(conn, ECHO_RES, bytes), at, bytes); break;
    case CAN_DO:
      if (conn->abilityCount == conn->abilitySize) {
        conn->abilitySize = conn->abilitySize == 0 ? 4 : conn->abilitySize * 2;
        conn->abilities = need(realloc(conn->abilities, conn->abilitySize * sizeof(uint32_t)));
      }
      conn->abilities[conn->abilityCount++] = functionOf(at, bytes);
      break;
    default: fprintf(stderr, "yardstick: packet type %u is not spoken here\n", type); drop(conn);
  }
}

static size_t handle(Conn *conn, const char *at, size_t count) {
  size_t used = 0;
  while (conn->fd >= 0 && count - used >= HEADER) {
    size_t bytes = get32(at + used + 8);
    if (count - used - HEADER < bytes) break;
    onFrame(conn, get32(at + used + 4), at + used + HEADER, bytes);
    used += HEADER + bytes;
  }
  return used;
}

static void receive(Conn *conn) {
  Buffer *in = &conn->in;
  int isFresh = in->end == in->start;
  char *to = isFresh ? scratch : reserve(in, SCRATCH);
  ssize_t count = recv(conn->fd, to, SCRATCH, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) { drop(conn); return; }
  if (isFresh) {
    size_t used = handle(conn, to, (size_t)count), rest = (size_t)count - used;
    if (rest > 0) memcpy(reserve(in, rest), to + used, rest);
    in->end += rest;
  } else {
    in->end += (size_t)count;
    in->start += handle(conn, in->at + in->start, in->end - in->start);
  }
  if (in->start == in->end) in->start = in->end = 0;
}

static void acceptOne(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  Conn *conn = freeConns;
  if (conn != NULL) freeConns = conn->next; else conn = need(calloc(1, sizeof *conn));
  conn->fd = fd;
  conn->in.start = conn->in.end = conn->out.start = conn->out.end = 0;
  conn->abilityCount = 0;
  conn->wantsWrite = conn->isDirty = 0;
  watch(conn, EPOLLIN, EPOLL_CTL_ADD);
}

int main(int argc, char **argv) {
  if (argc != 2) { fputs("usage: yardstick PORT\n", stderr); return 2; }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  jobFree = UINT32_MAX;
  struct sockaddr_in address = { .sin_family = AF_INET };
  address.sin_port = htons((uint16_t)atoi(argv[1]));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  if (listen(listener, 1024) != 0) die("listen");
  if ((epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
  Conn listening = { .fd = listener };
  watch(&listening, EPOLLIN, EPOLL_CTL_ADD);
  struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      Conn *conn = events[i].data.ptr;
      if (conn == &listening) { acceptOne(listener); continue; }
      if (conn->fd >= 0 && events[i].events & EPOLLOUT) flush(conn);
      if (conn->fd >= 0 && events[i].events & ~(uint32_t)EPOLLOUT) receive(conn);
      if (conn->fd < 0 && !conn->isDirty) { conn->next = closedConns; closedConns = conn; }
    }
    while (dirty != NULL) {
      Conn *conn = dirty;
      dirty = conn->next;
      conn->isDirty = 0;
      if (conn->fd >= 0) flush(conn);
      if (conn->fd < 0) { conn->next = closedConns; closedConns = conn; }
    }
    while (closedConns != NULL) {
      Conn *conn = closedConns;
      closedConns = conn->next;
      conn->next = freeConns;
      freeConns = conn;
    }
  }
}
