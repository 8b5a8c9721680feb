// The right results of the array of shift-and-add PEs, rule by rule as sim/pe/mixpe/README.md
// defines them, in plain integers. It knows neither cycles nor registers and shares with the cycle
// model only sim/numerics and the parameters.
#pragma once

#include <cstdint>

#include "pe/matrix.h"
#include "pe/mixpe/params.h"

namespace bitsmith::mixpe {

// A digit of a weight: `bits` shifted up by `place`; the top one is subtracted if `is_signed`.
struct WeightDigit {
  std::uint32_t bits = 0;
  std::uint32_t width = 1;
  std::uint32_t place = 0;
  bool is_signed = false;

  std::int64_t value() const;  // without its place
};
// Digit i of an integer weight, i below digit_count(params), the lowest first.
WeightDigit digit_of(const Params& params, std::uint32_t code, std::uint32_t i);

// a x digit, and a x weight: shifts and additions over the bits that are set, digit after digit. A
// power of two is one shift.
std::int64_t product(std::int64_t a, const WeightDigit& digit);
std::int64_t product(const Params& params, std::int64_t a, std::uint32_t weight);

// FP16 x weight: the significand's product at the activation's exponent, which FP32 holds exactly.
std::uint32_t float_product(const Params& params, std::uint32_t a, std::uint32_t weight);

// The FP32 number nearest to an integer, ties to even; +0 for 0.
std::uint32_t to_float32(std::int64_t value);

// The sums of one group, integers or FP32 codes.
struct GroupSums {
  std::int64_t products = 0;     // SW
  std::int64_t activations = 0;  // SA
};
// D, less the zero point's part; X, times the scale (a code).
std::int64_t without_zero_point(const Params& params, GroupSums sums, std::uint32_t zero);
std::int64_t scaled(const Params& params, std::int64_t sum, std::uint32_t scale);

// Y[m,n] = sum over the groups of k of scale * (sum over the group of A[m,k] * (W[k,n] - zero)). S:
// a row of scales per group, above one of zero points if the weights are unsigned. Bits of an FP32
// number, or an exact integer with INT8 scales; InternalError if that leaves its 32 bits.
void golden(const Params& params, const OperandViews& operands, MatrixView<std::int64_t> y);

}  // namespace bitsmith::mixpe
