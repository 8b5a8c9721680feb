#include "reproduce/scale_sim.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "common/error.h"
#include "reproduce/scale_sim_terms.h"

namespace bitsmith::reproduce {
namespace {

constexpr Dataflow kOs = Dataflow::output_stationary;
constexpr Dataflow kWs = Dataflow::weight_stationary;
constexpr Dataflow kIs = Dataflow::input_stationary;

// What the tools print.
TEST(ScaleSimClaims, MeetTheToolsOwnOutput) {
  const GemmShape square{128, 128, 128};
  const GemmShape uneven{100, 70, 90};
  const ArrayShape array{16, 16};
  EXPECT_EQ(scale_sim_cycles(kOs, square, array), 10111U);
  EXPECT_EQ(scale_sim_cycles(kWs, square, array), 11135U);
  EXPECT_EQ(scale_sim_cycles(kIs, square, array), 11135U);
  EXPECT_EQ(scale_sim_cycles(kOs, uneven, array), 4199U);
  EXPECT_EQ(scale_sim_cycles(kWs, uneven, array), 4379U);
  EXPECT_EQ(scale_sim_cycles(kIs, uneven, array), 4871U);
  EXPECT_EQ(stonne_cycles(square, array), 10432U);
}

// A folds' length by hand on an array that is not square: M 5, N 7, K 9 on 2 x 3.
TEST(ScaleSimClaims, RowsAndColumnsAreNotExchanged) {
  const GemmShape gemm{5, 7, 9};
  const ArrayShape array{2, 3};
  EXPECT_EQ(scale_sim_cycles(kOs, gemm, array), 3U * 3 * (9 + 2 + 3 - 2) - 1);
  EXPECT_EQ(scale_sim_cycles(kWs, gemm, array), 5U * 3 * (5 + 2 * 2 + 3 - 2) - 1);
  EXPECT_EQ(scale_sim_cycles(kIs, gemm, array), 5U * 2 * (7 + 2 * 2 + 3 - 2) - 1);
  EXPECT_DOUBLE_EQ(scale_sim_mapping_efficiency(kOs, gemm, array), 5.0 * 7 / (6 * 9));
  EXPECT_DOUBLE_EQ(scale_sim_mapping_efficiency(kWs, gemm, array), 9.0 * 7 / (10 * 9));
  EXPECT_DOUBLE_EQ(scale_sim_mapping_efficiency(kIs, gemm, array), 9.0 * 5 / (10 * 6));
  EXPECT_DOUBLE_EQ(scale_sim_utilization(kOs, gemm, array), 5.0 * 7 * 9 / (107.0 * 6));
}

TEST(ScaleSimClaims, StonneUsesOnlyTheTilesOwnRowsAndColumns) {
  const GemmShape gemm{5, 7, 9};
  std::uint64_t sum = 0;
  for (const std::uint64_t r : {2, 2, 1}) {
    for (const std::uint64_t c : {3, 3, 1}) sum += 9 + r + c + 3;
  }
  EXPECT_EQ(stonne_cycles(gemm, {2, 3}), sum);
}

std::int64_t sum_of(const Comparison& row) {
  std::int64_t sum = static_cast<std::int64_t>(row.claim);
  for (const Term& term : row.terms) sum += term.cycles;
  return sum;
}

void expect_explained(const GemmShape& gemm, ArrayShape array) {
  SCOPED_TRACE(fmt::format("{}x{}x{} on {}x{}", gemm.m, gemm.n, gemm.k, array.rows, array.cols));
  std::vector<Comparison> rows;
  ASSERT_NO_THROW(rows = compare_with_scale_sim(gemm, array));
  ASSERT_EQ(rows.size(), 8U);
  for (const Comparison& row : rows) {
    EXPECT_EQ(sum_of(row), static_cast<std::int64_t>(row.ours));
  }
}

// Ours comes from the tile engine, job by job; the terms do not: they must meet.
TEST(ScaleSimTerms, SumToTheDifferenceForRandomShapes) {
  std::mt19937_64 random(23);
  const auto size = [&](std::uint64_t most) {
    return 1 + random() % (random() % 2 == 0 ? most : 1 + most / 10);
  };
  for (int round = 0; round < 3000; ++round) {
    expect_explained({size(200), size(200), size(200)}, {size(40), size(40)});
    if (HasFatalFailure()) return;
  }
}

TEST(ScaleSimTerms, SumAtTheLimits) {
  expect_explained({1, 1, 1}, {1, 1});
  expect_explained({1, 1, 1}, {256, 256});
  expect_explained({100000, 3, 7}, {2, 2});     // more rows than the accumulator SRAM holds
  expect_explained({3, 200000, 50}, {16, 16});  // more columns
  expect_explained({65536, 65537, 5}, {4, 4});  // just as many, and one more
  expect_explained({131073, 131073, 33}, {16, 8});
  expect_explained({20, 20, 1000000}, {16, 16});  // K beyond a job's and beyond exact sums
  expect_explained({1 << 20, 1 << 20, 1 << 12}, {256, 256});
}

TEST(ScaleSimTerms, TooLargeForTheCountersIsTheUsersMistake) {
  const std::uint64_t large = std::uint64_t{1} << 40;
  EXPECT_THROW(compare_with_scale_sim({large, large, large}, {16, 16}), UserError);
  EXPECT_THROW(compare_with_scale_sim({large, large, 1}, {1, 1}), UserError);
}

std::map<std::string, std::int64_t> terms_of(const GemmShape& gemm, ArrayShape array,
                                             const std::string& tool, Dataflow dataflow,
                                             Overlap overlap) {
  std::map<std::string, std::int64_t> terms;
  for (const Comparison& row : compare_with_scale_sim(gemm, array)) {
    if (row.tool != tool || row.dataflow != dataflow || row.overlap != overlap) continue;
    for (const Term& term : row.terms) terms[term.name] += term.cycles;
  }
  return terms;
}

// By hand: 3 x 2 x 4 on 2 x 2 are two tiles, 2 x 2 and 1 x 2.
TEST(ScaleSimTerms, OutputStationaryByHand) {
  const auto terms = terms_of({3, 2, 4}, {2, 2}, "SCALE-Sim", kOs, Overlap::overlapped);
  EXPECT_EQ(terms.at("SCALE-Sim prints one cycle less than it counts"), 1);
  EXPECT_EQ(terms.at("edge tiles end by their own size; SCALE-Sim's folds are all whole"), -1);
  EXPECT_EQ(terms.at("finished sums leave row by row (m cycles per tile)"), 3);
  EXPECT_EQ(terms.at("register between channel and PEs (1 per tile)"), 2);
  EXPECT_EQ(terms.at("sums are copied to drain registers (1 per tile)"), 2);
  // The first tile takes 2m + n = 6 steps after its last token; the second brings 4 tokens.
  EXPECT_EQ(terms.at("fill and drain hidden behind the next tile's operands"), -4);
}

// By hand: 2 x 2 x 5 on 4 x 2, weight stationary: two folds, k = 4 and 1, of two tokens each.
TEST(ScaleSimTerms, WeightStationaryByHand) {
  const auto terms = terms_of({2, 2, 5}, {4, 2}, "SCALE-Sim", kWs, Overlap::overlapped);
  EXPECT_EQ(terms.at("edge folds preload only their own rows"), -3);
  EXPECT_EQ(terms.at("fill and drain hidden behind the next fold"), -(4 + 2));
  EXPECT_EQ(terms.at("preload hidden behind the fold before"), -1);
  // The second fold reads the sums of the first 4 + 2 steps after they entered; its own tokens
  // could have entered 2 steps after.
  EXPECT_EQ(terms.at("folds wait for the open sums of the fold before"), 4);
}

TEST(ScaleSimTerms, InputStationaryIsWeightStationaryExchanged) {
  const auto ws = terms_of({37, 11, 50}, {8, 4}, "SCALE-Sim", kWs, Overlap::overlapped);
  const auto is = terms_of({11, 37, 50}, {8, 4}, "SCALE-Sim", kIs, Overlap::overlapped);
  EXPECT_EQ(ws, is);
  EXPECT_FALSE(ws.empty());
}

}  // namespace
}  // namespace bitsmith::reproduce
