// Golden results of the array of shift-and-add PEs: products of every code, the room card's vectors
// by hand, FP32 steps beside the host's, exact integers, and a bound of error against exact sums.
#include "pe/mixpe/golden.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <random>

#include "numerics/float_arithmetic.h"
#include "numerics/pack.h"

namespace bitsmith::mixpe {
namespace {

constexpr std::array kWeights = {"int2",  "int3",  "int4",  "int5",    "int6",  "int7",
                                 "int8",  "uint2", "uint3", "uint4",   "uint5", "uint6",
                                 "uint7", "uint8", "fp3",   "fp4_e3m0"};

Params params_of(const char* activation, const char* weight, Digit digit = Digit::parallel) {
  Params params;
  params.activation = find_format(activation);
  params.weight = find_format(weight);
  params.digit = digit;
  return params;
}

// All the ways in which an array may take this weight.
std::vector<Params> with_all_digits(const char* activation, const char* weight) {
  std::vector<Params> all = {params_of(activation, weight)};
  if (weight_kind(all[0]) == WeightKind::power_of_two) return all;
  all.push_back(params_of(activation, weight, Digit::one_bit));
  if (weight_bits(all[0]) > 2) all.push_back(params_of(activation, weight, Digit::two_bits));
  return all;
}

std::int64_t value_of(const Params& params, std::uint32_t code) {
  return static_cast<std::int64_t>(decode(*params.weight, code));
}

float float_of(std::uint32_t code) { return std::bit_cast<float>(code); }
std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }
std::int64_t y_of(std::uint32_t code) { return static_cast<std::int32_t>(code); }
std::uint16_t fp16(double value) {
  return static_cast<std::uint16_t>(encode(format("fp16"), value));
}

// ---- products

TEST(MixpeGolden, DigitsOfEveryCodeAddUpToItsValue) {
  for (const char* name : kWeights) {
    for (const Params& params : with_all_digits("int8", name)) {
      if (weight_kind(params) == WeightKind::power_of_two) continue;
      for (std::uint32_t code = 0; code < code_count(*params.weight); ++code) {
        std::int64_t sum = 0;
        for (std::uint32_t i = 0; i < digit_count(params); ++i) {
          const WeightDigit digit = digit_of(params, code, i);
          ASSERT_EQ(digit.bits >> digit.width, 0U);
          sum += digit.value() << digit.place;
        }
        ASSERT_EQ(sum, value_of(params, code)) << name << " " << code;
      }
    }
  }
}

// The bits of a digit that a product adds or subtracts are its value.
TEST(MixpeGolden, DigitsByHand) {
  const auto values = [](const char* weight, Digit digit, std::uint32_t code) {
    const Params params = params_of("int8", weight, digit);
    std::vector<std::int64_t> found;
    for (std::uint32_t i = 0; i < digit_count(params); ++i) {
      found.push_back(digit_of(params, code, i).value());
    }
    return found;
  };
  using Values = std::vector<std::int64_t>;
  EXPECT_EQ(values("uint4", Digit::two_bits, 9), (Values{1, 2}));
  EXPECT_EQ(values("uint4", Digit::two_bits, 2), (Values{2, 0}));
  EXPECT_EQ(values("uint4", Digit::two_bits, 15), (Values{3, 3}));
  EXPECT_EQ(values("int4", Digit::two_bits, 11), (Values{3, -2}));
  // Three bits in two digits: -3 = 101, extended 1101 = 1 + (-1) x 4.
  EXPECT_EQ(values("int3", Digit::two_bits, 5), (Values{1, -1}));
  EXPECT_EQ(values("uint3", Digit::two_bits, 5), (Values{1, 1}));
  EXPECT_EQ(values("int4", Digit::one_bit, 11), (Values{1, 1, 0, -1}));
}

// Every code, every activation, every digit: hundreds of millions of products, counted where one
// is wrong.
TEST(MixpeGolden, ShiftingAndAddingIsMultiplying) {
  for (const char* activation : {"int8", "int16"}) {
    const Format& a_format = format(activation);
    for (const char* name : kWeights) {
      for (const Params& params : with_all_digits(activation, name)) {
        std::uint64_t wrong = 0;
        for (std::uint32_t code = 0; code < code_count(*params.weight); ++code) {
          const std::int64_t q = value_of(params, code);
          for (std::uint32_t a_code = 0; a_code < code_count(a_format); ++a_code) {
            const std::int64_t a = sign_extend(a_code, a_format.bits);
            wrong += product(params, a, code) != a * q ? 1 : 0;
          }
        }
        ASSERT_EQ(wrong, 0U) << activation << " " << name << " " << digit_count(params);
      }
    }
  }
}

// FP32 holds every product exactly, so the host's is it; infinities and NaN are IEEE's.
TEST(MixpeGolden, FloatProductsOfEveryCodeEqualTheHosts) {
  std::vector<float> values;
  for (std::uint32_t a = 0; a < 0x10000; ++a) {
    values.push_back(static_cast<float>(decode(format("fp16"), a)));
  }
  for (const char* name : kWeights) {
    const Params params = params_of("fp16", name);
    std::uint64_t wrong = 0;
    for (std::uint32_t code = 0; code < code_count(*params.weight); ++code) {
      const auto q = static_cast<float>(value_of(params, code));
      for (std::uint32_t a = 0; a < 0x10000; ++a) {
        const float expected = values[a] * q;
        const std::uint32_t found = float_product(params, a, code);
        const bool is_right =
            std::isnan(expected) ? found == 0x7FC00000 : float_of(found) == expected;
        wrong += is_right ? 0 : 1;
      }
    }
    ASSERT_EQ(wrong, 0U) << name;
  }
}

TEST(MixpeGolden, DigitsNeverChangeAFloatProduct) {
  std::mt19937_64 random(1);
  for (const char* name : kWeights) {
    const std::vector<Params> all = with_all_digits("fp16", name);
    for (int round = 0; round < 20000; ++round) {
      const auto a = static_cast<std::uint32_t>(random() & 0xFFFF);
      const auto code = static_cast<std::uint32_t>(random() & low_mask(all[0].weight->bits));
      for (const Params& params : all) {
        ASSERT_EQ(float_product(params, a, code), float_product(all[0], a, code)) << name;
      }
    }
  }
}

// ---- dequantisation

TEST(MixpeGolden, IntegersBecomeTheNearestFloat) {
  EXPECT_EQ(to_float32(0), 0U);
  EXPECT_EQ(to_float32(-1), bits_of(-1.0F));
  EXPECT_EQ(to_float32(16777217), bits_of(16777216.0F));    // a tie, to even
  EXPECT_EQ(to_float32(16777219), bits_of(16777220.0F));    // a tie, to even
  EXPECT_EQ(to_float32(-33554431), bits_of(-33554432.0F));  // carries
  std::mt19937_64 random(2);
  for (int round = 0; round < 1000000; ++round) {
    const std::int64_t value = sign_extend(random(), 1 + static_cast<int>(random() % 48));
    ASSERT_EQ(to_float32(value), bits_of(static_cast<float>(value))) << value;
  }
}

TEST(MixpeGolden, ZeroPointsAreTakenOffAllWeightsAtOnce) {
  std::mt19937_64 random(3);
  for (const char* name : {"uint2", "uint4", "uint7", "uint8"}) {
    for (const char* activation : {"int8", "int16"}) {
      const Params params = params_of(activation, name);
      for (int round = 0; round < 2000; ++round) {
        const auto zero = static_cast<std::uint32_t>(random() & low_mask(params.weight->bits));
        GroupSums sums;
        std::int64_t expected = 0;
        for (std::uint64_t k = 0; k < 1 + random() % 256; ++k) {
          const std::int64_t a = sign_extend(random(), params.activation->bits);
          const auto q = static_cast<std::uint32_t>(random() & low_mask(params.weight->bits));
          sums.products += product(params, a, q);
          sums.activations += a;
          expected += a * (static_cast<std::int64_t>(q) - zero);
        }
        // Bits of the code above the weight's are no part of a zero point.
        const std::uint32_t above = static_cast<std::uint32_t>(random()) << weight_bits(params);
        ASSERT_EQ(without_zero_point(params, sums, zero | above), expected);
      }
    }
  }
}

// C, D and X are one FP32 operation each.
TEST(MixpeGolden, FloatStepsEqualTheHosts) {
  std::mt19937_64 random(4);
  const auto same = [](std::int64_t code, float expected) {
    const auto bits = static_cast<std::uint32_t>(code);
    return std::isnan(expected) ? bits == 0x7FC00000 : bits == bits_of(expected);
  };
  const Params params = params_of("fp16", "uint8");
  for (int round = 0; round < 300000; ++round) {
    const auto sum = [&] {
      const std::uint64_t field = random() % 16 == 0 ? random() % 256 : 110 + random() % 40;
      return static_cast<std::uint32_t>((random() & 0x807FFFFF) | field << 23);
    };
    const std::uint32_t sw = sum(), sa = sum();
    const auto zero = static_cast<std::uint32_t>(random() & 0xFF);
    const auto scale = static_cast<std::uint32_t>(random() & 0xFFFF);
    const float c = static_cast<float>(zero) * float_of(sa);
    ASSERT_TRUE(same(without_zero_point(params, {sw, sa}, zero), float_of(sw) - c));
    const auto scale_value = static_cast<float>(decode(format("fp16"), scale));
    ASSERT_TRUE(same(scaled(params, sw, scale), float_of(sw) * scale_value));
  }
}

// ---- whole results

struct Operands {
  std::size_t m, n, k;
  std::vector<std::uint16_t> a, w, s;
};

std::vector<std::int64_t> compute(const Params& params, const Operands& x) {
  std::vector<std::int64_t> y(x.m * x.n);
  golden(params,
         {{x.a.data(), x.m, x.k, x.k},
          {x.w.data(), x.k, x.n, x.n},
          {x.s.data(), x.s.size() / x.n, x.n, x.n}},
         {y.data(), x.m, x.n, x.n});
  return y;
}

// SW = 27 - 10 + 105 = 122, SA = 5, C = 40, D = 82, times 0.5.
TEST(MixpeGolden, IntegersByHand) {
  const Operands x{1, 1, 3, {3, 0xFB, 7}, {9, 2, 15}, {0x3800, 8}};
  for (const Params& params : with_all_digits("int8", "uint4")) {
    EXPECT_EQ(compute(params, x)[0], y_of(0x42240000));
    Params integers = params;
    integers.scale = find_format("int8");
    Operands minus_three = x;
    minus_three.s[0] = 0xFD;
    EXPECT_EQ(compute(integers, minus_three)[0], -246);
  }
}

TEST(MixpeGolden, FloatsByHand) {
  Params params = params_of("fp16", "int4");
  params.lanes = 2;
  const std::array<std::uint32_t, 4> a = {0x7800, 0x3C01, 0x3555, 0x8001}, q = {7, 11, 3, 8};
  const std::array<std::uint32_t, 4> products = {0x48600000, 0xC0A02800, 0x3F7FF000, 0x35000000};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(float_product(params, a[i], q[i]), products[i]);
  EXPECT_EQ(float_add(kFloat32, products[1], products[0]), 0x485FFEC0U);
  EXPECT_EQ(float_add(kFloat32, products[3], products[2]), 0x3F7FF008U);
  EXPECT_EQ(float_add(kFloat32, 0x485FFEC0, 0x3F7FF008), 0x485FFF00U);
  const Operands x{1, 1, 4, {0x7800, 0x3C01, 0x3555, 0x8001}, {7, 11, 3, 8}, {0x2E66}};
  EXPECT_EQ(compute(params, x)[0], y_of(0x46B32733));
  // With weights of 1 the sum is that of the activations.
  EXPECT_EQ(compute(params, {1, 1, 4, x.a, {1, 1, 1, 1}, {0x3C00}})[0], y_of(0x47000155));
}

// fp4_e3m0: 1, -64, negative zero; fp3: -4, 2.
TEST(MixpeGolden, PowersOfTwoByHand) {
  Operands x{1, 1, 3, {5, 3, 100}, {1, 15, 8}, {0x3C00}};
  EXPECT_EQ(compute(params_of("int8", "fp4_e3m0"), x)[0], y_of(bits_of(5.0F - 192.0F)));
  x = {1, 1, 3, {5, 3, 100}, {7, 2, 4}, {0x3C00}};
  EXPECT_EQ(compute(params_of("int16", "fp3"), x)[0], y_of(bits_of(-20.0F + 6.0F)));
}

// Group 0: 16 ones of weight 1 times 2; group 1: 3 x 2 times -1. A group of one channel has one
// scale.
TEST(MixpeGolden, GroupsByHand) {
  Params params = params_of("int8", "int4");
  params.group = 16;
  Operands x{1, 1, 17, std::vector<std::uint16_t>(17, 1), std::vector<std::uint16_t>(17, 1), {}};
  x.a[16] = 3;
  x.w[16] = 2;
  x.s = {fp16(2), fp16(-1)};
  EXPECT_EQ(compute(params, x)[0], y_of(bits_of(26.0F)));
  params.group = kChannel;
  x.s = {fp16(2)};
  EXPECT_EQ(compute(params, x)[0], y_of(bits_of(44.0F)));
}

TEST(MixpeGolden, InfinitiesAndNanFollowIeee) {
  constexpr std::uint16_t kInfinity = 0x7C00, kNan = 0x7C01, kOne = 0x3C00;
  const Params integers = params_of("fp16", "int4"), unsigned_ones = params_of("fp16", "uint4");
  const auto y = [](const Params& params, std::uint16_t a, std::uint16_t w,
                    std::vector<std::uint16_t> s) {
    return static_cast<std::uint32_t>(compute(params, {1, 1, 2, {a, kOne}, {w, 1}, s})[0]);
  };
  EXPECT_EQ(y(integers, kInfinity, 3, {kOne}), 0x7F800000U);
  EXPECT_EQ(y(integers, kInfinity, 15, {kOne}), 0xFF800000U);
  EXPECT_EQ(y(integers, kInfinity, 0, {kOne}), 0x7FC00000U);
  EXPECT_EQ(y(integers, kNan, 3, {kOne}), 0x7FC00000U);
  EXPECT_EQ(y(integers, kOne, 1, {kInfinity}), 0x7F800000U);
  EXPECT_EQ(y(integers, kOne, 15, {kInfinity}), 0x7FC00000U);  // 0 x infinity
  EXPECT_EQ(y(integers, kOne, 1, {0xFE00}), 0x7FC00000U);
  EXPECT_EQ(y(unsigned_ones, kInfinity, 3, {kOne, 2}), 0x7FC00000U);  // infinity - infinity
  EXPECT_EQ(y(params_of("int8", "int4"), 1, 1, {0xFC00}), 0xFF800000U);
}

Operands random_operands(const Params& params, std::size_t m, std::size_t n, std::size_t k,
                         std::mt19937_64& random) {
  Operands x{m, n, k, {}, {}, {}};
  const auto fill = [&](std::vector<std::uint16_t>& codes, std::size_t size, int bits) {
    for (std::size_t i = 0; i < size; ++i) {
      codes.push_back(static_cast<std::uint16_t>(random() & low_mask(bits)));
    }
  };
  fill(x.a, m * k, params.activation->bits);
  fill(x.w, k * n, params.weight->bits);
  fill(x.s, scale_rows_per_group(params) * group_count(params, k) * n, params.scale->bits);
  return x;
}

// INT8 scales: exact integers, and the same for all digits and lanes.
TEST(MixpeGolden, EqualsExactIntegers) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 400; ++round) {
    const char* name = kWeights[random() % kWeights.size()];
    const std::size_t m = 1 + random() % 3, n = 1 + random() % 3, k = 1 + random() % 150;
    Params params = params_of("int8", name);
    params.scale = find_format("int8");
    params.group = static_cast<std::uint32_t>(16 * (1 + random() % 4));
    const Operands x = random_operands(params, m, n, k, random);
    std::vector<std::int64_t> expected(m * n);
    const bool with_zeros = has_zero_points(params);
    for (std::size_t i = 0; i < m * n; ++i) {
      for (std::size_t at = 0; at < k; ++at) {
        const std::size_t row = scale_rows_per_group(params) * (at / params.group);
        const std::uint64_t zero =
            with_zeros ? x.s[(row + 1) * n + i % n] & low_mask(params.weight->bits) : 0;
        expected[i] += sign_extend(x.s[row * n + i % n], 8) * sign_extend(x.a[i / n * k + at], 8) *
                       (value_of(params, x.w[at * n + i % n]) - static_cast<std::int64_t>(zero));
      }
    }
    for (Params& same : with_all_digits("int8", name)) {
      same.scale = params.scale;
      same.group = params.group;
      same.lanes = 1U << random() % 3;
      ASSERT_EQ(compute(same, x), expected) << "round " << round << " " << name;
    }
  }
}

// Largest operands at the longest K with INT8 scales; one more K does not fit.
TEST(MixpeGolden, LongestExactKIsTight) {
  const auto longest = [](const char* weight) {
    Params params = params_of("int8", weight);
    params.scale = find_format("int8");
    return longest_exact_k(params);
  };
  EXPECT_EQ(longest("int4"), 16383U);
  EXPECT_EQ(longest("uint4"), 8191U);
  EXPECT_EQ(longest("int8"), 1023U);
  EXPECT_EQ(longest("uint8"), 511U);
  EXPECT_EQ(longest_exact_k(params_of("int16", "int8")), ~std::uint64_t{0});
  Params params = params_of("int8", "int8");
  params.scale = find_format("int8");
  const auto all_at_the_end = [&](std::size_t k) {
    const Operands x{1,
                     1,
                     k,
                     std::vector<std::uint16_t>(k, 0x80),
                     std::vector<std::uint16_t>(k, 0x80),
                     std::vector<std::uint16_t>(group_count(params, k), 0x7F)};
    return compute(params, x)[0];
  };
  EXPECT_EQ(all_at_the_end(1023), 1023 * 16384 * 127);
  EXPECT_THROW(all_at_the_end(1040), InternalError);
}

// Every FP32 operation rounds once: after T tokens of L lanes, C, D, X and the sum over groups, a
// result is within (T + 2 + 4 + groups) / 2^24 of the sum of all magnitudes.
TEST(MixpeGolden, LosesNoMoreThanFloat32Does) {
  std::mt19937_64 random(6);
  std::normal_distribution<double> normal(0, 1);
  for (const char* name : kWeights) {
    for (int round = 0; round < 100; ++round) {
      Params params = params_of("fp16", name);
      params.lanes = 1U << random() % 3;
      params.group = 64;
      Operands x = random_operands(params, 1, 1, 256, random);
      double exact = 0, magnitudes = 0;
      for (std::size_t k = 0; k < x.k; ++k) x.a[k] = fp16(std::exp2(3 * normal(random)));
      for (std::size_t k = 0; k < x.k; ++k) {
        const std::size_t row = scale_rows_per_group(params) * (k / params.group);
        x.s[row] = fp16(0.25 + static_cast<double>(k / params.group));
        const double zero = has_zero_points(params)
                                ? static_cast<double>(x.s[row + 1] & low_mask(params.weight->bits))
                                : 0;
        const double a = decode(format("fp16"), x.a[k]) * decode(format("fp16"), x.s[row]);
        const double q = decode(*params.weight, x.w[k]);
        exact += a * (q - zero);
        magnitudes += std::fabs(a) * (std::fabs(q) + zero);
      }
      const double found = float_of(static_cast<std::uint32_t>(compute(params, x)[0]));
      const double operations = 64.0 / params.lanes + 2 + 4 + 4;
      ASSERT_LE(std::fabs(found - exact), std::ldexp(operations * magnitudes, -24)) << name;
    }
  }
}

}  // namespace
}  // namespace bitsmith::mixpe
