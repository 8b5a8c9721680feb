// Cycle model and Verilated RTL on every port in every cycle, every result with golden: the shipped
// configurations, and parameters that none of them has.
#include "cosim/lockstep.h"

#include <gtest/gtest.h>

#include "common/file.h"
#include "pe/design_id/design.h"
#include "pe/registry.h"
#include "support/model_driver.h"

namespace bitsmith::design_id {
namespace {

void expect_equal(const bitsmith::Design& design, std::uint64_t cycles, std::uint64_t seed) {
  const LockstepResult result = verify(design, "lockstep_test", {cycles, seed});
  ASSERT_FALSE(result.mismatch) << "cycle " << result.mismatch->cycle << ": "
                                << result.mismatch->what << " " << result.wave;
  EXPECT_EQ(result.cycles_compared, cycles);
  EXPECT_EQ(result.ports_compared, port_count(design.channel_widths()) * cycles);
  EXPECT_GT(result.values_compared, cycles / 100);
  EXPECT_GT(result.resets, 0U);
}

TEST(DesignIdLockstep, ShippedConfigurations) {
  const auto folder = home_folder() / "configs" / "designs" / Design::kId;
  int configurations = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path());
    expect_equal(*load_design(entry.path()), 5000, 1);
    ++configurations;
  }
  EXPECT_GT(configurations, 0);
}

// REPLACE: the corners of your parameters. Odd widths, and the smallest K that can be.
TEST(DesignIdLockstep, OddWidths) {
  Params params;
  params.lanes = 3;
  params.activation = find_format("int7");
  params.weight = find_format("int3");
  params.accumulator_bits = 14;
  params.k_bits = 3;
  expect_equal(Design(params), 5000, 2);
}

TEST(DesignIdLockstep, SingleLane) {
  Params params;
  params.lanes = 1;
  params.k_bits = 5;
  expect_equal(Design(params), 5000, 3);
}

// The RTL alone, without the model: driven at full speed its results arrive when timing says.
TEST(DesignIdLockstep, RtlMeetsTimingDirectly) {
  const Design design{Params{}};
  const std::vector<Job> jobs = {{1, 1, 9, false, true},
                                 {1, 1, 20, false, false},
                                 {1, 1, 1, true, true},
                                 {1, 1, 8, false, true}};
  const Pace pace{3};
  std::mt19937_64 random(8);
  std::vector<test::DrivenJob> driven;
  for (const Job& job : jobs) driven.push_back(test::random_driven_job(design, job, random));
  VerilatedArray rtl(build_verilated(rtl_sources(design), false), 1);
  const test::DriveResult seen = test::drive(rtl, design, driven, pace);
  const Timing timing(design.params());
  Timing::State state;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const JobTiming predicted = timing.next(state, jobs[i], pace);
    if (!jobs[i].emit) continue;
    EXPECT_EQ(seen.jobs[i].first_y, predicted.first_y) << "job " << i;
    EXPECT_EQ(seen.jobs[i].last_y, predicted.last_y) << "job " << i;
  }
}

}  // namespace
}  // namespace bitsmith::design_id
