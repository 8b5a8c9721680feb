// Golden's results of whole GEMMs in the time of plain loops over columns, for GEMMs of real
// models. What is right is defined by golden.h; the tests hold the two equal bit for bit.
#pragma once

#include <cstdint>

#include "pe/matrix.h"
#include "pe/systolic/params.h"

namespace bitsmith::systolic {

// The Y of golden(params, a, w, y).
void golden_gemm(const Params& params, CodeView a, CodeView w, MatrixView<std::int64_t> y);

}  // namespace bitsmith::systolic
