// The chosen mapping is the best of all that fit, by brute force; capacities are judged with the
// number that would do.
#include "system/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <tuple>

#include "common/error.h"
#include "pe/systolic/design.h"
#include "system/tile_engine.h"

namespace bitsmith {
namespace {

using testing::HasSubstr;

Accelerator small(std::uint64_t capacity) {
  systolic::Params params;
  params.rows = params.cols = 4;
  Accelerator accelerator;
  accelerator.name = "small";
  accelerator.design = std::make_unique<systolic::Design>(params);
  MemoryParams memory;
  memory.activation_buffer.capacity_bytes = memory.weight_buffer.capacity_bytes = capacity;
  memory.result_buffer.capacity_bytes = 2 * capacity;
  memory.dram.bandwidth_gb_s = 4;
  accelerator.memory = memory;
  return accelerator;
}

WeightConverter slow_converter() {
  WeightConverter converter;
  converter.scale = ConverterScale::int8;
  converter.group = 4;
  converter.lanes = 2;
  return converter;
}

Workload gemm(std::uint64_t m, std::uint64_t n, std::uint64_t k, std::uint64_t count = 1) {
  return {"one", {{"g", {m, n, k}, count, 1}}};
}

// Every block size that is a tile times a power of two or the GEMM's own, both orders, K cut by
// powers of two where a block is one tile.
std::vector<Mapping> all_mappings(const GemmShape& gemm) {
  const auto sizes = [](std::uint64_t size, std::uint64_t least) {
    std::vector<std::uint64_t> all;
    for (std::uint64_t s = least; s < size; s *= 2) all.push_back(s);
    all.push_back(size);
    return all;
  };
  std::vector<Mapping> all;
  for (const std::uint64_t m : sizes(gemm.m, 4)) {
    for (const std::uint64_t n : sizes(gemm.n, 4)) {
      for (std::uint64_t k = gemm.k; k >= 1; k /= 2) {
        if (k < gemm.k && (m > 4 || n > 4)) break;
        all.push_back({m, n, k, LoopOrder::m_outer});
        all.push_back({m, n, k, LoopOrder::n_outer});
      }
    }
  }
  return all;
}

TEST(Plan, TheChosenMappingIsTheBestByBruteForce) {
  std::mt19937_64 random(11);
  std::uint64_t refused = 0;
  std::uint64_t alike = 0;
  for (int round = 0; round < 150; ++round) {
    Accelerator accelerator = small(64U << (random() % 5));
    accelerator.memory->dram.bandwidth_gb_s = static_cast<double>(1 + random() % 40) / 4;
    const bool converts = round % 3 == 0;
    if (converts) accelerator.memory->weight_converter = slow_converter();
    const Workload workload =
        gemm(1 + random() % 40, 1 + random() % 40, 1 + random() % 64, 1 + random() % 2);
    const GemmShape shape = workload.operators[0].gemm;
    const auto key = [&](const ProgramOperator& program, const Mapping& mapping) {
      const RunCounts counts = run_operator(accelerator, program, mapping);
      return std::tuple(counts.cycles, counts.system.dram_reads() + counts.system.dram_writes());
    };
    const PlannedOperator planned = make_plan(accelerator, workload).front();
    const auto chosen = key(planned.program, *planned.mapping);
    std::uint64_t fitting = 0;
    for (const Mapping& mapping : all_mappings(shape)) {
      if (converts && mapping.block_k < shape.k && mapping.block_k % 4 != 0) continue;
      const BlockFootprint size =
          footprint(*accelerator.design, mapping.block_m, mapping.block_n, mapping.block_k);
      if (size.a_buffer_bits > accelerator.memory->activation_buffer.half_bits() ||
          size.w_buffer_bits > accelerator.memory->weight_buffer.half_bits() ||
          size.y_buffer_bits > accelerator.memory->result_buffer.half_bits()) {
        ++refused;
        continue;
      }
      ++fitting;
      ASSERT_LE(chosen, key(planned.program, mapping)) << "round " << round;
      if (mapping.block_k == shape.k || shape.m % mapping.block_m != 0 ||
          shape.n % mapping.block_n != 0) {
        continue;
      }
      // Either order is the same work, so that one is enough to look at.
      Mapping other = mapping;
      other.order = LoopOrder::m_outer;
      ASSERT_EQ(run_operator(accelerator, planned.program, mapping),
                run_operator(accelerator, planned.program, other));
      if (mapping != other) ++alike;
    }
    // Groups are rounded up to when K is cut.
    if (!converts) {
      ASSERT_EQ(planned.mappings_seen, fitting) << "round " << round;
    }
  }
  EXPECT_GT(refused, 100U);
  EXPECT_GT(alike, 20U);
}

TEST(Plan, WhatTheUserFixedIsKept) {
  Accelerator accelerator = small(4096);
  accelerator.memory->mapping = {8, 12, 0, LoopChoice::n_outer};
  const PlannedOperator planned = make_plan(accelerator, gemm(32, 32, 16)).front();
  EXPECT_EQ(*planned.mapping, (Mapping{8, 12, 16, LoopOrder::n_outer}));
  EXPECT_EQ(planned.mappings_seen, 1U);
}

std::string mistake(const Accelerator& accelerator, const Workload& workload) {
  try {
    make_plan(accelerator, workload);
  } catch (const UserError& error) {
    return error.what();
  }
  return "none";
}

// One tile of 4x4 INT8 results at 32 bits is 64 bytes, both halves 128; K = 1 of activations is one
// beat of 4 bytes. At one byte less nothing fits, at that size it does.
TEST(Plan, CapacityIsJudgedTwoSided) {
  Accelerator accelerator = small(8);
  accelerator.memory->result_buffer.capacity_bytes = 128;
  EXPECT_EQ(mistake(accelerator, gemm(8, 8, 8)), "none");
  accelerator.memory->result_buffer.capacity_bytes = 127;
  EXPECT_THAT(mistake(accelerator, gemm(8, 8, 8)), HasSubstr("capacity_bytes: 128 would do"));
  EXPECT_THAT(mistake(accelerator, gemm(8, 8, 8)), HasSubstr("result_buffer"));
  accelerator.memory->result_buffer.capacity_bytes = 128;
  accelerator.memory->activation_buffer.capacity_bytes = 7;
  EXPECT_THAT(mistake(accelerator, gemm(8, 8, 8)),
              HasSubstr("activation_buffer is too small for a block of 4x4x1 (MxNxK)"));
}

TEST(Plan, CutKNeedsABlockOfOneTile) {
  Accelerator accelerator = small(4096);
  accelerator.memory->mapping = {8, 8, 4, LoopChoice::best};
  EXPECT_THAT(mistake(accelerator, gemm(32, 32, 16)), HasSubstr("its sums stay in the array"));
  accelerator.memory->mapping = {4, 4, 4, LoopChoice::best};
  EXPECT_EQ(mistake(accelerator, gemm(32, 32, 16)), "none");
}

TEST(Plan, CutKNeedsWholeGroupsOfConvertedWeights) {
  Accelerator accelerator = small(4096);
  accelerator.memory->mapping = {4, 4, 6, LoopChoice::best};
  EXPECT_EQ(mistake(accelerator, gemm(32, 32, 16)), "none");
  accelerator.memory->weight_converter = slow_converter();
  EXPECT_THAT(mistake(accelerator, gemm(32, 32, 16)), HasSubstr("block_k a multiple of 4"));
  accelerator.memory->mapping.block_k = 8;
  EXPECT_EQ(mistake(accelerator, gemm(32, 32, 16)), "none");
}

TEST(Plan, EveryOperatorThatDoesNotFitIsNamed) {
  Accelerator accelerator = small(8);
  accelerator.memory->result_buffer.capacity_bytes = 64;
  const Workload two{"two", {{"first", {8, 8, 8}, 1, 1}, {"second", {9, 9, 9}, 1, 1}}};
  const std::string text = mistake(accelerator, two);
  EXPECT_THAT(text, HasSubstr("'first'"));
  EXPECT_THAT(text, HasSubstr("'second'"));
}

}  // namespace
}  // namespace bitsmith
