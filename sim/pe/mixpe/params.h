// Parameters of the array of shift-and-add PEs; sim/pe/mixpe/README.md is the room card.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "config/parameter_table.h"
#include "numerics/format.h"
#include "pe/array_ports.h"
#include "pe/job.h"
#include "pe/job_layout.h"

namespace bitsmith::mixpe {

// How many bits of a weight a PE takes in a step.
enum class Digit : std::uint8_t { parallel = 0, one_bit = 1, two_bits = 2 };

// Params::group where a whole sum over k is one group.
inline constexpr std::uint32_t kChannel = 0;

struct Params {
  std::uint32_t rows = 16;
  std::uint32_t cols = 16;
  std::uint32_t lanes = 1;
  const Format* activation = find_format("int8");
  const Format* weight = find_format("uint4");
  Digit digit = Digit::parallel;
  const Format* scale = find_format("fp16");
  std::uint32_t pipeline = 1;
  std::uint32_t row_interval = 2;
  std::uint32_t group = 128;
  std::uint32_t k_bits = 16;
};

const ParameterTable<Params>& parameters();

// The RTL's WeightKind.
enum class WeightKind { signed_integer = 0, unsigned_integer = 1, power_of_two = 2 };

inline WeightKind weight_kind(const Params& params) {
  if (params.weight->kind != FormatKind::integer) return WeightKind::power_of_two;
  return params.weight->is_signed ? WeightKind::signed_integer : WeightKind::unsigned_integer;
}
// Unsigned weights: a zero point per group and column.
inline bool has_zero_points(const Params& params) {
  return weight_kind(params) == WeightKind::unsigned_integer;
}
// FP16 activations: sums of groups are FP32, otherwise exact integers.
inline bool sums_are_floating_point(const Params& params) {
  return params.activation->kind == FormatKind::minifloat;
}
// FP16 scales: sums over groups, the results, are FP32, otherwise INT32.
inline bool results_are_floating_point(const Params& params) {
  return params.scale->kind == FormatKind::minifloat;
}

inline std::uint32_t weight_bits(const Params& params) {
  return static_cast<std::uint32_t>(params.weight->bits);
}
// Bits of a digit, and the steps that the digits of a weight take.
inline std::uint32_t digit_bits(const Params& params) {
  return params.digit == Digit::parallel ? weight_bits(params)
                                         : static_cast<std::uint32_t>(params.digit);
}
inline std::uint32_t digit_count(const Params& params) {
  return (weight_bits(params) - 1) / digit_bits(params) + 1;
}
// No weight is larger than 2^this in magnitude.
std::uint32_t largest_weight_log2(const Params& params);

// Weights of a group; no job has more where a sum is one group.
inline std::uint32_t group_size(const Params& params) {
  return params.group == kChannel ? (std::uint32_t{1} << params.k_bits) - 1 : params.group;
}
// Bits of a group's exact sum of integer products.
std::uint32_t exact_sum_bits(const Params& params);

inline constexpr std::uint32_t kResultBits = 32;

// A code of the scales or zero points; a lane of the s channel, the zero point above the scale.
inline std::uint32_t scale_code_bits(const Params& params) {
  return static_cast<std::uint32_t>(params.scale->bits);
}
inline std::uint32_t scale_lane_bits(const Params& params) {
  return scale_code_bits(params) + (has_zero_points(params) ? weight_bits(params) : 0);
}

// Beats, groups and tokens of k elements; rows of scales and zero points of a group.
inline std::uint32_t beat_count(const Params& params, std::uint32_t k) {
  return (k - 1) / params.lanes + 1;
}
inline std::uint64_t group_count(const Params& params, std::uint64_t k) {
  const std::uint32_t group = group_size(params);
  return (k + group - 1) / group;
}
inline std::uint64_t token_count(const Params& params, std::uint32_t k) {
  return std::uint64_t{digit_count(params)} * beat_count(params, k);
}
inline std::uint32_t scale_rows_per_group(const Params& params) {
  return has_zero_points(params) ? 2 : 1;
}

// Steps, as the RTL's controller counts them. From the last token of a group until its first row
// leaves, row_interval steps before the next one; and until the last token of the next group at the
// earliest. Rows that leave in every step wait for the lowest one, which is finished first.
inline std::uint32_t first_row_steps(const Params& params) {
  const std::uint32_t lowest_row = params.row_interval == 1 ? params.rows - 1 : 0;
  return params.cols + 5 + lowest_row + (params.pipeline - 1) + (has_zero_points(params) ? 1 : 0);
}
inline std::uint32_t group_spacing(const Params& params, std::uint32_t m) {
  const std::uint32_t of_rows =
      params.row_interval == 1 ? params.rows + params.pipeline - 1 : 2 * m;
  return std::max(of_rows, params.cols + 4);
}

// Largest K whose sums fit.
std::uint64_t longest_exact_k(const Params& params);

TileLimits tile_limits(const Params& params);
JobLayout job_layout(const Params& params);
ChannelWidths channel_widths(const Params& params);

enum Action : std::size_t {
  kJob,
  kABeat,
  kWBeat,
  kSBeat,
  kShiftAdd,
  kRowSum,
  kResult,
  kDequantise,
  kYBeat,
  kActions
};

}  // namespace bitsmith::mixpe
