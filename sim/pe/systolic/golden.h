// The right results of the systolic array, from the definition of the product: plain loops over k.
#pragma once

#include <cstdint>

#include "pe/matrix.h"
#include "pe/systolic/params.h"

namespace bitsmith::systolic {

// Y[m,n] = sum over k = 0, 1, ... of A[m,k] * W[k,n] in the accumulator of `params`, starting from
// 0. A: codes of params.activation, W: codes of params.weight. Returns how many additions left the
// accumulator's range (always 0 for Overflow::exact, whose K is bounded).
//
// Floating point: every product is rounded to FP32, every sum to FP32, nearest even; Y holds the
// bits of the sums, NaN as 0x7FC00000. With two partial sums (params.h) even and odd k are summed
// apart, each in order, and the sum of the odd ones is added to that of the even ones at the end.
[[nodiscard]] std::uint64_t golden(const Params& params, CodeView a, CodeView w,
                                   MatrixView<std::int64_t> y);

}  // namespace bitsmith::systolic
