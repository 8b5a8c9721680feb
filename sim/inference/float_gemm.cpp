#include "inference/float_gemm.h"

#include <cblas.h>

#include "common/error.h"

namespace bitsmith {
namespace {

blasint size_of(std::size_t size) {
  check(size <= (std::size_t{1} << 31) - 1, "a matrix is too large for OpenBLAS");
  return static_cast<blasint>(size);
}

}  // namespace

void multiply_transposed(FloatView a, FloatView w, MatrixView<float> y) {
  check(a.cols == w.cols && y.rows == a.rows && y.cols == w.rows, "shapes of a GEMM do not agree");
  // Our threads each take products of their own; OpenBLAS would only be in their way.
  [[maybe_unused]] static const bool alone = (openblas_set_num_threads(1), true);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size_of(a.rows), size_of(w.rows),
              size_of(a.cols), 1, a.data, size_of(a.stride), w.data, size_of(w.stride), 0, y.data,
              size_of(y.stride));
}

}  // namespace bitsmith
