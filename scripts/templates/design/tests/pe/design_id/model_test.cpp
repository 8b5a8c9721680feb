// The cycle model by hand-worked cycles, against golden, and its contract with whoever drives it.
#include "pe/design_id/model.h"

#include <gtest/gtest.h>

#include "pe/design_id/design.h"
#include "support/model_driver.h"

namespace bitsmith::design_id {
namespace {

using test::DrivenJob;
using test::DriveResult;

Params with_lanes(std::uint32_t lanes) {
  Params params;
  params.lanes = lanes;
  return params;
}

std::vector<DrivenJob> random_operands(const Design& design, const std::vector<Job>& jobs) {
  std::mt19937_64 random(3);
  std::vector<DrivenJob> driven;
  for (const Job& job : jobs) driven.push_back(test::random_driven_job(design, job, random));
  return driven;
}

DriveResult drive(const Design& design, const std::vector<DrivenJob>& jobs) {
  Model model(design.params());
  return test::drive(model, design, jobs, {});
}

DriveResult drive(const Params& params, const std::vector<Job>& jobs) {
  const Design design(params);
  return drive(design, random_operands(design, jobs));
}

// REPLACE: the cycles of your room card. Cycle 0: beats at the ports. 1: out of the buffers, dot
// product. 2: accumulated. 3: into the result buffer. 4: at the port, taken.
TEST(DesignIdModel, OneBeatByHand) {
  const DriveResult result = drive(with_lanes(4), {{1, 1, 1, false, true}});
  EXPECT_EQ(result.jobs[0].start, 1U);
  EXPECT_EQ(result.jobs[0].first_y, 4U);
  EXPECT_EQ(result.cycles, 5U);
}

// 9 elements on 4 lanes are three beats, in cycles 1..3; the next job follows without a gap.
TEST(DesignIdModel, JobsFollowEachOtherWithoutAGap) {
  const DriveResult result = drive(with_lanes(4), {{1, 1, 9, false, true}, {1, 1, 4, false, true}});
  EXPECT_EQ(result.jobs[0].operands_free, 3U);
  EXPECT_EQ(result.jobs[0].first_y, 6U);
  EXPECT_EQ(result.jobs[1].start, 4U);
  EXPECT_EQ(result.jobs[1].first_y, 7U);
}

TEST(DesignIdModel, ResultsEqualGoldenThroughAccumulatingJobs) {
  for (const std::uint32_t lanes : {1U, 3U, 8U}) {
    const Design design(with_lanes(lanes));
    const std::vector<DrivenJob> jobs = random_operands(design, {{1, 1, 20, false, true},
                                                                 {1, 1, 7, false, false},
                                                                 {1, 1, 2, true, false},
                                                                 {1, 1, 11, true, true},
                                                                 {1, 1, 1, false, true}});
    const DriveResult result = drive(design, jobs);
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const Job& job = jobs[i].job;
      std::int64_t part = 0;
      design.golden({{jobs[i].a.data(), 1, job.k, job.k}, {jobs[i].w.data(), job.k, 1, 1}},
                    {&part, 1, 1, 1});
      sum = (job.accumulate ? sum : 0) + part;
      if (job.emit) {
        EXPECT_EQ(result.jobs[i].y, std::vector<std::int64_t>{sum}) << lanes << " lanes, job " << i;
      }
    }
  }
}

TEST(DesignIdModel, LanesBeyondKAreZero) {
  const Design design(with_lanes(4));
  const Job job{1, 1, 6, false, true};
  const std::vector<std::uint16_t> ones(6, 0xFF);
  std::vector<std::uint32_t> beat = {0xDEADBEEF};
  ASSERT_EQ(design.beats(job).a, 2U);
  design.pack_a(job, {ones.data(), 1, 6, 6}, 0, beat);
  EXPECT_EQ(beat[0], 0xFFFFFFFFU);
  design.pack_a(job, {ones.data(), 1, 6, 6}, 1, beat);
  EXPECT_EQ(beat[0], 0x0000FFFFU);
  design.pack_w(job, {ones.data(), 6, 1, 1}, 1, beat);
  EXPECT_EQ(beat[0], 0x0000FFFFU);
}

TEST(DesignIdModel, RefusesJobsThatBreakTheContract) {
  const Params params = with_lanes(4);
  const Job whole{1, 1, 1, false, true};
  const Job more{1, 1, 1, true, true};
  EXPECT_THROW(drive(params, {more}), InternalError);         // nothing to accumulate on
  EXPECT_THROW(drive(params, {whole, more}), InternalError);  // the sum has left
  EXPECT_THROW(drive(params, {{2, 1, 1, false, true}}), InternalError);
  Params narrow = params;
  narrow.accumulator_bits = 16;  // exact up to one product
  EXPECT_THROW(drive(narrow, {{1, 1, 2, false, true}}), InternalError);
}

TEST(DesignIdModel, OutputsAreQuietInResetAndPayloadIsZeroWithoutValid) {
  Model model(with_lanes(4));
  ArrayInputs in;
  in.rst_n = false;
  model.step(in);
  EXPECT_TRUE(model.outputs().job_ready && model.outputs().a_ready && model.outputs().w_ready);
  EXPECT_FALSE(model.outputs().y_valid);
  EXPECT_EQ(model.outputs().y[0], 0U);
}

}  // namespace
}  // namespace bitsmith::design_id
