#include "cost/estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <random>

#include "common/process.h"
#include "cost/non_negative_least_squares.h"
#include "cost/word_cells.h"
#include "pe/systolic/design.h"

namespace bitsmith {
namespace {

// Records whose figures are exactly so much per bit, of cells drawn by a small generator.
Technology linear_technology(std::size_t records, const WordCells& um2) {
  Technology technology;
  technology.name = "linear";
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < records; ++i) {
    ModuleRecord record;
    record.cost.name = "module" + std::to_string(i);
    WordCells& cells = record.word_cells.emplace();
    for (std::size_t kind = 0; kind < kWordCells; ++kind) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      cells[kind] = static_cast<double>(state >> 57);
      record.cost.area_um2 += cells[kind] * um2[kind];
    }
    record.cost.leakage_uw = record.cost.area_um2 / 8;
    EnergyRecord energy;
    energy.switching_pj = record.cost.area_um2 / 2;
    energy.clock_and_registers_pj = cells.back() / 4;
    record.energies.at(OperandClass::llm, PeCycleClass::mac) = energy;
    technology.add(record);
  }
  return technology;
}

Technology empty_of_registers(const Technology& technology) {
  Technology result;
  for (const auto& [key, record] : technology.by_key()) {
    ModuleRecord without = record;
    without.word_cells->back() = 0;
    result.add(without);
  }
  return result;
}

std::optional<Estimate> estimated(const Technology& technology, const EstimatedModule& wanted) {
  return ComponentModel(technology).estimate(wanted);
}

TEST(Estimate, ASumOfComponentsIsFound) {
  const Technology technology = linear_technology(30, {5, 3, 0, 2, 1, 9});
  const WordCells wanted = {10, 64, 5, 8, 20, 16};
  const auto result = estimated(technology, {"new", {}, wanted});
  ASSERT_TRUE(result.has_value());
  const double um2 = 50 + 192 + 16 + 20 + 144;
  EXPECT_NEAR(result->record.cost.area_um2, um2, 1e-3 * um2);
  EXPECT_NEAR(*result->record.cost.leakage_uw, um2 / 8, 1e-3 * um2);
  const auto& energy = result->record.energies.at(OperandClass::llm, PeCycleClass::mac);
  EXPECT_NEAR(energy->switching_pj, um2 / 2, 1e-3 * um2);
  EXPECT_NEAR(energy->clock_and_registers_pj, wanted.back() / 4, 1e-3 * wanted.back());
  EXPECT_LT(*result->held_out.energy, 1e-3);
  EXPECT_FALSE(result->record.energies.at(OperandClass::zero, PeCycleClass::mac));
  EXPECT_LT(*result->held_out.area, 1e-3);
  EXPECT_GE(*result->held_out.area, 0);
}

TEST(Estimate, WhatIsNoSumShowsAsHeldOutError) {
  Technology technology = linear_technology(30, {5, 3, 0, 2, 1, 9});
  ModuleRecord odd = technology.by_key().begin()->second;
  odd.cost.name = "odd";
  odd.cost.area_um2 *= 3;
  technology.add(odd);
  const auto result = estimated(technology, {"new", {}, {10, 64, 5, 8, 20, 16}});
  EXPECT_GT(*result->held_out.area, 0.02);
}

// Other sizes of a module tell of it what no other module does: they are left out, too.
TEST(Estimate, SizesOfAModuleAreLeftOutTogether) {
  Technology technology = empty_of_registers(linear_technology(12, {5, 3, 0, 2, 1, 0}));
  for (const int rows : {2, 4, 6, 8, 10, 12}) {
    ModuleRecord edge;
    edge.cost.name = "edge";
    edge.parameters = {{"Rows", rows}, {"Bits", 8}};
    edge.word_cells = WordCells{0, 0, 0, 0, 0, static_cast<double>(rows)};
    edge.cost.area_um2 = 9.0 * rows;
    technology.add(edge);
  }
  const auto result = estimated(technology, {"new", {}, {0, 0, 0, 0, 0, 10}});
  EXPECT_NEAR(result->record.cost.area_um2, 90, 0.1);
  EXPECT_NEAR(*result->held_out.area, 0, 1e-3);  // of what has no sizes
  const EstimatedModule sized{"new", {{"Rows", 3}}, {}};
  EXPECT_NEAR(*estimated(technology, sized)->held_out.area, 1, 1e-3);  // all at -100%
}

// Twice what its components cost wherever it is known: so here, too. The other parameters that are
// nearest decide, which are those of the smaller one.
TEST(Estimate, GoesByTheSameModuleUnderTheNearestParameters) {
  Technology technology = linear_technology(30, {5, 3, 0, 2, 1, 9});
  ModuleRecord odd = technology.by_key().begin()->second;
  odd.cost.name = "odd";
  odd.parameters = {{"Bits", 4}, {"Kind", 0}};
  odd.cost.area_um2 *= 2;
  technology.add(odd);
  odd.parameters = {{"Bits", 8}, {"Kind", 1}};
  odd.cost.area_um2 *= 3;
  technology.add(odd);
  const WordCells cells = {10, 64, 5, 8, 20, 16};
  const auto of = [&](const std::string& name) {
    return estimated(technology, {name, {{"Bits", 6}, {"Kind", 0}}, cells})->record.cost.area_um2;
  };
  const double known = estimated(technology, {"new", {}, *odd.word_cells})->record.cost.area_um2;
  EXPECT_NEAR(of("odd") / of("new"), odd.cost.area_um2 / 3 / known, 1e-6);
}

// As many parameters differ: what has about as many bits of everything decides.
TEST(Estimate, AmongParametersEquallyNearTheCellsDecide) {
  Technology technology = linear_technology(30, {5, 3, 0, 2, 1, 9});
  ModuleRecord odd;
  odd.cost.name = "odd";
  const auto add = [&](std::int64_t bits, double cells, double factor) {
    odd.parameters = {{"Bits", bits}};
    odd.word_cells = WordCells{cells, cells, cells, cells, cells, cells};
    odd.cost.area_um2 = factor * 20 * cells;
    technology.add(odd);
  };
  add(2, 5, 10);
  add(64, 500, 2);
  const auto of = [&](double cells) {
    const WordCells all = {cells, cells, cells, cells, cells, cells};
    const auto um2 = [&](const std::string& name) {
      return estimated(technology, {name, {{"Bits", 8}}, all})->record.cost.area_um2;
    };
    return um2("odd") / um2("new");
  };
  EXPECT_NEAR(of(6) / of(400), 5, 1e-6);
}

// Nothing is divided by a figure of 0.
TEST(Estimate, TheErrorIsTheMeanOfWhatCounts) {
  Technology technology = linear_technology(30, {5, 3, 0, 2, 1, 9});
  ModuleRecord odd = technology.by_key().begin()->second;
  odd.cost.name = "odd";
  odd.cost.area_um2 *= 3;
  technology.add(odd);
  const double before = *estimated(technology, {"new", {}, {}})->held_out.area;
  for (const char* name : {"none", "nothing", "nil"}) {
    odd.cost.name = name;
    odd.cost.area_um2 = 0;
    technology.add(odd);
  }
  EXPECT_NEAR(*estimated(technology, {"new", {}, {}})->held_out.area, before, 1e-9);
}

TEST(Estimate, TooFewRecordsEstimateNothing) {
  EXPECT_FALSE(estimated(linear_technology(11, {5, 3, 0, 2, 1, 9}), {"new", {}, {}}));
  EXPECT_TRUE(estimated(linear_technology(12, {5, 3, 0, 2, 1, 9}), {"new", {}, {}}));
}

TEST(Estimate, LeastSquaresStaysAboveZero) {
  // Without the bound (2, -1); on it, the mean.
  const auto x = non_negative_least_squares({{1, 1}, {1, 1}, {1, 2}}, {1, 1, 0});
  ASSERT_EQ(x.size(), 2U);
  EXPECT_EQ(x[1], 0);
  EXPECT_NEAR(x[0], 2.0 / 3, 1e-9);
}

// The problem is convex: what no small step makes better is the best.
TEST(Estimate, LeastSquaresIsTheBestThereIs) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  const auto error = [](const auto& rows, const auto& wanted, const std::vector<double>& x) {
    double sum = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double at = std::inner_product(x.begin(), x.end(), rows[i].begin(), 0.0);
      sum += (at - wanted[i]) * (at - wanted[i]);
    }
    return sum;
  };
  std::size_t bounded = 0;
  for (int problem = 0; problem < 300; ++problem) {
    std::vector<std::vector<double>> rows(7, std::vector<double>(4));
    std::vector<double> wanted(7);
    for (auto& row : rows) std::generate(row.begin(), row.end(), [&] { return normal(random); });
    std::generate(wanted.begin(), wanted.end(), [&] { return normal(random); });
    const auto x = non_negative_least_squares(rows, wanted);
    EXPECT_GE(*std::min_element(x.begin(), x.end()), 0);
    bounded += *std::min_element(x.begin(), x.end()) == 0 ? 1 : 0;
    // No step along an unknown, nor along two, makes it better.
    const double best = error(rows, wanted, x);
    for (std::size_t i = 0; i < 16; ++i) {
      for (const double step : {1e-4, -1e-4}) {
        for (const double other : {0.0, 1e-4, -1e-4}) {
          std::vector<double> moved = x;
          moved[i / 4] += step;
          moved[i % 4] += other;
          if (*std::min_element(moved.begin(), moved.end()) < 0) continue;
          EXPECT_GE(error(rows, wanted, moved), best - 1e-12);
        }
      }
    }
  }
  EXPECT_GT(bounded, 100U);
}

TEST(Estimate, UnknownsThatRowsDoNotTellApartAreNone) {
  const auto absent = non_negative_least_squares({{0, 2}, {0, 4}}, {1, 2});
  EXPECT_EQ(absent[0], 0);
  EXPECT_NEAR(absent[1], 0.5, 1e-12);
  const auto twin = non_negative_least_squares({{1, 1}, {2, 2}}, {3, 6});
  EXPECT_NEAR(twin[0] + twin[1], 3, 1e-12);
  EXPECT_FALSE(has_full_rank({{1, 1}, {2, 2}}));
  EXPECT_FALSE(has_full_rank({{1, 2, 3}, {0, 1, 7}}));
  EXPECT_TRUE(has_full_rank({{1, 2}, {2, 2}}));
}

// Arrays of two sizes have the same PE, but not so many.
TEST(Estimate, InstancesAreThoseOfTheArrayThatAsks) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  Technology technology = linear_technology(30, {5, 3, 0, 2, 1, 9});
  technology.source = {"cells", "0123", 1.0, 22, 1000, "1", "2", "3", "2026-11-21"};
  const Technology linear = technology;
  for (const auto& [key, record] : linear.by_key()) {
    ModuleRecord kept = record;
    kept.rtl_hash = "of another RTL";
    kept.tools = technology.source.tools();
    kept.cost.critical_path_ps = kept.energy_period_ps = 1000;
    kept.energies.at(OperandClass::llm, PeCycleClass::mac)->cycles = 1;
    technology.add(kept);
  }
  const std::string file = (folder.path() / "linear.yaml").string();
  write_technology(technology, file);
  TechnologyShelf shelf;
  std::optional<double> area;
  for (const std::uint32_t side : {2U, 3U}) {
    systolic::Params params;
    params.rows = params.cols = side;
    const systolic::Design design(params);
    const ModuleFigures pe = shelf.estimate(file, design, design.rtl().modules.at(0));
    EXPECT_EQ(pe.origin, ModuleFigures::Origin::estimated);
    EXPECT_EQ(pe.record.cost.instances, side * side);
    EXPECT_EQ(pe.record.cost.area_um2, area.value_or(pe.record.cost.area_um2));
    area = pe.record.cost.area_um2;
  }
}

// By hand: a product of 5 x 3 bits, a sum of 9 bits, a choice of 9 bits, 9 registers.
TEST(WordCells, AreCountedBeforeTheyAreGates) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const auto file = folder.path() / "mac.sv";
  std::ofstream(file) << "module mac #(parameter int Bits = 2) (input clk_i, input clear_i,\n"
                         "  input [Bits-1:0] a_i, input [2:0] b_i, output logic [8:0] sum_o);\n"
                         "  logic [8:0] sum_d;\n"
                         "  logic [Bits+2:0] product;\n"
                         "  assign product = a_i * b_i;\n"
                         "  assign sum_d = (clear_i ? 9'd5 : sum_o) + 9'(product);\n"
                         "  always_ff @(posedge clk_i) sum_o <= sum_d;\n"
                         "endmodule\n";
  const WordCells cells = word_cells({{file}, "mac", {{"Bits", 5}}});
  const WordCells by_hand = {9, 15, 0, 9, 0, 9};
  EXPECT_EQ(cells, by_hand);
}

}  // namespace
}  // namespace bitsmith
