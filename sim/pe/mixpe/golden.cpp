#include "pe/mixpe/golden.h"

#include <array>

#include "common/error.h"
#include "numerics/float_arithmetic.h"
#include "numerics/pack.h"

namespace bitsmith::mixpe {
namespace {

constexpr FloatLayout kFloat16{5, 10, Specials::ieee};
constexpr std::uint32_t kFloat32Nan = 0x7FC00000;
constexpr std::uint32_t kFloat32Infinity = 0x7F800000;
constexpr std::uint32_t kFloat32Sign = 0x80000000;
constexpr std::size_t kMostLanes = 4;

std::int64_t power_of_two(std::uint32_t exponent) { return std::int64_t{1} << exponent; }

// magnitude * 2^exponent as FP32, nearest even; the exponent is that of a normal number.
std::uint32_t normal_float32(bool negative, std::uint64_t magnitude, int exponent) {
  if (magnitude == 0) return negative ? kFloat32Sign : 0;
  int places = 0;
  std::uint64_t kept = magnitude;
  while (kept >= std::uint64_t{1} << (kFloat32.mantissa_bits + 1)) {
    kept /= 2;
    ++places;
  }
  if (places > 0) {
    const std::uint64_t rest = magnitude - (kept << places);
    const std::uint64_t half = std::uint64_t{1} << (places - 1);
    if (rest > half || (rest == half && kept % 2 == 1)) ++kept;
  }
  while (kept < std::uint64_t{1} << kFloat32.mantissa_bits) {
    kept *= 2;
    --places;
  }
  const int field = exponent + places + kFloat32.mantissa_bits + kFloat32.bias();
  check(field >= 1 && field <= 253, "a product is no normal FP32 number");
  // A carry out of the mantissa runs into the exponent: kept has its hidden bit.
  const std::uint64_t bits =
      (static_cast<std::uint64_t>(field - 1) << kFloat32.mantissa_bits) + kept;
  return static_cast<std::uint32_t>(bits) | (negative ? kFloat32Sign : 0);
}

std::uint32_t exact_float32(bool negative, std::uint64_t magnitude, int exponent) {
  check(magnitude < std::uint64_t{1} << (kFloat32.mantissa_bits + 1), "a product is not exact");
  return normal_float32(negative, magnitude, exponent);
}

std::uint32_t code_of(std::int64_t value) { return static_cast<std::uint32_t>(value); }

std::uint32_t add(std::uint32_t a, std::uint32_t b) { return float_add(kFloat32, a, b); }

// Sign and exponent field of a power of two.
struct PowerOfTwo {
  bool negative;
  std::uint32_t field;
};
PowerOfTwo power_of_two_weight(const Params& params, std::uint32_t code) {
  const std::uint32_t sign = std::uint32_t{1} << (weight_bits(params) - 1);
  return {(code & sign) != 0, code & (sign - 1)};
}

// ---- FP16

struct Float16 {
  bool negative;
  bool is_special;
  bool is_nan;
  std::int64_t significand;
  int exponent;  // of the significand's lowest bit
};
Float16 unpack_float16(std::uint32_t code) {
  const std::uint32_t mantissa = code & 0x3FF;
  const std::uint32_t field = code >> 10 & 31;
  return {(code >> 15 & 1) != 0, field == 31, field == 31 && mantissa != 0,
          mantissa + (field == 0 ? 0 : power_of_two(10)),
          static_cast<int>(field == 0 ? 1 : field) - 25};
}

// ---- one result

// Operands of one result in one group.
struct Group {
  const Params& params;
  const OperandViews& x;
  std::size_t m, n;
  std::size_t begin, end;  // of k

  std::uint32_t activation(std::size_t k) const { return k < end ? x.a(m, k) : 0; }
  std::uint32_t weight(std::size_t k) const { return k < end ? x.w(k, n) : 0; }
};

// FP32 sum of `value_of(k)`, token after token.
template <class ValueOf>
std::int64_t float_sum(const Group& group, ValueOf value_of) {
  const std::uint32_t lanes = group.params.lanes;
  std::uint32_t sum = 0;
  for (std::size_t beat = group.begin; beat < group.end; beat += lanes) {
    std::array<std::uint32_t, kMostLanes> p{};
    for (std::size_t l = 0; l < lanes; ++l) p[l] = value_of(beat + l);
    std::uint32_t of_lanes = p[0];
    if (lanes == 2) of_lanes = add(p[1], p[0]);
    if (lanes == 4) of_lanes = add(add(p[3], p[2]), add(p[1], p[0]));
    sum = add(sum, of_lanes);
  }
  return sum;
}

GroupSums sums_of(const Group& group) {
  const Params& params = group.params;
  GroupSums sums;
  if (sums_are_floating_point(params)) {
    sums.products = float_sum(group, [&](std::size_t k) {
      return float_product(params, group.activation(k), group.weight(k));
    });
    if (!has_zero_points(params)) return sums;
    Params of_activations = params;  // the same with q = 1
    of_activations.weight = find_format("uint2");
    of_activations.digit = Digit::parallel;
    sums.activations = float_sum(group, [&](std::size_t k) {
      return float_product(of_activations, group.activation(k), 1);
    });
    return sums;
  }
  for (std::size_t k = group.begin; k < group.end; ++k) {
    const std::int64_t a = sign_extend(group.activation(k), params.activation->bits);
    sums.products += product(params, a, group.weight(k));
    sums.activations += a;
  }
  return sums;
}

std::int64_t result(const Params& params, const OperandViews& x, std::size_t m, std::size_t n) {
  const std::size_t groups = group_count(params, x.a.cols);
  const std::uint32_t rows = scale_rows_per_group(params);
  std::int64_t total = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    const std::size_t begin = g * group_size(params);
    const Group group{params, x, m, n, begin, std::min(begin + group_size(params), x.a.cols)};
    const std::uint32_t zero = has_zero_points(params) ? x.s(rows * g + 1, n) : 0;
    const std::int64_t sum = without_zero_point(params, sums_of(group), zero);
    const std::int64_t addend = scaled(params, sum, x.s(rows * g, n));
    if (results_are_floating_point(params)) {
      total = add(code_of(total), code_of(addend));
    } else {
      total += addend;
    }
  }
  if (results_are_floating_point(params)) return sign_extend(code_of(total), kResultBits);
  const std::int64_t half = power_of_two(kResultBits - 1);
  check(total >= -half && total < half, "a sum does not fit 32 bits");
  return total;
}

}  // namespace

std::int64_t WeightDigit::value() const {
  const std::int64_t unsigned_value = bits;
  return is_signed && (bits >> (width - 1) & 1) != 0 ? unsigned_value - power_of_two(width)
                                                     : unsigned_value;
}

WeightDigit digit_of(const Params& params, std::uint32_t code, std::uint32_t i) {
  check(params.weight->kind == FormatKind::integer, "a power of two has no digits");
  const std::uint32_t width = digit_bits(params);
  const bool is_signed = weight_kind(params) == WeightKind::signed_integer;
  const std::uint64_t low = code & low_mask(params.weight->bits);
  const std::uint64_t extended =
      is_signed ? static_cast<std::uint64_t>(sign_extend(low, params.weight->bits)) : low;
  const std::uint64_t bits = extended >> (i * width) & low_mask(static_cast<int>(width));
  return {static_cast<std::uint32_t>(bits), width, i * width,
          is_signed && i + 1 == digit_count(params)};
}

std::int64_t product(std::int64_t a, const WeightDigit& digit) {
  std::int64_t sum = 0;
  for (std::uint32_t i = 0; i < digit.width; ++i) {
    if ((digit.bits >> i & 1) == 0) continue;
    const std::int64_t shifted = a * power_of_two(i);
    sum += digit.is_signed && i + 1 == digit.width ? -shifted : shifted;
  }
  return sum;
}

std::int64_t product(const Params& params, std::int64_t a, std::uint32_t weight) {
  if (weight_kind(params) == WeightKind::power_of_two) {
    const auto [negative, field] = power_of_two_weight(params, weight);
    if (field == 0) return 0;
    const std::int64_t shifted = a * power_of_two(field - 1);
    return negative ? -shifted : shifted;
  }
  std::int64_t sum = 0;
  for (std::uint32_t i = 0; i < digit_count(params); ++i) {
    const WeightDigit digit = digit_of(params, weight, i);
    sum += product(a, digit) * power_of_two(digit.place);
  }
  return sum;
}

std::uint32_t float_product(const Params& params, std::uint32_t a, std::uint32_t weight) {
  const Float16 x = unpack_float16(a);
  const std::int64_t integer = product(params, x.is_special ? 1 : x.significand, weight);
  const bool negative = x.negative != (integer < 0);
  if (x.is_special) {
    if (x.is_nan || integer == 0) return kFloat32Nan;
    return kFloat32Infinity | (negative ? kFloat32Sign : 0);
  }
  return exact_float32(negative, static_cast<std::uint64_t>(integer < 0 ? -integer : integer),
                       x.exponent);
}

std::uint32_t to_float32(std::int64_t value) {
  const auto magnitude = static_cast<std::uint64_t>(value);
  return normal_float32(value < 0, value < 0 ? -magnitude : magnitude, 0);
}

std::int64_t without_zero_point(const Params& params, GroupSums sums, std::uint32_t zero) {
  if (!has_zero_points(params)) return sums.products;
  zero &= static_cast<std::uint32_t>(low_mask(params.weight->bits));
  if (!sums_are_floating_point(params)) return sums.products - zero * sums.activations;
  const std::uint32_t correction =
      float_multiply(kFloat32, to_float32(zero), kFloat32, code_of(sums.activations), kFloat32);
  return add(code_of(sums.products), correction ^ kFloat32Sign);
}

std::int64_t scaled(const Params& params, std::int64_t sum, std::uint32_t scale) {
  if (!results_are_floating_point(params)) return sum * sign_extend(scale, params.scale->bits);
  const std::uint32_t value = sums_are_floating_point(params) ? code_of(sum) : to_float32(sum);
  return float_multiply(kFloat32, value, kFloat16, scale, kFloat32);
}

void golden(const Params& params, const OperandViews& x, MatrixView<std::int64_t> y) {
  check(x.a.cols == x.w.rows && y.rows == x.a.rows && y.cols == x.w.cols && x.s.cols == x.w.cols &&
            x.s.rows == scale_rows_per_group(params) * group_count(params, x.a.cols),
        "shapes of a GEMM do not agree");
  for (std::size_t m = 0; m < y.rows; ++m) {
    for (std::size_t n = 0; n < y.cols; ++n) y(m, n) = result(params, x, m, n);
  }
}

}  // namespace bitsmith::mixpe
