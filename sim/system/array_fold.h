// A design's timing over schedules: the array alone, job by job, with operands that may come late.
#pragma once

#include <cstdint>
#include <span>

#include "mapping/schedule.h"
#include "pe/job.h"

namespace bitsmith {

// What has been folded so far. Feeds, jobs, PE-cycles with a token and actions add up; times are
// those of the last job folded.
struct ArraySums {
  std::uint64_t last_token = 0;  // of the last job: its last operands enter
  std::uint64_t last_y = 0;      // of the last job that emits
  std::uint64_t feed_steps = 0;
  std::uint64_t macs = 0;
  std::uint64_t jobs = 0;
  std::uint64_t mac_pe_cycles = 0;
  std::uint64_t pad_pe_cycles = 0;
  ActionCounts actions;

  // Adds all but the times.
  void add(const ArraySums& other, std::uint64_t times) {
    feed_steps += times * other.feed_steps;
    macs += times * other.macs;
    jobs += times * other.jobs;
    mac_pe_cycles += times * other.mac_pe_cycles;
    pad_pe_cycles += times * other.pad_pe_cycles;
    actions.add(other.actions, times);
  }
};

// Folds a design's timing over schedules. A repetition that leaves the array alike but later is not
// folded again: all that follow add the same.
template <class Timing>
class ArrayFold {
 public:
  ArrayFold(const Timing& timing, Pace pace) : timing_(timing), pace_(pace) {}

  // Operands of all that follows are at the ports from `cycle` on.
  void operands_from(std::uint64_t cycle) {
    state_.not_before((cycle + pace_.interval - 1) / pace_.interval);
  }

  // The steps of the groups of W that the schedules run from now on have, tile after tile of its
  // columns; jobs read them in order, again from the start for the next rows of Y. Only for designs
  // whose steps depend on the weights (Design::weight_steps); without steps nothing is skipped.
  void use_steps(std::span<const std::uint32_t> steps) {
    steps_ = steps;
    next_step_ = 0;
  }

  // When the first token of `schedule` would enter, were it run now.
  std::uint64_t first_token(const Schedule& schedule) const {
    const Schedule* first = &schedule;
    while (!first->is_leaf()) first = &first->children.front();
    typename Timing::State state = state_;
    return timing_next(state, first->job, 0).start;
  }

  void run(const Schedule& schedule) {
    for (std::uint64_t done = 0; done < schedule.repeat; ++done) {
      const typename Timing::State state_before = state_;
      const ArraySums sums_before = sums_;
      const std::size_t step_before = next_step_;
      run_once(schedule);
      if (next_step_ == step_before && state_.alike(state_before)) {
        skip(schedule.repeat - done - 1, state_before, sums_before);
        return;
      }
    }
  }

  const ArraySums& sums() const { return sums_; }
  const Pace& pace() const { return pace_; }
  const typename Timing::State& state() const { return state_; }

 private:
  void run_once(const Schedule& schedule) {
    if (schedule.is_leaf()) return run_job(schedule.job);
    for (const Schedule& child : schedule.children) run(child);
  }

  static constexpr bool kHasSteps = requires(const Timing& timing, const Job& job) {
    timing.groups(job);
  };

  std::size_t groups([[maybe_unused]] const Job& job) const {
    if constexpr (kHasSteps) return steps_.empty() ? 0 : timing_.groups(job);
    return 0;
  }
  JobTiming timing_next(typename Timing::State& state, const Job& job,
                        [[maybe_unused]] std::size_t step) const {
    if constexpr (kHasSteps) {
      return timing_.next(state, job, pace_, steps_.subspan(step, groups(job)));
    } else {
      return timing_.next(state, job, pace_);
    }
  }

  void run_job(const Job& job) {
    const JobTiming timing = timing_next(state_, job, next_step_);
    next_step_ += groups(job);
    if (next_step_ == steps_.size()) next_step_ = 0;
    sums_.last_token = timing.operands_free;
    if (job.emit) sums_.last_y = timing.last_y;
    sums_.feed_steps += timing.feed_steps;
    sums_.macs += std::uint64_t{job.m} * job.n * job.k;
    ++sums_.jobs;
    sums_.mac_pe_cycles += timing.mac_pe_cycles;
    sums_.pad_pe_cycles += timing.pad_pe_cycles;
    sums_.actions.add(timing.actions);
  }

  void skip(std::uint64_t times, const typename Timing::State& state_before,
            const ArraySums& before) {
    const std::uint64_t steps = times * (state_.step - state_before.step);
    state_.step += steps;
    sums_.last_token += steps * pace_.interval;
    if (sums_.last_y != before.last_y) sums_.last_y += steps * pace_.interval;
    const ArraySums now = sums_;
    sums_.add(now, times);
    sums_.add(before, ~times + 1);  // modulo 2^64: times (now - before)
  }

  Timing timing_;
  Pace pace_;
  typename Timing::State state_;
  ArraySums sums_;
  std::span<const std::uint32_t> steps_;
  std::size_t next_step_ = 0;
};

}  // namespace bitsmith
