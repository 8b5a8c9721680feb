// Energy per cycle of one module from its own gates: it is synthesised, simulated with delays under
// given inputs, and every toggle is charged what the library says. sim/cost/README.md has the
// conventions and how far to trust them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cost/energy_meter.h"
#include "cost/gate_netlist.h"
#include "cost/gate_simulation.h"
#include "cost/gate_timing.h"
#include "cost/synthesis.h"

namespace bitsmith {

// Means over the cycles that were measured; the parts sum to pj_per_cycle(), which is
// not known without the leakage.
struct EnergyRecord {
  std::uint64_t cycles = 0;
  double toggles_per_net = 0;         // and cycle, of nets that cells of the module drive
  double switching_pj = 0;            // of nets: their input pins, charged and discharged
  double internal_pj = 0;             // inside combinational cells
  double clock_and_registers_pj = 0;  // the clock's net, and inside flip-flops and latches
  std::optional<double> leakage_pj;   // none when the library does not say

  std::optional<double> pj_per_cycle() const;
};

// A module mapped to gates, ready for any number of stimuli. `library` must outlive it.
class ModuleEnergy {
 public:
  // Throws UserError when a cell cannot be simulated, or a clock does not come straight from port
  // clk_i.
  ModuleEnergy(MappedModule module, const LibertyLibrary& library);

  const ModuleCost& cost() const { return module_.cost; }
  const GateNetlist& netlist() const { return netlist_; }
  const GateTiming& timing() const { return timing_; }

  // The first `warm_up` cycles of the stimulus are not measured. Throws UserError when the period
  // is shorter than the critical path.
  EnergyRecord measure(const GateStimulus& stimulus, std::uint64_t warm_up, double period_ps) const;

  // Cycle i counts for record windows[i], or for none where there is no such record. `expected`,
  // if any, are the outputs in every cycle, with x where anything is right. Throws InternalError
  // where the gates show something else.
  std::vector<EnergyRecord> measure(const GateStimulus& stimulus,
                                    std::span<const std::uint8_t> windows, std::size_t records,
                                    double period_ps,
                                    std::span<const GateOutput> expected = {}) const;

 private:
  EnergyRecord record_of(const EnergySum& fj, std::uint64_t toggles, std::uint64_t cycles,
                         double period_ps) const;

  MappedModule module_;
  const LibertyLibrary& library_;
  GateNetlist netlist_;
  FanoutOfFour outside_;
  GateTiming timing_;
};

}  // namespace bitsmith
