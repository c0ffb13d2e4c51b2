// Peers that submit no jobs: ECHO pipelines and short connections.
#pragma once

#include <string_view>
#include <vector>

#include "context.h"

// Keeps `outstandingMax` ECHO_REQ under way; answers must come in order and unchanged.
class Echoer final : public Speaker {
 public:
  Echoer(Context &context, const Address &address)
      : Speaker(context, address), sent_(context.outstandingMax) {}

  void pump() {
    Batch &batch = context_.batch;
    while (count_ < sent_.size() && batch.next < batch.limit) {
      const uint64_t number = batch.next++;
      char *at = wire::putRequest(connection_->out(), wire::ECHO_REQ, context_.workloads.bytes());
      context_.workloads.write(at, number);
      sent_[(first_ + count_++) % sent_.size()] = {number, context_.loop.readAtNs()};
    }
  }

 private:
  struct Sent {
    uint64_t number;
    uint64_t atNs;
  };

  void onAnswer(uint32_t type, std::string_view payload) override {
    if (type != wire::ECHO_RES || count_ == 0) unexpected("an echoer", type);
    const Sent sent = sent_[first_];
    first_ = (first_ + 1) % sent_.size();
    count_--;
    const int64_t number = context_.workloads.check(payload);
    const auto expected = context_.workloads.isNumbered() ? static_cast<int64_t>(sent.number) : 0;
    if (number != expected) {
      fail("ECHO_RES is not what was sent");
    }
    context_.batch.completed++;
    context_.record(sent.atNs);
    context_.loop.moved();
    pump();
  }

  std::vector<Sent> sent_;
  size_t first_ = 0;
  size_t count_ = 0;
};

// Opens a connection, has one ECHO answered, closes it, and again.
class Connector final : public Peer {
 public:
  Connector(Context &context, const Address &address) : context_(context), address_(address) {}

  void pump() {
    if (context_.batch.next == context_.batch.limit) return;
    sentAtNs_ = stats::nowNs();
    connection_ = context_.loop.open(address_, this, context_.batch.next++);
    std::memcpy(wire::putRequest(connection_->out(), wire::ECHO_REQ, 2), "hi", 2);
  }

 private:
  void onFrame(uint32_t type, std::string_view payload) override {
    if (type != wire::ECHO_RES || payload != "hi") fail("ECHO_RES is not what was sent");
    context_.loop.close(connection_);
    context_.batch.completed++;
    context_.record(sentAtNs_);
    context_.loop.moved();
    pump();
  }

  Context &context_;
  const Address &address_;
  Connection *connection_ = nullptr;
  uint64_t sentAtNs_ = 0;
};
