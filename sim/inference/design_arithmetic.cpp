#include "inference/design_arithmetic.h"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "common/error.h"
#include "inference/held_weights.h"
#include "mapping/trace_operands.h"

namespace bitsmith {
namespace {

// What the result 1 is worth: arrays of integers may count in fractions of their formats' ones. The
// product of ones tells, whatever the design.
double result_unit(const Design& design) {
  if (design.results_are_floating_point()) return 1;
  const auto a = static_cast<std::uint16_t>(encode(design.activation_format(), 1));
  const auto w = static_cast<std::uint16_t>(encode(design.weight_format(), 1));
  double value = decode(design.activation_format(), a) * decode(design.weight_format(), w);
  std::vector<std::uint16_t> s(design.scale_rows(1));  // no zero point, the first special value
  if (!s.empty()) {
    const Format& scale = *design.scale_scheme().scale;
    s.front() = static_cast<std::uint16_t>(encode(scale, 1));
    value *= decode(scale, s.front());
  }
  std::int64_t y = 0;
  design.golden({{&a, 1, 1, 1}, {&w, 1, 1, 1}, {s.data(), s.size(), 1, 1}}, {&y, 1, 1, 1});
  check(y != 0, "a design whose product of ones is nothing");
  return value / static_cast<double>(y);
}

// One scale for every row, or for all of them.
bool scales_rows(const OperandQuantization& operand) {
  if (operand.quantizer.method == QuantMethod::none) return true;
  return operand.granularity == Granularity::tensor ||
         (operand.granularity == Granularity::channel && operand.axis == LineAxis::along_k);
}

std::vector<float> row_scales(const OperandParameters& parameters, std::size_t rows) {
  std::vector<float> scales(rows, parameters.groups.front().scale);
  if (parameters.shape.size() == 1) return scales;
  for (std::size_t row = 0; row < rows; ++row) scales[row] = parameters.groups[row].scale;
  return scales;
}

}  // namespace

struct DesignArithmetic::DesignWeights final : Weights {
  std::vector<std::uint16_t> a_codes;  // the design's, by those of the activations
  std::vector<std::uint16_t> w;        // [k][n]
  std::vector<std::uint16_t> s;        // [scale rows][n]
  std::size_t n = 0, k = 0;
  std::vector<float> scales;  // of results, [n]
};

DesignArithmetic::DesignArithmetic(const QuantizationConfig& config, const Design& design,
                                   const PlacedSplits& splits)
    : QuantizedArithmetic(config, splits),
      name_(config.name),
      design_(design),
      unit_(result_unit(design)) {}

std::map<std::string, std::string> DesignArithmetic::coverage() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> coverage;
  for (const auto& [key, problem] : problems_) {
    std::string& first = coverage[key.first];
    if (first.empty()) first = problem;
  }
  return coverage;
}

std::unique_ptr<const Arithmetic::Weights> DesignArithmetic::prepare_part(const Part& part,
                                                                          FloatView w) const {
  const std::pair key(std::string(part.site.name), w.cols);
  {
    const std::lock_guard lock(mutex_);
    const auto known = problems_.find(key);
    if (known != problems_.end() && !known->second.empty()) {
      return QuantizedArithmetic::prepare_part(part, w);
    }
  }
  std::string problem;
  auto taken = take(part, w, problem);
  {
    const std::lock_guard lock(mutex_);
    problems_[key] = problem;
  }
  if (taken) return taken;
  return QuantizedArithmetic::prepare_part(part, w);
}

std::unique_ptr<const DesignArithmetic::DesignWeights> DesignArithmetic::take(
    const Part& part, FloatView w, std::string& problem) const {
  const auto& [activation, weight] = part.quantization;
  if (w.cols > design_.tile_limits().k_total) {
    problem = fmt::format("k = {} is more than the {} that the design sums", w.cols,
                          design_.tile_limits().k_total);
    return nullptr;
  }
  if (!scales_rows(activation) || activation.quantizer.method == QuantMethod::zero_point) {
    problem = "scales or zero points of activations that do not belong to whole tokens";
    return nullptr;
  }
  Operator gemm;
  gemm.name = std::string(part.site.name);
  gemm.gemm = {1, w.rows, w.cols};
  gemm.operator_class = part.site.operator_class;
  const HeldWeights held(name_, gemm, part.quantization, quantize_matrix(w, weight));
  auto result = std::make_unique<DesignWeights>();
  try {
    const TraceOperands operands(held, design_, false);
    const bool own_scales = operands.applies_scales(0);
    if (!own_scales && !scales_rows(weight)) {
      problem = "scales of groups along k cannot wait for the results, and the design has none";
      return nullptr;
    }
    if (weight.quantizer.method == QuantMethod::zero_point && !operands.applies_zero_points(0)) {
      problem = "the design subtracts no zero points";
      return nullptr;
    }
    const std::size_t scale_rows = design_.scale_rows(w.cols);
    result->a_codes = operands.activation_codes(0);
    result->w.resize(w.cols * w.rows);
    operands.read_w(0, 0, w.cols, 0, w.rows, result->w);
    result->s.resize(scale_rows * w.rows);
    if (scale_rows > 0) operands.read_s(0, 0, scale_rows, 0, w.rows, result->s);
    result->scales.assign(w.rows, 1);
    const OperandParameters& parameters = held.weights().parameters;
    if (!own_scales) result->scales = row_scales(parameters, w.rows);
    if (own_scales && has_two_levels(weight.quantizer)) {
      result->scales = parameters.channel_scales;
    }
  } catch (const UserError& error) {
    const std::string prefix = fmt::format("{}: operator '{}': ", name_, gemm.name);
    problem = error.messages().front();
    if (problem.starts_with(prefix)) problem.erase(0, prefix.size());
    return nullptr;
  }
  result->n = w.rows;
  result->k = w.cols;
  return result;
}

void DesignArithmetic::multiply_part(const Part& part, FloatView a, const Weights& w,
                                     MatrixView<float> y) const {
  const auto* weights = dynamic_cast<const DesignWeights*>(&w);
  if (weights == nullptr) return QuantizedArithmetic::multiply_part(part, a, w, y);
  const auto& [a_codes, codes, s, n, k, scales] = *weights;
  QuantizedMatrix x = quantize_matrix(a, part.quantization.activation);
  for (std::uint16_t& code : x.codes) code = a_codes[code];
  std::vector<std::int64_t> results(a.rows * n);
  design_.golden({{x.codes.data(), a.rows, k, k},
                  {codes.data(), k, n, n},
                  {s.data(), design_.scale_rows(k), n, n}},
                 {results.data(), a.rows, n, n});
  const std::vector<float> tokens = row_scales(x.parameters, a.rows);
  const bool are_floats = design_.results_are_floating_point();
  for (std::size_t row = 0; row < a.rows; ++row) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::int64_t result = results[row * n + i];
      const float value = are_floats ? std::bit_cast<float>(static_cast<std::uint32_t>(result))
                                     : static_cast<float>(static_cast<double>(result) * unit_);
      y(row, i) = value * tokens[row] * scales[i];
    }
  }
}

}  // namespace bitsmith
