#include "numerics/conversion.h"

#include <cmath>

namespace bitsmith {

std::optional<std::vector<std::uint16_t>> exact_conversion(const Format& from, const Format& to) {
  std::vector<std::uint16_t> codes(code_count(from));
  if (&from == &to && from.kind == FormatKind::minifloat) {  // no two codes of equal value but NaN
    const auto nan = static_cast<std::uint16_t>(encode(to, std::nan("")));
    for (std::uint32_t code = 0; code < codes.size(); ++code) {
      codes[code] = is_nan(from, code) ? nan : static_cast<std::uint16_t>(code);
    }
    return codes;
  }
  for (std::uint32_t code = 0; code < codes.size(); ++code) {
    const double value = decode(from, code);
    if (std::isnan(value) && !has_nan(to)) return std::nullopt;
    const std::uint32_t result = encode(to, value, Rounding::nearest_even, Overflow::ieee);
    const double back = decode(to, result);
    if (back != value && !(std::isnan(value) && std::isnan(back))) return std::nullopt;
    codes[code] = static_cast<std::uint16_t>(result);
  }
  return codes;
}

}  // namespace bitsmith
