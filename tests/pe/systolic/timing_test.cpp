// timing == cycle model: every cycle, every PE-cycle class and every action count, over random
// arrays, jobs, enable intervals and arrivals of operands.
#include "pe/systolic/timing.h"

#include <gtest/gtest.h>

#include "pe/systolic/design.h"
#include "support/model_driver.h"
#include "support/systolic_jobs.h"
#include "support/timing_prediction.h"

namespace bitsmith::systolic {
namespace {

using test::drive;
using test::DrivenJob;
using test::DriveResult;
using test::expect_seen;

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
    test::Prediction predicted(design, pace);
    for (const Job& job : jobs) {
      driven.push_back(test::random_driven_job(design, job, random));
      predicted.add(job);
    }
    Model model(params);
    const DriveResult seen = drive(model, design, driven, pace, test::SystolicTokens{params});
    expect_seen(predicted, design, driven, model, seen);
    if (HasFatalFailure()) return;
    jobs_compared += jobs.size();
  }
  EXPECT_GT(jobs_compared, 20000U);
}

// An arrival after `before`: with the one before it, about when the array could take the operands,
// or long after that.
std::uint64_t random_arrival(const Params& params, const Timing::State& state, Pace pace,
                             std::uint64_t before, std::mt19937_64& random) {
  const std::uint64_t free = pace.cycle_of_step(state.step);
  // From the rows of a preload to a whole drain.
  const std::uint64_t near =
      pace.interval * (random() % 2 == 0 ? params.rows : 4 + 3 * (params.rows + params.cols));
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
TEST(SystolicTiming, LateOperandsEqualTheCycleModel) {
  std::mt19937_64 random(77);
  std::uint64_t early = 0, in_preload = 0, in_drain = 0, late = 0, continued = 0;
  for (int round = 0; round < 4000; ++round) {
    const Params params = test::random_systolic_params(random);
    const Design design(params);
    const std::vector<Job> jobs = test::random_systolic_jobs(params, random);
    const Pace pace{1 + random() % 3};
    std::vector<DrivenJob> driven;
    std::vector<std::uint64_t> arrivals;
    test::Prediction predicted(design, pace);
    std::uint64_t arrival = 0;
    for (const Job& job : jobs) {
      if (driven.empty() || random() % 3 == 0) {
        const Timing::State before = predicted.state();
        arrival = random_arrival(params, before, pace, arrival, random);
        predicted.arrival(arrival);
        const Timing::State& after = predicted.state();
        ++(after.step == before.step && after.alike(before) ? early
           : after.step == before.step                      ? in_preload
           : after.drain_ahead + after.wait_ahead != 0      ? in_drain
                                                            : late);
        continued += job.accumulate ? 1 : 0;
      }
      driven.push_back(test::random_driven_job(design, job, random));
      predicted.add(job);
      arrivals.push_back(arrival);
    }
    SCOPED_TRACE(fmt::format("round {}: {} interval {} arrivals {}", round,
                             design.resolved().dump(), pace.interval, fmt::join(arrivals, " ")));
    Model model(params);
    const DriveResult seen =
        drive(model, design, driven, pace, test::SystolicTokens{params}, arrivals);
    expect_seen(predicted, design, driven, model, seen);
    if (HasFatalFailure()) return;
  }
  for (const std::uint64_t blocks : {early, in_preload, in_drain, late, continued}) {
    EXPECT_GT(blocks, 400U);
  }
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

// The same arrays: what arrives with the last of the job before's four tokens has one step less to
// wait than what arrives after it; a whole column's beats before, nothing.
TEST(SystolicTiming, LateStationaryOperandsByHand) {
  Params params;
  params.dataflow = Dataflow::weight_stationary;
  params.rows = params.cols = 4;
  const auto start = [&](std::uint64_t step, bool accumulate) {
    const Timing timing(params);
    Timing::State state;
    timing.next(state, {4, 4, 4, false, !accumulate}, {});
    state.not_before(step);
    return timing.next(state, {4, 4, 4, accumulate, true}, {}).start;
  };
  EXPECT_EQ(start(4, false), 1U + 8);
  EXPECT_EQ(start(5, false), 1U + 9);
  EXPECT_EQ(start(8, false), 1U + 12);
  EXPECT_EQ(start(100, false), 1U + 104);
  // Open sums can be read from step 10 on.
  EXPECT_EQ(start(5, true), 1U + 10);
  EXPECT_EQ(start(6, true), 1U + 10);
  EXPECT_EQ(start(7, true), 1U + 11);
  // Beats wait for the last result in step 15.
  params.preload = Preload::serial;
  params.drain = Drain::serial;
  EXPECT_EQ(start(16, false), 1U + 20);
  EXPECT_EQ(start(17, false), 1U + 21);
}

TEST(SystolicModel, CountsTheJobsThatEnteredAcrossAReset) {
  for (const Dataflow dataflow : {Dataflow::output_stationary, Dataflow::weight_stationary}) {
    Params params;
    params.rows = params.cols = 2;
    params.dataflow = dataflow;
    const Design design(params);
    std::mt19937_64 random(1);
    const std::vector<DrivenJob> jobs = {
        test::random_driven_job(design, {2, 2, 2, false, true}, random)};
    Model model(params);
    drive(model, design, jobs, {}, test::SystolicTokens{params});
    ArrayInputs reset;
    reset.rst_n = false;
    model.step(reset);
    EXPECT_EQ(model.jobs_entered(), 1U);
    drive(model, design, jobs, {}, test::SystolicTokens{params});
    EXPECT_EQ(model.jobs_entered(), 2U);
  }
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
