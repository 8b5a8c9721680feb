// Parameters of the array of lookup-table units; sim/pe/lut_tensor_core/README.md is the room card.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "config/parameter_table.h"
#include "numerics/format.h"
#include "pe/array_ports.h"
#include "pe/job.h"
#include "pe/job_layout.h"

namespace bitsmith::lut_tensor_core {

// What a lane is; the RTL's Engine.
enum class Engine { lut = 0, lut_negate = 1, lut_full = 2, add = 3, mac = 4 };
enum class TableKind { full = 0, int8 = 1 };
enum class Precompute { fused = 0, unit = 1 };
enum class Accumulator { fp32, tf32 };

struct Params {
  std::uint32_t m = 2;
  std::uint32_t n = 64;
  std::uint32_t k = 4;
  std::uint32_t unit_rows = 1;
  std::uint32_t unit_cols = 1;
  Engine engine = Engine::lut;
  const Format* activation = find_format("int8");
  const Format* weight = find_format("int2");
  TableKind table = TableKind::full;
  Precompute precompute = Precompute::unit;
  Accumulator accumulator = Accumulator::fp32;
  std::uint32_t pipeline = 1;
  std::uint32_t group = 128;
  std::uint32_t k_bits = 16;
};

const ParameterTable<Params>& parameters();

// The RTL's WeightKind.
enum class WeightKind { signed_integer = 0, unsigned_integer = 1, bipolar = 2, ternary = 3 };

inline WeightKind weight_kind(const Params& params) {
  if (params.weight->kind == FormatKind::codebook) {
    return params.weight->bits == 1 ? WeightKind::bipolar : WeightKind::ternary;
  }
  return params.weight->is_signed ? WeightKind::signed_integer : WeightKind::unsigned_integer;
}
// The RTL's Activation: int8, int16, fp16, fp8_e4m3, fp8_e5m2.
std::uint32_t activation_kind(const Params& params);
inline bool is_floating_point(const Params& params) {
  return params.activation->kind == FormatKind::minifloat;
}
// Half tables: a weight bit means -1 or +1.
inline bool has_half_table(const Params& params) {
  return params.engine == Engine::lut || params.engine == Engine::lut_negate;
}
inline bool has_table(const Params& params) {
  return has_half_table(params) || params.engine == Engine::lut_full;
}

inline std::uint32_t rows(const Params& params) { return params.m * params.unit_rows; }
inline std::uint32_t cols(const Params& params) { return params.n * params.unit_cols; }

// Bits of a weight as planes, and P: the steps for which activations are held.
inline std::uint32_t plane_count(const Params& params) {
  return static_cast<std::uint32_t>(params.weight->bits);
}
inline std::uint32_t steps_per_beat(const Params& params) {
  return params.engine == Engine::mac ? 1 : plane_count(params);
}

// One more lane per row and unit sums A where z' may differ from 0.
inline bool has_sum_lane(const Params& params) {
  return weight_kind(params) == WeightKind::unsigned_integer ||
         (weight_kind(params) == WeightKind::signed_integer && has_half_table(params));
}
inline bool has_zero(const Params& params) {
  return weight_kind(params) == WeightKind::unsigned_integer;
}
// h: sums are 2^h times too large.
inline std::uint32_t halvings(const Params& params) {
  return has_half_table(params) && weight_kind(params) != WeightKind::bipolar ? 1 : 0;
}

inline constexpr std::uint32_t kScaleBits = 8;
inline constexpr std::uint32_t kTableScaleBits = 6;
inline constexpr std::uint32_t kFloatSumBits = 32;
inline constexpr std::uint32_t kIntegerSumBits = 48;
// The code of t whose table is all NaN, and what FP16 codes are above t.
inline constexpr std::uint32_t kTableScaleNan = 63;
inline constexpr int kFloatTableScaleBias = 30;

// A lane of the s channel: the scale, and above it the zero of formats that have one.
inline std::uint32_t scale_code_bits(const Params& params) {
  return kScaleBits + (has_zero(params) ? plane_count(params) : 0);
}
inline std::uint32_t sum_bits(const Params& params) {
  return is_floating_point(params) ? kFloatSumBits : kIntegerSumBits;
}

// Entries of a stored table; F[0] = 0 is not stored. Bits of an entry, and of a table on the `a`
// channel of a fused array.
inline std::uint32_t table_entries(const Params& params) {
  return has_half_table(params) ? 1U << (params.k - 1) : (1U << params.k) - 1;
}
inline std::uint32_t entry_bits(const Params& params) {
  if (params.table == TableKind::int8) return 8;
  if (is_floating_point(params)) return 16;
  return static_cast<std::uint32_t>(params.activation->bits) +
         static_cast<std::uint32_t>(std::bit_width(params.k - 1));
}
inline std::uint32_t table_bits(const Params& params) {
  return table_entries(params) * entry_bits(params) +
         (params.table == TableKind::int8 ? kTableScaleBits : 0);
}

// Beats of activations, groups and tokens of k elements.
inline std::uint32_t beat_count(const Params& params, std::uint32_t k) {
  return (k - 1) / params.k + 1;
}
inline std::uint64_t group_count(const Params& params, std::uint64_t k) {
  return (k + params.group - 1) / params.group;
}
inline std::uint64_t token_count(const Params& params, std::uint32_t k) {
  return std::uint64_t{steps_per_beat(params)} * beat_count(params, k);
}

// Steps, as the RTL's controller counts them: Q and L of the room card; from the last token of a
// group until its first row has left; and until the last token of the next group at the earliest.
inline std::uint32_t precompute_steps(const Params& params) {
  if (!has_table(params) || params.precompute == Precompute::fused) return 0;
  return params.table == TableKind::int8 ? 2 : 1;
}
inline std::uint32_t lane_steps(const Params& params) {
  return precompute_steps(params) + params.pipeline;
}
inline std::uint32_t first_row_steps(const Params& params) { return lane_steps(params) + 5; }
inline std::uint32_t group_spacing(const Params& params, const Job& job) {
  return std::max(job.m + 2, lane_steps(params) + 1);
}

// Largest K whose sums fit; floating point has no such limit.
std::uint64_t longest_exact_k(const Params& params);

TileLimits tile_limits(const Params& params);
JobLayout job_layout(const Params& params);
ChannelWidths channel_widths(const Params& params);

enum Action : std::size_t {
  kJob,
  kABeat,
  kWBeat,
  kSBeat,
  kYBeat,
  kTable,
  kLane,
  kSumLane,
  kResultShift,
  kDequantise,
  kActions
};

}  // namespace bitsmith::lut_tensor_core
