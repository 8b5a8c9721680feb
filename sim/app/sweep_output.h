// What `bitsmith sweep` shows: progress, the rows of its index, the fastest points.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "app/sweep_points.h"
#include "sweep/execution.h"
#include "sweep/index.h"

namespace bitsmith::app {

// On standard error. One line that is written over on a terminal; elsewhere a line for every tenth
// of the points.
class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const ExecutionCounts& counts);

 private:
  using Clock = std::chrono::steady_clock;

  const bool is_terminal_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point shown_{};
  std::size_t shown_tenth_ = 0;
  bool has_line_ = false;
};

IndexInput index_input(const SweepPoints& points, const std::vector<std::string>& keys);

// A table of the fastest points of every workload.
std::string fastest_points_text(const SweepPoints& points, const std::vector<std::string>& keys,
                                const ResultStore& store);

}  // namespace bitsmith::app
