#include "cost/gate_timing.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"
#include "pe/systolic/design.h"
#include "support/icarus/gate_verilog.h"
#include "support/liberty_libraries.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kFileLimit = std::size_t{1} << 26;

GateNetlist pe_netlist(const LibertyLibrary& library, const fs::path& liberty) {
  systolic::Params params;
  params.rows = params.cols = 1;
  params.activation = params.weight = find_format("int4");
  params.accumulator_bits = 12;
  const systolic::Design design(params);
  const RtlModule module = rtl_module(design, design.rtl().modules[0]);
  return parse_netlist(map_module(module, {liberty, 5000}, library).netlist, module.name, library);
}

// "c3 A Y" -> rise and fall delay, ps.
using Delays = std::map<std::string, std::pair<double, double>>;

// The largest of every path of an SDF file; `scale` makes ps of its unit.
Delays delays_of(const std::string& text, double scale) {
  const std::regex instance(R"(INSTANCE ([^)]*)\))");
  const std::regex path(
      R"(IOPATH (?:\((?:pos|neg)edge (\S+)\)|(\S+)) (\S+) \([^:]*:[^:]*:([0-9.]*)\) \([^:]*:[^:]*:([0-9.]*)\))");
  Delays delays;
  std::string name;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    std::smatch match;
    if (std::regex_search(line, match, instance)) name = match[1];
    if (!std::regex_search(line, match, path)) continue;
    delays[name + " " + match[1].str() + match[2].str() + " " + match[3].str()] = {
        std::stod(match[4]) * scale, std::stod(match[5]) * scale};
  }
  return delays;
}

Delays opensta(const GateNetlist& netlist, const fs::path& liberty, const FanoutOfFour& outside) {
  const TemporaryFolder folder(fs::temp_directory_path());
  write_file_atomically(folder.path() / "netlist.v", netlist_verilog(netlist));
  write_file_atomically(
      folder.path() / "sdf.tcl",
      fmt::format("read_liberty {}\nread_verilog netlist.v\nlink_design dut\n"
                  "set_wire_load_mode top\n"
                  "set_cmd_units -time ps -capacitance fF\n"
                  "create_clock -name clk -period 9000 [get_ports n{}]\n"
                  "set_clock_transition -rise {} clk\nset_clock_transition -fall {} clk\n"
                  "set_input_transition -rise {} [all_inputs]\n"
                  "set_input_transition -fall {} [all_inputs]\n"
                  "set_load {} [all_outputs]\nwrite_sdf -digits 6 delays.sdf\n",
                  fs::absolute(liberty).string(), netlist.find_port("clk_i")->bits[0],
                  outside.slew.rise_ps, outside.slew.fall_ps, outside.slew.rise_ps,
                  outside.slew.fall_ps, outside.load_ff));
  const ProcessResult result = run_process({"sta", "-exit", "sdf.tcl"}, folder.path());
  EXPECT_EQ(result.exit_code, 0) << result.output;
  const std::string text = read_file(folder.path() / "delays.sdf", kFileLimit);
  return delays_of(text, text.find("TIMESCALE 1ps") != std::string::npos ? 1 : 1000);
}

// "c3 A Y" of every path that either edge of its input can cause for an edge of its output.
std::set<std::string> paths_of_both_edges(const GateNetlist& netlist, const GateTiming& timing) {
  std::set<std::string> paths;
  for (const GateTiming::Path& path : timing.paths) {
    const LibertyCell& type = *netlist.cells[path.cell].type;
    for (const TimingArc& arc : type.pins[path.output].arcs) {
      if (arc.related != path.input || arc.sense != ArcSense::either) continue;
      paths.insert(fmt::format("c{} {} {}", path.cell, type.pins[path.input].name,
                               type.pins[path.output].name));
    }
  }
  return paths;
}

// OpenSTA's delay calculation of the same netlist: every path of every gate. Where both edges of
// an input can be the cause it writes the delay of one of them, and we their mean; it takes a pin's
// capacitance apart for rise and fall, and we the larger one.
TEST(SynthesisTiming, EqualsOpenSta) {
  const LibertyLibrary library = read_liberty(default_liberty());
  const GateNetlist netlist = pe_netlist(library, default_liberty());
  const FanoutOfFour outside = fanout_of_four(library);
  const GateTiming timing = calculate_delays(netlist, outside);
  const Delays ours = delays_of(sdf(netlist, timing), 1);
  const Delays theirs = opensta(netlist, default_liberty(), outside);
  EXPECT_EQ(ours.size(), timing.paths.size());
  const std::set<std::string> both_edges = paths_of_both_edges(netlist, timing);
  std::size_t compared = 0;
  for (const auto& [path, delay] : theirs) {
    ASSERT_TRUE(ours.contains(path)) << path;
    const double tolerance = both_edges.contains(path) ? 0.1 : 0.02;
    EXPECT_NEAR(ours.at(path).first, delay.first, tolerance * delay.first + 0.01) << path;
    EXPECT_NEAR(ours.at(path).second, delay.second, tolerance * delay.second + 0.01) << path;
    ++compared;
  }
  EXPECT_GE(compared, 300U);
}

// Measured once apart from this code, with OpenSTA and by hand.
TEST(GateTiming, InverterThatDrivesFour) {
  struct Figures {
    double delay_ps, energy_fj;
  };
  const std::map<std::string, Figures> known = {
      {"osu018_stdcells", {99.5, 76.8}},
      {"asap7sc7p5t_SIMPLE_RVT_TT_nldm_211120", {19.6, 0.65}},
      {"sg13g2_stdcell_typ_1p20V_25C", {61.3, 9.93}},
      {"sky130_fd_sc_hd__tt_025C_1v80", {80.5, 17.75}}};
  for (const fs::path& file : libraries_to_test()) {
    const LibertyLibrary library = read_liberty(file);
    const FanoutOfFour result = fanout_of_four(library);
    const auto figures = known.find(library.name);
    if (figures == known.end()) continue;
    EXPECT_NEAR(result.delay_ps, figures->second.delay_ps, 0.02 * figures->second.delay_ps)
        << library.name;
    EXPECT_NEAR(result.energy_fj, figures->second.energy_fj, 0.02 * figures->second.energy_fj)
        << library.name;
  }
}

TEST(GateTiming, LoopsAreRefused) {
  const LibertyLibrary library = read_liberty(default_liberty());
  GateNetlist netlist;
  netlist.nets = 4;
  const LibertyCell& inverter = library.cells.at("INVX1");
  netlist.cells = {{&inverter, {2, 3}}, {&inverter, {3, 2}}};
  EXPECT_THROW(calculate_delays(netlist, fanout_of_four(library)), UserError);
}

}  // namespace
}  // namespace bitsmith
