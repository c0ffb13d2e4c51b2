// A worker: grabs, echoes the workload as its result, sleeps and is woken as libgearman's worker.
// Rule: a job number is assigned once in a whole run.
#pragma once

#include <string>
#include <string_view>

#include "context.h"

// GRAB until NO_JOB, then PRE_SLEEP until NOOP; a result and the next GRAB leave in one write.
// A parked worker takes the queue empty, or as many jobs as it shall, and then stays awake and silent.
class Worker final : public Speaker {
 public:
  Worker(Context &context, const Address &address, bool isParking)
      : Speaker(context, address), isParking_(isParking) {
    for (const std::string &name : context.functions) {
      char *at = wire::putRequest(connection_->out(), wire::CAN_DO, name.size());
      std::memcpy(at, name.data(), name.size());
    }
  }

  void start() {
    grab();
    setBusy(true);
  }

 private:
  void grab() {
    wire::putRequest(connection_->out(), context_.grabType, 0);
    grabbedAtNs_ = context_.loop.readAtNs();
  }

  void setBusy(bool isBusy) {
    if (isBusy == isBusy_) return;
    isBusy_ = isBusy;
    context_.busyWorkers += isBusy ? 1 : static_cast<size_t>(-1);
  }

  void onAnswer(uint32_t type, std::string_view payload) override {
    switch (type) {
      case wire::NOOP:
        context_.noops++;
        if (!isSleeping_) return;
        isSleeping_ = false;
        start();
        return;
      case wire::NO_JOB:
        context_.noJobs++;
        setBusy(false);
        if (isParking_) return;
        isSleeping_ = true;
        wire::putRequest(connection_->out(), wire::PRE_SLEEP, 0);
        return;
      case wire::JOB_ASSIGN:
      case wire::JOB_ASSIGN_UNIQ:
        context_.loop.moved();
        if (context_.isTimingGrabs) context_.record(grabbedAtNs_);
        work(type, payload);
        if (isParking_ && context_.isEnough()) {
          setBusy(false);
        } else {
          grab();
        }
        return;
      default:
        unexpected("a worker", type);
    }
  }

  void work(uint32_t type, std::string_view payload) {
    std::string_view handle;
    std::string_view name;
    std::string_view unique;
    if (!wire::cutArgument(payload, handle) || !wire::cutArgument(payload, name) ||
        (type == wire::JOB_ASSIGN_UNIQ && !wire::cutArgument(payload, unique))) {
      fail("JOB_ASSIGN has too few arguments");
    }
    const int64_t number = context_.workloads.check(payload);
    if (number < 0) fail("a worker got a workload that no client sent");
    if (context_.workloads.isNumbered()) {
      checkAssigned(static_cast<uint64_t>(number), type, name, unique);
    }
    context_.executed++;
    const size_t bytes = handle.size() + 1 + payload.size();
    char *at = wire::putRequest(connection_->out(), wire::WORK_COMPLETE, bytes);
    std::memcpy(at, handle.data(), handle.size());
    at[handle.size()] = 0;
    if (!payload.empty()) std::memcpy(at + handle.size() + 1, payload.data(), payload.size());
  }

  void checkAssigned(uint64_t number, uint32_t type, std::string_view name,
                     std::string_view unique) {
    if (number >= context_.isExecuted.size()) fail("a job number was never given out");
    if (context_.isExecuted[number]) fail("job " + std::to_string(number) + " was assigned twice");
    context_.isExecuted[number] = true;
    if (name != context_.functions[number % context_.functions.size()]) {
      fail("a job was assigned under another function");
    }
    if (type == wire::JOB_ASSIGN_UNIQ && context_.hasUniques) {
      char expected[Context::kUniqueBytes];
      context_.writeUnique(expected, number);
      if (unique != std::string_view(expected, sizeof expected)) fail("a job has another unique");
    }
  }

  bool isParking_;
  bool isSleeping_ = false;
  bool isBusy_ = false;
  uint64_t grabbedAtNs_ = 0;
};
