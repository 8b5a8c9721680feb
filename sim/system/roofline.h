// Engine `roofline`: what no schedule can beat. An operator takes as long as its MACs at the peak
// of the array or its traffic at the bandwidth of the DRAM, whichever is longer; every operand is
// loaded once and every result stored once. No tiles, no fill, no drain, no latency, no port.
#pragma once

#include <vector>

#include "system/accelerator.h"
#include "system/plan.h"
#include "system/run_result.h"

namespace bitsmith {

// Counts are cycles, MACs, DRAM accesses and conversions of weights, at the converter's pace; jobs,
// actions and all other counts of the system are unknown and 0. A GEMM's array_cycles are those of
// its MACs, a vector operator's passes are `vector`; what the DRAM takes beyond is blamed on the
// tensor with the most bytes (weights and KV cache, then activations, then results). Passes that
// are fused into a GEMM take no time of their own. PE-cycles without a MAC are `idle`.
//
// Throws UserError for an accelerator without a memory, or when counts do not fit 63 bits.
RunResult run_roofline(const Accelerator& accelerator, const std::vector<PlannedOperator>& plan);

// What is busy for longer: the array, padded tokens included, or the DRAM.
enum class RooflineBound { compute, memory };

// Where a run put a GEMM below the roof. A MAC is two operations.
struct RooflinePoint {
  double operations_per_byte = 0;  // that DRAM accesses moved, whole accesses
  double attainable_ops_per_cycle = 0;
  double achieved_ops_per_cycle = 0;
  RooflineBound bound = RooflineBound::compute;
};

// Of a GEMM in a memory system, from what any engine counted.
RooflinePoint roofline_point(const Accelerator& accelerator, const RunCounts& counts);

// Bytes that the DRAM transfers in a clock cycle, at most.
double dram_bytes_per_cycle(const MemoryTimes& times);

}  // namespace bitsmith
