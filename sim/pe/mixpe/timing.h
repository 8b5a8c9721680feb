// Timing of the array of shift-and-add PEs without stepping, job by job, in closed form, equal to
// the cycle model: cycles and every action count (tests/pe/mixpe/timing_test.cpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include "pe/grouped_timing.h"
#include "pe/job.h"
#include "pe/mixpe/params.h"

namespace bitsmith::mixpe {

class Timing {
 public:
  using State = GroupedState;

  explicit Timing(const Params& params) : params_(params) {}

  // Advances `state` over one job.
  JobTiming next(State& state, const Job& job, Pace pace) const {
    const std::uint64_t first_tokens = token_count(params_, std::min(job.k, group_size(params_)));
    const auto [first, last] =
        state.enter(first_tokens, later_groups(job), group_spacing(params_, job.m));

    JobTiming timing;
    timing.start = pace.cycle_of_step(first);
    timing.operands_free = pace.cycle_of_step(last);
    timing.feed_steps = token_count(params_, job.k);
    count(job, timing);
    if (job.emit) {
      // A row is at the port in the cycle after the step in which it leaves.
      const std::uint64_t first_row = last + first_row_steps(params_);
      timing.first_y = pace.cycle_of_step(first_row) + 1;
      timing.last_y = pace.cycle_of_step(first_row + params_.row_interval * (job.m - 1)) + 1;
    }
    return timing;
  }

 private:
  std::uint64_t later_groups(const Job& job) const {
    return steps_of_later_groups(job.k, group_size(params_), group_spacing(params_, job.m),
                                 [this](std::uint32_t k) { return token_count(params_, k); });
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
