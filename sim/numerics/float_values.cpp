#include "numerics/float_values.h"

#include <bit>

#include "common/error.h"
#include "numerics/pack.h"

namespace bitsmith {
namespace {

constexpr std::uint32_t kInfinity = 0x7F800000;
constexpr std::uint32_t kNan = 0x7FC00000;

std::uint32_t mask(int bits) { return static_cast<std::uint32_t>(low_mask(bits)); }

// The magnitude of infinity; NaNs are above it. Above all magnitudes if there is neither.
std::uint32_t infinity_of(const Format& f) {
  const std::uint32_t largest = mask(f.bits - 1);
  if (f.specials == Specials::ieee) return largest - mask(f.mantissa_bits);
  return f.specials == Specials::nan_only ? largest - 1 : largest + 1;
}

}  // namespace

void float_values(const Format& f, std::span<const std::uint16_t> codes, std::span<float> values) {
  check(f.kind == FormatKind::minifloat && f.is_signed && f.exponent_bits > 0 &&
            f.exponent_bits <= 8 && f.bias <= 127 && codes.size() == values.size(),
        "these codes have no values in FP32");
  const std::uint32_t sign = std::uint32_t{1} << (f.bits - 1);
  const int to_sign = 32 - f.bits;
  const int to_mantissa = 23 - f.mantissa_bits;
  const bool has_infinity = f.specials == Specials::ieee;
  const std::uint32_t infinity = infinity_of(f);
  // With FP32's fields a code is its value but for the bias, subnormal or not.
  const auto scale = std::bit_cast<float>(static_cast<std::uint32_t>(254 - f.bias) << 23);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::uint32_t code = codes[i];
    const std::uint32_t magnitude = code & (sign - 1);
    const float value = std::bit_cast<float>(magnitude << to_mantissa) * scale;
    std::uint32_t bits = std::bit_cast<std::uint32_t>(value) | (code & sign) << to_sign;
    if (has_infinity && magnitude == infinity) bits = kInfinity | (code & sign) << to_sign;
    values[i] = std::bit_cast<float>(magnitude > infinity ? kNan : bits);
  }
}

}  // namespace bitsmith
