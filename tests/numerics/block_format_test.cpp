#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "common/error.h"
#include "numerics/format.h"

namespace bitsmith {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Block {
  std::uint32_t scale;
  std::vector<std::uint16_t> codes;
  std::vector<double> values;
};

Block round_trip(const BlockFormat& f, const std::vector<float>& values,
                 Rounding rounding = Rounding::nearest_even) {
  Block block{0, std::vector<std::uint16_t>(values.size(), 0xDEAD),
              std::vector<double>(values.size())};
  block.scale = encode_block(f, values, block.codes, rounding);
  decode_block(f, block.scale, block.codes, block.values);
  return block;
}

std::vector<double> decoded(std::string_view name, const std::vector<float>& values) {
  return round_trip(block_format(name), values).values;
}

using Doubles = std::vector<double>;

TEST(BlockFormatTable, NamesSizesAndStorage) {
  EXPECT_EQ(all_block_formats().size(), 12U);
  for (const BlockFormat& f : all_block_formats()) {
    EXPECT_EQ(find_block_format(f.name), &f);
    EXPECT_EQ(f.scale, find_format("e8m0"));
    EXPECT_EQ(f.block_size, f.name.starts_with("mx") ? 32 : 16) << f.name;
  }
  EXPECT_EQ(bits_per_value(block_format("mxfp8_e4m3")), 8.25);
  EXPECT_EQ(bits_per_value(block_format("mxfp8_e5m2")), 8.25);
  EXPECT_EQ(bits_per_value(block_format("mxfp6_e3m2")), 6.25);
  EXPECT_EQ(bits_per_value(block_format("mxfp6_e2m3")), 6.25);
  EXPECT_EQ(bits_per_value(block_format("mxfp4")), 4.25);
  EXPECT_EQ(bits_per_value(block_format("mxint8")), 8.25);
  EXPECT_EQ(bits_per_value(block_format("msfp12")), 4.5) << "published: 12 bits, 8 of them shared";
  EXPECT_EQ(bits_per_value(block_format("msfp16")), 8.5);
  EXPECT_EQ(find_block_format("mxfp5"), nullptr);
  try {
    block_format("mxfp5");
    FAIL() << "no error";
  } catch (const UserError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("unknown block format 'mxfp5' (did you mean 'mxfp4'?)"), std::string::npos)
        << text;
  }
}

// Values that fit: scale and elements worked by hand from MX 1.0, section 6.3.
TEST(MxBlock, HandWorkedVectors) {
  // max 6 = 1.5 * 2^2, emax of E2M1 is 2: scale 2^0.
  Block b = round_trip(block_format("mxfp4"), {6, -3, 0.5F, 0.25F, -0.75F, 0});
  EXPECT_EQ(b.scale, 127U);
  EXPECT_EQ(b.codes, (std::vector<std::uint16_t>{7, 13, 1, 0, 10, 0}));
  EXPECT_EQ(b.values, (Doubles{6, -3, 0.5, 0, -1, 0}));
  // max 7.9: the same scale, the element saturates at 6.
  b = round_trip(block_format("mxfp4"), {7.9F, 1});
  EXPECT_EQ(b.scale, 127U);
  EXPECT_EQ(b.values, (Doubles{6, 1}));
  // max 8: the next scale.
  b = round_trip(block_format("mxfp4"), {-8, 1});
  EXPECT_EQ(b.scale, 128U);
  EXPECT_EQ(b.values, (Doubles{-8, 1}));
  // E4M3: emax 8. 1000 = 1.953 * 2^9 -> scale 2, element 500 clamps to 448.
  b = round_trip(block_format("mxfp8_e4m3"), {1000, 2});
  EXPECT_EQ(b.scale, 128U);
  EXPECT_EQ(b.values, (Doubles{896, 2}));
  // E5M2: emax 15. 1 -> scale 2^-15, element 2^15.
  b = round_trip(block_format("mxfp8_e5m2"), {1, 0.3F});
  EXPECT_EQ(b.scale, 112U);
  EXPECT_EQ(b.values, (Doubles{1, 0.3125}));
  // E3M2: emax 4; E2M3: emax 2.
  EXPECT_EQ(decoded("mxfp6_e3m2", {28, 9, 0.1F}), (Doubles{28, 8, 0.125}));
  EXPECT_EQ(decoded("mxfp6_e2m3", {7.5F, 4.25F, 0.1F}), (Doubles{7.5, 4, 0.125}));
  // INT8 with implied 2^-6: emax 0. 100 = 1.5625 * 2^6 -> scale 2^6, element 100.
  b = round_trip(block_format("mxint8"), {100, -7, 0.5F});
  EXPECT_EQ(b.scale, 133U);
  EXPECT_EQ(b.codes, (std::vector<std::uint16_t>{100, 0xF9, 0}));
  EXPECT_EQ(b.values, (Doubles{100, -7, 0}));
}

TEST(MxBlock, Int8StaysSymmetric) {
  for (const Rounding rounding : {Rounding::nearest_even, Rounding::down, Rounding::up}) {
    const Block b = round_trip(block_format("mxint8"), {-1.9999F, 1.9999F}, rounding);
    EXPECT_EQ(b.scale, 127U);
    EXPECT_EQ(b.values, (Doubles{-127.0 / 64, 127.0 / 64}));
  }
  EXPECT_EQ(decode_element(block_format("mxint8"), 127, 0x80), -2) << "but -2 can be read";
}

TEST(MsfpBlock, HandWorkedVectors) {
  // Three magnitude bits: 5 = 1.25 * 2^2, step 2^(2-2) = 1.
  Block b = round_trip(block_format("msfp12"), {5, -2.5F, 0.4F, -0.6F, 7});
  EXPECT_EQ(b.scale, 129U) << "exponent of the largest + 127";
  EXPECT_EQ(b.codes, (std::vector<std::uint16_t>{5, 8 + 2, 0, 8 + 1, 7}));
  EXPECT_EQ(b.values, (Doubles{5, -2, 0, -1, 7}));
  // A largest magnitude that rounds up saturates: 7.9 -> 7.
  EXPECT_EQ(decoded("bfp4", {-7.9F}), (Doubles{-7}));
  // Seven magnitude bits: 1.5 has exponent 0, step 2^-6.
  b = round_trip(block_format("msfp16"), {1.5F, 1.0F / 64, -1.0F / 128, 3.0F / 128});
  EXPECT_EQ(b.scale, 127U);
  EXPECT_EQ(b.values, (Doubles{1.5, 1.0 / 64, -0.0, 2.0 / 64}));
  EXPECT_EQ(decoded("bfp12", {1, 1.0F / 1024}), (Doubles{1, 1.0 / 1024}));
  EXPECT_EQ(decoded("bfp16", {1, 1.0F / 16384}), (Doubles{1, 1.0 / 16384}));
  EXPECT_EQ(decoded("bfp8", {3, 0.1F}), decoded("msfp16", {3, 0.1F}));
}

TEST(Block, ZerosNanAndInfinity) {
  for (const BlockFormat& f : all_block_formats()) {
    Block b = round_trip(f, {0, -0.0F, 0});
    EXPECT_EQ(b.scale, 0U) << f.name;
    EXPECT_EQ(b.values, (Doubles{0, 0, 0})) << f.name;
    for (const float bad : {kNan, kInf, -kInf}) {
      b = round_trip(f, {1, bad, 3});
      EXPECT_EQ(b.scale, 255U) << f.name;
      EXPECT_EQ(b.codes, (std::vector<std::uint16_t>{0, 0, 0})) << f.name;
      for (const double v : b.values) EXPECT_TRUE(std::isnan(v)) << f.name;
    }
  }
}

TEST(Block, ExtremesOfFloat) {
  const float huge = std::numeric_limits<float>::max();
  const float tiny = std::numeric_limits<float>::denorm_min();
  for (const BlockFormat& f : all_block_formats()) {
    const Block b = round_trip(f, {huge, -huge, tiny});
    const int emax = max_exponent(*f.element) + f.element_exponent;
    EXPECT_EQ(b.scale, static_cast<std::uint32_t>(254 - emax)) << f.name;
    EXPECT_EQ(b.values[0], -b.values[1]) << f.name;
    EXPECT_GE(b.values[0], 0.75 * huge) << f.name;
    EXPECT_EQ(b.values[2], 0) << f.name;
    // The scale cannot go below 2^-127; what the elements cannot hold rounds to zero.
    EXPECT_EQ(round_trip(f, {tiny}).scale, 0U) << f.name;
  }
  // 2^-149 = 2^-127 * 2^-22 is below every element, 2^-133 = 2^-127 * 2^-6 is in E4M3 and INT8.
  EXPECT_EQ(decoded("mxfp8_e4m3", {tiny}), (Doubles{0}));
  const float small = std::ldexp(1.0F, -133);
  EXPECT_EQ(decoded("mxfp8_e4m3", {small}), (Doubles{small}));
  EXPECT_EQ(decoded("mxint8", {small}), (Doubles{small}));
}

// Pseudo-random blocks: the scale is that of the rule, and no element is farther from its value
// than any other code.
TEST(Block, EveryElementIsTheNearestOne) {
  std::uint64_t state = 7;
  const auto next = [&state] {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::int32_t>(state >> 32);
  };
  for (const BlockFormat& f : all_block_formats()) {
    if (f.element->bits > 8) continue;
    for (int trial = 0; trial < 40; ++trial) {
      std::vector<float> values;
      const int exponent = next() % 60;
      for (int i = 0; i < f.block_size; ++i) {
        values.push_back(std::ldexp(static_cast<float>(next()), exponent - 31 - (next() & 7)));
      }
      const Block b = round_trip(f, values);
      double largest = 0;
      for (const double v : values) largest = std::max(largest, std::fabs(v));
      const int emax = max_exponent(*f.element) + f.element_exponent;
      ASSERT_EQ(b.scale, static_cast<std::uint32_t>(std::ilogb(largest) - emax + 127)) << f.name;
      for (std::size_t i = 0; i < values.size(); ++i) {
        double best = std::numeric_limits<double>::infinity();
        for (std::uint32_t code = 0; code < code_count(*f.element); ++code) {
          const double v = decode_element(f, b.scale, code);
          if (f.symmetric && code == 0x80) continue;
          if (std::isfinite(v)) best = std::min(best, std::fabs(v - values[i]));
        }
        ASSERT_EQ(std::fabs(b.values[i] - values[i]), best) << f.name << " value " << values[i];
        ASSERT_EQ(b.values[i], decode_element(f, b.scale, b.codes[i])) << f.name;
      }
    }
  }
}

// 1.0 alone in a block, by hand: the scale is 2^-emax of the element, and the element's code is
// that of 2^emax. Scale and code are what hardware stores; decoded values alone would hide an error
// in both.
TEST(Block, ScaleAndCodeOfOneByHand) {
  struct Row {
    const char* name;
    std::uint32_t scale;
    std::uint16_t code;
  };
  for (const Row& expected :
       {Row{"mxfp8_e4m3", 127 - 8, 0x78}, Row{"mxfp8_e5m2", 127 - 15, 0x78},
        Row{"mxfp6_e3m2", 127 - 4, 0x1C}, Row{"mxfp6_e2m3", 127 - 2, 0x18},
        Row{"mxfp4", 127 - 2, 0x6}, Row{"mxint8", 127, 64}, Row{"bfp4", 127, 4},
        Row{"bfp8", 127, 64}, Row{"bfp12", 127, 1024}, Row{"bfp16", 127, 16384},
        Row{"msfp12", 127, 4}, Row{"msfp16", 127, 64}}) {
    const Block block = round_trip(block_format(expected.name), {1.0F});
    EXPECT_EQ(block.scale, expected.scale) << expected.name;
    EXPECT_EQ(block.codes[0], expected.code) << expected.name;
  }
}

TEST(Block, WrongSizesAreOurBug) {
  const BlockFormat& f = block_format("mxfp4");
  std::array<std::uint16_t, 33> codes{};
  std::array<float, 33> values{};
  std::array<double, 33> out{};
  const std::span<const float> in = values;
  EXPECT_THROW(encode_block(f, in, codes), InternalError);
  EXPECT_THROW(encode_block(f, in.first(0), std::span(codes).first(0)), InternalError);
  EXPECT_THROW(encode_block(f, in.first(3), std::span(codes).first(4)), InternalError);
  EXPECT_THROW(decode_block(f, 127, codes, out), InternalError);
  EXPECT_THROW(decode_block(f, 127, std::span(codes).first(4), std::span(out).first(3)),
               InternalError);
}

}  // namespace
}  // namespace bitsmith
