// Matrices of a forward pass as a quantization stores them.
#pragma once

#include <cstdint>
#include <vector>

#include "inference/float_matrix.h"
#include "workload/operand_stream.h"

namespace bitsmith {

struct QuantizedMatrix {
  OperandShape shape;
  std::vector<std::uint16_t> codes;  // [rows, k]
  OperandParameters parameters;
};

// As long as the values are there.
OperandRows rows_of(FloatView values);

QuantizedMatrix quantize_matrix(FloatView values, const OperandQuantization& quantization);

// The values of the codes, rounded to FP32.
FloatMatrix dequantize_matrix(const QuantizedMatrix& matrix,
                              const OperandQuantization& quantization);

}  // namespace bitsmith
