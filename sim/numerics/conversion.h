// Exact conversions between formats.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "numerics/format.h"

namespace bitsmith {

// For every code of `from` the code of `to` with the same value, sign of zero included where `to`
// has one; nothing if one of the values has no such code. NaN becomes NaN, infinity infinity.
std::optional<std::vector<std::uint16_t>> exact_conversion(const Format& from, const Format& to);

}  // namespace bitsmith
