// Whole GEMMs in the fast form beside golden, bit for bit: every pair of floating-point formats,
// with special numbers, subnormals and the ends of the range; integers that wrap, saturate or fit.
#include "pe/systolic/golden_gemm.h"

#include <gtest/gtest.h>

#include "pe/systolic/golden.h"
#include "support/golden_operands.h"

namespace bitsmith::systolic {
namespace {

Params random_params(std::mt19937_64& random) {
  constexpr std::array kFloats = {"fp16",     "bf16",     "fp8_e4m3", "fp8_e5m2",
                                  "fp6_e3m2", "fp6_e2m3", "fp4_e2m1"};
  const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
  Params params;
  params.pipeline = 1 + static_cast<std::uint32_t>(below(3));
  params.dataflow = static_cast<Dataflow>(below(3));
  if (below(4) > 0) {
    params.activation = find_format(kFloats[below(kFloats.size())]);
    params.weight = find_format(kFloats[below(kFloats.size())]);
    return params;
  }
  params.activation = find_format(fmt::format("int{}", 2 + below(15)));
  params.weight = find_format(fmt::format("int{}", 2 + below(15)));
  const auto product_bits =
      static_cast<std::uint32_t>(params.activation->bits + params.weight->bits);
  params.overflow = static_cast<Overflow>(below(3));
  params.accumulator_bits = product_bits + static_cast<std::uint32_t>(below(4));
  if (params.overflow == Overflow::exact) params.accumulator_bits = 48;
  return params;
}

TEST(SystolicGoldenGemm, EqualsGolden) {
  std::mt19937_64 random(11);
  std::size_t nans = 0, numbers = 0;
  for (int round = 0; round < 1500; ++round) {
    const Params params = random_params(random);
    const test::GoldenOperands x(*params.activation, *params.weight, random);
    std::vector<std::int64_t> expected(x.m * x.n), found(x.m * x.n);
    static_cast<void>(golden(params, x.a(), x.w(), x.view(expected)));
    golden_gemm(params, x.a(), x.w(), x.view(found));
    ASSERT_EQ(found, expected) << "round " << round << " " << params.activation->name << " x "
                               << params.weight->name;
    for (const std::int64_t y : expected) ++(y == 0x7FC00000 ? nans : numbers);
  }
  EXPECT_GT(nans, 1000U);
  EXPECT_GT(numbers, 10 * nans);
}

}  // namespace
}  // namespace bitsmith::systolic
