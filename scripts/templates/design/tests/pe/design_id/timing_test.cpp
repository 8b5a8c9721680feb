// timing == cycle model: every cycle, every PE-cycle class and every action count, over random
// parameters, jobs and enable intervals.
#include "pe/design_id/timing.h"

#include <gtest/gtest.h>

#include "pe/design_id/design.h"
#include "support/model_driver.h"

namespace bitsmith::design_id {
namespace {

using test::DrivenJob;
using test::DriveResult;

// REPLACE: random values of every parameter that timing depends on.
Params random_params(std::mt19937_64& random) {
  Params params;
  params.lanes = 1 + static_cast<std::uint32_t>(random() % 9);
  return params;
}

// REPLACE: random m and n, when your array has more than one PE. Chains of jobs, long and short K;
// the last job emits.
std::vector<Job> random_jobs(std::mt19937_64& random) {
  std::vector<Job> jobs;
  const std::size_t chains = 1 + random() % 8;
  const std::uint32_t longest_k = random() % 2 == 0 ? 3 : 60;
  for (std::size_t i = 0; i < chains; ++i) {
    const std::size_t length = 1 + random() % 3;
    for (std::size_t j = 0; j < length; ++j) {
      const auto k = 1 + static_cast<std::uint32_t>(random() % longest_k);
      jobs.push_back({1, 1, k, j > 0, j + 1 == length});
    }
  }
  return jobs;
}

// What timing says of the whole list.
struct Prediction {
  std::vector<JobTiming> jobs;
  PeCycles pe_cycles;
  ActionCounts actions;
};

Prediction predict(const Design& design, const std::vector<Job>& jobs, Pace pace) {
  const Timing timing(design.params());
  Timing::State state;
  Prediction all;
  std::uint64_t feeds = 0;
  for (const Job& job : jobs) {
    const JobTiming& next = all.jobs.emplace_back(timing.next(state, job, pace));
    feeds += next.feed_steps;
    all.pe_cycles.mac += next.mac_pe_cycles;
    all.pe_cycles.pad += next.pad_pe_cycles;
    all.actions.add(next.actions);
  }
  const std::uint64_t cycles = all.jobs.back().last_y + 1;
  const std::uint64_t steps = pace.enabled_cycles(cycles);
  all.pe_cycles.idle = design.pe_count() * (steps - feeds);
  all.pe_cycles.stalled = design.pe_count() * (cycles - steps);
  return all;
}

TEST(DesignIdTiming, EqualsTheCycleModel) {
  std::mt19937_64 random(2024);
  std::uint64_t jobs_compared = 0;
  for (int round = 0; round < 3000; ++round) {
    const Design design(random_params(random));
    const std::vector<Job> jobs = random_jobs(random);
    const Pace pace{random() % 3 == 0 ? 1 + random() % 5 : 1};
    SCOPED_TRACE(
        fmt::format("round {}: {}, interval {}", round, design.resolved().dump(), pace.interval));
    std::vector<DrivenJob> driven;
    for (const Job& job : jobs) driven.push_back(test::random_driven_job(design, job, random));
    Model model(design.params());
    const DriveResult seen = test::drive(model, design, driven, pace);
    const Prediction predicted = predict(design, jobs, pace);

    for (std::size_t i = 0; i < jobs.size(); ++i) {
      SCOPED_TRACE(fmt::format("job {} of {}: k = {}", i, jobs.size(), jobs[i].k));
      ASSERT_EQ(predicted.jobs[i].start, seen.jobs[i].start);
      ASSERT_EQ(predicted.jobs[i].operands_free, seen.jobs[i].operands_free);
      ++jobs_compared;
      if (!jobs[i].emit) continue;
      ASSERT_EQ(predicted.jobs[i].first_y, seen.jobs[i].first_y);
      ASSERT_EQ(predicted.jobs[i].last_y, seen.jobs[i].last_y);
    }
    ASSERT_EQ(predicted.actions, model.actions());
    ASSERT_EQ(predicted.pe_cycles, model.pe_cycles());
    ASSERT_EQ(model.pe_cycles().total(), design.pe_count() * seen.cycles);
  }
  EXPECT_GT(jobs_compared, 20000U);
}

// REPLACE: the room card's formula as a number. 64 elements on 4 lanes are 16 beats, in cycles
// 1..16; 2 steps and one cycle to the port later the result is taken.
TEST(DesignIdTiming, OneJobByHand) {
  Timing::State state;
  const JobTiming timing = Timing(Params{}).next(state, {1, 1, 64, false, true}, {});
  EXPECT_EQ(timing.operands_free, 16U);
  EXPECT_EQ(timing.last_y, 16U + 2 + 1);
  EXPECT_EQ(timing.actions[kMac], 64U);
}

}  // namespace
}  // namespace bitsmith::design_id
