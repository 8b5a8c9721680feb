// Operators with the formats of their operands.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "numerics/channel_choice.h"
#include "workload/operator.h"
#include "workload/quantization.h"
#include "workload/transformer.h"

namespace bitsmith {

// Which channels of an operator of the workload a GEMM computes with: all, or some of its k or n,
// in the order in which it stores them.
struct OperatorPart {
  enum class Axis { whole, inputs, outputs };
  Axis axis = Axis::whole;
  std::vector<std::uint64_t> channels = {};
};

struct QuantizedOperator {
  Operator op;
  GemmQuantization quantization;  // of a GEMM
  std::size_t origin = 0;         // its number in the workload
  OperatorPart part = {};
};

// What a calibration found, by number of the operator in the workload.
using ChannelSplits = std::map<std::size_t, ChannelSplit>;

// Gives every GEMM the formats of its class, and splits some in two: one with the name of the
// operator and another; a part without channels is left out. Parts along k are summed by an
// operator "<name>_add" or "<name>.add".
//
//   method                     along  other GEMM       holds
//   recent_tokens of keys      n      <name>_recent    the last tokens, in fp16
//   recent_tokens of values    k      <name>_recent    the same
//   outliers                   k      <name>.outliers  ChannelSplit::apart
//   salient                    n      <name>.salient   the same
//   blocks                     k      <name>.blocks    the same
//
// In a prefill at once a cache that is `stored_only` is still in fp16; in one of chunks that is
// neglected for the chunk itself. Throws UserError, with what to do, when a class has one of the
// last three methods and `splits` has nothing for one of its operators. That input channels are
// stored in another order costs nothing here: whoever writes them writes them so.
std::vector<QuantizedOperator> quantize_operators(const Workload& workload,
                                                  const QuantizationConfig& config,
                                                  const PhaseOptions& phase,
                                                  const ChannelSplits& splits = {});

}  // namespace bitsmith
