#include "inference/arithmetic.h"

#include <utility>

#include "inference/float_gemm.h"

namespace bitsmith {
namespace {

struct FloatWeights final : Arithmetic::Weights {
  explicit FloatWeights(FloatMatrix w) : matrix(std::move(w)) {}
  FloatMatrix matrix;
};

}  // namespace

std::unique_ptr<const Arithmetic::Weights> FloatArithmetic::prepare(const GemmSite& /*site*/,
                                                                    FloatMatrix w) const {
  return std::make_unique<FloatWeights>(std::move(w));
}

void FloatArithmetic::multiply(const GemmSite& /*site*/, FloatView a, const Weights& w,
                               MatrixView<float> y) const {
  multiply_transposed(a, dynamic_cast<const FloatWeights&>(w).matrix.view(), y);
}

}  // namespace bitsmith
