// What the ports of instances inside an array see: the array's RTL in Icarus Verilog under a
// recorded stimulus.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/process.h"
#include "cost/array_stimulus.h"
#include "cost/gate_simulation.h"
#include "pe/design.h"

namespace bitsmith {

// Which of a module's instances: the one in the middle of each row of a generate loop, or the last.
// In an array of 2x2 and more the middle one is neither in the first row nor in the first column.
enum class InstancePlace { middle, last };

struct InstanceRecording {
  std::string path;                 // of the instance in the array
  GateStimulus inputs;              // all but the clock, also the reset
  std::vector<GateOutput> outputs;  // by cycle; x where the RTL does not know
};

// Compiled once for any number of recordings.
class ArrayRtl {
 public:
  // `modules`: some of design.rtl().modules, each with an instance that is recorded. Throws
  // InternalError when one has none.
  ArrayRtl(const Design& design, std::span<const RtlDescription::Module> modules,
           InstancePlace place);

  // By module; any number of threads may. Registers start at 0, as those of gates do. Throws
  // InternalError, with the cycle, when the array's outputs are not those of the cycle model.
  std::vector<InstanceRecording> record(const ArrayRecording& recording) const;

 private:
  struct Port {
    std::string name;
    std::size_t bits = 0;
    bool is_input = false;
  };
  struct Instance {
    std::string path;         // as Verilog refers to it
    std::vector<Port> ports;  // without the clock
  };

  static void append_cycle(const Instance& instance, std::string_view digits,
                           InstanceRecording& to);
  std::string testbench(const RtlDescription& rtl, const ChannelWidths& widths) const;

  TemporaryFolder folder_;
  std::vector<Instance> instances_;
};

}  // namespace bitsmith
