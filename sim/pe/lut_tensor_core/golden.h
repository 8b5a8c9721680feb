// The right results of the array of lookup-table units, stage by stage as
// sim/pe/lut_tensor_core/README.md defines them, in plain integers. It knows neither cycles nor
// registers and shares with the cycle model only sim/numerics and the parameters. The packers of
// design.cpp use its planes and tables, so beats do not hold them: golden's own tests do.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pe/lut_tensor_core/params.h"
#include "pe/matrix.h"

namespace bitsmith::lut_tensor_core {

// ---- planes

// The bit of a weight in plane i, 0 or 1; what it means is the engine's.
std::uint32_t plane_bit(const Params& params, std::uint32_t code, std::uint32_t plane);
// f_i.
std::int64_t plane_factor(const Params& params, std::uint32_t plane);
// q, the value of a weight.
std::int64_t weight_value(const Params& params, std::uint32_t code);
// z' of a group with that zero.
std::int64_t zero_term(const Params& params, std::uint32_t zero);

// ---- stage 1

// The table of k activations as it is stored: H[0..] or, in lut_full and add, F[1..].
struct Table {
  // Numbers; FP16 codes; with `table: int8` the 8-bit codes {sign, magnitude}.
  std::vector<std::uint32_t> entries;
  std::uint32_t scale_code = 0;  // of t, with `table: int8`
};
// `activations`: codes in the activation format, k of them.
Table precompute(const Params& params, std::span<const std::uint32_t> activations);

// What the plane bits w (bit j belongs to activation j) read, times 2^exponent. Integers: the
// number; floating point: FP16 codes, or with `table: int8` a signed magnitude.
struct Entry {
  std::int64_t value = 0;
  int exponent = 0;
  bool is_nan = false;
};
Entry read(const Params& params, const Table& table, std::uint32_t w);

// ---- the whole

// Y[m,n] = sum over the groups of k of scale * sum over the group of A[m,k] * (W[k,n] - zero). S:
// codes of scale and zero, one row per group. Floating-point activations: bits of an FP32 number;
// integers: the exact sum; InternalError if that leaves its 48 bits. Returns the largest error of
// an entry of 8-bit tables, as a share of the largest entry of its table; 0 with full tables.
double golden(const Params& params, const OperandViews& operands, MatrixView<std::int64_t> y);

}  // namespace bitsmith::lut_tensor_core
