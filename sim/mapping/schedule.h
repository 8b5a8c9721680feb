// From a GEMM to the jobs of an array.
#pragma once

#include <cstdint>
#include <vector>

#include "pe/job.h"
#include "workload/operator.h"

namespace bitsmith {

// Jobs in order, as nested repetitions: a leaf is a job, a block its children in order, and both
// happen `repeat` times. Its size does not grow with the GEMM.
struct Schedule {
  std::uint64_t repeat = 1;
  Job job;                         // a leaf's
  std::vector<Schedule> children;  // empty in a leaf

  bool is_leaf() const { return children.empty(); }
};

std::uint64_t job_count(const Schedule& schedule);

// The jobs of one GEMM, or of a piece of it: tiles of the largest size the array takes, rows of Y
// outermost, then columns, K innermost as accumulating jobs. `accumulate`: they continue sums that
// are in the array; without `emit` the sums stay there. Both need a GEMM of one tile.
Schedule schedule_tiles(const GemmShape& gemm, const TileLimits& limits, bool accumulate,
                        bool emit);

// One operator on one array: tiles of the largest size the array takes, rows of Y outermost, then
// columns, K innermost as accumulating jobs. Throws UserError as check_counters.
Schedule schedule_operator(const Operator& op, const TileLimits& limits);

// A generous upper bound of an operator's PE-cycles over all its occurrences. Sums of it that stay
// below kMostPeCycles fit every counter.
double pe_cycle_bound(const Operator& op, const TileLimits& limits);
inline constexpr double kMostPeCycles = 0x1p62;

// Throws UserError, naming the operator, when K exceeds what the accumulator holds exactly or when
// the counts of one operator, or of all up to it, would not fit 63 bits.
void check_counters(const Workload& workload, const TileLimits& limits);

}  // namespace bitsmith
