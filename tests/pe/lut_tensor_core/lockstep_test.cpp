// Cycle model and Verilated RTL on every port in every cycle, every result with golden, beyond the
// shipped configurations (those are run through `bitsmith verify`, tests/CMakeLists.txt).
#include "cosim/lockstep.h"

#include <gtest/gtest.h>

#include "pe/lut_tensor_core/design.h"
#include "support/lut_tensor_core_jobs.h"
#include "support/model_driver.h"

namespace bitsmith::lut_tensor_core {
namespace {

Params array(std::uint32_t m, std::uint32_t n, std::uint32_t k, Engine engine,
             const char* activation, const char* weight, std::uint32_t group) {
  Params params;
  params.m = m;
  params.n = n;
  params.k = k;
  params.engine = engine;
  params.activation = find_format(activation);
  params.weight = find_format(weight);
  params.group = group;
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
  EXPECT_GT(result.jobs_completed, cycles / 1500);  // of long groups there are few
  EXPECT_GT(result.values_compared, cycles / 1500);
  EXPECT_GT(result.resets, 5U);
}

TEST(LutTensorCoreLockstep, SingleLane) {
  Params params = array(1, 1, 2, Engine::lut, "int8", "int2", 8);
  params.k_bits = 4;
  expect_equal(params, 20000, 1);
}

TEST(LutTensorCoreLockstep, NegationInTheArray) {
  expect_equal(array(2, 3, 3, Engine::lut_negate, "int16", "uint3", 9), 20000, 2);
}

TEST(LutTensorCoreLockstep, FullTable) {
  Params params = array(2, 2, 5, Engine::lut_full, "int8", "int4", 10);
  params.pipeline = 2;
  expect_equal(params, 20000, 3);
}

TEST(LutTensorCoreLockstep, Adders) {
  expect_equal(array(3, 2, 6, Engine::add, "int8", "ternary", 12), 20000, 4);
}

TEST(LutTensorCoreLockstep, Multipliers) {
  expect_equal(array(2, 2, 4, Engine::mac, "int16", "uint8", 16), 20000, 5);
}

// 8-bit tables are two steps long, with a register in the lanes three: longer than one row's wait.
TEST(LutTensorCoreLockstep, TablesInEightBits) {
  Params params = array(1, 3, 4, Engine::lut, "int8", "uint4", 8);
  params.table = TableKind::int8;
  params.pipeline = 2;
  expect_equal(params, 30000, 6);
}

// More rows than a group has steps: results keep groups apart.
TEST(LutTensorCoreLockstep, MoreRowsThanStepsOfAGroup) {
  expect_equal(array(9, 2, 4, Engine::lut, "int8", "bipolar", 8), 20000, 7);
}

TEST(LutTensorCoreLockstep, IntegersAtTheirEnds) {
  expect_equal(array(1, 2, 4, Engine::lut, "int16", "uint8", 256), 30000, 8);
  expect_equal(array(1, 2, 4, Engine::lut_full, "int16", "int8", 256), 30000, 9);
}

// Each column of units has tables and sum lanes of its own.
TEST(LutTensorCoreLockstep, GridOfUnits) {
  Params params = array(2, 2, 4, Engine::lut, "int8", "int3", 12);
  params.unit_rows = 2;
  params.unit_cols = 3;
  expect_equal(params, 30000, 10);
}

TEST(LutTensorCoreLockstep, FusedTables) {
  Params params = array(2, 2, 4, Engine::lut, "int8", "int2", 16);
  params.precompute = Precompute::fused;
  expect_equal(params, 20000, 11);
  params.table = TableKind::int8;
  params.pipeline = 2;
  expect_equal(params, 20000, 12);
  params = array(2, 2, 3, Engine::lut_full, "fp8_e4m3", "uint2", 9);
  params.precompute = Precompute::fused;
  expect_equal(params, 20000, 13);
}

TEST(LutTensorCoreLockstep, FloatingPointTables) {
  expect_equal(array(1, 2, 4, Engine::lut, "fp16", "int2", 8), 20000, 14);
  expect_equal(array(2, 1, 5, Engine::lut_negate, "fp8_e5m2", "ternary", 10), 20000, 15);
  Params params = array(1, 2, 3, Engine::lut_full, "fp16", "int3", 9);
  params.accumulator = Accumulator::tf32;
  params.pipeline = 2;
  expect_equal(params, 20000, 16);
}

// A zero point of one bit is one significant bit.
TEST(LutTensorCoreLockstep, FloatingPointZeroPointsOfOneBit) {
  expect_equal(array(1, 1, 2, Engine::lut, "fp8_e4m3", "uint1", 8), 20000, 22);
  expect_equal(array(1, 1, 2, Engine::mac, "fp8_e5m2", "uint1", 8), 20000, 23);
}

TEST(LutTensorCoreLockstep, FloatingPointTablesInEightBits) {
  Params params = array(1, 2, 4, Engine::lut, "fp16", "uint2", 8);
  params.table = TableKind::int8;
  expect_equal(params, 30000, 17);
  params.accumulator = Accumulator::tf32;
  params.precompute = Precompute::fused;
  params.weight = find_format("bipolar");
  expect_equal(params, 20000, 18);
}

TEST(LutTensorCoreLockstep, FloatingPointAddersAndMultipliers) {
  Params params = array(1, 2, 4, Engine::add, "fp8_e4m3", "uint8", 8);
  params.pipeline = 2;
  expect_equal(params, 20000, 19);
  params = array(1, 1, 3, Engine::mac, "fp16", "uint4", 9);
  expect_equal(params, 20000, 20);
  params.weight = find_format("ternary");
  params.pipeline = 2;
  expect_equal(params, 20000, 21);
}

// The RTL alone, without the model: its results arrive when timing says, with the values golden
// says.
void expect_rtl_meets_timing(const Params& params) {
  const Design design(params);
  const std::uint32_t g = params.group;
  const std::uint32_t m = rows(params), n = cols(params);
  const std::vector<Job> shapes = {{m, n, 3 * g + 1, false, true}, {1, 1, 2, false, true},
                                   {m, n, 2 * g, false, false},    {m, n, g - 1, true, true},
                                   {1, n, g, false, false},        {1, n, 1, true, true}};
  for (const std::uint64_t interval : {1U, 3U}) {
    std::mt19937_64 random(8);
    std::vector<test::DrivenJob> jobs;
    for (const Job& job : shapes) jobs.push_back(test::random_lut_job(design, job, random));
    VerilatedArray rtl(build_verilated(rtl_sources(design), false), 1);
    const test::DriveResult seen =
        test::drive(rtl, design, jobs, {interval}, test::LutTokens{params});
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

TEST(LutTensorCoreLockstep, RtlMeetsTimingDirectly) {
  expect_rtl_meets_timing(array(1, 1, 2, Engine::lut, "int8", "int2", 8));
  expect_rtl_meets_timing(array(9, 2, 4, Engine::lut, "int8", "bipolar", 8));
  expect_rtl_meets_timing(array(2, 2, 4, Engine::mac, "int16", "uint8", 16));
  Params params = array(1, 3, 4, Engine::lut, "int8", "uint4", 8);
  params.table = TableKind::int8;
  params.pipeline = 2;
  expect_rtl_meets_timing(params);
}

}  // namespace
}  // namespace bitsmith::lut_tensor_core
