// The systolic cycle model by hand-worked cycles, and its contract with whoever drives it.
#include "pe/systolic/model.h"

#include <gtest/gtest.h>

#include "pe/systolic/design.h"
#include "pe/systolic/golden.h"
#include "support/model_driver.h"
#include "support/systolic_jobs.h"

namespace bitsmith::systolic {
namespace {

using test::drive;
using test::DrivenJob;
using test::DriveResult;

Params small(std::uint32_t rows, std::uint32_t cols, Drain drain) {
  Params params;
  params.rows = rows;
  params.cols = cols;
  params.drain = drain;
  return params;
}

DriveResult drive_jobs(const Params& params, const std::vector<Job>& jobs, Pace pace,
                       Model& model) {
  const Design design(params);
  std::mt19937_64 random(3);
  std::vector<DrivenJob> driven;
  for (const Job& job : jobs) driven.push_back(test::random_driven_job(design, job, random));
  return drive(model, design, driven, pace, test::SystolicTokens{params});
}

// Cycle by cycle on a 1x1 array, k = 1. Cycle 0: beats at the ports. 1: out of the buffers, into
// the edge register. 2: multiplied. 3: serial: into the result buffer. 4: at the port, taken.
TEST(SystolicModel, OnePeSerialDrainByHand) {
  const Params params = small(1, 1, Drain::serial);
  Model model(params);
  const DriveResult result = drive_jobs(params, {{1, 1, 1, false, true}}, {}, model);
  EXPECT_EQ(result.jobs[0].start, 1U);
  EXPECT_EQ(result.jobs[0].first_y, 4U);
  EXPECT_EQ(result.cycles, 5U);
}

// One cycle more: the sum is copied into the drain register first.
TEST(SystolicModel, OnePeOverlappedDrainByHand) {
  const Params params = small(1, 1, Drain::overlapped);
  Model model(params);
  EXPECT_EQ(drive_jobs(params, {{1, 1, 1, false, true}}, {}, model).jobs[0].first_y, 5U);
}

// 2x3 array, k = 4, serial. Tokens enter in cycles 1..4; the last reaches PE(0,0) in 5 and PE(1,2)
// three steps later, in 8; rows leave in 9 and 10 and are at the port in 10 and 11.
TEST(SystolicModel, SmallArraySerialDrainByHand) {
  const Params params = small(2, 3, Drain::serial);
  Model model(params);
  const DriveResult result = drive_jobs(params, {{2, 3, 4, false, true}}, {}, model);
  EXPECT_EQ(result.jobs[0].operands_free, 4U);
  EXPECT_EQ(result.jobs[0].first_y, 10U);
  EXPECT_EQ(result.jobs[0].last_y, 11U);
}

// An edge tile does not wait for the padding: on a 16x16 array m = n = 1 is as fast as on a 1x1.
TEST(SystolicModel, EdgeTilesAreNotSlowedByPadding) {
  const Params params = small(16, 16, Drain::serial);
  Model model(params);
  EXPECT_EQ(drive_jobs(params, {{1, 1, 1, false, true}}, {}, model).jobs[0].first_y, 4U);
}

// Serial: the second tile's first token enters in the step after the first one's last row has left.
// 2x2, k = 3: tokens 1..3, drain steps 2*2 + 2 - 1 = 5 after the last token: 4..8; start in 9.
TEST(SystolicModel, SerialDrainHoldsTheNextJob) {
  const Params params = small(2, 2, Drain::serial);
  Model model(params);
  const DriveResult result =
      drive_jobs(params, {{2, 2, 3, false, true}, {2, 2, 3, false, true}}, {}, model);
  EXPECT_EQ(result.jobs[1].start, 9U);
}

// Overlapped: the drain takes 2*2 + 2 = 6 steps after the last token. A job of 6 tokens follows
// without a gap; one of 5 starts one step later, so that its last token enters in the drain's last
// step.
TEST(SystolicModel, OverlappedDrainHidesBehindALongEnoughJob) {
  const Params params = small(2, 2, Drain::overlapped);
  for (const std::uint32_t k : {6U, 5U}) {
    Model model(params);
    const DriveResult result =
        drive_jobs(params, {{2, 2, 3, false, true}, {2, 2, k, false, true}}, {}, model);
    EXPECT_EQ(result.jobs[1].start, k == 6 ? 4U : 5U);
  }
}

TEST(SystolicModel, ResultsEqualGoldenThroughAccumulatingJobs) {
  const Params params = small(5, 3, Drain::overlapped);
  const Design design(params);
  std::mt19937_64 random(11);
  const std::vector<Job> jobs = {{5, 3, 7, false, false}, {5, 3, 2, true, true}};
  std::vector<DrivenJob> driven;
  for (const Job& job : jobs) driven.push_back(test::random_driven_job(design, job, random));
  Model model(params);
  const DriveResult result = drive(model, design, driven, {}, test::SystolicTokens{params});

  std::vector<std::int64_t> expected(15), part(15);
  for (const DrivenJob& d : driven) {
    design.golden({{d.a.data(), 5, d.job.k, d.job.k}, {d.w.data(), d.job.k, 3, 3}},
                  {part.data(), 5, 3, 3});
    for (std::size_t i = 0; i < part.size(); ++i) expected[i] += part[i];
  }
  EXPECT_EQ(result.jobs[1].y, expected);
}

// The same jobs without and with saturation differ; overflows are counted.
TEST(SystolicModel, CountsOverflowsAsGoldenDoes) {
  Params params = small(2, 2, Drain::serial);
  params.overflow = Overflow::saturate;
  params.accumulator_bits = 16;
  const Design design(params);
  const Job job{2, 2, 5, false, true};
  const DrivenJob driven{job, std::vector<std::uint16_t>(10, 0x80),
                         std::vector<std::uint16_t>(10, 0x80)};
  Model model(params);
  const DriveResult result = drive(model, design, {driven}, {}, test::SystolicTokens{params});
  // 16384 fits, 32768 does not: four of five additions overflow in each of four PEs.
  EXPECT_EQ(result.jobs[0].y, std::vector<std::int64_t>(4, 32767));
  EXPECT_EQ(model.overflows(), 16U);
  std::vector<std::int64_t> y(4);
  EXPECT_EQ(
      golden(params, {driven.a.data(), 2, 5, 5}, {driven.w.data(), 5, 2, 2}, {y.data(), 2, 2, 2}),
      model.overflows());
}

TEST(SystolicModel, RefusesJobsThatBreakTheContract) {
  const Params params = small(2, 2, Drain::serial);
  const auto run = [&](const std::vector<Job>& jobs) {
    Model model(params);
    drive_jobs(params, jobs, {}, model);
  };
  EXPECT_THROW(run({{2, 2, 1, true, true}}), InternalError);  // nothing to accumulate on
  EXPECT_THROW(run({{2, 2, 1, false, false}, {1, 2, 1, true, true}}),
               InternalError);  // other shape
  EXPECT_THROW(run({{2, 2, 1, false, true}, {2, 2, 1, true, true}}),
               InternalError);  // sums are gone
  EXPECT_THROW(run({{2, 2, 0, false, true}}), InternalError);
  EXPECT_THROW(run({{3, 2, 1, false, true}}), InternalError);
  Params narrow = params;
  narrow.accumulator_bits = 16;  // exact up to one product
  Model model(narrow);
  EXPECT_THROW(drive_jobs(narrow, {{2, 2, 2, false, true}}, {}, model), InternalError);
}

// Weight stationary, one PE, by hand. Cycle 0: beats at the ports. 1: the weight enters its edge
// register. 2: it reaches the PE; the token enters its edge register. 3: multiplied. 4: into the
// result buffer. 5: at the port, taken.
TEST(SystolicModel, OnePeWeightStationaryByHand) {
  Params params = small(1, 1, Drain::overlapped);
  params.dataflow = Dataflow::weight_stationary;
  Model model(params);
  const DriveResult result = drive_jobs(params, {{1, 1, 1, false, true}}, {}, model);
  EXPECT_EQ(result.jobs[0].start, 2U);
  EXPECT_EQ(result.jobs[0].first_y, 5U);
  EXPECT_EQ(model.actions()[kWBeat], 1U);
}

// Pipelined floating-point PEs, output stationary: the result of one PE is 1 and 4 cycles later.
TEST(SystolicModel, PipelinedPesByHand) {
  Params params = small(1, 1, Drain::overlapped);
  params.activation = params.weight = find_format("fp16");
  for (const auto& [pipeline, first_y] : {std::pair(1U, 5U), {2U, 6U}, {3U, 9U}}) {
    params.pipeline = pipeline;
    Model model(params);
    EXPECT_EQ(drive_jobs(params, {{1, 1, 1, false, true}}, {}, model).jobs[0].first_y, first_y);
  }
}

// With two partial sums the next job starts three steps later than it could.
TEST(SystolicModel, AddingPartialSumsHoldsTheNextJob) {
  Params params = small(2, 2, Drain::overlapped);
  params.activation = params.weight = find_format("bf16");
  params.pipeline = 3;
  Model model(params);
  const DriveResult result =
      drive_jobs(params, {{2, 2, 9, false, true}, {2, 2, 90, false, true}}, {}, model);
  EXPECT_EQ(result.jobs[0].operands_free, 9U);
  EXPECT_EQ(result.jobs[1].start, 9U + 1 + 3);
}

TEST(SystolicModel, OutputsAreQuietInResetAndPayloadIsZeroWithoutValid) {
  const Params params = small(3, 3, Drain::overlapped);
  Model model(params);
  ArrayInputs in;
  in.rst_n = false;
  model.step(in);
  EXPECT_TRUE(model.outputs().job_ready && model.outputs().a_ready && model.outputs().w_ready);
  EXPECT_FALSE(model.outputs().y_valid);
  for (std::size_t word = 0; word < 3; ++word) EXPECT_EQ(model.outputs().y[word], 0U);
}

}  // namespace
}  // namespace bitsmith::systolic
