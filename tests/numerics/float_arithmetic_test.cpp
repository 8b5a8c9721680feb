#include "numerics/float_arithmetic.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "common/error.h"
#include "support/float_pairs.h"
#include "support/mpfr_float.h"

namespace bitsmith {
namespace {

using test::FloatPair;
using test::FloatPairs;
using test::MpfrFloat;

constexpr FloatLayout kE4m3{4, 3, Specials::nan_only};
constexpr FloatLayout kE5m2{5, 2, Specials::ieee};
constexpr FloatLayout kE3m2{3, 2, Specials::none};
constexpr FloatLayout kFloat16{5, 10, Specials::ieee};
constexpr FloatLayout kBfloat16{8, 7, Specials::ieee};
constexpr FloatLayout kIeeeE4m3{4, 3, Specials::ieee};
constexpr FloatLayout kIeeeE3m2{3, 2, Specials::ieee};

constexpr int kRandomPairs = 1'000'000;

std::string name(FloatLayout f) {
  return fmt::format("e{}m{}{}", f.exponent_bits, f.mantissa_bits,
                     f.specials == Specials::none       ? "_none"
                     : f.specials == Specials::nan_only ? "_nan_only"
                                                        : "");
}

// Counts differences and shows the first of them.
class Comparison {
 public:
  explicit Comparison(std::string what) : what_(std::move(what)) {}
  ~Comparison() { EXPECT_EQ(differences_, 0) << what_; }
  Comparison(const Comparison&) = delete;
  Comparison& operator=(const Comparison&) = delete;

  void expect_same(FloatPair pair, std::uint32_t actual, std::uint32_t expected) {
    if (actual == expected) return;
    if (differences_++ < 5) {
      ADD_FAILURE() << fmt::format("{} of {:x} and {:x} is {:x}, by MPFR {:x}", what_, pair.first,
                                   pair.second, actual, expected);
    }
  }

 private:
  std::string what_;
  int differences_ = 0;
};

void compare_product(MpfrFloat& mpfr, Comparison& comparison, FloatLayout a, FloatLayout b,
                     FloatLayout out, FloatPair pair) {
  comparison.expect_same(pair, float_multiply(a, pair.first, b, pair.second, out),
                         mpfr.multiply(a, pair.first, b, pair.second, out));
}

void compare_sum(MpfrFloat& mpfr, Comparison& comparison, FloatLayout f, FloatPair pair) {
  comparison.expect_same(pair, float_add(f, pair.first, pair.second),
                         mpfr.add(f, pair.first, pair.second));
}

template <class Compare>
void for_all_pairs(FloatLayout a, FloatLayout b, const Compare& compare) {
  for (std::uint32_t x = 0; x < (1U << a.bits()); ++x) {
    for (std::uint32_t y = 0; y < (1U << b.bits()); ++y) compare(FloatPair{x, y});
  }
}

void expect_random_products(FloatLayout a, FloatLayout b, FloatLayout out) {
  MpfrFloat mpfr;
  Comparison comparison(fmt::format("{} * {} -> {}", name(a), name(b), name(out)));
  FloatPairs pairs(a, b, out, 1);
  for (int i = 0; i < kRandomPairs; ++i) {
    compare_product(mpfr, comparison, a, b, out, pairs.next());
  }
}

void expect_random_sums(FloatLayout f) {
  MpfrFloat mpfr;
  Comparison comparison(fmt::format("{0} + {0}", name(f)));
  FloatPairs pairs(f, f, f, 2);
  for (int i = 0; i < kRandomPairs; ++i) compare_sum(mpfr, comparison, f, pairs.next());
}

TEST(FloatMultiply, EveryPairOfSmallFormats) {
  MpfrFloat mpfr;
  for (const FloatLayout a : {kE4m3, kE5m2, kE3m2}) {
    for (const FloatLayout b : {kE4m3, kE5m2, kE3m2}) {
      for (const FloatLayout out : {kFloat32, kFloat16, kE5m2, kIeeeE4m3, kIeeeE3m2}) {
        Comparison comparison(fmt::format("{} * {} -> {}", name(a), name(b), name(out)));
        for_all_pairs(a, b,
                      [&](FloatPair pair) { compare_product(mpfr, comparison, a, b, out, pair); });
      }
    }
  }
}

// FP4 and FP3 of four and two magnitudes: the second has no mantissa at all.
TEST(FloatMultiply, EveryPairOfTinyFormats) {
  MpfrFloat mpfr;
  constexpr FloatLayout kE2m1{2, 1, Specials::none};
  constexpr FloatLayout kE2m0{2, 0, Specials::none};
  for (const FloatLayout b : {kE2m1, kE2m0}) {
    Comparison comparison(fmt::format("e5m2 * {}", name(b)));
    for_all_pairs(kE5m2, b, [&](FloatPair pair) {
      compare_product(mpfr, comparison, kE5m2, b, kIeeeE4m3, pair);
    });
  }
}

TEST(FloatMultiply, Float16ToFloat32) { expect_random_products(kFloat16, kFloat16, kFloat32); }
TEST(FloatMultiply, Float16ToFloat16) { expect_random_products(kFloat16, kFloat16, kFloat16); }
TEST(FloatMultiply, Bfloat16ToFloat32) { expect_random_products(kBfloat16, kBfloat16, kFloat32); }
TEST(FloatMultiply, Bfloat16ToBfloat16) { expect_random_products(kBfloat16, kBfloat16, kBfloat16); }
TEST(FloatMultiply, Bfloat16TimesE5m2) { expect_random_products(kBfloat16, kE5m2, kFloat32); }
TEST(FloatMultiply, Float32ToFloat32) { expect_random_products(kFloat32, kFloat32, kFloat32); }
TEST(FloatMultiply, Float32ToFloat16) { expect_random_products(kFloat32, kFloat32, kFloat16); }

TEST(FloatAdd, EveryPairOfSmallFormats) {
  MpfrFloat mpfr;
  for (const FloatLayout f : {kIeeeE4m3, kE5m2, kIeeeE3m2}) {
    Comparison comparison(fmt::format("{0} + {0}", name(f)));
    for_all_pairs(f, f, [&](FloatPair pair) { compare_sum(mpfr, comparison, f, pair); });
  }
}

TEST(FloatAdd, Float16) { expect_random_sums(kFloat16); }
TEST(FloatAdd, Bfloat16) { expect_random_sums(kBfloat16); }
TEST(FloatAdd, Float32) { expect_random_sums(kFloat32); }

// The rules that a reference could get wrong in the same way, in plain numbers.
TEST(FloatArithmetic, FollowsIeee754) {
  constexpr std::uint32_t kOne = 0x3F800000;
  constexpr std::uint32_t kNegative = 0x80000000;
  constexpr std::uint32_t kInf = 0x7F800000;
  constexpr std::uint32_t kNan = 0x7FC00000;
  const auto product = [](std::uint32_t a, std::uint32_t b) {
    return float_multiply(kFloat32, a, kFloat32, b, kFloat32);
  };
  const auto sum = [](std::uint32_t a, std::uint32_t b) { return float_add(kFloat32, a, b); };
  EXPECT_EQ(product(kInf, kNegative), kNan);
  EXPECT_EQ(product(kInf, kNegative | kOne), kNegative | kInf);
  EXPECT_EQ(product(kNegative, kOne), kNegative);
  EXPECT_EQ(product(kNegative, kNegative), 0U);
  EXPECT_EQ(product(0x7F7FFFFF, 0x40000000), kInf);
  EXPECT_EQ(product(1, 0x3F000000), 0U);  // half of the smallest number: even is zero
  EXPECT_EQ(product(3, 0x3F000000), 2U);  // 1.5 of it
  EXPECT_EQ(product(0xFFC12345, kOne), kNan);
  EXPECT_EQ(sum(kOne, kNegative | kOne), 0U);
  EXPECT_EQ(sum(kNegative, kNegative), kNegative);
  EXPECT_EQ(sum(kNegative, 0), 0U);
  EXPECT_EQ(sum(kInf, kNegative | kInf), kNan);
  EXPECT_EQ(sum(kInf, kNegative | kOne), kInf);
  EXPECT_EQ(sum(kOne, 0x33800000), kOne);          // a tie: 1 + 2^-24
  EXPECT_EQ(sum(kOne, 0x33800001), kOne + 1);      // just above
  EXPECT_EQ(sum(kOne + 1, 0x33800000), kOne + 2);  // a tie to even above
}

TEST(FloatArithmetic, IgnoresHigherBits) {
  EXPECT_EQ(float_multiply(kE3m2, 0xFFFFFFC0, kE3m2, 0x40, kFloat32), 0U);
  EXPECT_EQ(float_add(kE5m2, 0xFF00, 0x100), 0U);
}

TEST(FloatLayout, OfFormats) {
  EXPECT_EQ(float_layout(format("fp16")), kFloat16);
  EXPECT_EQ(float_layout(format("bf16")), kBfloat16);
  EXPECT_EQ(float_layout(format("fp8_e4m3")), kE4m3);
  EXPECT_EQ(float_layout(format("fp6_e3m2")), kE3m2);
  EXPECT_EQ(kFloat32.bits(), 32);
  EXPECT_EQ(kFloat32.bias(), 127);
  EXPECT_THROW(float_layout(format("int8")), InternalError);
  EXPECT_THROW(float_layout(format("e8m0")), InternalError);
}

TEST(FloatLayout, ResultsAreIeee) {
  EXPECT_THROW(float_multiply(kE4m3, 0, kE4m3, 0, kE4m3), InternalError);
  EXPECT_THROW(float_add(kE3m2, 0, 0), InternalError);
  EXPECT_THROW(float_multiply(kE4m3, 0, kE4m3, 0, {5, 0, Specials::ieee}), InternalError);
  EXPECT_THROW(float_multiply({11, 10, Specials::ieee}, 0, kE4m3, 0, kFloat32), InternalError);
}

}  // namespace
}  // namespace bitsmith
