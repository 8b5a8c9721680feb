// Operands of a GEMM, synthetic or from elsewhere, quantized row by row: a tensor never exists as a
// whole.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "numerics/quantizer.h"
#include "numerics/random_tensor.h"
#include "workload/quantization.h"

namespace bitsmith {

// An operand as a matrix [rows, k]: activations [m, k], weights [n, k] (the layout of a linear
// layer in PyTorch).
struct OperandShape {
  std::uint64_t rows = 1;
  std::uint64_t k = 1;
};

// What was seen of an operand, before and after quantization.
struct OperandStatistics {
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  double sum_abs = 0;
  std::uint64_t zeros = 0;  // after quantization
  QuantizationError error;
};

// Parameters of all groups, in the order of their codes: [rows, groups of a row] along k, [groups
// of rows, k] across it, one for the whole tensor.
struct OperandParameters {
  std::vector<std::uint64_t> shape;
  std::vector<GroupParameters> groups;
  std::vector<float> channel_scales;  // [rows], scales of two levels only
};

// Shape of the parameters, without making any.
std::vector<std::uint64_t> parameter_shape(const OperandQuantization& quantization,
                                           const OperandShape& shape);

// Fills `values` with row `row` of an operand and, if there is room, the ones behind it.
using OperandRows = std::function<void(std::uint64_t row, std::span<float> values)>;

// Takes the values of `rows`, each twice where a group is not at hand as a whole, quantizes them
// and hands the codes to `take`, row after row. Memory: a row or, for groups across k, as many rows
// as a group has, and the parameters. Throws UserError when groups across k are too large to hold.
struct OperandResult {
  OperandParameters parameters;
  OperandStatistics statistics;
};
OperandResult stream_operand(const OperandRows& rows, const OperandQuantization& quantization,
                             const OperandShape& shape,
                             const std::function<void(std::span<const std::uint16_t>)>& take);
// The same of synthetic values.
OperandResult stream_operand(const RandomTensor& tensor, const OperandQuantization& quantization,
                             const OperandShape& shape,
                             const std::function<void(std::span<const std::uint16_t>)>& take);

}  // namespace bitsmith
