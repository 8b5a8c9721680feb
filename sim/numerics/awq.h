// AWQ: the scales of input channels that lose least (Lin et al., MLSys 2024, arXiv 2306.00978,
// section 3.2).
//
// Weights are quantized after a multiplication of every input channel k by s[k], and activations
// are divided by s[k]: large activations meet weights with less relative error. With alpha in
// [0, 1]:
//
//   s[k] = max(mean|x[k]|^alpha, 1e-4) / sqrt(largest * smallest of these)
//
// alpha = 0 changes nothing. It is searched on a grid, for all linears that read the same
// activations together. The limit of 1e-4 and the division are those of the authors' code
// (mit-han-lab/llm-awq, awq/quantize/auto_scale.py), whose grid ends before 1; the paper's interval
// and this grid hold both ends. The authors measure the error behind the attention or the MLP that
// the linears belong to; here it is measured behind the linears themselves.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace bitsmith {

// Sums over the activations x[t] of a linear, t = 0 .. rows-1, of `channels` input channels.
struct InputStatistics {
  std::uint64_t rows = 0;
  std::vector<double> sum_abs;  // sum |x[t][k]|
  std::vector<float> max_abs;   // max |x[t][k]|
  std::vector<double> gram;     // [k][k'], sum x[t][k] * x[t][k'] for k' >= k; empty if not wanted

  InputStatistics(std::size_t channels, bool with_gram);
  std::size_t channels() const { return sum_abs.size(); }
  // Whole rows, one after the other. UserError on NaN or infinity; then nothing is added.
  void add(std::span<const float> values);
};

// Sum over t of (x[t] . difference)^2: what an error of a row of weights does to an output.
double output_error(const InputStatistics& inputs, std::span<const double> difference);

// Weights [rows][k] of one linear.
struct WeightMatrix {
  std::span<const float> values;
  std::size_t k;
  std::size_t rows() const { return values.size() / k; }
  std::span<const float> row(std::size_t n) const { return values.subspan(n * k, k); }
};

// What quantization makes of a row of weights.
using QuantizedRow = std::function<void(std::span<const float> row, std::span<double> result)>;

struct AwqScales {
  double alpha = 0;
  std::vector<float> scales;  // [k]
  double error = 0;           // squared, of all outputs over all rows of activations
  double error_unscaled = 0;  // alpha = 0
};

std::vector<float> awq_scales(const InputStatistics& inputs, double alpha);
// alpha = 0, 1/grid, ... 1. Equal errors: the smaller alpha.
AwqScales search_awq(const InputStatistics& inputs, std::span<const WeightMatrix> weights,
                     const QuantizedRow& quantize, std::uint64_t grid);

}  // namespace bitsmith
