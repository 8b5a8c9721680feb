#include "reproduce/energy_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/file.h"
#include "pe/registry.h"

namespace bitsmith::reproduce {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Two cycles for four products, one, and three.
constexpr std::string_view kUnits = R"(source: a paper
units:
  serial:
    design: {design: bit_serial, rows: 2, cols: 2, lanes: 4, activation: fp16, weight: fp4_e2m1, group: 128}
    modules: [{module: bit_serial_pe}]
  eight:
    design: {design: bit_serial, rows: 2, cols: 2, lanes: 4, activation: fp16, weight: int8, group: 128}
    modules: [{module: bit_serial_pe}]
  six:
    design: {design: bit_serial, rows: 3, cols: 2, lanes: 4, activation: fp16, weight: int6, group: 128}
    modules: [{module: bit_serial_pe, count: 2}]
  fp16:
    design: {design: systolic, rows: 2, cols: 2, activation: fp16, weight: fp16}
    modules: [{module: systolic_os_pe}]
  mixed:
    design: {design: mixpe, rows: 64, cols: 64, lanes: 4, activation: int8, weight: uint4, group: 128}
    modules: [{module: mixpe_pe}, {module: mixpe_column, count: 0.5}, {module: mixpe_row_sum, count: 0.25}]
comparisons:
  - {table: t, row: work, unit: serial, over: fp16, quantity: energy per MAC, claim: 0.5, note: n}
  - {table: t, row: cycle, unit: serial, over: fp16, quantity: power, note: n}
  - {table: t, row: both, unit: serial, over: fp16, quantity: area x power, note: n}
  - {table: t, row: eight, unit: eight, over: fp16, quantity: energy per MAC, note: n}
  - {table: t, row: six, unit: six, over: fp16, quantity: energy per MAC, note: n}
  - {table: t, row: area, unit: serial, over: fp16, note: n}
)";

// Energies [cycles, toggles, switching, internal, clock and registers]: 2 pJ at work and 0.1 uW for
// the one PE, 4 pJ and 0.6 uW for the other. The other classes are there to be left alone.
constexpr std::string_view kTechnology = R"(technology: "hand"
library: "hand_cells"
liberty_hash: "0123"
voltage: 1
node_nm: 100
target_period_ps: 1000
yosys: "Y"
opensta: "O"
iverilog: "I"
date: "2026-11-22"
records:
  - module: bit_serial_pe
    parameters: {{ABits: 16, Lanes: 4, SkipZeroTerms: 0}}
    operands: "fp16 x fp4_e2m1, int8 scales of 128"
    rtl_hash: "{serial}"
    cells: 10
    area_um2: 30
    combinational_um2: 10
    sequential_um2: 20
    buffer_um2: 0
    critical_path_ps: 900
    made: {{method: {method}, yosys: "Y", opensta: "O", iverilog: "I", date: "2026-11-22"}}
    leakage_uw: 100
    energy_period_ps: 1000
    energies:
      uniform:
        mac: [100, 0.5, 70, 70, 70]
      llm:
        mac: [100, 0.5, 1, 0.75, 0.25]
        pad: [100, 0.5, 50, 50, 50]
        idle: [100, 0.5, 60, 60, 60]
  - module: systolic_os_pe
    parameters: {{ABits: 16, AExpBits: 5, ASpecials: 2, AccBits: 32, ClockGating: 0, DrainOverlapped: 1, Overflow: 0, Pipeline: 1, WBits: 16, WExpBits: 5, WSpecials: 2}}
    operands: "fp16 x fp16"
    rtl_hash: "{systolic}"
    cells: 10
    area_um2: 40
    combinational_um2: 10
    sequential_um2: 30
    buffer_um2: 0
    critical_path_ps: 2000
    made: {{method: {method}, yosys: "Y", opensta: "O", iverilog: "I", date: "2026-11-22"}}
    leakage_uw: 600
    energy_period_ps: 2000
    energies:
      llm:
        mac: [100, 0.5, 2, 1, 1]
)";

AreaComparisons comparisons_of(std::string_view text) {
  Diagnostics diagnostics;
  AreaComparisons result =
      read_area_comparisons(yaml::parse(text, "paper.yaml", diagnostics), diagnostics);
  diagnostics.throw_if_any();
  return result;
}

const AreaUnit& unit_of(const AreaComparisons& comparisons, std::string_view name) {
  for (const AreaUnit& unit : comparisons.units) {
    if (unit.name == name) return unit;
  }
  throw std::runtime_error("no such unit");
}

std::string hash_of(const AreaComparisons& comparisons, std::string_view unit) {
  return hash_of_rtl(*unit_of(comparisons, unit).design);
}

Technology by_hand(const AreaComparisons& comparisons, std::string serial_hash = "") {
  if (serial_hash.empty()) serial_hash = hash_of(comparisons, "serial");
  const std::string text = fmt::format(fmt::runtime(kTechnology), fmt::arg("serial", serial_hash),
                                       fmt::arg("systolic", hash_of(comparisons, "fp16")),
                                       fmt::arg("method", kRecordMethod));
  return parse_technology(text, "hand.yaml");
}

UnitAnswer answer_of(const AreaComparisons& comparisons, std::string_view name,
                     const Technology& technology) {
  return unit_energy(unit_of(comparisons, name), technology);
}

ModuleRecord record_of(const Technology& technology, std::string_view module) {
  for (const auto& [key, record] : technology.by_key()) {
    if (record.cost.name == module) return record;
  }
  throw std::runtime_error("no such record");
}

// Both run at 2000 ps, where 100 uW are 0.2 pJ and 600 uW 1.2 pJ: 2.2 against 5.2 pJ per cycle.
TEST(EnergyComparison, RatiosAreOfPicojoulesByHand) {
  const AreaComparisons comparisons = comparisons_of(kUnits);
  const auto rows = energy_rows(comparisons, {by_hand(comparisons)});
  ASSERT_EQ(rows.size(), 5U);  // that of areas is in area_rows()
  EXPECT_NEAR(rows[0].ours.value(), 2.2 / 2 / 5.2, 1e-12);
  EXPECT_NEAR(rows[1].ours.value(), 2.2 / 5.2, 1e-12);
  EXPECT_NEAR(rows[2].ours.value(), 2.2 / 5.2 * 30 / 40, 1e-12);
  EXPECT_NEAR(rows[3].ours.value(), 2.2 / 5.2, 1e-12);
  EXPECT_NEAR(rows[4].ours.value(), 2.2 * 3 / 4 / 5.2, 1e-12);  // two PEs do twice as much
  EXPECT_EQ(rows[0].claim, 0.5);
  EXPECT_FALSE(rows[1].claim);
  EXPECT_EQ(rows[0].unit, "ratio of energy per MAC");
  EXPECT_EQ(rows[0].measured, "1 + 0.1 pJ against 4 + 1.2 pJ per MAC, 2000 ps");
  EXPECT_EQ(rows[1].measured, "2 + 0.2 pJ against 4 + 1.2 pJ per cycle, 2000 ps");
  EXPECT_THAT(rows[2].measured, HasSubstr("per cycle, 2000 ps; 30 against 40 um2"));
  for (const CostRow& row : rows) {
    EXPECT_EQ(row.technology, "hand_cells");
    EXPECT_FALSE(row.stale || row.missing);
    const bool has_own_operands = row.row != "eight" && row.row != "six";
    EXPECT_EQ(row.remarks.empty(), has_own_operands) << row.row;
  }
  // The same RTL, under other weights.
  for (const std::size_t other : {3U, 4U}) {
    EXPECT_THAT(rows[other].remarks,
                ElementsAre(HasSubstr("bit_serial_pe ABits=16 Lanes=4 SkipZeroTerms=0 under "
                                      "operands fp16 x fp4_e2m1, int8 scales of 128")));
  }
  for (const CostRow& row : area_rows(comparisons, {}, "the command")) EXPECT_EQ(row.row, "area");
}

TEST(EnergyComparison, ProductsPerCycleAreTheDesigns) {
  const AreaComparisons comparisons = comparisons_of(kUnits);
  const Technology technology = by_hand(comparisons);
  EXPECT_DOUBLE_EQ(answer_of(comparisons, "serial", technology).energy->macs_per_cycle, 2);
  EXPECT_DOUBLE_EQ(answer_of(comparisons, "eight", technology).energy->macs_per_cycle, 1);
  EXPECT_DOUBLE_EQ(answer_of(comparisons, "six", technology).energy->macs_per_cycle, 8.0 / 3);
  EXPECT_DOUBLE_EQ(answer_of(comparisons, "fp16", technology).energy->macs_per_cycle, 1);
}

TEST(EnergyComparison, NoRecordIsNoFigureAndSaysWhatMakesIt) {
  const AreaComparisons comparisons = comparisons_of(kUnits);
  Technology empty = by_hand(comparisons);
  empty = parse_technology(technology_text(empty).substr(0, technology_text(empty).find("  - ")),
                           "hand.yaml");
  for (const CostRow& row : energy_rows(comparisons, {empty})) {
    EXPECT_FALSE(row.ours || row.stale) << row.row;
    EXPECT_TRUE(row.missing);
    EXPECT_EQ(row.measured, "");
    EXPECT_EQ(row.technology, "hand_cells");
    ASSERT_EQ(row.remarks.size(), 2U);
    EXPECT_THAT(row.remarks[0],
                HasSubstr("hand has no record of bit_serial_pe, which `scripts/bitsmith synth"));
    EXPECT_THAT(row.remarks[1],
                HasSubstr("`scripts/bitsmith synth configs/designs/systolic/fp16_16x16.yaml --tech "
                          "hand --liberty FILE` makes"));
  }
  // The same PE is in files of other weights, which would give other operands.
  EXPECT_THAT(energy_rows(comparisons, {empty})[0].remarks[0], HasSubstr("bit_serial/fp4_"));
  EXPECT_THAT(energy_rows(comparisons, {empty})[4].remarks[0], HasSubstr("bit_serial/int6_"));
  // Nobody ships four lanes.
  const UnitAnswer mixed = answer_of(comparisons, "mixed", empty);
  EXPECT_FALSE(mixed.energy);
  ASSERT_EQ(mixed.reasons.size(), 1U);
  EXPECT_THAT(mixed.reasons[0], HasSubstr("Lanes=4"));
  EXPECT_THAT(mixed.reasons[0], HasSubstr("of which there is no shipped design file"));
  // The claim stands once where there is no technology at all.
  const auto rows = energy_rows(comparisons, {});
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0].claim, 0.5);
  EXPECT_FALSE(rows[0].ours);
  EXPECT_EQ(rows[0].technology, "");
  EXPECT_THAT(rows[0].remarks, ElementsAre(std::string(kNoTechnology)));
}

TEST(EnergyComparison, EveryTechnologyHasItsOwnRows) {
  const AreaComparisons comparisons = comparisons_of(kUnits);
  Technology other = by_hand(comparisons, "of other sources");
  other.source.library = "other_cells";
  const auto rows = energy_rows(comparisons, {by_hand(comparisons), other});
  ASSERT_EQ(rows.size(), 10U);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].technology, i % 2 == 0 ? "hand_cells" : "other_cells");
    EXPECT_EQ(rows[i].ours.has_value(), i % 2 == 0);
    EXPECT_EQ(rows[i].stale, i % 2 == 1);
  }
  ASSERT_EQ(rows[1].remarks.size(), 1U);
  EXPECT_THAT(rows[1].remarks[0], HasSubstr("hand has no record of the RTL in the tree, only of "
                                            "other RTL or method, of bit_serial_pe"));
}

TEST(EnergyComparison, WhatARecordLacksIsNotTakenAsNothing) {
  const AreaComparisons comparisons = comparisons_of(kUnits);
  Technology no_leakage = by_hand(comparisons);
  ModuleRecord fp16 = record_of(no_leakage, "systolic_os_pe");
  fp16.cost.leakage_uw.reset();
  no_leakage.add(fp16);
  Technology no_energy = by_hand(comparisons);
  ModuleRecord serial = record_of(no_energy, "bit_serial_pe");
  serial.energies.at(OperandClass::llm, PeCycleClass::mac).reset();
  no_energy.add(serial);
  const auto rows = energy_rows(comparisons, {no_leakage, no_energy});
  ASSERT_EQ(rows.size(), 10U);
  for (const CostRow& row : rows) {
    EXPECT_FALSE(row.ours || row.stale) << row.row;
    ASSERT_EQ(row.remarks.size(), 1U);
  }
  EXPECT_THAT(rows[0].remarks[0], HasSubstr("hand has no leakage of systolic_os_pe"));
  EXPECT_THAT(rows[0].remarks[0], Not(HasSubstr("synth")));  // the library says none
  EXPECT_THAT(rows[1].remarks[0], HasSubstr("synth configs/designs/bit_serial/fp4_"));
  EXPECT_THAT(rows[1].remarks[0], HasSubstr("hand has no energy of a cycle at work of bit_serial"));
}

// A share of a column of 64 rows, from columns of at most 8: 1 + rows / 10 pJ.
TEST(EnergyComparison, SharesOfModulesAndSizesThatWereNotMeasured) {
  const AreaComparisons comparisons = comparisons_of(kUnits);
  const AreaUnit& mixed = unit_of(comparisons, "mixed");
  Technology technology = by_hand(comparisons);
  ModuleRecord record = record_of(technology, "bit_serial_pe");
  record.rtl_hash = hash_of(comparisons, "mixed");
  record.operands = mixed.design->rtl().modules.front().operands;
  auto& energy = record.energies.at(OperandClass::llm, PeCycleClass::mac);
  const auto add = [&](const RtlModule& module, double pj) {
    record.cost.name = module.name;
    record.parameters = module.parameters;
    energy->switching_pj = pj;
    energy->internal_pj = energy->clock_and_registers_pj = 0;
    technology.add(record);
  };
  add(mixed.parts[0].module, 8);
  add(mixed.parts[2].module, 4);
  for (const auto& [rows, cols] : {std::pair(2, 2), {4, 2}, {8, 2}, {2, 4}, {2, 8}, {6, 6}}) {
    RtlModule column = mixed.parts[1].module;
    for (auto& [name, value] : column.parameters) {
      if (name == "Rows") value = rows;
      if (name == "Cols") value = cols;
    }
    add(column, 1 + rows / 10.0);
  }
  const UnitAnswer answer = answer_of(comparisons, "mixed", technology);
  ASSERT_TRUE(answer.energy);
  EXPECT_DOUBLE_EQ(answer.energy->macs_per_cycle, 4);  // lanes
  EXPECT_NEAR(answer.energy->dynamic_pj, 8 + 0.5 * 7.4 + 0.25 * 4, 1e-6);
  EXPECT_NEAR(answer.energy->leakage_uw, 1.75 * 100, 1e-6);
  EXPECT_NEAR(answer.energy->area_um2, 1.75 * 30, 1e-6);
  ASSERT_EQ(answer.energy->remarks.size(), 1U);
  EXPECT_THAT(answer.energy->remarks[0], HasSubstr("Rows=64"));
  EXPECT_THAT(answer.energy->remarks[0], HasSubstr("extrapolated from smaller sizes"));
  // The very size wins, and there is nothing to remark.
  add(mixed.parts[1].module, 9);
  const UnitAnswer measured = answer_of(comparisons, "mixed", technology);
  EXPECT_DOUBLE_EQ(measured.energy->dynamic_pj, 8 + 0.5 * 9 + 0.25 * 4);
  EXPECT_THAT(measured.energy->remarks, IsEmpty());
}

TEST(EnergyComparison, EnergyIsOfUnitsWithPes) {
  std::string text(kUnits.substr(0, kUnits.find("comparisons:")));
  text += R"(  shift: {sources: [common/lzc.sv], modules: [{module: lzc, parameters: {Width: 12}}]}
  sums:
    design: {design: mixpe, rows: 4, cols: 4, activation: int8, weight: uint4, group: 128}
    modules: [{module: mixpe_row_sum}]
  changed:
    design: {design: mixpe, rows: 4, cols: 4, activation: int8, weight: uint4, group: 128}
    modules: [{module: mixpe_pe, parameters: {Group: 64}}]
comparisons:
  - {table: t, row: r, unit: shift, over: fp16, quantity: power, note: n}
  - {table: t, row: r, unit: fp16, over: sums, quantity: energy per MAC, note: n}
  - {table: t, row: r, unit: fp16, over: changed, quantity: area x power, note: n}
  - {table: t, row: r, unit: fp16, over: serial, quantity: energy per MAC, work: 2, note: n}
)";
  try {
    comparisons_of(text);
    FAIL() << "accepted";
  } catch (const UserError& error) {
    for (const char* part : {"'power' is of units with PEs of a design: 'shift' has none",
                             "'energy per MAC' is of units with PEs of a design: 'sums' has none",
                             "'area x power' is of units with PEs of a design: 'changed' has none",
                             "'work': not with 'energy per MAC', designs say theirs"}) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
}

// Whatever records are shipped: a figure, or none and why, and what would make it.
TEST(EnergyComparison, ShippedComparisonsHaveAFigureOrAReason) {
  const std::vector<Technology> technologies = all_technologies();
  ASSERT_FALSE(technologies.empty());
  for (const auto& [paper, comparisons] : {std::pair("bitmod", 5U), std::pair("mixpe", 12U)}) {
    const auto rows = energy_rows(load_area_comparisons(paper), technologies);
    EXPECT_EQ(rows.size(), comparisons * technologies.size());
    for (const CostRow& row : rows) {
      EXPECT_FALSE(row.stale) << row.row << ": make the records of " << row.technology << " anew";
      EXPECT_EQ(row.missing, !row.ours) << row.row;
      EXPECT_EQ(row.measured.empty(), !row.ours) << row.row;
      if (row.ours) {
        EXPECT_GT(*row.ours, 0.001) << row.row;
        EXPECT_LT(*row.ours, 4) << row.row;
        continue;
      }
      ASSERT_FALSE(row.remarks.empty()) << row.row;
      EXPECT_THAT(row.remarks[0], AnyOf(HasSubstr("scripts/bitsmith synth configs/designs/"),
                                        HasSubstr("there is no shipped design file")));
    }
  }
}

}  // namespace
}  // namespace bitsmith::reproduce
