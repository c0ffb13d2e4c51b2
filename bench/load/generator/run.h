// One run against one server: opens the peers, plays phases, counts some of them. Rule: only time
// between startCounting and stopCounting is measured; everything is checked.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "client.h"
#include "options.h"
#include "pour.h"
#include "probes.h"
#include "report.h"
#include "worker.h"

class Run {
 public:
  Run(const Options &options)
      : options_(options),
        context_(loop_, options.bytes),
        probe_(static_cast<pid_t>(options.serverPid)),
        address_(resolve(options.host, options.port)),
        pour_(context_, options.beside, options.functionPrefix + "-beside") {
    nameFunctions();
    otherFunctions_.push_back(options.functionPrefix + "-deep");
    context_.hasUniques = options.unique == "random";
    context_.keyCount = options.keys;
    context_.seed = stats::nowNs() | 1;
    context_.outstandingMax = options.outstanding;
    context_.isRefillingInBatches = options.refill == "batch";
    context_.grabType = options.grab == "all"    ? wire::GRAB_JOB_ALL
                        : options.grab == "uniq" ? wire::GRAB_JOB_UNIQ
                                                 : wire::GRAB_JOB;
    context_.isExecuted.resize(options.warm + options.jobs + lotCount() * options.depth + 1);
    if (options.isSpinning) loop_.sleepAtMost(0);
    loop_.describe = [this] { return describe(); };
  }

  const Options &options() const { return options_; }

  // The server's accept queue is short (32 in C gearmand), so new connections come in small lots.
  void openClients() {
    for (uint64_t i = 0; i < options_.clients; i++) {
      clients_.push_back(std::make_unique<Client>(context_, address_));
      if (!options_.clientHome.empty()) clients_.back()->settleAt(options_.clientHome);
      if (i % 16 == 15 || i + 1 == options_.clients) barrier(*clients_.back());
    }
  }

  void openEchoers() {
    for (uint64_t i = 0; i < options_.clients; i++) {
      echoers_.push_back(std::make_unique<Echoer>(context_, address_));
      if (i % 16 == 15 || i + 1 == options_.clients) barrier(*echoers_.back());
    }
  }

  void openConnectors() {
    for (uint64_t i = 0; i < options_.clients; i++) {
      connectors_.push_back(std::make_unique<Connector>(context_, address_));
    }
  }

  // Opens and closes nothing else than idle peers: their number is what is counted.
  uint64_t openIdle(uint64_t count, bool isWorker) {
    for (uint64_t i = 0; i < count; i++) {
      Speaker *peer;
      if (isWorker) {
        workers_.push_back(std::make_unique<Worker>(context_, address_, false));
        workers_.back()->start();
        peer = workers_.back().get();
      } else {
        echoers_.push_back(std::make_unique<Echoer>(context_, address_));
        peer = echoers_.back().get();
      }
      if (i % 16 == 15 || i + 1 == count) barrier(*peer);
    }
    waitForRest();
    return count;
  }

  // Parked workers only work during drain(); others sleep and are woken as the protocol says.
  void openWorkers(bool isParking) {
    const uint64_t count = options_.workers + options_.idleWorkers;
    for (uint64_t i = 0; i < count; i++) {
      workers_.push_back(std::make_unique<Worker>(context_, address_, isParking));
      if (i % 16 == 15 || i + 1 == count) barrier(*workers_.back());
    }
    if (isParking) return;
    for (auto &worker : workers_) worker->start();
    waitForRest();
  }

  // Background submits beside the phases that follow; none unless the options say so.
  void openPour() {
    if (options_.beside == 0) return;
    pour_.open(address_, options_.clients);
    loop_.sleepAtMost(1);
    loop_.onTurn = [this] {
      if (phaseStartedNs_ != 0) pour_.turn();
    };
  }

  // From here on the server's memory is more than that of its connections.
  void noteFresh() {
    settle();
    report_.fresh = probe_.memory();
  }

  // Plays the jobs that are not counted; they are cut as the counted ones are.
  template <typename Play>
  uint64_t warmUp(Play play) {
    noteFresh();
    if (options_.warm == 0) return 0;
    loop_.touchClock();
    pour_.begin();
    phaseStartedNs_ = loop_.readAtNs();
    const uint64_t done = play(options_.warm);
    phaseStartedNs_ = 0;
    context_.isCut = false;
    return done;
  }

  // Memory is given back over some turns or a while after the last job: waits until it stays.
  void waitForMemory() {
    long last = -1;
    for (int tries = 0; tries < 50; tries++) {
      usleep(200000);
      const long now = probe_.memory().rssKiB;
      if (now == last) return;
      last = now;
    }
  }

  void timeGrabs() { context_.isTimingGrabs = true; }

  // What workers will see of that many submits: with keys, jobs coalesce.
  uint64_t distinct(uint64_t count) const {
    return options_.keys == 0 ? count : std::min(count, options_.keys);
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
    startWorkers();
    waitForWorkers();
    return context_.executed - before;
  }

  // As many jobs come in at the tail as leave at the head: the queue is as deep after it as before.
  uint64_t passThrough(uint64_t count) {
    const uint64_t before = context_.executed;
    context_.executedLimit = before + count;
    startWorkers();
    submit(count, true, context_.functions);
    waitForWorkers();
    context_.executedLimit = UINT64_MAX;
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
      if (options_.isPausing) pause("READY");
      report_.before = probe_.memory();
    }
    context_.latency = &report_.latency;
    started_ = now();
    phaseStartedNs_ = started_.atNs;
    pour_.begin();
    if (report_.jobs == 0) {
      report_.startedNs = started_.atNs;
      report_.serverStartedNs = started_.serverCpuNs;
    }
  }

  // `jobs` is what the phase is divided by: jobs really done, fewer than asked for when it was cut.
  void stopCounting(uint64_t jobs) {
    Meters stopped = now();
    settle();
    // The server may have had work left after the last answer; its clock is exact once it sleeps.
    stopped.serverCpuNs = probe_.cpuNs();
    stopped.serverWaitNs = probe_.waitNs();
    report_.spent.add(stopped, started_);
    report_.endedNs = stopped.atNs;
    report_.serverEndedNs = stopped.serverCpuNs;
    report_.after = probe_.memory();
    report_.jobs += jobs;
    context_.latency = nullptr;
    phaseStartedNs_ = 0;
    if (context_.isCut) report_.wasCut = true;
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
    if (options_.isPausing) pause("DONE");
  }

  // After a phase that leaves jobs queued: takes them all, so that each one is seen exactly once.
  void takeQueued() {
    if (!options_.isVerifying) return;
    if (workers_.empty()) openWorkers(true);
    drain();
  }

  void finish(uint64_t executedExpected) {
    loop_.runUntil("beside", [this] { return pour_.isAnswered(); });
    for (auto &client : clients_) barrier(*client);
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
    meters.beside = pour_.created();
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

  void nameFunctions() {
    const std::string &names = options_.functionNames;
    for (size_t at = 0; at < names.size();) {
      const size_t end = std::min(names.find(',', at), names.size());
      context_.functions.push_back(names.substr(at, end - at));
      at = end + 1;
    }
    for (uint64_t i = 0; names.empty() && i < options_.functions; i++) {
      context_.functions.push_back(options_.functionPrefix + std::to_string(i));
    }
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

  void startWorkers() {
    loop_.touchClock();
    for (auto &worker : workers_) worker->start();
  }

  void waitForWorkers() {
    loop_.runUntil("work", [this] {
      checkLimit();
      return context_.busyWorkers == 0;
    });
  }

  void waitForRest() {
    loop_.runUntil("sleep", [this] { return context_.busyWorkers == 0; });
  }

  void barrier(Speaker &speaker) {
    speaker.barrier();
    loop_.runUntil("barrier", [this] { return context_.barriers == 0; });
  }

  void checkLimit() {
    if (phaseStartedNs_ == 0 || options_.limitSeconds == 0 || context_.isCut) return;
    const uint64_t readAtNs = std::max(loop_.readAtNs(), phaseStartedNs_);
    const uint64_t spentNs = report_.spent.atNs + readAtNs - phaseStartedNs_;
    if (spentNs < options_.limitSeconds * 1000000000ull) return;
    context_.isCut = true;
    context_.batch.limit = context_.batch.next;
  }

  // The server has answered the last job; its clock is exact once it has gone to sleep.
  void settle() const {
    for (int tries = 0; tries < 100; tries++) {
      usleep(5000);
      if (probe_.isAsleep()) return;
    }
  }

  static void pause(const char *word) {
    std::puts(word);
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
           part(", barriers open ", context_.barriers) + ")";
  }

  const Options options_;
  Loop loop_;
  Context context_;
  stats::ServerProbe probe_;
  Address address_;
  Pour pour_;
  std::vector<std::string> otherFunctions_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Echoer>> echoers_;
  std::vector<std::unique_ptr<Connector>> connectors_;
  Report report_;
  Meters started_;
  // 0: no phase that the time limit concerns is under way.
  uint64_t phaseStartedNs_ = 0;
};
