// What the ports of one instance inside an array see: the array's RTL in Icarus Verilog under a
// recorded stimulus.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cost/array_stimulus.h"
#include "cost/gate_netlist.h"
#include "cost/gate_simulation.h"
#include "pe/design.h"

namespace bitsmith {

// Which of a module's instances: the one in the middle of each row of a generate loop, or the last.
// In an array of 2x2 and more the middle one is neither in the first row nor in the first column.
enum class InstancePlace { middle, last };

struct InstanceRecording {
  std::string path;                             // of the instance in the array
  GateStimulus inputs;                          // all but the clock, also the reset
  std::vector<GateSimulation::Output> outputs;  // by cycle; x where the RTL does not know
};

// Registers start at 0, as those of gates do. `module` is one of design.rtl().modules, `ports`
// those of its netlist. Throws InternalError, with the cycle, when the array's outputs are not
// those of the cycle model, and when there is no such instance.
InstanceRecording record_instance(const Design& design, const RtlDescription::Module& module,
                                  const std::vector<GateNetlist::Port>& ports,
                                  const ArrayRecording& recording, InstancePlace place);

}  // namespace bitsmith
