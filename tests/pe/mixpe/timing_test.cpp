// timing == cycle model: every cycle, every PE-cycle class and every action count, over random
// arrays, jobs, enable intervals and arrivals of operands.
#include "pe/mixpe/timing.h"

#include <gtest/gtest.h>

#include "pe/mixpe/design.h"
#include "support/mixpe_jobs.h"
#include "support/model_driver.h"
#include "support/timing_prediction.h"

namespace bitsmith::mixpe {
namespace {

using test::drive;
using test::DrivenJob;
using test::DriveResult;
using test::expect_seen;

TEST(MixpeTiming, EqualsTheCycleModel) {
  std::mt19937_64 random(2026);
  std::uint64_t jobs_compared = 0;
  for (int round = 0; round < 2000; ++round) {
    const Params params = test::random_mixpe_params(random);
    const Design design(params);
    const std::vector<Job> jobs = test::random_mixpe_jobs(params, random);
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
    const DriveResult seen = drive(model, design, driven, pace, test::MixpeTokens{params});
    expect_seen(predicted, design, driven, model, seen);
    if (HasFatalFailure()) return;
    jobs_compared += jobs.size();
  }
  EXPECT_GT(jobs_compared, 10000U);
}

// An arrival after `before`: with the one before it, about when the array could take the operands,
// or long after that.
std::uint64_t random_arrival(const Timing::State& state, Pace pace, std::uint64_t before,
                             std::mt19937_64& random) {
  const std::uint64_t free = pace.cycle_of_step(state.step);
  const std::uint64_t near = pace.interval * 20;
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
TEST(MixpeTiming, LateOperandsEqualTheCycleModel) {
  std::mt19937_64 random(79);
  std::uint64_t early = 0, in_gap = 0, late = 0, continued = 0;
  for (int round = 0; round < 2000; ++round) {
    const Params params = test::random_mixpe_params(random);
    const Design design(params);
    const std::vector<Job> jobs = test::random_mixpe_jobs(params, random);
    const Pace pace{1 + random() % 3};
    std::vector<DrivenJob> driven;
    std::vector<std::uint64_t> arrivals;
    test::Prediction predicted(design, pace);
    std::uint64_t arrival = 0;
    for (const Job& job : jobs) {
      if (driven.empty() || random() % 3 == 0) {
        const Timing::State before = predicted.state();
        arrival = random_arrival(before, pace, arrival, random);
        predicted.arrival(arrival);
        const Timing::State& after = predicted.state();
        ++(after.step == before.step ? early : after.gap_ahead != 0 ? in_gap : late);
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
        drive(model, design, driven, pace, test::MixpeTokens{params}, arrivals);
    expect_seen(predicted, design, driven, model, seen);
    if (HasFatalFailure()) return;
  }
  for (const std::uint64_t blocks : {early, in_gap, late, continued}) EXPECT_GT(blocks, 300U);
}

Job tile(std::uint32_t m, std::uint32_t n, std::uint32_t k) { return {m, n, k, false, true}; }

// Cycles of equal jobs, one after the other.
std::uint64_t cycles(const Params& params, const Job& job, int jobs) {
  const Timing timing(params);
  Timing::State state;
  std::uint64_t last = 0;
  for (int i = 0; i < jobs; ++i) last = timing.next(state, job, {}).last_y;
  return last + 1;
}

// The room card's numbers.
TEST(MixpeTiming, WholeGemmsByHand) {
  Params params;
  EXPECT_EQ(cycles(params, tile(16, 16, 128), 64), 8246U);
  params.lanes = 4;
  EXPECT_EQ(cycles(params, tile(16, 16, 128), 64), 2102U);
}

// 4x4, int4 bit by bit: a group takes 64 steps, the last token enters in step 127 and rows leave in
// steps 136, 138 and 140.
TEST(MixpeTiming, OneTileByHand) {
  Params params;
  params.rows = params.cols = 4;
  params.weight = find_format("int4");
  params.digit = Digit::one_bit;
  params.group = 16;
  Timing::State state;
  const JobTiming timing = Timing(params).next(state, tile(3, 4, 32), {});
  EXPECT_EQ(timing.start, 1U);
  EXPECT_EQ(timing.operands_free, 128U);
  EXPECT_EQ(timing.first_y, 138U);
  EXPECT_EQ(timing.last_y, 142U);
  EXPECT_EQ(timing.feed_steps, 128U);
  EXPECT_EQ(timing.actions[kABeat], 32U);
  EXPECT_EQ(timing.actions[kShiftAdd], 128U * 12);
  EXPECT_EQ(timing.actions[kResult], 2U * 16);
  EXPECT_EQ(timing.actions[kDequantise], 2U * 12);
  EXPECT_EQ(timing.actions[kRowSum], 0U);
}

// 64x64, groups of 128: two rows of results per step of a row leave no wait with one lane; with
// four a group takes 32 steps and waits for 96.
TEST(MixpeTiming, ShortGroupsWaitForTheDequantiser) {
  const auto last_token = [](std::uint32_t lanes, std::uint32_t m, std::uint32_t k) {
    Params params;
    params.rows = params.cols = 64;
    params.lanes = lanes;
    Timing::State state;
    return Timing(params).next(state, tile(m, 64, k), {}).operands_free;
  };
  EXPECT_EQ(last_token(1, 64, 512), 512U);
  EXPECT_EQ(last_token(4, 64, 512), 32U + 3 * 128);
  // Few rows: the columns and four.
  EXPECT_EQ(last_token(4, 1, 512), 32U + 3 * 68);
  // A short tail waits too.
  EXPECT_EQ(last_token(4, 1, 129), 32U + 68);
}

// A first group of one token waits itself; digits are tokens of their own.
TEST(MixpeTiming, AJobOfOneTokenStartsLate) {
  Params params;
  params.rows = params.cols = 2;
  const auto second = [&] {
    Timing::State state;
    const Timing timing(params);
    timing.next(state, tile(2, 2, 16), {});
    return timing.next(state, tile(2, 2, 1), {});
  };
  EXPECT_EQ(second().start, 16U + 6);
  EXPECT_EQ(second().operands_free, 16U + 6);
  params.digit = Digit::two_bits;
  EXPECT_EQ(second().start, 32U + 1);
  EXPECT_EQ(second().operands_free, 32U + 6);
}

// A channel is one group of any length.
TEST(MixpeTiming, ChannelsAreOneGroup) {
  Params params;
  params.group = kChannel;
  params.k_bits = 12;
  Timing::State state;
  const JobTiming timing = Timing(params).next(state, tile(16, 16, 4095), {});
  EXPECT_EQ(timing.operands_free, 4095U);
  EXPECT_EQ(timing.actions[kSBeat], 1U);
  EXPECT_EQ(timing.actions[kDequantise], 256U);
}

}  // namespace
}  // namespace bitsmith::mixpe
