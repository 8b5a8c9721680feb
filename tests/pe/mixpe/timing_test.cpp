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

struct Arrays {
  using Design = mixpe::Design;
  using Tokens = test::MixpeTokens;
  static constexpr std::uint64_t kFewSteps = 20;
  static Params random_params(std::mt19937_64& random) { return test::random_mixpe_params(random); }
  static std::vector<Job> random_jobs(const Params& params, std::mt19937_64& random) {
    return test::random_mixpe_jobs(params, random);
  }
  static test::DrivenJob random_job(const Design& design, const Job& job, std::mt19937_64& random) {
    return test::random_driven_job(design, job, random);
  }
  static void add(test::Prediction<Design>& predicted, const Design& /*design*/,
                  const test::DrivenJob& driven) {
    predicted.add(driven.job);
  }
};

TEST(MixpeTiming, EqualsTheCycleModel) { test::expect_timing_is_the_models<Arrays>(2026, 2000); }

TEST(MixpeTiming, LateOperandsEqualTheCycleModel) {
  test::expect_timing_of_late_operands<Arrays>(79, 2000);
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

// A row in every step: the same latency of a whole tile, and the columns and four keep groups
// apart, or more rows than those, with a register of theirs.
TEST(MixpeTiming, ARowInEveryStepByHand) {
  Params params;
  params.row_interval = 1;
  EXPECT_EQ(cycles(params, tile(16, 16, 128), 64), 8246U);
  EXPECT_EQ(cycles(params, tile(3, 16, 128), 1), 128U + 3 + 16 + 16 + 0 + 1 + 5);
  params.rows = params.cols = 64;
  params.lanes = 4;
  const auto last_token = [&](std::uint32_t m, std::uint32_t k) {
    Timing::State state;
    return Timing(params).next(state, tile(m, 4, k), {}).operands_free;
  };
  EXPECT_EQ(last_token(64, 512), 32U + 3 * 68);
  EXPECT_EQ(last_token(1, 512), 32U + 3 * 68);
  params.cols = 16;
  EXPECT_EQ(last_token(1, 512), 32U + 3 * 64);
  params.pipeline = 2;
  EXPECT_EQ(last_token(64, 512), 32U + 3 * 65);
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
