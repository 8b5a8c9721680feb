// Whole GEMMs in the fast form beside golden, bit for bit: every engine, activation, weight, table,
// accumulator and number of activations; short last groups and beats; infinities, NaN, subnormals.
#include "pe/lut_tensor_core/golden_gemm.h"

#include <gtest/gtest.h>

#include "pe/lut_tensor_core/golden.h"
#include "support/golden_operands.h"
#include "support/lut_tensor_core_jobs.h"

namespace bitsmith::lut_tensor_core {
namespace {

TEST(LutTensorCoreGoldenGemm, EqualsGolden) {
  std::mt19937_64 random(14);
  std::size_t nans = 0, numbers = 0;
  for (int round = 0; round < 1500; ++round) {
    Params params = test::random_lut_params(random);
    if (random() % 4 == 0) params.group = 256 / params.k * params.k;
    const test::GoldenOperands x(*params.activation, *params.weight, random);
    const std::size_t groups = group_count(params, x.k);
    const auto s = test::GoldenOperands::codes(format("int16"), groups * x.n, random);
    const OperandViews views = {x.a(), x.w(), {s.data(), groups, x.n, x.n}};
    std::vector<std::int64_t> expected(x.m * x.n), found(x.m * x.n);
    static_cast<void>(golden(params, views, x.view(expected)));
    golden_gemm(params, views, x.view(found));
    ASSERT_EQ(found, expected) << "round " << round << ": " << params.activation->name << " x "
                               << params.weight->name << ", engine "
                               << static_cast<int>(params.engine) << ", k " << params.k;
    for (const std::int64_t y : expected) ++(y == 0x7FC00000 ? nans : numbers);
  }
  EXPECT_GT(nans, 300U);
  EXPECT_GT(numbers, 5 * nans);
}

}  // namespace
}  // namespace bitsmith::lut_tensor_core
