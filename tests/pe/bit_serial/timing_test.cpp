// timing == cycle model: every cycle, every PE-cycle class and every action count, over random
// arrays, jobs, enable intervals and arrivals of operands.
#include "pe/bit_serial/timing.h"

#include <gtest/gtest.h>

#include "pe/bit_serial/design.h"
#include "support/bit_serial_jobs.h"
#include "support/model_driver.h"
#include "support/timing_prediction.h"

namespace bitsmith::bit_serial {
namespace {

using test::drive;
using test::DrivenJob;
using test::DriveResult;
using test::expect_seen;

TEST(BitSerialTiming, EqualsTheCycleModel) {
  std::mt19937_64 random(2025);
  std::uint64_t jobs_compared = 0;
  for (int round = 0; round < 2000; ++round) {
    const Params params = test::random_bit_serial_params(random);
    const Design design(params);
    const std::vector<Job> jobs = test::random_bit_serial_jobs(params, random);
    const Pace pace{random() % 3 == 0 ? 1 + random() % 5 : 1};
    SCOPED_TRACE(
        fmt::format("round {}: {} interval {}", round, design.resolved().dump(), pace.interval));
    std::vector<DrivenJob> driven;
    test::Prediction predicted(design, pace);
    for (const Job& job : jobs) {
      driven.push_back(test::random_driven_job(design, job, random));
      predicted.add(job, test::bit_serial_steps(params, driven.back()));
    }
    Model model(params);
    const DriveResult seen = drive(model, design, driven, pace, test::BitSerialTokens{params});
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
TEST(BitSerialTiming, LateOperandsEqualTheCycleModel) {
  std::mt19937_64 random(78);
  std::uint64_t early = 0, in_gap = 0, late = 0, continued = 0;
  for (int round = 0; round < 2000; ++round) {
    const Params params = test::random_bit_serial_params(random);
    const Design design(params);
    const std::vector<Job> jobs = test::random_bit_serial_jobs(params, random);
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
      driven.push_back(test::random_driven_job(design, job, random));
      predicted.add(job, test::bit_serial_steps(params, driven.back()));
      arrivals.push_back(arrival);
    }
    SCOPED_TRACE(fmt::format("round {}: {} interval {} arrivals {}", round,
                             design.resolved().dump(), pace.interval, fmt::join(arrivals, " ")));
    Model model(params);
    const DriveResult seen =
        drive(model, design, driven, pace, test::BitSerialTokens{params}, arrivals);
    expect_seen(predicted, design, driven, model, seen);
    if (HasFatalFailure()) return;
  }
  for (const std::uint64_t blocks : {early, in_gap, late, continued}) EXPECT_GT(blocks, 300U);
}

Job tile(std::uint32_t m, std::uint32_t n, std::uint32_t k) { return {m, n, k, false, true}; }

// The room card's formula as a number: fp4, two terms, four lanes. A group of 128 weights takes 64
// steps; four of them, in cycles 1..256. Its first row leaves 14 steps later, the eighth 7 after
// that, each at the port one cycle later.
TEST(BitSerialTiming, OneTileByHand) {
  Timing::State state;
  const JobTiming timing = Timing(Params{}).next(state, tile(8, 8, 512), {});
  EXPECT_EQ(timing.start, 1U);
  EXPECT_EQ(timing.operands_free, 256U);
  EXPECT_EQ(timing.first_y, 256U + 14 + 1);
  EXPECT_EQ(timing.last_y, 256U + 14 + 7 + 1);
  EXPECT_EQ(timing.actions[kDequantise], 4U * 64);
  EXPECT_EQ(timing.actions[kDot], 256U * 64);
}

TEST(BitSerialTiming, WholeGemmByHand) {
  const Timing timing{Params{}};
  Timing::State state;
  std::uint64_t last = 0;
  for (int i = 0; i < 64; ++i) last = timing.next(state, tile(8, 8, 512), {}).last_y;
  EXPECT_EQ(last + 1, 64U * 4 * 64 + 8 + 15);
}

// Two terms and four lanes: a group of 16 takes the 8 steps that its scale takes, one of 8 only 4.
TEST(BitSerialTiming, OnlyGroupsShorterThanSixteenWaitForTheirScale) {
  const auto last_token = [](std::uint32_t group, std::uint32_t m, std::uint32_t k) {
    Params params;
    params.rows = 12;
    params.group = group;
    Timing::State state;
    return Timing(params).next(state, tile(m, 8, k), {}).operands_free;
  };
  EXPECT_EQ(last_token(16, 8, 160), 80U);
  EXPECT_EQ(last_token(8, 8, 80), 4U + 9 * 8);
  // Twelve rows of results take twelve steps.
  EXPECT_EQ(last_token(16, 12, 160), 8U + 9 * 12);
  EXPECT_EQ(last_token(24, 12, 240), 120U);
  // A short tail waits too: one beat, two terms.
  EXPECT_EQ(last_token(16, 8, 17), 8U + 8);
}

}  // namespace
}  // namespace bitsmith::bit_serial
