// What toggles of nets cost.
#pragma once

#include <vector>

#include "cost/gate_netlist.h"
#include "cost/gate_timing.h"

namespace bitsmith {

// In fJ.
struct EnergySum {
  double switching = 0;
  double internal = 0;
  double clock_and_registers = 0;
};

// Charges a toggle of a net
// - 1/2 C V^2 for the input pins on it (the table of internal energy does not hold the load's);
// - the internal energy of these pins;
// - the internal energy of the output that drives it, from the arc of the input that changed last.
class EnergyMeter {
 public:
  EnergyMeter(const GateNetlist& netlist, const GateTiming& timing, double voltage);

  // A net goes to 1 or to 0. Times must not fall.
  void toggle(GateNetlist::Net net, bool rises, std::uint64_t time);
  // What was charged since the last call.
  EnergySum take();

 private:
  struct Edges {
    double rise_fj = 0;
    double fall_fj = 0;
    double of(bool rises) const { return rises ? rise_fj : fall_fj; }
  };
  // Of the output that drives a net, by the net that caused the toggle.
  struct Cause {
    GateNetlist::Net net;
    Edges energy;
  };
  struct Net {
    double switching_fj = 0;
    bool is_clock = false;
    bool register_output = false;
    Edges combinational_pins, register_pins;
    Edges output;
    std::vector<Cause> causes;
    std::uint64_t changed = 0;  // when
  };

  void add_input(const LibertyCell& type, const LibertyPin& pin, Net& net, const Slew& slew);
  void add_output(const GateNetlist::Cell& cell, const LibertyPin& pin, Net& net,
                  const GateTiming& timing);
  double output_energy(const Net& net, bool rises) const;

  std::vector<Net> nets_;
  EnergySum sum_;
};

}  // namespace bitsmith
