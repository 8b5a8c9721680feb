// Pairs of floating-point codes that look for mistakes of adders and multipliers.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <utility>

#include "numerics/float_arithmetic.h"

namespace bitsmith::test {

using FloatPair = std::pair<std::uint32_t, std::uint32_t>;

// Endless and the same for the same seed. `out` is where products lead: some pairs aim at the ends
// of its range.
class FloatPairs {
 public:
  FloatPairs(FloatLayout a, FloatLayout b, FloatLayout out, std::uint64_t seed)
      : a_(a), b_(b), out_(out), random_(seed) {}

  FloatPair next() {
    switch (below(8)) {
      case 0:
        return {corner(a_), corner(b_)};
      case 1:
        return below(2) == 0 ? FloatPair{corner(a_), any(b_)} : FloatPair{any(a_), corner(b_)};
      case 2:
        return {few_ones(a_), few_ones(b_)};
      case 3:
        return close_exponents();
      case 4:
        return near_cancellation();
      case 5:
        return at_range_end();
      default:
        return {any(a_), any(b_)};
    }
  }

 private:
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
  std::uint32_t any(FloatLayout f) {
    return static_cast<std::uint32_t>(random_()) &
           static_cast<std::uint32_t>((std::uint64_t{1} << f.bits()) - 1);
  }
  std::uint32_t any_sign(FloatLayout f) { return below(2) << (f.bits() - 1); }
  static std::uint32_t fields(FloatLayout f) { return std::uint32_t{1} << f.exponent_bits; }
  static std::uint32_t mantissas(FloatLayout f) { return std::uint32_t{1} << f.mantissa_bits; }

  // Zero, one, infinity, NaN, and the ends of the subnormal and normal numbers, or next to one.
  std::uint32_t corner(FloatLayout f) {
    const std::uint32_t binade = mantissas(f);
    const std::array<std::uint32_t, 8> magnitudes{0,
                                                  1,
                                                  binade / 2,
                                                  binade,
                                                  static_cast<std::uint32_t>(f.bias()) * binade,
                                                  (fields(f) - 2) * binade,
                                                  (fields(f) - 1) * binade,
                                                  fields(f) * binade - 1};
    const std::uint32_t near = magnitudes[below(8)] + below(3) - 1;
    return any_sign(f) | (near & (fields(f) * binade - 1));
  }

  // Mantissas that begin with some ones or zeros and go on with the other: ties, long carries.
  std::uint32_t few_ones(FloatLayout f) {
    const std::uint32_t step =
        mantissas(f) >> below(static_cast<std::uint32_t>(f.mantissa_bits) + 1);
    const std::uint32_t mantissa =
        (below(2) == 0 ? step : mantissas(f) - step) & (mantissas(f) - 1);
    return any_sign(f) | (below(fields(f)) << f.mantissa_bits) | mantissa;
  }

  static std::uint32_t with_field(FloatLayout f, std::uint32_t code, int field) {
    const int largest = static_cast<int>(fields(f)) - 1;
    const auto limited = static_cast<std::uint32_t>(field < 0         ? 0
                                                    : field > largest ? largest
                                                                      : field);
    return (code & ~((fields(f) - 1) << f.mantissa_bits)) | (limited << f.mantissa_bits);
  }
  static int field_of(FloatLayout f, std::uint32_t code) {
    return static_cast<int>((code >> f.mantissa_bits) & (fields(f) - 1));
  }

  // Far enough apart for every way an adder can align and round.
  FloatPair close_exponents() {
    const std::uint32_t a = below(2) == 0 ? any(a_) : few_ones(a_);
    const std::uint32_t b = below(2) == 0 ? any(b_) : few_ones(b_);
    const int reach = a_.mantissa_bits + 4;
    const int distance = static_cast<int>(below(static_cast<std::uint32_t>(2 * reach + 1))) - reach;
    return {a, with_field(b_, b, field_of(a_, a) - a_.bias() + b_.bias() + distance)};
  }

  // Opposite signs, the same magnitude up to a few last places.
  FloatPair near_cancellation() {
    const std::uint32_t a = any(a_);
    const std::uint32_t sign = std::uint32_t{1} << (b_.bits() - 1);
    const std::uint32_t few = std::uint32_t{1}
                              << below(static_cast<std::uint32_t>(b_.mantissa_bits) + 2);
    return {a, ((a ^ sign) + below(2 * few + 1) - few) & (2 * sign - 1)};
  }

  // A product about as small as the smallest subnormal, the smallest normal or the largest number.
  FloatPair at_range_end() {
    const std::uint32_t a = below(2) == 0 ? any(a_) : few_ones(a_);
    const std::uint32_t b = below(2) == 0 ? any(b_) : few_ones(b_);
    const std::array<int, 3> ends{1 - out_.bias() - out_.mantissa_bits, 1 - out_.bias(),
                                  out_.bias()};
    const int exponent = ends[below(3)] + static_cast<int>(below(7)) - 3;
    return {a, with_field(b_, b, exponent - (field_of(a_, a) - a_.bias()) + b_.bias())};
  }

  FloatLayout a_, b_, out_;
  std::mt19937_64 random_;
};

}  // namespace bitsmith::test
