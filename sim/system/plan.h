// A program with the mapping of every GEMM: given by the user or the best of all candidates.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mapping/blocks.h"
#include "system/accelerator.h"
#include "system/program.h"

namespace bitsmith {

struct PlannedOperator {
  ProgramOperator program;
  std::optional<Mapping> mapping;   // of a GEMM
  std::uint64_t mappings_seen = 0;  // candidates that fit the buffers
};

// Candidates: block sizes of the array's tile times a power of two, and the GEMM's own sizes; whole
// K, or, for one tile of the array, K divided by a power of two; both loop orders. The best of
// these has the fewest cycles, then the fewest DRAM accesses, then comes first. Shapes that occur
// again are not searched again.
//
// Throws UserError, naming operator, buffer and the capacity that would do, when nothing fits.
std::vector<PlannedOperator> make_plan(const Accelerator& accelerator, const Workload& workload);

// Without mappings: what engine `roofline` needs. Throws UserError as check_counters.
std::vector<PlannedOperator> make_plan_without_mappings(const Accelerator& accelerator,
                                                        const Workload& workload);

}  // namespace bitsmith
