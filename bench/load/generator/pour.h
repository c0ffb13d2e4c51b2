// Background submits at a steady rate beside the jobs of a scenario, on a function without
// workers. Rule: they do not count as jobs of the scenario; every one must be answered by
// JOB_CREATED.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "context.h"

class Pour {
 public:
  Pour(Context &context, uint64_t perSecond, std::string function)
      : context_(context), perSecond_(perSecond), function_(std::move(function)) {}

  void open(const Address &address, size_t clients) {
    while (clients_.size() < clients) clients_.push_back(std::make_unique<Client>(*this, address));
  }

  // From here on jobs are due.
  void begin() {
    startedNs_ = stats::nowNs();
    sentBefore_ = sent_;
  }

  // One client sends what is due since the last lot, the next client the next lot.
  void turn() {
    const uint64_t nowNs = stats::nowNs();
    if (nowNs - lotNs_ < kLotNs) return;
    lotNs_ = nowNs;
    Client &client = *clients_[lots_++ % clients_.size()];
    const auto seconds = static_cast<double>(nowNs - startedNs_) / 1e9;
    const uint64_t due = sentBefore_ + static_cast<uint64_t>(seconds * static_cast<double>(perSecond_));
    for (; sent_ < due; sent_++) client.submit();
  }

  bool isAnswered() const { return created_ == sent_; }
  uint64_t created() const { return created_; }

 private:
  static constexpr uint64_t kLotNs = 1000000;

  class Client final : public Speaker {
   public:
    Client(Pour &pour, const Address &address) : Speaker(pour.context_, address), pour_(pour) {}

    void submit() {
      const wire::Workloads &workloads = context_.workloads;
      char *at = wire::putSubmit(connection_->out(), wire::SUBMIT_JOB_BG, pour_.function_, 0,
                                 workloads.bytes());
      workloads.write(at + 1, pour_.sent_);
    }

   private:
    void onAnswer(uint32_t type, std::string_view) override {
      if (type != wire::JOB_CREATED) unexpected("a client beside", type);
      pour_.created_++;
    }

    Pour &pour_;
  };

  Context &context_;
  const uint64_t perSecond_;
  const std::string function_;
  std::vector<std::unique_ptr<Client>> clients_;
  uint64_t startedNs_ = 0;
  uint64_t lotNs_ = 0;
  uint64_t lots_ = 0;
  uint64_t sentBefore_ = 0;
  uint64_t sent_ = 0;
  uint64_t created_ = 0;
};
