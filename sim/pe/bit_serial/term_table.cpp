#include "pe/bit_serial/term_table.h"

#include <algorithm>
#include <array>
#include <bit>

#include "common/error.h"
#include "numerics/pack.h"

namespace bitsmith::bit_serial {
namespace {

std::int32_t entry(bool one, bool negative, std::uint32_t exponent) {
  return static_cast<std::int32_t>(exponent) | (one ? TermTable::kPresent : 0) |
         (negative ? TermTable::kNegative : 0);
}

std::int32_t booth(std::uint32_t code, int bits, std::uint32_t term) {
  const auto extended = static_cast<std::uint64_t>(sign_extend(code, bits)) << 1;
  const auto window = static_cast<std::uint32_t>(extended >> (2 * term) & 7);
  return entry(window != 0 && window != 7, (window & 4) != 0, window == 3 || window == 4 ? 1 : 0);
}

// Digits of a number that are not zero stand where it and three times it differ, one place lower;
// they are negative where the number itself has a one there or three times it does not.
std::int32_t canonical(std::uint32_t code, int bits, std::uint32_t term) {
  const std::int64_t value = sign_extend(code, bits);
  const auto places = static_cast<std::uint64_t>(value ^ (3 * value)) >> 1;
  const auto negative = static_cast<std::uint64_t>(value & ~(3 * value)) >> 1;
  const std::uint64_t pair = places >> (2 * term) & 3;
  return entry(pair != 0, (negative >> (2 * term) & 3) != 0, pair == 2 ? 1 : 0);
}

// Sign and magnitude in halves: {sign, 5 bits}.
std::uint32_t half_units(WeightKind kind, std::uint32_t code, std::uint32_t select) {
  constexpr std::array<std::uint32_t, 8> kFp4 = {0, 1, 2, 3, 4, 6, 8, 12};
  constexpr std::array<std::uint32_t, 4> kFp3 = {0, 2, 4, 8};
  constexpr std::array<std::uint32_t, 2> kSpecialFp4 = {10, 16}, kSpecialFp3 = {6, 12};
  const bool is_fp4 = kind == WeightKind::fp4;
  const std::uint32_t sign = is_fp4 ? 8 : 4;
  if (code == sign) {
    const std::uint32_t magnitude = (is_fp4 ? kSpecialFp4 : kSpecialFp3)[select >> 1];
    return ((select & 1) != 0 ? 0U : 32U) | magnitude;
  }
  return ((code & sign) != 0 ? 32U : 0U) | (is_fp4 ? kFp4[code & 7] : kFp3[code & 3]);
}

std::int32_t leading_one(std::uint32_t units, std::uint32_t term) {
  const bool negative = (units & 32) != 0;
  const std::uint32_t high = units >> 1 & 15;  // bits 4..1
  const std::uint32_t top = high == 0 ? 0 : std::bit_floor(high);
  if (term == 0) return entry(high != 0, negative, high == 0 ? 0 : std::bit_width(high) - 1U);
  const std::uint32_t rest = (units & 31) & ~(top << 1);
  return entry(rest != 0, negative, rest == 0 ? 0 : std::bit_width(rest) - 1U);
}

std::int32_t term_of(const Params& params, std::uint32_t select, std::uint32_t code,
                     std::uint32_t term) {
  switch (weight_kind(params)) {
    case WeightKind::booth:
      return booth(code, params.weight->bits, term);
    case WeightKind::canonical:
      return canonical(code, params.weight->bits, term);
    case WeightKind::ternary:
      return entry((code & 1) != 0, (code & 2) != 0, 0);
    default:
      return leading_one(half_units(weight_kind(params), code, select), term);
  }
}

std::uint32_t group_steps(const Params& params, const TermTable& table, CodeView w, CodeView s) {
  constexpr std::size_t kMostCols = 64;
  std::array<const std::uint8_t*, kMostCols> present{};
  for (std::size_t c = 0; c < w.cols; ++c) {
    present[c] = table.present(has_special_values(params) ? s(0, c) >> kScaleBits & 3U : 0U);
  }
  std::uint32_t steps = 0;
  for (std::size_t beat = 0; beat < w.rows; beat += params.lanes) {
    std::array<std::uint8_t, kMostCols> positions{};
    for (std::size_t k = beat; k < std::min<std::size_t>(beat + params.lanes, w.rows); ++k) {
      const std::uint16_t* row = &w(k, 0);
      for (std::size_t c = 0; c < w.cols; ++c) positions[c] |= present[c][row[c]];
    }
    int most = 1;
    for (std::size_t c = 0; c < w.cols; ++c) most = std::max(most, std::popcount(positions[c]));
    steps += static_cast<std::uint32_t>(most);
  }
  return steps;
}

}  // namespace

TermTable::TermTable(const Params& params)
    : terms_(term_count(params)), bits_(static_cast<std::uint32_t>(params.weight->bits)) {
  const std::uint32_t selects = has_special_values(params) ? 4 : 1;
  for (std::uint32_t select = 0; select < selects; ++select) {
    for (std::uint32_t code = 0; code < std::uint32_t{1} << bits_; ++code) {
      std::uint32_t present = 0;
      for (std::uint32_t term = 0; term < terms_; ++term) {
        entries_.push_back(term_of(params, select, code, term));
        if ((entries_.back() & kPresent) != 0) present |= 1U << term;
      }
      present_.push_back(static_cast<std::uint8_t>(present));
    }
  }
}

void count_steps(const Params& params, CodeView w, CodeView s, std::span<std::uint32_t> steps) {
  const std::size_t tiles = (w.cols - 1) / params.cols + 1;
  check(s.cols == w.cols && s.rows == group_count(params, w.rows) && steps.size() == tiles * s.rows,
        "weights of another shape");
  const TermTable table(params);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t first = tile * params.cols;
    const std::size_t cols = std::min<std::size_t>(params.cols, w.cols - first);
    for (std::size_t group = 0; group < s.rows; ++group) {
      const std::size_t begin = group * params.group;
      const std::size_t rows = std::min<std::size_t>(params.group, w.rows - begin);
      steps[tile * s.rows + group] = group_steps(
          params, table, {&w(begin, first), rows, cols, w.stride}, {&s(group, first), 1, cols, 0});
    }
  }
}

}  // namespace bitsmith::bit_serial
