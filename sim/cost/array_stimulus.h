// What an array's ports see while its cycle model does one thing at a time: full tiles, padded
// tiles, steps without tokens, no steps.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cost/module_record.h"
#include "cost/operand_sample.h"
#include "pe/design.h"

namespace bitsmith {

struct PortBits {
  std::string name;
  std::uint32_t bits;
};

// Without the clock.
struct ArrayPorts {
  std::vector<PortBits> inputs, outputs;
};
ArrayPorts array_ports(const ChannelWidths& widths);

// Cycle i is what follows clock edge i: the outputs after it, and the inputs that edge i + 1
// samples. `first_inputs` are those of edge 0.
struct ArrayRecording {
  static constexpr std::uint8_t kUnmeasured = 255;

  ArrayPorts ports;
  std::string first_inputs;
  // By cycle, as binary digits: the ports above one after the other, each with its highest bit
  // first.
  std::vector<std::string> input_values, output_values;
  std::vector<std::uint8_t> window;  // by cycle: the PeCycleClass it is measured for
  // By class: what the model counted in the measured cycles, and how many these are.
  std::array<PeCycles, kPeCycleClasses> counted;
  std::array<std::uint64_t, kPeCycleClasses> cycles{};
};

struct RecordingOptions {
  std::uint64_t job_cycles = 256;  // of a full tile, about
  std::uint64_t jobs = 2;          // tiles measured as `mac`; half as many for each kind of padding
  bool pad = true;
};

// Runs the design's cycle model from reset through
//   full tiles, back to back: the window begins when the tokens of one are in and ends when those
//     of the last are, so that it holds drains and weights as they fall due
//   the same with m = 1, with n = 1 and, where k lies in space, with k = 1, as far as the model
//     then counts padding: PEs outside of the first row and column are padded in all of them
//   no jobs, once all results are out and the last operands have gone
//   no steps, with tokens everywhere
// Operands are always there, results always taken; a payload without valid is the last one.
// Throws InternalError when the model counts other classes in a window than it should: padding
// among full tiles, stalls anywhere else; drains and weights may bring idle steps.
ArrayRecording record_array(const Design& design, const OperandTiles& tiles,
                            const RecordingOptions& options);

}  // namespace bitsmith
