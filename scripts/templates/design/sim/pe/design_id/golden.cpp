#include "pe/design_id/golden.h"

#include "common/error.h"
#include "numerics/pack.h"

namespace bitsmith::design_id {

void golden(const Params& params, CodeView a, CodeView w, MatrixView<std::int64_t> y) {
  check(a.cols == w.rows && y.rows == a.rows && y.cols == w.cols, "shapes of a GEMM do not agree");
  for (std::size_t m = 0; m < y.rows; ++m) {
    for (std::size_t n = 0; n < y.cols; ++n) {
      std::int64_t sum = 0;
      for (std::size_t k = 0; k < a.cols; ++k) {
        const std::int64_t activation = sign_extend(a(m, k), params.activation->bits);
        const std::int64_t weight = sign_extend(w(k, n), params.weight->bits);
        sum += activation * weight;
      }
      const std::int64_t half = std::int64_t{1} << (params.accumulator_bits - 1);
      check(sum >= -half && sum < half, "a sum does not fit the accumulator");
      y(m, n) = sum;
    }
  }
}

}  // namespace bitsmith::design_id
