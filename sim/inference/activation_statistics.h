// How wide the activations of a model's operators spread: what outliers cost a quantization.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "inference/arithmetic.h"

namespace bitsmith {

// All numbers that went into the GEMMs of one operator, the heads of an attention together, as an
// array sees them: the zeros of later tokens among the probabilities count.
struct ActivationStatistics {
  std::string name;  // "layer.2.q_proj", "lm_head"
  std::uint64_t count = 0;
  double largest = 0;            // magnitude
  std::array<double, 4> sums{};  // of the first to fourth powers

  void add(FloatView values);
  // Fourth central moment over the squared variance, minus 3: 0 of a normal distribution, and where
  // all numbers are equal.
  double excess_kurtosis() const;
  // 0 where all numbers are 0.
  double largest_over_rms() const;
};

// FP32, with statistics on the way. Sums depend on the order: for passes of one thread.
class MeasuringArithmetic final : public Arithmetic {
 public:
  std::unique_ptr<const Weights> prepare(const GemmSite& site, FloatMatrix w) const override;
  void multiply(const GemmSite& site, FloatView a, const Weights& w,
                MatrixView<float> y) const override;

  // In the order in which the operators came.
  const std::vector<ActivationStatistics>& statistics() const { return statistics_; }

 private:
  FloatArithmetic fp32_;
  mutable std::vector<ActivationStatistics> statistics_;
};

}  // namespace bitsmith
