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

// The RTL alone, without the model: its results arrive when timing says, with the values golden
// says.
TEST(SystolicLockstep, RtlMeetsTimingDirectly) {
  Params params;
  params.rows = 5;
  params.cols = 2;
  params.activation = find_format("int7");
  params.weight = find_format("int3");
  params.accumulator_bits = 11;
  params.overflow = Overflow::wrap;
  const std::vector<Job> shapes = {{5, 2, 9, false, true},
                                   {3, 1, 2, false, true},
                                   {5, 2, 20, false, true},
                                   {1, 2, 1, false, true},
                                   {5, 2, 3, false, true}};
  for (const Drain drain : {Drain::overlapped, Drain::serial}) {
    params.drain = drain;
    const Design design(params);
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
        const Job& job = jobs[i].job;
        const JobTiming predicted = timing.next(state, job, {interval});
        EXPECT_EQ(seen.jobs[i].first_y, predicted.first_y) << "job " << i;
        EXPECT_EQ(seen.jobs[i].last_y, predicted.last_y) << "job " << i;
        std::vector<std::int64_t> golden(std::size_t{job.m} * job.n);
        design.golden({jobs[i].a.data(), job.m, job.k, job.k},
                      {jobs[i].w.data(), job.k, job.n, job.n},
                      {golden.data(), job.m, job.n, job.n});
        EXPECT_EQ(seen.jobs[i].y, golden) << "job " << i;
      }
    }
  }
}

}  // namespace
}  // namespace bitsmith::systolic
