#include "workload/operand_stream.h"

#include <algorithm>
#include <cmath>

#include "common/divide.h"
#include "common/error.h"
#include "common/interrupt.h"

namespace bitsmith {
namespace {

constexpr std::uint64_t kMostValuesAtOnce = std::uint64_t{1} << 28;

class OperandStream {
 public:
  using Take = std::function<void(std::span<const std::uint16_t>)>;

  OperandStream(const OperandRows& rows, const OperandQuantization& quantization,
                const OperandShape& shape, const Take& take)
      : rows_(rows),
        quantization_(quantization),
        quantizer_(quantization.quantizer),
        shape_(shape),
        take_(take) {
    result_.parameters.shape = parameter_shape(quantization, shape);
  }

  OperandResult run() {
    const bool whole_tensor = quantization_.granularity == Granularity::tensor;
    if (quantizer_.method == QuantMethod::none) {
      result_.parameters.groups = {GroupParameters{}};
      encode_with_one_group();
    } else if (whole_tensor) {
      one_group();
    } else if (quantization_.axis == LineAxis::along_k) {
      rows_on_their_own();
    } else if (quantization_.granularity == Granularity::channel) {
      columns();
    } else {
      blocks_of_rows();
    }
    return std::move(result_);
  }

 private:
  void make_rows(std::uint64_t row, std::uint64_t rows) {
    throw_if_interrupted();
    values_.resize(rows * shape_.k);
    rows_(row, values_);
  }

  template <class Visit>
  void for_rows(Visit visit) {
    for (std::uint64_t row = 0; row < shape_.rows; ++row) {
      make_rows(row, 1);
      visit();
    }
  }

  // Two passes: the numbers of the group are seen before the first is encoded.
  void one_group() {
    GroupStatistics group;
    for_rows([&] { group.add(values_); });
    result_.parameters.groups = {choose(quantizer_, group)};
    encode_with_one_group();
  }

  // Every column is a group: two passes with one number of each group at a time.
  void columns() {
    std::vector<GroupStatistics> groups(shape_.k);
    for_rows([&] {
      for (std::uint64_t k = 0; k < shape_.k; ++k) groups[k].add({&values_[k], 1});
    });
    for (const GroupStatistics& group : groups) {
      result_.parameters.groups.push_back(choose(quantizer_, group));
    }
    codes_.resize(shape_.k);
    for_rows([&] {
      for (std::uint64_t k = 0; k < shape_.k; ++k) {
        const GroupParameters& parameters = result_.parameters.groups[k];
        encode(quantizer_, parameters, {&values_[k], 1}, {&codes_[k], 1});
        count({&values_[k], 1}, {&codes_[k], 1}, parameters);
      }
      take_(codes_);
    });
  }

  // The parameters of the only group are known.
  void encode_with_one_group() {
    const GroupParameters parameters = result_.parameters.groups.front();
    codes_.resize(shape_.k);
    for_rows([&] {
      encode(quantizer_, parameters, values_, codes_);
      count(values_, codes_, parameters);
      take_(codes_);
    });
  }

  // Groups along k: a row at a time.
  void rows_on_their_own() {
    const std::uint64_t group = quantization_.group_of(shape_.k);
    codes_.resize(shape_.k);
    for_rows([&] {
      const float channel = has_two_levels(quantizer_) ? channel_scale_of_row(group) : 0;
      for (std::uint64_t k = 0; k < shape_.k; k += group) {
        const std::size_t size = std::min(group, shape_.k - k);
        const std::span values(values_.data() + k, size);
        const std::span codes(codes_.data() + k, size);
        const GroupParameters parameters = quantize(quantizer_, values, codes, channel);
        result_.parameters.groups.push_back(parameters);
        count(values, codes, parameters);
      }
      take_(codes_);
    });
  }

  float channel_scale_of_row(std::uint64_t group) {
    double largest = 0;
    for (std::uint64_t k = 0; k < shape_.k; k += group) {
      GroupStatistics statistics;
      statistics.add({values_.data() + k, std::min(group, shape_.k - k)});
      largest = std::max(largest, wanted_scale(quantizer_, statistics));
    }
    result_.parameters.channel_scales.push_back(channel_scale(quantizer_, largest));
    return result_.parameters.channel_scales.back();
  }

  // Groups across k: as many rows at a time as a group has.
  void blocks_of_rows() {
    const std::uint64_t group = quantization_.group_of(shape_.rows);
    if (static_cast<double>(group) * static_cast<double>(shape_.k) >
        static_cast<double>(kMostValuesAtOnce)) {
      throw UserError(fmt::format("groups of {} across k = {} are more than {} numbers at once",
                                  group, shape_.k, kMostValuesAtOnce));
    }
    std::vector<float> line(group);
    std::vector<std::uint16_t> line_codes(group);
    for (std::uint64_t row = 0; row < shape_.rows; row += group) {
      const std::size_t rows = std::min(group, shape_.rows - row);
      make_rows(row, rows);
      codes_.resize(rows * shape_.k);
      const std::span values(line.data(), rows);
      const std::span codes(line_codes.data(), rows);
      for (std::uint64_t k = 0; k < shape_.k; ++k) {
        for (std::size_t r = 0; r < rows; ++r) line[r] = values_[r * shape_.k + k];
        const GroupParameters parameters = quantize(quantizer_, values, codes);
        result_.parameters.groups.push_back(parameters);
        count(values, codes, parameters);
        for (std::size_t r = 0; r < rows; ++r) codes_[r * shape_.k + k] = line_codes[r];
      }
      take_(codes_);
    }
  }

  void count(std::span<const float> values, std::span<const std::uint16_t> codes,
             const GroupParameters& parameters) {
    dequantized_.resize(values.size());
    dequantize(quantizer_, parameters, codes, dequantized_);
    OperandStatistics& seen = result_.statistics;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double value = values[i];
      seen.min = std::min(seen.min, value);
      seen.max = std::max(seen.max, value);
      seen.sum_abs += std::abs(value);
      seen.zeros += dequantized_[i] == 0 ? 1 : 0;
    }
    seen.error.add(values, dequantized_);
  }

  const OperandRows& rows_;
  const OperandQuantization& quantization_;
  const Quantizer& quantizer_;
  OperandShape shape_;
  const Take& take_;
  std::vector<float> values_;
  std::vector<std::uint16_t> codes_;
  std::vector<double> dequantized_;
  OperandResult result_;
};

}  // namespace

std::vector<std::uint64_t> parameter_shape(const OperandQuantization& quantization,
                                           const OperandShape& shape) {
  if (quantization.granularity == Granularity::tensor ||
      quantization.quantizer.method == QuantMethod::none) {
    return {1};
  }
  if (quantization.axis == LineAxis::along_k) {
    return {shape.rows, pieces(shape.k, quantization.group_of(shape.k))};
  }
  return {pieces(shape.rows, quantization.group_of(shape.rows)), shape.k};
}

OperandResult stream_operand(const OperandRows& rows, const OperandQuantization& quantization,
                             const OperandShape& shape,
                             const std::function<void(std::span<const std::uint16_t>)>& take) {
  return OperandStream(rows, quantization, shape, take).run();
}

OperandResult stream_operand(const RandomTensor& tensor, const OperandQuantization& quantization,
                             const OperandShape& shape,
                             const std::function<void(std::span<const std::uint16_t>)>& take) {
  const OperandRows rows = [&](std::uint64_t row, std::span<float> values) {
    fill_tile(tensor, {row, 0, values.size() / shape.k, shape.k}, values);
  };
  return stream_operand(rows, quantization, shape, take);
}

}  // namespace bitsmith
