#include "support/icarus/gate_verilog.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>
#include <utility>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"
#include "support/icarus/cell_verilog.h"
#include "support/icarus/vcd_reader.h"

namespace bitsmith {
namespace fs = std::filesystem;
namespace {

using Net = GateNetlist::Net;
constexpr std::size_t kOutputLimit = std::size_t{4} << 30;
constexpr std::string_view kClock = "clk_i";
constexpr std::string_view kReset = "rst_ni";

// Whether each net is an input port, and whether it is an output port that a cell drives.
struct Roles {
  std::vector<bool> input, driven, output;

  explicit Roles(const GateNetlist& netlist)
      : input(netlist.nets), driven(netlist.nets), output(netlist.nets) {
    for (const GateNetlist::Port& port : netlist.ports) {
      for (const Net net : port.bits) (port.is_input ? input : output)[net] = true;
    }
    for (const GateNetlist::Cell& cell : netlist.cells) {
      for (std::size_t i = 0; i < cell.pins.size(); ++i) {
        if (!cell.type->pins[i].is_input) driven[cell.pins[i]] = true;
      }
    }
  }
};

// The module's inputs but the clock.
std::vector<const GateNetlist::Port*> driven_ports(const GateNetlist& netlist) {
  std::vector<const GateNetlist::Port*> ports;
  for (const GateNetlist::Port& port : netlist.ports) {
    if (port.is_input && port.name != kClock) ports.push_back(&port);
  }
  return ports;
}

// What a port sees in a cycle, the highest bit first: written apart from how GateSimulation reads
// the stimulus.
std::string digits_of(const GateNetlist::Port& port, std::uint64_t cycle,
                      const GateStimulus& stimulus) {
  const auto stream = std::find_if(stimulus.ports.begin(), stimulus.ports.end(),
                                   [&](const auto& other) { return other.name == port.name; });
  if (stream == stimulus.ports.end()) {
    const bool is_released = port.name == kReset && cycle >= GateStimulus::kResetCycles;
    return std::string(port.bits.size(), is_released ? '1' : '0');
  }
  const std::size_t words = stream->words.size() / stimulus.cycles;
  std::string digits;
  for (std::size_t word = words; word-- > 0;)
    digits += fmt::format("{:032b}", stream->words[cycle * words + word]);
  return digits.substr(digits.size() - port.bits.size());
}

// One line of bits a cycle, the last port first.
void write_vectors(const GateNetlist& netlist, const GateStimulus& stimulus, const fs::path& file) {
  const auto ports = driven_ports(netlist);
  AtomicFile out(file);
  for (std::uint64_t cycle = 0; cycle < stimulus.cycles; ++cycle) {
    std::string line;
    for (auto port = ports.rbegin(); port != ports.rend(); ++port)
      line += digits_of(**port, cycle, stimulus);
    out.write(line.empty() ? "0\n" : line + "\n");
  }
  out.finish();
}

// Drives the module `dut`; prints the outputs at the end of every cycle, a line per port.
std::string testbench(const GateNetlist& netlist, std::uint64_t cycles,
                      const GateSimulationOptions& options) {
  std::vector<std::string> connections;
  for (const GateNetlist::Port* port : driven_ports(netlist)) {
    for (const Net net : port->bits)
      connections.push_back(fmt::format(".n{}(inputs[{}])", net, connections.size()));
  }
  const std::size_t inputs = connections.size();
  if (const GateNetlist::Port* clock = netlist.find_port(kClock); clock != nullptr)
    connections.push_back(fmt::format(".n{}(clock)", clock->bits.at(0)));
  std::string prints;
  for (const GateNetlist::Port& port : netlist.ports) {
    if (port.is_input || port.bits.empty()) continue;
    std::vector<std::string> bits;
    for (auto net = port.bits.rbegin(); net != port.bits.rend(); ++net) {
      bits.push_back(*net < GateNetlist::kFirstNet ? fmt::format("1'b{}", *net)
                                                   : fmt::format("dut.n{}", *net));
    }
    prints += fmt::format("      $fdisplayb(outputs, {{{}}});\n", fmt::join(bits, ", "));
  }
  return fmt::format(
      R"(`timescale 1ps/1fs
module testbench;
  reg [{0}:0] vectors [0:{1}];
  reg [{0}:0] inputs;
  reg clock = 0;
  integer cycle, outputs;
  dut dut ({2});
  always @(posedge clock) inputs <= #{3:.3f} vectors[cycle];
  initial begin
    $readmemb("vectors.txt", vectors);
    outputs = $fopen("outputs.txt", "w");
    $sdf_annotate("delays.sdf", dut);
    $dumpfile("changes.vcd");
    $dumpvars(1, dut);
    inputs = vectors[0];
    #{4:.3f};
    for (cycle = 0; cycle <= {1}; cycle = cycle + 1) begin
      clock = 1;
      #{5:.3f} clock = 0;
      #{5:.3f};
{6}    end
    $finish;
  end
endmodule
)",
      inputs == 0 ? 0 : inputs - 1, cycles - 1, fmt::join(connections, ", "),
      options.input_arrival_ps, options.period_ps, options.period_ps / 2, prints);
}

std::string models_of(const GateNetlist& netlist) {
  std::set<const LibertyCell*> types;
  for (const GateNetlist::Cell& cell : netlist.cells) types.insert(cell.type);
  std::string text = "`timescale 1ps/1fs\n";
  for (const LibertyCell* type : types) text += cell_verilog(*type, type->name);
  return text;
}

void run(const std::vector<std::string>& command, const fs::path& folder) {
  const ProcessResult result = run_process(command, folder);
  // vvp ends with 0 when it could not annotate.
  const bool failed = result.exit_code != 0 || result.output.find("SDF") != std::string::npos;
  if (failed)
    throw UserError(fmt::format("'{}' failed:\n{}", fmt::join(command, " "), result.output));
}

std::vector<GateOutput> read_outputs(const GateNetlist& netlist, const fs::path& file) {
  std::vector<GateOutput> outputs;
  for (const GateNetlist::Port& port : netlist.ports) {
    if (!port.is_input && !port.bits.empty()) outputs.push_back({port.name, {}});
  }
  const std::string text = read_file(file, kOutputLimit);
  std::size_t begin = 0;
  for (std::size_t line = 0; begin < text.size(); ++line) {
    const std::size_t end = text.find('\n', begin);
    check(end != std::string::npos && !outputs.empty(), "simulated outputs are whole lines");
    outputs[line % outputs.size()].values.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return outputs;
}

// n<number> of netlist_verilog.
std::uint32_t net_number(std::string_view name) {
  std::uint32_t number = 0;
  const char* end = name.data() + name.size();
  const bool is_net =
      name.starts_with('n') && std::from_chars(name.data() + 1, end, number).ptr == end;
  return is_net ? number : VcdReader::kIgnored;
}

std::vector<GateToggle> read_toggles(const GateNetlist& netlist, const fs::path& file) {
  std::vector<char> values(netlist.nets, 'x');
  std::vector<GateToggle> toggles;
  VcdReader reader(file, net_number);
  for (VcdReader::Change change{}; reader.next(change);) {
    const char before = std::exchange(values.at(change.variable), change.value);
    if ((before != '0' && before != '1') || (change.value != '0' && change.value != '1')) continue;
    if (before != change.value)
      toggles.push_back({change.variable, change.value == '1', change.time});
  }
  return toggles;
}

}  // namespace

std::string netlist_verilog(const GateNetlist& netlist) {
  const Roles roles(netlist);
  std::vector<std::string> ports;
  std::string text;
  for (Net net = GateNetlist::kFirstNet; net < netlist.nets; ++net) {
    const bool is_output = roles.output[net] && roles.driven[net];
    if (roles.input[net] || is_output) ports.push_back(fmt::format("n{}", net));
    text += fmt::format("  {} n{};\n",
                        roles.input[net] ? "input"
                        : is_output      ? "output"
                                         : "wire",
                        net);
  }
  for (std::size_t i = 0; i < netlist.cells.size(); ++i) {
    const GateNetlist::Cell& cell = netlist.cells[i];
    std::vector<std::string> pins;
    for (std::size_t pin = 0; pin < cell.pins.size(); ++pin) {
      const Net net = cell.pins[pin];
      const std::string value =
          net < GateNetlist::kFirstNet ? fmt::format("1'b{}", net) : fmt::format("n{}", net);
      pins.push_back(fmt::format(".{}({})", cell.type->pins[pin].name, value));
    }
    text += fmt::format("  {} c{} ({});\n", cell.type->name, i, fmt::join(pins, ", "));
  }
  return fmt::format("module dut ({});\n{}endmodule\n", fmt::join(ports, ", "), text);
}

std::string sdf(const GateNetlist& netlist, const GateTiming& timing) {
  std::string text = "(DELAYFILE\n (SDFVERSION \"3.0\")\n (DIVIDER /)\n (TIMESCALE 1ps)\n";
  auto out = std::back_inserter(text);
  for (const GateTiming::Path& path : timing.paths) {
    const LibertyCell& type = *netlist.cells[path.cell].type;
    // All three fields are written: an empty one is taken as 0.
    fmt::format_to(out,
                   " (CELL (CELLTYPE \"{0}\") (INSTANCE c{1}) (DELAY (ABSOLUTE"
                   " (IOPATH {2} {3} ({4:.3f}:{4:.3f}:{4:.3f}) ({5:.3f}:{5:.3f}:{5:.3f})))))\n",
                   type.name, path.cell, type.pins[path.input].name, type.pins[path.output].name,
                   path.rise_ps, path.fall_ps);
  }
  return text + ")\n";
}

IcarusRun run_in_icarus(const GateNetlist& netlist, const GateTiming& timing,
                        const GateStimulus& stimulus, const GateSimulationOptions& options) {
  const TemporaryFolder folder(fs::temp_directory_path());
  write_vectors(netlist, stimulus, folder.path() / "vectors.txt");
  write_file_atomically(folder.path() / "delays.sdf", sdf(netlist, timing));
  write_file_atomically(folder.path() / "cells.v", models_of(netlist));
  write_file_atomically(folder.path() / "netlist.v", netlist_verilog(netlist));
  write_file_atomically(folder.path() / "testbench.v",
                        testbench(netlist, stimulus.cycles, options));
  run({"iverilog", "-g2005", "-gspecify", "-o", "testbench.vvp", "cells.v", "netlist.v",
       "testbench.v"},
      folder.path());
  run({"vvp", "-n", "testbench.vvp"}, folder.path());
  return {read_toggles(netlist, folder.path() / "changes.vcd"),
          read_outputs(netlist, folder.path() / "outputs.txt")};
}

}  // namespace bitsmith
