#include "pe/lut_tensor_core/datapath.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "numerics/pack.h"
#include "pe/lut_tensor_core/arithmetic.h"

namespace bitsmith::lut_tensor_core {
namespace {

// Numbers of eight columns, as wide as the vectors of common machines.
constexpr std::size_t kColumns = 8;
using Columns [[gnu::vector_size(4 * kColumns)]] = std::int32_t;
using FloatColumns [[gnu::vector_size(4 * kColumns)]] = float;
template <class Number>
using ColumnsOf = std::conditional_t<std::is_same_v<Number, float>, FloatColumns, Columns>;

template <class Number>
ColumnsOf<Number> load_columns(const Number* from) {
  ColumnsOf<Number> columns;
  std::memcpy(&columns, from, sizeof(columns));
  return columns;
}
template <class Vector, class Number>
void store_columns(const Vector& columns, Number* to) {
  std::memcpy(to, &columns, sizeof(columns));
}

std::size_t padded(std::size_t lanes) { return (lanes + kColumns - 1) / kColumns * kColumns; }

// Numbers from the table of one row to the next: whole vectors.
constexpr std::size_t table_stride(std::size_t k) {
  return std::max(std::size_t{1} << k, kColumns);
}

// Entries by address, table[address[c]]: as a permutation of registers where the machine has one.
template <std::size_t Vectors>
Columns entries_at(const std::array<Columns, Vectors>& table, const Columns& address) {
#ifdef __clang__  // has permutations by constants only
  Columns entries;
  for (std::size_t c = 0; c < kColumns; ++c) {
    const auto at = static_cast<std::size_t>(address[c]);
    entries[c] = table[at / kColumns][at % kColumns];
  }
  return entries;
#else
  if constexpr (Vectors == 1) return __builtin_shuffle(table[0], address);
  if constexpr (Vectors == 2) return __builtin_shuffle(table[0], table[1], address);
  if constexpr (Vectors > 2) {
    std::array<Columns, Vectors / 2> lower, upper;
    std::copy_n(table.begin(), Vectors / 2, lower.begin());
    std::copy_n(table.begin() + Vectors / 2, Vectors / 2, upper.begin());
    const auto half = static_cast<std::int32_t>(Vectors / 2 * kColumns);
    return (address & half) != 0 ? entries_at(upper, address) : entries_at(lower, address);
  }
#endif
}

Columns add_to_group(const Columns& sum, const Columns& term, bool) { return sum + term; }
FloatColumns add_to_group(const FloatColumns& sum, const Columns& term, bool is_tf32) {
  const FloatColumns total = sum + std::bit_cast<FloatColumns>(term);
  if (!is_tf32) return total;
  const auto bits = std::bit_cast<Columns>(total);  // as round_to_tf32
  return std::bit_cast<FloatColumns>((bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFF);
}

// f of a plane.
std::int32_t factor(const Params& params, std::uint32_t plane) {
  const WeightKind kind = weight_kind(params);
  if (has_half_table(params)) return kind == WeightKind::ternary ? 1 : 1 << plane;
  const bool is_sign = kind != WeightKind::unsigned_integer && plane + 1 == plane_count(params);
  return is_sign ? -(1 << plane) : 1 << plane;
}

// ---- 8-bit tables: entries become multiples of 2^t, of at most 127.

void round_to_eight_bits(std::span<std::int32_t> entries) {
  std::uint32_t all = 1;
  for (const std::int32_t entry : entries) all |= static_cast<std::uint32_t>(std::abs(entry));
  const int t = std::max(0, static_cast<int>(std::bit_width(all)) - 7);
  const std::int32_t half = t == 0 ? 0 : 1 << (t - 1);
  for (std::int32_t& entry : entries) {
    const std::int32_t magnitude = std::min((std::abs(entry) + half) >> t, 127) << t;
    entry = entry < 0 ? -magnitude : magnitude;
  }
}

void round_to_eight_bits(std::span<float> entries) {
  float largest = 0;
  bool special = false;
  for (const float entry : entries) {
    largest = std::max(largest, std::fabs(entry));
    special = special || !std::isfinite(entry);
  }
  if (special) {
    std::fill(entries.begin(), entries.end(), std::bit_cast<float>(kFloatNan));
    return;
  }
  // FP16 numbers and their units are far from subnormal in FP32.
  const auto field = static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(largest) >> 23);
  const std::int32_t t = std::max(field - 127 - 6, -kFloatTableScaleBias);
  const auto unit = std::bit_cast<float>((127 + t) << 23);
  const auto per_unit = std::bit_cast<float>((127 - t) << 23);
  for (float& entry : entries) {
    const float magnitude = std::min(std::floor(std::fabs(entry) * per_unit + 0.5F), 127.0F) * unit;
    entry = std::copysign(magnitude, entry);
  }
}

}  // namespace

// ---- Datapath

Datapath::Datapath(const Params& params)
    : params_(params),
      cols_(padded(cols(params))),
      lane_bits_(params.engine == Engine::mac ? plane_count(params) : params.k),
      a_words_(words_for_bits(channel_widths(params).a)),
      w_words_(words_for_bits(channel_widths(params).w)) {
  const bool is_mac = params.engine == Engine::mac;
  lane_.resize(cols_ * (is_mac ? params.k : 1));
  w_padded_.resize(words_for_bits(lane_.size() * lane_bits_) + 1);
  const auto resize = [&](auto& lanes) {
    lanes.table.resize(rows(params) * table_stride(params.k));
    lanes.weight.resize(is_mac ? params.k * cols_ : 0);
    lanes.sum.resize(rows(params) * cols_);
    lanes.sum_of_a.resize(rows(params));
    lanes.zero.resize(cols_);
    lanes.scale.resize(cols_);
  };
  if (!is_floating_point(params)) {
    resize(integers_);
    integer_result_.resize(rows(params) * cols_);
    return;
  }
  resize(floats_);
  float_result_.resize(rows(params) * cols_);
  if (params.activation->bits != 8) return;
  for (std::uint32_t code = 0; code < code_count(*params.activation); ++code) {
    const double value = decode(*params.activation, code);
    fp8_value_.push_back(std::isnan(value) ? std::bit_cast<float>(kFloatNan)
                                           : static_cast<float>(value));
  }
}

template <class Use>
void Datapath::with_lanes(Use use) {
  const auto with_k = [&](auto& lanes) {
    switch (params_.k) {
      case 2:
        return use(lanes, std::integral_constant<std::size_t, 2>{});
      case 3:
        return use(lanes, std::integral_constant<std::size_t, 3>{});
      case 4:
        return use(lanes, std::integral_constant<std::size_t, 4>{});
      case 5:
        return use(lanes, std::integral_constant<std::size_t, 5>{});
      default:
        return use(lanes, std::integral_constant<std::size_t, 6>{});
    }
  };
  if (is_floating_point(params_)) {
    with_k(floats_);
  } else {
    with_k(integers_);
  }
}

// ---- what lanes read

void Datapath::load(const std::uint32_t* a, std::uint32_t m) {
  const std::span all(a, a_words_);
  with_lanes([&]<class Number, std::size_t K>(Lanes<Number>& lanes,
                                              std::integral_constant<std::size_t, K>) {
    if (params_.precompute == Precompute::fused) {
      for (std::size_t r = 0; r < m; ++r) load_table(lanes, all, r);
    } else {
      load_rows<Number, K>(lanes, all, m);
    }
  });
}

template <class Number, std::size_t K>
void Datapath::load_rows(Lanes<Number>& lanes, std::span<const std::uint32_t> a, std::uint32_t m) {
  const int bits = params_.activation->bits;
  const auto number = [&](std::size_t lane) -> Number {
    const std::uint64_t code = get_bits(a, lane * static_cast<std::size_t>(bits), bits);
    if constexpr (std::is_same_v<Number, float>) {
      return bits == 8 ? fp8_value_[code] : value_of_fp16(static_cast<std::uint32_t>(code));
    } else {
      return static_cast<Number>(sign_extend(code, bits));
    }
  };
  constexpr std::size_t kTop = std::size_t{1} << (K - 1);
  const bool half = has_half_table(params_);
  for (std::size_t r = 0; r < m; ++r) {
    std::array<Number, K> set, clear;
    Number* const table = lanes.table.data() + r * table_stride(K);
    for (std::size_t j = 0; j < K; ++j) {
      set[j] = number(r * K + j);
      clear[j] = half ? -set[j] : Number{0};
    }
    if (params_.engine == Engine::mac) {
      std::copy(set.begin(), set.end(), table);
      continue;
    }
    all_sums<0, K>(set.data(), clear.data(), table);
    if (params_.table == TableKind::int8) round_to_eight_bits(std::span(table, 2 * kTop));
    // Weights for `lut` are packed with their addresses negated where the sign bit is clear.
    if (params_.engine == Engine::lut) {
      for (std::size_t v = 0; v < kTop; ++v) table[v] = -table[v + kTop];
    }
  }
}

// Tables that the vector unit has made.
template <class Number>
void Datapath::load_table(Lanes<Number>& lanes, std::span<const std::uint32_t> a, std::size_t r) {
  const std::size_t bits = entry_bits(params_), entries = table_entries(params_);
  const std::size_t begin = r * table_bits(params_);
  Number* const table = lanes.table.data() + r * table_stride(params_.k);
  const bool eight_bits = params_.table == TableKind::int8;
  const auto t = static_cast<std::uint32_t>(
      eight_bits ? get_bits(a, begin + entries * bits, kTableScaleBits) : 0);
  const auto number = [&](std::size_t x) -> Number {
    const auto code =
        static_cast<std::uint32_t>(get_bits(a, begin + x * bits, static_cast<int>(bits)));
    if constexpr (std::is_same_v<Number, float>) {
      if (!eight_bits) return value_of_fp16(code);
      if (t == kTableScaleNan) return std::bit_cast<float>(kFloatNan);
      const auto magnitude = static_cast<float>(code & 127);
      return std::ldexp((code & 128) != 0 ? -magnitude : magnitude,
                        static_cast<int>(t) - kFloatTableScaleBias);
    } else {
      if (!eight_bits) return static_cast<Number>(sign_extend(code, static_cast<int>(bits)));
      const auto magnitude = static_cast<Number>(code & 127) << t;
      return (code & 128) != 0 ? -magnitude : magnitude;
    }
  };
  if (!has_half_table(params_)) {
    table[0] = 0;
    for (std::size_t x = 0; x < entries; ++x) table[x + 1] = number(x);
    return;
  }
  for (std::size_t x = 0; x < entries; ++x) {
    const Number entry = number(x);
    table[entries + x] = entry;
    table[params_.engine == Engine::lut ? x : entries - 1 - x] = -entry;
  }
}

// The lanes of a beat of weights, four at a time.
void Datapath::extract_lanes(const std::uint32_t* w) {
  std::copy_n(w, w_words_, w_padded_.begin());
  const auto bits = static_cast<std::int32_t>(lane_bits_);
  const Columns shift = {0, bits, 2 * bits, 3 * bits, 0, bits, 2 * bits, 3 * bits};
  const std::int32_t mask = (1 << bits) - 1;
  const auto four = [&](std::size_t lane) {
    return static_cast<std::int32_t>(get_bits(w_padded_, lane * lane_bits_, 4 * bits));
  };
  for (std::size_t i = 0; i < lane_.size(); i += kColumns) {
    const std::int32_t low = four(i), high = four(i + 4);
    const Columns both = {low, low, low, low, high, high, high, high};
    store_columns((both >> shift) & mask, lane_.data() + i);
  }
}

// ---- what they make of it

void Datapath::step(const std::uint32_t* w, std::uint32_t plane, std::uint32_t m, bool first) {
  extract_lanes(w);
  with_lanes([&]<class Number, std::size_t K>(Lanes<Number>& lanes,
                                              std::integral_constant<std::size_t, K>) {
    if (first) {
      std::fill_n(lanes.sum.begin(), m * cols_, Number{0});
      std::fill_n(lanes.sum_of_a.begin(), m, Number{0});
    }
    if (params_.engine == Engine::mac) {
      load_weights<Number, K>(lanes);
      for (std::size_t r = 0; r < m; ++r) multiply<Number, K>(lanes, r);
    } else {
      for (std::size_t r = 0; r < m; ++r) read_table<Number, K>(lanes, plane, r);
    }
  });
}

// Entries of row r's table, weighted with the plane, are added to its sums.
template <class Number, std::size_t K>
void Datapath::read_table(Lanes<Number>& lanes, std::uint32_t plane, std::size_t r) {
  const Number* const table = lanes.table.data() + r * table_stride(K);
  std::array<Columns, table_stride(K) / kColumns> weighted;
  const auto f = static_cast<Number>(factor(params_, plane));
  for (std::size_t i = 0; i < weighted.size(); ++i) {
    weighted[i] = std::bit_cast<Columns>(load_columns(table + i * kColumns) * f);  // exact
  }
  const bool is_tf32 = params_.accumulator == Accumulator::tf32;
  Number* const sum = lanes.sum.data() + r * cols_;
  for (std::size_t c = 0; c < cols_; c += kColumns) {
    const Columns term = entries_at(weighted, load_columns(lane_.data() + c));
    store_columns(add_to_group(load_columns(sum + c), term, is_tf32), sum + c);
  }
  if (plane != 0) return;
  Number& sum_of_a = lanes.sum_of_a[r];
  sum_of_a += table[(std::size_t{1} << K) - 1];
  if constexpr (std::is_same_v<Number, float>) {
    if (is_tf32) sum_of_a = round_to_tf32(sum_of_a);
  }
}

template <class Number, std::size_t K>
void Datapath::load_weights(Lanes<Number>& lanes) {
  const int unused = params_.weight->is_signed ? 32 - params_.weight->bits : 0;
  for (std::size_t j = 0; j < K; ++j) {
    for (std::size_t c = 0; c < cols_; ++c) {
      const std::int32_t code = lane_[c * K + j];
      lanes.weight[j * cols_ + c] = static_cast<Number>((code << unused) >> unused);
    }
  }
}

template <class Number, std::size_t K>
void Datapath::multiply(Lanes<Number>& lanes, std::size_t r) {
  const Number* const a = lanes.table.data() + r * table_stride(K);
  const Number* const weight = lanes.weight.data();
  Number* const sum = lanes.sum.data() + r * cols_;
  for (std::size_t c = 0; c < cols_; c += kColumns) {
    const auto products = sum_in_order<0, K>(
        [&](std::size_t j) { return load_columns(weight + j * cols_ + c) * a[j]; });
    store_columns(load_columns(sum + c) + products, sum + c);
  }
  lanes.sum_of_a[r] += sum_in_order<0, K>([&](std::size_t j) { return a[j]; });
}

// ---- groups

template <class Number>
void Datapath::load_scales(Lanes<Number>& lanes, const std::uint32_t* s) {
  const std::size_t bits = scale_code_bits(params_);
  const std::span all(s, words_for_bits(cols(params_) * bits));
  const bool half = has_half_table(params_);
  const std::int32_t of_signed = half && weight_kind(params_) == WeightKind::signed_integer ? 1 : 0;
  for (std::size_t c = 0; c < cols(params_); ++c) {
    const std::uint64_t code = get_bits(all, c * bits, static_cast<int>(bits));
    lanes.scale[c] = static_cast<Number>(sign_extend(code, kScaleBits));
    std::int32_t zero = of_signed;
    if (has_zero(params_)) {
      zero = static_cast<std::int32_t>(code >> kScaleBits);
      if (half) zero = 2 * zero + 1 - (1 << params_.weight->bits);
    }
    lanes.zero[c] = static_cast<Number>(zero);
  }
}

void Datapath::finish_group(const std::uint32_t* s, std::uint32_t m, bool clear) {
  const std::size_t cols = cols_;
  const std::uint32_t h = halvings(params_);
  if (!is_floating_point(params_)) {
    load_scales(integers_, s);
    for (std::size_t r = 0; r < m; ++r) {
      for (std::size_t c = 0; c < cols; ++c) {
        std::int64_t& y = integer_result_[r * cols + c];
        const std::int64_t doubled = std::int64_t{integers_.sum[r * cols + c]} -
                                     std::int64_t{integers_.zero[c]} * integers_.sum_of_a[r];
        y = (clear ? 0 : y) + (doubled >> h) * integers_.scale[c];
      }
    }
    return;
  }
  load_scales(floats_, s);
  const float half = h == 0 ? 1.0F : 0.5F;
  const bool corrects = has_sum_lane(params_);
  for (std::size_t r = 0; r < m; ++r) {
    for (std::size_t c = 0; c < cols; ++c) {
      float& y = float_result_[r * cols + c];
      float d = floats_.sum[r * cols + c];
      if (corrects) d -= floats_.zero[c] * floats_.sum_of_a[r];
      y = (clear ? 0.0F : y) + d * (floats_.scale[c] * half);
    }
  }
}

void Datapath::pack_row(std::uint32_t r, std::uint32_t n, std::uint32_t* words) const {
  const std::size_t bits = sum_bits(params_);
  const std::span all(words, words_for_bits(cols(params_) * bits));
  std::fill(all.begin(), all.end(), 0U);
  for (std::size_t c = 0; c < n; ++c) {
    const std::size_t at = r * cols_ + c;
    if (is_floating_point(params_)) {
      words[c] = std::isnan(float_result_[at]) ? kFloatNan
                                               : std::bit_cast<std::uint32_t>(float_result_[at]);
    } else {
      put_bits(all, c * bits, static_cast<int>(bits),
               static_cast<std::uint64_t>(integer_result_[at]));
    }
  }
}

}  // namespace bitsmith::lut_tensor_core
