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
    std::uint64_t step = 0;  // first step in which the next job's tokens may enter
    // Steps from there until ...
    std::uint64_t drain_ahead = 0;  // ... the results before it have left
    std::uint64_t wait_ahead = 0;   // os: ... partial sums are added; ws, is: open sums can be read
    std::uint64_t preload_lead =
        0;  // steps before it in which stationary operands may have entered

    bool alike(const State& other) const {
      return drain_ahead == other.drain_ahead && wait_ahead == other.wait_ahead &&
             preload_lead == other.preload_lead;
    }

    // Nothing of the jobs that follow, neither a stationary beat nor a token, enters before step
    // `earliest`. Beats and descriptors that are at the ports from cycle R on can enter in cycle R
    // + 1 at the earliest: that is step ceil(R / pace.interval).
    void not_before(std::uint64_t earliest) {
      if (earliest <= step) {
        preload_lead = std::min(preload_lead, step - earliest);
        return;
      }
      const std::uint64_t idle = earliest - step;
      step = earliest;
      drain_ahead -= std::min(drain_ahead, idle);
      wait_ahead -= std::min(wait_ahead, idle);
      preload_lead = 0;
    }
  };

  explicit Timing(const Params& params) : params_(params) {}

  // Advances `state` over one job.
  JobTiming next(State& state, const Job& job, Pace pace) const {
    return is_output_stationary(params_) ? next_os(state, job, pace) : next_ws(state, job, pace);
  }

 private:
  // ---- output stationary: a token is one k

  JobTiming next_os(State& state, const Job& job, Pace pace) const {
    const std::uint64_t first = state.step + os_wait(state, job);
    const std::uint64_t last = first + job.k - 1;
    const std::uint64_t drain_over = state.step + state.drain_ahead;

    JobTiming timing;
    timing.start = pace.cycle_of_step(first);
    timing.operands_free = pace.cycle_of_step(last);
    timing.feed_steps = job.k;
    count_os(job, timing);

    state.step = last + 1;
    state.drain_ahead = drain_over > state.step ? drain_over - state.step : 0;
    state.wait_ahead = 0;
    if (job.emit) {
      const std::uint32_t steps = os_drain_steps(params_, job);
      // A row leaves the PEs in one step and is at the port in the cycle after it.
      timing.first_y = pace.cycle_of_step(last + steps - job.m + 1) + 1;
      timing.last_y = pace.cycle_of_step(last + steps) + 1;
      state.drain_ahead = steps;
      state.wait_ahead = os_adding_steps(params_);
    }
    return timing;
  }

  // Serial: nothing enters before the drain is over. Overlapped: the last token of an emitting job
  // enters in the drain's last step at the earliest.
  std::uint64_t os_wait(const State& state, const Job& job) const {
    if (params_.drain == Drain::serial) return std::max(state.drain_ahead, state.wait_ahead);
    const std::uint64_t drain =
        job.emit && state.drain_ahead > job.k ? state.drain_ahead - job.k : 0;
    return std::max(drain, state.wait_ahead);
  }

  void count_os(const Job& job, JobTiming& timing) const {
    const std::uint64_t useful = std::uint64_t{job.m} * job.n;
    timing.mac_pe_cycles = useful * job.k;
    timing.pad_pe_cycles = (pes() - useful) * job.k;
    timing.actions[kJob] = 1;
    timing.actions[kABeat] = job.k;
    timing.actions[kWBeat] = job.k;
    timing.actions[kMac] = useful * job.k;
    if (!job.emit) return;
    timing.actions[kAddPartialSums] = partial_sums(params_) == 2 ? pes() : 0;
    timing.actions[kDrainCopy] = params_.drain == Drain::overlapped ? pes() : 0;
    timing.actions[kDrainShift] = pes() * job.m;
    timing.actions[kYBeat] = job.m;
  }

  // ---- weight, input stationary: a token is one result

  JobTiming next_ws(State& state, const Job& job, Pace pace) const {
    const std::uint32_t tokens = stream_shape(params_, job).tokens;
    const std::uint64_t first = ws_first_token(state, job);
    const std::uint64_t last = first + tokens - 1;
    const std::uint64_t steps = ws_drain_steps(params_);

    JobTiming timing;
    timing.start = pace.cycle_of_step(first);
    timing.operands_free = pace.cycle_of_step(last);
    timing.feed_steps = tokens;
    if (job.emit) {
      timing.first_y = pace.cycle_of_step(first + steps) + 1;
      timing.last_y = pace.cycle_of_step(last + steps) + 1;
    }
    count_ws(job, timing);

    const std::uint64_t reuse = ws_reuse_steps(params_);
    state.step = last + 1;
    state.drain_ahead = params_.drain == Drain::serial ? steps : 0;
    state.wait_ahead = reuse > tokens ? reuse - tokens : 0;
    // More than a whole column's beats ahead makes no difference.
    state.preload_lead =
        params_.preload == Preload::overlapped ? std::min(tokens, params_.rows) : 0;
    return timing;
  }

  // After its last stationary beat, the drain if that is serial, and the sums it continues.
  std::uint64_t ws_first_token(const State& state, const Job& job) const {
    const std::uint64_t preload_from = state.step - state.preload_lead +
                                       (params_.preload == Preload::serial ? state.drain_ahead : 0);
    return std::max({preload_from + job.k, state.step + state.drain_ahead,
                     state.step + (job.accumulate ? state.wait_ahead : 0)});
  }

  void count_ws(const Job& job, JobTiming& timing) const {
    const auto [tokens, lanes] = stream_shape(params_, job);
    const std::uint64_t useful = std::uint64_t{job.k} * lanes;
    const bool swapped = params_.dataflow == Dataflow::input_stationary;
    timing.mac_pe_cycles = useful * tokens;
    timing.pad_pe_cycles = (pes() - useful) * tokens;
    timing.actions[kJob] = 1;
    timing.actions[kABeat] = swapped ? job.k : tokens;
    timing.actions[kWBeat] = swapped ? tokens : job.k;
    timing.actions[kMac] = useful * tokens;
    const std::uint64_t words = std::uint64_t{tokens} * params_.cols;
    timing.actions[kAccRead] = job.accumulate ? words : 0;
    timing.actions[kAccWrite] = job.emit ? 0 : words;
    timing.actions[kYBeat] = job.emit ? tokens : 0;
  }

  std::uint64_t pes() const { return std::uint64_t{params_.rows} * params_.cols; }

  Params params_;
};

}  // namespace bitsmith::systolic
