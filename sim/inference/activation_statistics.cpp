#include "inference/activation_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace bitsmith {

void ActivationStatistics::add(FloatView values) {
  for (std::size_t row = 0; row < values.rows; ++row) {
    for (const double value : row_of(values, row)) {
      largest = std::max(largest, std::fabs(value));
      double power = 1;
      for (double& sum : sums) sum += power *= value;
    }
  }
  count += values.rows * values.cols;
}

double ActivationStatistics::excess_kurtosis() const {
  const auto n = static_cast<double>(count);
  const double mean = sums[0] / n;
  const double second = sums[1] / n;
  const double variance = second - mean * mean;
  if (count == 0 || variance <= 0) return 0;
  const double fourth = sums[3] / n - 4 * mean * sums[2] / n + 6 * mean * mean * second -
                        3 * mean * mean * mean * mean;
  return fourth / (variance * variance) - 3;
}

double ActivationStatistics::largest_over_rms() const {
  return largest == 0 ? 0 : largest / std::sqrt(sums[1] / static_cast<double>(count));
}

std::unique_ptr<const Arithmetic::Weights> MeasuringArithmetic::prepare(const GemmSite& site,
                                                                        FloatMatrix w) const {
  return fp32_.prepare(site, std::move(w));
}

void MeasuringArithmetic::multiply(const GemmSite& site, FloatView a, const Weights& w,
                                   MatrixView<float> y) const {
  const std::string name = site.operator_class == OperatorClass::lm_head
                               ? std::string(site.name)
                               : fmt::format("layer.{}.{}", site.layer, site.name);
  auto found = std::ranges::find(statistics_, name, &ActivationStatistics::name);
  if (found == statistics_.end()) {
    ActivationStatistics fresh;
    fresh.name = name;
    found = statistics_.insert(found, std::move(fresh));
  }
  found->add(a);
  fp32_.multiply(site, a, w, y);
}

}  // namespace bitsmith
