// Gates with delays in Icarus Verilog, from outside of what GateSimulation does.
#pragma once

#include <string>
#include <vector>

#include "cost/gate_simulation.h"

namespace bitsmith {

// Structural Verilog, module `dut`: net i is n<i>, cell i is c<i>; a scalar port for each net that
// is an input or an output driven by a cell, in the order of nets.
std::string netlist_verilog(const GateNetlist& netlist);

// As SDF for the module of netlist_verilog: times in ps, as a simulator takes them whose time unit
// is 1 ps.
std::string sdf(const GateNetlist& netlist, const GateTiming& timing);

struct IcarusRun {
  std::vector<GateToggle> toggles;  // between 0 and 1, of every net
  std::vector<GateOutput> outputs;  // with x
};

IcarusRun run_in_icarus(const GateNetlist& netlist, const GateTiming& timing,
                        const GateStimulus& stimulus, const GateSimulationOptions& options);

}  // namespace bitsmith
