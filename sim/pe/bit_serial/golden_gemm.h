// Golden's results of whole GEMMs in the time of plain loops over columns, for GEMMs of real
// models. What is right is defined by golden.h; the tests hold the two equal bit for bit.
#pragma once

#include <cstdint>

#include "pe/bit_serial/params.h"
#include "pe/matrix.h"

namespace bitsmith::bit_serial {

// The Y of golden(params, operands, y).
void golden_gemm(const Params& params, const OperandViews& operands, MatrixView<std::int64_t> y);

}  // namespace bitsmith::bit_serial
