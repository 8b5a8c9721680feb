// Cycle model and Verilated RTL on every port in every cycle, every result with golden, beyond the
// shipped configurations (those are run through `bitsmith verify`, tests/CMakeLists.txt).
#include "cosim/lockstep.h"

#include <gtest/gtest.h>

#include "pe/bit_serial/design.h"
#include "support/bit_serial_jobs.h"
#include "support/model_driver.h"

namespace bitsmith::bit_serial {
namespace {

Params array(std::uint32_t rows, std::uint32_t cols, std::uint32_t lanes, const char* activation,
             const char* weight, std::uint32_t group) {
  Params params;
  params.rows = rows;
  params.cols = cols;
  params.lanes = lanes;
  params.activation = find_format(activation);
  params.weight = find_format(weight);
  params.group = group;
  return params;
}

void expect_equal(const Params& params, std::uint64_t cycles, std::uint64_t seed) {
  const Design design(params);
  const LockstepResult result = verify(design, "lockstep_test", {cycles, seed});
  ASSERT_FALSE(result.mismatch) << "cycle " << result.mismatch->cycle << ": "
                                << result.mismatch->what << " " << result.wave;
  EXPECT_EQ(result.cycles_compared, cycles);
  EXPECT_EQ(result.ports_compared, 6 * cycles);
  EXPECT_GT(result.jobs_completed, cycles / 500);
  EXPECT_GT(result.values_compared, cycles / 500);
  EXPECT_GT(result.resets, 5U);
}

TEST(BitSerialLockstep, SinglePeAndLane) {
  Params params = array(1, 1, 1, "fp16", "int8", 8);
  params.k_bits = 4;
  expect_equal(params, 20000, 5);
}

// More rows than bits of a scale: results keep groups apart.
TEST(BitSerialLockstep, MoreRowsThanBitsOfAScale) {
  expect_equal(array(11, 2, 8, "fp16", "ternary", 8), 20000, 6);
}

TEST(BitSerialLockstep, ExactlyEightRows) {
  expect_equal(array(8, 1, 8, "fp16", "fp3", 8), 20000, 7);
}

TEST(BitSerialLockstep, OddBoothDigits) {
  expect_equal(array(2, 3, 2, "fp16", "int5", 24), 20000, 8);
}

TEST(BitSerialLockstep, FourBoothDigitsInEightLanes) {
  expect_equal(array(3, 2, 8, "fp16", "int8", 16), 20000, 9);
}

TEST(BitSerialLockstep, IntegersWithSpecialValues) {
  expect_equal(array(3, 4, 2, "int8", "fp4_e2m1", 40), 20000, 10);
}

TEST(BitSerialLockstep, IntegersAtTheirEnds) {
  expect_equal(array(2, 2, 4, "int8", "int8", 256), 30000, 11);
}

// Every tile sends a row at a time; the last one may have none.
TEST(BitSerialLockstep, TilesOfTwoRows) {
  Params params = array(6, 2, 4, "fp16", "int4", 16);
  params.row_tiles = 3;
  expect_equal(params, 30000, 12);
}

TEST(BitSerialLockstep, TilesOfMoreRowsThanBitsOfAScale) {
  Params params = array(18, 1, 8, "int8", "ternary", 8);
  params.row_tiles = 2;
  expect_equal(params, 20000, 13);
}

// Few lanes and columns: steps without a term in any of them are many.
Params skipping(const char* activation, const char* weight, Recoding recoding) {
  Params params = array(2, 2, 1, activation, weight, 8);
  params.recoding = recoding;
  params.skip_zero_terms = true;
  return params;
}

TEST(BitSerialLockstep, ZeroTermsAreSkipped) {
  expect_equal(skipping("fp16", "fp4_e2m1", Recoding::booth), 30000, 14);
  expect_equal(skipping("fp16", "fp3", Recoding::booth), 20000, 15);
  expect_equal(skipping("int8", "int5", Recoding::booth), 20000, 16);
}

TEST(BitSerialLockstep, CanonicalDigits) {
  Params params = array(2, 3, 4, "fp16", "int8", 16);
  params.recoding = Recoding::canonical;
  expect_equal(params, 20000, 17);
  expect_equal(skipping("fp16", "int8", Recoding::canonical), 30000, 18);
  expect_equal(skipping("int8", "int5", Recoding::canonical), 20000, 19);
}

// The RTL alone, without the model: its results arrive when timing says, with the values golden
// says.
void expect_rtl_meets_timing(const Params& params) {
  const Design design(params);
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
        test::drive(rtl, design, jobs, {interval}, test::BitSerialTokens{params});
    const Timing timing(params);
    Timing::State state;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const JobTiming predicted =
          timing.next(state, jobs[i].job, {interval}, test::bit_serial_steps(params, jobs[i]));
      if (!jobs[i].job.emit) continue;
      EXPECT_EQ(seen.jobs[i].first_y, predicted.first_y) << "job " << i;
      EXPECT_EQ(seen.jobs[i].last_y, predicted.last_y) << "job " << i;
      EXPECT_EQ(seen.jobs[i].y, test::golden_of_chain(design, jobs, i)) << "job " << i;
    }
  }
}

TEST(BitSerialLockstep, RtlMeetsTimingDirectly) {
  expect_rtl_meets_timing(array(4, 4, 4, "fp16", "fp4_e2m1", 16));
  expect_rtl_meets_timing(array(11, 2, 8, "fp16", "ternary", 8));
  expect_rtl_meets_timing(skipping("fp16", "int6", Recoding::canonical));
  Params tiles = array(6, 3, 2, "fp16", "fp3", 8);
  tiles.row_tiles = 2;
  expect_rtl_meets_timing(tiles);
}

}  // namespace
}  // namespace bitsmith::bit_serial
