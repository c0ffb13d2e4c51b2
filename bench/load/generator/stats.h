// Measurements of a phase: latency histogram, CPU clocks and memory of a process. Rule: reading
// costs nothing while jobs run, except one histogram increment a job.
#pragma once

#include <dirent.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace stats {

inline uint64_t clockNs(clockid_t clock) {
  timespec now{};
  if (clock_gettime(clock, &now) != 0) return 0;
  return static_cast<uint64_t>(now.tv_sec) * 1000000000ull + static_cast<uint64_t>(now.tv_nsec);
}

inline uint64_t nowNs() { return clockNs(CLOCK_MONOTONIC); }
inline uint64_t ownCpuNs() { return clockNs(CLOCK_PROCESS_CPUTIME_ID); }

// Log-linear: 64 buckets an octave, so a percentile is off by at most 1.6%.
class Histogram {
 public:
  Histogram() : counts_(64 * 58) {}

  void add(uint64_t ns) {
    counts_[bucketOf(ns)]++;
    total_++;
    if (ns > max_) max_ = ns;
  }

  uint64_t total() const { return total_; }
  double maxUs() const { return static_cast<double>(max_) / 1000; }

  // Upper edge of the bucket in which the given part of all values is reached, microseconds.
  double percentileUs(double part) const {
    const double wanted = part * static_cast<double>(total_);
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); i++) {
      seen += counts_[i];
      if (counts_[i] != 0 && static_cast<double>(seen) >= wanted) {
        const uint64_t edge = upperEdge(i);
        return static_cast<double>(edge < max_ ? edge : max_) / 1000;
      }
    }
    return maxUs();
  }

 private:
  static size_t bucketOf(uint64_t ns) {
    if (ns < 64) return static_cast<size_t>(ns);
    const unsigned shift = 63 - static_cast<unsigned>(__builtin_clzll(ns)) - 6;
    const size_t bucket = 64 * (shift + 1) + static_cast<size_t>((ns >> shift) - 64);
    return bucket < 64 * 58 ? bucket : 64 * 58 - 1;
  }

  static uint64_t upperEdge(size_t bucket) {
    if (bucket < 64) return bucket + 1;
    const size_t shift = bucket / 64 - 1;
    return (bucket % 64 + 65) << shift;
  }

  std::vector<uint64_t> counts_;
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

// CPU time that all processes of the machine have spent, also what a host took away (steal).
// Counted in ticks of 10 ms a core, so only good for phases of a fifth of a second and more.
inline uint64_t machineBusyNs() {
  FILE *file = std::fopen("/proc/stat", "r");
  if (file == nullptr) return 0;
  // user, nice, system, idle, iowait, irq, softirq, steal
  unsigned long long ticks[8] = {};
  const int count = std::fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[0],
                                &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6],
                                &ticks[7]);
  std::fclose(file);
  if (count != 8) return 0;
  const uint64_t busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7];
  return busy * (1000000000ull / static_cast<uint64_t>(sysconf(_SC_CLK_TCK)));
}

struct Memory {
  long rssKiB = 0;
  long peakKiB = 0;
};

// One server process, seen from outside through its CPU clock and /proc. pid 0: nothing is known.
class ServerProbe {
 public:
  explicit ServerProbe(pid_t pid) : pid_(pid) {
    if (pid_ != 0 && clock_getcpuclockid(pid_, &clock_) != 0) pid_ = 0;
  }

  bool isKnown() const { return pid_ != 0; }

  // False while any thread runs or waits for its core. Unknown processes count as asleep.
  bool isAsleep() const {
    bool isAsleep = true;
    eachTask("stat", [&isAsleep](FILE *file) {
      char state = 'S';
      if (std::fscanf(file, "%*d (%*[^)]) %c", &state) == 1 && state == 'R') isAsleep = false;
    });
    return isAsleep;
  }

  // User and system time of all threads, also ended ones, in nanoseconds.
  uint64_t cpuNs() const { return pid_ == 0 ? 0 : clockNs(clock_); }

  // Time its threads were runnable while something else had their core: the run was disturbed.
  // Threads of the server itself that wait for each other on one core count too.
  uint64_t waitNs() const {
    uint64_t sum = 0;
    eachTask("schedstat", [&sum](FILE *file) {
      unsigned long long run = 0;
      unsigned long long wait = 0;
      if (std::fscanf(file, "%llu %llu", &run, &wait) == 2) sum += wait;
    });
    return sum;
  }

  Memory memory() const {
    Memory memory;
    if (pid_ == 0) return memory;
    FILE *file = std::fopen((folder() + "/status").c_str(), "r");
    if (file == nullptr) return memory;
    char line[256];
    while (std::fgets(line, sizeof line, file) != nullptr) {
      std::sscanf(line, "VmRSS: %ld", &memory.rssKiB);
      std::sscanf(line, "VmHWM: %ld", &memory.peakKiB);
    }
    std::fclose(file);
    return memory;
  }

 private:
  std::string folder() const { return "/proc/" + std::to_string(pid_); }

  template <typename Read>
  void eachTask(const char *name, Read read) const {
    if (pid_ == 0) return;
    const std::string tasks = folder() + "/task";
    DIR *directory = opendir(tasks.c_str());
    if (directory == nullptr) return;
    while (const dirent *entry = readdir(directory)) {
      if (entry->d_name[0] == '.') continue;
      FILE *file = std::fopen((tasks + "/" + entry->d_name + "/" + name).c_str(), "r");
      if (file == nullptr) continue;
      read(file);
      std::fclose(file);
    }
    closedir(directory);
  }

  pid_t pid_;
  clockid_t clock_ = 0;
};

}  // namespace stats
