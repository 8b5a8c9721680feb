// Cycles that SCALE-Sim and STONNE give for a GEMM on a systolic array, as closed forms. These are
// the tools' own answers, right or wrong: scale_sim_terms.h says what separates them from an array.
//
// Sources: SCALE-Sim 2 and 3 (github.com/scalesim-project/SCALE-Sim), the fold loops of
// scalesim/compute/systolic_compute_{os,ws,is}.py, whose lengths both versions share; STONNE
// (github.com/stonne-simulator/stonne), its output-stationary systolic array.
#pragma once

#include <cstdint>
#include <string_view>

#include "workload/operator.h"

namespace bitsmith::reproduce {

enum class Dataflow { output_stationary, weight_stationary, input_stationary };

// "os", "ws", "is".
std::string_view word_of(Dataflow dataflow);

struct ArrayShape {
  std::uint64_t rows = 1;
  std::uint64_t cols = 1;
};

// Rounded up.
constexpr std::uint64_t folds(std::uint64_t size, std::uint64_t side) {
  return (size + side - 1) / side;
}

// The "total cycles" that SCALE-Sim prints: L - 1 with
//   os  L = ceil(M/R) ceil(N/C) (K + R + C - 2)
//   ws  L = ceil(K/R) ceil(N/C) (M + 2R + C - 2)
//   is  L = ceil(K/R) ceil(M/C) (N + 2R + C - 2)
// Every GEMM for which the tile engine runs gives a sum that fits.
std::uint64_t scale_sim_cycles(Dataflow dataflow, const GemmShape& gemm, ArrayShape array);

// Share of the PEs that hold something useful, on average over the folds: SCALE-Sim's "mapping
// efficiency".
double scale_sim_mapping_efficiency(Dataflow dataflow, const GemmShape& gemm, ArrayShape array);

// SCALE-Sim's "overall utilization": MACs / (printed cycles x PEs). Not finite when it prints 0.
double scale_sim_utilization(Dataflow dataflow, const GemmShape& gemm, ArrayShape array);

// STONNE, output stationary: the sum over tiles of K + r + c + 3, a tile using r rows and c
// columns.
std::uint64_t stonne_cycles(const GemmShape& gemm, ArrayShape array);

}  // namespace bitsmith::reproduce
