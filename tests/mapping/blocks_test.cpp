// Blocks cover a GEMM once, load what changed and nothing else, and need what their jobs move.
#include "mapping/blocks.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "support/systolic_jobs.h"

namespace bitsmith {
namespace {

void flatten(const Schedule& schedule, std::vector<Job>& jobs) {
  for (std::uint64_t i = 0; i < schedule.repeat; ++i) {
    if (schedule.is_leaf()) jobs.push_back(schedule.job);
    for (const Schedule& child : schedule.children) flatten(child, jobs);
  }
}

TEST(Blocks, CoverEveryProductOnceInKOrderAndLoadWhatChanged) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 500; ++round) {
    const GemmShape gemm{1 + random() % 9, 1 + random() % 9, 1 + random() % 9};
    const Mapping mapping{1 + random() % gemm.m, 1 + random() % gemm.n, 1 + random() % gemm.k,
                          random() % 2 == 0 ? LoopOrder::m_outer : LoopOrder::n_outer};
    const std::uint64_t count = 1 + random() % 3;
    const BlockSequence blocks(gemm, count, mapping);
    std::vector<std::uint64_t> done(count * gemm.m * gemm.n, 0);  // products so far
    std::uint64_t outer_changes = 0;
    Block before;
    for (std::uint64_t i = 0; i < blocks.size(); ++i) {
      const Block block = blocks.at(i);
      ASSERT_EQ(block.accumulate, block.k0 > 0);
      ASSERT_EQ(block.emit, block.k0 + block.k == gemm.k);
      for (std::uint64_t m = block.m0; m < block.m0 + block.m; ++m) {
        for (std::uint64_t n = block.n0; n < block.n0 + block.n; ++n) {
          std::uint64_t& k = done.at((block.gemm * gemm.m + m) * gemm.n + n);
          ASSERT_EQ(k, block.k0) << "the order of K";
          k += block.k;
        }
      }
      const bool first = i == 0 || before.gemm != block.gemm;
      ASSERT_EQ(block.loads_a, first || before.m0 != block.m0 || before.k0 != block.k0) << i;
      ASSERT_EQ(block.loads_w, first || before.n0 != block.n0 || before.k0 != block.k0) << i;
      const bool m_outer = mapping.order == LoopOrder::m_outer;
      if (first || (m_outer ? before.m0 != block.m0 : before.n0 != block.n0)) ++outer_changes;
      before = block;
    }
    for (const std::uint64_t k : done) ASSERT_EQ(k, gemm.k);
    const std::uint64_t outer = mapping.order == LoopOrder::m_outer
                                    ? (gemm.m - 1) / mapping.block_m + 1
                                    : (gemm.n - 1) / mapping.block_n + 1;
    ASSERT_EQ(outer_changes, count * outer);
  }
}

// Room in the buffers: the beats of every tile once, at the width of the ports. DRAM: the numbers
// themselves.
TEST(Blocks, FootprintIsWhatTheJobsMove) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 500; ++round) {
    systolic::Params params = test::random_systolic_params(random);
    params.k_bits = 3;
    const systolic::Design design(params);
    const TileLimits limits = design.tile_limits();
    Block block;
    block.m = 1 + random() % 20;
    block.n = 1 + random() % 20;
    block.k = 1 + random() % 20;
    std::vector<Job> jobs;
    flatten(schedule_block(block, limits), jobs);
    const std::uint64_t tiles_m = (block.m - 1) / limits.m + 1;
    const std::uint64_t tiles_n = (block.n - 1) / limits.n + 1;
    BeatCounts beats;
    for (const Job& job : jobs) {
      beats.a += design.beats(job).a;
      beats.w += design.beats(job).w;
      beats.y += design.beats(job).y;
    }
    const BlockFootprint size = footprint(design, block.m, block.n, block.k);
    // Every tile of A is read for each tile column of Y, every tile of W for each tile row.
    ASSERT_EQ(size.a_buffer_bits * tiles_n, beats.a * design.channel_widths().a);
    ASSERT_EQ(size.w_buffer_bits * tiles_m, beats.w * design.channel_widths().w);
    ASSERT_EQ(size.y_buffer_bits, beats.y * design.channel_widths().y);
    const auto a_bits = static_cast<std::uint64_t>(design.activation_format().bits);
    ASSERT_EQ(size.a_dram_bytes, (block.m * block.k * a_bits + 7) / 8);
    ASSERT_EQ(size.results, block.m * block.n);
  }
}

// A 4x4 array, output stationary INT8: a beat has four lanes. 5x6x7: two rows and two columns of
// tiles.
TEST(Blocks, FootprintByHand) {
  systolic::Params params;
  params.rows = params.cols = 4;
  const BlockFootprint size = footprint(systolic::Design(params), 5, 6, 7);
  EXPECT_EQ(size.a_buffer_bits, 2U * 7 * 32);
  EXPECT_EQ(size.w_buffer_bits, 2U * 7 * 32);
  EXPECT_EQ(size.y_buffer_bits, (5U + 5) * 4 * 32);
  EXPECT_EQ(size.a_dram_bytes, 35U);
  EXPECT_EQ(size.w_dram_bytes, 42U);
}

TEST(Blocks, SizesBeyondAnyBufferDoNotWrapAround) {
  systolic::Params params;
  const std::uint64_t large = std::uint64_t{1} << 40;
  EXPECT_GT(footprint(systolic::Design(params), large, 1, large).a_buffer_bits,
            std::uint64_t{1} << 60);
}

TEST(Blocks, SumsStayInTheArrayForOneTileOrWholeK) {
  const TileLimits limits{16, 16, 100, 1000};
  EXPECT_TRUE(keeps_sums({64, 64, 50, LoopOrder::m_outer}, {64, 64, 50}, limits));
  EXPECT_TRUE(keeps_sums({16, 16, 10, LoopOrder::m_outer}, {64, 64, 50}, limits));
  EXPECT_FALSE(keeps_sums({17, 16, 10, LoopOrder::m_outer}, {64, 64, 50}, limits));
}

}  // namespace
}  // namespace bitsmith
