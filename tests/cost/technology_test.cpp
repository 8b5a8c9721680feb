#include "cost/technology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <tuple>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"
#include "cost/record_making.h"
#include "cost/size_fit.h"
#include "pe/bit_serial/design.h"
#include "pe/lut_tensor_core/design.h"
#include "pe/systolic/design.h"

namespace bitsmith {
namespace {

using Origin = ModuleFigures::Origin;
using testing::HasSubstr;

const std::vector<RtlDescription::Size> kSizes = {{"rows", {"Rows"}}, {"cols", {"Cols"}}};

Technology empty_technology() {
  Technology technology;
  technology.name = "round";
  technology.source = {"cells", "0123",         1.5,         180, 2000, "Yosys 1",
                       "2",     "Icarus \"3\"", "2026-11-21"};
  return technology;
}

ModuleRecord record_of(const std::string& module, const RtlParameters& parameters, double area,
                       const std::string& hash = "aa") {
  ModuleRecord record;
  record.cost = {module, 1, 7, area, area / 2, area / 4, area / 4, 1500, 0.5};
  record.parameters = parameters;
  record.rtl_hash = hash;
  record.target_period_ps = 2000;
  record.energy_period_ps = 2000;
  EnergyRecord energy;
  energy.cycles = 1000;
  energy.toggles_per_net = 0.5;
  energy.switching_pj = area * 3;
  energy.internal_pj = 2;
  energy.clock_and_registers_pj = 1;
  energy.leakage_pj = 0.5 * 2000 * 1e-6;
  record.energies.at(OperandClass::llm, PeCycleClass::mac) = energy;
  record.tools = {kRecordMethod, "Yosys 0", "1", "Icarus", "2026-11-20"};
  return record;
}

// The same RTL under other operands takes another energy.
TEST(Technology, RecordsAreOfTheDesignsOperands) {
  Technology technology = empty_technology();
  const auto add = [&](const std::string& operands, double area) {
    ModuleRecord record = record_of("pe", {{"Lanes", 4}}, area);
    record.operands = operands;
    technology.add(std::move(record));
  };
  add("fp16 x fp3", 100);
  add("fp16 x fp4", 200);
  technology = parse_technology(technology_text(technology), "both.yaml");
  ASSERT_EQ(technology.records(), 2U);
  const auto find = [&](const std::string& operands, const std::string& hash) {
    return technology.find({"pe", 1, {{"Lanes", 4}}, true, operands}, hash, {});
  };
  for (const auto& [operands, area] : {std::pair("fp16 x fp3", 100.0), {"fp16 x fp4", 200.0}}) {
    const ModuleFigures own = find(operands, "aa");
    EXPECT_EQ(own.origin, Origin::measured);
    EXPECT_FALSE(own.other_operands);
    EXPECT_EQ(own.record.operands, operands);
    EXPECT_EQ(own.record.cost.area_um2, area);
  }
  const ModuleFigures others = find("fp16 x int6", "aa");
  EXPECT_EQ(others.origin, Origin::measured);
  EXPECT_TRUE(others.other_operands);
  EXPECT_EQ(others.record.operands, "fp16 x fp3");
  EXPECT_EQ(find("fp16 x int6", "bb").origin, Origin::stale);
  EXPECT_FALSE(find("fp16 x int6", "bb").known());
}

// Of sizes, too, operands are not mixed.
TEST(Technology, AFitIsOfOneKindOfOperands) {
  Technology technology = empty_technology();
  for (const auto& [operands, per_row] : {std::pair("a", 10.0), {"b", 30.0}}) {
    for (const int rows : {2, 4, 6, 8}) {
      ModuleRecord record = record_of("edge", {{"Rows", rows}}, per_row * rows);
      record.operands = operands;
      technology.add(std::move(record));
    }
  }
  const auto area = [&](const std::string& operands) {
    return technology.find({"edge", 1, {{"Rows", 16}}, false, operands}, "aa", kSizes)
        .record.cost.area_um2;
  };
  EXPECT_NEAR(area("a"), 160, 1e-6);
  EXPECT_NEAR(area("b"), 480, 1e-6);
}

TEST(Technology, ARecordOfAnotherMethodIsStale) {
  Technology technology = empty_technology();
  ModuleRecord record = record_of("pe", {}, 100);
  technology.add(record);
  EXPECT_EQ(technology.find({"pe", 1, {}}, "aa", {}).origin, Origin::measured);
  record.tools.method = kRecordMethod + 1;
  technology.add(record);
  EXPECT_EQ(technology.find({"pe", 1, {}}, "aa", {}).origin, Origin::stale);
  const Technology read = parse_technology(technology_text(technology), "round.yaml");
  EXPECT_EQ(read.find({"pe", 1, {}}, "aa", {}).origin, Origin::stale);
}

TEST(Technology, ToolsOfARecordAreItsOwnOrThoseOfTheFile) {
  Technology technology = empty_technology();
  technology.add(record_of("pe", {}, 100));
  std::string text = technology_text(technology);
  const auto tools = [&] {
    return parse_technology(text, "r.yaml").by_key().begin()->second.tools;
  };
  EXPECT_EQ(tools(), (RecordTools{kRecordMethod, "Yosys 0", "1", "Icarus", "2026-11-20"}));
  const std::size_t made = text.find("    made: ");
  text.erase(made, text.find('\n', made) + 1 - made);
  EXPECT_EQ(tools(), (RecordTools{1, "Yosys 1", "2", "Icarus \"3\"", "2026-11-21"}));
}

TEST(Technology, IsReadAsItWasWritten) {
  Technology technology = empty_technology();
  technology.add(record_of("pe", {{"WBits", 4}, {"ABits", -8}}, 100));
  technology.add(record_of("edge", {}, 200));
  const std::string text = technology_text(technology);
  const Technology read = parse_technology(text, "round.yaml");
  EXPECT_EQ(read.name, "round");
  EXPECT_EQ(read.source, technology.source);
  EXPECT_EQ(technology_text(read), text);
  const ModuleRecord* pe = read.record({"pe", 1, {{"ABits", -8}, {"WBits", 4}}}, "aa");
  ASSERT_NE(pe, nullptr);
  EXPECT_EQ(pe->cost.area_um2, 100);
  EXPECT_EQ(pe->cost.leakage_uw, 0.5);
  EXPECT_EQ(pe->target_period_ps, 2000);
  const auto& energy = pe->energies.at(OperandClass::llm, PeCycleClass::mac);
  ASSERT_TRUE(energy.has_value());
  EXPECT_DOUBLE_EQ(*energy->pj_per_cycle(), 300 + 2 + 1 + 0.001);
  EXPECT_FALSE(pe->energies.at(OperandClass::zero, PeCycleClass::mac));
  // Records are in the order of their keys: adding one changes no other line.
  EXPECT_LT(text.find("module: edge"), text.find("module: pe"));
}

TEST(Technology, MistakesOfItsFileAreAllLocated) {
  Technology technology = empty_technology();
  technology.add(record_of("pe", {{"Bits", 4}}, 100));
  std::string text = technology_text(technology);
  const auto replace = [&](const std::string& what, const std::string& by) {
    const std::size_t at = text.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    text.replace(at, what.size(), by);
  };
  replace("voltage: 1.5", "voltage: high");
  replace("      llm:", "      lm:");
  replace("    cells: 7", "    cell: 7");
  replace("Bits: 4", "Bits: four");
  try {
    parse_technology(text, "round.yaml");
    FAIL() << "accepted";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("round.yaml:6:10: 'voltage': expected a number"));
    EXPECT_THAT(error.what(), HasSubstr("unknown parameter 'cell' (did you mean 'cells'?)"));
    EXPECT_THAT(error.what(), HasSubstr("'cells' is missing"));
    EXPECT_THAT(error.what(), HasSubstr("'Bits': expected an integer"));
    EXPECT_THAT(error.what(), HasSubstr("unknown class of operands 'lm'"));
  }
  EXPECT_THROW(parse_technology(technology_text(technology) + "  - module: pe\n", "t"), UserError);
  EXPECT_THROW(parse_technology("", "t"), UserError);
  EXPECT_THROW(load_technology("no_such_technology"), UserError);
  EXPECT_THROW(load_technology("/nowhere/no.yaml"), UserError);
}

TEST(Technology, ARecordCountsForItsRtlAlone) {
  Technology technology = empty_technology();
  technology.add(record_of("pe", {{"Bits", 4}}, 100, "old"));
  const RtlDescription::Module pe{"pe", 12, {{"Bits", 4}}};
  const ModuleFigures found = technology.find(pe, "old", kSizes);
  EXPECT_EQ(found.origin, Origin::measured);
  EXPECT_EQ(found.record.cost.instances, 12U);
  EXPECT_EQ(technology.find(pe, "new", kSizes).origin, Origin::stale);
  EXPECT_FALSE(technology.find(pe, "new", kSizes).known());
  EXPECT_EQ(technology.find({"pe", 1, {{"Bits", 5}}}, "old", kSizes).origin, Origin::absent);
  EXPECT_EQ(technology.find({"pe", 1, {}}, "old", kSizes).origin, Origin::absent);
  // One made since, in the cache, is found beside it; added, it takes the other's place.
  Technology cached = empty_technology();
  cached.add(record_of("pe", {{"Bits", 4}}, 50, "new"));
  technology.merge(cached);
  EXPECT_EQ(technology.find(pe, "new", kSizes).record.cost.area_um2, 50);
  EXPECT_EQ(technology.find(pe, "old", kSizes).record.cost.area_um2, 100);
  technology.add(record_of("pe", {{"Bits", 4}}, 51, "new"));
  EXPECT_EQ(technology.find(pe, "old", kSizes).origin, Origin::stale);
}

double edge_um2(std::int64_t rows, std::int64_t cols) {
  const auto r = static_cast<double>(rows), c = static_cast<double>(cols);
  return 1000 + 30 * r + 20 * c + 4 * r * r + 2 * c * c;
}

Technology with_edges(const std::vector<std::pair<int, int>>& sizes, double product = 0) {
  Technology technology = empty_technology();
  for (const auto& [rows, cols] : sizes) {
    ModuleRecord record = record_of("edge", {{"Bits", 8}, {"Rows", rows}, {"Cols", cols}},
                                    edge_um2(rows, cols) + product * rows * cols);
    record.cost.critical_path_ps = 100 * (rows + cols);
    technology.add(record);
  }
  return technology;
}

const std::vector<std::pair<int, int>> kMeasured = {{2, 2}, {4, 2}, {8, 2}, {2, 4}, {2, 8}, {6, 6}};

TEST(Technology, SizesBetweenAndBeyondAreFitted) {
  Technology technology = with_edges(kMeasured);
  // Not the largest size, but the longest path.
  ModuleRecord slow = record_of("edge", {{"Bits", 8}, {"Rows", 4}, {"Cols", 2}}, edge_um2(4, 2));
  slow.cost.critical_path_ps = 1500;
  technology.add(slow);
  const RtlDescription::Module edge{"edge", 1, {{"Rows", 16}, {"Cols", 5}, {"Bits", 8}}};
  const ModuleFigures found = technology.find(edge, "aa", kSizes);
  ASSERT_EQ(found.origin, Origin::extrapolated);  // 16 rows are more than any record has
  EXPECT_NEAR(found.record.cost.area_um2, edge_um2(16, 5), 1e-6 * edge_um2(16, 5));
  EXPECT_NEAR(*found.record.cost.leakage_uw, 0.5, 1e-9);
  const auto& energy = found.record.energies.at(OperandClass::llm, PeCycleClass::mac);
  EXPECT_NEAR(energy->switching_pj, 3 * edge_um2(16, 5), 1e-5 * edge_um2(16, 5));
  EXPECT_NEAR(energy->internal_pj, 2, 1e-9);
  EXPECT_EQ(found.record.cost.critical_path_ps, 1500);  // of 4x2
  EXPECT_NEAR(*found.held_out.area, 0, 1e-9);
  EXPECT_NEAR(*found.held_out.energy, 0, 1e-9);
  for (const auto& [rows, cols, origin] :
       {std::tuple(8, 8, Origin::interpolated), std::tuple(3, 5, Origin::interpolated),
        std::tuple(9, 2, Origin::extrapolated), std::tuple(2, 1, Origin::extrapolated)}) {
    const RtlDescription::Module other{"edge", 1, {{"Rows", rows}, {"Cols", cols}, {"Bits", 8}}};
    EXPECT_EQ(technology.find(other, "aa", kSizes).origin, origin) << rows << "x" << cols;
  }
  // Other parameters are another module.
  const RtlDescription::Module wider{"edge", 1, {{"Rows", 16}, {"Cols", 5}, {"Bits", 9}}};
  EXPECT_EQ(technology.find(wider, "aa", kSizes).origin, Origin::absent);
  EXPECT_EQ(technology.find(edge, "other", kSizes).origin, Origin::stale);
}

// Gates that abc saves at larger sizes are no gain per row: the mean of all, and not a line that
// falls below 0.
TEST(Technology, NothingCostsLessThanNothing) {
  Technology technology = empty_technology();
  for (const int rows : {2, 4, 6, 8}) {
    ModuleRecord record = record_of("edge", {{"Rows", rows}}, 12 - rows);
    record.cost.leakage_uw = 0.5 * rows - 0.75;
    technology.add(record);
  }
  for (const int rows : {1, 64}) {
    const ModuleFigures found = technology.find({"edge", 1, {{"Rows", rows}}}, "aa", kSizes);
    ASSERT_EQ(found.origin, Origin::extrapolated);
    EXPECT_NEAR(found.record.cost.area_um2, (10 + 8 + 6 + 4) / 4.0, 1e-9);
    EXPECT_GT(*found.record.cost.leakage_uw, 0);
    const auto& energy = found.record.energies.at(OperandClass::llm, PeCycleClass::mac);
    EXPECT_NEAR(dynamic_pj(*energy), 3 * 7 + 2 + 1, 1e-9);
  }
}

TEST(Technology, AMeasuredSizeWins) {
  Technology technology = with_edges(kMeasured);
  technology.add(record_of("edge", {{"Bits", 8}, {"Rows", 16}, {"Cols", 16}}, 5));
  const ModuleFigures found =
      technology.find({"edge", 1, {{"Bits", 8}, {"Rows", 16}, {"Cols", 16}}}, "aa", kSizes);
  EXPECT_EQ(found.origin, Origin::measured);
  EXPECT_EQ(found.record.cost.area_um2, 5);
}

TEST(Technology, WhatTheTermsDoNotHoldShowsAsHeldOutError) {
  const Technology technology = with_edges(kMeasured, 10);
  const ModuleFigures found =
      technology.find({"edge", 1, {{"Bits", 8}, {"Rows", 3}, {"Cols", 3}}}, "aa", kSizes);
  ASSERT_TRUE(found.held_out.area.has_value());
  // 10 R C on (2,2), (4,2), (8,2), (2,4), (2,8) is 20 R + 20 C - 40; at (6,6) 200 instead of 360.
  EXPECT_NEAR(*found.held_out.area, (200.0 - 360.0) / (edge_um2(6, 6) + 360), 1e-9);
}

TEST(Technology, TooFewSizesTellNothing) {
  const Technology few = with_edges({{2, 2}, {4, 2}, {8, 2}, {2, 4}});
  const RtlDescription::Module edge{"edge", 1, {{"Bits", 8}, {"Rows", 3}, {"Cols", 3}}};
  EXPECT_EQ(few.find(edge, "aa", kSizes).origin, Origin::absent);
  // Five on a line do not tell rows from columns.
  const Technology square = with_edges({{2, 2}, {4, 4}, {5, 5}, {6, 6}, {7, 7}, {8, 8}});
  EXPECT_EQ(square.find(edge, "aa", kSizes).origin, Origin::absent);
  const Technology five = with_edges({{2, 2}, {4, 2}, {8, 2}, {2, 4}, {2, 8}});
  const ModuleFigures found = five.find(edge, "aa", kSizes);
  EXPECT_EQ(found.origin, Origin::interpolated);
  EXPECT_FALSE(found.held_out.area.has_value());
}

std::set<std::string> modules_without_sizes(const Design& design) {
  std::set<std::string> names;
  for (const RtlDescription::Module& module : design.rtl().modules) {
    if (!SizedModule(module.parameters, design.rtl().sizes).has_sizes()) names.insert(module.name);
  }
  return names;
}

// PEs are the same whatever the array's size; what knows a size is answered from small ones.
TEST(RecordMaking, DesignsAreAnsweredAtAnySize) {
  const auto expect_answered = [](const std::shared_ptr<const Design>& design,
                                  const std::string& pe) {
    EXPECT_TRUE(modules_without_sizes(*design).contains(pe));
    std::vector<RtlDescription::Module> pes = design->rtl().modules;
    std::erase_if(pes, [](const RtlDescription::Module& module) { return !module.is_pe; });
    ASSERT_EQ(pes.size(), 1U);
    EXPECT_EQ(pes[0].name, pe);
    EXPECT_EQ(pes[0].instances, design->pe_count());
    Technology technology = empty_technology();
    for (const WantedRecord& wanted : modules_at_any_size(design)) {
      EXPECT_EQ(technology.record(wanted.module, wanted.rtl_hash), nullptr)
          << wanted.key() << " is wanted twice";
      ModuleRecord record =
          record_of(wanted.module.name, wanted.module.parameters, 100, wanted.rtl_hash);
      record.operands = wanted.module.operands;
      technology.add(std::move(record));
    }
    for (const RtlDescription::Module& module : design->rtl().modules) {
      const ModuleFigures found =
          technology.find(module, hash_of_rtl(*design), design->rtl().sizes);
      EXPECT_TRUE(found.known()) << module.name;
      const bool is_fitted =
          found.origin == Origin::interpolated || found.origin == Origin::extrapolated;
      EXPECT_EQ(is_fitted, found.held_out.area.has_value());
      EXPECT_NEAR(found.record.cost.area_um2, 100, 1e-6);
    }
  };
  systolic::Params systolic;
  systolic.rows = 21;
  expect_answered(std::make_shared<systolic::Design>(systolic), "systolic_os_pe");
  bit_serial::Params tiles;
  tiles.rows = tiles.cols = 32;
  tiles.row_tiles = 4;
  expect_answered(std::make_shared<bit_serial::Design>(tiles), "bit_serial_pe");
  expect_answered(std::make_shared<lut_tensor_core::Design>(lut_tensor_core::Params()),
                  "lut_tensor_core_lane");
}

TEST(RecordMaking, RecordsOfTwoLibrariesDoNotMix) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const auto file = folder.path() / "my.yaml";
  const TechnologySource source = empty_technology().source;
  keep_record(file, "my", source, record_of("pe", {}, 100));
  keep_record(file, "my", source, record_of("edge", {}, 200));
  EXPECT_EQ(read_technology(file).records(), 2U);
  TechnologySource later = source;
  later.date = "2027-01-01";
  keep_record(file, "my", later, record_of("edge", {}, 200));
  EXPECT_EQ(read_technology(file).record({"pe", 1, {}}, "aa")->tools, source.tools());
  EXPECT_EQ(read_technology(file).record({"edge", 1, {}}, "aa")->tools, later.tools());
  TechnologySource other = source;
  other.liberty_hash = "4567";
  EXPECT_THROW(keep_record(file, "my", other, record_of("pe", {}, 1)), UserError);
  other = source;
  other.target_period_ps = 1;
  EXPECT_THROW(keep_record(file, "my", other, record_of("pe", {}, 1)), UserError);
  other = source;
  other.node_nm = 28;
  EXPECT_THROW(keep_record(file, "my", other, record_of("pe", {}, 1)), UserError);
  EXPECT_EQ(read_technology(file).record({"pe", 1, {}}, "aa")->cost.area_um2, 100);
  // A copy goes by its own name.
  std::filesystem::copy(file, folder.path() / "yours.yaml");
  EXPECT_EQ(read_technology(folder.path() / "yours.yaml").name, "yours");
}

// It would spoil the file for all others.
TEST(RecordMaking, ARecordThatCouldNotBeReadIsNotKept) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const auto file = folder.path() / "my.yaml";
  const TechnologySource source = empty_technology().source;
  keep_record(file, "my", source, record_of("pe", {}, 100));
  const std::string before = read_file(file, 1 << 20);
  ModuleRecord no_path = record_of("edge", {}, 200);
  no_path.cost.critical_path_ps = 0;
  ModuleRecord negative = record_of("edge", {}, 200);
  negative.energies.at(OperandClass::llm, PeCycleClass::mac)->internal_pj = -1;
  ModuleRecord not_a_number = record_of("edge", {}, 200);
  not_a_number.cost.leakage_uw = std::nan("");
  for (const ModuleRecord& bad : {no_path, negative, not_a_number, record_of("edge", {}, 0)}) {
    try {
      keep_record(file, "my", source, bad);
      ADD_FAILURE() << "kept";
    } catch (const UserError& error) {
      EXPECT_THAT(error.what(), HasSubstr("record of edge"));
    }
  }
  EXPECT_EQ(read_file(file, 1 << 20), before);
}

// The edge of an INT4 array at a size that none of the records has, against its own synthesis.
TEST(RecordMaking, AnInterpolatedEdgeIsNearItsSynthesis) {
  systolic::Params params;
  params.rows = 5;
  params.cols = 7;
  params.activation = params.weight = find_format("int4");
  params.accumulator_bits = 12;
  const auto design = std::make_shared<systolic::Design>(params);
  const SynthesisOptions options{default_liberty()};
  const LibertyLibrary library = read_liberty(options.liberty);
  Technology technology = empty_technology();
  for (const WantedRecord& wanted : modules_at_any_size(design)) {
    if (wanted.module.name == "systolic_os_edge") {
      PreparedModule module(wanted);
      technology.add(make_record(module, options, library, nullptr));
    }
  }
  const RtlDescription::Module edge = design->rtl().modules.at(1);
  const ModuleFigures found = technology.find(edge, hash_of_rtl(*design), design->rtl().sizes);
  ASSERT_EQ(found.origin, Origin::interpolated);
  const ModuleCost real = map_module(rtl_module(*design, edge), options, library).cost;
  EXPECT_NEAR(found.record.cost.area_um2 / real.area_um2, 1, 0.02);
  EXPECT_NEAR(found.record.cost.sequential_um2 / real.sequential_um2, 1, 0.01);
  EXPECT_LT(std::abs(*found.held_out.area), 0.02);
  EXPECT_NEAR(found.record.cost.critical_path_ps / real.critical_path_ps, 1, 0.25);
}

// Of a large file the records of a few modules, at their places in it.
TEST(TechnologyFile, RecordsOfSomeModulesAreReadAlone) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const auto file = folder.path() / "some.yaml";
  Technology technology = empty_technology();
  for (const char* name : {"aa_first", "pe", "zz_last"}) technology.add(record_of(name, {}, 100));
  const std::string text = technology_text(technology);
  write_file_atomically(file, text);
  EXPECT_EQ(read_technology(file, {}).records(), 0U);
  EXPECT_EQ(read_technology(file, {}).source, technology.source);
  const Technology some = read_technology(file, {"zz_last", "aa_first", "none"});
  EXPECT_EQ(some.records(), 2U);
  EXPECT_EQ(*some.record({"zz_last", 1, {}}, "aa")->cost.leakage_uw, 0.5);

  // Of a name in quotes nobody says that it is another.
  std::string quoted = text;
  quoted.replace(quoted.find("zz_last"), 7, "\"zz_last\"  # by hand");
  write_file_atomically(file, quoted);
  EXPECT_EQ(read_technology(file, {"pe"}).records(), 2U);

  // A mistake is told where it is, and only to those who ask for the record.
  std::string wrong = text;
  const std::size_t at = wrong.find("cells: ", wrong.find("zz_last"));
  wrong.replace(at, 7, "cells: x");
  write_file_atomically(file, wrong);
  const auto line =
      std::count(wrong.begin(), wrong.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  EXPECT_EQ(read_technology(file, {"aa_first"}).records(), 1U);
  try {
    read_technology(file, {"zz_last"});
    FAIL() << "a number is no text";
  } catch (const UserError& error) {
    EXPECT_THAT(error.messages().front(), HasSubstr(fmt::format("some.yaml:{}:12: ", line + 1)));
  }
}

}  // namespace
}  // namespace bitsmith
