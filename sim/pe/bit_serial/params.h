// Parameters of the bit-serial array; sim/pe/bit_serial/README.md is the room card.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "config/parameter_table.h"
#include "numerics/format.h"
#include "pe/array_ports.h"
#include "pe/job.h"
#include "pe/job_layout.h"

namespace bitsmith::bit_serial {

// How an integer weight becomes signed digits.
enum class Recoding { booth, canonical };

struct Params {
  std::uint32_t rows = 8;
  std::uint32_t cols = 8;
  std::uint32_t row_tiles = 1;
  std::uint32_t lanes = 4;
  const Format* activation = find_format("fp16");
  const Format* weight = find_format("fp4_e2m1");
  Recoding recoding = Recoding::booth;
  bool skip_zero_terms = false;
  std::uint32_t group = 128;
  std::uint32_t k_bits = 16;
};

const ParameterTable<Params>& parameters();

// How a weight becomes terms; the RTL's WeightKind.
enum class WeightKind { booth = 0, fp4 = 1, fp3 = 2, ternary = 3, canonical = 4 };

inline bool is_integer(const Params& params) { return params.weight->kind == FormatKind::integer; }
inline WeightKind weight_kind(const Params& params) {
  if (is_integer(params)) {
    return params.recoding == Recoding::booth ? WeightKind::booth : WeightKind::canonical;
  }
  if (params.weight->kind == FormatKind::codebook) return WeightKind::ternary;
  return params.weight->bits == 4 ? WeightKind::fp4 : WeightKind::fp3;
}
// fp4 and fp3: the code of negative zero is one of four special values.
inline bool has_special_values(const Params& params) {
  return weight_kind(params) == WeightKind::fp4 || weight_kind(params) == WeightKind::fp3;
}
inline bool is_floating_point(const Params& params) {
  return params.activation->kind == FormatKind::minifloat;
}

// Terms of a weight: the steps for which its beat is held, at most where zero terms are skipped.
inline std::uint32_t term_count(const Params& params) {
  switch (weight_kind(params)) {
    case WeightKind::booth:
    case WeightKind::canonical:
      return (static_cast<std::uint32_t>(params.weight->bits) + 1) / 2;
    case WeightKind::ternary:
      return 1;
    default:
      return 2;
  }
}
// Terms are multiples of 2^-fraction_bits.
inline std::uint32_t fraction_bits(const Params& params) {
  return has_special_values(params) ? 1 : 0;
}
// Significance of term i, the same for all lanes.
inline std::uint32_t significance(const Params& params, std::uint32_t term) {
  if (is_integer(params)) return 2 * term;
  return has_special_values(params) && term == 0 ? 1 : 0;
}

inline constexpr std::uint32_t kScaleBits = 8;
inline constexpr std::uint32_t kSelectBits = 2;
inline constexpr std::uint32_t kFloatSumBits = 32;
inline constexpr std::uint32_t kIntegerSumBits = 48;

// A lane of the s channel: the scale, and above it the select of formats with special values.
inline std::uint32_t scale_code_bits(const Params& params) {
  return kScaleBits + (has_special_values(params) ? kSelectBits : 0);
}
inline std::uint32_t sum_bits(const Params& params) {
  return is_floating_point(params) ? kFloatSumBits : kIntegerSumBits;
}

// Beats, groups and tokens of k elements.
inline std::uint32_t beat_count(const Params& params, std::uint32_t k) {
  return (k - 1) / params.lanes + 1;
}
inline std::uint64_t group_count(const Params& params, std::uint64_t k) {
  return (k + params.group - 1) / params.group;
}
inline std::uint64_t token_count(const Params& params, std::uint32_t k) {
  return std::uint64_t{term_count(params)} * beat_count(params, k);
}

// Rows of PEs that share the sums at their columns' feet, and beats of results of m rows: every
// tile sends a row at a time.
inline std::uint32_t tile_rows(const Params& params) { return params.rows / params.row_tiles; }
inline std::uint32_t result_beats(const Params& params, std::uint32_t m) {
  return std::min(m, tile_rows(params));
}

// Steps, as the RTL's controller counts them. From the last token of a group until its first row
// has left; and until the last token of the next group at the earliest, which the eight bits of a
// scale and the rows of results ask for.
inline constexpr std::uint32_t kFirstRowSteps = 14;
inline std::uint32_t group_spacing(const Params& params, const Job& job) {
  return std::max(kScaleBits, result_beats(params, job.m));
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
  kDot,
  kEncode,
  kDequantise,
  kResultShift,
  kColumnAdd,
  kYBeat,
  kActions
};

}  // namespace bitsmith::bit_serial
