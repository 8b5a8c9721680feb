// Timing of the array of lookup-table units without stepping, job by job, in closed form, equal to
// the cycle model: cycles and every action count (tests/pe/lut_tensor_core/timing_test.cpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include "pe/grouped_timing.h"
#include "pe/job.h"
#include "pe/lut_tensor_core/params.h"

namespace bitsmith::lut_tensor_core {

class Timing {
 public:
  using State = GroupedState;

  explicit Timing(const Params& params) : params_(params) {}

  // Advances `state` over one job.
  JobTiming next(State& state, const Job& job, Pace pace) const {
    const std::uint64_t first_tokens = token_count(params_, std::min(job.k, params_.group));
    const auto [first, last] =
        state.enter(first_tokens, later_groups(job), group_spacing(params_, job));

    JobTiming timing;
    timing.start = pace.cycle_of_step(first);
    timing.operands_free = pace.cycle_of_step(last);
    timing.feed_steps = token_count(params_, job.k);
    count(job, timing);
    if (job.emit) {
      // A row is at the port in the cycle after the step in which it leaves.
      const std::uint64_t first_row = last + first_row_steps(params_);
      timing.first_y = pace.cycle_of_step(first_row) + 1;
      timing.last_y = pace.cycle_of_step(first_row + job.m - 1) + 1;
    }
    return timing;
  }

 private:
  std::uint64_t later_groups(const Job& job) const {
    return steps_of_later_groups(job.k, params_.group, group_spacing(params_, job),
                                 [this](std::uint32_t k) { return token_count(params_, k); });
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
