#include "cost/estimate.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/process.h"
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

TEST(Estimate, ASumOfComponentsIsFound) {
  const Technology technology = linear_technology(30, {5, 3, 0, 2, 1, 9});
  const WordCells wanted = {10, 64, 5, 8, 20, 16};
  const auto result = estimate(technology, wanted);
  ASSERT_TRUE(result.has_value());
  const double um2 = 50 + 192 + 16 + 20 + 144;
  EXPECT_NEAR(result->record.cost.area_um2, um2, 1e-3 * um2);
  EXPECT_NEAR(*result->record.cost.leakage_uw, um2 / 8, 1e-3 * um2);
  EXPECT_NEAR(result->record.energies.at(OperandClass::llm, PeCycleClass::mac)->switching_pj,
              um2 / 2, 1e-3 * um2);
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
  const auto result = estimate(technology, {10, 64, 5, 8, 20, 16});
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
  const auto result = estimate(technology, {0, 0, 0, 0, 0, 10});
  EXPECT_NEAR(result->record.cost.area_um2, 90, 0.1);
  EXPECT_NEAR(*result->held_out.area, 6.0 / 18, 1e-3);  // six at -100%
}

// Nothing is divided by a figure of 0.
TEST(Estimate, TheErrorIsTheMeanOfWhatCounts) {
  Technology technology = linear_technology(30, {5, 3, 0, 2, 1, 9});
  ModuleRecord odd = technology.by_key().begin()->second;
  odd.cost.name = "odd";
  odd.cost.area_um2 *= 3;
  technology.add(odd);
  const double before = *estimate(technology, {})->held_out.area;
  for (const char* name : {"none", "nothing", "nil"}) {
    odd.cost.name = name;
    odd.cost.area_um2 = 0;
    technology.add(odd);
  }
  EXPECT_NEAR(*estimate(technology, {})->held_out.area, before, 1e-9);
}

TEST(Estimate, TooFewRecordsEstimateNothing) {
  EXPECT_FALSE(estimate(linear_technology(11, {5, 3, 0, 2, 1, 9}), {}));
  EXPECT_TRUE(estimate(linear_technology(12, {5, 3, 0, 2, 1, 9}), {}));
}

TEST(Estimate, LeastSquaresStaysAboveZero) {
  // Without the bound (2, -1); on it, the mean.
  const auto x = non_negative_least_squares({{1, 1}, {1, 1}, {1, 2}}, {1, 1, 0});
  ASSERT_EQ(x.size(), 2U);
  EXPECT_EQ(x[1], 0);
  EXPECT_NEAR(x[0], 2.0 / 3, 1e-9);
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
