// The right results, written from the definition: golden knows neither cycles nor lanes, and shares
// with the cycle model only sim/numerics and the parameters.
#pragma once

#include "pe/design_id/params.h"
#include "pe/matrix.h"

namespace bitsmith::design_id {

// REPLACE: the paper's equation, with its section or number.
//
// Y[m,n] = sum over k = 0, 1, ... of A[m,k] * W[k,n], exact. A: codes of params.activation, W:
// codes of params.weight. InternalError if a sum does not fit the accumulator.
void golden(const Params& params, CodeView a, CodeView w, MatrixView<std::int64_t> y);

}  // namespace bitsmith::design_id
