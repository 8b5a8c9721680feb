#include "report/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pe/systolic/design.h"

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Figures by hand. "base": 1000 cycles at 1 ns, 64000 MACs on 256 PEs, 40 pJ, 2 mm2. "fast": half
// the cycles, more energy, twice the area and PEs; its array's energy is whatever a test sets.
class ComparisonTest : public testing::Test {
 protected:
  ComparisonTest() {
    Compared base;
    base.name = "base";
    base.file = "base.yaml";
    base.array = "16x16";
    base.pes = base.peak_macs_per_cycle = 256;
    base.clock_ghz = 1;
    base.seconds = 1e-6;
    base.counts.cycles = 1000;
    base.counts.array_cycles = 300;
    base.counts.stall_cycles.fill_drain = 100;
    base.counts.stall_cycles.weights = 600;
    base.counts.macs = 64000;
    base.dram_bytes = 4096;
    base.energy_pj = {10.0, 5.0, 4.0, DramEnergy{12, 3, 2, 1}, {1.0, 1.5, 0.5}};
    base.area_um2 = {1.5e6, 0.4e6, 0.1e6};
    Compared fast = base;
    fast.name = "fast";
    fast.file = "fast.yaml";
    fast.pes = fast.peak_macs_per_cycle = 512;
    fast.seconds = 0.5e-6;
    fast.counts.cycles = 500;
    fast.counts.array_cycles = 150;
    fast.counts.stall_cycles.weights = 200;
    fast.counts.stall_cycles.fill_drain = 50;
    fast.counts.stall_cycles.results = 100;
    fast.energy_pj.array = 50.0;
    fast.area_um2.array = 3.5e6;
    comparison_ = {"40x40x40", "tile", 0, std::nullopt, {base, fast}};
  }

  double figure(const char* name, std::size_t design) const {
    for (const ComparedFigure& one : compared_figures()) {
      if (std::string_view(one.name) == name) {
        return one.value(comparison_.designs[design]).value();
      }
    }
    ADD_FAILURE() << name;
    return 0;
  }
  json design(std::size_t number) const {
    return json::parse(comparison_json(comparison_).dump())["designs"][number];
  }

  Comparison comparison_;
};

TEST_F(ComparisonTest, FiguresFollowTheirDefinitions) {
  EXPECT_EQ(figure("cycles", 0), 1000);
  EXPECT_DOUBLE_EQ(figure("energy_pj", 0), 10 + 5 + 18 + 4 + 3);
  EXPECT_DOUBLE_EQ(figure("edp_js", 0), 40e-12 * 1e-6);
  EXPECT_DOUBLE_EQ(figure("tops_per_watt", 0), 2 * 64000 / 40.0);
  // 128000 operations in 1 us are 0.128 tera per second.
  EXPECT_DOUBLE_EQ(figure("tops_per_mm2", 0), 0.128 / 2);
  EXPECT_DOUBLE_EQ(figure("macs_per_cycle", 0), 64);
  EXPECT_DOUBLE_EQ(figure("utilization", 0), 0.25);
  EXPECT_EQ(figure("dram_bytes", 0), 4096);
}

TEST_F(ComparisonTest, RatiosAreToTheBaseline) {
  const json first = design(1)["ratios"];
  EXPECT_EQ(first["cycles"], 0.5);
  EXPECT_EQ(first["seconds"], 0.5);
  EXPECT_EQ(first["energy_pj"], 2);
  EXPECT_EQ(first["edp_js"], 1);
  EXPECT_EQ(first["tops_per_watt"], 0.5);
  EXPECT_EQ(first["area_um2"], 2);
  EXPECT_EQ(first["tops_per_mm2"], 1);
  EXPECT_EQ(first["macs_per_cycle"], 2);
  EXPECT_EQ(first["dram_bytes"], 1);
  EXPECT_EQ(first["perplexity"], nullptr);
  const json own = design(0)["ratios"];
  EXPECT_EQ(own.size(), compared_figures().size());
  for (const auto& [name, value] : own.items()) {
    EXPECT_TRUE(value == 1 || (value.is_null() && name == "perplexity")) << name;
  }
  comparison_.baseline = 1;
  EXPECT_EQ(design(0)["ratios"]["cycles"], 2);
  EXPECT_EQ(design(1)["ratios"]["cycles"], 1);
  EXPECT_EQ(comparison_json(comparison_)["baseline"], "fast");
}

TEST_F(ComparisonTest, PartsAddUpToTheTotals) {
  for (std::size_t i = 0; i < 2; ++i) {
    const json parts = design(i)["cycles"];
    std::uint64_t cycles = 0;
    for (const auto& [name, part] : parts.items()) cycles += part.get<std::uint64_t>();
    EXPECT_EQ(cycles, design(i)["figures"]["cycles"]);
    double energy = 0;
    for (const EnergyPart& part : kEnergyParts) {
      energy += design(i)["energy_pj"][part.name].get<double>();
    }
    EXPECT_EQ(energy, design(i)["figures"]["energy_pj"].get<double>());
  }
  const json cycles = design(1)["cycles_difference"];
  EXPECT_EQ(cycles["total"], -500);
  EXPECT_EQ(cycles["weights"], -400);
  EXPECT_EQ(cycles["results"], 100);
  std::int64_t sum = 0;
  for (const auto& [name, part] : cycles.items()) {
    if (name != "total") sum += part.get<std::int64_t>();
  }
  EXPECT_EQ(sum, -500);
  const json energy = design(1)["energy_difference_pj"];
  EXPECT_EQ(energy["total"], 40);
  EXPECT_EQ(energy["array"], 40);
  EXPECT_EQ(energy["dram"], 0);
}

TEST_F(ComparisonTest, WhatIsUnknownIsNullAndSaysSo) {
  comparison_.designs[1].energy_pj.array.reset();
  comparison_.designs[1].missing = {"array: nobody knows"};
  comparison_.designs[0].dram_bytes = 0;
  const json fast = design(1);
  for (const char* name : {"energy_pj", "edp_js", "tops_per_watt"}) {
    EXPECT_EQ(fast["figures"][name], nullptr) << name;
    EXPECT_EQ(fast["ratios"][name], nullptr) << name;
  }
  EXPECT_EQ(fast["ratios"]["dram_bytes"], nullptr);  // of nothing
  EXPECT_EQ(fast["energy_pj"]["array"], nullptr);
  EXPECT_EQ(fast["energy_pj"]["dram"], 18);
  EXPECT_EQ(fast["energy_difference_pj"]["total"], nullptr);
  EXPECT_EQ(fast["energy_difference_pj"]["buffers"], 0);
  EXPECT_EQ(fast["figures"]["area_um2"], 4e6);
  const std::string table = comparison_table(comparison_);
  EXPECT_THAT(table, HasSubstr("unknown"));
  EXPECT_THAT(table, HasSubstr("unknown: array: nobody knows (fast)"));
}

// What the array misses of the wanted size is taken out of what grows or shrinks with it.
TEST_F(ComparisonTest, IsoRatiosAreNormalisedByTheResidual) {
  comparison_.designs[1].pes = 320;
  comparison_.iso = IsoSize{IsoSize::Kind::pes, 256};
  const json fast = design(1);
  EXPECT_EQ(fast["residual"], 0.25);
  EXPECT_EQ(design(0)["residual"], 0);
  EXPECT_EQ(fast["ratios"]["cycles"], 0.5);
  EXPECT_EQ(fast["normalised_ratios"]["cycles"], 0.625);
  EXPECT_EQ(fast["normalised_ratios"]["edp_js"], 1.25);
  EXPECT_EQ(fast["normalised_ratios"]["macs_per_cycle"], 1.6);
  EXPECT_EQ(fast["normalised_ratios"]["energy_pj"], 2);
  EXPECT_THAT(comparison_table(comparison_), HasSubstr("+25.00%"));

  comparison_.iso = IsoSize{IsoSize::Kind::area, 3.12e6};
  EXPECT_EQ(design(1)["residual"], 0.25);  // 3.9 mm2 without the vector unit
  EXPECT_EQ(comparison_json(comparison_)["iso"]["size"], "array_and_buffers_um2");
  EXPECT_DOUBLE_EQ(design(1)["normalised_ratios"]["cycles"], 0.5 * (3.9 / 1.9));
}

TEST_F(ComparisonTest, OneThatFailedHasItsReasonsAndNoFigures) {
  comparison_.designs[1].errors = {"too wide"};
  EXPECT_THAT(design(1), json({{"name", "fast"},
                               {"file", "fast.yaml"},
                               {"status", "failed"},
                               {"errors", {"too wide"}}}));
  const std::string table = comparison_table(comparison_);
  EXPECT_THAT(table, HasSubstr("fast cannot run this workload: too wide"));
  EXPECT_THAT(table, Not(HasSubstr("0.500x")));
}

TEST_F(ComparisonTest, TheJsonHasItsPublishedKeys) {
  const auto keys = [](const json& object) {
    std::vector<std::string> names;
    for (const auto& [name, value] : object.items()) names.push_back(name);
    return names;
  };
  comparison_.designs[1].accuracy = ComparedAccuracy{"int8", 5, 4.5, 1024, 10, 9};
  const json all = json::parse(comparison_json(comparison_).dump());
  EXPECT_THAT(keys(all),
              ElementsAre("baseline", "designs", "engine", "iso", "schema", "version", "workload"));
  EXPECT_EQ(all["schema"], "bitsmith.compare/1");
  EXPECT_THAT(keys(design(1)),
              ElementsAre("accuracy", "area_um2", "config", "cycles", "cycles_difference",
                          "energy_difference_pj", "energy_pj", "figures", "file", "missing",
                          "mixed_nodes", "name", "ratios", "remarks", "status"));
  EXPECT_THAT(
      keys(design(1)["figures"]),
      ElementsAre("area_um2", "array_and_buffers_um2", "clock_ghz", "cycles", "dram_bytes",
                  "edp_js", "energy_pj", "macs", "macs_per_cycle", "peak_macs_per_cycle",
                  "perplexity", "pes", "seconds", "tops_per_mm2", "tops_per_watt", "utilization"));
  EXPECT_THAT(keys(design(1)["cycles"]),
              ElementsAre("activations", "array_cycles", "control", "fill_drain", "refresh",
                          "results", "vector", "weights"));
  EXPECT_EQ(design(1)["figures"]["cycles"].dump(), "500");
  EXPECT_EQ(design(1)["accuracy"]["by_the_design"], 9);
  EXPECT_EQ(design(1)["figures"]["perplexity"], 5);
}

TEST_F(ComparisonTest, TheTableShowsValuesRatiosAndWhereTheDifferenceComesFrom) {
  const std::string table = comparison_table(comparison_);
  for (const char* text : {"500  0.500x", "500 ns  0.500x", "80 pJ  2.000x", "4 mm2  2.000x",
                           "-400", "+100", "+40 pJ", "baseline base"}) {
    EXPECT_THAT(table, HasSubstr(text));
  }
  EXPECT_THAT(table, Not(HasSubstr("refresh")));     // nobody waits for it
  EXPECT_THAT(table, Not(HasSubstr("perplexity")));  // nobody asked
}

// What a run of a real accelerator leaves unknown.
TEST(MissingCost, SaysWhichPartAndWhy) {
  Accelerator accelerator;
  accelerator.design = std::make_unique<systolic::Design>(systolic::Params{});
  EXPECT_THAT(missing_cost(accelerator, {}, "tile"),
              ElementsAre(HasSubstr("memory is none"), HasSubstr("array: no record")));
  accelerator.memory.emplace();
  EXPECT_THAT(missing_cost(accelerator, {}, "tile"),
              ElementsAre(HasSubstr("array: no record"), "buffers: sram.device is none",
                          HasSubstr("DRAM: "), HasSubstr("vector unit: no record")));
  accelerator.memory->sram.device = SramDevice::itrs_lop;
  RunCost cost;
  cost.energy_pj = {1.0, std::nullopt, 1.0, DramEnergy{}, {}};
  cost.area_um2 = {1.0, 1.0, 1.0};
  EXPECT_THAT(missing_cost(accelerator, cost, "roofline"),
              ElementsAre("buffers: engine roofline does not count their accesses"));
  // The area is known while the energy is not: only the latter is missing, with its reason.
  cost.energy_pj = {std::nullopt, 1.0, 1.0, DramEnergy{}, {}};
  EXPECT_THAT(missing_area(accelerator, cost), testing::IsEmpty());
  EXPECT_THAT(missing_cost(accelerator, cost, "roofline"),
              ElementsAre("energy of the array: engine roofline does not count the cycles of its "
                          "PEs"));
  cost.array.emplace();
  cost.array->leakage_uw = 1;
  cost.array->notes = {"no energies of operands"};
  EXPECT_THAT(missing_cost(accelerator, cost, "tile"),
              ElementsAre("energy of the array: no energies of operands"));
  cost.area_um2.array.reset();
  cost.array->notes = {"only a stale record"};
  EXPECT_THAT(missing_area(accelerator, cost), ElementsAre("array: only a stale record"));
  cost.area_um2 = {1.0, 1.0, 1.0, false};
  EXPECT_THAT(missing_area(accelerator, cost), ElementsAre(HasSubstr("of different nodes")));
}

TEST(AreaOfArrayAndBuffers, NeedsNoVectorUnitAndOneNode) {
  EXPECT_EQ(array_and_buffers_um2({2.0, 3.0, std::nullopt, true}), 5);
  EXPECT_EQ(array_and_buffers_um2({2.0, 3.0, std::nullopt, false}), std::nullopt);
  EXPECT_EQ(array_and_buffers_um2({std::nullopt, 3.0, 1.0, true}), std::nullopt);
}

}  // namespace
}  // namespace bitsmith
