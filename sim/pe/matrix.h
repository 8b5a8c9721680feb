// Row-major views of operand codes and results; nothing is copied.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bitsmith {

template <class T>
struct MatrixView {
  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t stride = 0;  // elements from one row to the next

  T& operator()(std::size_t row, std::size_t col) const { return data[row * stride + col]; }
};

// Operand values as codes of their format (the low bits).
using CodeView = MatrixView<const std::uint16_t>;

// What a GEMM is made of: A[m,k], W[k,n] and, for designs that have them, S[scale_rows(k),n].
struct OperandViews {
  CodeView a;
  CodeView w;
  CodeView s = {};
};

}  // namespace bitsmith
