// Cycle model and Verilated RTL on every port in every cycle, every result with golden, beyond the
// shipped configurations (those are run through `bitsmith verify`, tests/CMakeLists.txt).
#include "cosim/lockstep.h"

#include <gtest/gtest.h>

#include "pe/mixpe/design.h"
#include "support/mixpe_jobs.h"
#include "support/model_driver.h"

namespace bitsmith::mixpe {
namespace {

// Groups of 16, which are short.
Params array(std::uint32_t rows, std::uint32_t cols, std::uint32_t lanes, const char* activation,
             const char* weight) {
  Params params;
  params.rows = rows;
  params.cols = cols;
  params.lanes = lanes;
  params.activation = find_format(activation);
  params.weight = find_format(weight);
  params.group = 16;
  params.k_bits = 12;
  return params;
}

Params with_int8_scales(Params params) {
  params.scale = find_format("int8");
  return params;
}
Params in_digits(Params params, Digit digit) {
  params.digit = digit;
  return params;
}
Params with_pipeline(Params params) {
  params.pipeline = 2;
  return params;
}
Params with_a_row_per_step(Params params) {
  params.row_interval = 1;
  return params;
}
Params by_channel(Params params, std::uint32_t k_bits) {
  params.group = kChannel;
  params.k_bits = k_bits;
  return params;
}

void expect_equal(const Params& params, std::uint64_t cycles, std::uint64_t seed) {
  const Design design(params);
  SCOPED_TRACE(design.resolved().dump());
  const LockstepResult result = verify(design, "lockstep_test", {cycles, seed});
  ASSERT_FALSE(result.mismatch) << "cycle " << result.mismatch->cycle << ": "
                                << result.mismatch->what << " " << result.wave;
  EXPECT_EQ(result.cycles_compared, cycles);
  EXPECT_EQ(result.ports_compared, 6 * cycles);
  EXPECT_GT(result.jobs_completed, cycles / 500);
  EXPECT_GT(result.values_compared, cycles / 500);
  EXPECT_GT(result.resets, 5U);
}

TEST(MixpeLockstep, SinglePe) {
  expect_equal(with_int8_scales(by_channel(array(1, 1, 1, "int8", "int2"), 4)), 20000, 5);
  expect_equal(array(1, 1, 1, "int8", "uint2"), 20000, 6);
}

// The rows, or the columns, keep groups apart.
TEST(MixpeLockstep, HigherThanWide) {
  expect_equal(with_int8_scales(array(9, 2, 4, "int8", "uint4")), 30000, 7);
}

TEST(MixpeLockstep, WiderThanHigh) {
  expect_equal(with_int8_scales(array(2, 11, 4, "int8", "uint5")), 30000, 8);
}

// Results move up in every step, of rows beyond m too.
TEST(MixpeLockstep, RowsAndColumnsKeepGroupsEquallyFarApart) {
  expect_equal(with_int8_scales(array(5, 6, 4, "int8", "int3")), 30000, 9);
}

TEST(MixpeLockstep, RegisterBehindTheLanes) {
  expect_equal(with_pipeline(with_int8_scales(array(3, 4, 2, "int8", "uint3"))), 30000, 10);
  expect_equal(with_pipeline(with_int8_scales(array(6, 3, 1, "int8", "int4"))), 20000, 11);
}

// Weights and results move the same way; the rows, the columns, and none of them keep groups apart.
TEST(MixpeLockstep, ARowInEveryStep) {
  expect_equal(with_a_row_per_step(with_int8_scales(array(9, 2, 4, "int8", "uint4"))), 30000, 26);
  expect_equal(with_a_row_per_step(with_int8_scales(array(3, 7, 4, "int8", "int3"))), 30000, 27);
  expect_equal(with_a_row_per_step(with_int8_scales(array(1, 1, 1, "int8", "uint2"))), 20000, 28);
  expect_equal(with_pipeline(with_a_row_per_step(
                   in_digits(with_int8_scales(array(8, 2, 4, "int8", "uint3")), Digit::two_bits))),
               30000, 29);
  expect_equal(with_a_row_per_step(array(2, 3, 2, "fp16", "uint4")), 20000, 30);
}

TEST(MixpeLockstep, DigitsOfOneBit) {
  expect_equal(in_digits(with_int8_scales(array(3, 3, 1, "int8", "int5")), Digit::one_bit), 30000,
               12);
  expect_equal(
      with_pipeline(in_digits(with_int8_scales(array(2, 3, 4, "int8", "uint2")), Digit::one_bit)),
      30000, 13);
}

TEST(MixpeLockstep, DigitsOfTwoBits) {
  expect_equal(in_digits(with_int8_scales(array(4, 2, 2, "int8", "int7")), Digit::two_bits), 30000,
               14);
  expect_equal(in_digits(array(2, 2, 4, "int16", "uint3"), Digit::two_bits), 20000, 15);
}

// Numbers at the ends of their range, in the longest sums.
TEST(MixpeLockstep, IntegersAtTheirEnds) {
  Params params = array(2, 2, 4, "int16", "uint8");
  params.group = 256;
  expect_equal(params, 30000, 16);
  expect_equal(by_channel(array(2, 2, 4, "int16", "int8"), 14), 30000, 17);
}

TEST(MixpeLockstep, PowersOfTwo) {
  expect_equal(with_int8_scales(array(3, 2, 2, "int8", "fp4_e3m0")), 30000, 18);
  expect_equal(array(2, 3, 1, "int16", "fp3"), 20000, 19);
}

TEST(MixpeLockstep, FloatingPoint) {
  expect_equal(array(2, 3, 1, "fp16", "uint4"), 30000, 20);
  expect_equal(with_pipeline(array(3, 1, 2, "fp16", "int8")), 30000, 21);
}

TEST(MixpeLockstep, FloatingPointInDigits) {
  expect_equal(in_digits(array(2, 1, 2, "fp16", "uint3"), Digit::two_bits), 30000, 22);
  expect_equal(with_pipeline(in_digits(array(1, 2, 1, "fp16", "int4"), Digit::one_bit)), 30000, 23);
}

TEST(MixpeLockstep, FloatingPointPowersOfTwo) {
  expect_equal(array(2, 1, 4, "fp16", "fp4_e3m0"), 30000, 24);
  expect_equal(by_channel(array(1, 2, 1, "fp16", "fp3"), 7), 20000, 25);
}

// The RTL alone, without the model: its results arrive when timing says, with the values golden
// says.
void expect_rtl_meets_timing(const Params& params) {
  const Design design(params);
  SCOPED_TRACE(design.resolved().dump());
  const std::uint32_t g = params.group;
  const std::uint32_t rows = params.rows, cols = params.cols;
  const std::vector<Job> shapes = {
      {rows, cols, 3 * g + 1, false, true}, {1, 1, 2, false, true},
      {rows, cols, 2 * g, false, false},    {rows, cols, g - 1, true, true},
      {1, cols, g, false, false},           {1, cols, 1, true, true}};
  for (const std::uint64_t interval : {1U, 3U}) {
    std::mt19937_64 random(8);
    std::vector<test::DrivenJob> jobs;
    for (const Job& job : shapes) jobs.push_back(test::random_driven_job(design, job, random));
    VerilatedArray rtl(build_verilated(rtl_sources(design), false), 1);
    const test::DriveResult seen =
        test::drive(rtl, design, jobs, {interval}, test::MixpeTokens{params});
    const Timing timing(params);
    Timing::State state;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const JobTiming predicted = timing.next(state, jobs[i].job, {interval});
      if (!jobs[i].job.emit) continue;
      EXPECT_EQ(seen.jobs[i].first_y, predicted.first_y) << "job " << i;
      EXPECT_EQ(seen.jobs[i].last_y, predicted.last_y) << "job " << i;
      EXPECT_EQ(seen.jobs[i].y, test::golden_of_chain(design, jobs, i)) << "job " << i;
    }
  }
}

TEST(MixpeLockstep, RtlMeetsTimingDirectly) {
  expect_rtl_meets_timing(with_int8_scales(array(9, 2, 4, "int8", "uint4")));
  expect_rtl_meets_timing(
      with_pipeline(in_digits(array(2, 3, 2, "int8", "int3"), Digit::two_bits)));
  expect_rtl_meets_timing(array(2, 3, 1, "fp16", "uint4"));
  expect_rtl_meets_timing(with_a_row_per_step(with_int8_scales(array(9, 2, 4, "int8", "uint4"))));
}

}  // namespace
}  // namespace bitsmith::mixpe
