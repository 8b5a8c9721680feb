// A design's timing beside its cycle model, job by job.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "pe/job.h"
#include "support/model_driver.h"

namespace bitsmith::test {

// What a design's timing says of jobs one after the other.
template <class Design>
class Prediction {
 public:
  using Timing = typename Design::Timing;
  using State = typename Timing::State;

  Prediction(const Design& design, Pace pace)
      : pes_(design.pe_count()), pace_(pace), timing_(design.params()) {}

  // The operands of the jobs that are added from now on are at the ports from `cycle` on.
  void arrival(std::uint64_t cycle) {
    state_.not_before((cycle + pace_.interval - 1) / pace_.interval);
  }
  // `more`: what the design's timing asks for besides.
  template <class... More>
  void add(const Job& job, const More&... more) {
    jobs_.push_back(timing_.next(state_, job, pace_, more...));
    feeds_ += jobs_.back().feed_steps;
    pe_.mac += jobs_.back().mac_pe_cycles;
    pe_.pad += jobs_.back().pad_pe_cycles;
    actions_.add(jobs_.back().actions);
  }

  const State& state() const { return state_; }
  const std::vector<JobTiming>& jobs() const { return jobs_; }
  const ActionCounts& actions() const { return actions_; }
  PeCycles pe_cycles() const {
    const std::uint64_t cycles = jobs_.back().last_y + 1;
    const std::uint64_t steps = pace_.enabled_cycles(cycles);
    PeCycles pe = pe_;
    pe.idle = pes_ * (steps - feeds_);
    pe.stalled = pes_ * (cycles - steps);
    return pe;
  }

 private:
  std::uint64_t pes_;
  Pace pace_;
  Timing timing_;
  State state_;
  std::vector<JobTiming> jobs_;
  std::uint64_t feeds_ = 0;
  PeCycles pe_;
  ActionCounts actions_;
};

// The model did just that, and its results are golden ones.
template <class Design>
void expect_seen(const Prediction<Design>& predicted, const Design& design,
                 const std::vector<DrivenJob>& jobs, const typename Design::Model& model,
                 const DriveResult& seen) {
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Job& job = jobs[i].job;
    SCOPED_TRACE(fmt::format("job {} of {}: {}x{}x{}{}{}", i, jobs.size(), job.m, job.n, job.k,
                             job.accumulate ? " accumulate" : "", job.emit ? " emit" : ""));
    ASSERT_EQ(predicted.jobs()[i].start, seen.jobs[i].start);
    ASSERT_EQ(predicted.jobs()[i].operands_free, seen.jobs[i].operands_free);
    ASSERT_EQ(predicted.jobs()[i].operands_free, seen.jobs[i].entered);
    if (!job.emit) continue;
    ASSERT_EQ(predicted.jobs()[i].first_y, seen.jobs[i].first_y);
    ASSERT_EQ(predicted.jobs()[i].last_y, seen.jobs[i].last_y);
    ASSERT_EQ(seen.jobs[i].y, golden_of_chain(design, jobs, i));
  }
  ASSERT_EQ(model.jobs_entered(), jobs.size());
  ASSERT_EQ(predicted.actions(), model.actions());
  ASSERT_EQ(predicted.pe_cycles(), model.pe_cycles());
  ASSERT_EQ(model.pe_cycles().total(), design.pe_count() * seen.cycles);
}

}  // namespace bitsmith::test
