#include "inference/quantized_arithmetic.h"

#include <algorithm>
#include <list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "inference/float_gemm.h"
#include "inference/quantized_matrix.h"
#include "workload/quantized_operator.h"

namespace bitsmith {
namespace {

struct DequantizedWeights final : Arithmetic::Weights {
  explicit DequantizedWeights(FloatMatrix w) : matrix(std::move(w)) {}
  FloatMatrix matrix;
};

using Axis = OperatorPart::Axis;

// Some columns or rows of a matrix, as a matrix.
FloatMatrix take_columns(FloatView matrix, std::span<const std::uint64_t> columns) {
  FloatMatrix result(matrix.rows, columns.size());
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    for (std::size_t i = 0; i < columns.size(); ++i) result.out()(row, i) = matrix(row, columns[i]);
  }
  return result;
}

FloatMatrix take_rows(FloatView matrix, std::span<const std::uint64_t> rows) {
  FloatMatrix result(rows.size(), matrix.cols);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(row_of(matrix, rows[i]).data(), matrix.cols, row_of(result.out(), i).data());
  }
  return result;
}

// The GEMM of a site with the weights of one sequence, as an operator.
Workload workload_of(const GemmSite& site, FloatView w) {
  Operator op;
  op.name = site.name;
  op.gemm = {1, w.rows, w.cols};
  op.operator_class = site.operator_class;
  Workload workload;
  workload.operators = {op};
  return workload;
}

}  // namespace

struct QuantizedArithmetic::Parts final : Weights {
  struct One {
    std::string name;  // Part::site has a view of it
    Part part;
    OperatorPart channels;
    std::unique_ptr<const Weights> weights;
  };
  std::list<One> parts;
};

std::unique_ptr<const Arithmetic::Weights> QuantizedArithmetic::prepare(const GemmSite& site,
                                                                        FloatMatrix w) const {
  const FloatView all = std::as_const(w).view();
  ChannelSplits splits;
  if (const auto found = splits_.find({site.layer, std::string(site.name)});
      found != splits_.end()) {
    splits[0] = found->second;
  }
  auto result = std::make_unique<Parts>();
  for (QuantizedOperator& op :
       quantize_operators(workload_of(site, all), config_, PhaseOptions{}, splits)) {
    if (!op.op.is_gemm()) continue;  // the sum: multiply() adds
    Parts::One& one = result->parts.emplace_back();
    one.name = op.op.name;
    one.part = {site, op.quantization};
    one.part.site.name = one.name;
    one.channels = std::move(op.part);
    const std::vector<std::uint64_t>& channels = one.channels.channels;
    if (one.channels.axis == Axis::whole) {
      one.weights = prepare_part(one.part, all);
    } else {
      const FloatMatrix piece = one.channels.axis == Axis::outputs ? take_rows(all, channels)
                                                                   : take_columns(all, channels);
      one.weights = prepare_part(one.part, piece.view());
    }
  }
  return result;
}

void QuantizedArithmetic::multiply(const GemmSite& /*site*/, FloatView a, const Weights& w,
                                   MatrixView<float> y) const {
  const auto& parts = dynamic_cast<const Parts&>(w).parts;
  if (parts.front().channels.axis == Axis::whole) {
    return multiply_part(parts.front().part, a, *parts.front().weights, y);
  }
  for (std::size_t row = 0; row < y.rows; ++row) std::ranges::fill(row_of(y, row), 0.0F);
  for (const Parts::One& one : parts) {
    const std::vector<std::uint64_t>& channels = one.channels.channels;
    if (one.channels.axis == Axis::outputs) {
      FloatMatrix some(y.rows, channels.size());
      multiply_part(one.part, a, *one.weights, some.out());
      for (std::size_t row = 0; row < y.rows; ++row) {
        for (std::size_t i = 0; i < channels.size(); ++i) y(row, channels[i]) = some.view()(row, i);
      }
      continue;
    }
    FloatMatrix addend(y.rows, y.cols);
    multiply_part(one.part, take_columns(a, channels).view(), *one.weights, addend.out());
    for (std::size_t row = 0; row < y.rows; ++row) {
      for (std::size_t i = 0; i < y.cols; ++i) y(row, i) += addend.view()(row, i);
    }
  }
}

std::unique_ptr<const Arithmetic::Weights> QuantizedArithmetic::prepare_part(const Part& part,
                                                                             FloatView w) const {
  const OperandQuantization& weight = part.quantization.weight;
  return std::make_unique<DequantizedWeights>(
      dequantize_matrix(quantize_matrix(w, weight), weight));
}

void QuantizedArithmetic::multiply_part(const Part& part, FloatView a, const Weights& w,
                                        MatrixView<float> y) const {
  const OperandQuantization& activation = part.quantization.activation;
  const FloatMatrix x = dequantize_matrix(quantize_matrix(a, activation), activation);
  multiply_transposed(x.view(), dynamic_cast<const DequantizedWeights&>(w).matrix.view(), y);
}

}  // namespace bitsmith
