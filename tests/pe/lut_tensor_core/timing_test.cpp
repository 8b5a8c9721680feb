// timing == cycle model: every cycle, every PE-cycle class and every action count, over random
// arrays, jobs, enable intervals and arrivals of operands.
#include "pe/lut_tensor_core/timing.h"

#include <gtest/gtest.h>

#include "pe/lut_tensor_core/design.h"
#include "support/lut_tensor_core_jobs.h"
#include "support/model_driver.h"
#include "support/timing_prediction.h"

namespace bitsmith::lut_tensor_core {
namespace {

using test::drive;
using test::DrivenJob;
using test::DriveResult;
using test::expect_seen;

// Any operands, infinities and NaN among them, or mostly such that every bit of a result counts.
DrivenJob random_job(const Design& design, const Job& job, std::mt19937_64& random) {
  return random() % 4 == 0 ? test::random_driven_job(design, job, random)
                           : test::random_lut_job(design, job, random);
}

TEST(LutTensorCoreTiming, EqualsTheCycleModel) {
  std::mt19937_64 random(2025);
  std::uint64_t jobs_compared = 0;
  for (int round = 0; round < 2000; ++round) {
    const Params params = test::random_lut_params(random);
    const Design design(params);
    const std::vector<Job> jobs = test::random_lut_jobs(params, random);
    const Pace pace{random() % 3 == 0 ? 1 + random() % 5 : 1};
    SCOPED_TRACE(
        fmt::format("round {}: {} interval {}", round, design.resolved().dump(), pace.interval));
    std::vector<DrivenJob> driven;
    test::Prediction predicted(design, pace);
    for (const Job& job : jobs) {
      driven.push_back(random_job(design, job, random));
      predicted.add(job);
    }
    Model model(params);
    const DriveResult seen = drive(model, design, driven, pace, test::LutTokens{params});
    expect_seen(predicted, design, driven, model, seen);
    if (HasFatalFailure()) return;
    jobs_compared += jobs.size();
  }
  EXPECT_GT(jobs_compared, 10000U);
}

// An arrival after `before`: with the one before it, about when the array could take the operands,
// or long after that.
std::uint64_t random_arrival(const Timing::State& state, Pace pace, std::uint64_t before,
                             std::mt19937_64& random) {
  const std::uint64_t free = pace.cycle_of_step(state.step);
  const std::uint64_t near = pace.interval * 10;
  switch (random() % 5) {
    case 0:
      return before;
    case 1:
      return std::max(before, free) + random() % 1000;
    default:
      return std::max(before + near, free + random() % (2 * near)) - near;
  }
}

// Jobs come in blocks, cut anywhere, and all operands of a block arrive at once.
TEST(LutTensorCoreTiming, LateOperandsEqualTheCycleModel) {
  std::mt19937_64 random(78);
  std::uint64_t early = 0, in_gap = 0, late = 0, continued = 0;
  for (int round = 0; round < 2000; ++round) {
    const Params params = test::random_lut_params(random);
    const Design design(params);
    const std::vector<Job> jobs = test::random_lut_jobs(params, random);
    const Pace pace{1 + random() % 3};
    std::vector<DrivenJob> driven;
    std::vector<std::uint64_t> arrivals;
    test::Prediction predicted(design, pace);
    std::uint64_t arrival = 0;
    for (const Job& job : jobs) {
      if (driven.empty() || random() % 3 == 0) {
        const Timing::State before = predicted.state();
        arrival = random_arrival(before, pace, arrival, random);
        predicted.arrival(arrival);
        const Timing::State& after = predicted.state();
        ++(after.step == before.step ? early : after.gap_ahead != 0 ? in_gap : late);
        continued += job.accumulate ? 1 : 0;
      }
      driven.push_back(random_job(design, job, random));
      predicted.add(job);
      arrivals.push_back(arrival);
    }
    SCOPED_TRACE(fmt::format("round {}: {} interval {} arrivals {}", round,
                             design.resolved().dump(), pace.interval, fmt::join(arrivals, " ")));
    Model model(params);
    const DriveResult seen = drive(model, design, driven, pace, test::LutTokens{params}, arrivals);
    expect_seen(predicted, design, driven, model, seen);
    if (HasFatalFailure()) return;
  }
  for (const std::uint64_t blocks : {early, in_gap, late, continued}) EXPECT_GT(blocks, 300U);
}

Job tile(std::uint32_t m, std::uint32_t n, std::uint32_t k) { return {m, n, k, false, true}; }

Params paper(Precompute precompute) {
  Params params;
  params.precompute = precompute;
  return params;
}

// 2x64x4, int2, fused: a group of 128 weights takes 2 x 32 steps; four of them, in cycles 1..256.
// Its first row leaves L + 5 = 6 steps later, the second one after that, each at the port one cycle
// later.
TEST(LutTensorCoreTiming, OneTileByHand) {
  Timing::State state;
  const JobTiming timing = Timing(paper(Precompute::fused)).next(state, tile(2, 64, 512), {});
  EXPECT_EQ(timing.start, 1U);
  EXPECT_EQ(timing.operands_free, 256U);
  EXPECT_EQ(timing.first_y, 256U + 6 + 1);
  EXPECT_EQ(timing.last_y, 256U + 6 + 1 + 1);
  EXPECT_EQ(timing.actions[kABeat], 128U);
  EXPECT_EQ(timing.actions[kWBeat], 256U);
  EXPECT_EQ(timing.actions[kTable], 2U * 128);
  EXPECT_EQ(timing.actions[kSumLane], 2U * 128);
  EXPECT_EQ(timing.actions[kLane], 256U * 128);
  EXPECT_EQ(timing.actions[kResultShift], 4U * 2 * 128);
  EXPECT_EQ(timing.actions[kDequantise], 4U * 2 * 64);
}

// The room card's 64x64x512.
TEST(LutTensorCoreTiming, WholeGemmByHand) {
  const auto cycles = [](const Params& params) {
    const Timing timing{params};
    Timing::State state;
    std::uint64_t last = 0;
    for (int i = 0; i < 32; ++i) last = timing.next(state, tile(2, 64, 512), {}).last_y;
    return last + 1;
  };
  EXPECT_EQ(cycles(paper(Precompute::fused)), 8201U);
  Params params = paper(Precompute::unit);
  EXPECT_EQ(cycles(params), 8202U);
  params.table = TableKind::int8;
  EXPECT_EQ(cycles(params), 8203U);
  params = paper(Precompute::unit);
  params.engine = Engine::mac;
  EXPECT_EQ(cycles(params), 4105U);
}

// U = max(m + 2, L + 1): groups of fewer steps wait for the one before.
TEST(LutTensorCoreTiming, OnlyGroupsShorterThanTheirResultsWait) {
  const auto last_token = [](std::uint32_t m, TableKind table, std::uint32_t pipeline) {
    Params params = paper(Precompute::unit);
    params.m = 8;
    params.group = 8;
    params.table = table;
    params.pipeline = pipeline;
    Timing::State state;
    return Timing(params).next(state, tile(m, 8, 80), {}).operands_free;
  };
  EXPECT_EQ(last_token(2, TableKind::full, 1), 4U + 9 * 4);
  EXPECT_EQ(last_token(3, TableKind::full, 1), 4U + 9 * 5);
  EXPECT_EQ(last_token(8, TableKind::full, 1), 4U + 9 * 10);
  EXPECT_EQ(last_token(1, TableKind::full, 2), 4U + 9 * 4);
  EXPECT_EQ(last_token(1, TableKind::int8, 2), 4U + 9 * 5);
}

}  // namespace
}  // namespace bitsmith::lut_tensor_core
