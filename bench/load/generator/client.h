// A client: submits jobs and matches JOB_CREATED and results with them.
// Rule: JOB_CREATED come in the order of the submits; every handle is answered exactly once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "context.h"
#include "open-jobs.h"

// Keeps `outstandingMax` jobs under way: background ones until JOB_CREATED, others until done.
class Client final : public Speaker {
 public:
  Client(Context &context, const Address &address)
      : Speaker(context, address),
        waiting_(context.outstandingMax),
        open_(context.outstandingMax) {}

  // Names a function before any other, so that the connection lives where that function does.
  void settleAt(const std::string &name) {
    char *at = wire::putRequest(connection_->out(), wire::CAN_DO, name.size());
    std::memcpy(at, name.data(), name.size());
  }

  void pump() {
    if (context_.isRefillingInBatches && underWay_ > 0) return;
    Batch &batch = context_.batch;
    while (underWay_ < context_.outstandingMax && batch.next < batch.limit) submit(batch.next++);
  }

  // Invariant at the end of a phase: nothing under way.
  bool isQuiet() const { return underWay_ == 0 && open_.count() == 0; }

 private:
  struct Outstanding {
    uint64_t number;
    uint64_t atNs;
  };

  void submit(uint64_t number) {
    const Batch &batch = context_.batch;
    const std::string &name = (*batch.functions)[number % batch.functions->size()];
    const size_t uniqueBytes = context_.hasUniques ? Context::kUniqueBytes : 0;
    const uint32_t type = batch.isBackground ? wire::SUBMIT_JOB_BG : wire::SUBMIT_JOB;
    char *at = wire::putSubmit(connection_->out(), type, name, uniqueBytes,
                               context_.workloads.bytes());
    if (uniqueBytes != 0) context_.writeUnique(at, number);
    context_.workloads.write(at + uniqueBytes + 1, number);
    const size_t last = (waitingFirst_ + waitingCount_++) % waiting_.size();
    waiting_[last] = {number, context_.loop.readAtNs()};
    underWay_++;
  }

  void onAnswer(uint32_t type, std::string_view payload) override {
    if (type == wire::JOB_CREATED) {
      onCreated(payload);
    } else if (type == wire::WORK_COMPLETE) {
      onComplete(payload);
    } else {
      unexpected("a client", type);
    }
    context_.loop.moved();
    pump();
  }

  void onCreated(std::string_view handle) {
    if (waitingCount_ == 0) fail("JOB_CREATED without a submit");
    if (handle.empty() || handle.size() > OpenJobs::kHandleBytesMax) {
      fail("a handle is " + std::to_string(handle.size()) + " bytes long");
    }
    const Outstanding waited = waiting_[waitingFirst_];
    waitingFirst_ = (waitingFirst_ + 1) % waiting_.size();
    waitingCount_--;
    Batch &batch = context_.batch;
    batch.created++;
    if (!batch.isBackground) {
      if (!open_.add(handle, waited.number, waited.atNs)) fail("a handle was given twice");
      return;
    }
    if (handle == lastHandle_ && context_.keyCount == 0) {
      fail("a handle was given twice in a row");
    }
    lastHandle_.assign(handle);
    underWay_--;
    if (!context_.isTimingGrabs) context_.record(waited.atNs);
  }

  void onComplete(std::string_view payload) {
    std::string_view handle;
    if (!wire::cutArgument(payload, handle)) fail("WORK_COMPLETE without a handle");
    OpenJobs::Job job{};
    if (!open_.take(handle, job)) fail("WORK_COMPLETE for a handle that is not open");
    const int64_t number = context_.workloads.check(payload);
    const auto expected = context_.workloads.isNumbered() ? static_cast<int64_t>(job.number) : 0;
    if (number != expected) fail("a result is not what its worker sent");
    context_.batch.completed++;
    underWay_--;
    context_.record(job.atNs);
  }

  std::vector<Outstanding> waiting_;
  size_t waitingFirst_ = 0;
  size_t waitingCount_ = 0;
  size_t underWay_ = 0;
  std::string lastHandle_;
  OpenJobs open_;
};
