// Closed-form timing of the systolic array, job by job, equal to the cycle model: cycles and every
// action count (tests/pe/systolic/timing_test.cpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include "pe/job.h"
#include "pe/systolic/params.h"

namespace bitsmith::systolic {

class Timing {
 public:
  // The array between two jobs. Two states are alike when they differ in `step` only: what follows
  // is then the same, shifted in time.
  struct State {
    std::uint64_t step = 0;         // first step in which the next job's tokens may enter
    std::uint64_t drain_ahead = 0;  // steps from there until the drain before it is over

    bool alike(const State& other) const { return drain_ahead == other.drain_ahead; }
  };

  explicit Timing(const Params& params) : params_(params) {}

  // Advances `state` over one job.
  JobTiming next(State& state, const Job& job, Pace pace) const {
    const std::uint64_t first = state.step + wait(state, job);
    const std::uint64_t last = first + job.k - 1;
    const std::uint64_t drain_over = state.step + state.drain_ahead;

    JobTiming timing;
    timing.start = pace.cycle_of_step(first);
    timing.operands_free = pace.cycle_of_step(last);
    timing.feed_steps = job.k;
    count(job, timing);

    state.step = last + 1;
    state.drain_ahead = drain_over > state.step ? drain_over - state.step : 0;
    if (job.emit) {
      const std::uint32_t steps = drain_steps(params_, job);
      // A row leaves the PEs in one step and is at the port in the cycle after it.
      timing.first_y = pace.cycle_of_step(last + steps - job.m + 1) + 1;
      timing.last_y = pace.cycle_of_step(last + steps) + 1;
      state.drain_ahead = steps;
    }
    return timing;
  }

 private:
  // Serial: nothing enters before the drain is over. Overlapped: the last token of an emitting job
  // enters in the drain's last step at the earliest.
  std::uint64_t wait(const State& state, const Job& job) const {
    if (params_.drain == Drain::serial) return state.drain_ahead;
    if (!job.emit) return 0;
    return state.drain_ahead > job.k ? state.drain_ahead - job.k : 0;
  }

  void count(const Job& job, JobTiming& timing) const {
    const std::uint64_t pes = std::uint64_t{params_.rows} * params_.cols;
    const std::uint64_t useful = std::uint64_t{job.m} * job.n;
    timing.mac_pe_cycles = useful * job.k;
    timing.pad_pe_cycles = (pes - useful) * job.k;
    timing.actions[kJob] = 1;
    timing.actions[kABeat] = job.k;
    timing.actions[kWBeat] = job.k;
    timing.actions[kMac] = useful * job.k;
    if (!job.emit) return;
    timing.actions[kDrainCopy] = params_.drain == Drain::overlapped ? pes : 0;
    timing.actions[kDrainShift] = pes * job.m;
    timing.actions[kYBeat] = job.m;
  }

  Params params_;
};

}  // namespace bitsmith::systolic
