#include "numerics/pack.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "common/error.h"

namespace bitsmith {
namespace {

using Bits = std::vector<bool>;

// The specification as a plain loop: one bit at a time.
Bits bits_of(std::span<const std::uint32_t> words) {
  Bits bits;
  for (const std::uint32_t word : words) {
    for (int b = 0; b < 32; ++b) bits.push_back(((word >> b) & 1) != 0);
  }
  return bits;
}

std::vector<std::uint32_t> random_words(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint32_t> words(count);
  for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random());
  return words;
}

TEST(Bits, HandWorked) {
  std::array<std::uint32_t, 3> words{0x89ABCDEF, 0x01234567, 0xFEDCBA98};
  EXPECT_EQ(get_bits(words, 0, 4), 0xFU);
  EXPECT_EQ(get_bits(words, 28, 8), 0x78U);
  EXPECT_EQ(get_bits(words, 32, 64), 0xFEDCBA9801234567U);
  EXPECT_EQ(get_bits(words, 4, 64), 0x8012345'6789ABCDEU);
  EXPECT_EQ(get_bits(words, 95, 1), 1U);
  put_bits(words, 28, 8, 0xF5A);
  EXPECT_EQ(words, (std::array<std::uint32_t, 3>{0xA9ABCDEF, 0x01234565, 0xFEDCBA98}))
      << "bits above the width are ignored, the others stay";
}

TEST(Bits, GetAndPutAtEveryOffsetAndWidth) {
  std::mt19937_64 random(1);
  for (std::size_t offset = 0; offset < 64; ++offset) {
    for (int width = 1; width <= 64; ++width) {
      // Just as many words as needed: a sanitizer would see an access beyond them.
      const std::size_t count = words_for_bits(offset + static_cast<std::size_t>(width));
      std::vector<std::uint32_t> words = random_words(count, random());
      Bits bits = bits_of(words);
      const std::uint64_t got = get_bits(words, offset, width);
      for (int b = 0; b < 64; ++b) {
        const bool expected = b < width && bits[offset + static_cast<std::size_t>(b)];
        ASSERT_EQ(((got >> b) & 1) != 0, expected) << offset << ' ' << width << ' ' << b;
      }
      const std::uint64_t value = random();
      put_bits(words, offset, width, value);
      for (int b = 0; b < width; ++b) {
        bits[offset + static_cast<std::size_t>(b)] = ((value >> b) & 1) != 0;
      }
      ASSERT_EQ(bits_of(words), bits) << offset << ' ' << width;
    }
  }
}

TEST(Bits, SignExtend) {
  EXPECT_EQ(sign_extend(0b1, 1), -1);
  EXPECT_EQ(sign_extend(0b0, 1), 0);
  EXPECT_EQ(sign_extend(0x8, 4), -8);
  EXPECT_EQ(sign_extend(0x7, 4), 7);
  EXPECT_EQ(sign_extend(0xF7, 4), 7) << "higher bits are ignored";
  EXPECT_EQ(sign_extend(0x80000000, 32), -2147483648LL);
  EXPECT_EQ(sign_extend(0xFFFFFFFFFFFFFFFE, 64), -2);
  for (int width = 1; width < 64; ++width) {
    const std::int64_t limit = std::int64_t{1} << (width - 1);
    EXPECT_EQ(sign_extend(static_cast<std::uint64_t>(-limit), width), -limit);
    EXPECT_EQ(sign_extend(static_cast<std::uint64_t>(limit - 1), width), limit - 1);
  }
}

TEST(Pack, HandWorked) {
  const std::array<std::uint16_t, 5> codes{1, 2, 3, 4, 5};
  std::array<std::uint32_t, 3> words{};
  pack_codes(codes, 4, words);
  EXPECT_EQ(words[0], 0x54321U);
  pack_codes(codes, 8, words);
  EXPECT_EQ(words[0], 0x04030201U);
  EXPECT_EQ(words[1], 0x00000005U);
  pack_codes(codes, 16, words);
  EXPECT_EQ(words, (std::array<std::uint32_t, 3>{0x00020001, 0x00040003, 0x00000005}));
  pack_codes(codes, 3, words);
  EXPECT_EQ(words[0], 0b101'100'011'010'001U);
}

TEST(Pack, RoundTripForAllWidthsAndLengths) {
  constexpr std::uint32_t kUntouched = 0xC0FFEE11;
  for (int width = 1; width <= 16; ++width) {
    for (std::size_t lanes = 0; lanes <= 130; ++lanes) {
      std::mt19937_64 random(lanes * 17 + static_cast<std::size_t>(width));
      // Codes with dirt above their width, words with dirt everywhere.
      std::vector<std::uint16_t> codes(lanes);
      for (std::uint16_t& code : codes) code = static_cast<std::uint16_t>(random());
      const std::size_t used = words_for_bits(lanes * static_cast<std::size_t>(width));
      std::vector<std::uint32_t> words(used + 1, kUntouched);
      pack_codes(codes, width, words);
      ASSERT_EQ(words[used], kUntouched) << "a word after the last one was written";

      std::vector<std::uint32_t> expected(used, 0);
      for (std::size_t i = 0; i < lanes; ++i) {
        for (int b = 0; b < width; ++b) {
          const std::size_t bit = i * static_cast<std::size_t>(width) + static_cast<std::size_t>(b);
          expected[bit / 32] |= static_cast<std::uint32_t>((codes[i] >> b) & 1) << (bit % 32);
        }
      }
      // A copy of just the used words: a sanitizer would see an access beyond them.
      words = std::vector<std::uint32_t>(words.begin(), words.end() - 1);
      ASSERT_EQ(words, expected) << "width " << width << " lanes " << lanes;

      std::vector<std::uint16_t> again(lanes, 0xFFFF);
      unpack_codes(words, width, again);
      for (std::size_t i = 0; i < lanes; ++i) {
        ASSERT_EQ(again[i], codes[i] & ((1U << width) - 1)) << "width " << width << " lane " << i;
        ASSERT_EQ(again[i], get_bits(words, i * static_cast<std::size_t>(width), width));
      }
    }
  }
}

TEST(Pack, WrongSizesAreOurBug) {
  std::array<std::uint16_t, 9> codes{};
  std::array<std::uint32_t, 1> words{};
  EXPECT_THROW(pack_codes(codes, 4, words), InternalError);
  EXPECT_THROW(unpack_codes(words, 4, codes), InternalError);
  EXPECT_NO_THROW(pack_codes(std::span(codes).first(8), 4, words));
  EXPECT_THROW(pack_codes(codes, 0, words), InternalError);
  EXPECT_THROW(unpack_codes(words, 17, std::span(codes).first(1)), InternalError);
}

}  // namespace
}  // namespace bitsmith
