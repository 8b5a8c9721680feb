// Blocks of ggml by hand, from their published layouts (the comments of gguf-py/gguf/quants.py and
// ggml-common.h): bytes are put together here field by field or literally, values follow from the
// description's arithmetic.
#include "workload/ggml_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "common/error.h"
#include "numerics/format.h"
#include "workload/stored_type.h"

namespace bitsmith {
namespace {

using testing::ElementsAreArray;
using Bytes = std::vector<std::uint8_t>;

// FP16 codes, low byte first.
const Bytes kOne = {0x00, 0x3C}, kHalf = {0x00, 0x38}, kMinusTwo = {0x00, 0xC0};
const Bytes kLargest = {0xFF, 0x7B};   // 65504
const Bytes kSmallest = {0x01, 0x00};  // 2^-24
const Bytes kZero = {0x00, 0x00};

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<float> decoded(std::string_view type, const Bytes& block) {
  const StoredType* const t = find_stored_type(type);
  check(t != nullptr && t->bytes == block.size(), "a block of the type's length");
  std::vector<float> values(t->numbers);
  t->decode(reinterpret_cast<const std::byte*>(block.data()), values.data());
  return values;
}

// `count` values of a function of their index.
template <class Function>
std::vector<float> values_of(unsigned count, Function function) {
  std::vector<float> values;
  for (unsigned i = 0; i < count; ++i) values.push_back(static_cast<float>(function(i)));
  return values;
}

// Sixteen bytes: the low nibbles are numbers 0..15, the high ones 16..31.
template <class Code>
Bytes nibbles(Code code) {
  Bytes bytes;
  for (unsigned i = 0; i < 16; ++i) {
    bytes.push_back(static_cast<std::uint8_t>((code(i) & 15U) | (code(i + 16) & 15U) << 4U));
  }
  return bytes;
}

// ---------------------------------------------------------------------------------- 32 numbers

TEST(GgmlBlocks, Q4_0) {
  // Codes 0..15 upwards, then downwards; value = d * (code - 8).
  const auto code = [](unsigned i) { return i < 16 ? i : 31 - i; };
  const auto value = [&](double d) {
    return values_of(32, [&, d](unsigned i) { return d * (static_cast<int>(code(i)) - 8); });
  };
  EXPECT_THAT(decoded("Q4_0", kHalf + nibbles(code)), ElementsAreArray(value(0.5)));
  EXPECT_THAT(decoded("Q4_0", kMinusTwo + nibbles(code)), ElementsAreArray(value(-2)));
  EXPECT_THAT(decoded("Q4_0", kLargest + nibbles(code)), ElementsAreArray(value(65504)));
  EXPECT_THAT(decoded("Q4_0", kSmallest + nibbles(code)), ElementsAreArray(value(0x1p-24)));
  // Literally: one byte 0xF0 is number 0 with code 0 and number 16 with code 15.
  const std::vector<float> literal = decoded("Q4_0", kOne + Bytes{0xF0} + Bytes(15, 0x88));
  EXPECT_EQ(literal[0], -8);
  EXPECT_EQ(literal[16], 7);
  EXPECT_EQ(literal[1], 0);
}

TEST(GgmlBlocks, Q4_1) {
  const auto code = [](unsigned i) { return i < 16 ? i : 31 - i; };
  EXPECT_THAT(decoded("Q4_1", kHalf + kMinusTwo + nibbles(code)),
              ElementsAreArray(values_of(32, [&](unsigned i) { return 0.5 * code(i) - 2; })));
  // 65504 * 15 + 2^-24 needs more than 24 bits and is rounded: 982560.
  EXPECT_EQ(decoded("Q4_1", kLargest + kSmallest + Bytes(16, 0xFF))[31], 982560.0F);
  // 1 * 15 + 65504 is exact.
  EXPECT_EQ(decoded("Q4_1", kOne + kLargest + Bytes(16, 0xF0))[16], 65519.0F);
}

TEST(GgmlBlocks, Q5_0) {
  const auto code = [](unsigned i) { return i < 16 ? i : 31 - i; };
  // Fifth bits at both ends of every byte: numbers 0, 7, 8, 15, 16, 23, 24, 31.
  const Bytes high = {0x81, 0x81, 0x81, 0x81};
  const auto has_high = [](unsigned i) { return i % 8 == 0 || i % 8 == 7; };
  EXPECT_THAT(decoded("Q5_0", kHalf + high + nibbles(code)),
              ElementsAreArray(values_of(32, [&](unsigned i) {
                return 0.5 * (static_cast<int>(code(i)) + (has_high(i) ? 16 : 0) - 16);
              })));
  EXPECT_EQ(decoded("Q5_0", kOne + Bytes{0, 0, 0, 0x80} + Bytes(16, 0xFF))[31], 15);
  EXPECT_EQ(decoded("Q5_0", kOne + Bytes{0, 0, 0, 0x80} + Bytes(16, 0xFF))[30], -1);
  EXPECT_EQ(decoded("Q5_0", kLargest + Bytes(4, 0) + Bytes(16, 0))[0], -1048064.0F);
}

TEST(GgmlBlocks, Q5_1) {
  const auto code = [](unsigned i) { return i < 16 ? i : 31 - i; };
  // Numbers 0, 9, 18, 27.
  const Bytes high = {0x01, 0x02, 0x04, 0x08};
  EXPECT_THAT(decoded("Q5_1", kHalf + kMinusTwo + high + nibbles(code)),
              ElementsAreArray(values_of(
                  32, [&](unsigned i) { return 0.5 * (code(i) + (i % 9 == 0 ? 16 : 0)) - 2; })));
  // 31 * 65504 - 2, exact.
  EXPECT_EQ(decoded("Q5_1", kLargest + kMinusTwo + Bytes(4, 0xFF) + Bytes(16, 0xFF))[5],
            2030622.0F);
}

TEST(GgmlBlocks, Q8_0) {
  Bytes codes(32, 0);
  codes[0] = 0x80;   // -128
  codes[1] = 0x7F;   // 127
  codes[2] = 0xFF;   // -1
  codes[31] = 0x01;  // 1
  std::vector<float> expected(32, 0.0F);
  expected[0] = -64;
  expected[1] = 63.5;
  expected[2] = -0.5;
  expected[31] = 0.5;
  EXPECT_THAT(decoded("Q8_0", kHalf + codes), ElementsAreArray(expected));
  EXPECT_EQ(decoded("Q8_0", kLargest + codes)[0], -8384512.0F);
  EXPECT_EQ(decoded("Q8_0", kSmallest + codes)[1], 127 * 0x1p-24F);
}

// ---------------------------------------------------------------------------------- 256 numbers

// 64 bytes of two-bit codes: byte 32 h + l has numbers 128 h + l, + 32, + 64, + 96 from its lowest
// bits on.
template <class Code>
Bytes pairs(Code code) {
  Bytes bytes;
  for (unsigned h = 0; h < 2; ++h) {
    for (unsigned l = 0; l < 32; ++l) {
      unsigned byte = 0;
      for (unsigned s = 0; s < 4; ++s) byte |= (code(128 * h + 32 * s + l) & 3U) << (2 * s);
      bytes.push_back(static_cast<std::uint8_t>(byte));
    }
  }
  return bytes;
}

// 128 bytes of nibbles: runs of `run` bytes with `run` numbers low and the next `run` high.
template <class Code>
Bytes runs(unsigned run, Code code) {
  Bytes bytes;
  for (unsigned first = 0; first < 256; first += 2 * run) {
    for (unsigned l = 0; l < run; ++l) {
      bytes.push_back(
          static_cast<std::uint8_t>((code(first + l) & 15U) | (code(first + run + l) & 15U) << 4U));
    }
  }
  return bytes;
}

// 32 bytes of single bits: bit s of byte l is that of number 32 s + l.
template <class Bit>
Bytes bits(Bit bit) {
  Bytes bytes;
  for (unsigned l = 0; l < 32; ++l) {
    unsigned byte = 0;
    for (unsigned s = 0; s < 8; ++s) byte |= (bit(32 * s + l) & 1U) << s;
    bytes.push_back(static_cast<std::uint8_t>(byte));
  }
  return bytes;
}

TEST(GgmlBlocks, Q2_K) {
  // Sixteen groups of 16; scale in the low nibble, minimum in the high one: 0xF0, 0xE1, ... 0x0F.
  Bytes scales;
  for (unsigned j = 0; j < 16; ++j) scales.push_back(static_cast<std::uint8_t>(j | (15 - j) << 4U));
  const auto code = [](unsigned i) { return (i + i / 32 + i / 128) % 4; };
  EXPECT_THAT(decoded("Q2_K", scales + pairs(code) + kMinusTwo + kHalf),
              ElementsAreArray(values_of(256, [&](unsigned i) {
                const unsigned j = i / 16;
                return -2.0 * j * code(i) - 0.5 * (15 - j);
              })));
  // Literally: all codes 3, all scales 15 and minima 15; (65504 * 15) * 3 - 65504 * 15 = 1965120.
  const Bytes full = Bytes(16, 0xFF) + Bytes(64, 0xFF);
  EXPECT_THAT(decoded("Q2_K", full + kLargest + kLargest),
              ElementsAreArray(std::vector<float>(256, 1965120)));
  // 2947680 - 15 * 2^-24 is rounded to 2947680.
  EXPECT_EQ(decoded("Q2_K", full + kLargest + kSmallest)[255], 2947680.0F);
}

TEST(GgmlBlocks, Q3_K) {
  // Sixteen scales A..P of 6 bits, 32 too large; the layout of the twelve bytes:
  //   0..7: IIIIAAAA JJJJBBBB ... PPPPHHHH   low nibbles
  //   8..11: MMIIEEAA NNJJFFBB OOKKGGCC PPLLHHDD   upper pairs
  // A..H = 0, 63, 32, 31, 16, 47, 48, 15; I..P = 1, 2, 4, 8, 33, 62, 21, 42.
  const std::array<int, 16> scales{0, 63, 32, 31, 16, 47, 48, 15, 1, 2, 4, 8, 33, 62, 21, 42};
  const Bytes packed = {0x10, 0x2F, 0x40, 0x8F, 0x10, 0xEF, 0x50, 0xAF,
                        // A 0, E 1, I 0, M 2: 10'00'01'00; B 3, F 2, J 0, N 3: 11'00'10'11
                        0x84, 0xCB,
                        // C 2, G 3, K 0, O 1: 01'00'11'10; D 1, H 0, L 0, P 2: 10'00'00'01
                        0x4E, 0x81};
  const auto code = [](unsigned i) { return (i + i / 32) % 4; };
  const auto third = [](unsigned i) { return i % 3 == 0 ? 1U : 0U; };
  EXPECT_THAT(decoded("Q3_K", bits(third) + pairs(code) + packed + kHalf),
              ElementsAreArray(values_of(256, [&](unsigned i) {
                const int q = static_cast<int>(code(i)) - (third(i) == 1 ? 0 : 4);
                return 0.5 * (scales[i / 16] - 32) * q;
              })));
  // Extremes: scale -32 and code -4; scale 31 and code 3.
  EXPECT_EQ(decoded("Q3_K", Bytes(32 + 64 + 12, 0x00) + kLargest)[0], 8384512.0F);
  EXPECT_EQ(decoded("Q3_K", Bytes(32 + 64 + 12, 0xFF) + kLargest)[255], 6091872.0F);
}

// Eight scales A..H and minima a..h of 6 bits; the layout of the twelve bytes:
//   0..3: EEAAAAAA FFBBBBBB GGCCCCCC HHDDDDDD
//   4..7: eeaaaaaa ffbbbbbb ggcccccc hhdddddd
//   8..11: eeeeEEEE ffffFFFF ggggGGGG hhhhHHHH
// with the upper bits of E..H and e..h in the first eight.
constexpr std::array<unsigned, 8> kScales{1, 63, 32, 16, 33, 30, 63, 0};
constexpr std::array<unsigned, 8> kMinima{63, 2, 31, 48, 16, 47, 0, 63};
const Bytes kPackedScales = {0x81, 0x7F, 0xE0, 0x10,   // E 2 A 1, F 1 B 63, G 3 C 32, H 0 D 16
                             0x7F, 0x82, 0x1F, 0xF0,   // e 1 a 63, f 2 b 2, g 0 c 31, h 3 d 48
                             0x01, 0xFE, 0x0F, 0xF0};  // e 0 E 1, f 15 F 14, g 0 G 15, h 15 H 0

TEST(GgmlBlocks, Q4_K) {
  const auto code = [](unsigned i) { return (i + i / 32) % 16; };
  EXPECT_THAT(decoded("Q4_K", kMinusTwo + kHalf + kPackedScales + runs(32, code)),
              ElementsAreArray(values_of(256, [&](unsigned i) {
                return -2.0 * kScales[i / 32] * code(i) - 0.5 * kMinima[i / 32];
              })));
  // Literally: all fields full; 65504 * 63 * 15 - 2 * 63 = 61901154 needs 26 bits, so it is rounded
  // to a multiple of 4: 61901156 is 2 away, 61901152 is, too, and has the even mantissa.
  const Bytes full = Bytes(12, 0xFF) + Bytes(128, 0xFF);
  EXPECT_EQ(decoded("Q4_K", kLargest + Bytes{0x00, 0x40} + full)[0], 61901152.0F);
  EXPECT_EQ(decoded("Q4_K", kSmallest + kSmallest + full)[255], 882 * 0x1p-24F);
}

TEST(GgmlBlocks, Q5_K) {
  const auto code = [](unsigned i) { return (i + i / 32) % 32; };
  const auto fifth = [&](unsigned i) { return code(i) >> 4U; };
  EXPECT_THAT(decoded("Q5_K", kMinusTwo + kHalf + kPackedScales + bits(fifth) + runs(32, code)),
              ElementsAreArray(values_of(256, [&](unsigned i) {
                return -2.0 * kScales[i / 32] * code(i) - 0.5 * kMinima[i / 32];
              })));
  // Only the fifth bit of number 0, then only that of number 255.
  const Bytes first = Bytes{0x01} + Bytes(31, 0), last = Bytes(31, 0) + Bytes{0x80};
  const Bytes ones = {0x01, 0x01, 0x01, 0x01, 0, 0, 0, 0, 0x01, 0x01, 0x01, 0x01};
  std::vector<float> expected(256, 0.0F);
  expected[0] = 16;
  EXPECT_THAT(decoded("Q5_K", kOne + kZero + ones + first + Bytes(128, 0)),
              ElementsAreArray(expected));
  expected[0] = 0;
  expected[255] = 16;
  EXPECT_THAT(decoded("Q5_K", kOne + kZero + ones + last + Bytes(128, 0)),
              ElementsAreArray(expected));
  // All fields full, no minima: 63 * 31 * 65504 = 127929312, exact.
  EXPECT_EQ(decoded("Q5_K", kLargest + kZero + Bytes(12, 0xFF) + Bytes(160, 0xFF))[9],
            127929312.0F);
}

TEST(GgmlBlocks, Q6_K) {
  const auto code = [](unsigned i) { return (5 * i + i / 64) % 64; };
  const auto upper = [&](unsigned i) { return code(i) >> 4U; };
  Bytes scales;
  for (int j = 0; j < 16; ++j)
    scales.push_back(static_cast<std::uint8_t>(j % 2 == 0 ? 8 * j : -8 * j));
  EXPECT_THAT(decoded("Q6_K", runs(64, code) + pairs(upper) + scales + kHalf),
              ElementsAreArray(values_of(256, [&](unsigned i) {
                const int j = static_cast<int>(i / 16);
                return 0.5 * (j % 2 == 0 ? 8 * j : -8 * j) * (static_cast<int>(code(i)) - 32);
              })));
  // Scale -128 and code 0 (-32); scale 127 and code 63 (31).
  EXPECT_EQ(decoded("Q6_K", Bytes(192, 0) + Bytes(16, 0x80) + kLargest)[0], 268304384.0F);
  EXPECT_EQ(decoded("Q6_K", Bytes(192, 0xFF) + Bytes(16, 0x7F) + kLargest)[255], 257889248.0F);
}

// ---------------------------------------------------------------------------------- plain types

TEST(StoredTypes, PlainNumbers) {
  EXPECT_THAT(decoded("F32", {0x00, 0x00, 0xC0, 0x3F}), ElementsAreArray({1.5F}));
  EXPECT_THAT(decoded("F64", {0, 0, 0, 0, 0, 0, 0xF8, 0x3F}), ElementsAreArray({1.5F}));
  // 1 + 2^-24 of FP64 is halfway between two of FP32: to even.
  EXPECT_THAT(decoded("F64", {0, 0, 0, 0x10, 0, 0, 0xF0, 0x3F}), ElementsAreArray({1.0F}));
  EXPECT_THAT(decoded("F16", {0xFF, 0x7B}), ElementsAreArray({65504.0F}));
  EXPECT_THAT(decoded("F16", {0x01, 0x80}), ElementsAreArray({-0x1p-24F}));
  EXPECT_THAT(decoded("BF16", {0x80, 0x3F}), ElementsAreArray({1.0F}));
  EXPECT_THAT(decoded("BF16", {0x01, 0x00}), ElementsAreArray({0x1p-133F}));
  EXPECT_TRUE(std::isinf(decoded("F16", {0x00, 0xFC})[0]));
  EXPECT_TRUE(std::isnan(decoded("BF16", {0xC0, 0x7F})[0]));
  EXPECT_THAT(decoded("F8_E4M3", {0x7E}), ElementsAreArray({448.0F}));
  EXPECT_THAT(decoded("F8_E5M2", {0x7B}), ElementsAreArray({57344.0F}));
  EXPECT_THAT(decoded("I8", {0x80}), ElementsAreArray({-128.0F}));
  EXPECT_THAT(decoded("U8", {0x80}), ElementsAreArray({128.0F}));
  EXPECT_THAT(decoded("I16", {0x00, 0x80}), ElementsAreArray({-32768.0F}));
  EXPECT_THAT(decoded("U16", {0xFF, 0xFF}), ElementsAreArray({65535.0F}));
}

TEST(StoredTypes, ARangeMayStartAndEndInsideBlocks) {
  // Three blocks of Q8_0 with codes 0..95 and d = 1.
  Bytes data;
  for (unsigned block = 0; block < 3; ++block) {
    data = data + kOne;
    for (unsigned i = 0; i < 32; ++i) data.push_back(static_cast<std::uint8_t>(32 * block + i));
  }
  const StoredType& type = *find_stored_type("Q8_0");
  const auto bytes = std::as_bytes(std::span(data));
  for (const auto& [first, count] : {std::pair{0U, 96U},
                                     {1U, 94U},
                                     {31U, 2U},
                                     {32U, 32U},
                                     {5U, 3U},
                                     {40U, 0U},
                                     {95U, 1U},
                                     {30U, 66U}}) {
    std::vector<float> values(count);
    decode_numbers(type, bytes, first, values);
    EXPECT_EQ(values, values_of(count, [first](unsigned i) { return first + i; })) << first;
  }
  std::vector<float> values(2);
  EXPECT_THROW(decode_numbers(type, bytes, 95, values), InternalError);
}

}  // namespace
}  // namespace bitsmith
