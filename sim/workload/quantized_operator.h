// Operators with the formats of their operands.
#pragma once

#include <vector>

#include "workload/operator.h"
#include "workload/quantization.h"
#include "workload/transformer.h"

namespace bitsmith {

struct QuantizedOperator {
  Operator op;
  GemmQuantization quantization;  // of a GEMM
};

// Gives every GEMM the formats of its class. A KV cache with recent tokens in fp16 splits its GEMM
// in two: attention_qk by outputs, attention_pv by k, whose two results are then added. In a
// prefill at once a cache that is `stored_only` is still in fp16; in one of chunks that is
// neglected for the chunk itself.
std::vector<QuantizedOperator> quantize_operators(const Workload& workload,
                                                  const QuantizationConfig& config,
                                                  const PhaseOptions& phase);

}  // namespace bitsmith
