#include "pe/bit_serial/golden.h"

#include <algorithm>
#include <array>

#include "common/error.h"
#include "numerics/float_arithmetic.h"
#include "numerics/pack.h"

namespace bitsmith::bit_serial {
namespace {

constexpr int kFp16Mantissa = 10;
constexpr int kFp16Specials = 31;  // exponent field of infinities and NaN
constexpr std::uint32_t kFloat32Nan = 0x7FC00000;
constexpr int kGuardBits = 3;
constexpr int kMantissaBits = 15;   // of a group's sum
constexpr int kUnitExponent = -28;  // 2^-25 of a significand in exponent 0, and the guard bits

std::int64_t power_of_two(int exponent) { return std::int64_t{1} << exponent; }

// The largest integer that is not above value / 2^shift.
std::int64_t floor_shift(std::int64_t value, int shift) {
  const int places = std::min(shift, 62);
  const std::int64_t quotient = value / power_of_two(places);
  const bool inexact = quotient * power_of_two(places) != value;
  return quotient - (inexact && value < 0 ? 1 : 0);
}

// ---- weights

// Magnitude in halves and sign of an fp4 or fp3 weight.
struct HalfUnits {
  std::uint32_t magnitude;
  bool negative;
};

HalfUnits half_units(const Params& params, std::uint32_t code, std::uint32_t select) {
  const bool is_fp4 = weight_kind(params) == WeightKind::fp4;
  const std::uint32_t sign = is_fp4 ? 8 : 4;
  if (code == sign) {
    constexpr std::array<double, 4> kFp4 = {-5, 5, -8, 8};
    constexpr std::array<double, 4> kFp3 = {-3, 3, -6, 6};
    const double value = is_fp4 ? kFp4[select] : kFp3[select];
    return {static_cast<std::uint32_t>(value < 0 ? -2 * value : 2 * value), value < 0};
  }
  const double value = decode(*params.weight, code);
  return {static_cast<std::uint32_t>(value < 0 ? -2 * value : 2 * value), value < 0};
}

// The highest set bit of `bits` among `highest` .. 0, taken out of it.
Term take_leading_one(std::uint32_t& bits, int highest, int lowest, bool negative) {
  for (int bit = highest; bit >= lowest; --bit) {
    if ((bits >> bit & 1) == 0) continue;
    bits &= ~(std::uint32_t{1} << bit);
    return {true, negative, bit - lowest, lowest};
  }
  return {false, false, 0, lowest};
}

// Digit i of the radix-4 Booth code: -2 b(2i+1) + b(2i) + b(2i-1).
Term booth_digit(std::int64_t value, int i) {
  const auto bit = [&](int at) {
    return at < 0 ? 0 : static_cast<int>(floor_shift(value, at) & 1);
  };
  const int digit = -2 * bit(2 * i + 1) + bit(2 * i) + bit(2 * i - 1);
  return {digit != 0, digit < 0, digit == 2 || digit == -2 ? 1 : 0, 2 * i};
}

// Pair i of the digits of the canonical signed-digit code, no two of which in a row are not zero:
// from the lowest bit on, an odd rest gives the digit 1 or -1 that leaves a multiple of four.
Term canonical_pair(std::int64_t value, int i) {
  Term term{false, false, 0, 2 * i};
  for (int place = 0; place <= 2 * i + 1; ++place) {
    int digit = 0;
    if (value % 2 != 0) digit = (value % 4 + 4) % 4 == 1 ? 1 : -1;
    value = (value - digit) / 2;
    if (place >= 2 * i && digit != 0) term = {true, digit < 0, place - 2 * i, 2 * i};
  }
  return term;
}

// ---- activations

struct Activation {
  bool negative;
  int exponent;  // field, 1 for subnormals
  std::int64_t significand;
};

Activation unpack_fp16(std::uint32_t code) {
  const int field = static_cast<int>(code >> kFp16Mantissa & 31);
  const std::int64_t mantissa = code & low_mask(kFp16Mantissa);
  return {(code >> 15 & 1) != 0, std::max(field, 1),
          mantissa + (field == 0 ? 0 : power_of_two(kFp16Mantissa))};
}

bool is_special(std::uint32_t code) {
  return (code >> kFp16Mantissa & kFp16Specials) == kFp16Specials;
}

// ---- one result

// Operands of one result in one group.
struct Group {
  const Params& params;
  const OperandViews& x;
  std::size_t m, n;
  std::size_t begin, end;  // of k
  std::uint32_t select;

  std::vector<Term> terms(std::size_t k) const {
    return terms_of(params, k < end ? x.w(k, n) : 0, select);
  }
  std::uint32_t activation(std::size_t k) const { return k < end ? x.a(m, k) : 0; }
};

GroupSum float_sum(const Group& group) {
  const std::uint32_t lanes = group.params.lanes;
  GroupSum sum;
  for (std::size_t beat = group.begin; beat < group.end; beat += lanes) {
    std::vector<std::uint32_t> activations;
    std::vector<std::vector<Term>> weights;
    for (std::size_t k = beat; k < beat + lanes; ++k) {
      activations.push_back(group.activation(k));
      weights.push_back(group.terms(k));
    }
    for (std::uint32_t i = 0; i < term_count(group.params); ++i) {
      std::vector<Term> terms;
      for (const auto& weight : weights) terms.push_back(weight[i]);
      const bool is_empty =
          std::none_of(terms.begin(), terms.end(), [](const Term& term) { return term.one; });
      if (group.params.skip_zero_terms && is_empty) continue;
      sum = accumulate(sum, dot(activations, terms), terms[0].significance, lanes);
    }
  }
  return sum;
}

bool has_special(const Group& group) {
  for (std::size_t k = group.begin; k < group.end; ++k) {
    if (is_special(group.activation(k))) return true;
  }
  return false;
}

std::int64_t integer_sum(const Group& group) {
  std::int64_t sum = 0;
  for (std::size_t k = group.begin; k < group.end; ++k) {
    for (const Term& term : group.terms(k)) {
      if (!term.one) continue;
      const std::int64_t product =
          sign_extend(group.activation(k), 8) * power_of_two(term.exponent + term.significance);
      sum += term.negative ? -product : product;
    }
  }
  return sum;
}

std::int64_t result(const Params& params, const OperandViews& x, std::size_t m, std::size_t n) {
  std::uint32_t float_total = 0;
  std::int64_t integer_total = 0;
  for (std::size_t g = 0; g < x.s.rows; ++g) {
    const std::uint32_t code = x.s(g, n);
    const std::int64_t scale = sign_extend(code, kScaleBits);
    const std::size_t begin = g * params.group;
    const Group group{
        params, x, m, n, begin, std::min(begin + params.group, x.a.cols), code >> kScaleBits & 3};
    if (is_floating_point(params)) {
      const std::uint32_t addend =
          has_special(group) ? kFloat32Nan : dequantise(params, float_sum(group), scale);
      float_total = float_add(kFloat32, float_total, addend);
    } else {
      integer_total += scale * integer_sum(group);
    }
  }
  if (is_floating_point(params)) return sign_extend(float_total, kFloatSumBits);
  const std::int64_t half = power_of_two(kIntegerSumBits - 1);
  check(integer_total >= -half && integer_total < half, "a sum does not fit the accumulator");
  return integer_total;
}

}  // namespace

std::vector<Term> terms_of(const Params& params, std::uint32_t code, std::uint32_t select) {
  code &= static_cast<std::uint32_t>(low_mask(params.weight->bits));
  switch (weight_kind(params)) {
    case WeightKind::booth:
    case WeightKind::canonical: {
      std::vector<Term> terms;
      const std::int64_t value = sign_extend(code, params.weight->bits);
      for (int i = 0; 2 * i < params.weight->bits; ++i) {
        terms.push_back(params.recoding == Recoding::booth ? booth_digit(value, i)
                                                           : canonical_pair(value, i));
      }
      return terms;
    }
    case WeightKind::ternary: {
      const double value = decode(*params.weight, code);
      return {{value != 0, value < 0, 0, 0}};
    }
    default: {
      auto [bits, negative] = half_units(params, code, select);
      const Term first = take_leading_one(bits, 4, 1, negative);
      return {first, take_leading_one(bits, 3, 0, negative)};
    }
  }
}

Dot dot(std::span<const std::uint32_t> activations, std::span<const Term> terms) {
  std::vector<int> exponents;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    exponents.push_back(terms[i].one ? unpack_fp16(activations[i]).exponent + terms[i].exponent
                                     : 0);
  }
  Dot result{0, *std::max_element(exponents.begin(), exponents.end())};
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (!terms[i].one) continue;
    const Activation a = unpack_fp16(activations[i]);
    const std::int64_t magnitude =
        floor_shift(a.significand * power_of_two(kGuardBits), result.exponent - exponents[i]);
    result.sum += a.negative != terms[i].negative ? -magnitude : magnitude;
  }
  return result;
}

GroupSum accumulate(GroupSum sum, Dot dot, int significance, std::uint32_t lanes) {
  const int up = 5 + static_cast<int>(std::bit_width(lanes));  // 6 + log2 lanes
  const int exponent = std::max(sum.exponent, dot.exponent + up);
  const std::int64_t total =
      floor_shift(dot.sum * power_of_two(significance), exponent - dot.exponent - up) +
      floor_shift(sum.mantissa * power_of_two(up), exponent - sum.exponent);
  // As far up as it goes within a two's complement number of the frame and one bit.
  const std::int64_t half = power_of_two(kMantissaBits + up);
  int places = 0;
  const auto fits = [&](int by) {
    const std::int64_t moved = total * power_of_two(by);
    return moved >= -half && moved < half;
  };
  check(fits(0), "a group's sum leaves its frame");
  while (places <= up && fits(places + 1)) ++places;
  return {floor_shift(total * power_of_two(places), up + 1), exponent + 1 - places};
}

std::uint32_t dequantise(const Params& params, GroupSum sum, std::int64_t scale) {
  const std::int64_t product = sum.mantissa * scale;
  if (product == 0) return 0;
  const auto magnitude = static_cast<std::uint64_t>(product < 0 ? -product : product);
  const int top = static_cast<int>(std::bit_width(magnitude)) - 1;
  check(top <= kFloat32.mantissa_bits, "a dequantised sum is not exact in FP32");
  const int exponent = top + sum.exponent + kUnitExponent - static_cast<int>(fraction_bits(params));
  const auto fraction =
      static_cast<std::uint32_t>((magnitude - static_cast<std::uint64_t>(power_of_two(top)))
                                 << (kFloat32.mantissa_bits - top));
  const auto field = static_cast<std::uint32_t>(exponent + kFloat32.bias());
  return (product < 0 ? std::uint32_t{1} << 31 : 0U) | field << kFloat32.mantissa_bits | fraction;
}

void golden(const Params& params, const OperandViews& x, MatrixView<std::int64_t> y) {
  check(x.a.cols == x.w.rows && y.rows == x.a.rows && y.cols == x.w.cols && x.s.cols == x.w.cols &&
            x.s.rows == group_count(params, x.a.cols),
        "shapes of a GEMM do not agree");
  for (std::size_t m = 0; m < y.rows; ++m) {
    for (std::size_t n = 0; n < y.cols; ++n) y(m, n) = result(params, x, m, n);
  }
}

}  // namespace bitsmith::bit_serial
