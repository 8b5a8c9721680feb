// The systolic array's golden results against hand-worked vectors and exact wide arithmetic.
#include "pe/systolic/golden.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <random>

#include "numerics/pack.h"

namespace bitsmith::systolic {
namespace {

struct Matrices {
  std::size_t m, n, k;
  std::vector<std::uint16_t> a, w;
  CodeView a_view() const { return {a.data(), m, k, k}; }
  CodeView w_view() const { return {w.data(), k, n, n}; }
};

Matrices codes_of(std::size_t m, std::size_t n, std::size_t k, const std::vector<int>& a,
                  const std::vector<int>& w) {
  Matrices result{m, n, k, {}, {}};
  for (const int value : a) result.a.push_back(static_cast<std::uint16_t>(value & 0xFFFF));
  for (const int value : w) result.w.push_back(static_cast<std::uint16_t>(value & 0xFFFF));
  return result;
}

struct Outcome {
  std::vector<std::int64_t> y;
  std::uint64_t overflows;
};

Outcome compute(const Params& params, const Matrices& x) {
  Outcome outcome{std::vector<std::int64_t>(x.m * x.n), 0};
  outcome.overflows = golden(params, x.a_view(), x.w_view(), {outcome.y.data(), x.m, x.n, x.n});
  return outcome;
}

Params int8_params(Overflow overflow, std::uint32_t accumulator_bits) {
  Params params;
  params.overflow = overflow;
  params.accumulator_bits = accumulator_bits;
  return params;
}

// [1 -2 3; 4 5 -6] x [7 -8; 9 10; -11 12], by hand.
TEST(SystolicGolden, HandWorkedProduct) {
  const Matrices x = codes_of(2, 2, 3, {1, -2, 3, 4, 5, -6}, {7, -8, 9, 10, -11, 12});
  const Outcome outcome = compute(int8_params(Overflow::exact, 32), x);
  EXPECT_EQ(outcome.y,
            (std::vector<std::int64_t>{7 - 18 - 33, -8 - 20 + 36, 28 + 45 + 66, -32 + 50 - 72}));
  EXPECT_EQ(outcome.overflows, 0U);
}

TEST(SystolicGolden, CodesAreTwosComplementOfTheirOwnWidth) {
  Params params;
  params.activation = find_format("int16");
  params.weight = find_format("int4");
  params.accumulator_bits = 48;
  // 0x8000 = -32768; 0x8 = -8, with noise above the four bits that belong to the weight.
  Matrices x{1, 1, 2, {0x8000, 0x7FFF}, {0x0008, 0x0007}};
  EXPECT_EQ(compute(params, x).y[0], std::int64_t{-32768} * -8 + std::int64_t{32767} * 7);
}

TEST(SystolicGolden, SaturationStaysAtTheEndAndComesBackOneStepLater) {
  // 16-bit sums: 127*127 = 16129; 16129*2 = 32258; +16129 = 48387 saturates at 32767, then -16256.
  const Matrices x = codes_of(1, 1, 4, {127, 127, 127, 127}, {127, 127, 127, -128});
  const Outcome outcome = compute(int8_params(Overflow::saturate, 16), x);
  EXPECT_EQ(outcome.y[0], 32767 - 16256);
  EXPECT_EQ(outcome.overflows, 1U);
}

TEST(SystolicGolden, NegativeSaturation) {
  const Matrices x = codes_of(1, 1, 3, {127, 127, 127}, {-128, -128, -128});
  const Outcome outcome = compute(int8_params(Overflow::saturate, 16), x);  // -16256 * 2 = -32512
  EXPECT_EQ(outcome.y[0], -32768);
  EXPECT_EQ(outcome.overflows, 1U);
}

TEST(SystolicGolden, WrapIsTheSumModuloTheWidth) {
  const Matrices x = codes_of(1, 1, 4, {127, 127, 127, 127}, {127, 127, 127, 127});
  const Outcome outcome = compute(int8_params(Overflow::wrap, 16), x);  // 64516 - 65536
  EXPECT_EQ(outcome.y[0], -1020);
  EXPECT_EQ(outcome.overflows, 1U);
}

// The exact bound: K products of (-128)*(-128) = 16384 reach 2^(acc-1) - 1 at most.
TEST(SystolicGolden, LongestExactKIsTwoSided) {
  Params params = int8_params(Overflow::exact, 18);  // largest sum 131071 = 7.99 * 16384
  EXPECT_EQ(longest_exact_k(params), 7U);
  const auto sum_of = [&](std::size_t k, Overflow overflow) {
    params.overflow = overflow;
    return compute(params, codes_of(1, 1, k, std::vector<int>(k, -128), std::vector<int>(k, -128)));
  };
  EXPECT_EQ(sum_of(7, Overflow::saturate).overflows, 0U);
  EXPECT_EQ(sum_of(8, Overflow::saturate).overflows, 1U);
  params.accumulator_bits = 32;
  EXPECT_EQ(longest_exact_k(params), 131071U);
}

// Against 128-bit sums, over random shapes, formats and operands.
TEST(SystolicGolden, EqualsExactIntegersForAllWidths) {
  __extension__ using Wide = __int128;
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    Params params;
    const int a_bits = 2 + static_cast<int>(random() % 15);
    const int w_bits = 2 + static_cast<int>(random() % 15);
    params.activation = find_format(fmt::format("int{}", a_bits));
    params.weight = find_format(fmt::format("int{}", w_bits));
    params.accumulator_bits = 48;
    Matrices x{1 + random() % 5, 1 + random() % 5, 1 + random() % 60, {}, {}};
    for (std::size_t i = 0; i < x.m * x.k; ++i) x.a.push_back(static_cast<std::uint16_t>(random()));
    for (std::size_t i = 0; i < x.k * x.n; ++i) x.w.push_back(static_cast<std::uint16_t>(random()));
    const Outcome outcome = compute(params, x);
    // Two's complement from its definition: the top bit counts -2^(bits-1).
    const auto value = [](std::uint16_t code, int bits) {
      Wide sum = 0;
      for (int i = 0; i < bits; ++i) {
        const Wide weight = Wide{1} << i;
        if ((code >> i & 1) != 0) sum += i == bits - 1 ? -weight : weight;
      }
      return sum;
    };
    for (std::size_t m = 0; m < x.m; ++m) {
      for (std::size_t n = 0; n < x.n; ++n) {
        Wide sum = 0;
        for (std::size_t k = 0; k < x.k; ++k) {
          sum += value(x.a[m * x.k + k], a_bits) * value(x.w[k * x.n + n], w_bits);
        }
        ASSERT_EQ(outcome.y[m * x.n + n], static_cast<std::int64_t>(sum)) << "round " << round;
      }
    }
  }
}

// ---- floating point

Params float_params(const char* activation, const char* weight) {
  Params params;
  params.activation = find_format(activation);
  params.weight = find_format(weight);
  return params;
}

std::int64_t bits_of(float value) { return std::bit_cast<std::int32_t>(value); }

Matrices row_times_column(const Params& params, const std::vector<double>& a,
                          const std::vector<double>& w) {
  Matrices x{1, 1, a.size(), {}, {}};
  for (const double v : a) x.a.push_back(static_cast<std::uint16_t>(encode(*params.activation, v)));
  for (const double v : w) x.w.push_back(static_cast<std::uint16_t>(encode(*params.weight, v)));
  return x;
}

// 1.5 * 2 - 0.25 * 4 + 3 * 0.5 = 3.5
TEST(SystolicGolden, FloatingPointByHand) {
  for (const char* format : {"fp16", "bf16", "fp8_e4m3", "fp8_e5m2", "fp6_e3m2", "fp4_e2m1"}) {
    const Params params = float_params(format, "fp16");
    const Matrices x = row_times_column(params, {1.5, -0.5, 3}, {2, 2, 0.5});
    EXPECT_EQ(compute(params, x).y[0], bits_of(3.0F - 1.0F + 1.5F)) << format;
  }
}

// 2^24, 1, 1, 1 (as products): in order every 1 is lost to rounding, half way to even; even and odd
// k apart keep 1 + 1 = 2.
TEST(SystolicGolden, FloatingPointSumsInTheOrderOfTheAdders) {
  Params params = float_params("bf16", "bf16");
  const Matrices x = row_times_column(params, {16777216.0, 1, 1, 1}, {1, 1, 1, 1});
  EXPECT_EQ(compute(params, x).y[0], bits_of(16777216.0F));
  params.pipeline = 3;  // (2^24 + 1) + (1 + 1) = 2^24 + 2
  EXPECT_EQ(compute(params, x).y[0], bits_of(16777218.0F));
  params.dataflow = Dataflow::weight_stationary;  // one sum, in order
  EXPECT_EQ(compute(params, x).y[0], bits_of(16777216.0F));
}

TEST(SystolicGolden, FloatingPointSpecials) {
  const Params params = float_params("fp16", "fp16");
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const auto result = [&](const std::vector<double>& a, const std::vector<double>& w) {
    // encode() saturates infinities; here they are wanted.
    Matrices x{1, 1, a.size(), {}, {}};
    for (const double v : a) {
      x.a.push_back(static_cast<std::uint16_t>(
          encode(*params.activation, v, Rounding::nearest_even, bitsmith::Overflow::ieee)));
    }
    for (const double v : w) x.w.push_back(static_cast<std::uint16_t>(encode(*params.weight, v)));
    return compute(params, x).y[0];
  };
  EXPECT_EQ(result({kInf}, {2}), bits_of(std::numeric_limits<float>::infinity()));
  EXPECT_EQ(result({kInf, kInf}, {1, -1}), 0x7FC00000);
  EXPECT_EQ(result({kInf}, {0}), 0x7FC00000);
  EXPECT_EQ(result({-1}, {0}), 0);  // +0 + -0
}

}  // namespace
}  // namespace bitsmith::systolic
