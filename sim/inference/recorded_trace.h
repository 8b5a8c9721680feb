// Traces of what a model really computes with: the weights and activations of one window of tokens.
//
// Every layer and every key-value head has operators of its own, which repeat nothing:
// "layer.2.q_proj", "layer.2.head.1.attention_qk". Shapes are those of a prefill
// (transformer_workload); the vocabulary meets the last token only. What follows a GEMM is computed
// from its quantized operands (QuantizedArithmetic).
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "inference/calibration.h"
#include "inference/llama.h"
#include "workload/trace.h"

namespace bitsmith {

// The operators of a window of so many tokens. `splits` as QuantizedArithmetic takes them.
std::vector<QuantizedOperator> unrolled_operators(const Transformer& model, std::uint64_t tokens,
                                                  const QuantizationConfig& quantization,
                                                  const PlacedSplits& splits = {});

// `text` names the tokens' origin, `calibration` that of the splits and of what is folded into the
// model, or nothing: metadata of the trace.
std::vector<TracedOperand> record_trace(const Llama& model, std::span<const std::uint32_t> tokens,
                                        const std::string& text,
                                        const QuantizationConfig& quantization,
                                        const std::filesystem::path& path,
                                        const PlacedSplits& splits = {},
                                        const std::string& calibration = "");

}  // namespace bitsmith
