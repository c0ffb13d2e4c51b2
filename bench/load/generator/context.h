// Shared by all peers of a run: common state, and the part of a peer that is the same for each
// kind. Rule: every answer is checked; a wrong one ends the process with a message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loop.h"
#include "stats.h"
#include "wire.h"

// The jobs of one phase. A job is its number: function, unique and workload follow from it.
struct Batch {
  uint64_t first = 0;
  uint64_t next = 0;
  uint64_t limit = 0;
  uint64_t created = 0;
  uint64_t completed = 0;
  bool isBackground = true;
  const std::vector<std::string> *functions = nullptr;

  bool isSent() const { return next == limit; }
  bool isCreated() const { return isSent() && created == limit - first; }
  bool isCompleted() const { return isSent() && completed == limit - first; }
};

// What all roles of a run share.
struct Context {
  Context(Loop &loop, size_t workloadBytes) : loop(loop), workloads(workloadBytes) {}

  Loop &loop;
  wire::Workloads workloads;
  std::vector<std::string> functions;
  bool hasUniques = false;
  // With keys, job N has the unique of job N modulo this number; 0: every job its own.
  uint64_t keyCount = 0;
  uint64_t seed = 0;
  uint32_t grabType = wire::GRAB_JOB_ALL;
  size_t outstandingMax = 1;
  // True: as gearman_client_run_tasks, all jobs of a client are done before it submits again.
  bool isRefillingInBatches = false;
  // Latency is that of a grab, from GRAB_JOB to JOB_ASSIGN, instead of a client's.
  bool isTimingGrabs = false;
  Batch batch;
  stats::Histogram *latency = nullptr;
  std::vector<bool> isExecuted;
  uint64_t executed = 0;
  uint64_t noops = 0;
  uint64_t noJobs = 0;
  size_t busyWorkers = 0;
  size_t barriers = 0;
  // The time limit of the phase is over: nothing new is begun.
  bool isCut = false;
  // Parked workers stop when so many jobs have been executed in all.
  uint64_t executedLimit = UINT64_MAX;

  // Asked by a worker that has just done a job; each of the other busy ones is about to do one.
  bool isEnough() const { return isCut || executed + busyWorkers - 1 >= executedLimit; }

  void record(uint64_t sinceNs) {
    if (latency != nullptr) latency->add(loop.readAtNs() - sinceNs);
  }

  // 36 bytes in the shape of a UUID, made from run and job number.
  static constexpr size_t kUniqueBytes = 36;
  void writeUnique(char *at, uint64_t number) const {
    static const char digits[] = "0123456789abcdef";
    if (keyCount != 0) number %= keyCount;
    uint64_t bits = (number + seed) * 0x9e3779b97f4a7c15ull;
    for (size_t i = 0; i < kUniqueBytes; i++) {
      if (i == 18) bits = (number ^ seed) * 0xd6e8feb86659fd93ull;
      const bool isDash = i == 8 || i == 13 || i == 18 || i == 23;
      at[i] = isDash ? '-' : digits[bits & 15];
      if (!isDash) bits = (bits >> 4) | (bits << 60);
    }
  }
};

// A peer with one connection that can ask for a barrier: everything sent before it has been answered.
class Speaker : public Peer {
 public:
  Speaker(Context &context, const Address &address)
      : context_(context), connection_(context.loop.open(address, this)) {}

  void barrier() {
    std::memcpy(wire::putRequest(connection_->out(), wire::ECHO_REQ, 7), "barrier", 7);
    context_.barriers++;
    isFencing_ = true;
  }

  void onFrame(uint32_t type, std::string_view payload) final {
    if (type == wire::ECHO_RES && isFencing_) {
      if (payload != "barrier") fail("ECHO_RES is not what was sent");
      isFencing_ = false;
      context_.barriers--;
      context_.loop.moved();
    } else if (type == wire::ERROR) {
      std::string text(payload);
      for (char &c : text) c = c == 0 ? ' ' : c;
      fail("the server answered ERROR " + text);
    } else {
      onAnswer(type, payload);
    }
  }

 protected:
  virtual void onAnswer(uint32_t type, std::string_view payload) = 0;

  [[noreturn]] void unexpected(const char *who, uint32_t type) const {
    fail(std::string(who) + " got unexpected packet type " + std::to_string(type));
  }

  Context &context_;
  Connection *connection_;

 private:
  bool isFencing_ = false;
};
