// Cycle model and Verilated RTL on every port in every cycle, beyond the shipped configurations
// (those are run through `bitsmith verify`, tests/CMakeLists.txt): shapes and options that none of
// them has.
#include "cosim/lockstep.h"

#include <gtest/gtest.h>

#include "pe/systolic/design.h"
#include "support/model_driver.h"

namespace bitsmith::systolic {
namespace {

void expect_equal(const Params& params, std::uint64_t cycles, std::uint64_t seed) {
  const Design design(params);
  const LockstepResult result = verify(design, {cycles, seed});
  ASSERT_FALSE(result.mismatch) << "cycle " << result.mismatch->cycle << ": "
                                << result.mismatch->what << " " << result.wave;
  EXPECT_EQ(result.cycles_compared, cycles);
  EXPECT_EQ(result.ports_compared, 5 * cycles);
  EXPECT_GT(result.values_compared, cycles / 100);
  EXPECT_GT(result.resets, 0U);
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

// The RTL alone, without the model: driven at full speed its results arrive when timing says.
TEST(SystolicLockstep, RtlMeetsTimingDirectly) {
  Params params;
  params.rows = 5;
  params.cols = 2;
  params.activation = find_format("int7");
  params.weight = find_format("int3");
  params.accumulator_bits = 11;
  params.overflow = Overflow::wrap;
  const Design design(params);
  std::mt19937_64 random(8);
  std::vector<test::DrivenJob> jobs;
  for (const Job& job : {Job{5, 2, 9, false, true}, Job{3, 1, 2, false, true},
                         Job{5, 2, 20, false, false}, Job{5, 2, 1, true, true}}) {
    jobs.push_back(test::random_driven_job(design, job, random));
  }
  VerilatedArray rtl(build_verilated(rtl_sources(design), false), 1);
  const test::DriveResult seen =
      test::drive(rtl, design, jobs, {3}, [](const VerilatedArray&) { return std::uint64_t{0}; });
  const Timing timing(params);
  Timing::State state;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const JobTiming predicted = timing.next(state, jobs[i].job, {3});
    if (!jobs[i].job.emit) continue;
    EXPECT_EQ(seen.jobs[i].first_y, predicted.first_y) << "job " << i;
    EXPECT_EQ(seen.jobs[i].last_y, predicted.last_y) << "job " << i;
  }
}

}  // namespace
}  // namespace bitsmith::systolic
