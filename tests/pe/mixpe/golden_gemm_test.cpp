// Whole GEMMs in the fast form beside golden, bit for bit: every activation, weight, scale and
// number of lanes; short last groups; infinities, NaN and subnormals in activations and scales.
#include "pe/mixpe/golden_gemm.h"

#include <gtest/gtest.h>

#include <bit>

#include "pe/mixpe/golden.h"
#include "support/golden_operands.h"
#include "support/mixpe_jobs.h"

namespace bitsmith::mixpe {
namespace {

TEST(MixpeGoldenGemm, EqualsGolden) {
  std::mt19937_64 random(12);
  std::size_t nans = 0, numbers = 0;
  for (int round = 0; round < 1500; ++round) {
    Params params = test::random_mixpe_params(random);
    if (params.group == kChannel) params.k_bits = 9 + static_cast<std::uint32_t>(random() % 16);
    const test::GoldenOperands x(*params.activation, *params.weight, random);
    const std::size_t rows = scale_rows_per_group(params) * group_count(params, x.k);
    const auto s = test::GoldenOperands::codes(*params.scale, rows * x.n, random);
    const OperandViews views = {x.a(), x.w(), {s.data(), rows, x.n, x.n}};
    std::vector<std::int64_t> expected(x.m * x.n), found(x.m * x.n);
    golden(params, views, x.view(expected));
    golden_gemm(params, views, x.view(found));
    ASSERT_EQ(found, expected) << "round " << round << " " << params.activation->name << " x "
                               << params.weight->name << ", " << params.lanes << " lanes";
    for (const std::int64_t y : expected) ++(y == 0x7FC00000 ? nans : numbers);
  }
  EXPECT_GT(nans, 300U);
  EXPECT_GT(numbers, 5 * nans);
}

// -2^15 x 255 x 1000 is beyond -2^31, and is rounded to FP32 once.
TEST(MixpeGoldenGemm, SumsOfAGroupBeyond32Bits) {
  Params params;
  params.activation = find_format("int16");
  params.weight = find_format("uint8");
  params.group = kChannel;
  constexpr std::size_t kDepth = 1000;
  const std::vector<std::uint16_t> a(kDepth, 0x8000), w(kDepth, 255), s = {0x3C00, 0};
  const OperandViews views = {
      {a.data(), 1, kDepth, kDepth}, {w.data(), kDepth, 1, 1}, {s.data(), 2, 1, 1}};
  std::int64_t y = 0;
  golden_gemm(params, views, {&y, 1, 1, 1});
  EXPECT_EQ(y, std::bit_cast<std::int32_t>(-8355840000.0F));
}

TEST(MixpeGoldenGemm, IntegersThatDoNotFitAreAnError) {
  Params params;
  params.weight = find_format("int8");
  params.scale = find_format("int8");
  params.group = 256;
  constexpr std::size_t kDepth = 1025;
  const std::vector<std::uint16_t> lowest(kDepth, 0x80);  // the most negative of all three
  const OperandViews views = {
      {lowest.data(), 1, kDepth, kDepth}, {lowest.data(), kDepth, 1, 1}, {lowest.data(), 5, 1, 1}};
  std::int64_t y = 0;
  EXPECT_THROW(golden(params, views, {&y, 1, 1, 1}), InternalError);
  EXPECT_THROW(golden_gemm(params, views, {&y, 1, 1, 1}), InternalError);
}

}  // namespace
}  // namespace bitsmith::mixpe
