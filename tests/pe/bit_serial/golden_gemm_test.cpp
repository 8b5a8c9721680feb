// Whole GEMMs in the fast form beside golden, bit for bit: every weight, recoding and number of
// lanes, with and without skipping; short last groups; infinities, NaN and subnormals.
#include "pe/bit_serial/golden_gemm.h"

#include <gtest/gtest.h>

#include "pe/bit_serial/golden.h"
#include "support/golden_operands.h"

namespace bitsmith::bit_serial {
namespace {

Params random_params(std::mt19937_64& random) {
  constexpr std::array kWeights = {"int8", "int6", "int5", "int4", "fp4_e2m1", "fp3", "ternary"};
  Params params;
  params.activation = find_format(random() % 4 == 0 ? "int8" : "fp16");
  params.weight = find_format(kWeights[random() % kWeights.size()]);
  params.lanes = 1U << random() % 4;
  params.recoding = random() % 2 == 0 ? Recoding::booth : Recoding::canonical;
  params.skip_zero_terms = params.weight->name != "ternary" && random() % 2 == 0;
  params.group = params.lanes * static_cast<std::uint32_t>(1 + random() % (256 / params.lanes));
  return params;
}

TEST(BitSerialGoldenGemm, EqualsGolden) {
  std::mt19937_64 random(13);
  std::size_t nans = 0, numbers = 0;
  for (int round = 0; round < 800; ++round) {
    const Params params = random_params(random);
    const test::GoldenOperands x(*params.activation, *params.weight, random);
    const std::size_t groups = group_count(params, x.k);
    const auto s = test::GoldenOperands::codes(format("int16"), groups * x.n, random);
    const OperandViews views = {x.a(), x.w(), {s.data(), groups, x.n, x.n}};
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

// Activations near +-1 and near 2^-12 under weights -1, 0, 1: sums lose their leading bits, and a
// step without a term would bring them up once more.
TEST(BitSerialGoldenGemm, SkippedStepsLeaveCancelledSumsAlone) {
  std::mt19937_64 random(14);
  Params params;
  params.lanes = 1;
  params.weight = find_format("int4");
  params.group = 32;
  constexpr std::size_t kDepth = 96, kCols = 20;
  std::size_t differences = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint16_t> a(kDepth), w(kDepth * kCols), s(3 * kCols, 1);
    for (auto& code : a) {
      const std::uint64_t magnitude =
          random() % 4 == 0 ? 0x0C00 + random() % 1024 : 0x3C00 + random() % 4;
      code = static_cast<std::uint16_t>(magnitude | (random() & 0x8000));
    }
    for (auto& code : w) code = std::array<std::uint16_t, 4>{0, 0, 1, 15}[random() % 4];
    const OperandViews views = {{a.data(), 1, kDepth, kDepth},
                                {w.data(), kDepth, kCols, kCols},
                                {s.data(), 3, kCols, kCols}};
    std::array<std::vector<std::int64_t>, 2> found;
    for (const bool skips : {false, true}) {
      params.skip_zero_terms = skips;
      std::vector<std::int64_t> expected(kCols);
      found[skips].resize(kCols);
      golden(params, views, {expected.data(), 1, kCols, kCols});
      golden_gemm(params, views, {found[skips].data(), 1, kCols, kCols});
      ASSERT_EQ(found[skips], expected) << "round " << round;
    }
    for (std::size_t n = 0; n < kCols; ++n) differences += found[0][n] != found[1][n] ? 1 : 0;
  }
  EXPECT_GT(differences, 10U);
}

}  // namespace
}  // namespace bitsmith::bit_serial
