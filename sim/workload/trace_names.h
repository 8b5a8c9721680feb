// Names and tensors shared by the writer and the reader of traces.
#pragma once

#include <fmt/format.h>

#include "workload/trace.h"

namespace bitsmith {

// "0003.weight"
inline std::string tensor_name(std::size_t op, OperandRole role) {
  return fmt::format("{:04}.{}", op, word_of(role));
}

inline const OperandQuantization& of_role(const GemmQuantization& gemm, OperandRole role) {
  return role == OperandRole::activation ? gemm.activation : gemm.weight;
}

// All of an operand but its statistics.
std::vector<TensorSpec> operand_tensors(std::size_t op, OperandRole role,
                                        const OperandQuantization& quantization,
                                        const OperandShape& shape);

inline OperandShape operand_shape(const GemmShape& gemm, OperandRole role) {
  return {role == OperandRole::activation ? gemm.m : gemm.n, gemm.k};
}

}  // namespace bitsmith
