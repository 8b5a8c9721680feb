#include "numerics/float_arithmetic.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "common/error.h"

namespace bitsmith {
namespace {

enum class Kind : std::uint8_t { finite, infinite, nan };

// A decoded code. The magnitude of a finite one is significand * 2^exponent.
struct Number {
  Kind kind;
  bool negative;
  std::uint64_t significand;
  int exponent;
};

constexpr std::uint32_t low_bits(int count) { return (std::uint32_t{1} << count) - 1; }

void check_layout(FloatLayout layout) {
  check(layout.exponent_bits >= 2 && layout.exponent_bits <= 8 && layout.mantissa_bits >= 0 &&
            layout.mantissa_bits <= 23,
        "a floating-point layout is out of range");
}

void check_ieee(FloatLayout layout) {
  check_layout(layout);
  check(layout.specials == Specials::ieee && layout.mantissa_bits >= 1,
        "a floating-point result needs an IEEE layout");
}

std::uint32_t infinity(FloatLayout layout, bool negative) {
  return (std::uint32_t{negative} << (layout.bits() - 1)) |
         (low_bits(layout.exponent_bits) << layout.mantissa_bits);
}

std::uint32_t canonical_nan(FloatLayout layout) {
  return infinity(layout, false) | (std::uint32_t{1} << (layout.mantissa_bits - 1));
}

Number unpack(FloatLayout layout, std::uint32_t code) {
  const bool negative = ((code >> (layout.bits() - 1)) & 1) != 0;
  const std::uint32_t magnitude = code & low_bits(layout.bits() - 1);
  const std::uint32_t mantissa = magnitude & low_bits(layout.mantissa_bits);
  const std::uint32_t field = magnitude >> layout.mantissa_bits;
  if (layout.specials == Specials::ieee && field == low_bits(layout.exponent_bits)) {
    return {mantissa == 0 ? Kind::infinite : Kind::nan, negative, 0, 0};
  }
  if (layout.specials == Specials::nan_only && magnitude == low_bits(layout.bits() - 1)) {
    return {Kind::nan, negative, 0, 0};
  }
  const std::uint32_t hidden = field == 0 ? 0 : std::uint32_t{1} << layout.mantissa_bits;
  const int scale = static_cast<int>(std::max<std::uint32_t>(field, 1));
  return {Kind::finite, negative, hidden | mantissa, scale - layout.bias() - layout.mantissa_bits};
}

// The code nearest to significand * 2^exponent, ties to even.
std::uint32_t round_to(FloatLayout layout, bool negative, std::uint64_t significand, int exponent) {
  const std::uint32_t sign = std::uint32_t{negative} << (layout.bits() - 1);
  if (significand == 0) return sign;

  // The exponent of the result's last place: its mantissa is full, or it is as low as it can be.
  const int lowest = 1 - layout.bias() - layout.mantissa_bits;
  const int last_place = std::max(
      exponent + static_cast<int>(std::bit_width(significand)) - 1 - layout.mantissa_bits, lowest);
  const int drop = last_place - exponent;
  std::uint64_t kept = 0;
  if (drop <= 0) {
    kept = significand << -drop;
  } else if (drop < 64) {
    kept = significand >> drop;
    const std::uint64_t rest = significand - (kept << drop);
    const std::uint64_t half = std::uint64_t{1} << (drop - 1);
    if (rest > half || (rest == half && (kept & 1) != 0)) ++kept;
  }  // else less than half of the lowest place

  // Adding the mantissa with its hidden bit to the exponent below it makes the carry of a rounding
  // go the right way: from subnormal to normal, and from one binade to the next.
  const std::uint64_t magnitude =
      (static_cast<std::uint64_t>(last_place - lowest) << layout.mantissa_bits) + kept;
  return magnitude >= infinity(layout, false) ? infinity(layout, negative)
                                              : sign | static_cast<std::uint32_t>(magnitude);
}

}  // namespace

FloatLayout float_layout(const Format& format) {
  const FloatLayout layout{format.exponent_bits, format.mantissa_bits, format.specials};
  check(format.kind == FormatKind::minifloat && format.is_signed && format.exponent_bits > 0,
        fmt::format("{} is not a minifloat with a sign and an exponent", format.name));
  check(format.bias == layout.bias() && format.bits == layout.bits(),
        fmt::format("{} does not have the bias of IEEE 754", format.name));
  return layout;
}

std::uint32_t float_multiply(FloatLayout a_layout, std::uint32_t a, FloatLayout b_layout,
                             std::uint32_t b, FloatLayout out) {
  check_layout(a_layout);
  check_layout(b_layout);
  check_ieee(out);
  const Number x = unpack(a_layout, a);
  const Number y = unpack(b_layout, b);
  const bool negative = x.negative != y.negative;
  if (x.kind == Kind::nan || y.kind == Kind::nan) return canonical_nan(out);
  if (x.kind == Kind::infinite || y.kind == Kind::infinite) {
    const bool has_zero = (x.kind == Kind::finite && x.significand == 0) ||
                          (y.kind == Kind::finite && y.significand == 0);
    return has_zero ? canonical_nan(out) : infinity(out, negative);
  }
  return round_to(out, negative, x.significand * y.significand, x.exponent + y.exponent);
}

std::uint32_t float_add(FloatLayout layout, std::uint32_t a, std::uint32_t b) {
  check_ieee(layout);
  Number x = unpack(layout, a);
  Number y = unpack(layout, b);
  if (x.kind == Kind::nan || y.kind == Kind::nan) return canonical_nan(layout);
  if (x.kind == Kind::infinite || y.kind == Kind::infinite) {
    const bool opposite = x.kind == y.kind && x.negative != y.negative;
    const bool negative = x.kind == Kind::infinite ? x.negative : y.negative;
    return opposite ? canonical_nan(layout) : infinity(layout, negative);
  }

  if (x.exponent < y.exponent) std::swap(x, y);
  // The larger moves up as far as 64 bits allow, so that the sum is exact up to this distance. A
  // number farther away is less than a thousandth of the larger's last place: the nearest code is
  // the larger itself.
  constexpr int kRoom = 38;
  const int distance = x.exponent - y.exponent;
  const int up = std::min(distance, kRoom);
  const auto large = static_cast<std::int64_t>(x.significand << up);
  const auto small = distance <= kRoom ? static_cast<std::int64_t>(y.significand) : 0;
  const std::int64_t sum = (x.negative ? -large : large) + (y.negative ? -small : small);
  // An exact zero is positive unless both operands are negative.
  const bool negative = sum == 0 ? x.negative && y.negative : sum < 0;
  const auto magnitude = static_cast<std::uint64_t>(sum < 0 ? -sum : sum);
  return round_to(layout, negative, magnitude, x.exponent - up);
}

}  // namespace bitsmith
