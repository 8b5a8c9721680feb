#include "cost/run_cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/file.h"
#include "pe/systolic/params.h"

namespace bitsmith {
namespace {

Accelerator edge(const std::vector<std::string>& changes) {
  std::vector<Override> overrides;
  for (const std::string& change : changes) overrides.push_back(parse_override(change));
  return load_accelerator(home_folder() / "configs/accelerators/systolic_int8_16x16_edge.yaml",
                          overrides);
}

const SramTable& table() {
  static const SramTable shipped(home_folder() / "configs/tech/sram.csv");
  return shipped;
}

TEST(RunCost, IsTheSumOfAccessesAndOfTime) {
  const Accelerator accelerator = edge({"sram.node_nm=22", "sram.device=itrs-hp"});
  RunCounts counts;
  counts.system.activation_buffer_reads = 100;
  counts.system.weight_buffer_writes = 10;
  counts.system.result_buffer_reads = 1;
  const RunCost cost = run_cost(accelerator, counts, 1e-6, table);
  // CACTI, 22 nm hp, 64 bits: 16 KiB read 2.8867, write 2.2108 pJ, leakage 1.50032 mW + gate;
  // 4 KiB read 1.0875 pJ. Four banks a half, eight in the result buffer.
  EXPECT_NEAR(*cost.energy_pj.buffers, 100 * 4 * 2.8867 + 10 * 4 * 2.2108 + 8 * 1.0875, 1e-6);
  const double leakage_mw = cost.buffers->activation.leakage_mw + cost.buffers->weight.leakage_mw +
                            cost.buffers->result.leakage_mw;
  EXPECT_NEAR(*cost.energy_pj.leakage.buffers, 1000 * leakage_mw, 1e-6);  // mW x us = nJ
  EXPECT_GT(leakage_mw, 2 * 8 * 1.50032);
  EXPECT_NEAR(*cost.area_um2.buffers, 2 * 8 * 12115 + 16 * 3518, 1e-6);
  // Nobody has characterised the array.
  EXPECT_FALSE(cost.energy_pj.array || cost.energy_pj.total() || cost.area_um2.total());
  EXPECT_TRUE(cost.energy_pj.dram.has_value());
}

TEST(RunCost, WhatIsNotKnownIsAbsent) {
  const RunCost cost = run_cost(edge({"sram.device=none"}), {}, 1, table);
  EXPECT_FALSE(cost.energy_pj.buffers || cost.area_um2.buffers || cost.energy_pj.leakage.buffers);
  EXPECT_FALSE(run_cost(edge({"memory=none"}), {}, 1, table).energy_pj.dram);
  try {
    run_cost(edge({"sram.node_nm=23"}), {}, 1, table);
    FAIL() << "accepted";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("no SRAM of 23 nm itrs-lop"));
  }
}

// Weight stationary, 16 accumulator banks of 1024 words of 32 bits: 4 KiB each, 22 nm lop.
class AccumulatorBanks : public testing::Test {
 protected:
  static Accelerator weight_stationary(std::vector<std::string> changes) {
    const auto design = home_folder() / "configs/designs/systolic/int8_16x16_ws.yaml";
    changes.insert(changes.begin(), "design=" + design.string());
    return edge(changes);
  }
  static ArrayFigures logic() {
    ArrayFigures figures;
    figures.source.node_nm = 7;
    figures.area_um2 = 1000;
    figures.leakage_uw = 2;
    figures.dynamic_pj = 30;
    return figures;
  }
};

TEST_F(AccumulatorBanks, AddToTheArray) {
  const Accelerator accelerator = weight_stationary({});
  RunCounts counts;
  counts.actions[systolic::kAccRead] = 50;
  counts.actions[systolic::kAccWrite] = 60;
  const RunCost cost = run_cost(accelerator, counts, 1e-6, table, logic());
  const SramFigures bank =
      table().macro({22, "itrs-lop"}, 1024, 32).figures;  // of a whole bank, 4 KiB
  EXPECT_GT(bank.area_um2, 1000);
  EXPECT_NEAR(*cost.area_um2.array, 1000 + 16 * bank.area_um2, 1e-6);
  EXPECT_NEAR(*cost.energy_pj.array, 30 + 50 * bank.read_pj + 60 * bank.write_pj, 1e-6);
  EXPECT_NEAR(*cost.energy_pj.leakage.array, 2 + 16 * 1000 * bank.leakage_mw, 1e-6);  // uW x us
  ASSERT_EQ(cost.array->memories.size(), 1U);
  EXPECT_THAT(cost.array->notes.back(), testing::HasSubstr("SRAM with one port"));
}

TEST_F(AccumulatorBanks, AreNotLeftOutInSilence) {
  for (const char* change : {"sram.device=none", "technology.allow_mixed_nodes=false"}) {
    const RunCost cost = run_cost(weight_stationary({change}), {}, 1e-6, table, logic());
    EXPECT_FALSE(cost.area_um2.array || cost.energy_pj.array || cost.energy_pj.leakage.array)
        << change;
    EXPECT_THAT(cost.array->notes.back(), testing::HasSubstr("accumulator bank is SRAM")) << change;
  }
}

TEST(RunCost, ASumNeedsAllItsParts) {
  EXPECT_EQ(sum_of({1.5, 2.0}), 3.5);
  EXPECT_EQ(sum_of({1.5, std::nullopt}), std::nullopt);
}

}  // namespace
}  // namespace bitsmith
