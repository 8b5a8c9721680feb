// What `bitsmith sweep` shows and writes: progress, the rows of its index, the fastest points.
#pragma once

#include <chrono>
#include <filesystem>
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

// Whether two paths are of one file; neither need exist.
bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b);
// Adds a mistake when an output is one of the files that a sweep keeps in its folder, or stands in
// for one by a link.
void require_apart_from(const std::filesystem::path& folder, const std::string& option,
                        const std::string& output, Diagnostics& diagnostics);

IndexInput index_input(const SweepPoints& points, const std::vector<std::string>& keys);

// A table of the fastest points of every workload.
std::string fastest_points_text(const SweepPoints& points, const std::vector<std::string>& keys,
                                const ResultStore& store);

}  // namespace bitsmith::app
