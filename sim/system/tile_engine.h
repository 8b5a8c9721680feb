// Engine `tile`: the exact recurrence over jobs instead of clock edges. With `memory: none` that is
// the design's timing alone.
#pragma once

#include "mapping/schedule.h"
#include "pe/design.h"
#include "system/run_result.h"

namespace bitsmith {

// One pass over the schedule on an array that starts empty: from the cycle in which the first beats
// are at the ports to the cycle in which the last result is taken, both included. Equal to stepping
// the cycle model through the same jobs (tests/system/tile_engine_test.cpp). Its time does not grow
// with the repetitions of the schedule.
RunCounts run_schedule(const Design& design, const Schedule& schedule, Pace pace = {});

// All GEMMs of a workload; one starts when the results of the one before it have left. The other
// operators take no time here: without a memory system there is no vector unit.
RunResult run_tile(const Design& design, const Workload& workload);

}  // namespace bitsmith
