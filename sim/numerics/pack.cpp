#include "numerics/pack.h"

#include "common/error.h"

namespace bitsmith {
namespace {

// Widths that divide 32: every word holds the same lanes, and the compiler unrolls and vectorises
// the inner loop.
template <int kWidth>
void pack_aligned(std::span<const std::uint16_t> codes, std::span<std::uint32_t> words) {
  constexpr std::size_t kLanes = kWordBits / kWidth;
  constexpr std::uint32_t kMask = (std::uint32_t{1} << kWidth) - 1;
  const std::size_t full_words = codes.size() / kLanes;
  for (std::size_t w = 0; w < full_words; ++w) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < kLanes; ++i) {
      word |= (codes[w * kLanes + i] & kMask) << (i * kWidth);
    }
    words[w] = word;
  }
  const std::size_t first = full_words * kLanes;
  if (first == codes.size()) return;
  std::uint32_t word = 0;
  for (std::size_t i = first; i < codes.size(); ++i) {
    word |= (codes[i] & kMask) << ((i - first) * kWidth);
  }
  words[full_words] = word;
}

template <int kWidth>
void unpack_aligned(std::span<const std::uint32_t> words, std::span<std::uint16_t> codes) {
  constexpr std::size_t kLanes = kWordBits / kWidth;
  constexpr std::uint32_t kMask = (std::uint32_t{1} << kWidth) - 1;
  const std::size_t full_words = codes.size() / kLanes;
  for (std::size_t w = 0; w < full_words; ++w) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      codes[w * kLanes + i] = static_cast<std::uint16_t>((words[w] >> (i * kWidth)) & kMask);
    }
  }
  for (std::size_t i = full_words * kLanes; i < codes.size(); ++i) {
    codes[i] = static_cast<std::uint16_t>((words[full_words] >> (i % kLanes * kWidth)) & kMask);
  }
}

// Any width: `pending` bits wait in a 64-bit buffer. It holds less than 32 before a code of at most
// 16 comes in.
void pack_any(std::span<const std::uint16_t> codes, int width, std::span<std::uint32_t> words) {
  const std::uint64_t mask = low_mask(width);
  std::uint64_t buffer = 0;
  int pending = 0;
  std::size_t w = 0;
  for (const std::uint16_t code : codes) {
    buffer |= (code & mask) << pending;
    pending += width;
    if (pending >= 32) {
      words[w++] = static_cast<std::uint32_t>(buffer);
      buffer >>= 32;
      pending -= 32;
    }
  }
  if (pending > 0) words[w] = static_cast<std::uint32_t>(buffer);
}

void unpack_any(std::span<const std::uint32_t> words, int width, std::span<std::uint16_t> codes) {
  const std::uint64_t mask = low_mask(width);
  std::uint64_t buffer = 0;
  int pending = 0;
  std::size_t w = 0;
  for (std::uint16_t& code : codes) {
    if (pending < width) {
      buffer |= std::uint64_t{words[w++]} << pending;
      pending += 32;
    }
    code = static_cast<std::uint16_t>(buffer & mask);
    buffer >>= width;
    pending -= width;
  }
}

void check_sizes(std::size_t lanes, int width, std::size_t words) {
  check(width >= 1 && width <= 16, "packed codes have 1 to 16 bits");
  check(words_for_bits(lanes * static_cast<std::size_t>(width)) <= words,
        "too few words for the packed codes");
}

}  // namespace

void pack_codes(std::span<const std::uint16_t> codes, int width, std::span<std::uint32_t> words) {
  check_sizes(codes.size(), width, words.size());
  switch (width) {
    case 4:
      return pack_aligned<4>(codes, words);
    case 8:
      return pack_aligned<8>(codes, words);
    case 16:
      return pack_aligned<16>(codes, words);
    default:
      return pack_any(codes, width, words);
  }
}

void unpack_codes(std::span<const std::uint32_t> words, int width, std::span<std::uint16_t> codes) {
  check_sizes(codes.size(), width, words.size());
  switch (width) {
    case 4:
      return unpack_aligned<4>(words, codes);
    case 8:
      return unpack_aligned<8>(words, codes);
    case 16:
      return unpack_aligned<16>(words, codes);
    default:
      return unpack_any(words, width, codes);
  }
}

}  // namespace bitsmith
