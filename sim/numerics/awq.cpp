#include "numerics/awq.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"

namespace bitsmith {
namespace {

constexpr double kLeastScale = 1e-4;

double error_of(const InputStatistics& inputs, std::span<const WeightMatrix> weights,
                const QuantizedRow& quantize, std::span<const float> scales) {
  const std::size_t k = inputs.channels();
  std::vector<float> scaled(k);
  std::vector<double> difference(k);
  double error = 0;
  for (const WeightMatrix& weight : weights) {
    check(weight.k == k && weight.values.size() % k == 0, "weights of other activations");
    for (std::size_t n = 0; n < weight.rows(); ++n) {
      const std::span<const float> row = weight.row(n);
      for (std::size_t i = 0; i < k; ++i) scaled[i] = row[i] * scales[i];
      quantize(scaled, difference);
      for (std::size_t i = 0; i < k; ++i) difference[i] = difference[i] / scales[i] - row[i];
      error += output_error(inputs, difference);
    }
  }
  return error;
}

}  // namespace

InputStatistics::InputStatistics(std::size_t channels, bool with_gram)
    : sum_abs(channels), max_abs(channels), gram(with_gram ? channels * channels : 0) {}

void InputStatistics::add(std::span<const float> values) {
  const std::size_t k = channels();
  check(k > 0 && values.size() % k == 0, "no whole rows of activations");
  if (!std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); })) {
    throw UserError("an activation of the calibration is no finite number");
  }
  for (std::size_t t = 0; t < values.size(); t += k) {
    const std::span<const float> x = values.subspan(t, k);
    for (std::size_t i = 0; i < k; ++i) {
      sum_abs[i] += std::abs(x[i]);
      max_abs[i] = std::max(max_abs[i], std::abs(x[i]));
      if (gram.empty()) continue;
      const double factor = x[i];
      for (std::size_t j = i; j < k; ++j) gram[i * k + j] += factor * x[j];
    }
    ++rows;
  }
}

double output_error(const InputStatistics& inputs, std::span<const double> difference) {
  const std::size_t k = inputs.channels();
  check(difference.size() == k && inputs.gram.size() == k * k, "no products of activations");
  std::vector<double> product(k);  // of the products above the diagonal with the difference
  double error = 0;
  for (std::size_t i = 0; i < k; ++i) {
    const double factor = difference[i];
    const double* row = &inputs.gram[i * k];
    error += factor * factor * row[i];
    if (factor == 0) continue;
    for (std::size_t j = i + 1; j < k; ++j) product[j] += factor * row[j];
  }
  for (std::size_t j = 0; j < k; ++j) error += 2 * product[j] * difference[j];
  return std::max(error, 0.0);  // a sum of squares, but for its last bits
}

std::vector<float> awq_scales(const InputStatistics& inputs, double alpha) {
  check(inputs.rows > 0, "scales without activations");
  std::vector<double> wanted;
  for (const double sum : inputs.sum_abs) {
    const double mean = sum / static_cast<double>(inputs.rows);
    wanted.push_back(std::max(std::pow(mean, alpha), kLeastScale));
  }
  const auto [least, largest] = std::minmax_element(wanted.begin(), wanted.end());
  const double middle = std::sqrt(*least * *largest);
  std::vector<float> scales;
  for (const double scale : wanted) scales.push_back(static_cast<float>(scale / middle));
  return scales;
}

AwqScales search_awq(const InputStatistics& inputs, std::span<const WeightMatrix> weights,
                     const QuantizedRow& quantize, std::uint64_t grid) {
  check(grid > 0, "a search without steps");
  AwqScales best;
  for (std::uint64_t i = 0; i <= grid; ++i) {
    const double alpha = static_cast<double>(i) / static_cast<double>(grid);
    std::vector<float> scales = awq_scales(inputs, alpha);
    const double error = error_of(inputs, weights, quantize, scales);
    if (i == 0) best.error_unscaled = error;
    if (i > 0 && !(error < best.error)) continue;
    best.alpha = alpha;
    best.scales = std::move(scales);
    best.error = error;
  }
  return best;
}

}  // namespace bitsmith
