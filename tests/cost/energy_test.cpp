#include "cost/energy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"
#include "cost/energy_meter.h"
#include "pe/systolic/design.h"
#include "support/icarus/gate_verilog.h"
#include "support/liberty_libraries.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using Net = GateNetlist::Net;

LibertyLibrary osu018() { return read_liberty(default_liberty()); }

// Every input but clock and reset drawn anew in each cycle, all values equally likely.
GateStimulus uniform_stimulus(const GateNetlist& netlist, std::uint64_t cycles,
                              std::uint64_t seed) {
  std::mt19937_64 random(seed);
  GateStimulus stimulus{cycles, {}};
  for (const GateNetlist::Port& port : netlist.ports) {
    if (!port.is_input || port.name == "clk_i" || port.name == "rst_ni") continue;
    GateStimulus::Port stream{port.name, {}};
    stream.words.resize(cycles * ((port.bits.size() + 31) / 32));
    for (std::uint32_t& word : stream.words) word = static_cast<std::uint32_t>(random());
    stimulus.ports.push_back(std::move(stream));
  }
  return stimulus;
}

// Cells by name, each with its pins' nets by name; net 2 is the clock, if `clocked`, else an input.
GateNetlist netlist_of(const LibertyLibrary& library,
                       const std::vector<std::pair<std::string, std::map<std::string, Net>>>& cells,
                       std::vector<GateNetlist::Port> ports) {
  GateNetlist netlist;
  netlist.ports = std::move(ports);
  for (const auto& [type, pins] : cells) {
    GateNetlist::Cell cell{&library.cells.at(type), {}};
    for (const LibertyPin& pin : cell.type->pins) cell.pins.push_back(pins.at(pin.name));
    for (const Net net : cell.pins) netlist.nets = std::max(netlist.nets, net + 1);
    netlist.cells.push_back(std::move(cell));
  }
  return netlist;
}

// The library's inverter that drives four of its kind, from the tables of the file by hand: at a
// load of 37.3 fF and a slew of 98 ps (105 rising, 91 falling) INVX1 takes 24.8 fJ to rise and
// 7.9 fJ to fall; its input of 9.325 fF takes 1/2 C V^2 = 15.1 fJ.
TEST(EnergyMeter, AnInverterByHand) {
  const LibertyLibrary library = osu018();
  const GateNetlist netlist =
      netlist_of(library, {{"INVX1", {{"A", 2}, {"Y", 3}}}}, {{"a", true, {2}}, {"y", false, {3}}});
  EnergyMeter meter(netlist, calculate_delays(netlist, fanout_of_four(library)), library.voltage);
  meter.toggle(2, true, 10);
  meter.toggle(3, false, 20);
  const EnergySum fall = meter.take();
  EXPECT_NEAR(fall.switching, 15.106, 0.01);
  EXPECT_NEAR(fall.internal, 7.87, 0.02 * 7.87);
  EXPECT_EQ(fall.clock_and_registers, 0);
  meter.toggle(3, true, 30);
  const EnergySum rise = meter.take();
  EXPECT_EQ(rise.switching, 0);  // nothing of this module is on the output
  EXPECT_NEAR(rise.internal, 24.80, 0.02 * 24.80);
}

// A register under a running clock, its inputs at rest, per cycle and register: what was measured
// apart from this code from the tables, and C V^2 of the clock pin.
TEST(EnergyMeter, ClockOfARegister) {
  struct Figures {
    std::string cell;
    double clock_fj;
  };
  const std::map<std::string, Figures> known = {
      {"osu018_stdcells", {"DFFPOSX1", 121}},
      {"sg13g2_stdcell_typ_1p20V_25C", {"sg13g2_dfrbp_1", 31}},
      {"sky130_fd_sc_hd__tt_025C_1v80", {"sky130_fd_sc_hd__dfxtp_1", 39.8}}};
  for (const fs::path& file : libraries_to_test()) {
    const LibertyLibrary library = read_liberty(file);
    const auto figures = known.find(library.name);
    if (figures == known.end()) continue;
    const LibertyCell& cell = library.cells.at(figures->second.cell);
    GateNetlist netlist;
    netlist.cells.push_back({&cell, {}});
    Net clock = 0;
    double clock_ff = 0;
    for (const LibertyPin& pin : cell.pins) {
      netlist.cells[0].pins.push_back(netlist.nets);
      if (pin.is_clock) clock = netlist.nets;
      if (pin.is_clock) clock_ff = pin.capacitance_ff;
      ++netlist.nets;
    }
    EnergyMeter meter(netlist, calculate_delays(netlist, fanout_of_four(library)), library.voltage);
    meter.toggle(clock, true, 1);
    meter.toggle(clock, false, 2);
    const double wanted = figures->second.clock_fj + clock_ff * library.voltage * library.voltage;
    const EnergySum sum = meter.take();
    EXPECT_NEAR(sum.clock_and_registers, wanted, 0.02 * wanted) << library.name;
    EXPECT_EQ(sum.switching + sum.internal, 0) << library.name;
  }
}

// The input that changed last is charged; inputs that changed together share.
TEST(EnergyMeter, TheLastInputIsTheCause) {
  const LibertyLibrary library = osu018();
  const GateNetlist netlist =
      netlist_of(library, {{"NAND2X1", {{"A", 2}, {"B", 3}, {"Y", 4}}}}, {{"y", false, {4}}});
  const auto rise_after = [&](std::uint64_t a, std::uint64_t b) {
    EnergyMeter meter(netlist, calculate_delays(netlist, fanout_of_four(library)), library.voltage);
    meter.toggle(a < b ? 2 : 3, false, std::min(a, b));
    meter.toggle(a < b ? 3 : 2, false, std::max(a, b));
    meter.take();
    meter.toggle(4, true, 100);
    return meter.take().internal;
  };
  const double by_a = rise_after(9, 5);
  const double by_b = rise_after(5, 9);
  EXPECT_GT(std::abs(by_a - by_b), 0.5);
  EXPECT_NEAR(rise_after(5, 5), (by_a + by_b) / 2, 1e-9);
}

// a -> three inverters -> NAND with a: the output pulses whenever a rises.
TEST(GateSimulation, GlitchesAreSeen) {
  const LibertyLibrary library = osu018();
  const GateNetlist netlist = netlist_of(library,
                                         {{"INVX1", {{"A", 3}, {"Y", 4}}},
                                          {"INVX1", {{"A", 4}, {"Y", 5}}},
                                          {"INVX1", {{"A", 5}, {"Y", 6}}},
                                          {"NAND2X1", {{"A", 3}, {"B", 6}, {"Y", 7}}}},
                                         {{"a", true, {3}}, {"y", false, {7}}});
  GateStimulus stimulus{40, {{"a", {}}}};
  for (std::uint32_t i = 0; i < 40; ++i) stimulus.ports[0].words.push_back(i % 2);
  const GateTiming timing = calculate_delays(netlist, fanout_of_four(library));
  std::size_t falls = 0;
  const std::vector<GateOutput> outputs =
      GateSimulation(netlist, timing).run(stimulus, {5000, 100}, [&](const GateToggle& toggle) {
        if (toggle.net == 7 && !toggle.rises) ++falls;
      });
  ASSERT_EQ(outputs.size(), 1U);
  EXPECT_EQ(outputs[0].values, std::vector<std::string>(40, "1"));
  EXPECT_EQ(falls, 20U);
}

TEST(GateSimulation, StimuliMustFitThePorts) {
  const LibertyLibrary library = osu018();
  const GateNetlist netlist =
      netlist_of(library, {{"INVX1", {{"A", 2}, {"Y", 3}}}}, {{"a", true, {2}}, {"y", false, {3}}});
  const GateTiming timing = calculate_delays(netlist, fanout_of_four(library));
  try {
    GateSimulation(netlist, timing)
        .run({2, {{"a", {1}}, {"y", {1, 0}}}}, {5000, 100}, [](const GateToggle&) {});
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("port 'a': 1 words, expected 2 cycles of 1"));
    EXPECT_THAT(error.what(), testing::HasSubstr("'y' is no input of the module"));
  }
}

constexpr const char* kMac = R"(
module mac(input logic clk_i, input logic [7:0] a_i, input logic [7:0] w_i,
           output logic [31:0] acc_o);
  logic signed [7:0] a_q, w_q;
  logic signed [31:0] acc_q;
  always_ff @(posedge clk_i) begin
    a_q <= a_i;
    w_q <= w_i;
    acc_q <= acc_q + 32'(a_q * w_q);
  end
  assign acc_o = acc_q;
endmodule
)";

class SynthesisOfMac : public testing::Test {
 protected:
  SynthesisOfMac() : folder_(fs::temp_directory_path()) {
    write_file_atomically(folder_.path() / "mac.sv", kMac);
  }
  ModuleEnergy mapped(const LibertyLibrary& library, const fs::path& liberty) const {
    const SynthesisOptions fast{liberty, 500};
    return {map_module({{folder_.path() / "mac.sv"}, "mac", {}}, fast, library), library};
  }
  const fs::path& folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

// The gates with their delays compute what the RTL says, at the shortest period.
TEST_F(SynthesisOfMac, ComputesAtItsCriticalPath) {
  const LibertyLibrary library = osu018();
  const ModuleEnergy mac = mapped(library, default_liberty());
  const GateStimulus stimulus = uniform_stimulus(mac.netlist(), 500, 7);
  const std::vector<GateOutput> outputs =
      GateSimulation(mac.netlist(), mac.timing())
          .run(stimulus,
               {mac.cost().critical_path_ps, mac.timing().clock_to_output_ps(mac.netlist())},
               [](const GateToggle&) {});
  ASSERT_EQ(outputs[0].values.size(), 500U);
  std::vector<std::int64_t> a(500);
  std::vector<std::int64_t> w(500);
  for (const GateStimulus::Port& port : stimulus.ports) {
    for (std::size_t i = 0; i < 500; ++i)
      (port.name == "a_i" ? a : w)[i] = static_cast<std::int8_t>(port.words[i]);
  }
  std::int64_t sum = 0;
  for (std::size_t i = 1; i < 500; ++i) {
    // Sampled by edge i - 1, when the inputs were those of cycle i - 2; added by edge i.
    const std::size_t cycle = i < 2 ? 0 : i - 2;
    sum += a[cycle] * w[cycle];
    std::string bits;
    for (int bit = 31; bit >= 0; --bit) bits += (sum >> bit & 1) != 0 ? '1' : '0';
    ASSERT_EQ(outputs[0].values[i], bits) << "cycle " << i;
  }
}

std::vector<std::tuple<std::uint64_t, Net, bool>> in_order(std::span<const GateToggle> toggles,
                                                           std::uint64_t from_fs) {
  std::vector<std::tuple<std::uint64_t, Net, bool>> sorted;
  for (const GateToggle& toggle : toggles) {
    if (toggle.time_fs >= from_fs) sorted.emplace_back(toggle.time_fs, toggle.net, toggle.rises);
  }
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// An event-driven simulator of other people, with the same delays as SDF: all outputs, and every
// toggle of every net with its time.
void expect_as_in_icarus(const ModuleEnergy& module, const GateStimulus& stimulus,
                         const GateSimulationOptions& options, std::size_t at_least) {
  std::vector<GateToggle> toggles;
  const std::vector<GateOutput> outputs =
      GateSimulation(module.netlist(), module.timing())
          .run(stimulus, options, [&](const GateToggle& toggle) { toggles.push_back(toggle); });
  const IcarusRun icarus = run_in_icarus(module.netlist(), module.timing(), stimulus, options);
  ASSERT_EQ(outputs.size(), icarus.outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i)
    EXPECT_EQ(outputs[i].values, icarus.outputs[i].values);
  const auto from = static_cast<std::uint64_t>(3000 * options.period_ps);  // nothing is unknown
  EXPECT_TRUE(in_order(toggles, from) == in_order(icarus.toggles, from));
  EXPECT_GT(in_order(toggles, from).size(), at_least);
}

TEST_F(SynthesisOfMac, TogglesAsInIcarus) {
  for (const fs::path& file : libraries_to_test()) {
    SCOPED_TRACE(file);
    const LibertyLibrary library = read_liberty(file);
    const ModuleEnergy mac = mapped(library, file);
    const double period_ps = std::ceil(mac.cost().critical_path_ps);
    const GateStimulus stimulus = uniform_stimulus(mac.netlist(), 300, 11);
    // Inputs soon after the clock's edge, and behind its fall.
    for (const double arrival_ps :
         {mac.timing().clock_to_output_ps(mac.netlist()), std::floor(0.7 * period_ps)}) {
      expect_as_in_icarus(mac, stimulus, {period_ps, arrival_ps}, 100'000);
    }
  }
}

// Registers that are set and cleared at any time, among them by gates.
TEST_F(SynthesisOfMac, ResetsTogglesAsInIcarus) {
  write_file_atomically(
      folder() / "resets.sv",
      "module resets (input logic clk_i, rst_ni, clear_i, input logic [7:0] d_i,\n"
      "               output logic [7:0] cleared_o, set_o, counted_o);\n"
      "  logic quiet_n;\n"
      "  assign quiet_n = rst_ni && !(clear_i && d_i[0]);\n"
      "  always_ff @(posedge clk_i or negedge rst_ni)\n"
      "    if (!rst_ni) cleared_o <= 0; else cleared_o <= d_i ^ counted_o;\n"
      "  always_ff @(posedge clk_i or negedge rst_ni)\n"
      "    if (!rst_ni) set_o <= '1; else set_o <= set_o + d_i;\n"
      "  always_ff @(posedge clk_i or negedge quiet_n)\n"
      "    if (!quiet_n) counted_o <= 0; else counted_o <= counted_o + 8'd3;\n"
      "endmodule\n");
  for (const fs::path& file : libraries_to_test()) {
    SCOPED_TRACE(file);
    const LibertyLibrary library = read_liberty(file);
    const ModuleEnergy resets(
        map_module({{folder() / "resets.sv"}, "resets", {}}, {file, 500}, library), library);
    GateStimulus stimulus = uniform_stimulus(resets.netlist(), 400, 5);
    stimulus.ports.push_back({"rst_ni", std::vector<std::uint32_t>(400, 1)});
    for (std::size_t i = 0; i < 400; ++i)
      stimulus.ports.back().words[i] = i < 3 || i % 7 == 0 ? 0 : 1;
    const double period_ps = std::ceil(resets.cost().critical_path_ps);
    expect_as_in_icarus(resets, stimulus,
                        {period_ps, resets.timing().clock_to_output_ps(resets.netlist())}, 5'000);
  }
}

// A signed 8x8 MAC with uniform operands, measured apart from this code: another script of the same
// tools made gates of 10 to 13% more area.
TEST_F(SynthesisOfMac, EnergyIsAsMeasuredApart) {
  struct Figures {
    double pj, clock_and_registers_pj;
  };
  const std::map<std::string, Figures> known = {
      {"osu018_stdcells", {78.2, 16.8}},
      {"asap7sc7p5t_SIMPLE_RVT_TT_nldm_211120", {0.331, 0.049}},
      {"sg13g2_stdcell_typ_1p20V_25C", {7.49, 2.35}},
      {"sky130_fd_sc_hd__tt_025C_1v80", {10.8, 2.83}}};
  for (const fs::path& file : libraries_to_test()) {
    const LibertyLibrary library = read_liberty(file);
    const auto figures = known.find(library.name);
    if (figures == known.end()) continue;
    const ModuleEnergy mac = mapped(library, file);
    const EnergyRecord record =
        mac.measure(uniform_stimulus(mac.netlist(), 1010, 3), 10, mac.cost().critical_path_ps);
    EXPECT_NEAR(*record.pj_per_cycle(), figures->second.pj, 0.2 * figures->second.pj)
        << library.name;
    EXPECT_NEAR(record.clock_and_registers_pj, figures->second.clock_and_registers_pj,
                0.2 * figures->second.clock_and_registers_pj)
        << library.name;
    EXPECT_EQ(record.cycles, 1000U);
    EXPECT_GT(record.toggles_per_net, 0.5);  // 0.35 without glitches
    EXPECT_LT(record.toggles_per_net, 1.0);
  }
}

// 48 registers at rest: the clock alone, 120.5 fJ inside and 90.5 fJ of pin each, exactly once a
// cycle.
TEST_F(SynthesisOfMac, AtRestOnlyTheClockMoves) {
  const LibertyLibrary library = osu018();
  const ModuleEnergy mac = mapped(library, default_liberty());
  const EnergyRecord record = mac.measure({60, {}}, 10, 8000);
  EXPECT_EQ(record.switching_pj, 0);
  EXPECT_EQ(record.internal_pj, 0);
  EXPECT_EQ(record.toggles_per_net, 0);
  EXPECT_NEAR(record.clock_and_registers_pj, 48 * (0.1205 + 0.0905), 0.01 * 10.13);
  ASSERT_TRUE(record.leakage_pj);
  EXPECT_DOUBLE_EQ(*record.leakage_pj, *mac.cost().leakage_uw * 8000 * 1e-6);
  EXPECT_DOUBLE_EQ(*record.pj_per_cycle(), record.clock_and_registers_pj + *record.leakage_pj);
}

TEST_F(SynthesisOfMac, APeriodBelowTheCriticalPathIsRefused) {
  const LibertyLibrary library = osu018();
  const ModuleEnergy mac = mapped(library, default_liberty());
  EXPECT_THROW(mac.measure({60, {}}, 10, mac.cost().critical_path_ps - 1), UserError);
}

// A netlist as Yosys writes it, with an inverter in the clock.
TEST(ModuleEnergy, AClockThroughGatesIsRefused) {
  const LibertyLibrary library = osu018();
  MappedModule module;
  module.cost.name = "m";
  module.netlist = R"({"modules": {"m": {
    "ports": {"clk_i": {"direction": "input", "bits": [2]}, "q_o": {"direction": "output", "bits": [4]}},
    "cells": {"a": {"type": "INVX1", "connections": {"A": [2], "Y": [3]}},
              "b": {"type": "DFFPOSX1", "connections": {"CLK": [3], "D": ["1"], "Q": [4]}}}}}})";
  try {
    const ModuleEnergy energy(module, library);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_STREQ(error.what(),
                 "module 'm': the clock of a 'DFFPOSX1' is not clk_i itself; energy needs clocks "
                 "without gates");
  }
}

}  // namespace
}  // namespace bitsmith
