#include "pe/systolic/golden.h"

#include <algorithm>
#include <array>

#include "common/error.h"
#include "numerics/float_arithmetic.h"
#include "numerics/pack.h"

namespace bitsmith::systolic {
namespace {

// Products and sums of 16-bit operands and accumulators up to 48 bits never overflow this.
using Exact = std::int64_t;

Exact fit(const Params& params, Exact sum, std::uint64_t& overflows) {
  const Exact half = Exact{1} << (params.accumulator_bits - 1);
  if (sum >= -half && sum < half) return sum;
  ++overflows;
  if (params.overflow == Overflow::saturate) return sum < 0 ? -half : half - 1;
  check(params.overflow == Overflow::wrap, "an exact accumulator overflowed");
  return sum < 0 ? sum + 2 * half
                 : sum - 2 * half;  // one addition leaves the range by less than half
}

// One row of Y, k by k: every sum takes its products in order.
std::uint64_t integer_row(const Params& params, CodeView a, CodeView w, std::size_t m,
                          MatrixView<std::int64_t> y) {
  std::int64_t* sums = &y(m, 0);
  std::fill_n(sums, y.cols, 0);
  std::uint64_t overflows = 0;
  for (std::size_t k = 0; k < a.cols; ++k) {
    const Exact activation = sign_extend(a(m, k), params.activation->bits);
    const std::uint16_t* weights = &w(k, 0);
    for (std::size_t n = 0; n < y.cols; ++n) {
      sums[n] += activation * sign_extend(weights[n], params.weight->bits);
    }
    if (params.overflow == Overflow::exact) continue;  // looked at once, below
    for (std::size_t n = 0; n < y.cols; ++n) sums[n] = fit(params, sums[n], overflows);
  }
  for (std::size_t n = 0; n < y.cols; ++n) sums[n] = fit(params, sums[n], overflows);
  return overflows;
}

std::int64_t float_result(const Params& params, CodeView a, CodeView w, std::size_t m,
                          std::size_t n) {
  const FloatLayout activation = float_layout(*params.activation);
  const FloatLayout weight = float_layout(*params.weight);
  std::array<std::uint32_t, 2> sums{};
  const std::size_t parts = partial_sums(params);
  for (std::size_t k = 0; k < a.cols; ++k) {
    const std::uint32_t product = float_multiply(activation, a(m, k), weight, w(k, n), kFloat32);
    sums[k % parts] = float_add(kFloat32, sums[k % parts], product);
  }
  const std::uint32_t result = parts == 2 ? float_add(kFloat32, sums[0], sums[1]) : sums[0];
  return sign_extend(result, kFloat32.bits());
}

}  // namespace

std::uint64_t golden(const Params& params, CodeView a, CodeView w, MatrixView<std::int64_t> y) {
  check(a.cols == w.rows && y.rows == a.rows && y.cols == w.cols, "shapes of a GEMM do not agree");
  std::uint64_t overflows = 0;
  for (std::size_t m = 0; m < y.rows; ++m) {
    if (!is_floating_point(params)) {
      overflows += integer_row(params, a, w, m, y);
      continue;
    }
    for (std::size_t n = 0; n < y.cols; ++n) y(m, n) = float_result(params, a, w, m, n);
  }
  return overflows;
}

}  // namespace bitsmith::systolic
