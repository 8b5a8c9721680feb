// FP32 values of many codes at once: decode() (format.h) for whole rows of operands.
#pragma once

#include <cstdint>
#include <span>

#include "numerics/format.h"

namespace bitsmith {

// values[i] = decode(f, codes[i]), which FP32 holds exactly; NaN is 0x7FC00000. Spans have one
// size. InternalError if `f` is no signed minifloat with 1..8 exponent bits.
void float_values(const Format& f, std::span<const std::uint16_t> codes, std::span<float> values);

}  // namespace bitsmith
