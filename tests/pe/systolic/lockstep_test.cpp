// Cycle model and Verilated RTL on every port in every cycle, beyond the shipped configurations
// (those are run through `bitsmith verify`, tests/CMakeLists.txt): shapes and options that none of
// them has.
#include "cosim/lockstep.h"

#include <gtest/gtest.h>

#include "pe/systolic/design.h"
#include "support/model_driver.h"
#include "support/systolic_jobs.h"

namespace bitsmith::systolic {
namespace {

void expect_equal(const Params& params, std::uint64_t cycles, std::uint64_t seed) {
  const Design design(params);
  const LockstepResult result = verify(design, "lockstep_test", {cycles, seed});
  ASSERT_FALSE(result.mismatch) << "cycle " << result.mismatch->cycle << ": "
                                << result.mismatch->what << " " << result.wave;
  EXPECT_EQ(result.cycles_compared, cycles);
  EXPECT_GT(result.jobs_completed, cycles / 200);
  EXPECT_GT(result.values_compared, cycles / 100);
  EXPECT_GT(result.resets, 5U);
}

TEST(SystolicLockstep, SinglePe) {
  Params params;
  params.rows = params.cols = 1;
  params.k_bits = 3;
  params.clock_gating = ClockGating::idle;
  expect_equal(params, 20000, 5);
}

TEST(SystolicLockstep, TallArrayWithOddWidthsAndWrap) {
  Params params;
  params.rows = 5;
  params.cols = 2;
  params.activation = find_format("int7");
  params.weight = find_format("int3");
  params.accumulator_bits = 11;
  params.overflow = Overflow::wrap;
  expect_equal(params, 20000, 6);
}

// 2 * rows + cols is a power of two: the drain counter uses its whole range.
TEST(SystolicLockstep, DrainOfExactlyAPowerOfTwo) {
  Params params;
  params.rows = 6;
  params.cols = 4;
  params.activation = params.weight = find_format("int4");
  params.accumulator_bits = 8;  // as narrow as a product: nearly every sum saturates
  params.overflow = Overflow::saturate;
  params.clock_gating = ClockGating::idle_pad;
  expect_equal(params, 20000, 7);
}

// One PE of every stationary dataflow: the smallest skew, deskew and accumulator.
TEST(SystolicLockstep, SinglePeWeightStationary) {
  Params params;
  params.dataflow = Dataflow::weight_stationary;
  params.rows = params.cols = params.acc_rows = 1;
  expect_equal(params, 20000, 8);
}

// Operand registers that hold still in padding must not reach the sums.
TEST(SystolicLockstep, WeightStationaryGatedInPadding) {
  Params params;
  params.dataflow = Dataflow::weight_stationary;
  params.rows = 4;
  params.cols = 3;
  params.acc_rows = 5;
  params.clock_gating = ClockGating::idle_pad;
  expect_equal(params, 20000, 13);
}

TEST(SystolicLockstep, WideInputStationaryWithOddWidthsAndWrap) {
  Params params;
  params.dataflow = Dataflow::input_stationary;
  params.rows = 2;
  params.cols = 5;
  params.acc_rows = 9;
  params.activation = find_format("int7");
  params.weight = find_format("int3");
  params.accumulator_bits = 11;
  params.overflow = Overflow::wrap;
  params.pipeline = 2;
  params.drain = Drain::serial;
  params.clock_gating = ClockGating::idle;
  expect_equal(params, 20000, 9);
}

// Saturation depends on the order of the additions: the sums of accumulating jobs are in k order
// although they leave the PEs in between.
TEST(SystolicLockstep, WeightStationarySaturatesInOrder) {
  Params params;
  params.dataflow = Dataflow::weight_stationary;
  params.rows = 3;
  params.cols = 4;
  params.acc_rows = 6;
  params.activation = params.weight = find_format("int4");
  params.accumulator_bits = 8;
  params.overflow = Overflow::saturate;
  params.preload = Preload::serial;
  expect_equal(params, 20000, 10);
}

TEST(SystolicLockstep, FloatsOfDifferentFormatsWithTwoPartialSums) {
  Params params;
  params.rows = 3;
  params.cols = 2;
  params.activation = find_format("bf16");
  params.weight = find_format("fp8_e5m2");
  params.pipeline = 3;
  params.drain = Drain::serial;
  params.clock_gating = ClockGating::idle_pad;
  expect_equal(params, 20000, 11);
}

TEST(SystolicLockstep, InputStationaryFloatsInATwoStepAdder) {
  Params params;
  params.dataflow = Dataflow::input_stationary;
  params.rows = 2;
  params.cols = 3;
  params.acc_rows = 5;
  params.activation = find_format("fp16");
  params.weight = find_format("fp4_e2m1");
  params.pipeline = 3;
  expect_equal(params, 20000, 12);
}

// The RTL alone, without the model: its results arrive when timing says, with the values golden
// says. Four jobs, one of them in two that accumulate.
void expect_rtl_meets_timing(const Params& params) {
  const Design design(params);
  const TileLimits limits = design.tile_limits();
  const auto at_most = [](std::uint32_t size, std::uint32_t limit) {
    return std::min(size, limit);
  };
  const std::uint32_t whole_m = at_most(9, limits.m), whole_n = at_most(9, limits.n);
  const std::vector<Job> shapes = {{whole_m, whole_n, at_most(9, limits.k), false, true},
                                   {at_most(3, limits.m), 1, at_most(2, limits.k), false, true},
                                   {whole_m, whole_n, at_most(20, limits.k), false, false},
                                   {whole_m, whole_n, at_most(7, limits.k), true, true},
                                   {1, at_most(2, limits.n), 1, false, false},
                                   {1, at_most(2, limits.n), 1, true, true}};
  for (const std::uint64_t interval : {1U, 3U}) {
    std::mt19937_64 random(8);
    std::vector<test::DrivenJob> jobs;
    for (const Job& job : shapes) jobs.push_back(test::random_driven_job(design, job, random));
    VerilatedArray rtl(build_verilated(rtl_sources(design), false), 1);
    const test::DriveResult seen =
        test::drive(rtl, design, jobs, {interval}, test::SystolicTokens{params});
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

Params narrow_array(Dataflow dataflow, Preload preload, Drain drain) {
  Params params;
  params.dataflow = dataflow;
  params.preload = preload;
  params.drain = drain;
  params.rows = 5;
  params.cols = 2;
  params.acc_rows = 9;
  params.activation = find_format("int7");
  params.weight = find_format("int3");
  params.accumulator_bits = 11;
  params.overflow = Overflow::wrap;
  return params;
}

TEST(SystolicLockstep, RtlMeetsTimingDirectly) {
  for (const Drain drain : {Drain::overlapped, Drain::serial}) {
    expect_rtl_meets_timing(narrow_array(Dataflow::output_stationary, Preload::overlapped, drain));
  }
}

TEST(SystolicLockstep, RtlMeetsTimingDirectlyWeightStationary) {
  expect_rtl_meets_timing(
      narrow_array(Dataflow::weight_stationary, Preload::overlapped, Drain::overlapped));
  expect_rtl_meets_timing(
      narrow_array(Dataflow::weight_stationary, Preload::serial, Drain::serial));
}

TEST(SystolicLockstep, RtlMeetsTimingDirectlyInputStationary) {
  expect_rtl_meets_timing(
      narrow_array(Dataflow::input_stationary, Preload::serial, Drain::overlapped));
}

TEST(SystolicLockstep, RtlMeetsTimingDirectlyInAllPipelines) {
  for (const std::uint32_t pipeline : {2U, 3U}) {
    for (const Dataflow dataflow : {Dataflow::output_stationary, Dataflow::weight_stationary}) {
      Params params = narrow_array(dataflow, Preload::overlapped, Drain::overlapped);
      params.rows = 2;
      params.overflow = Overflow::exact;
      params.accumulator_bits = 32;
      params.activation = params.weight = find_format("fp8_e4m3");
      params.pipeline = pipeline;
      expect_rtl_meets_timing(params);
    }
  }
}

}  // namespace
}  // namespace bitsmith::systolic
