// A timeline as Chrome trace JSON, for Perfetto and chrome://tracing: the accelerator is a process;
// operators, DMA, DRAM, array and vector unit are its threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "system/plan.h"
#include "system/run_result.h"
#include "system/timeline.h"

namespace bitsmith {

struct TimelineReportInput {
  std::string accelerator;
  std::string workload;
  const Timeline& timeline;
  const std::vector<PlannedOperator>& plan;
  const RunResult& result;  // its operators are those of the plan
  std::uint64_t period_ps;  // of the clock
};

// One occurrence of every operator, one after the other. Times are microseconds with six decimals,
// so no picosecond is lost. Throws UserError when the file cannot be written.
void write_timeline(const std::filesystem::path& path, const TimelineReportInput& input);

}  // namespace bitsmith
