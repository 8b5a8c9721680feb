// Bit packing into 32-bit words, little-endian: bit b of a packed vector is bit b % 32 of word b /
// 32, and lane i of width w sits at bits [i*w +: w]. The layout is that of the flat ports of the
// RTL and does not depend on the byte order of the host.
//
// These functions run once per beat of a simulated array: no allocation; put_bits and get_bits are
// inline and check their arguments in debug builds only.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bitsmith {

inline constexpr std::size_t kWordBits = 32;

// Words that hold `bits` bits.
constexpr std::size_t words_for_bits(std::size_t bits) {
  return (bits + kWordBits - 1) / kWordBits;
}

// The lowest `width` bits set, width 0..64.
constexpr std::uint64_t low_mask(int width) {
  return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}

// The two's complement number in the low `width` bits (1..64) of `value`; higher bits are ignored.
constexpr std::int64_t sign_extend(std::uint64_t value, int width) {
  const int unused = 64 - width;
  return static_cast<std::int64_t>(value << unused) >> unused;
}

// `width` bits (1..64) that start at bit `offset`. Only words that hold some of these bits are
// touched.
inline std::uint64_t get_bits(std::span<const std::uint32_t> words, std::size_t offset, int width) {
  assert(width >= 1 && width <= 64);
  assert(offset + static_cast<std::size_t>(width) <= words.size() * kWordBits);
  const std::uint32_t* word = words.data() + offset / kWordBits;
  const int shift = static_cast<int>(offset % kWordBits);
  const int end = shift + width;  // at most 95: three words
  std::uint64_t value = word[0];
  if (end > 32) value |= std::uint64_t{word[1]} << 32;
  value >>= shift;
  if (end > 64) value |= std::uint64_t{word[2]} << (64 - shift);
  return value & low_mask(width);
}

// Replaces `width` bits (1..64) that start at bit `offset`; all other bits stay. Bits of `value`
// above `width` are ignored.
inline void put_bits(std::span<std::uint32_t> words, std::size_t offset, int width,
                     std::uint64_t value) {
  assert(width >= 1 && width <= 64);
  assert(offset + static_cast<std::size_t>(width) <= words.size() * kWordBits);
  std::uint32_t* word = words.data() + offset / kWordBits;
  int shift = static_cast<int>(offset % kWordBits);
  std::uint64_t mask = low_mask(width);
  value &= mask;
  while (mask != 0) {
    const auto word_mask = static_cast<std::uint32_t>(mask << shift);
    *word = (*word & ~word_mask) | static_cast<std::uint32_t>(value << shift);
    const int done = 32 - shift;
    mask >>= done;
    value >>= done;
    shift = 0;
    ++word;
  }
}

// Packs codes of `width` bits (1..16) from bit 0 on. Bits of a code above `width` are ignored.
// Writes words_for_bits(codes.size() * width) words: the unused bits of the last one are 0, words
// after it stay. InternalError if `words` is too short.
void pack_codes(std::span<const std::uint16_t> codes, int width, std::span<std::uint32_t> words);

// The inverse: fills `codes` from the first codes.size() lanes.
void unpack_codes(std::span<const std::uint32_t> words, int width, std::span<std::uint16_t> codes);

}  // namespace bitsmith
