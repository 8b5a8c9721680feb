#include "numerics/conversion.h"

#include <gtest/gtest.h>

namespace bitsmith {
namespace {

bool fits(const char* from, const char* to) {
  return exact_conversion(format(from), format(to)).has_value();
}

TEST(ExactConversion, HoldsEveryValueOrNone) {
  EXPECT_TRUE(fits("int4", "int8"));
  EXPECT_FALSE(fits("int8", "int4"));
  EXPECT_TRUE(fits("uint4", "int5"));
  EXPECT_FALSE(fits("uint4", "int4"));
  EXPECT_TRUE(fits("ternary", "int2"));
  EXPECT_TRUE(fits("int8", "fp16"));
  EXPECT_TRUE(fits("int12", "fp16"));
  EXPECT_FALSE(fits("int13", "fp16"));  // 4095 needs 12 bits of significand
  EXPECT_TRUE(fits("fp8_e4m3", "bf16"));
  EXPECT_FALSE(fits("fp16", "bf16"));
  EXPECT_FALSE(fits("fp8_e4m3", "fp6_e3m2"));
}

TEST(ExactConversion, GivesTheCodesOfTheValues) {
  const auto codes = exact_conversion(format("int4"), format("int8"));
  ASSERT_TRUE(codes);
  EXPECT_EQ((*codes)[0x7], 0x07);
  EXPECT_EQ((*codes)[0x8], 0xF8);  // -8
}

// By the definition, whatever the way there.
TEST(ExactConversion, OfAFormatToItself) {
  for (const Format& f : all_formats()) {
    const auto codes = exact_conversion(f, f);
    ASSERT_TRUE(codes) << f.name;
    for (std::uint32_t code = 0; code < code_count(f); ++code) {
      ASSERT_EQ((*codes)[code], encode(f, decode(f, code), Rounding::nearest_even, Overflow::ieee))
          << f.name << " " << code;
    }
  }
}

}  // namespace
}  // namespace bitsmith
