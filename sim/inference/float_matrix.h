// Row-major FP32 matrices.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pe/matrix.h"

namespace bitsmith {

using FloatView = MatrixView<const float>;

inline std::span<float> row_of(MatrixView<float> matrix, std::size_t row) {
  return {matrix.data + row * matrix.stride, matrix.cols};
}
inline std::span<const float> row_of(FloatView matrix, std::size_t row) {
  return {matrix.data + row * matrix.stride, matrix.cols};
}

struct FloatMatrix {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<float> values;

  FloatMatrix() = default;
  FloatMatrix(std::size_t row_count, std::size_t col_count)
      : rows(row_count), cols(col_count), values(row_count * col_count) {}

  // Rows first .. first + count.
  FloatView part(std::size_t first, std::size_t count) const {
    return {values.data() + first * cols, count, cols, cols};
  }
  FloatView view() const { return part(0, rows); }
  // The same to be written.
  MatrixView<float> out_part(std::size_t first, std::size_t count) {
    return {values.data() + first * cols, count, cols, cols};
  }
  MatrixView<float> out() { return out_part(0, rows); }
};

}  // namespace bitsmith
