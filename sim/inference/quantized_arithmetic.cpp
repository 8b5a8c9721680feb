#include "inference/quantized_arithmetic.h"

#include <utility>
#include <vector>

#include "inference/float_gemm.h"
#include "inference/quantized_matrix.h"

namespace bitsmith {
namespace {

struct DequantizedWeights final : Arithmetic::Weights {
  explicit DequantizedWeights(FloatMatrix w) : matrix(std::move(w)) {}
  FloatMatrix matrix;
};

template <class T>
MatrixView<T> columns(MatrixView<T> matrix, std::size_t first, std::size_t count) {
  return {matrix.data + first, matrix.rows, count, matrix.stride};
}

// Tokens are outputs of attention_qk, and the k of attention_pv.
bool splits_outputs(const GemmSite& site) {
  return site.operator_class == OperatorClass::attention_qk;
}

}  // namespace

// The tokens [first, first + tokens) of a cache; all weights where there is one part.
struct QuantizedArithmetic::Parts final : Weights {
  struct One {
    Part part;
    std::size_t first;
    std::size_t tokens;
    std::unique_ptr<const Weights> weights;
  };
  std::vector<One> parts;
};

std::unique_ptr<const Arithmetic::Weights> QuantizedArithmetic::prepare(const GemmSite& site,
                                                                        FloatMatrix w) const {
  GemmQuantization quantization = config_.of(site.operator_class);
  if (quantization.weight.stored_only) quantization.weight = OperandQuantization{};
  const FloatView all = w.view();
  const bool outputs = splits_outputs(site);
  const std::size_t tokens = outputs ? w.rows : w.cols;
  const std::size_t recent = quantization.weight.recent_of(tokens);
  auto result = std::make_unique<Parts>();
  const auto add = [&](const Part& part, std::size_t first, std::size_t count) {
    if (count == 0) return;
    const FloatView piece = outputs ? w.part(first, count) : columns(all, first, count);
    result->parts.push_back({part, first, count, prepare_part(part, piece)});
  };
  add({site, quantization}, 0, tokens - recent);
  Part newest{site, quantization};
  newest.site.name = outputs ? "attention_qk_recent" : "attention_pv_recent";
  newest.quantization.weight = OperandQuantization{};
  add(newest, tokens - recent, recent);
  return result;
}

void QuantizedArithmetic::multiply(const GemmSite& site, FloatView a, const Weights& w,
                                   MatrixView<float> y) const {
  const auto& parts = dynamic_cast<const Parts&>(w).parts;
  if (parts.size() == 1) return multiply_part(parts[0].part, a, *parts[0].weights, y);
  if (splits_outputs(site)) {
    for (const Parts::One& one : parts) {
      multiply_part(one.part, a, *one.weights, columns(y, one.first, one.tokens));
    }
    return;
  }
  multiply_part(parts[0].part, columns(a, 0, parts[0].tokens), *parts[0].weights, y);
  FloatMatrix addend(y.rows, y.cols);
  multiply_part(parts[1].part, columns(a, parts[1].first, parts[1].tokens), *parts[1].weights,
                addend.out());
  for (std::size_t row = 0; row < y.rows; ++row) {
    for (std::size_t i = 0; i < y.cols; ++i) y(row, i) += addend.view()(row, i);
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
