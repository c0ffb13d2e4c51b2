// One run against one server: opens the peers, plays phases, counts some of them.
// Rule: only what lies between startCounting and stopCounting is measured; everything is checked.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "client.h"
#include "options.h"
#include "probes.h"
#include "report.h"
#include "worker.h"

class Run {
 public:
  Run(const Options &options)
      : options_(options),
        context_(loop_, options.bytes),
        probe_(static_cast<pid_t>(options.serverPid)),
        address_(resolve(options.host, options.port)) {
    for (uint64_t i = 0; i < options.functions; i++) {
      context_.functions.push_back(options.functionPrefix + std::to_string(i));
    }
    otherFunctions_.push_back(options.functionPrefix + "-deep");
    context_.hasUniques = options.unique == "random";
    context_.seed = stats::nowNs() | 1;
    context_.outstandingMax = options.outstanding;
    context_.isRefillingInBatches = options.refill == "batch";
    context_.grabType = options.grab == "all"    ? wire::GRAB_JOB_ALL
                        : options.grab == "uniq" ? wire::GRAB_JOB_UNIQ
                                                 : wire::GRAB_JOB;
    context_.isExecuted.resize(options.warm + options.jobs + lotCount() * options.depth + 1);
    loop_.setSpinning(options.isSpinning);
    loop_.describe = [this] { return describe(); };
  }

  const Options &options() const { return options_; }

  // The server's accept queue is short (32 in C gearmand), so new connections come in small lots.
  void openClients() {
    for (uint64_t i = 0; i < options_.clients; i++) {
      clients_.push_back(std::make_unique<Client>(context_, address_));
      if (i % 16 == 15 || i + 1 == options_.clients) fence(*clients_.back());
    }
  }

  void openEchoers() {
    for (uint64_t i = 0; i < options_.clients; i++) {
      echoers_.push_back(std::make_unique<Echoer>(context_, address_));
      if (i % 16 == 15 || i + 1 == options_.clients) fence(*echoers_.back());
    }
  }

  void openConnectors() {
    for (uint64_t i = 0; i < options_.clients; i++) {
      connectors_.push_back(std::make_unique<Connector>(context_, address_));
    }
  }

  // Parked workers only work during drain(); others sleep and are woken as the protocol says.
  void openWorkers(bool isParking) {
    const uint64_t count = options_.workers + options_.idleWorkers;
    for (uint64_t i = 0; i < count; i++) {
      workers_.push_back(std::make_unique<Worker>(context_, address_, isParking));
      if (i % 16 == 15 || i + 1 == count) fence(*workers_.back());
    }
    if (isParking) return;
    for (auto &worker : workers_) worker->start();
    waitForRest();
  }

  // Each of these plays to the end and answers how many jobs it did: fewer when it was cut.
  uint64_t submitBackground(uint64_t count) { return submit(count, true, context_.functions); }
  uint64_t fillOther(uint64_t count) { return submit(count, true, otherFunctions_); }

  uint64_t roundTrips(uint64_t count) {
    const uint64_t done = submit(count, false, context_.functions);
    for (const auto &client : clients_) {
      if (!client->isQuiet()) fail("a client still waits for an answer");
    }
    return done;
  }

  // Submits and works at once, until every job is done and every worker has found the queue empty.
  uint64_t submitAndWork(uint64_t count) {
    const uint64_t before = context_.executed;
    const uint64_t done = submit(count, true, context_.functions);
    loop_.runUntil("work", [&] {
      return context_.executed >= before + done && context_.busyWorkers == 0;
    });
    return done;
  }

  // Workers take jobs until each has been told NO_JOB.
  uint64_t drain() {
    const uint64_t before = context_.executed;
    for (auto &worker : workers_) worker->start();
    loop_.runUntil("drain", [this] {
      checkLimit();
      return context_.busyWorkers == 0;
    });
    return context_.executed - before;
  }

  uint64_t echo(uint64_t count) {
    begin(count, true, context_.functions);
    for (auto &echoer : echoers_) echoer->pump();
    return waitForBatch("echo", &Batch::isCompleted);
  }

  uint64_t connect(uint64_t count) {
    begin(count, true, context_.functions);
    for (auto &connector : connectors_) connector->pump();
    return waitForBatch("connect", &Batch::isCompleted);
  }

  // Counting may stop and go on: what lies between (filling, emptying) is not measured.
  void startCounting() {
    settle();
    if (report_.jobs == 0) {
      if (options_.isPausing) pause();
      report_.before = probe_.memory();
    }
    context_.latency = &report_.latency;
    isCounting_ = true;
    started_ = now();
  }

  // `jobs` is what the phase is divided by: jobs really done, fewer than asked for when it was cut.
  void stopCounting(uint64_t jobs) {
    Meters stopped = now();
    settle();
    // The server may have had work left after the last answer; its clock is exact once it sleeps.
    stopped.serverCpuNs = probe_.cpuNs();
    stopped.serverWaitNs = probe_.waitNs();
    report_.spent.add(stopped, started_);
    report_.after = probe_.memory();
    report_.jobs += jobs;
    context_.latency = nullptr;
    isCounting_ = false;
    context_.isCut = false;
  }

  // Counts the jobs in lots: `prepare` is not measured, `play` is and answers how many it did.
  template <typename Prepare, typename Play>
  void countInLots(Prepare prepare, Play play) {
    const uint64_t lotMax = options_.lot == 0 ? options_.jobs : options_.lot;
    for (uint64_t left = options_.jobs; left > 0 && !report_.wasCut;) {
      const uint64_t lot = std::min(left, lotMax);
      prepare(lot);
      startCounting();
      stopCounting(play(lot));
      left -= lot;
    }
  }

  // After a phase that leaves jobs queued: takes them all, so that each one is seen exactly once.
  void takeQueued() {
    if (!options_.isVerifying) return;
    if (workers_.empty()) openWorkers(true);
    drain();
  }

  void finish(uint64_t executedExpected) {
    for (auto &client : clients_) fence(*client);
    if (context_.executed != executedExpected) {
      fail("workers ran " + std::to_string(context_.executed) + " jobs, clients submitted " +
           std::to_string(executedExpected));
    }
  }

  void print() {
    if (report_.jobs == 0) fail("no job was done before the time limit");
    report_.scenario = options_.scenario;
    report_.isServerKnown = probe_.isKnown();
    report_.end = probe_.memory();
    report_.executedInAll = context_.executed;
    report_.print();
  }

 private:
  Meters now() const {
    Meters meters;
    meters.executed = context_.executed;
    meters.noops = context_.noops;
    meters.noJobs = context_.noJobs;
    meters.machineBusyNs = stats::machineBusyNs();
    meters.serverWaitNs = probe_.waitNs();
    meters.serverCpuNs = probe_.cpuNs();
    meters.ownCpuNs = stats::ownCpuNs();
    meters.atNs = stats::nowNs();
    return meters;
  }

  uint64_t lotCount() const {
    return options_.lot == 0 ? 1 : (options_.jobs + options_.lot - 1) / options_.lot;
  }

  void begin(uint64_t count, bool isBackground, const std::vector<std::string> &functions) {
    Batch batch;
    batch.first = batch.next = context_.batch.limit;
    batch.limit = batch.first + count;
    batch.isBackground = isBackground;
    batch.functions = &functions;
    context_.batch = batch;
    loop_.touchClock();
  }

  uint64_t submit(uint64_t count, bool isBackground, const std::vector<std::string> &functions) {
    begin(count, isBackground, functions);
    for (auto &client : clients_) client->pump();
    return waitForBatch("submit", isBackground ? &Batch::isCreated : &Batch::isCompleted);
  }

  uint64_t waitForBatch(const char *what, bool (Batch::*isDone)() const) {
    loop_.runUntil(what, [this, isDone] {
      checkLimit();
      return (context_.batch.*isDone)();
    });
    return context_.batch.limit - context_.batch.first;
  }

  void waitForRest() {
    loop_.runUntil("sleep", [this] { return context_.busyWorkers == 0; });
  }

  void fence(Speaker &speaker) {
    speaker.fence();
    loop_.runUntil("fence", [this] { return context_.fences == 0; });
  }

  void checkLimit() {
    if (!isCounting_ || options_.limitSeconds == 0 || context_.isCut) return;
    const uint64_t spentNs = report_.spent.atNs + loop_.readAtNs() - started_.atNs;
    if (spentNs < options_.limitSeconds * 1000000000ull) return;
    context_.isCut = report_.wasCut = true;
    context_.batch.limit = context_.batch.next;
  }

  // The server has answered the last job; its clock is exact once it has gone to sleep.
  void settle() const {
    for (int tries = 0; tries < 100; tries++) {
      usleep(5000);
      if (probe_.isAsleep()) return;
    }
  }

  static void pause() {
    std::puts("READY");
    std::fflush(stdout);
    int c;
    do c = std::getchar();
    while (c != '\n' && c != EOF);
  }

  std::string describe() const {
    const Batch &batch = context_.batch;
    const auto part = [](const char *name, uint64_t value) {
      return std::string(name) + std::to_string(value);
    };
    return part(" (sent ", batch.next - batch.first) + part(" of ", batch.limit - batch.first) +
           part(", created ", batch.created) + part(", completed ", batch.completed) +
           part("; executed in all ", context_.executed) +
           part(", workers at work ", context_.busyWorkers) +
           part(", fences open ", context_.fences) + ")";
  }

  const Options options_;
  Loop loop_;
  Context context_;
  stats::ServerProbe probe_;
  Address address_;
  std::vector<std::string> otherFunctions_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Echoer>> echoers_;
  std::vector<std::unique_ptr<Connector>> connectors_;
  Report report_;
  Meters started_;
  bool isCounting_ = false;
};
