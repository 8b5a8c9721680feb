// Operand tiles of a class, in a design's own formats: what the energy of its modules is measured
// under.
#pragma once

#include <cstdint>
#include <functional>

#include "cost/module_record.h"
#include "mapping/trace_operands.h"
#include "pe/design.h"

namespace bitsmith {

// Another tile A[m,k], W[k,n], S[scale rows of k,n] with every call.
using OperandTiles = std::function<OperandTile(std::uint32_t m, std::uint32_t n, std::uint64_t k)>;

// The longest k that the tiles of a class have.
inline constexpr std::uint64_t kSampledK = 4096;

// Tiles of class `operands`; the same seed gives the same ones. `design` must outlive them.
//   uniform  codes of OperandSource; scales and zero points are those of `normal`
//   normal   activations N(0,1), weights N(0,0.02^2), rows of kSampledK
//   llm      the same weights, activations with outlier channels (numerics/random_tensor.h)
//   zero     code 0 everywhere, in scales too
// `normal` and `llm` are quantized as the design takes them: weights of designs with scales as
// weight_quantization() says, all else with a scale per row (absmax; zero_point for unsigned
// formats), floating point of 16 bits as it is.
OperandTiles operand_tiles(const Design& design, OperandClass operands, std::uint64_t seed);

// Tiles from the beginning of k of GEMM `op`, one after the other. `trace` must outlive them.
OperandTiles operand_tiles(const TraceOperands& trace, std::size_t op);

// Tiles of any size: rows and columns from all over GEMM `op`, each from anywhere in k to its end
// and on from its beginning. A causal softmax has rows that are nearly empty beside full ones.
OperandTiles spread_tiles(const TraceOperands& trace, std::size_t op);

// What codes in the order in which they enter a PE, along k, look like.
struct CodeStatistics {
  double zeros = 0;    // fraction of codes 0
  double toggles = 0;  // fraction of bits that differ from the code before
};
struct OperandCodeStatistics {
  CodeStatistics a, w;
};
// Of any tile with a k of at least 2.
OperandCodeStatistics code_statistics(const Design& design, const OperandViews& operands);

// The class whose operands look most like these: least sum of the distances of all four numbers.
// sim/cost/README.md says why these.
OperandClass nearest_class(const Design& design, const OperandViews& operands);
// With the most MACs, by its number in the workload.
std::size_t largest_gemm(const TraceOperands& trace);
// What a run of a trace is charged as: the class of that GEMM.
OperandClass class_of(const TraceOperands& trace);

}  // namespace bitsmith
