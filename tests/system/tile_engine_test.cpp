// Engine `tile` against stepping the cycle model through every job, and its identities.
#include "system/tile_engine.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "pe/bit_serial/design.h"
#include "pe/systolic/design.h"
#include "support/bit_serial_jobs.h"
#include "support/mixpe_jobs.h"
#include "support/model_driver.h"
#include "support/random_system.h"
#include "support/systolic_jobs.h"

namespace bitsmith {
namespace {

void flatten(const Schedule& schedule, std::vector<Job>& jobs) {
  for (std::uint64_t i = 0; i < schedule.repeat; ++i) {
    if (schedule.is_leaf()) jobs.push_back(schedule.job);
    for (const Schedule& child : schedule.children) flatten(child, jobs);
  }
}

void expect_identities(const RunCounts& counts, std::uint64_t pes) {
  EXPECT_EQ(counts.cycles, counts.array_cycles + counts.stall_cycles.total());
  EXPECT_EQ(counts.pe_cycles.total(), pes * counts.cycles);
  EXPECT_EQ(counts.pe_cycles.mac, counts.macs);
}

// One operator: total cycles, PE-cycle classes and all actions equal what the cycle model does when
// it is stepped through the same jobs. `jobs` are these jobs.
template <class Design, class Tokens>
void expect_equal_to_the_model(const Design& design, const Operator& op, Pace pace, Tokens tokens,
                               std::mt19937_64& random, std::vector<Job>& jobs) {
  SCOPED_TRACE(fmt::format("{}, {}x{}x{} x {}, interval {}", design.resolved().dump(), op.gemm.m,
                           op.gemm.n, op.gemm.k, op.count, pace.interval));
  const Schedule schedule = schedule_operator(op, design.tile_limits());
  flatten(schedule, jobs);
  std::vector<test::DrivenJob> driven;
  for (const Job& job : jobs) driven.push_back(test::random_driven_job(design, job, random));
  typename Design::Model model(design.params());
  const test::DriveResult seen = test::drive(model, design, driven, pace, tokens);

  const RunCounts counts = run_schedule(design, schedule, pace);
  ASSERT_EQ(counts.cycles, seen.cycles);
  ASSERT_EQ(counts.pe_cycles, model.pe_cycles());
  ASSERT_EQ(counts.actions, model.actions());
  ASSERT_EQ(counts.jobs, jobs.size());
  ASSERT_EQ(counts.macs, op.gemm.m * op.gemm.n * op.gemm.k * op.count);
  ASSERT_EQ(counts.cycles, counts.array_cycles + counts.stall_cycles.total());
  ASSERT_EQ(counts.pe_cycles.total(), design.pe_count() * counts.cycles);
}

Operator random_gemm(std::mt19937_64& random, std::uint64_t longest_k, std::uint64_t most) {
  return {"gemm",
          {1 + random() % 20, 1 + random() % 20, 1 + random() % longest_k},
          1 + random() % most,
          1};
}

Pace random_pace(std::mt19937_64& random) { return {random() % 4 == 0 ? 1 + random() % 3 : 1}; }

TEST(TileEngine, EqualsTheSystolicModelOverWholeGemms) {
  std::mt19937_64 random(17);
  for (int round = 0; round < 400; ++round) {
    systolic::Params params = test::random_systolic_params(random);
    params.k_bits = 2 + static_cast<std::uint32_t>(random() % 4);
    const systolic::Design design(params);
    const Operator op = random_gemm(random, 40, 3);
    std::vector<Job> jobs;
    expect_equal_to_the_model(design, op, random_pace(random), test::SystolicTokens{params}, random,
                              jobs);
    const RunCounts counts = run_schedule(design, schedule_operator(op, design.tile_limits()));
    ASSERT_EQ(counts.pe_cycles.mac, counts.macs);
    if (HasFatalFailure()) FAIL() << "in round " << round;
  }
}

// K is split at groups only, and a MAC takes a PE several steps.
TEST(TileEngine, EqualsTheBitSerialModelOverWholeGemms) {
  std::mt19937_64 random(18);
  std::uint64_t split = 0;
  for (int round = 0; round < 200; ++round) {
    bit_serial::Params params = test::random_bit_serial_params(random);
    params.skip_zero_terms = false;
    params.k_bits = 4 + static_cast<std::uint32_t>(random() % 3);
    while (params.group >> params.k_bits != 0) ++params.k_bits;
    const bit_serial::Design design(params);
    std::vector<Job> jobs;
    expect_equal_to_the_model(design, random_gemm(random, 200, 2), random_pace(random),
                              test::BitSerialTokens{params}, random, jobs);
    if (HasFatalFailure()) FAIL() << "in round " << round;
    split += jobs.front().emit ? 0 : 1;
  }
  EXPECT_GT(split, 50U);
}

// Groups that wait for each other, digits that take steps of their own.
TEST(TileEngine, EqualsTheMixpeModelOverWholeGemms) {
  std::mt19937_64 random(20);
  std::uint64_t split = 0;
  for (int round = 0; round < 200; ++round) {
    mixpe::Params params = test::random_mixpe_params(random);
    params.k_bits = 8;
    if (params.group != mixpe::kChannel && random() % 2 == 0) {
      params.group = 16;
      params.k_bits = 5;
    }
    const mixpe::Design design(params);
    std::vector<Job> jobs;
    expect_equal_to_the_model(design, random_gemm(random, 200, 2), random_pace(random),
                              test::MixpeTokens{params}, random, jobs);
    if (HasFatalFailure()) FAIL() << "in round " << round;
    split += jobs.front().emit ? 0 : 1;
  }
  EXPECT_GT(split, 50U);
}

// The jobs of an operator with its operands, in the order of its schedule.
std::vector<test::DrivenJob> jobs_with_operands(const Design& design, const Operator& op,
                                                std::size_t number, const OperandSource& source) {
  std::vector<Job> jobs;
  flatten(schedule_operator(op, design.tile_limits()), jobs);
  std::vector<test::DrivenJob> driven;
  std::uint64_t gemm = 0, m = 0, n = 0, k = 0;
  for (const Job& job : jobs) {
    test::DrivenJob& d = driven.emplace_back(
        test::DrivenJob{job, std::vector<std::uint16_t>(std::size_t{job.m} * job.k),
                        std::vector<std::uint16_t>(std::size_t{job.k} * job.n),
                        std::vector<std::uint16_t>(design.scale_rows(job.k) * job.n)});
    source.read_a(number, gemm, m, job.m, k, job.k, d.a);
    source.read_w(number, gemm, k, job.k, n, job.n, d.w);
    source.read_s(number, gemm, design.scale_rows(k), design.scale_rows(job.k), n, job.n, d.s);
    k = job.emit ? 0 : k + job.k;
    if (k == 0) n += job.n;
    if (n == op.gemm.n) m += job.m, n = 0;
    if (m == op.gemm.m) ++gemm, m = 0;
  }
  return driven;
}

// Where zero terms are skipped, cycles are those of the very weights, GEMM for GEMM.
TEST(TileEngine, CyclesThatDependOnWeightsEqualTheModel) {
  std::mt19937_64 random(19);
  std::uint64_t shorter = 0;
  for (std::uint64_t round = 0; round < 200; ++round) {
    bit_serial::Params params = test::random_bit_serial_params(random);
    params.skip_zero_terms = bit_serial::term_count(params) > 1;
    const bit_serial::Design design(params);
    const OperandSource source(design, round);
    const Workload workload{"two", {random_gemm(random, 200, 2), random_gemm(random, 200, 3)}};
    const RunResult result = run_array(design, workload, &source);
    for (std::size_t i = 0; i < workload.operators.size(); ++i) {
      const Operator& op = workload.operators[i];
      SCOPED_TRACE(fmt::format("{}, {}x{}x{} x {}", design.resolved().dump(), op.gemm.m, op.gemm.n,
                               op.gemm.k, op.count));
      const auto driven = jobs_with_operands(design, op, i, source);
      bit_serial::Model model(params);
      const test::DriveResult seen =
          test::drive(model, design, driven, {}, test::BitSerialTokens{params});
      const RunCounts& counts = result.operators[i].counts;
      ASSERT_EQ(counts.cycles, seen.cycles);
      ASSERT_EQ(counts.pe_cycles, model.pe_cycles());
      ASSERT_EQ(counts.actions, model.actions());
      const RunCounts all = run_schedule(design, schedule_operator(op, design.tile_limits()));
      ASSERT_LE(counts.cycles, all.cycles);
      shorter += counts.cycles < all.cycles ? 1 : 0;
    }
  }
  EXPECT_GT(shorter, 100U);
}

// Skipping alike repetitions changes nothing: the same jobs in a schedule without repetitions.
TEST(TileEngine, RepetitionEqualsWritingItOut) {
  systolic::Params params;
  params.rows = 3;
  params.cols = 5;
  params.k_bits = 3;
  const systolic::Design design(params);
  for (const GemmShape gemm : {GemmShape{31, 52, 4}, GemmShape{1, 1, 100}, GemmShape{3, 5, 7}}) {
    const Schedule schedule = schedule_operator({"g", gemm, 4, 1}, design.tile_limits());
    std::vector<Job> jobs;
    flatten(schedule, jobs);
    Schedule written_out;
    for (const Job& job : jobs) written_out.children.push_back({1, job, {}});
    EXPECT_EQ(run_schedule(design, schedule), run_schedule(design, written_out));
  }
}

// The room card's formula by hand: 16x16, 128x128x128, overlapped: 64 tiles of 128 tokens without a
// gap, 48 steps of drain behind the last, one cycle into and one out of the buffers.
TEST(TileEngine, KnownTotals) {
  systolic::Params params;
  const Operator op{"g", {128, 128, 128}, 1, 1};
  const RunCounts overlapped = run_schedule(
      systolic::Design(params), schedule_operator(op, systolic::Design(params).tile_limits()));
  EXPECT_EQ(overlapped.cycles, 64U * 128 + 48 + 2);
  EXPECT_EQ(overlapped.array_cycles, 64U * 128);
  params.drain = systolic::Drain::serial;
  const RunCounts serial = run_schedule(
      systolic::Design(params), schedule_operator(op, systolic::Design(params).tile_limits()));
  EXPECT_EQ(serial.cycles, 64U * (128 + 47) + 2);
}

TEST(TileEngine, OperatorsAddUpAndWaitForEachOther) {
  const systolic::Design design{systolic::Params{}};
  const Workload workload{"two", {{"first", {20, 20, 50}, 2, 3}, {"second", {1, 40, 9}, 1, 1}}};
  const RunResult result = run_array(design, workload);
  const RunCounts first =
      run_schedule(design, schedule_operator(workload.operators[0], design.tile_limits()));
  ASSERT_EQ(result.operators.size(), 2U);
  EXPECT_EQ(result.operators[0].counts.cycles, 3 * first.cycles);
  EXPECT_EQ(result.total.cycles,
            result.operators[0].counts.cycles + result.operators[1].counts.cycles);
  expect_identities(result.total, design.pe_count());
  for (const OperatorResult& row : result.operators)
    expect_identities(row.counts, design.pe_count());
}

// Each operator's counts fit, their sum does not.
TEST(TileEngine, TotalsThatNoCounterHoldsAreTheUsersMistake) {
  const systolic::Design design{systolic::Params{}};
  const std::uint64_t side = std::uint64_t{1} << 25;
  const Operator op{"g", {side, side, 1024}, 1, 1};
  EXPECT_NO_THROW(run_array(design, {"one", {op}}));
  EXPECT_THROW(run_array(design, {"many", {op, op, op, op, op}}), UserError);
}

// A GEMM of 2^36 jobs takes no longer than a small one and its counts do not overflow.
TEST(TileEngine, HugeGemmsAreExact) {
  const systolic::Design design{systolic::Params{}};
  const std::uint64_t side = std::uint64_t{1} << 22;
  const RunCounts counts = run_schedule(
      design, schedule_operator({"g", {side, side, 1024}, 1, 1}, design.tile_limits()));
  EXPECT_EQ(counts.cycles, (side / 16) * (side / 16) * 1024 + 48 + 2);
  expect_identities(counts, design.pe_count());
}

// With a memory system: skipping what repeats itself changes nothing, in systems with loops long
// enough to settle.
TEST(TileEngine, SkippingBlocksEqualsFoldingAll) {
  std::uint64_t blocks = 0;
  for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
    test::SystemMaker system(seed, seed % 3 == 0 ? 30 : 150);
    system.make();
    const OperandSource operands(*system.accelerator.design, seed);
    const RunResult quick = run_tile(system.accelerator, system.plan, {nullptr, true, &operands});
    const RunResult slow = run_tile(system.accelerator, system.plan, {nullptr, false, &operands});
    ASSERT_EQ(quick.total, slow.total) << "seed " << seed << "\n" << system.text();
    for (std::size_t i = 0; i < slow.operators.size(); ++i) {
      const RunCounts& counts = slow.operators[i].counts;
      ASSERT_EQ(quick.operators[i].counts, counts);
      ASSERT_EQ(counts.cycles, counts.array_cycles + counts.stall_cycles.total());
      ASSERT_EQ(counts.pe_cycles.total(), system.accelerator.design->pe_count() * counts.cycles);
    }
    blocks += slow.total.system.blocks;
  }
  EXPECT_GT(blocks, 1000000U);
}

// A GEMM of 2^36 tiles in a memory system takes no time either.
TEST(TileEngine, HugeGemmsInAMemorySystem) {
  test::SystemMaker system(7);
  system.make();
  PlannedOperator huge = system.plan.front();
  const std::uint64_t side = std::uint64_t{1} << 20;
  huge.program.op = {"g", {side, side, 1}, 1, 1};
  huge.mapping = Mapping{1, 1, 1, LoopOrder::m_outer};
  const RunResult result = run_tile(system.accelerator, {huge});
  EXPECT_EQ(result.total.macs, side * side);
  EXPECT_EQ(result.total.system.blocks, side * side);
}

}  // namespace
}  // namespace bitsmith
