// The bit-serial array's golden results: every code's terms, hand-worked vectors of every stage,
// exact integers, and a bound of error against exact sums.
#include "pe/bit_serial/golden.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "numerics/pack.h"

namespace bitsmith::bit_serial {
namespace {

constexpr std::array kWeights = {"int8", "int6", "int5", "int4", "fp4_e2m1", "fp3", "ternary"};

Params params_of(const char* activation, const char* weight) {
  Params params;
  params.activation = find_format(activation);
  params.weight = find_format(weight);
  return params;
}

// The value of a code, from the table of number formats: there each special value is a format.
double value_of(const Params& params, std::uint32_t code, std::uint32_t select) {
  constexpr std::array kFp4 = {"fp4_m5", "fp4_p5", "fp4_m8", "fp4_p8"};
  constexpr std::array kFp3 = {"fp3_m3", "fp3_p3", "fp3_m6", "fp3_p6"};
  const char* name = weight_kind(params) == WeightKind::fp4   ? kFp4[select]
                     : weight_kind(params) == WeightKind::fp3 ? kFp3[select]
                                                              : params.weight->name.data();
  return decode(format(name), code);
}

double value_of(const Params& params, const Term& term) {
  if (!term.one) return 0;
  const double magnitude =
      std::ldexp(1.0, term.exponent + term.significance - static_cast<int>(fraction_bits(params)));
  return term.negative ? -magnitude : magnitude;
}

// ---- terms

TEST(BitSerialGolden, TermsOfEveryCodeAddUpToItsValue) {
  for (const char* name : kWeights) {
    const Params params = params_of("fp16", name);
    for (std::uint32_t code = 0; code < code_count(*params.weight); ++code) {
      for (std::uint32_t select = 0; select < 4; ++select) {
        const std::vector<Term> terms = terms_of(params, code, select);
        ASSERT_EQ(terms.size(), term_count(params));
        double sum = 0;
        for (std::uint32_t i = 0; i < terms.size(); ++i) {
          sum += value_of(params, terms[i]);
          EXPECT_TRUE(terms[i].exponent >= 0 && terms[i].exponent <= 3);
          EXPECT_EQ(terms[i].significance, static_cast<int>(significance(params, i)));
        }
        EXPECT_EQ(sum, value_of(params, code, select)) << name << " " << code << " " << select;
      }
    }
  }
}

TEST(BitSerialGolden, TermsPerWeightAreThePapers) {
  const auto terms = [](const char* weight) { return term_count(params_of("fp16", weight)); };
  EXPECT_EQ(terms("int8"), 4U);
  EXPECT_EQ(terms("int6"), 3U);
  EXPECT_EQ(terms("int5"), 3U);
  EXPECT_EQ(terms("int4"), 2U);
  EXPECT_EQ(terms("fp4_e2m1"), 2U);
  EXPECT_EQ(terms("fp3"), 2U);
  EXPECT_EQ(terms("ternary"), 1U);
}

void expect_term(const Term& term, bool negative, int exponent, int significance) {
  EXPECT_TRUE(term.one);
  EXPECT_EQ(term.negative, negative);
  EXPECT_EQ(term.exponent, exponent);
  EXPECT_EQ(term.significance, significance);
}

// 127 = 2 * 64 + 0 * 16 + 0 * 4 - 1; -6 (fp4) is 01100 in halves: 8 + 4; -5 is 01010: 8 + 2.
TEST(BitSerialGolden, TermsByHand) {
  const std::vector<Term> int8 = terms_of(params_of("fp16", "int8"), 127, 0);
  expect_term(int8[0], true, 0, 0);
  EXPECT_FALSE(int8[1].one);
  EXPECT_FALSE(int8[2].one);
  expect_term(int8[3], false, 1, 6);
  const std::vector<Term> six = terms_of(params_of("fp16", "fp4_e2m1"), 15, 0);
  expect_term(six[0], true, 2, 1);
  expect_term(six[1], true, 2, 0);
  const std::vector<Term> five = terms_of(params_of("fp16", "fp4_e2m1"), 8, 0);
  expect_term(five[0], true, 2, 1);
  expect_term(five[1], true, 1, 0);
  const std::vector<Term> half = terms_of(params_of("fp16", "fp4_e2m1"), 1, 0);
  EXPECT_FALSE(half[0].one);
  expect_term(half[1], false, 0, 0);
}

// ---- stages 1 and 2

Term one(int exponent, bool negative = false) { return {true, negative, exponent, 0}; }

// 1.0 and 0.5 have fields 15 and 14 and significand 1024; with the guard bits 8192 and half of it.
TEST(BitSerialGolden, DotByHand) {
  const std::vector<std::uint32_t> a = {0x3C00, 0x3800};
  const Dot sum = dot(a, std::vector{one(0), one(0)});
  EXPECT_EQ(sum.exponent, 15);
  EXPECT_EQ(sum.sum, 8192 + 4096);
  EXPECT_EQ(dot(a, std::vector{one(0, true), one(0)}).sum, -8192 + 4096);
  EXPECT_EQ(dot(std::vector<std::uint32_t>{0xBC00, 0x3800}, std::vector{one(0, true), one(0)}).sum,
            8192 + 4096);
  // 0.5 * 2 stands where 1.0 does.
  EXPECT_EQ(dot(a, std::vector{one(0), one(1)}).sum, 8192 + 8192);
}

// Field 5 under field 15 * 2^3: 13 places lower, where of 2047 * 8 a one is left, magnitudes
// towards zero; 14 places lower nothing is.
TEST(BitSerialGolden, ProductsAreCutBelowTheGuardBits) {
  const auto lower = [](std::uint32_t code, bool negative) {
    return dot(std::vector<std::uint32_t>{0x3C00, code}, std::vector{one(3), one(0, negative)}).sum;
  };
  EXPECT_EQ(lower(5 << 10 | 1023, false), 8192 + 1);
  EXPECT_EQ(lower(5 << 10 | 1023, true), 8192 - 1);
  EXPECT_EQ(lower(4 << 10 | 1023, true), 8192);
}

TEST(BitSerialGolden, LanesWithoutATermHoldNobodyBack) {
  const std::vector<std::uint32_t> a = {0x7BFF, 0x0001};  // 65504 and the smallest subnormal
  const Dot sum = dot(a, std::vector{Term{}, one(0)});
  EXPECT_EQ(sum.exponent, 1);
  EXPECT_EQ(sum.sum, 8);
  EXPECT_EQ(dot(a, std::vector{Term{}, Term{}}).exponent, 0);
}

// ---- stage 3, four lanes: U = 8

// 12288 at exponent 15 is 1.5. Place 23; 12288 moves up the nine places that there are.
TEST(BitSerialGolden, AccumulateByHand) {
  const GroupSum first = accumulate({}, {12288, 15}, 0, 4);
  EXPECT_EQ(first.mantissa, 12288);
  EXPECT_EQ(first.exponent, 15);
  // -8192 * 2^2 at exponent 20 is -128. Place 28: 12288 * 2^8 / 2^13 = 384 meets -32768; -32384
  // moves up 8 of 9 places.
  const GroupSum second = accumulate(first, {-8192, 20}, 2, 4);
  EXPECT_EQ(second.mantissa, -16192);
  EXPECT_EQ(second.exponent, 21);
  EXPECT_EQ(std::ldexp(-16192, 21 - 28), 1.5 - 128);
}

// The largest mantissa at exponent 30 and a product 22 places lower: a positive rest is lost, a
// negative one takes a whole unit (floor).
TEST(BitSerialGolden, SumsAreFloored) {
  const GroupSum large{16383, 30};
  EXPECT_EQ(accumulate(large, {1, 0}, 0, 4).mantissa, 16383);
  const GroupSum lower = accumulate(large, {-1, 0}, 0, 4);
  EXPECT_EQ(lower.mantissa, 16382);
  EXPECT_EQ(lower.exponent, 30);
}

// 65504 = 4 * 2047 * 8 at the highest significance twice: the sum needs the frame's 24th bit.
TEST(BitSerialGolden, TheSumOfTwoFullFramesCarries) {
  const GroupSum once = accumulate({}, {65504, 20}, 6, 4);
  EXPECT_EQ(once.mantissa, 65504 * 64 * 2 / 512);
  EXPECT_EQ(once.exponent, 28);
  const GroupSum twice = accumulate(once, {65504, 20}, 6, 4);
  EXPECT_EQ(twice.mantissa, 65504 * 64 * 2 / 512);
  EXPECT_EQ(twice.exponent, 29);
}

TEST(BitSerialGolden, NothingStaysNothing) {
  const GroupSum zero = accumulate({}, {0, 0}, 0, 4);
  EXPECT_EQ(zero.mantissa, 0);
  EXPECT_EQ(zero.exponent, 0);
}

// ---- stage 4

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

TEST(BitSerialGolden, DequantiseByHand) {
  const Params integers = params_of("fp16", "int8");
  EXPECT_EQ(dequantise(integers, {12288, 15}, 3), bits_of(4.5F));
  EXPECT_EQ(dequantise(integers, {12288, 15}, -128), bits_of(-192.0F));
  EXPECT_EQ(dequantise(integers, {-16384, 15}, -128), bits_of(256.0F));
  EXPECT_EQ(dequantise(integers, {-16384, 15}, 0), 0U);
  EXPECT_EQ(dequantise(params_of("fp16", "fp3"), {12288, 15}, 3), bits_of(2.25F));
  EXPECT_EQ(dequantise(integers, {1, 0}, 1), bits_of(0x1p-28F));
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

std::uint16_t fp16(double value) {
  return static_cast<std::uint16_t>(encode(format("fp16"), value));
}
std::int64_t y_of(float value) { return std::bit_cast<std::int32_t>(value); }

// Group 0: (1 * -5 + 2 * 1.5) * 2 = -4, group 1: 0.5 * 6 * -1 = -3.
TEST(BitSerialGolden, TwoGroupsByHand) {
  Params params = params_of("fp16", "fp4_e2m1");
  params.group = 8;
  Operands x{1, 1, 9, std::vector<std::uint16_t>(9, fp16(0)), std::vector<std::uint16_t>(9), {}};
  x.a[0] = fp16(1);
  x.a[1] = fp16(2);
  x.a[8] = fp16(0.5);
  x.w[0] = 8;
  x.w[1] = 3;
  x.w[8] = 7;
  x.s = {2, 0xFF};
  EXPECT_EQ(compute(params, x)[0], y_of(-7));
  x.s = {0x302, 0xFF};  // the special value is +8: (8 + 3) * 2 - 3
  EXPECT_EQ(compute(params, x)[0], y_of(19));
}

TEST(BitSerialGolden, InfinitiesAndNanMakeNanOfTheirRow) {
  const Params params = params_of("fp16", "int4");
  for (const std::uint16_t special : std::vector<std::uint16_t>{0x7C00, 0xFC00, 0x7E00, 0x7C01}) {
    const Operands x{2, 1, 2, {fp16(1), special, fp16(1), fp16(2)}, {1, 0}, {1}};
    EXPECT_EQ(compute(params, x), (std::vector<std::int64_t>{0x7FC00000, y_of(1)}));
  }
}

TEST(BitSerialGolden, GroupsAreAddedInFloat32) {
  Params params = params_of("fp16", "int8");
  params.group = 8;
  // 2^15 * 64 * 127 + 2^-14 * 1: far below the last place of the sum.
  Operands x{1, 1, 16, std::vector<std::uint16_t>(16), std::vector<std::uint16_t>(16), {127, 1}};
  x.a[0] = fp16(32768);
  x.w[0] = 64;
  x.a[8] = fp16(0x1p-14);
  x.w[8] = 1;
  EXPECT_EQ(compute(params, x)[0], y_of(266338304.0F));
}

// INT8 activations, all weights: exact sums in units of 2^-f.
TEST(BitSerialGolden, EqualsExactIntegers) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 400; ++round) {
    Params params = params_of("int8", kWeights[random() % kWeights.size()]);
    params.lanes = 1U << random() % 4;
    params.group = static_cast<std::uint32_t>(8 * (1 + random() % 5));
    Operands x{1 + random() % 3, 1 + random() % 3, 1 + random() % 150, {}, {}, {}};
    const auto random_code = [&](std::uint64_t of) {
      return static_cast<std::uint16_t>(random() & of);
    };
    for (std::size_t i = 0; i < x.m * x.k; ++i) x.a.push_back(random_code(0xFF));
    const std::uint64_t mask = low_mask(params.weight->bits);
    for (std::size_t i = 0; i < x.k * x.n; ++i) x.w.push_back(random_code(mask));
    const std::size_t groups = (x.k + params.group - 1) / params.group;
    for (std::size_t i = 0; i < groups * x.n; ++i) x.s.push_back(random_code(0x3FF));
    const std::vector<std::int64_t> y = compute(params, x);
    for (std::size_t i = 0; i < y.size(); ++i) {
      double sum = 0;  // of integers far below 2^53
      for (std::size_t k = 0; k < x.k; ++k) {
        const std::uint16_t s = x.s[k / params.group * x.n + i % x.n];
        sum += static_cast<double>(static_cast<std::int8_t>(x.a[i / x.n * x.k + k])) *
               static_cast<double>(static_cast<std::int8_t>(s & 0xFF)) *
               value_of(params, x.w[k * x.n + i % x.n], s >> 8);
      }
      ASSERT_EQ(static_cast<double>(y[i]), std::ldexp(sum, static_cast<int>(fraction_bits(params))))
          << "round " << round << " " << params.weight->name;
    }
  }
}

TEST(BitSerialGolden, LongestExactKIsTight) {
  EXPECT_EQ(longest_exact_k(params_of("int8", "int8")), (std::uint64_t{1} << 26) - 1);
  EXPECT_EQ(longest_exact_k(params_of("int8", "int4")), (std::uint64_t{1} << 30) - 1);
  EXPECT_EQ(longest_exact_k(params_of("fp16", "int8")), ~std::uint64_t{0});
}

// What one group loses, against the exact sum, relative to the sum of all terms' magnitudes. Each
// step loses less than 2^-13 of the sum so far in the mantissa; cutting products and aligning lose
// less than 2^-13 of a step's largest product, once per lane and twice.
TEST(BitSerialGolden, LosesNoMoreThanItsMantissaDoes) {
  std::mt19937_64 random(4);
  std::normal_distribution<double> normal(0, 1);
  for (const char* name : kWeights) {
    double worst = 0;
    for (int round = 0; round < 300; ++round) {
      Params params = params_of("fp16", name);
      params.lanes = 1U << random() % 4;
      params.group = 128;
      Operands x{1, 1, 128, {}, {}, {}};
      const auto select = static_cast<std::uint32_t>(random() % 4);
      x.s = {static_cast<std::uint16_t>(select << 8 | 1)};
      const double spread = round % 3 == 0 ? 6 : 1;  // some outliers, or numbers of one size
      double exact = 0, magnitudes = 0;
      for (std::size_t k = 0; k < x.k; ++k) {
        const double a = std::exp2(spread * normal(random)) * (random() % 2 == 0 ? 1 : -1);
        x.a.push_back(fp16(std::copysign(std::clamp(std::fabs(a), 0x1p-14, 60000.0), a)));
        x.w.push_back(static_cast<std::uint16_t>(random() & low_mask(params.weight->bits)));
        const double held = decode(format("fp16"), x.a.back());
        exact += held * value_of(params, x.w.back(), select);
        for (const Term& term : terms_of(params, x.w.back(), select)) {
          magnitudes += std::fabs(held * value_of(params, term));
        }
      }
      const auto bits = static_cast<std::uint32_t>(compute(params, x)[0]);
      const double error = std::fabs(std::bit_cast<float>(bits) - exact);
      const double steps = static_cast<double>(token_count(params, 128));
      ASSERT_LE(error, std::ldexp((steps + params.lanes + 4) * magnitudes, -13)) << name;
      if (params.lanes == 4) worst = std::max(worst, error / magnitudes);
    }
    RecordProperty(fmt::format("worst_{}", name), fmt::format("{:.6f}", worst));
    // With four lanes, groups of 128: in practice less, for a sum is less than its magnitudes.
    EXPECT_LT(worst, 0x1p-7) << name;
    EXPECT_GT(worst, 0) << name;
  }
}

}  // namespace
}  // namespace bitsmith::bit_serial
