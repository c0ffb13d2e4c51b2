// The command line of the load generator: one table of options, every value checked here. Rule:
// the bench script passes the options of a trial; the defaults are those of the scenario table.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "wire.h"

struct Options {
  std::string host = "127.0.0.1";
  std::string port = "4730";
  std::string scenario;
  std::string functionPrefix = "bench";
  std::string unique = "none";
  std::string grab = "all";
  std::string refill = "sliding";
  std::string functionNames;
  std::string clientHome;
  uint64_t jobs = 100000;
  uint64_t warm = 10000;
  uint64_t clients = 0;
  uint64_t outstanding = 0;
  uint64_t workers = 8;
  uint64_t idleWorkers = 0;
  uint64_t bytes = 64;
  uint64_t functions = 1;
  uint64_t keys = 0;
  uint64_t depth = 0;
  uint64_t lot = 0;
  uint64_t beside = 0;
  uint64_t limitSeconds = 0;
  uint64_t serverPid = 0;
  bool isVerifying = true;
  bool isPausing = false;
  bool isSpinning = false;
};

inline const char kUsage[] =
    "usage: load --scenario NAME [options]\n"
    "  --host H --port P       the server (127.0.0.1, 4730)\n"
    "  --jobs N --warm N       counted jobs; jobs of the same kind before them\n"
    "  --clients C             client connections\n"
    "  --outstanding K         jobs under way per client\n"
    "  --workers W             worker connections\n"
    "  --idle-workers N        more workers on the same functions, asleep most of the time\n"
    "  --bytes B               workload bytes; from 8 on each one is numbered and checked\n"
    "  --functions F --function-prefix S\n"
    "  --function-names A,B,C  these instead of prefix and number\n"
    "  --client-home NAME      a function that every client names first, as a worker of it\n"
    "  --unique none|random    empty, or 36 characters that differ for every job\n"
    "  --keys K                with --unique random: only K of them, so that jobs coalesce\n"
    "  --grab all|uniq|plain   GRAB_JOB_ALL as libgearman, GRAB_JOB_UNIQ, GRAB_JOB\n"
    "  --refill sliding|batch  a client sends a job for each one done, or K when all K are done\n"
    "  --depth N               background jobs queued beforehand (deep: on the same function)\n"
    "  --lot N                 count in lots of N jobs; the queue is empty between them\n"
    "  --beside R              R background submits a second on a function of their own meanwhile\n"
    "  --limit SECONDS         cut warm-up and counted phase after this time each\n"
    "  --server-pid PID        measure the CPU time and memory of this process\n"
    "  --no-verify             do not take and check the jobs that a submit phase leaves behind\n"
    "  --spin                  never sleep, so that the server does not pay for waking this core\n"
    "  --pause                 print READY before the counted phase and DONE after it, and wait\n"
    "                          for a line each time\n";

[[noreturn]] inline void usage(const std::string &message) {
  std::fprintf(stderr, "load: %s\n%s", message.c_str(), kUsage);
  std::exit(2);
}

inline uint64_t parseCount(const std::string &name, const char *text) {
  char *end = nullptr;
  const unsigned long long value = std::strtoull(text, &end, 10);
  if (end == text || *end != 0 || text[0] == '-') usage(name + ": not a count: " + text);
  return value;
}

inline Options parseOptions(int argc, char **argv) {
  Options options;
  struct Flag {
    const char *name;
    bool *to;
    bool value;
  } flags[] = {{"--no-verify", &options.isVerifying, false},
               {"--spin", &options.isSpinning, true},
               {"--pause", &options.isPausing, true}};
  struct Text {
    const char *name;
    std::string *to;
  } texts[] = {{"--host", &options.host},
               {"--port", &options.port},
               {"--scenario", &options.scenario},
               {"--function-prefix", &options.functionPrefix},
               {"--unique", &options.unique},
               {"--grab", &options.grab},
               {"--refill", &options.refill},
               {"--function-names", &options.functionNames},
               {"--client-home", &options.clientHome}};
  struct Count {
    const char *name;
    uint64_t *to;
    uint64_t min;
  } counts[] = {{"--jobs", &options.jobs, 1},
                {"--warm", &options.warm, 0},
                {"--clients", &options.clients, 1},
                {"--outstanding", &options.outstanding, 1},
                {"--workers", &options.workers, 1},
                {"--idle-workers", &options.idleWorkers, 0},
                {"--bytes", &options.bytes, 0},
                {"--functions", &options.functions, 1},
                {"--keys", &options.keys, 1},
                {"--depth", &options.depth, 0},
                {"--lot", &options.lot, 0},
                {"--beside", &options.beside, 0},
                {"--limit", &options.limitSeconds, 0},
                {"--server-pid", &options.serverPid, 1}};
  for (int i = 1; i < argc; i++) {
    const std::string name = argv[i];
    bool isKnown = false;
    for (const Flag &flag : flags) {
      if (name != flag.name) continue;
      *flag.to = flag.value;
      isKnown = true;
    }
    if (isKnown) continue;
    if (name == "--help") {
      std::fputs(kUsage, stdout);
      std::exit(0);
    }
    for (const Text &text : texts) isKnown = isKnown || name == text.name;
    for (const Count &count : counts) isKnown = isKnown || name == count.name;
    if (!isKnown) usage("unknown option " + name);
    if (i + 1 == argc) usage(name + ": a value is missing");
    const char *value = argv[++i];
    for (const Text &text : texts) {
      if (name == text.name) *text.to = value;
    }
    for (const Count &count : counts) {
      if (name != count.name) continue;
      *count.to = parseCount(name, value);
      if (*count.to < count.min) usage(name + ": must be at least " + std::to_string(count.min));
    }
  }
  if (options.unique != "none" && options.unique != "random") usage("--unique: none or random");
  if (options.grab != "all" && options.grab != "uniq" && options.grab != "plain") {
    usage("--grab: all, uniq or plain");
  }
  if (options.refill != "sliding" && options.refill != "batch") usage("--refill: sliding or batch");
  return options;
}
