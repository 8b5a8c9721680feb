// timing == cycle model: every cycle, every PE-cycle class and every action count, over random
// arrays, jobs, enable intervals and arrivals of operands.
#include "pe/lut_tensor_core/timing.h"

#include <gtest/gtest.h>

#include "pe/lut_tensor_core/design.h"
#include "support/lut_tensor_core_jobs.h"
#include "support/model_driver.h"
#include "support/timing_prediction.h"

namespace bitsmith::lut_tensor_core {
namespace {

struct Arrays {
  using Design = lut_tensor_core::Design;
  using Tokens = test::LutTokens;
  static constexpr std::uint64_t kFewSteps = 10;
  static Params random_params(std::mt19937_64& random) { return test::random_lut_params(random); }
  static std::vector<Job> random_jobs(const Params& params, std::mt19937_64& random) {
    return test::random_lut_jobs(params, random);
  }
  static test::DrivenJob random_job(const Design& design, const Job& job, std::mt19937_64& random) {
    // Any operands, infinities and NaN among them, or mostly such that every bit of a result
    // counts.
    return random() % 4 == 0 ? test::random_driven_job(design, job, random)
                             : test::random_lut_job(design, job, random);
  }
  static void add(test::Prediction<Design>& predicted, const Design& /*design*/,
                  const test::DrivenJob& driven) {
    predicted.add(driven.job);
  }
};

TEST(LutTensorCoreTiming, EqualsTheCycleModel) {
  test::expect_timing_is_the_models<Arrays>(2025, 2000);
}

TEST(LutTensorCoreTiming, LateOperandsEqualTheCycleModel) {
  test::expect_timing_of_late_operands<Arrays>(78, 2000);
}

Job tile(std::uint32_t m, std::uint32_t n, std::uint32_t k) { return {m, n, k, false, true}; }

Params paper(Precompute precompute) {
  Params params;
  params.precompute = precompute;
  return params;
}

// 2x64x4, int2, fused: a group of 128 weights takes 2 x 32 steps; four of them, in cycles 1..256.
// Its first row leaves L + 5 = 6 steps later, the second one after that, each at the port one cycle
// later.
TEST(LutTensorCoreTiming, OneTileByHand) {
  Timing::State state;
  const JobTiming timing = Timing(paper(Precompute::fused)).next(state, tile(2, 64, 512), {});
  EXPECT_EQ(timing.start, 1U);
  EXPECT_EQ(timing.operands_free, 256U);
  EXPECT_EQ(timing.first_y, 256U + 6 + 1);
  EXPECT_EQ(timing.last_y, 256U + 6 + 1 + 1);
  EXPECT_EQ(timing.actions[kABeat], 128U);
  EXPECT_EQ(timing.actions[kWBeat], 256U);
  EXPECT_EQ(timing.actions[kTable], 2U * 128);
  EXPECT_EQ(timing.actions[kSumLane], 2U * 128);
  EXPECT_EQ(timing.actions[kLane], 256U * 128);
  EXPECT_EQ(timing.actions[kResultShift], 4U * 2 * 128);
  EXPECT_EQ(timing.actions[kDequantise], 4U * 2 * 64);
}

// The room card's 64x64x512.
TEST(LutTensorCoreTiming, WholeGemmByHand) {
  const auto cycles = [](const Params& params) {
    const Timing timing{params};
    Timing::State state;
    std::uint64_t last = 0;
    for (int i = 0; i < 32; ++i) last = timing.next(state, tile(2, 64, 512), {}).last_y;
    return last + 1;
  };
  EXPECT_EQ(cycles(paper(Precompute::fused)), 8201U);
  Params params = paper(Precompute::unit);
  EXPECT_EQ(cycles(params), 8202U);
  params.table = TableKind::int8;
  EXPECT_EQ(cycles(params), 8203U);
  params = paper(Precompute::unit);
  params.engine = Engine::mac;
  EXPECT_EQ(cycles(params), 4105U);
}

// U = max(m + 2, L + 1): groups of fewer steps wait for the one before.
TEST(LutTensorCoreTiming, OnlyGroupsShorterThanTheirResultsWait) {
  const auto last_token = [](std::uint32_t m, TableKind table, std::uint32_t pipeline) {
    Params params = paper(Precompute::unit);
    params.m = 8;
    params.group = 8;
    params.table = table;
    params.pipeline = pipeline;
    Timing::State state;
    return Timing(params).next(state, tile(m, 8, 80), {}).operands_free;
  };
  EXPECT_EQ(last_token(2, TableKind::full, 1), 4U + 9 * 4);
  EXPECT_EQ(last_token(3, TableKind::full, 1), 4U + 9 * 5);
  EXPECT_EQ(last_token(8, TableKind::full, 1), 4U + 9 * 10);
  EXPECT_EQ(last_token(1, TableKind::full, 2), 4U + 9 * 4);
  EXPECT_EQ(last_token(1, TableKind::int8, 2), 4U + 9 * 5);
}

}  // namespace
}  // namespace bitsmith::lut_tensor_core
