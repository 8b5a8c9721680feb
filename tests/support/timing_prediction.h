// A design's timing beside its cycle model, job by job.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
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

// What a kind of arrays has to say for the two checks below:
//   using Design, Tokens (of model_driver.h)
//   static random_params(random), random_jobs(params, random), random_job(design, job, random)
//   static void add(Prediction<Design>&, const Design&, const DrivenJob&)
//   static constexpr kFewSteps: steps within which an arrival is about when the array is free

// Random arrays and jobs at random paces: timing is the model's.
template <class Kind>
void expect_timing_is_the_models(std::uint64_t seed, int rounds) {
  using Design = typename Kind::Design;
  std::mt19937_64 random(seed);
  std::uint64_t jobs_compared = 0;
  for (int round = 0; round < rounds; ++round) {
    const Design design(Kind::random_params(random));
    const Pace pace{random() % 3 == 0 ? 1 + random() % 5 : 1};
    SCOPED_TRACE(
        fmt::format("round {}: {} interval {}", round, design.resolved().dump(), pace.interval));
    std::vector<DrivenJob> driven;
    Prediction<Design> predicted(design, pace);
    for (const Job& job : Kind::random_jobs(design.params(), random)) {
      driven.push_back(Kind::random_job(design, job, random));
      Kind::add(predicted, design, driven.back());
    }
    typename Design::Model model(design.params());
    const DriveResult seen =
        drive(model, design, driven, pace, typename Kind::Tokens{design.params()});
    expect_seen(predicted, design, driven, model, seen);
    if (testing::Test::HasFatalFailure()) return;
    jobs_compared += driven.size();
  }
  EXPECT_GT(jobs_compared, 10000U);
}

// An arrival after `before`: with the one before it, about when the array could take the operands,
// or long after that.
inline std::uint64_t random_arrival(std::uint64_t free, std::uint64_t near, std::uint64_t before,
                                    std::mt19937_64& random) {
  switch (random() % 5) {
    case 0:
      return before;
    case 1:
      return std::max(before, free) + random() % 1000;
    default:
      return std::max(before + near, free + random() % (2 * near)) - near;
  }
}

// Jobs come in blocks, cut anywhere, and all operands of a block arrive at once.
template <class Kind>
void expect_timing_of_late_operands(std::uint64_t seed, int rounds) {
  using Design = typename Kind::Design;
  std::mt19937_64 random(seed);
  std::uint64_t early = 0, in_gap = 0, late = 0, continued = 0;
  for (int round = 0; round < rounds; ++round) {
    const Design design(Kind::random_params(random));
    const Pace pace{1 + random() % 3};
    std::vector<DrivenJob> driven;
    std::vector<std::uint64_t> arrivals;
    Prediction<Design> predicted(design, pace);
    std::uint64_t arrival = 0;
    for (const Job& job : Kind::random_jobs(design.params(), random)) {
      if (driven.empty() || random() % 3 == 0) {
        const auto before = predicted.state();
        arrival = random_arrival(pace.cycle_of_step(before.step), pace.interval * Kind::kFewSteps,
                                 arrival, random);
        predicted.arrival(arrival);
        const auto& after = predicted.state();
        ++(after.step == before.step ? early : after.gap_ahead != 0 ? in_gap : late);
        continued += job.accumulate ? 1 : 0;
      }
      driven.push_back(Kind::random_job(design, job, random));
      Kind::add(predicted, design, driven.back());
      arrivals.push_back(arrival);
    }
    SCOPED_TRACE(fmt::format("round {}: {} interval {} arrivals {}", round,
                             design.resolved().dump(), pace.interval, fmt::join(arrivals, " ")));
    typename Design::Model model(design.params());
    const DriveResult seen =
        drive(model, design, driven, pace, typename Kind::Tokens{design.params()}, arrivals);
    expect_seen(predicted, design, driven, model, seen);
    if (testing::Test::HasFatalFailure()) return;
  }
  for (const std::uint64_t blocks : {early, in_gap, late, continued}) EXPECT_GT(blocks, 300U);
}

}  // namespace bitsmith::test
