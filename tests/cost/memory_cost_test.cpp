#include "cost/memory_cost.h"

#include <gtest/gtest.h>

#include "common/file.h"
#include "system/accelerator.h"

namespace bitsmith {
namespace {

DramParams memory_of(const std::string& name) {
  const std::vector<Override> overrides = {parse_override("memory=../memory/" + name + ".yaml")};
  const auto accelerator = load_accelerator(
      home_folder() / "configs/accelerators/systolic_int8_16x16_edge.yaml", overrides);
  return accelerator.memory->dram;
}

// mA x V x ns is pJ. Formulas: increments over standby, as in the files' sources.
TEST(DramEnergy, Ddr4IsThatOfItsCurrents) {
  const DramEnergyParams e = *memory_of("ddr4_3200_x64").energy;
  const double clock = 0.625, devices = 8, volt = 1.2;
  EXPECT_DOUBLE_EQ(e.read_pj_per_bit, volt * (168 - 52) * 4 * clock / (8 * 8));
  EXPECT_DOUBLE_EQ(e.write_pj_per_bit, volt * (150 - 52) * 4 * clock / (8 * 8));
  EXPECT_NEAR(e.activate_pj, devices * volt * (57 * (52 + 22) - 52 * 52 - 37 * 22) * clock, 1e-6);
  EXPECT_NEAR(e.background_mw, devices * volt * 52, 1e-9);
  EXPECT_NEAR(e.refresh_pj, devices * volt * (250 - 52) * 560 * clock, 1e-6);
  EXPECT_DOUBLE_EQ(e.refresh_interval_ns, 12480 * clock);
}

TEST(DramEnergy, Hbm2IsThatOfItsCurrents) {
  const DramEnergyParams e = *memory_of("hbm2_2000").energy;
  const double channels = 8, volt = 1.2;
  EXPECT_DOUBLE_EQ(e.read_pj_per_bit, volt * (390 - 55) * 2 / (128 * 4));
  EXPECT_DOUBLE_EQ(e.write_pj_per_bit, volt * (500 - 55) * 2 / (128 * 4));
  EXPECT_NEAR(e.activate_pj, volt * (65 * (34 + 14) - 55 * 34 - 40 * 14), 1e-6);
  EXPECT_NEAR(e.background_mw, channels * volt * 55, 1e-9);
  EXPECT_NEAR(e.refresh_pj, channels * volt * (250 - 55) * 260, 1e-6);
}

TEST(DramEnergy, Lpddr4IsThatOfItsCurrentsByRail) {
  const DramEnergyParams e = *memory_of("lpddr4_3200_x64").energy;
  const double clock = 0.625, channels = 4, vdd1 = 1.8, vdd2 = 1.1, vddq = 1.1;
  const double burst_ns = 8 * clock, burst_bits = 16 * 16;
  const auto transfer = [&](double core, double io) {
    return (vdd2 * (core - 30) + vddq * (io - 0.75)) * burst_ns / burst_bits;
  };
  EXPECT_DOUBLE_EQ(e.read_pj_per_bit, transfer(275, 150));
  EXPECT_DOUBLE_EQ(e.write_pj_per_bit, transfer(210, 55));
  EXPECT_NEAR(
      e.activate_pj,
      (vdd1 * (3.5 * 97 - 2.25 * 68 - 2.0 * 29) + vdd2 * (45 * 97 - 30 * 68 - 27 * 29)) * clock,
      1e-6);
  EXPECT_NEAR(e.background_mw, channels * (vdd1 * 2.25 + vdd2 * 30 + vddq * 0.75), 1e-9);
  EXPECT_NEAR(e.refresh_pj, channels * (vdd1 * (10 - 2.25) + vdd2 * (90 - 30)) * 448 * clock, 1e-6);
  EXPECT_DOUBLE_EQ(e.refresh_interval_ns, 6246 * clock);
}

TEST(DramEnergy, CountsAndTimeMakeAnEnergy) {
  DramParams dram;
  dram.access_bytes = 64;
  SystemCounts counts;
  counts.weight_reads = 10;
  counts.kv_cache_reads = 2;
  counts.activation_reads = 4;
  counts.kv_cache_writes = 3;
  counts.result_writes = 5;
  EXPECT_FALSE(dram_energy(dram, counts, 1e-6).has_value());
  dram.energy = DramEnergyParams{.read_pj_per_bit = 2,
                                 .write_pj_per_bit = 3,
                                 .activate_pj = 100,
                                 .row_bytes = 512,
                                 .background_mw = 50,
                                 .refresh_pj = 1000,
                                 .refresh_interval_ns = 250};
  const DramEnergy energy = *dram_energy(dram, counts, 1e-6);
  EXPECT_DOUBLE_EQ(energy.transfers_pj, 512 * (16 * 2 + 8 * 3));
  EXPECT_DOUBLE_EQ(energy.activations_pj, 24 * 64 / 512.0 * 100);
  EXPECT_DOUBLE_EQ(energy.background_pj, 50000);  // 50 mW for 1 us
  EXPECT_DOUBLE_EQ(energy.refresh_pj, 4000);
  EXPECT_DOUBLE_EQ(energy.total_pj(), 28672 + 300 + 50000 + 4000);
}

TEST(BufferCost, IsTwoHalvesOfBanks) {
  const SramTable table(home_folder() / "configs/tech/sram.csv");
  // 128 KiB, 4 banks of 64 bits: macros of 16 KiB.
  const BufferCost cost =
      buffer_cost(table, {22, "itrs-hp"}, {.capacity_bytes = 131072, .banks = 4, .port_bits = 64});
  EXPECT_EQ(cost.macros, 8U);
  EXPECT_NEAR(cost.read_pj, 4 * 2.8867, 1e-9);
  EXPECT_NEAR(cost.write_pj, 4 * 2.2108, 1e-9);
  EXPECT_NEAR(cost.area_um2, 8 * 12115, 1e-6);
  EXPECT_FALSE(cost.macro.is_upper_bound);
}

}  // namespace
}  // namespace bitsmith
