// Products and sums of IEEE-style floating-point codes, bit for bit as IEEE 754-2019 asks: rounded
// once to the nearest, ties to even, with subnormals in and out, overflow to infinity.
//
// Pure integer arithmetic: the host's floating point has no part in it, so neither compiler options
// nor the rounding mode can change a result. A code is right aligned; bits above the width of its
// layout are ignored. Whatever makes NaN makes the canonical one, positive and quiet with mantissa
// 10..0 (FP32: 0x7FC00000).
#pragma once

#include <cstdint>

#include "numerics/format.h"

namespace bitsmith {

// Sign, exponent with bias 2^(exponent_bits - 1) - 1, mantissa without its hidden bit.
struct FloatLayout {
  int exponent_bits;
  int mantissa_bits;
  Specials specials;

  constexpr int bits() const { return 1 + exponent_bits + mantissa_bits; }
  constexpr int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  bool operator==(const FloatLayout&) const = default;
};

inline constexpr FloatLayout kFloat32{8, 23, Specials::ieee};

// The layout of a minifloat. InternalError if `format` is not a signed minifloat with exponent bits
// and that bias.
FloatLayout float_layout(const Format& format);

// a * b in the layout `out`; each operand has its own layout. Layouts have 2..8 exponent and at
// most 23 mantissa bits; `out` is IEEE (Specials::ieee) and has mantissa bits, otherwise
// InternalError.
std::uint32_t float_multiply(FloatLayout a_layout, std::uint32_t a, FloatLayout b_layout,
                             std::uint32_t b, FloatLayout out);

// a + b, all three in the same IEEE layout, otherwise InternalError.
std::uint32_t float_add(FloatLayout layout, std::uint32_t a, std::uint32_t b);

}  // namespace bitsmith
