// Blocks: the pieces of a GEMM whose operands and results are in the buffers together.
#pragma once

#include <cstdint>

#include "mapping/schedule.h"
#include "mapping/weight_converter.h"
#include "pe/design.h"
#include "workload/operator.h"

namespace bitsmith {

enum class LoopOrder {
  m_outer,  // for rows of blocks: for columns: for k
  n_outer   // for columns of blocks: for rows: for k
};

// Sizes of a block, at most those of the GEMM. Edge blocks are smaller.
struct Mapping {
  std::uint64_t block_m = 1;
  std::uint64_t block_n = 1;
  std::uint64_t block_k = 1;
  LoopOrder order = LoopOrder::m_outer;
  bool operator==(const Mapping&) const = default;
};

// A[m0 .. m0+m, k0 .. k0+k] x W[k0 .. k0+k, n0 .. n0+n] of one of an operator's GEMMs.
struct Block {
  std::uint64_t gemm = 0;  // below the operator's count
  std::uint64_t m0 = 0, n0 = 0, k0 = 0;
  std::uint64_t m = 1, n = 1, k = 1;
  bool accumulate = false;  // continues the sums of the block before
  bool emit = true;         // its results leave the array
  bool loads_a = true;      // its activations are not those of the block before
  bool loads_w = true;
};

// The blocks of `count` GEMMs, in order, by number.
class BlockSequence {
 public:
  // InternalError if a size is 0 or larger than the GEMM's.
  BlockSequence(const GemmShape& gemm, std::uint64_t count, const Mapping& mapping);

  std::uint64_t size() const { return count_ * per_gemm_; }
  Block at(std::uint64_t index) const;

 private:
  GemmShape gemm_;
  Mapping mapping_;
  std::uint64_t count_;
  std::uint64_t blocks_m_, blocks_n_, blocks_k_;
  std::uint64_t per_gemm_;
};

// Whether a block's sums can stay in the array: it has whole K, or is one tile of the array.
bool keeps_sums(const Mapping& mapping, const GemmShape& gemm, const TileLimits& limits);

// The jobs of a block (schedule_tiles).
inline Schedule schedule_block(const Block& block, const TileLimits& limits) {
  return schedule_tiles({block.m, block.n, block.k}, limits, block.accumulate, block.emit);
}

// What a block needs room for in the buffers (beats as wide as the ports) and moves to and from
// DRAM (without padding). Operands of tiles that several tiles of the block share count once: beats
// of activations do not depend on n, those of weights not on m. Scales lie with the weights. Where
// a converter (not null) is between them, DRAM holds what it takes, the buffer what it makes.
struct BlockFootprint {
  std::uint64_t a_buffer_bits = 0;
  std::uint64_t w_buffer_bits = 0;
  std::uint64_t s_buffer_bits = 0;   // in the weight buffer, too
  std::uint64_t y_buffer_bits = 0;   // at accumulator width
  std::uint64_t a_dram_bytes = 0;    // rounded up per block
  std::uint64_t w_dram_bytes = 0;    // with scales
  std::uint64_t parameter_bits = 0;  // of w_dram_bytes, in front: scales and zero points, unless
                                     // the array takes them
  std::uint64_t results = 0;         // m x n
};
BlockFootprint footprint(const Design& design, std::uint64_t m, std::uint64_t n, std::uint64_t k,
                         const WeightConverter* converter = nullptr);

}  // namespace bitsmith
