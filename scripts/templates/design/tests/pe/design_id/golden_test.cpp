// Golden results against an outside source: hand-worked vectors and exact arithmetic from the
// definitions.
#include "pe/design_id/golden.h"

#include <gtest/gtest.h>

#include <random>

namespace bitsmith::design_id {
namespace {

std::vector<std::int64_t> compute(const Params& params, std::size_t m, std::size_t n, std::size_t k,
                                  const std::vector<std::uint16_t>& a,
                                  const std::vector<std::uint16_t>& w) {
  std::vector<std::int64_t> y(m * n);
  golden(params, {a.data(), m, k, k}, {w.data(), k, n, n}, {y.data(), m, n, n});
  return y;
}

// REPLACE: the first thing to do. Work one small result out by hand from the paper's equation, with
// its numbers if it prints any, and write it here as compute(...) == that result.
TEST(DesignIdGolden, TheFirstVectorOfThePaper) {
  FAIL() << "replace this test by a vector worked out by hand from the paper, and name the "
            "equation; until then golden says what its author thinks, not what the paper says";
}

// Two's complement from its definition: the top bit counts -2^(bits - 1).
std::int64_t value_of(std::uint16_t code, int bits) {
  std::int64_t value = 0;
  for (int i = 0; i < bits; ++i) {
    const std::int64_t weight = std::int64_t{1} << i;
    if ((code >> i & 1) != 0) value += i == bits - 1 ? -weight : weight;
  }
  return value;
}

// REPLACE: the same in exact arithmetic, from the definition of your formats. Codes have noise
// above their own width.
TEST(DesignIdGolden, EqualsPlainArithmetic) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    const int a_bits = 2 + static_cast<int>(random() % 15);
    const int w_bits = 2 + static_cast<int>(random() % 15);
    Params params;
    params.activation = find_format(fmt::format("int{}", a_bits));
    params.weight = find_format(fmt::format("int{}", w_bits));
    params.accumulator_bits = 48;
    const std::size_t m = 1 + random() % 4, n = 1 + random() % 4, k = 1 + random() % 60;
    std::vector<std::uint16_t> a(m * k), w(k * n);
    for (auto& code : a) code = static_cast<std::uint16_t>(random());
    for (auto& code : w) code = static_cast<std::uint16_t>(random());
    const std::vector<std::int64_t> y = compute(params, m, n, k, a, w);
    for (std::size_t i = 0; i < m * n; ++i) {
      std::int64_t sum = 0;
      for (std::size_t j = 0; j < k; ++j) {
        sum += value_of(a[i / n * k + j], a_bits) * value_of(w[j * n + i % n], w_bits);
      }
      ASSERT_EQ(y[i], sum) << "round " << round;
    }
  }
}

// K products of (-128) * (-128) = 16384 fit a sum of 18 bits, at most 131071, up to K = 7.
TEST(DesignIdGolden, LongestExactKIsTwoSided) {
  Params params;
  params.accumulator_bits = 18;
  const auto sum_of = [&](std::size_t k) {
    const std::vector<std::uint16_t> lowest(k, 0x80);
    return compute(params, 1, 1, k, lowest, lowest)[0];
  };
  EXPECT_EQ(longest_exact_k(params), 7U);
  EXPECT_EQ(sum_of(7), 7 * 16384);
  EXPECT_THROW(sum_of(8), InternalError);
}

}  // namespace
}  // namespace bitsmith::design_id
