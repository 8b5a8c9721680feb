// How a cycle model multiplies and adds: one type per way, so that a row of PEs is one vector loop.
// Sums are what the accumulators hold; wider host types stand for narrower hardware where those
// cannot overflow.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "numerics/format.h"
#include "numerics/pack.h"
#include "pe/systolic/params.h"

namespace bitsmith::systolic {

// Rows are padded to whole vectors of the widest machine (16 sums of 32 bits).
inline constexpr std::size_t kVectorLanes = 16;
constexpr std::size_t padded_lanes(std::size_t lanes) {
  return (lanes + kVectorLanes - 1) / kVectorLanes * kVectorLanes;
}

// Exact integers; Product holds a product.
template <class Product, class SumType>
class ExactIntegers {
 public:
  using Lane = std::int16_t;
  using Sum = SumType;

  explicit ExactIntegers(const Params&) {}
  Sum add(Sum acc, Lane a, Lane w) { return acc + static_cast<Product>(a * w); }
  std::uint64_t overflows() const { return 0; }
};
using Narrow = ExactIntegers<std::int16_t, std::int32_t>;  // products of at most 16 bits
using Medium = ExactIntegers<std::int32_t, std::int32_t>;
using Wide = ExactIntegers<std::int32_t, std::int64_t>;

// Integers that wrap or saturate, with the overflows counted.
class LimitedIntegers {
 public:
  using Lane = std::int16_t;
  using Sum = std::int64_t;

  explicit LimitedIntegers(const Params& params)
      : bits_(static_cast<int>(params.accumulator_bits)),
        saturates_(params.overflow == Overflow::saturate),
        highest_((Sum{1} << (bits_ - 1)) - 1) {}

  Sum add(Sum acc, Lane a, Lane w) {
    const Sum sum = acc + static_cast<std::int32_t>(a * w);
    if (sum <= highest_ && sum >= -highest_ - 1) return sum;
    ++overflows_;
    if (saturates_) return sum > 0 ? highest_ : -highest_ - 1;
    return sign_extend(static_cast<std::uint64_t>(sum), bits_);
  }
  std::uint64_t overflows() const { return overflows_; }

 private:
  int bits_;
  bool saturates_;
  Sum highest_;
  std::uint64_t overflows_ = 0;
};

// FP32 on the host's FP32: IEEE 754 rounds a product and a sum as the RTL does, as long as the
// compiler does not contract them. NaNs become canonical where they leave the array.
class Float32 {
 public:
  using Lane = float;
  using Sum = float;

  explicit Float32(const Params&) {}
  Sum add(Sum acc, Lane a, Lane w) {
    const float product = a * w;
    return acc + product;
  }
  std::uint64_t overflows() const { return 0; }
};

// Calls make.operator()<Arithmetic>() with the narrowest one that is exact for these parameters.
template <class Make>
auto with_arithmetic(const Params& params, Make make) {
  const int product_bits = params.activation->bits + params.weight->bits;
  if (is_floating_point(params)) return make.template operator()<Float32>();
  if (params.overflow != Overflow::exact) return make.template operator()<LimitedIntegers>();
  if (params.accumulator_bits > 32) return make.template operator()<Wide>();
  if (product_bits > 16) return make.template operator()<Medium>();
  return make.template operator()<Narrow>();
}

// Decodes the lanes of a beat.
class LaneReader {
 public:
  explicit LaneReader(const Format& format) : bits_(format.bits) {
    if (format.kind != FormatKind::minifloat) return;
    floats_.resize(code_count(format));
    for (std::uint32_t code = 0; code < floats_.size(); ++code) {
      floats_[code] = static_cast<float>(decode(format, code));  // exact
    }
  }

  // Lanes 0 .. used - 1 of a beat, zero above.
  void read(const std::uint32_t* words, std::size_t used, std::vector<std::int16_t>& lanes) const {
    if (bits_ == 8) {
      const auto* bytes =
          reinterpret_cast<const signed char*>(words);  // little-endian, as the words are
      for (std::size_t i = 0; i < used; ++i) lanes[i] = bytes[i];
    } else if (bits_ == 16) {
      std::memcpy(lanes.data(), words, used * sizeof(std::int16_t));
    } else {
      for_codes(words, used, [&](std::size_t i, std::uint64_t code) {
        lanes[i] = static_cast<std::int16_t>(sign_extend(code, bits_));
      });
    }
    std::fill(lanes.begin() + static_cast<std::ptrdiff_t>(used), lanes.end(), std::int16_t{0});
  }
  void read(const std::uint32_t* words, std::size_t used, std::vector<float>& lanes) const {
    for_codes(words, used, [&](std::size_t i, std::uint64_t code) { lanes[i] = floats_[code]; });
    std::fill(lanes.begin() + static_cast<std::ptrdiff_t>(used), lanes.end(), 0.0F);
  }

 private:
  template <class Visit>
  void for_codes(const std::uint32_t* words, std::size_t used, Visit visit) const {
    const auto width = static_cast<std::size_t>(bits_);
    const std::span all(words, words_for_bits(used * width));
    for (std::size_t i = 0; i < used; ++i) visit(i, get_bits(all, i * width, bits_));
  }

  int bits_;
  std::vector<float> floats_;  // value of every code
};

// The first n sums of a row as a result beat, zero above.
template <class Sum>
void pack_sums(const Sum* row, std::uint32_t n, std::uint32_t bits,
               std::vector<std::uint32_t>& words) {
  std::fill(words.begin(), words.end(), 0U);
  if (sizeof(Sum) == 4 && bits == 32) {
    std::memcpy(words.data(), row, n * sizeof(Sum));
    return;
  }
  for (std::uint32_t c = 0; c < n; ++c) {
    put_bits(words, c * bits, static_cast<int>(bits), static_cast<std::uint64_t>(row[c]));
  }
}
inline void pack_sums(const float* row, std::uint32_t n, std::uint32_t,
                      std::vector<std::uint32_t>& words) {
  constexpr std::uint32_t kCanonicalNan = 0x7FC00000;
  std::fill(words.begin(), words.end(), 0U);
  std::memcpy(words.data(), row, n * sizeof(float));
  for (std::uint32_t c = 0; c < n; ++c) {
    if (std::isnan(row[c])) words[c] = kCanonicalNan;
  }
}

}  // namespace bitsmith::systolic
