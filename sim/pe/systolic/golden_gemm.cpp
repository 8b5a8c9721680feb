#include "pe/systolic/golden_gemm.h"

#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "common/error.h"
#include "numerics/float_values.h"
#include "pe/systolic/golden.h"

namespace bitsmith::systolic {
namespace {

// The host rounds products and sums of FP32 as IEEE 754 asks; its NaNs are of any kind.
std::int64_t result_of(float sum) {
  constexpr std::int32_t kNan = 0x7FC00000;
  return std::isnan(sum) ? kNan : std::bit_cast<std::int32_t>(sum);
}

void add_products(float activation, const std::vector<float>& weights, std::size_t k,
                  std::vector<float>& sums) {
  const float* row = &weights[k * sums.size()];
  for (std::size_t n = 0; n < sums.size(); ++n) sums[n] += activation * row[n];
}

}  // namespace

void golden_gemm(const Params& params, CodeView a, CodeView w, MatrixView<std::int64_t> y) {
  if (!is_floating_point(params)) {  // golden's rows of integers are such loops
    static_cast<void>(golden(params, a, w, y));
    return;
  }
  check(a.cols == w.rows && y.rows == a.rows && y.cols == w.cols, "shapes of a GEMM do not agree");
  std::vector<float> weights(w.rows * w.cols), activations(a.cols);
  for (std::size_t k = 0; k < w.rows; ++k) {
    float_values(*params.weight, {&w(k, 0), w.cols}, {&weights[k * w.cols], w.cols});
  }
  const std::size_t parts = partial_sums(params);
  for (std::size_t m = 0; m < a.rows; ++m) {
    float_values(*params.activation, {&a(m, 0), a.cols}, activations);
    std::array<std::vector<float>, 2> sums = {std::vector<float>(w.cols),
                                              std::vector<float>(w.cols)};
    for (std::size_t k = 0; k < a.cols; ++k) {
      add_products(activations[k], weights, k, sums[k % parts]);
    }
    for (std::size_t n = 0; n < w.cols; ++n) {
      y(m, n) = result_of(parts == 2 ? sums[0][n] + sums[1][n] : sums[0][n]);
    }
  }
}

}  // namespace bitsmith::systolic
