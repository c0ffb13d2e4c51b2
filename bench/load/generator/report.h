// The report of a run: the meters of its counted phases, printed as one line of JSON. Units are in
// the names; cpuNsPerJob is CPU time divided by the jobs that were counted.
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

#include "stats.h"

// Everything that grows while a phase runs.
struct Meters {
  uint64_t atNs = 0, ownCpuNs = 0, serverCpuNs = 0, serverWaitNs = 0, machineBusyNs = 0;
  uint64_t executed = 0, noops = 0, noJobs = 0, beside = 0;

  void add(const Meters &to, const Meters &from) {
    atNs += to.atNs - from.atNs;
    ownCpuNs += to.ownCpuNs - from.ownCpuNs;
    serverCpuNs += to.serverCpuNs - from.serverCpuNs;
    serverWaitNs += to.serverWaitNs - from.serverWaitNs;
    machineBusyNs += to.machineBusyNs - from.machineBusyNs;
    executed += to.executed - from.executed;
    noops += to.noops - from.noops;
    noJobs += to.noJobs - from.noJobs;
    beside += to.beside - from.beside;
  }
};

struct Report {
  std::string scenario;
  uint64_t jobs = 0;
  bool wasCut = false;
  Meters spent;
  bool isServerKnown = false;
  // Of the server: peers are open and no job has been yet; around the counted phase; after it and
  // after the queue has been emptied again.
  stats::Memory fresh, before, after, end;
  // Monotonic clock, from the start of the first counted lot to the end of the last one.
  uint64_t startedNs = 0, endedNs = 0;
  // The server's CPU clock at those times, so that generators that ran at once can be added up.
  uint64_t serverStartedNs = 0, serverEndedNs = 0;
  stats::Histogram latency;
  uint64_t executedInAll = 0;

  // Part of the time in which other processes kept a core busy: 0 = the machine was ours.
  double foreignBusy() const {
    const uint64_t ours = spent.serverCpuNs + spent.ownCpuNs;
    if (spent.machineBusyNs <= ours) return 0;
    return static_cast<double>(spent.machineBusyNs - ours) / static_cast<double>(spent.atNs);
  }

  void print() const {
    const auto seconds = [](uint64_t ns) { return static_cast<double>(ns) / 1e9; };
    const auto perJob = [this](uint64_t ns) {
      return static_cast<double>(ns) / static_cast<double>(jobs);
    };
    const double wall = seconds(spent.atNs);
    std::printf("{\"scenario\":\"%s\",\"jobs\":%" PRIu64 ",\"isCut\":%s,\"wallSeconds\":%.6f,",
                scenario.c_str(), jobs, wasCut ? "true" : "false", wall);
    std::printf("\"jobsPerSecond\":%.1f,\"startedNs\":%" PRIu64 ",\"endedNs\":%" PRIu64 ",",
                static_cast<double>(jobs) / wall, startedNs, endedNs);
    std::printf("\"load\":{\"cpuSeconds\":%.6f,\"cpuNsPerJob\":%.1f,\"busy\":%.4f},",
                seconds(spent.ownCpuNs), perJob(spent.ownCpuNs), seconds(spent.ownCpuNs) / wall);
    if (isServerKnown) {
      std::printf("\"server\":{\"cpuSeconds\":%.6f,\"cpuNsPerJob\":%.1f,\"busy\":%.4f,",
                  seconds(spent.serverCpuNs), perJob(spent.serverCpuNs),
                  seconds(spent.serverCpuNs) / wall);
      std::printf("\"waitSeconds\":%.6f,\"rssFreshKiB\":%ld,\"rssBeforeKiB\":%ld,",
                  seconds(spent.serverWaitNs), fresh.rssKiB, before.rssKiB);
      std::printf("\"rssAfterKiB\":%ld,", after.rssKiB);
      std::printf("\"foreignBusy\":%.4f,\"cpuStartedNs\":%" PRIu64 ",\"cpuEndedNs\":%" PRIu64 ",",
                  foreignBusy(), serverStartedNs, serverEndedNs);
      std::printf("\"rssPeakKiB\":%ld,\"rssEndKiB\":%ld},", end.peakKiB, end.rssKiB);
    }
    if (latency.total() > 0) {
      std::printf("\"latencyUs\":{\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},",
                  latency.percentileUs(0.5), latency.percentileUs(0.99),
                  latency.percentileUs(0.999), latency.maxUs());
    }
    std::printf("\"counts\":{\"answered\":%" PRIu64 ",\"executed\":%" PRIu64 ",", latency.total(),
                spent.executed);
    std::printf("\"noops\":%" PRIu64 ",\"noJobs\":%" PRIu64 ",\"beside\":%" PRIu64 ",", spent.noops,
                spent.noJobs, spent.beside);
    std::printf("\"executedInAll\":%" PRIu64 "}}\n", executedInAll);
  }
};
