// The load generator: plays all clients and workers of one trial against one running server, checks
// every answer and prints one line of JSON. Rule: one thread, so that it can be pinned to one core;
// a scenario is a row of the table at the end. Exit code 1: something was wrong or stood still.

#include <sys/resource.h>

#include "options.h"
#include "run.h"

namespace {

void runSubmit(Run &run) {
  const Options &options = run.options();
  run.openClients();
  uint64_t submitted = run.distinct(run.warmUp([&](uint64_t n) { return run.submitBackground(n); }));
  run.takeQueued();
  submitted += run.submitBackground(options.depth);
  run.countInLots([&](uint64_t) { if (options.lot != 0) run.takeQueued(); },
                  [&](uint64_t count) {
                    const uint64_t done = run.submitBackground(count);
                    submitted += run.distinct(done);
                    return done;
                  });
  run.takeQueued();
  run.finish(options.isVerifying ? submitted : 0);
}

// Memory of a full queue, and what is left of it: a first small fill and drain, then the large one.
void runMemory(Run &run) {
  run.openClients();
  run.openWorkers(true);
  uint64_t submitted = run.warmUp([&](uint64_t n) { return run.submitBackground(n); });
  run.drain();
  run.waitForMemory();
  run.countInLots([](uint64_t) {},
                  [&](uint64_t count) {
                    const uint64_t done = run.submitBackground(count);
                    submitted += done;
                    return done;
                  });
  run.drain();
  run.waitForMemory();
  run.finish(submitted);
}

void runDrain(Run &run) {
  const Options &options = run.options();
  run.openClients();
  run.openWorkers(true);
  uint64_t submitted = run.warmUp([&](uint64_t n) { return run.submitBackground(n); });
  run.drain();
  run.timeGrabs();
  run.countInLots([&](uint64_t count) { submitted += run.submitBackground(options.depth + count); },
                  [&](uint64_t) { return run.drain(); });
  run.drain();
  run.finish(submitted);
}

// A queue that stays --depth jobs long: jobs come in at its tail and others leave at its head.
void runThrough(Run &run) {
  run.openClients();
  run.openWorkers(true);
  const auto pass = [&](uint64_t n) { return run.passThrough(n); };
  uint64_t executed = run.warmUp(pass);
  run.submitBackground(run.options().depth);
  run.countInLots([](uint64_t) {},
                  [&](uint64_t count) {
                    const uint64_t done = pass(count);
                    executed += done;
                    return done;
                  });
  if (run.options().isVerifying) executed += run.drain();
  run.finish(executed);
}

// Foreground jobs from submit to result, or (mixed) background submits and workers at once.
void runLive(Run &run, uint64_t (Run::*play)(uint64_t)) {
  const Options &options = run.options();
  run.openClients();
  run.openWorkers(false);
  run.openPour();
  run.fillOther(options.depth);
  uint64_t submitted = run.warmUp([&](uint64_t n) { return (run.*play)(n); });
  run.countInLots([](uint64_t) {},
                  [&](uint64_t count) {
                    const uint64_t done = (run.*play)(count);
                    submitted += done;
                    return done;
                  });
  run.finish(submitted);
}

void runRoundTrips(Run &run) { runLive(run, &Run::roundTrips); }
void runMixed(Run &run) { runLive(run, &Run::submitAndWork); }

void runEcho(Run &run) {
  run.openEchoers();
  run.warmUp([&](uint64_t n) { return run.echo(n); });
  run.countInLots([](uint64_t) {}, [&](uint64_t count) { return run.echo(count); });
}

void runConnect(Run &run) {
  run.openConnectors();
  run.warmUp([&](uint64_t n) { return run.connect(n); });
  run.countInLots([](uint64_t) {}, [&](uint64_t count) { return run.connect(count); });
}

void runIdle(Run &run, bool isWorker) {
  run.warmUp([&](uint64_t n) { return run.openIdle(n, isWorker); });
  run.countInLots([](uint64_t) {}, [&](uint64_t count) { return run.openIdle(count, isWorker); });
}

void runIdleConnections(Run &run) { runIdle(run, false); }
void runIdleWorkers(Run &run) { runIdle(run, true); }

struct Scenario {
  const char *name;
  uint64_t clients;
  uint64_t outstanding;
  void (*play)(Run &run);
};

const Scenario kScenarios[] = {
    {"submit", 8, 1000, runSubmit},  // background submits, pipelined
    {"deep", 8, 1000, runSubmit},    // the same onto a queue that is --depth jobs long
    {"through", 8, 1000, runThrough},  // submitted and done, through a queue --depth jobs long
    {"drain", 8, 1000, runDrain},    // workers empty a queue that was filled before
    {"rtt", 8, 1, runRoundTrips},    // foreground jobs, from submit to result
    {"idle", 1, 1, runRoundTrips},   // the same, one at a time, beside --idle-workers sleepers
    {"mixed", 8, 1000, runMixed},    // background submits and workers at once
    {"memory", 8, 1000, runMemory},  // a queue is filled and emptied
    {"echo", 8, 32, runEcho},
    {"connections", 1, 1, runIdleConnections},  // connections that say nothing; a job is one
    {"sleepers", 1, 1, runIdleWorkers},         // workers that sleep; a job is one
    {"connect", 8, 1, runConnect},
};

}  // namespace

int main(int argc, char **argv) {
  Options options = parseOptions(argc, argv);
  const Scenario *scenario = nullptr;
  std::string names;
  for (const Scenario &candidate : kScenarios) {
    if (options.scenario == candidate.name) scenario = &candidate;
    names += std::string(" ") + candidate.name;
  }
  if (scenario == nullptr) usage("--scenario: one of" + names);
  if (options.clients == 0) options.clients = scenario->clients;
  if (options.outstanding == 0) options.outstanding = scenario->outstanding;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Run run(options);
  scenario->play(run);
  run.print();
  return 0;
}
