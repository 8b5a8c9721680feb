// Closed-form timing, job by job, equal to the cycle model: cycles, PE-cycle classes and every
// action count (tests/pe/design_id/timing_test.cpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include "pe/design_id/params.h"
#include "pe/job.h"

namespace bitsmith::design_id {

class Timing {
 public:
  // The array between two jobs. Two states are alike when they differ in `step` only: what follows
  // is then the same, shifted in time.
  //
  // REPLACE: add what a job leaves behind for the next one, such as a drain that is not over.
  struct State {
    std::uint64_t step = 0;  // first step in which the next job's tokens may enter

    bool alike(const State&) const { return true; }

    // Nothing of the jobs that follow enters before step `earliest`. Beats and descriptors that are
    // at the ports from cycle R on can enter in cycle R + 1 at the earliest: that is step
    // ceil(R / pace.interval).
    void not_before(std::uint64_t earliest) { step = std::max(step, earliest); }
  };

  explicit Timing(const Params& params) : params_(params) {}

  // Advances `state` over one job.
  JobTiming next(State& state, const Job& job, Pace pace) const {
    const std::uint64_t beats = operand_beats(params_, job);
    const std::uint64_t first = state.step;
    const std::uint64_t last = first + beats - 1;
    state.step = last + 1;

    JobTiming timing;
    timing.start = pace.cycle_of_step(first);
    timing.operands_free = pace.cycle_of_step(last);
    timing.feed_steps = beats;
    timing.mac_pe_cycles = beats;
    timing.actions[kJob] = 1;
    timing.actions[kABeat] = beats;
    timing.actions[kWBeat] = beats;
    timing.actions[kMac] = job.k;
    if (job.emit) {
      // A sum leaves the PE in one step and is at the port in the cycle after it.
      timing.first_y = timing.last_y = pace.cycle_of_step(last + kDrainSteps) + 1;
      timing.actions[kYBeat] = 1;
    }
    return timing;
  }

 private:
  Params params_;
};

}  // namespace bitsmith::design_id
