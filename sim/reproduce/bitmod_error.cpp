#include "reproduce/bitmod_error.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/error.h"
#include "mapping/trace_operands.h"
#include "pe/registry.h"
#include "workload/operand_stream.h"

namespace bitsmith::reproduce::bitmod {
namespace {

std::unique_ptr<const Design> array_of(std::string_view weight) {
  Diagnostics diagnostics;
  const std::string text = fmt::format(
      "{{design: bit_serial, activation: fp16, weight: {}, lanes: 4, group: 128}}", weight);
  auto design = read_design(yaml::parse(text, "the array of BitMoD"), diagnostics);
  diagnostics.throw_if_any();
  return design;
}

// Codes and, in units that make them all integers, values.
struct Operands {
  std::vector<std::uint16_t> a, w, s;  // A [m][k], W [k][n], S [groups][n]
  std::vector<std::int64_t> a_values;  // of 2^-24
  std::vector<std::int64_t> w_values;  // of 2^-1, times the scale
};

RandomTensor activations_of(const ErrorSample& sample) {
  RandomTensor tensor;
  tensor.distribution = Distribution::activations;
  tensor.seed = sample.seed;
  return tensor;
}

RandomTensor weights_of(const ErrorSample& sample) {
  RandomTensor tensor;
  tensor.seed = sample.seed + 1;
  tensor.stddev = 0.02F;
  return tensor;
}

void make_activations(const ErrorSample& sample, Operands& operands) {
  stream_operand(activations_of(sample), OperandQuantization{}, {sample.m, sample.k},
                 [&](std::span<const std::uint16_t> row) {
                   operands.a.insert(operands.a.end(), row.begin(), row.end());
                 });
  for (const std::uint16_t code : operands.a) {
    const double value = std::ldexp(decode(*find_format("fp16"), code), 24);
    // 2^36 2^8 2^7 of a product, so that 2^12 of them fit 63 bits.
    check(std::fabs(value) < 0x1p36 && sample.k <= 4096, "sums that are not exact");
    operands.a_values.push_back(static_cast<std::int64_t>(value));
  }
}

void make_weights(const ErrorSample& sample, const Design& design, Operands& operands) {
  const OperandQuantization quantization = weight_quantization(design);
  const Quantizer& q = quantization.quantizer;
  operands.w.resize(sample.k * sample.n);
  operands.w_values.resize(operands.w.size());
  std::uint64_t column = 0;
  const auto take = [&](std::span<const std::uint16_t> codes) {
    for (std::uint64_t k = 0; k < sample.k; ++k) operands.w[k * sample.n + column] = codes[k];
    ++column;
  };
  const OperandParameters parameters =
      stream_operand(weights_of(sample), quantization, {sample.n, sample.k}, take).parameters;
  const std::uint64_t groups = design.scale_rows(sample.k);
  const std::uint64_t size = design.scale_scheme().group;
  operands.s.resize(groups * sample.n);
  for (std::uint64_t n = 0; n < sample.n; ++n) {
    for (std::uint64_t k = 0; k < sample.k; ++k) {
      const GroupParameters& group = parameters.groups[n * groups + k / size];
      operands.s[k / size * sample.n + n] =
          static_cast<std::uint16_t>(group.scale_code | std::uint32_t{group.select} << 8);
      const Format& format = q.candidates.empty() ? *q.format : *q.candidates[group.select];
      const std::uint64_t at = k * sample.n + n;
      operands.w_values[at] = static_cast<std::int64_t>(2 * decode(format, operands.w[at])) *
                              static_cast<std::int8_t>(group.scale_code);
    }
  }
}

ArithmeticError error_of(const ErrorSample& sample, const Design& design,
                         const Operands& operands) {
  const std::uint64_t m = sample.m, n = sample.n, k = sample.k;
  std::vector<std::int64_t> y(m * n);
  design.golden({{operands.a.data(), m, k, k},
                 {operands.w.data(), k, n, n},
                 {operands.s.data(), design.scale_rows(k), n, n}},
                {y.data(), m, n, n});
  double differences = 0, signal = 0;
  ArithmeticError error{std::string(design.weight_format().name), y.size(), 0, 0};
  for (std::size_t i = 0; i < y.size(); ++i) {
    std::int64_t sum = 0, magnitudes = 0;
    for (std::uint64_t j = 0; j < k; ++j) {
      const std::int64_t product =
          operands.a_values[i / n * k + j] * operands.w_values[j * n + i % n];
      sum += product;
      magnitudes += std::abs(product);
    }
    const double exact = std::ldexp(static_cast<double>(sum), -25);
    const double found = std::bit_cast<float>(static_cast<std::uint32_t>(y[i]));
    differences += (found - exact) * (found - exact);
    signal += exact * exact;
    error.worst = std::max(
        error.worst, std::fabs(found - exact) / std::ldexp(static_cast<double>(magnitudes), -25));
  }
  error.relative = std::sqrt(differences / signal);
  return error;
}

}  // namespace

std::vector<ArithmeticError> arithmetic_errors(const ErrorSample& sample) {
  Operands operands;
  make_activations(sample, operands);
  std::vector<ArithmeticError> errors;
  for (const char* weight : {"int8", "int6", "int5", "int4", "fp4_e2m1", "fp3", "ternary"}) {
    const auto design = array_of(weight);
    make_weights(sample, *design, operands);
    errors.push_back(error_of(sample, *design, operands));
  }
  return errors;
}

}  // namespace bitsmith::reproduce::bitmod
