// timing == cycle model: every cycle, every PE-cycle class and every action count, over random
// arrays, jobs and enable intervals.
#include "pe/systolic/timing.h"

#include <gtest/gtest.h>

#include "pe/systolic/design.h"
#include "support/model_driver.h"
#include "support/systolic_jobs.h"

namespace bitsmith::systolic {
namespace {

using test::drive;
using test::DrivenJob;
using test::DriveResult;

class Prediction {
 public:
  Prediction(const Params& params, const std::vector<Job>& jobs, Pace pace)
      : pes_(std::uint64_t{params.rows} * params.cols), pace_(pace) {
    const Timing timing(params);
    Timing::State state;
    for (const Job& job : jobs) {
      jobs_.push_back(timing.next(state, job, pace));
      feeds_ += jobs_.back().feed_steps;
      pe_.mac += jobs_.back().mac_pe_cycles;
      pe_.pad += jobs_.back().pad_pe_cycles;
      actions_.add(jobs_.back().actions);
    }
  }

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
  std::vector<JobTiming> jobs_;
  std::uint64_t feeds_ = 0;
  PeCycles pe_;
  ActionCounts actions_;
};

TEST(SystolicTiming, EqualsTheCycleModel) {
  std::mt19937_64 random(2024);
  std::uint64_t jobs_compared = 0;
  for (int round = 0; round < 3000; ++round) {
    const Params params = test::random_systolic_params(random);
    const Design design(params);
    const std::vector<Job> jobs = test::random_systolic_jobs(params, random);
    const Pace pace{random() % 3 == 0 ? 1 + random() % 5 : 1};
    SCOPED_TRACE(
        fmt::format("round {}: {} interval {}", round, design.resolved().dump(), pace.interval));
    std::vector<DrivenJob> driven;
    for (const Job& job : jobs) driven.push_back(test::random_driven_job(design, job, random));
    Model model(params);
    const DriveResult seen = drive(model, design, driven, pace, test::SystolicTokens{params});
    const Prediction predicted(params, jobs, pace);

    for (std::size_t i = 0; i < jobs.size(); ++i) {
      SCOPED_TRACE(
          fmt::format("job {} of {}: {}x{}x{}", i, jobs.size(), jobs[i].m, jobs[i].n, jobs[i].k));
      ASSERT_EQ(predicted.jobs()[i].start, seen.jobs[i].start);
      ASSERT_EQ(predicted.jobs()[i].operands_free, seen.jobs[i].operands_free);
      ++jobs_compared;
      if (!jobs[i].emit) continue;
      ASSERT_EQ(predicted.jobs()[i].first_y, seen.jobs[i].first_y);
      ASSERT_EQ(predicted.jobs()[i].last_y, seen.jobs[i].last_y);
      ASSERT_EQ(seen.jobs[i].y, test::golden_of_chain(design, driven, i));
    }
    ASSERT_EQ(predicted.actions(), model.actions());
    ASSERT_EQ(predicted.pe_cycles(), model.pe_cycles());
    ASSERT_EQ(model.pe_cycles().total(), design.pe_count() * seen.cycles);
  }
  EXPECT_GT(jobs_compared, 20000U);
}

// Weight stationary 4x4, jobs of k = 4 and m = 4, by hand. Weight beats in steps 0..3, tokens in
// 4..7, D = rows + cols = 8 steps until a result has left. Overlapped: the next job's beats enter
// in 4..7 with the tokens, its tokens in 8..11 with nothing between. If it accumulates, its first
// token waits until rows + 2 = 6 steps after the first of the job before: step 10.
TEST(SystolicTiming, WeightStationaryByHand) {
  Params params;
  params.dataflow = Dataflow::weight_stationary;
  params.rows = params.cols = 4;
  const auto starts = [&](bool accumulate) {
    const Timing timing(params);
    Timing::State state;
    const std::uint64_t first = timing.next(state, {4, 4, 4, false, !accumulate}, {}).start;
    return std::pair(first, timing.next(state, {4, 4, 4, accumulate, true}, {}));
  };
  // Step s is in cycle 1 + s; a result that leaves in step s is at the port one cycle later.
  EXPECT_EQ(starts(false).first, 1U + 4);
  EXPECT_EQ(starts(false).second.start, 1U + 8);
  EXPECT_EQ(starts(false).second.last_y, 1U + 11 + 8 + 1);
  EXPECT_EQ(starts(true).second.start, 1U + 10);

  // Serial preload: beats follow the last token, in steps 8..11.
  params.preload = Preload::serial;
  EXPECT_EQ(starts(false).second.start, 1U + 12);
  // Serial drain too: beats wait until the last result has left in step 7 + 8 = 15.
  params.drain = Drain::serial;
  EXPECT_EQ(starts(false).second.start, 1U + 16 + 4);
  // Overlapped preload, serial drain: only the tokens wait.
  params.preload = Preload::overlapped;
  EXPECT_EQ(starts(false).second.start, 1U + 16);
}

// SCALE-Sim's example, 16x16, 128x128x128, everything serial: each of 8 x 8 folds loads 16 beats,
// streams 128 tokens and drains 32 steps.
TEST(SystolicTiming, WeightStationarySerialWholeGemmByHand) {
  Params params;
  params.dataflow = Dataflow::weight_stationary;
  params.preload = Preload::serial;
  params.drain = Drain::serial;
  const Timing timing(params);
  Timing::State state;
  std::uint64_t last = 0;
  for (int fold = 0; fold < 64; ++fold) {
    last = timing.next(state, {128, 16, 16, false, true}, {}).last_y;
  }
  EXPECT_EQ(last + 1, 64U * (16 + 128 + 32) + 2);
}

// The room card's formula for a single tile, as a number: 16x16, k = 128.
TEST(SystolicTiming, OneWholeTileByHand) {
  Params params;
  Timing::State state;
  // Tokens in cycles 1..128; 2*16 + 16 = 48 steps later the last row leaves; one cycle to the port.
  const JobTiming overlapped = Timing(params).next(state, {16, 16, 128, false, true}, {});
  EXPECT_EQ(overlapped.operands_free, 128U);
  EXPECT_EQ(overlapped.last_y, 128U + 48 + 1);
  params.drain = Drain::serial;
  state = {};
  EXPECT_EQ(Timing(params).next(state, {16, 16, 128, false, true}, {}).last_y, 128U + 47 + 1);
}

}  // namespace
}  // namespace bitsmith::systolic
