// Timing of the array of lookup-table units without stepping, job by job, in closed form, equal to
// the cycle model: cycles and every action count (tests/pe/lut_tensor_core/timing_test.cpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include "pe/job.h"
#include "pe/lut_tensor_core/params.h"

namespace bitsmith::lut_tensor_core {

class Timing {
 public:
  // The array between two jobs. Two states are alike when they differ in `step` only: what follows
  // is then the same, shifted in time.
  struct State {
    std::uint64_t step = 0;       // first step in which the next job's tokens may enter
    std::uint64_t gap_ahead = 0;  // steps from there until the last token of a group may

    bool alike(const State& other) const { return gap_ahead == other.gap_ahead; }

    // Nothing of the jobs that follow enters before step `earliest`. Beats and descriptors that are
    // at the ports from cycle R on can enter in cycle R + 1 at the earliest: that is step
    // ceil(R / pace.interval).
    void not_before(std::uint64_t earliest) {
      if (earliest <= step) return;
      gap_ahead -= std::min(gap_ahead, earliest - step);
      step = earliest;
    }
  };

  explicit Timing(const Params& params) : params_(params) {}

  // Advances `state` over one job.
  JobTiming next(State& state, const Job& job, Pace pace) const {
    const std::uint64_t first_tokens = token_count(params_, std::min(job.k, params_.group));
    const std::uint64_t first_last =
        state.step + std::max(first_tokens - 1, state.gap_ahead);  // last token of the first group
    const std::uint64_t last = first_last + later_groups(job);

    JobTiming timing;
    timing.start = pace.cycle_of_step(first_tokens == 1 ? first_last : state.step);
    timing.operands_free = pace.cycle_of_step(last);
    timing.feed_steps = token_count(params_, job.k);
    count(job, timing);
    if (job.emit) {
      // A row is at the port in the cycle after the step in which it leaves.
      const std::uint64_t first_row = last + first_row_steps(params_);
      timing.first_y = pace.cycle_of_step(first_row) + 1;
      timing.last_y = pace.cycle_of_step(first_row + job.m - 1) + 1;
    }
    state.step = last + 1;
    state.gap_ahead = group_spacing(params_, job) - 1;
    return timing;
  }

 private:
  // Steps from the last token of a job's first group to that of its last one.
  std::uint64_t later_groups(const Job& job) const {
    if (job.k <= params_.group) return 0;
    const std::uint64_t spacing = group_spacing(params_, job);
    const std::uint32_t rest = job.k - params_.group;
    const std::uint64_t whole = rest / params_.group;
    const std::uint32_t tail = rest % params_.group;
    return whole * std::max(spacing, token_count(params_, params_.group)) +
           (tail == 0 ? 0 : std::max(spacing, token_count(params_, tail)));
  }

  void count(const Job& job, JobTiming& timing) const {
    const std::uint64_t lanes = std::uint64_t{rows(params_)} * cols(params_);
    const std::uint64_t tables = std::uint64_t{rows(params_)} * params_.unit_cols;
    const std::uint64_t useful = std::uint64_t{job.m} * job.n;
    const std::uint64_t groups = group_count(params_, job.k);
    const std::uint64_t beats = beat_count(params_, job.k);
    const std::uint64_t tokens = timing.feed_steps;
    timing.mac_pe_cycles = useful * tokens;
    timing.pad_pe_cycles = (lanes - useful) * tokens;
    timing.actions[kJob] = 1;
    timing.actions[kABeat] = beats;
    timing.actions[kWBeat] = tokens;
    timing.actions[kSBeat] = groups;
    timing.actions[kYBeat] = job.emit ? job.m : 0;
    timing.actions[kTable] = tables * beats;
    timing.actions[kLane] = useful * tokens;
    timing.actions[kSumLane] = has_sum_lane(params_) ? tables * beats : 0;
    timing.actions[kResultShift] = lanes * job.m * groups;
    timing.actions[kDequantise] = std::uint64_t{cols(params_)} * job.m * groups;
  }

  Params params_;
};

}  // namespace bitsmith::lut_tensor_core
