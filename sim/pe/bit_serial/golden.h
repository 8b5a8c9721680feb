// The right results of the bit-serial array, stage by stage as sim/pe/bit_serial/README.md defines
// them, in plain integers. It knows neither cycles nor registers and shares with the cycle model
// only sim/numerics and the parameters.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pe/bit_serial/params.h"
#include "pe/matrix.h"

namespace bitsmith::bit_serial {

// (-1)^negative * 2^exponent * 2^significance, or nothing (one = false), in units of 2^-f.
struct Term {
  bool one = false;
  bool negative = false;
  int exponent = 0;
  int significance = 0;
};

// The terms of a weight, term_count(params) of them; `select` chooses the special value.
std::vector<Term> terms_of(const Params& params, std::uint32_t code, std::uint32_t select);

// Product of one step: the sum of the lanes and their largest exponent (stages 1 and 2).
struct Dot {
  std::int64_t sum = 0;
  int exponent = 0;
};
Dot dot(std::span<const std::uint32_t> activations, std::span<const Term> terms);

// A group's sum: mantissa * 2^(exponent - 28 - f).
struct GroupSum {
  std::int64_t mantissa = 0;
  int exponent = 0;
};
// One step of the group accumulator of an array with that many lanes (stage 3).
GroupSum accumulate(GroupSum sum, Dot dot, int significance, std::uint32_t lanes);

// mantissa * scale * 2^(exponent - 28 - f) as FP32, which holds it exactly (stage 4).
std::uint32_t dequantise(const Params& params, GroupSum sum, std::int64_t scale);

// Y[m,n] = sum over the groups of k of scale * (sum over the group of A[m,k] * W[k,n]). S: codes of
// scale and select, one row per group. FP16 activations: bits of an FP32 number; INT8: the exact
// sum in units of 2^-f; InternalError if that leaves its 48 bits.
void golden(const Params& params, const OperandViews& operands, MatrixView<std::int64_t> y);

}  // namespace bitsmith::bit_serial
