// What a weight converter makes of stored weights: floating point against MPFR, integers against
// plain arithmetic; which arrays it serves; how much lies in DRAM.
#include "mapping/weight_converter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "common/error.h"
#include "mapping/blocks.h"
#include "mapping/operand_source.h"
#include "pe/mixpe/design.h"
#include "pe/systolic/design.h"
#include "support/mpfr_float.h"

namespace bitsmith {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

WeightConverter converter(const char* stored, ConverterScale scale, bool zero_points,
                          std::uint32_t group = 128) {
  WeightConverter result;
  result.stored = find_format(stored);
  result.scale = scale;
  result.zero_points = zero_points;
  result.group = group;
  return result;
}

std::uint16_t one(const WeightConverter& how, const char* array, std::uint16_t code,
                  const std::vector<std::uint16_t>& parameters) {
  std::uint16_t result = 0;
  convert_weights(how, *find_format(array), {&code, 1, 1, 1},
                  {parameters.data(), parameters.size(), 1, 1}, {&result, 1});
  return result;
}

// The FP32 code of a small integer.
std::uint32_t float_code(int value) {
  return std::bit_cast<std::uint32_t>(static_cast<float>(value));
}

// Every difference of two 4-bit codes times every FP16 number, NaN and infinities included.
TEST(WeightConverter, FloatingPointIsOneRoundedProductByMpfr) {
  const WeightConverter how = converter("uint4", ConverterScale::fp16, true);
  const FloatLayout fp16 = float_layout(*find_format("fp16"));
  test::MpfrFloat mpfr;
  for (const char* array : {"fp16", "bf16"}) {
    const FloatLayout out = float_layout(*find_format(array));
    for (int difference = -15; difference <= 15; ++difference) {
      const auto zero = static_cast<std::uint16_t>(std::max(0, -difference));
      const auto code = static_cast<std::uint16_t>(zero + difference);
      for (std::uint32_t scale = 0; scale < 65536; ++scale) {
        const std::uint32_t right =
            mpfr.multiply(kFloat32, float_code(difference), fp16, scale, out);
        ASSERT_EQ(one(how, array, code, {static_cast<std::uint16_t>(scale), zero}), right)
            << array << ": " << difference << " x " << scale;
      }
    }
  }
}

// INT8 scales reach 255 x 128 = 32640, whose product FP16 rounds; without a scale all is exact.
TEST(WeightConverter, IntegerScalesAreRoundedInFloatingPoint) {
  const FloatLayout fp16 = float_layout(*find_format("fp16"));
  test::MpfrFloat mpfr;
  for (int code = 0; code < 256; ++code) {
    for (int scale = -128; scale < 128; ++scale) {
      const std::uint32_t right =
          mpfr.multiply(kFloat32, float_code(code), kFloat32, float_code(scale), fp16);
      ASSERT_EQ(one(converter("uint8", ConverterScale::int8, false), "fp16",
                    static_cast<std::uint16_t>(code), {static_cast<std::uint16_t>(scale & 255)}),
                right)
          << code << " x " << scale;
    }
  }
  EXPECT_EQ(one(converter("uint8", ConverterScale::none, true), "fp16", 3, {255}), 0xDBE0);  // -252
}

TEST(WeightConverter, IntegersAreExactOrSaturated) {
  for (int code = 0; code < 16; ++code) {
    for (int zero = 0; zero < 16; ++zero) {
      const auto q = static_cast<std::uint16_t>(code), z = static_cast<std::uint16_t>(zero);
      ASSERT_EQ(one(converter("uint4", ConverterScale::none, true), "int8", q, {z}),
                (code - zero) & 255);
      for (int scale = -128; scale < 128; ++scale) {
        const int right = std::clamp((code - zero) * scale, -128, 127);
        ASSERT_EQ(one(converter("uint4", ConverterScale::int8, true), "int8", q,
                      {static_cast<std::uint16_t>(scale & 255), z}),
                  right & 255)
            << code << " - " << zero << ", times " << scale;
      }
    }
  }
  EXPECT_EQ(one(converter("int4", ConverterScale::none, false), "int8", 0x8, {}), 0xF8);  // -8
}

// Columns and groups of two by hand: rows of P are scale, zero point, scale, zero point.
TEST(WeightConverter, EveryGroupHasItsOwnParameters) {
  const WeightConverter how = converter("uint4", ConverterScale::int8, true, 2);
  const std::vector<std::uint16_t> stored{1, 2, 3, 4, 5, 6};  // three rows of two
  const std::vector<std::uint16_t> parameters{2, 3, 1, 0, 10, 20, 0, 7};
  std::vector<std::uint16_t> codes(6);
  convert_weights(how, *find_format("int8"), {stored.data(), 3, 2, 2}, {parameters.data(), 4, 2, 2},
                  codes);
  EXPECT_THAT(codes, ElementsAre(0, 6, 4, 12, 50, 256 - 20));
}

TEST(WeightConverter, ServesArraysThatTakeWhatItMakes) {
  const auto problem = [](const WeightConverter& how, const char* activation, const char* weight) {
    systolic::Params params;
    params.activation = find_format(activation);
    params.weight = find_format(weight);
    return cannot_serve(how, systolic::Design(params)).value_or("none");
  };
  const WeightConverter fp16 = converter("uint4", ConverterScale::fp16, true);
  EXPECT_EQ(problem(fp16, "fp16", "fp16"), "none");
  EXPECT_EQ(problem(fp16, "bf16", "bf16"), "none");
  EXPECT_THAT(problem(fp16, "fp8_e4m3", "fp8_e4m3"), HasSubstr("the array takes fp8_e4m3 weights"));
  EXPECT_THAT(problem(fp16, "int8", "int8"), HasSubstr("fp16 scales make no int8 weights"));
  EXPECT_EQ(problem(converter("uint8", ConverterScale::int8, true), "int8", "int8"), "none");
  // Two-sided: -15 .. 15 fits 5 bits, not 4; 0 .. 7 and -8 .. 7 fit 4.
  const WeightConverter widened = converter("uint4", ConverterScale::none, true);
  EXPECT_EQ(problem(widened, "int8", "int5"), "none");
  EXPECT_THAT(problem(widened, "int8", "int4"),
              HasSubstr("uint4 weights less a zero point are from -15 to 15, which int4"));
  EXPECT_EQ(problem(converter("uint3", ConverterScale::none, false), "int8", "int4"), "none");
  EXPECT_EQ(problem(converter("int4", ConverterScale::none, false), "int8", "int4"), "none");
  EXPECT_THAT(problem(converter("uint4", ConverterScale::none, false), "int8", "int4"),
              HasSubstr("uint4 weights are from 0 to 15"));
  EXPECT_THAT(cannot_serve(fp16, mixpe::Design({})).value(), HasSubstr("converter is for arrays"));
}

// K = 300 in groups of 128 and 5 columns: 3 groups of an FP16 scale and a zero point as wide, in
// front of 1500 codes of 4 bits.
TEST(WeightConverter, DramHoldsCodesAndParameters) {
  const systolic::Design design{systolic::Params{}};
  const WeightConverter how = converter("uint4", ConverterScale::fp16, true);
  const BlockFootprint stored = footprint(design, 7, 5, 300, &how);
  EXPECT_EQ(stored.parameter_bits, 3U * 2 * 5 * 16);
  EXPECT_EQ(stored.w_dram_bytes, 60U + 750);
  const BlockFootprint plain = footprint(design, 7, 5, 300);
  EXPECT_EQ(plain.w_dram_bytes, 1500U);
  EXPECT_EQ(plain.parameter_bits, 0U);
  EXPECT_EQ(stored.w_buffer_bits, plain.w_buffer_bits);
  const WeightConverter bare = converter("int3", ConverterScale::none, false);
  EXPECT_EQ(footprint(design, 7, 5, 300, &bare).w_dram_bytes, 563U);  // 4500 bits
  EXPECT_EQ(footprint(design, 7, 5, 300, &bare).parameter_bits, 0U);
}

TEST(WeightConverter, BlocksThatGoOnHaveWholeGroups) {
  const systolic::Design design{systolic::Params{}};
  const WeightConverter how = converter("uint4", ConverterScale::none, true, 24);
  EXPECT_EQ(block_limits(design, &how).k_step, 24U);
  EXPECT_EQ(block_limits(design, nullptr).k_step, 1U);
}

// A block's parameters are those of its place, however K is cut.
TEST(WeightConverter, RandomOperandsDoNotDependOnTheTile) {
  const systolic::Design design{systolic::Params{}};
  const WeightConverter how = converter("uint4", ConverterScale::int8, true, 4);
  const OperandSource operands(design, 3, &how);
  std::vector<std::uint16_t> all(12 * 6), all_p(6 * 6), part(4 * 2), part_p(2 * 2);
  operands.read_stored_w(1, 2, 0, 12, 0, 6, all, all_p);
  operands.read_stored_w(1, 2, 8, 4, 3, 2, part, part_p);
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t n = 0; n < 2; ++n) EXPECT_EQ(part[k * 2 + n], all[(8 + k) * 6 + 3 + n]);
  }
  for (std::size_t row = 0; row < 2; ++row) {
    for (std::size_t n = 0; n < 2; ++n)
      EXPECT_EQ(part_p[row * 2 + n], all_p[(4 + row) * 6 + 3 + n]);
  }
  EXPECT_THAT(std::vector(all_p.begin() + 6, all_p.begin() + 12), testing::Each(testing::Lt(16)));
  EXPECT_THROW(operands.read_stored_w(1, 2, 2, 4, 3, 2, part, part_p), InternalError);
}

}  // namespace
}  // namespace bitsmith
