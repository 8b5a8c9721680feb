#include "inference/quantized_matrix.h"

#include <algorithm>

namespace bitsmith {
namespace {

// Values of some codes of one group, whatever lies between them.
class GroupDecoder {
 public:
  explicit GroupDecoder(const Quantizer& quantizer) : quantizer_(quantizer) {}

  // Codes and values first, first + stride, ...
  void decode(const GroupParameters& group, const std::vector<std::uint16_t>& codes,
              std::size_t first, std::size_t stride, std::size_t count,
              std::vector<float>& values) {
    codes_.resize(count);
    values_.resize(count);
    for (std::size_t i = 0; i < count; ++i) codes_[i] = codes[first + i * stride];
    dequantize(quantizer_, group, codes_, values_);
    for (std::size_t i = 0; i < count; ++i) {
      values[first + i * stride] = static_cast<float>(values_[i]);
    }
  }

 private:
  const Quantizer& quantizer_;
  std::vector<std::uint16_t> codes_;
  std::vector<double> values_;
};

}  // namespace

OperandRows rows_of(FloatView values) {
  return [values](std::uint64_t row, std::span<float> out) {
    for (std::size_t i = 0; i < out.size(); i += values.cols, ++row) {
      std::copy_n(row_of(values, row).data(), values.cols, out.data() + i);
    }
  };
}

QuantizedMatrix quantize_matrix(FloatView values, const OperandQuantization& quantization) {
  QuantizedMatrix result;
  result.shape = {values.rows, values.cols};
  result.codes.reserve(values.rows * values.cols);
  result.parameters =
      stream_operand(rows_of(values), quantization, result.shape,
                     [&](std::span<const std::uint16_t> codes) {
                       result.codes.insert(result.codes.end(), codes.begin(), codes.end());
                     })
          .parameters;
  return result;
}

FloatMatrix dequantize_matrix(const QuantizedMatrix& matrix,
                              const OperandQuantization& quantization) {
  const auto [rows, k] = matrix.shape;
  const std::vector<GroupParameters>& groups = matrix.parameters.groups;
  FloatMatrix result(rows, k);
  GroupDecoder decoder(quantization.quantizer);
  if (matrix.parameters.shape.size() == 1) {
    decoder.decode(groups.front(), matrix.codes, 0, 1, rows * k, result.values);
    return result;
  }
  std::size_t next = 0;
  if (quantization.axis == LineAxis::along_k) {
    const std::size_t size = quantization.group_of(k);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t i = 0; i < k; i += size) {
        decoder.decode(groups[next++], matrix.codes, row * k + i, 1, std::min(size, k - i),
                       result.values);
      }
    }
    return result;
  }
  const std::size_t size = quantization.group_of(rows);
  for (std::size_t row = 0; row < rows; row += size) {
    for (std::size_t i = 0; i < k; ++i) {
      decoder.decode(groups[next++], matrix.codes, row * k + i, k, std::min(size, rows - row),
                     result.values);
    }
  }
  return result;
}

}  // namespace bitsmith
