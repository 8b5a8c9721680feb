#include "cost/array_cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <tuple>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"
#include "cost/run_cost.h"
#include "cost/vector_lane.h"

namespace bitsmith {
namespace {

using testing::HasSubstr;

// A technology of round numbers for the 2x3 INT8 array of a 1 GHz accelerator.
class ArrayCostInRuns : public testing::Test {
 protected:
  ArrayCostInRuns() : folder_(std::filesystem::temp_directory_path()) {
    technology_.name = "round";
    technology_.source = {"cells", "0123", 1.0, 22, 1000, "1", "2", "3", "2026-11-21"};
    const RtlDescription rtl = accelerator({}).design->rtl();
    hash_ = hash_of_rtl(*accelerator({}).design);
    add(rtl.modules.at(0), 100, 800, {2.0, 1.0, 0.5, 0.25});
    add(rtl.modules.at(1), 50, 900, {10.0, std::nullopt, 4.0, 1.0});
  }

  // Dynamic pJ by class: mac, pad, idle, stalled.
  void add(const RtlDescription::Module& module, double area, double path_ps,
           const std::array<std::optional<double>, kPeCycleClasses>& energies) {
    ModuleRecord record;
    record.cost = {module.name, 1, 10, area, area, 0, 0, path_ps, 3.0};
    record.parameters = module.parameters;
    record.rtl_hash = hash_;
    record.tools = technology_.source.tools();
    record.energy_period_ps = 1000;
    for (std::size_t i = 0; i < kPeCycleClasses; ++i) {
      if (!energies[i]) continue;
      EnergyRecord energy;
      energy.cycles = 1000;
      energy.switching_pj = *energies[i] / 2;
      energy.internal_pj = *energies[i] / 4;
      energy.clock_and_registers_pj = *energies[i] / 4;
      energy.leakage_pj = 1000;  // not that of the run
      record.energies.at(OperandClass::llm, static_cast<PeCycleClass>(i)) = energy;
    }
    technology_.add(record);
  }

  std::string file() {
    const auto path = folder_.path() / "round.yaml";
    write_technology(technology_, path);
    return path.string();
  }

  static Accelerator accelerator(const std::vector<std::string>& changes,
                                 const std::string& name = "systolic_int8_16x16") {
    std::vector<Override> overrides = {parse_override("design.rows=2"),
                                       parse_override("design.cols=3"),
                                       parse_override("technology.limit_clock=false"),
                                       parse_override("technology.allow_mixed_nodes=false")};
    for (const std::string& change : changes) overrides.push_back(parse_override(change));
    return load_accelerator(home_folder() / "configs/accelerators" / (name + ".yaml"), overrides);
  }

  std::optional<ArrayFigures> figures(const std::vector<std::string>& changes,
                                      const RunCounts* counts = nullptr) {
    std::vector<std::string> all = {"technology.name=" + file()};
    all.insert(all.end(), changes.begin(), changes.end());
    TechnologyShelf shelf;
    return array_figures(accelerator(all), shelf, counts);
  }

  // 100 cycles of 6 PEs: 40 fed (of 240 PE-cycles 200 useful), 50 idle, 10 stalled.
  static RunCounts counts() {
    RunCounts counts;
    counts.cycles = 100;
    counts.array_cycles = 40;
    counts.macs = 200;
    counts.pe_cycles = {200, 40, 300, 60};
    return counts;
  }

  TemporaryFolder folder_;
  Technology technology_;
  std::string hash_;
};

TEST_F(ArrayCostInRuns, EnergyIsTheSumOfModulesByClassOfCycle) {
  const RunCounts run = counts();
  const auto array = figures({}, &run);
  ASSERT_TRUE(array);
  EXPECT_THAT(array->notes, testing::IsEmpty());
  // PEs 200 x 2 + 40 x 1 + 300 x 0.5 + 60 x 0.25; edge 40 x 10 + 50 x 4 + 10 x 1.
  EXPECT_NEAR(*array->dynamic_pj, 605 + 610, 1e-9);
  EXPECT_DOUBLE_EQ(*array->area_um2, 6 * 100 + 50);
  EXPECT_DOUBLE_EQ(*array->leakage_uw, 7 * 3.0);
  EXPECT_DOUBLE_EQ(*array->critical_path_ps, 900);
  EXPECT_NEAR(*array->maximum_clock_ghz(), 1 / 0.9, 1e-9);
  EXPECT_FALSE(array->overclocked || array->interpolated());
  ASSERT_EQ(array->modules.at(0).uses.size(), 4U);
  EXPECT_NEAR(array->modules[0].uses[1].pj(), 40, 1e-9);
  ASSERT_EQ(array->modules.at(1).uses.size(), 3U);  // no padding in an edge

  const RunCost cost = run_cost(accelerator({}), run, 1e-6, shipped_sram_table, array);
  EXPECT_NEAR(*cost.energy_pj.array, 1215, 1e-9);
  EXPECT_NEAR(*cost.energy_pj.leakage.array, 21, 1e-9);  // 21 uW x 1 us
  EXPECT_NEAR(*cost.energy_pj.array_total(), 1236, 1e-9);
  EXPECT_DOUBLE_EQ(*cost.area_um2.array, 650);
  EXPECT_FALSE(cost.energy_pj.total());  // there is no vector unit without a memory
}

TEST_F(ArrayCostInRuns, WithoutATechnologyOrCountsThereIsNothingToSay) {
  TechnologyShelf shelf;
  EXPECT_FALSE(array_figures(accelerator({"technology.name=none"}), shelf, nullptr));
  const auto array = figures({});
  EXPECT_FALSE(array->dynamic_pj);
  EXPECT_TRUE(array->area_um2);
}

TEST_F(ArrayCostInRuns, AStaleRecordIsNotUsed) {
  hash_ = "of another RTL";
  add(accelerator({}).design->rtl().modules.at(1), 50, 900, {10.0, std::nullopt, 4.0, 1.0});
  const RunCounts run = counts();
  const auto array = figures({}, &run);
  EXPECT_FALSE(array->dynamic_pj || array->area_um2 || array->leakage_uw ||
               array->critical_path_ps);
  ASSERT_EQ(array->notes.size(), 1U);
  EXPECT_THAT(array->notes[0], HasSubstr("only a stale record of systolic_os_edge"));
  EXPECT_THAT(array->notes[0], HasSubstr("its RTL or our method has changed"));
  // What is known of the PE stays.
  EXPECT_EQ(array->modules[0].uses.size(), 4U);
}

TEST_F(ArrayCostInRuns, AnAbsentRecordOrEnergyIsNamed) {
  const RunCounts run = counts();
  const auto wider = figures({"design.accumulator_bits=31"}, &run);
  ASSERT_EQ(wider->notes.size(), 2U);
  EXPECT_THAT(wider->notes[0], HasSubstr("no record of systolic_os_pe"));
  EXPECT_THAT(wider->notes[0], HasSubstr("AccBits=31"));
  EXPECT_THAT(wider->notes[0], HasSubstr("bitsmith synth"));
  add(accelerator({}).design->rtl().modules.at(1), 50, 900,
      {10.0, std::nullopt, std::nullopt, 1.0});
  const auto idle = figures({}, &run);
  EXPECT_FALSE(idle->dynamic_pj);
  EXPECT_TRUE(idle->area_um2);
  EXPECT_THAT(idle->notes.at(0), HasSubstr("systolic_os_edge has no energies of operands 'llm'"));
}

// Without it a PE is no edge.
TEST_F(ArrayCostInRuns, APeWithoutPaddingHasNoEnergyWhereThereIsPadding) {
  add(accelerator({}).design->rtl().modules.at(0), 100, 800, {2.0, std::nullopt, 0.5, 0.25});
  RunCounts run = counts();
  const auto padded = figures({}, &run);
  EXPECT_FALSE(padded->dynamic_pj);
  ASSERT_EQ(padded->notes.size(), 1U);
  EXPECT_THAT(padded->notes[0], HasSubstr("systolic_os_pe has no energies of operands 'llm'"));
  run.pe_cycles.mac += run.pe_cycles.pad;
  run.pe_cycles.pad = 0;
  EXPECT_TRUE(figures({}, &run)->dynamic_pj);
}

TEST_F(ArrayCostInRuns, AClockAboveTheCriticalPathIsRefusedUnlessAllowed) {
  EXPECT_FALSE(figures({"clock_ghz=1.11"})->overclocked);  // 900.9 ps
  try {
    figures({"clock_ghz=1.12"});
    FAIL() << "accepted";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("clock_ghz 1.12 is above"));
    EXPECT_THAT(error.what(), HasSubstr("at most 1.111 GHz"));
    EXPECT_THAT(error.what(), HasSubstr("technology.allow_overclock=true"));
  }
  EXPECT_TRUE(figures({"clock_ghz=1.12", "technology.allow_overclock=true"})->overclocked);
}

TEST_F(ArrayCostInRuns, AClockIsLimitedToWholePicosecondsOfTheCriticalPath) {
  add(accelerator({}).design->rtl().modules.at(0), 100, 900.25, {2.0, 1.0, 0.5, 0.25});
  const auto clock_after = [&](const std::vector<std::string>& changes) {
    std::vector<std::string> all = {"technology.name=" + file()};
    all.insert(all.end(), changes.begin(), changes.end());
    Accelerator limited = accelerator(all);
    TechnologyShelf shelf;
    const std::optional<double> before = limit_clock(limited, shelf);
    EXPECT_FALSE(array_figures(limited, shelf, nullptr)->overclocked);
    return std::pair(before, limited.params.clock_ghz);
  };
  const std::string limit = "technology.limit_clock=true";
  EXPECT_EQ(clock_after({"clock_ghz=2", limit}), std::pair(std::optional(2.0), 1000 / 901.0));
  EXPECT_EQ(clock_after({"clock_ghz=1.1", limit}), std::pair(std::optional<double>(), 1.1));
  EXPECT_EQ(clock_after({"clock_ghz=1.1"}), std::pair(std::optional<double>(), 1.1));
  // No record has 31-bit sums: the PE is as slow as the one of 32, for all that is known.
  EXPECT_EQ(clock_after({"clock_ghz=2", limit, "design.accumulator_bits=31"}),
            std::pair(std::optional(2.0), 1000 / 901.0));
  // One that differs in more does not count, however slow it is.
  add(accelerator({"design.accumulator_bits=30", "design.weight=int4"}).design->rtl().modules.at(0),
      100, 5000, {2.0, 1.0, 0.5, 0.25});
  EXPECT_EQ(clock_after({"clock_ghz=2", limit, "design.accumulator_bits=31"}),
            std::pair(std::optional(2.0), 1000 / 901.0));
}

// A lane of the vector unit, dynamic pJ: 8 per operation, 0.5 per idle cycle; not by the operands
// of the array.
class VectorCostInRuns : public ArrayCostInRuns {
 protected:
  VectorCostInRuns() { add_lane(hash_of_rtl(vector_lane_module())); }

  void add_lane(const std::string& hash) {
    ModuleRecord record;
    const RtlDescription::Module lane = vector_lane();
    record.cost = {lane.name, 1, 10, 200, 200, 0, 0, 1000, 5.0};
    record.parameters = lane.parameters;
    record.rtl_hash = hash;
    record.tools = technology_.source.tools();
    record.energy_period_ps = 1000;
    EnergyRecord energy;
    energy.cycles = 100;
    energy.switching_pj = 8;
    record.energies.at(OperandClass::normal, PeCycleClass::mac) = energy;
    energy.switching_pj = 0.5;
    record.energies.at(OperandClass::normal, PeCycleClass::idle) = energy;
    technology_.add(record);
  }
  std::optional<VectorFigures> vector(const std::vector<std::string>& changes,
                                      const RunCounts* counts) {
    std::vector<std::string> all = {"technology.name=" + file(), "vector.lanes=4"};
    all.insert(all.end(), changes.begin(), changes.end());
    TechnologyShelf shelf;
    return vector_figures(accelerator(all, "systolic_int8_16x16_edge"), shelf, counts);
  }
};

TEST_F(VectorCostInRuns, LanesWorkOrIdle) {
  RunCounts run = counts();  // 100 cycles
  run.system.vector_operations = 30;
  const auto unit = vector({}, &run);
  ASSERT_TRUE(unit);
  EXPECT_THAT(unit->notes, testing::IsEmpty());
  EXPECT_NEAR(*unit->dynamic_pj, 30 * 8 + (4 * 100 - 30) * 0.5, 1e-9);
  EXPECT_DOUBLE_EQ(*unit->area_um2, 4 * 200);
  EXPECT_DOUBLE_EQ(*unit->leakage_uw, 4 * 5);
  const Accelerator edge = accelerator({}, "systolic_int8_16x16_edge");
  const RunCost cost = run_cost(edge, run, 1e-6, shipped_sram_table, figures({}, &run), unit);
  EXPECT_NEAR(*cost.energy_pj.vector, 425, 1e-9);
  EXPECT_NEAR(*cost.energy_pj.leakage.vector, 20, 1e-9);
  EXPECT_DOUBLE_EQ(*cost.area_um2.vector, 800);
  // The SRAM is of 22 nm, as the technology is.
  EXPECT_NEAR(*cost.energy_pj.total(),
              1215 + 425 + 21 + 20 + *cost.energy_pj.buffers + *cost.energy_pj.leakage.buffers +
                  *cost.energy_pj.dram_total(),
              1e-6);
  EXPECT_NEAR(*cost.area_um2.total(), 650 + 800 + *cost.area_um2.buffers, 1e-9);
}

TEST_F(VectorCostInRuns, WithoutCountsMemoryOrTechnologyThereIsLessToSay) {
  EXPECT_FALSE(vector({}, nullptr)->dynamic_pj);
  EXPECT_TRUE(vector({}, nullptr)->area_um2);
  EXPECT_FALSE(vector({"memory=none"}, nullptr));
  EXPECT_FALSE(vector({"technology.name=none"}, nullptr));
}

TEST_F(VectorCostInRuns, AStaleLaneIsNotUsed) {
  add_lane("of another RTL");
  const RunCounts run = counts();
  const auto unit = vector({}, &run);
  EXPECT_FALSE(unit->area_um2 || unit->dynamic_pj || unit->leakage_uw);
  ASSERT_EQ(unit->notes.size(), 1U);
  EXPECT_THAT(unit->notes[0], HasSubstr("only a stale record of a lane"));
}

TEST_F(VectorCostInRuns, AClockAboveThatOfALaneIsNoted) {
  EXPECT_THAT(vector({"clock_ghz=1"}, nullptr)->notes, testing::IsEmpty());
  const auto unit = vector({"clock_ghz=1.01"}, nullptr);
  ASSERT_EQ(unit->notes.size(), 1U);
  EXPECT_THAT(unit->notes[0], HasSubstr("takes 1000 ps, 1 GHz at most"));
}

TEST_F(ArrayCostInRuns, NodesAreNotMixedUnlessAllowed) {
  const auto mixed = [&](std::optional<std::uint32_t> node, const std::vector<std::string>& more) {
    technology_.source.node_nm = node;
    const Accelerator edge = accelerator(more, "systolic_int8_16x16_edge");
    RunCost cost = run_cost(edge, counts(), 1e-6, shipped_sram_table, figures({}));
    cost.energy_pj.vector = cost.energy_pj.leakage.vector = cost.area_um2.vector = 1;
    cost.energy_pj.array = 1;
    return std::tuple(cost.mixed_nodes, cost.energy_pj.total().has_value(),
                      cost.area_um2.total().has_value());
  };
  EXPECT_EQ(mixed(22, {}), std::tuple(false, true, true));
  EXPECT_EQ(mixed(180, {}), std::tuple(true, false, false));
  EXPECT_EQ(mixed(std::nullopt, {}), std::tuple(true, false, false));
  EXPECT_EQ(mixed(180, {"technology.allow_mixed_nodes=true"}), std::tuple(true, true, true));
}

}  // namespace
}  // namespace bitsmith
