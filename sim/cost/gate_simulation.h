// Gates with delays under a stimulus: every toggle of every net, glitches too.
//
// Event-driven, nets are 0 or 1. When inputs of a cell change, its function is evaluated and the
// output follows after the delay of the path from the input that changed last (the shortest of
// them where several changed together), as specify paths of Verilog do: what the function is by
// then counts, so that a pulse shorter than the delay does not pass. The tests hold it to Icarus
// Verilog.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cost/cell_function.h"
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

// By output port, in the netlist's order: the value at the end of every cycle, the highest bit
// first.
struct GateOutput {
  std::string name;
  std::vector<std::string> values;  // '0' and '1'; in what is expected also 'x', for anything
};

struct GateToggle {
  GateNetlist::Net net;
  bool rises;
  std::uint64_t time_fs;
};

// Cycle i starts with the i-th rising edge of the clock, at i + 1 periods; its inputs are those
// that edge i + 1 samples. Before edge 0 the inputs are those of cycle 0 and all nets have settled.
class GateSimulation {
 public:
  // Both must outlive this. Throws UserError when a cell has no CellFunction.
  GateSimulation(const GateNetlist& netlist, const GateTiming& timing);

  // Calls `on_toggle` in the order of time. Throws UserError when the stimulus does not fit the
  // ports, or clear and preset of a register whose library leaves that open are on together; ends
  // with Interrupted on Ctrl-C.
  std::vector<GateOutput> run(const GateStimulus& stimulus, const GateSimulationOptions& options,
                              const std::function<void(const GateToggle&)>& on_toggle) const;

 private:
  // A path from an input of the cell to one of its outputs.
  struct Path {
    std::uint32_t input;
    std::uint64_t rise_fs, fall_fs;
  };
  struct Output {
    std::uint32_t gate;
    GateNetlist::Net net;
    const TruthTable* value;
    std::uint32_t first_path, end_path;
  };
  struct Gate {
    const CellFunction* function;
    std::uint32_t first_input;  // of all inputs of all gates
    std::uint32_t first_output, end_output;
  };
  struct Sink {
    std::uint32_t gate, bit;
  };
  class Run;

  void add_gate(const GateNetlist::Cell& cell);
  void add_sinks();
  void add_paths();

  const GateNetlist& netlist_;
  const GateTiming& timing_;
  std::map<const LibertyCell*, CellFunction> functions_;
  std::vector<Gate> gates_;
  std::vector<Output> outputs_;
  std::vector<Path> paths_;
  std::vector<std::uint32_t> first_sink_;  // by net, and the end of the last
  std::vector<Sink> sinks_;
  std::uint32_t inputs_ = 0;
};

}  // namespace bitsmith
