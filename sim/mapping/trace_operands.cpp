#include "mapping/trace_operands.h"

#include <algorithm>
#include <map>

#include "common/divide.h"
#include "common/error.h"
#include "numerics/conversion.h"

namespace bitsmith {
namespace {

// A weight's quantization in the words of configs/quant.
std::string text_of(const OperandQuantization& weight) {
  const Quantizer& q = weight.quantizer;
  std::string format(weight.code_format().name);
  if (q.method == QuantMethod::mx) format = q.block->name;
  if (q.method == QuantMethod::bitmod) format = fmt::format("fp{}", weight.code_format().bits);
  std::string text = fmt::format("format: {}, method: {}", format, method_name(q.method));
  if (q.method == QuantMethod::none) return text;
  text += fmt::format(", granularity: {}, along: {}", word_of(weight.granularity),
                      word_of(weight.axis));
  if (weight.granularity == Granularity::group) text += fmt::format(", group: {}", weight.group);
  if (q.method == QuantMethod::mx) return text;
  return text + fmt::format(", scale: {}", q.scale_format ? q.scale_format->name : "fp32");
}

// Scales that can wait for the results: one per channel, or for all.
bool scales_results(const OperandQuantization& weight) {
  if (weight.quantizer.method == QuantMethod::none) return true;
  return weight.granularity == Granularity::tensor ||
         (weight.granularity == Granularity::channel && weight.axis == LineAxis::along_k);
}

}  // namespace

OperandQuantization weight_quantization(const Design& design) {
  const ScaleScheme scheme = design.scale_scheme();
  OperandQuantization wanted;
  Quantizer& q = wanted.quantizer;
  q = {QuantMethod::absmax, &design.weight_format(), {}, nullptr, scheme.scale};
  if (q.format->kind == FormatKind::codebook) q.method = QuantMethod::absmean;
  if (scheme.zero_points != ZeroPoints::none) q.method = QuantMethod::zero_point;
  if (!scheme.mixture.empty())
    q = {QuantMethod::bitmod, nullptr, scheme.mixture, nullptr, scheme.scale};
  wanted.granularity = Granularity::group;
  wanted.group = scheme.group;
  return wanted;
}

namespace {

// The layers of a model repeat each other.
std::string operators_text(const std::vector<std::string>& names) {
  const std::string first = fmt::format("operator '{}'", names.front());
  if (names.size() == 1) return first;
  return fmt::format("{} and {} more", first, names.size() - 1);
}

}  // namespace

TraceOperands::TraceOperands(const QuantizedOperands& trace, const Design& design, bool skip_others)
    : trace_(trace), design_(design), conversions_(trace.workload().operators.size()) {
  std::map<std::string, std::vector<std::string>> gemms_by_problem;
  std::vector<std::string> problems, out_of_range;
  for (std::size_t i = 0; i < conversions_.size(); ++i) {
    const Operator& op = trace.workload().operators[i];
    if (!op.is_gemm()) continue;
    std::string problem;
    if (auto conversions = conversions_of(i, problem)) {
      gemms_.push_back(i);
      conversions_[i] = std::move(*conversions);
      try {
        require_in_range(i);
      } catch (const UserError& error) {
        out_of_range.insert(out_of_range.end(), error.messages().begin(), error.messages().end());
      }
    } else {
      gemms_by_problem[problem].push_back(op.name);
    }
  }
  if (!skip_others || gemms_.empty()) {
    for (const auto& [problem, names] : gemms_by_problem)
      problems.push_back(fmt::format("{}: {}: {}", trace.name(), operators_text(names), problem));
  }
  problems.insert(problems.end(), out_of_range.begin(), out_of_range.end());
  if (!problems.empty()) throw UserError(problems);
}

std::optional<TraceOperands::Conversions> TraceOperands::conversions_of(
    std::size_t op, std::string& problem) const {
  const OperandQuantization& weight = trace_.quantization(op, OperandRole::weight);
  const OperandQuantization& activation = trace_.quantization(op, OperandRole::activation);
  const bool has_scales = design_.scale_bits() > 0;
  problem = unsupported(weight, activation);
  if (!problem.empty()) return std::nullopt;
  const Format& a = trace_.format(op, OperandRole::activation);
  const auto a_codes = exact_conversion(a, design_.activation_format());
  std::optional<Weights> weights;
  if (has_scales) {
    weights = scaled_weights(weight, shape(op).k);
  } else if (auto codes = exact_conversion(weight.code_format(), design_.weight_format())) {
    weights.emplace().codes = std::move(*codes);
  }
  if (a_codes && weights) return Conversions{*a_codes, std::move(*weights)};
  problem = fmt::format("{} activations and {} weights do not fit the design's {} and {} exactly",
                        a.name, weight.code_format().name, design_.activation_format().name,
                        design_.weight_format().name);
  if (a_codes && has_scales) problem = scales_problem(weight);
  return std::nullopt;
}

// What no conversion of codes could mend.
std::string TraceOperands::unsupported(const OperandQuantization& weight,
                                       const OperandQuantization& activation) const {
  const ScaleScheme scheme = design_.scale_bits() > 0 ? design_.scale_scheme() : ScaleScheme{};
  const bool is_mixture = weight.quantizer.method == QuantMethod::bitmod;
  if (activation.quantizer.method == QuantMethod::bitmod ||
      (is_mixture && scheme.mixture.empty())) {
    return "every group has a format of its own (BitMoD), which this design does not decode";
  }
  if (design_.scale_bits() == 0) return "";
  if (!scales_results(activation)) {
    return fmt::format(
        "scales of activations in groups along k cannot be applied to results: "
        "{{{}}}; scales of whole channels or tensors work",
        text_of(activation));
  }
  return "";
}

std::string TraceOperands::scales_problem(const OperandQuantization& weight) const {
  const ScaleScheme scheme = design_.scale_scheme();
  std::string others;
  if (scheme.mixture.empty()) {
    others = fmt::format(" and scales{} of whole channels or tensors",
                         scheme.zero_points == ZeroPoints::none ? "" : " and zero points");
  }
  return fmt::format("weights {{{}}} do not fit design {}, which takes {{{}}}{}", text_of(weight),
                     design_.id(), text_of(weight_quantization(design_)), others);
}

std::optional<TraceOperands::Weights> TraceOperands::scaled_weights(
    const OperandQuantization& weight, std::uint64_t k) const {
  const ScaleScheme scheme = design_.scale_scheme();
  const Quantizer& q = weight.quantizer;
  const bool has_zero_points = q.method == QuantMethod::zero_point;
  const bool takes_zero_points = scheme.zero_points != ZeroPoints::none;
  Weights result;
  result.own_zero_points = has_zero_points && takes_zero_points;
  if (scheme.mixture.empty()) {
    auto codes = exact_conversion(weight.code_format(), design_.weight_format());
    if (!codes || q.method == QuantMethod::bitmod) return std::nullopt;
    result.codes = std::move(*codes);
    if (scales_results(weight)) return result;
  } else {
    // Plain numbers would not do: their negative zero is a special value here.
    if (q.method != QuantMethod::bitmod) return std::nullopt;
    for (const Format* candidate : q.candidates) {
      const auto found = std::find(scheme.mixture.begin(), scheme.mixture.end(), candidate);
      if (found == scheme.mixture.end()) return std::nullopt;
      result.selects.push_back(
          static_cast<std::uint16_t>((found - scheme.mixture.begin()) << scheme.scale->bits));
    }
    for (std::uint32_t code = 0; code < code_count(weight.code_format()); ++code) {
      result.codes.push_back(static_cast<std::uint16_t>(code));
    }
  }
  result.own_scales = true;
  const bool fits = weight.granularity == Granularity::group && weight.axis == LineAxis::along_k &&
                    weight.group_of(k) == std::min(scheme.group, k) &&
                    q.scale_format == scheme.scale && has_zero_points == takes_zero_points;
  return fits ? std::optional(result) : std::nullopt;
}

// Before any of them is used.
void TraceOperands::require_in_range(std::size_t op) const {
  const Weights& weights = conversions_[op].w;
  if (weights.selects.empty() && !weights.own_zero_points) return;
  std::vector<std::uint16_t> codes(pieces(shape(op).k, design_.scale_scheme().group));
  for (std::uint64_t column = 0; column < shape(op).n; ++column) {
    if (weights.own_zero_points) read_zero_points(op, 0, column, codes);
    if (!weights.selects.empty()) {
      trace_.read_selects(op, OperandRole::weight, column, 0, codes);
    }
  }
}

void TraceOperands::read_a(std::size_t op, std::uint64_t m0, std::uint64_t m, std::uint64_t k0,
                           std::uint64_t k, std::span<std::uint16_t> codes) const {
  const std::vector<std::uint16_t>& to = conversions_.at(op).a;
  for (std::uint64_t row = 0; row < m; ++row) {
    const std::span out = codes.subspan(row * k, k);
    trace_.read(op, OperandRole::activation, m0 + row, k0, out);
    for (std::uint16_t& code : out) code = to[code];
  }
}

void TraceOperands::read_w(std::size_t op, std::uint64_t k0, std::uint64_t k, std::uint64_t n0,
                           std::uint64_t n, std::span<std::uint16_t> codes) const {
  const std::vector<std::uint16_t>& to = conversions_.at(op).w.codes;
  std::vector<std::uint16_t> column(k);
  for (std::uint64_t col = 0; col < n; ++col) {
    trace_.read(op, OperandRole::weight, n0 + col, k0, column);
    for (std::uint64_t i = 0; i < k; ++i) codes[i * n + col] = to[column[i]];
  }
}

void TraceOperands::read_s(std::size_t op, std::uint64_t row, std::uint64_t rows, std::uint64_t n0,
                           std::uint64_t n, std::span<std::uint16_t> codes) const {
  const Weights& weights = conversions_.at(op).w;
  const ScaleScheme scheme = design_.scale_scheme();
  const bool zeros_below = scheme.zero_points == ZeroPoints::row_below;
  const std::uint64_t rows_of_group = zeros_below ? 2 : 1;
  check(row % rows_of_group == 0 && rows % rows_of_group == 0, "scales without their zero points");
  const std::uint64_t group = row / rows_of_group;
  const std::uint64_t groups = rows / rows_of_group;
  const auto one = static_cast<std::uint16_t>(encode(*scheme.scale, 1.0));
  std::vector<std::uint16_t> scales(groups, one), selects(groups), zeros(groups);
  for (std::uint64_t col = 0; col < n; ++col) {
    if (weights.own_scales) {
      trace_.read_scales(op, OperandRole::weight, n0 + col, group, scales);
    }
    if (!weights.selects.empty()) {
      trace_.read_selects(op, OperandRole::weight, n0 + col, group, selects);
    }
    if (weights.own_zero_points) read_zero_points(op, group, n0 + col, zeros);
    for (std::uint64_t i = 0; i < groups; ++i) {
      std::uint16_t& code = codes[i * rows_of_group * n + col];
      code = scales[i];
      if (!weights.selects.empty()) code |= weights.selects[selects[i]];
      if (zeros_below) {
        codes[(i * rows_of_group + 1) * n + col] = zeros[i];
      } else {
        code = static_cast<std::uint16_t>(code | zeros[i] << scheme.scale->bits);
      }
    }
  }
}

// The one of a whole channel or tensor is that of all its groups.
void TraceOperands::read_zero_points(std::size_t op, std::uint64_t group, std::uint64_t column,
                                     std::span<std::uint16_t> zero_points) const {
  if (conversions_[op].w.own_scales) {
    return trace_.read_zero_points(op, OperandRole::weight, column, group, zero_points);
  }
  std::uint16_t all = 0;
  trace_.read_zero_points(op, OperandRole::weight, column, 0, {&all, 1});
  std::fill(zero_points.begin(), zero_points.end(), all);
}

OperandTile TraceOperands::tile(std::size_t op, std::uint64_t m0, std::uint32_t m, std::uint64_t n0,
                                std::uint32_t n, std::uint64_t k) const {
  const std::uint64_t rows = design_.scale_rows(k);
  OperandTile tile{std::vector<std::uint16_t>(m * k), std::vector<std::uint16_t>(k * n),
                   std::vector<std::uint16_t>(rows * n)};
  read_a(op, m0, m, 0, k, tile.a);
  read_w(op, 0, k, n0, n, tile.w);
  if (rows > 0) read_s(op, 0, rows, n0, n, tile.s);
  return tile;
}

}  // namespace bitsmith
