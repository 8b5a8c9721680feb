// Engine `roofline` against numbers worked by hand.
#include "system/roofline.h"

#include <gtest/gtest.h>

#include <random>

#include "common/error.h"
#include "pe/systolic/design.h"
#include "system/tile_engine.h"

namespace bitsmith {
namespace {

// 16x16 PEs, INT8, 1 GHz, accesses of 64 bytes.
Accelerator accelerator(double bandwidth_gb_s) {
  systolic::Params params;
  params.rows = params.cols = 16;
  params.activation = params.weight = find_format("int8");
  Accelerator result;
  result.name = "test";
  result.params.clock_ghz = 1.0;
  result.design = std::make_unique<systolic::Design>(params);
  result.memory.emplace();
  result.memory->dram.bandwidth_gb_s = bandwidth_gb_s;
  result.memory->activation_buffer.port_bits = 1024;  // keeps up with every bandwidth here
  result.memory->weight_buffer.port_bits = 1024;
  result.memory->result_buffer.port_bits = 1024;
  return result;
}

PlannedOperator gemm(GemmShape shape, std::uint64_t count = 1, std::uint64_t repeat = 1) {
  PlannedOperator planned;
  planned.program.op = {"gemm", shape, count, repeat};
  planned.program.output_bits = 16;
  return planned;
}

PlannedOperator softmax(std::uint64_t elements) {
  PlannedOperator planned;
  planned.program.op = {"softmax", {}, 1, 1, OperatorKind::softmax};
  planned.program.op.elements = elements;
  planned.program.vector = {elements, 16, 8, 3};
  return planned;
}

RunCounts only(const Accelerator& on, const PlannedOperator& planned) {
  const RunResult result = run_roofline(on, {planned});
  EXPECT_EQ(result.operators.size(), 1U);
  EXPECT_EQ(result.total, result.operators.front().counts);
  const RunCounts& counts = result.total;
  EXPECT_EQ(counts.cycles, counts.array_cycles + counts.stall_cycles.total());
  EXPECT_EQ(counts.pe_cycles.total(), 256 * counts.cycles);
  EXPECT_EQ(counts.pe_cycles.mac, counts.macs);
  return counts;
}

TEST(Roofline, AGemmWithMuchReuseTakesItsMacs) {
  // 128 x 256 x 512 x 2 = 33,554,432 MACs on 256 PEs. 256 KiB of weights, 128 KiB of activations,
  // 128 KiB of results: 8192 accesses of a cycle each.
  const RunCounts counts = only(accelerator(64), gemm({128, 256, 512}, 2, 3));
  EXPECT_EQ(counts.macs, 3 * 33'554'432U);
  EXPECT_EQ(counts.cycles, 3 * 131'072U);
  EXPECT_EQ(counts.array_cycles, counts.cycles);
  EXPECT_EQ(counts.system.weight_reads, 3 * 4096U);
  EXPECT_EQ(counts.system.activation_reads, 3 * 2048U);
  EXPECT_EQ(counts.system.result_writes, 3 * 2048U);
}

TEST(Roofline, AVectorTimesAMatrixWaitsForItsWeights) {
  // 16 MiB of weights, 4 KiB of activations, 8 KiB of results.
  const RunCounts counts = only(accelerator(64), gemm({1, 4096, 4096}));
  EXPECT_EQ(counts.array_cycles, 65'536U);
  EXPECT_EQ(counts.cycles, 262'144U + 64 + 128);
  EXPECT_EQ(counts.stall_cycles.weights, 262'336U - 65'536);
}

TEST(Roofline, TheLargestTensorIsBlamed) {
  // 4096 cycles of MACs; 64 KiB of activations, 256 bytes of weights and 128 KiB of results at 32
  // bytes per cycle, or 32 KiB of them at 16.
  PlannedOperator tall = gemm({4096, 16, 16});
  RunCounts counts = only(accelerator(32), tall);
  EXPECT_EQ(counts.cycles, 196'864U / 32);
  EXPECT_EQ(counts.stall_cycles.results, 6152U - 4096);
  tall.program.output_bits = 4;
  counts = only(accelerator(16), tall);
  EXPECT_EQ(counts.cycles, 98'560U / 16);
  EXPECT_EQ(counts.stall_cycles.activations, 6160U - 4096);
}

TEST(Roofline, KeysAndValuesAreCountedApart) {
  PlannedOperator attention = gemm({1, 64, 64}, 2);
  attention.program.weights_are_kv_cache = true;
  EXPECT_EQ(only(accelerator(64), attention).system.kv_cache_reads, 128U);
  EXPECT_EQ(only(accelerator(64), attention).system.weight_reads, 0U);
  PlannedOperator keys = gemm({1, 64, 64});
  keys.program.results_are_kv_cache = true;
  EXPECT_EQ(only(accelerator(64), keys).system.kv_cache_writes, 2U);
  EXPECT_EQ(only(accelerator(64), keys).system.result_writes, 0U);
}

// 64 x 1024 weights of 4 bits, 512 scales of 8: 33280 bytes, and 64 x 64 + 1024 x 8 of the others,
// where 16 lanes take 8 cycles for 64 bytes of codes.
TEST(Roofline, AConverterKeepsTheDramForLonger) {
  Accelerator on = accelerator(64);
  WeightConverter& converter = on.memory->weight_converter.emplace();
  converter.scale = ConverterScale::int8;
  PlannedOperator planned = gemm({4, 1024, 64});
  const auto system = [&] { return only(on, planned).system; };
  EXPECT_EQ(system().weight_reads, (32768U + 1024) / 64);
  EXPECT_EQ(system().weight_conversions, 65536U);
  EXPECT_EQ(only(on, planned).cycles, 512U * 8 + 16 + 4 + 128);
  EXPECT_EQ(only(on, planned).stall_cycles.weights, 512U * 8 + 16 + 4 + 128 - 1024);
  EXPECT_EQ(roofline_point(on, only(on, planned)).bound, RooflineBound::memory);
  converter.lanes = 128;
  EXPECT_EQ(only(on, planned).cycles, 1024U);
  EXPECT_EQ(roofline_point(on, only(on, planned)).bound, RooflineBound::compute);
  planned.program.weights_are_kv_cache = true;
  EXPECT_EQ(system().kv_cache_reads, 1024U);
  EXPECT_EQ(system().weight_conversions, 0U);
}

TEST(Roofline, VectorOperatorsTakeTheirPassesOrTheirTraffic) {
  // 63 cycles of 16 lanes, three times; 2000 bytes in, 1000 out.
  RunCounts counts = only(accelerator(64), softmax(1000));
  EXPECT_EQ(counts.cycles, 189U);
  EXPECT_EQ(counts.stall_cycles.vector, 189U);
  EXPECT_EQ(counts.system.activation_reads, 32U);
  EXPECT_EQ(counts.system.result_writes, 16U);
  counts = only(accelerator(8), softmax(1000));
  EXPECT_EQ(counts.cycles, 375U);
  EXPECT_EQ(counts.stall_cycles.vector, 189U);
  EXPECT_EQ(counts.stall_cycles.activations, 186U);
}

TEST(Roofline, CyclesAreRoundedUp) {
  // 64 bytes in 2500 ps at 25.6 GB/s: 4096 + 4096 + 8192 bytes take 640 cycles; one more row of
  // activations (64 bytes) and results (128) another 7.5.
  EXPECT_EQ(only(accelerator(25.6), gemm({64, 64, 64})).cycles, 1024U);
  EXPECT_EQ(only(accelerator(12.8), gemm({64, 64, 64})).cycles, 1280U);
  EXPECT_EQ(only(accelerator(12.8), gemm({65, 64, 64})).cycles, 1280U + 15);
  EXPECT_EQ(only(accelerator(64), gemm({1, 1, 257})).array_cycles, 2U);
}

TEST(Roofline, AddsUpTheOperators) {
  const Accelerator on = accelerator(64);
  const RunResult result = run_roofline(on, {gemm({128, 256, 512}), softmax(1000)});
  ASSERT_EQ(result.operators.size(), 2U);
  EXPECT_EQ(result.total.cycles, 65'536U + 189);
  EXPECT_EQ(result.operators[1].op.name, "softmax");
}

TEST(Roofline, PointsSayWhatBounds) {
  const Accelerator on = accelerator(64);
  RooflinePoint point = roofline_point(on, only(on, gemm({1, 4096, 4096})));
  EXPECT_EQ(point.bound, RooflineBound::memory);
  EXPECT_DOUBLE_EQ(point.operations_per_byte, 33'554'432.0 / 16'789'504);
  EXPECT_DOUBLE_EQ(point.attainable_ops_per_cycle, 33'554'432.0 / 16'789'504 * 64);
  EXPECT_DOUBLE_EQ(point.achieved_ops_per_cycle, 33'554'432.0 / 262'336);
  point = roofline_point(on, only(on, gemm({128, 256, 512})));
  EXPECT_EQ(point.bound, RooflineBound::compute);
  EXPECT_DOUBLE_EQ(point.attainable_ops_per_cycle, 512);
  EXPECT_DOUBLE_EQ(point.achieved_ops_per_cycle, 512);
}

// Whatever the system, engine tile is below the roof.
TEST(Roofline, NoScheduleBeatsIt) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    constexpr double kBandwidths[] = {1, 8, 25.6, 64};
    Accelerator on = accelerator(kBandwidths[random() % 4]);
    on.memory->dma.outstanding = 1 + static_cast<std::uint32_t>(random() % 64);
    if (round % 2 == 0) {
      WeightConverter& converter = on.memory->weight_converter.emplace();
      converter.scale = ConverterScale::int8;
      converter.group = 1 + static_cast<std::uint32_t>(random() % 32);
      converter.lanes = 1 + static_cast<std::uint32_t>(random() % 128);
    }
    Workload workload{"random", {}};
    Operator gemm{"gemm", {1 + random() % 100, 1 + random() % 100, 1 + random() % 200}, 1, 2};
    gemm.count = 1 + random() % 3;
    Operator norm{"norm", {}, 1, 1, OperatorKind::norm};
    norm.elements = 1 + random() % 20000;
    workload.operators = {gemm, norm};
    const std::vector<PlannedOperator> plan = make_plan(on, workload);
    const RunResult tile = run_tile(on, plan), roof = run_roofline(on, plan);
    for (std::size_t i = 0; i < plan.size(); ++i) {
      const RunCounts &above = tile.operators[i].counts, &least = roof.operators[i].counts;
      ASSERT_GE(above.cycles, least.cycles);
      ASSERT_GE(above.system.dram_reads(), least.system.dram_reads());
      ASSERT_GE(above.system.dram_writes(), least.system.dram_writes());
      ASSERT_EQ(above.macs, least.macs);
    }
    const RooflinePoint point = roofline_point(on, tile.operators[0].counts);
    ASSERT_LE(point.achieved_ops_per_cycle, point.attainable_ops_per_cycle);
  }
}

TEST(Roofline, RefusesWhatItCannotDo) {
  Accelerator on = accelerator(64);
  EXPECT_THROW(run_roofline(on, {gemm({1 << 30, 1 << 30, 1 << 30})}), UserError);
  on.memory.reset();
  EXPECT_THROW(run_roofline(on, {}), UserError);
}

}  // namespace
}  // namespace bitsmith
