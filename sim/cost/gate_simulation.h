// Gates with delays under a stimulus, in Icarus Verilog: every toggle of every net, glitches too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cost/gate_netlist.h"
#include "cost/gate_timing.h"

namespace bitsmith {

// What the input ports of a module see, cycle after cycle. Ports that are not named stay 0, but for
// the clock `clk_i`, which runs, and `rst_ni`, which is low in the first kResetCycles cycles only.
struct GateStimulus {
  static constexpr std::uint64_t kResetCycles = 2;
  struct Port {
    std::string name;
    std::vector<std::uint32_t> words;  // [cycle][words of the port], the low bits first
  };
  std::uint64_t cycles = 0;
  std::vector<Port> ports;
};

struct GateSimulationOptions {
  double period_ps = 0;
  double input_arrival_ps = 0;  // after the clock's rising edge
};

// Cycle i starts with the i-th rising edge of the clock, at i + 1 periods; its inputs are those
// that edge i + 1 samples. Before edge 0 the inputs are those of cycle 0.
struct GateSimulation {
  std::filesystem::path changes;  // value change dump: n<i> of netlist_verilog, in fs
  // By output port, in the netlist's order: the value at the end of every cycle, '0', '1' or 'x',
  // the highest bit first.
  struct Output {
    std::string name;
    std::vector<std::string> values;
  };
  std::vector<Output> outputs;
};

// Writes all its files into `folder`. Throws UserError when the stimulus does not fit the ports.
GateSimulation simulate_gates(const GateNetlist& netlist, const GateTiming& timing,
                              const GateStimulus& stimulus, const GateSimulationOptions& options,
                              const std::filesystem::path& folder);

}  // namespace bitsmith
