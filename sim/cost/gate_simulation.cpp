#include "cost/gate_simulation.h"

#include <set>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"
#include "cost/cell_model.h"

namespace bitsmith {
namespace fs = std::filesystem;
namespace {

using Net = GateNetlist::Net;
constexpr std::size_t kOutputLimit = std::size_t{4} << 30;
constexpr std::string_view kClock = "clk_i";
constexpr std::string_view kReset = "rst_ni";

std::size_t words_of(std::size_t bits) { return (bits + 31) / 32; }

// An input bit of the module and where its values come from.
struct Source {
  Net net;
  const GateStimulus::Port* port = nullptr;  // none: 0, or the reset
  std::size_t bit = 0;
  bool is_reset = false;
};

void check_stimulus(const GateNetlist& netlist, const GateStimulus& stimulus) {
  Diagnostics diagnostics;
  for (const GateStimulus::Port& stream : stimulus.ports) {
    const GateNetlist::Port* port = netlist.find_port(stream.name);
    if (port == nullptr || !port->is_input || port->name == kClock) {
      diagnostics.add({"stimulus"}, fmt::format("'{}' is no input of the module", stream.name));
    } else if (stream.words.size() != stimulus.cycles * words_of(port->bits.size())) {
      diagnostics.add({"stimulus"}, fmt::format("port '{}': {} words, expected {} cycles of {}",
                                                stream.name, stream.words.size(), stimulus.cycles,
                                                words_of(port->bits.size())));
    }
  }
  diagnostics.throw_if_any();
}

std::vector<Source> sources_of(const GateNetlist& netlist, const GateStimulus& stimulus) {
  std::vector<Source> sources;
  for (const GateNetlist::Port& port : netlist.ports) {
    if (!port.is_input || port.name == kClock) continue;
    const GateStimulus::Port* stream = nullptr;
    for (const GateStimulus::Port& candidate : stimulus.ports) {
      if (candidate.name == port.name) stream = &candidate;
    }
    for (std::size_t bit = 0; bit < port.bits.size(); ++bit) {
      sources.push_back({port.bits[bit], stream, bit, stream == nullptr && port.name == kReset});
    }
  }
  return sources;
}

bool value_of(const Source& source, std::uint64_t cycle, const GateStimulus& stimulus) {
  if (source.is_reset) return cycle >= GateStimulus::kResetCycles;
  if (source.port == nullptr) return false;
  const std::size_t words = source.port->words.size() / stimulus.cycles;
  const std::uint32_t word = source.port->words[cycle * words + source.bit / 32];
  return (word >> source.bit % 32 & 1U) != 0;
}

// One line of bits a cycle, the last source first.
void write_vectors(const std::vector<Source>& sources, const GateStimulus& stimulus,
                   const fs::path& file) {
  AtomicFile out(file);
  for (std::uint64_t cycle = 0; cycle < stimulus.cycles; ++cycle) {
    std::string line;
    for (auto source = sources.rbegin(); source != sources.rend(); ++source)
      line += value_of(*source, cycle, stimulus) ? '1' : '0';
    out.write(line.empty() ? "0\n" : line + "\n");
  }
  out.finish();
}

// Drives the module `dut`; prints the outputs at the end of every cycle, a line per port.
std::string testbench(const GateNetlist& netlist, const std::vector<Source>& sources,
                      std::uint64_t cycles, const GateSimulationOptions& options) {
  std::vector<std::string> connections;
  for (std::size_t i = 0; i < sources.size(); ++i)
    connections.push_back(fmt::format(".n{}(inputs[{}])", sources[i].net, i));
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
      sources.empty() ? 0 : sources.size() - 1, cycles - 1, fmt::join(connections, ", "),
      options.input_arrival_ps, options.period_ps, options.period_ps / 2, prints);
}

std::string models_of(const GateNetlist& netlist) {
  std::set<const LibertyCell*> types;
  for (const GateNetlist::Cell& cell : netlist.cells) types.insert(cell.type);
  std::string text = "`timescale 1ps/1fs\n";
  for (const LibertyCell* type : types) text += cell_model(*type, type->name);
  return text;
}

void run(const std::vector<std::string>& command, const fs::path& folder) {
  const ProcessResult result = run_process(command, folder);
  // vvp ends with 0 when it could not annotate.
  const bool failed = result.exit_code != 0 || result.output.find("SDF") != std::string::npos;
  if (failed)
    throw UserError(fmt::format("'{}' failed:\n{}", fmt::join(command, " "), result.output));
}

std::vector<GateSimulation::Output> read_outputs(const GateNetlist& netlist, const fs::path& file) {
  std::vector<GateSimulation::Output> outputs;
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

}  // namespace

GateSimulation simulate_gates(const GateNetlist& netlist, const GateTiming& timing,
                              const GateStimulus& stimulus, const GateSimulationOptions& options,
                              const fs::path& folder) {
  check_stimulus(netlist, stimulus);
  check(stimulus.cycles > 0, "there are cycles to simulate");
  const std::vector<Source> sources = sources_of(netlist, stimulus);
  write_vectors(sources, stimulus, folder / "vectors.txt");
  write_file_atomically(folder / "delays.sdf", sdf(netlist, timing));
  write_file_atomically(folder / "cells.v", models_of(netlist));
  write_file_atomically(folder / "netlist.v", netlist_verilog(netlist));
  write_file_atomically(folder / "testbench.v",
                        testbench(netlist, sources, stimulus.cycles, options));
  run({"iverilog", "-g2005", "-gspecify", "-o", "testbench.vvp", "cells.v", "netlist.v",
       "testbench.v"},
      folder);
  run({"vvp", "-n", "testbench.vvp"}, folder);
  return {folder / "changes.vcd", read_outputs(netlist, folder / "outputs.txt")};
}

}  // namespace bitsmith
