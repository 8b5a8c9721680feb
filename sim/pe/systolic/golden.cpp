#include "pe/systolic/golden.h"

#include "common/error.h"
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

}  // namespace

std::uint64_t golden(const Params& params, CodeView a, CodeView w, MatrixView<std::int64_t> y) {
  check(a.cols == w.rows && y.rows == a.rows && y.cols == w.cols, "shapes of a GEMM do not agree");
  std::uint64_t overflows = 0;
  for (std::size_t m = 0; m < y.rows; ++m) {
    for (std::size_t n = 0; n < y.cols; ++n) {
      Exact sum = 0;
      for (std::size_t k = 0; k < a.cols; ++k) {
        const Exact activation = sign_extend(a(m, k), params.activation->bits);
        const Exact weight = sign_extend(w(k, n), params.weight->bits);
        sum = fit(params, sum + activation * weight, overflows);
      }
      y(m, n) = sum;
    }
  }
  return overflows;
}

}  // namespace bitsmith::systolic
