// Loads, slews and delays of a gate-level netlist from the library's tables, without wires.
//
// Every net takes the slowest slew that any arc to it makes, as static timing analysis does; a
// delay that several conditions or both input edges can cause is their mean.
#pragma once

#include <vector>

#include "cost/gate_netlist.h"

namespace bitsmith {

// Transition time of a rising and of a falling edge.
struct Slew {
  double rise_ps = 0;
  double fall_ps = 0;
};

// The smallest inverter of a library in a chain of inverters that each drive four of their kind:
// the unit of slew, delay and energy around a module.
struct FanoutOfFour {
  Slew slew;
  double load_ff = 0;
  double delay_ps = 0;   // mean of both edges
  double energy_fj = 0;  // of a toggle, with that of the load
};
FanoutOfFour fanout_of_four(const LibertyLibrary& library);

struct GateTiming {
  struct Net {
    double pins_ff = 0;  // of the module's own cells
    double load_ff = 0;  // with what its output ports drive
    Slew slew;
  };
  // From an input of a cell to one of its outputs, by the edge of the output.
  struct Path {
    std::uint32_t cell;
    std::uint32_t input, output;  // indices of pins
    double rise_ps, fall_ps;
  };
  std::vector<Net> nets;  // by the netlist's numbers
  std::vector<Path> paths;

  // The mean delay from clock to output of the module's registers; 0 when it has none.
  double clock_to_output_ps(const GateNetlist& netlist) const;
};

// Inputs, the clock among them, come with `outside.slew`; every output port drives
// `outside.load_ff`. Throws UserError when the gates form a loop.
GateTiming calculate_delays(const GateNetlist& netlist, const FanoutOfFour& outside);

}  // namespace bitsmith
