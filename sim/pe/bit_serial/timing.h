// Timing of the bit-serial array without stepping, job by job, equal to the cycle model: a closed
// form, or a sum over groups where zero terms are skipped; cycles and every action count
// (tests/pe/bit_serial/timing_test.cpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>

#include "pe/bit_serial/params.h"
#include "pe/grouped_timing.h"
#include "pe/job.h"

namespace bitsmith::bit_serial {

class Timing {
 public:
  using State = GroupedState;

  explicit Timing(const Params& params) : params_(params) {}

  // Groups of a job, of which each takes its steps.
  std::uint64_t groups(const Job& job) const { return group_count(params_, job.k); }

  // Advances `state` over one job. `steps`: those of its groups, where zero terms are skipped
  // (Design::weight_steps); none are skipped without them.
  JobTiming next(State& state, const Job& job, Pace pace,
                 std::span<const std::uint32_t> steps = {}) const {
    const std::uint64_t first_tokens =
        steps.empty() ? token_count(params_, std::min(job.k, params_.group)) : steps[0];
    const auto [first, last] =
        state.enter(first_tokens, later_groups(job, steps), group_spacing(params_, job));

    JobTiming timing;
    timing.start = pace.cycle_of_step(first);
    timing.operands_free = pace.cycle_of_step(last);
    timing.feed_steps = token_count(params_, job.k);
    if (!steps.empty()) {
      timing.feed_steps = std::accumulate(steps.begin(), steps.end(), std::uint64_t{0});
    }
    count(job, timing);
    if (job.emit) {
      // A row is at the port in the cycle after the step in which it leaves.
      timing.first_y = pace.cycle_of_step(last + kFirstRowSteps) + 1;
      timing.last_y =
          pace.cycle_of_step(last + kFirstRowSteps + result_beats(params_, job.m) - 1) + 1;
    }
    return timing;
  }

 private:
  // Steps from the last token of a job's first group to that of its last one.
  std::uint64_t later_groups(const Job& job, std::span<const std::uint32_t> steps) const {
    const std::uint64_t spacing = group_spacing(params_, job);
    if (steps.empty()) {
      return steps_of_later_groups(job.k, params_.group, spacing,
                                   [this](std::uint32_t k) { return token_count(params_, k); });
    }
    std::uint64_t sum = 0;
    for (const std::uint32_t taken : steps.subspan(1)) {
      sum += std::max<std::uint64_t>(spacing, taken);
    }
    return sum;
  }

  void count(const Job& job, JobTiming& timing) const {
    const std::uint64_t pes = std::uint64_t{params_.rows} * params_.cols;
    const std::uint64_t useful = std::uint64_t{job.m} * job.n;
    const std::uint64_t groups = group_count(params_, job.k);
    const std::uint64_t tokens = timing.feed_steps;
    timing.mac_pe_cycles = useful * tokens;
    timing.pad_pe_cycles = (pes - useful) * tokens;
    timing.actions[kJob] = 1;
    timing.actions[kABeat] = beat_count(params_, job.k);
    timing.actions[kWBeat] = beat_count(params_, job.k);
    timing.actions[kSBeat] = groups;
    timing.actions[kDot] = useful * tokens;
    timing.actions[kEncode] =
        std::uint64_t{params_.row_tiles} * params_.cols * params_.lanes * tokens;
    timing.actions[kDequantise] = pes * groups;
    const std::uint64_t beats = result_beats(params_, job.m);
    timing.actions[kResultShift] = pes * beats * groups;
    timing.actions[kColumnAdd] = std::uint64_t{params_.cols} * params_.row_tiles * beats * groups;
    timing.actions[kYBeat] = job.emit ? beats : 0;
  }

  Params params_;
};

}  // namespace bitsmith::bit_serial
