// FP32 matrix products by OpenBLAS.
#pragma once

#include "inference/float_matrix.h"

namespace bitsmith {

// Y[m,n] = A[m,k] x W[n,k]^T on the calling thread alone; several may call at once. The order in
// which a result is summed is OpenBLAS's own and depends on the processor and the shapes.
void multiply_transposed(FloatView a, FloatView w, MatrixView<float> y);

}  // namespace bitsmith
