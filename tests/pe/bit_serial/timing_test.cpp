// timing == cycle model: every cycle, every PE-cycle class and every action count, over random
// arrays, jobs, enable intervals and arrivals of operands.
#include "pe/bit_serial/timing.h"

#include <gtest/gtest.h>

#include "pe/bit_serial/design.h"
#include "support/bit_serial_jobs.h"
#include "support/model_driver.h"
#include "support/timing_prediction.h"

namespace bitsmith::bit_serial {
namespace {

struct Arrays {
  using Design = bit_serial::Design;
  using Tokens = test::BitSerialTokens;
  static constexpr std::uint64_t kFewSteps = 10;
  static Params random_params(std::mt19937_64& random) {
    return test::random_bit_serial_params(random);
  }
  static std::vector<Job> random_jobs(const Params& params, std::mt19937_64& random) {
    return test::random_bit_serial_jobs(params, random);
  }
  static test::DrivenJob random_job(const Design& design, const Job& job, std::mt19937_64& random) {
    return test::random_driven_job(design, job, random);
  }
  static void add(test::Prediction<Design>& predicted, const Design& design,
                  const test::DrivenJob& driven) {
    predicted.add(driven.job, test::bit_serial_steps(design.params(), driven));
  }
};

TEST(BitSerialTiming, EqualsTheCycleModel) {
  test::expect_timing_is_the_models<Arrays>(2025, 2000);
}

TEST(BitSerialTiming, LateOperandsEqualTheCycleModel) {
  test::expect_timing_of_late_operands<Arrays>(78, 2000);
}

Job tile(std::uint32_t m, std::uint32_t n, std::uint32_t k) { return {m, n, k, false, true}; }

// The room card's formula as a number: fp4, two terms, four lanes. A group of 128 weights takes 64
// steps; four of them, in cycles 1..256. Its first row leaves 14 steps later, the eighth 7 after
// that, each at the port one cycle later.
TEST(BitSerialTiming, OneTileByHand) {
  Timing::State state;
  const JobTiming timing = Timing(Params{}).next(state, tile(8, 8, 512), {});
  EXPECT_EQ(timing.start, 1U);
  EXPECT_EQ(timing.operands_free, 256U);
  EXPECT_EQ(timing.first_y, 256U + 14 + 1);
  EXPECT_EQ(timing.last_y, 256U + 14 + 7 + 1);
  EXPECT_EQ(timing.actions[kDequantise], 4U * 64);
  EXPECT_EQ(timing.actions[kDot], 256U * 64);
}

TEST(BitSerialTiming, WholeGemmByHand) {
  const Timing timing{Params{}};
  Timing::State state;
  std::uint64_t last = 0;
  for (int i = 0; i < 64; ++i) last = timing.next(state, tile(8, 8, 512), {}).last_y;
  EXPECT_EQ(last + 1, 64U * 4 * 64 + 8 + 15);
}

// Two terms and four lanes: a group of 16 takes the 8 steps that its scale takes, one of 8 only 4.
TEST(BitSerialTiming, OnlyGroupsShorterThanSixteenWaitForTheirScale) {
  const auto last_token = [](std::uint32_t group, std::uint32_t m, std::uint32_t k) {
    Params params;
    params.rows = 12;
    params.group = group;
    Timing::State state;
    return Timing(params).next(state, tile(m, 8, k), {}).operands_free;
  };
  EXPECT_EQ(last_token(16, 8, 160), 80U);
  EXPECT_EQ(last_token(8, 8, 80), 4U + 9 * 8);
  // Twelve rows of results take twelve steps.
  EXPECT_EQ(last_token(16, 12, 160), 8U + 9 * 12);
  EXPECT_EQ(last_token(24, 12, 240), 120U);
  // A short tail waits too: one beat, two terms.
  EXPECT_EQ(last_token(16, 8, 17), 8U + 8);
}

}  // namespace
}  // namespace bitsmith::bit_serial
