// Numbers of the cycle model: integers, and the host's floats rounded to FP16 and TF32.
//
// A sum of two numbers of 11 significant bits is rounded twice, to FP32's 24 and to 11: as good as
// once (24 >= 2 x 11 + 2). FP16 sums below 2^-14 are exact, sums of a group are never subnormal.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bitsmith::lut_tensor_core {

inline constexpr std::uint32_t kFloatNan = 0x7FC00000;

// To 11 significant bits, nearest even, with FP32's exponents.
inline float round_to_tf32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return std::bit_cast<float>((bits + 0xFFF + (bits >> 13 & 1)) & ~std::uint32_t{0x1FFF});
}

// To FP16; `value` is a sum of two FP16 numbers.
inline float round_to_fp16(float value) {
  constexpr std::uint32_t kInfinity = 0x7F800000;
  constexpr std::uint32_t kSmallestNormal = 0x38800000;  // 2^-14
  constexpr std::uint32_t kTooLarge = 0x47800000;        // 2^16
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude < kSmallestNormal || magnitude >= kInfinity) return value;
  const float rounded = round_to_tf32(value);
  const bool overflows = (std::bit_cast<std::uint32_t>(rounded) & 0x7FFFFFFF) >= kTooLarge;
  return overflows ? std::bit_cast<float>((bits ^ magnitude) | kInfinity) : rounded;
}

inline float value_of_fp16(std::uint32_t code) {
  const std::uint32_t sign = (code & 0x8000) << 16;
  const std::uint32_t magnitude = code & 0x7FFF;
  if (magnitude > 0x7C00) return std::bit_cast<float>(kFloatNan);
  if (magnitude == 0x7C00) return std::bit_cast<float>(sign | 0x7F800000);
  const float value = std::bit_cast<float>(magnitude << 13) * 0x1p112F;  // exact
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | sign);
}

inline std::int32_t add_entries(std::int32_t a, std::int32_t b) { return a + b; }
inline float add_entries(float a, float b) { return round_to_fp16(a + b); }

// S of `Count` terms from `First` on; term(j) is a number.
template <std::size_t First, std::size_t Count, class Term>
auto sum_in_order(Term term) {
  if constexpr (Count == 1) {
    return term(First);
  } else {
    constexpr std::size_t kLower = Count / 2;
    return sum_in_order<First + kLower, Count - kLower>(term) + sum_in_order<First, kLower>(term);
  }
}

// The sums S of all choices among `Count` terms from `First` on: sums[x] takes set[j] where bit
// j - First of x is set, else clear[j].
template <std::size_t First, std::size_t Count, class Number>
void all_sums(const Number* set, const Number* clear, Number* sums) {
  if constexpr (Count == 1) {
    sums[0] = clear[First];
    sums[1] = set[First];
  } else {
    constexpr std::size_t kLower = Count / 2;
    constexpr std::size_t kMask = (std::size_t{1} << kLower) - 1;
    std::array<Number, std::size_t{1} << (Count - kLower)> above;
    std::array<Number, std::size_t{1} << kLower> below;
    all_sums<First, kLower>(set, clear, below.data());
    all_sums<First + kLower, Count - kLower>(set, clear, above.data());
    for (std::size_t x = 0; x < std::size_t{1} << Count; ++x) {
      sums[x] = add_entries(above[x >> kLower], below[x & kMask]);
    }
  }
}

}  // namespace bitsmith::lut_tensor_core
