// Engine `tile`: the exact recurrence over jobs and blocks instead of clock edges.
#pragma once

#include "mapping/operand_source.h"
#include "mapping/schedule.h"
#include "pe/design.h"
#include "system/plan.h"
#include "system/run_result.h"
#include "system/timeline.h"

namespace bitsmith {

// ---- memory: none

// One pass over the schedule on an array that starts empty: from the cycle in which the first beats
// are at the ports to the cycle in which the last result is taken, both included. Equal to stepping
// the cycle model through the same jobs (tests/system/tile_engine_test.cpp). Its time does not grow
// with the repetitions of the schedule.
RunCounts run_schedule(const Design& design, const Schedule& schedule, Pace pace = {});

// All GEMMs of a workload; one starts when the results of the one before it have left. The other
// operators take no time here: without a memory system there is no vector unit. A design whose
// steps depend on the weights needs `operands`.
RunResult run_array(const Design& design, const Workload& workload,
                    const OperandSource* operands = nullptr);

// ---- a memory system (sim/system/README.md)

struct TileOptions {
  Timeline* timeline = nullptr;             // to fill in
  bool skip_repetitions = true;             // the answer is the same without, later
  const OperandSource* operands = nullptr;  // for designs whose steps depend on the weights
};

// Equal to engine `cycle` in every count (tests/system/systemc/twin_test.cpp).
RunResult run_tile(const Accelerator& accelerator, const std::vector<PlannedOperator>& plan,
                   const TileOptions& options = {});

// Once through one operator; `mapping` for a GEMM. `number` is that of the timeline's events.
// Without operands no weights shorten the steps: what a mapping is chosen by.
RunCounts run_operator(const Accelerator& accelerator, const ProgramOperator& program,
                       const std::optional<Mapping>& mapping, const TileOptions& options = {},
                       std::size_t number = 0);

}  // namespace bitsmith
