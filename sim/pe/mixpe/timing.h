// Timing of the array of shift-and-add PEs without stepping, job by job, in closed form, equal to
// the cycle model: cycles and every action count (tests/pe/mixpe/timing_test.cpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include "pe/job.h"
#include "pe/mixpe/params.h"

namespace bitsmith::mixpe {

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
    const std::uint64_t first_tokens = token_count(params_, std::min(job.k, group_size(params_)));
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
      timing.last_y = pace.cycle_of_step(first_row + kRowSteps * (job.m - 1)) + 1;
    }
    state.step = last + 1;
    state.gap_ahead = group_spacing(params_, job.m) - 1;
    return timing;
  }

 private:
  // Steps from the last token of a job's first group to that of its last one.
  std::uint64_t later_groups(const Job& job) const {
    const std::uint32_t group = group_size(params_);
    if (job.k <= group) return 0;
    const std::uint64_t spacing = group_spacing(params_, job.m);
    const std::uint32_t rest = job.k - group;
    const std::uint64_t whole = rest / group;
    const std::uint32_t tail = rest % group;
    return whole * std::max(spacing, token_count(params_, group)) +
           (tail == 0 ? 0 : std::max(spacing, token_count(params_, tail)));
  }

  void count(const Job& job, JobTiming& timing) const {
    const std::uint64_t pes = std::uint64_t{params_.rows} * params_.cols;
    const std::uint64_t useful = std::uint64_t{job.m} * job.n;
    const std::uint64_t groups = group_count(params_, job.k);
    const std::uint64_t beats = beat_count(params_, job.k);
    timing.mac_pe_cycles = useful * timing.feed_steps;
    timing.pad_pe_cycles = (pes - useful) * timing.feed_steps;
    timing.actions[kJob] = 1;
    timing.actions[kABeat] = beats;
    timing.actions[kWBeat] = beats;
    timing.actions[kSBeat] = groups;
    timing.actions[kShiftAdd] = useful * timing.feed_steps;
    timing.actions[kRowSum] = has_zero_points(params_) ? params_.rows * beats : 0;
    timing.actions[kResult] = pes * groups;
    timing.actions[kDequantise] = std::uint64_t{params_.cols} * job.m * groups;
    timing.actions[kYBeat] = job.emit ? job.m : 0;
  }

  Params params_;
};

}  // namespace bitsmith::mixpe
