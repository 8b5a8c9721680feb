#include "mapping/blocks.h"

#include <algorithm>

#include "common/divide.h"
#include "common/error.h"

namespace bitsmith {
namespace {

// Sums `of_tile(tile size)` over the tiles of `size`: whole ones and an edge.
template <class Sum>
std::uint64_t over_tiles(std::uint64_t size, std::uint32_t tile, Sum of_tile) {
  std::uint64_t sum = size / tile == 0 ? 0 : size / tile * of_tile(tile);
  if (size % tile != 0) sum += of_tile(static_cast<std::uint32_t>(size % tile));
  return sum;
}

// More bits than any buffer has.
constexpr std::uint64_t kTooLarge = std::uint64_t{1} << 62;
constexpr double kLargestArea = 0x1p44;

}  // namespace

BlockSequence::BlockSequence(const GemmShape& gemm, std::uint64_t count, const Mapping& mapping)
    : gemm_(gemm), mapping_(mapping), count_(count) {
  check(mapping.block_m >= 1 && mapping.block_m <= gemm.m && mapping.block_n >= 1 &&
            mapping.block_n <= gemm.n && mapping.block_k >= 1 && mapping.block_k <= gemm.k,
        "a block that does not fit its GEMM");
  blocks_m_ = pieces(gemm.m, mapping.block_m);
  blocks_n_ = pieces(gemm.n, mapping.block_n);
  blocks_k_ = pieces(gemm.k, mapping.block_k);
  per_gemm_ = blocks_m_ * blocks_n_ * blocks_k_;
}

Block BlockSequence::at(std::uint64_t index) const {
  Block block;
  block.gemm = index / per_gemm_;
  std::uint64_t rest = index % per_gemm_;
  const std::uint64_t ki = rest % blocks_k_;
  rest /= blocks_k_;
  const bool m_outer = mapping_.order == LoopOrder::m_outer;
  const std::uint64_t inner = m_outer ? blocks_n_ : blocks_m_;
  const std::uint64_t mi = m_outer ? rest / inner : rest % inner;
  const std::uint64_t ni = m_outer ? rest % inner : rest / inner;

  block.m0 = mi * mapping_.block_m;
  block.n0 = ni * mapping_.block_n;
  block.k0 = ki * mapping_.block_k;
  block.m = std::min(mapping_.block_m, gemm_.m - block.m0);
  block.n = std::min(mapping_.block_n, gemm_.n - block.n0);
  block.k = std::min(mapping_.block_k, gemm_.k - block.k0);
  block.accumulate = ki > 0;
  block.emit = ki + 1 == blocks_k_;
  const bool first_of_gemm = index % per_gemm_ == 0;
  // With one block of K, the operand of the outer loop stays.
  block.loads_a = first_of_gemm || blocks_k_ > 1 || (m_outer ? ni == 0 : blocks_m_ > 1);
  block.loads_w = first_of_gemm || blocks_k_ > 1 || (m_outer ? blocks_n_ > 1 : mi == 0);
  return block;
}

bool keeps_sums(const Mapping& mapping, const GemmShape& gemm, const TileLimits& limits) {
  return mapping.block_k == gemm.k || (mapping.block_m <= limits.m && mapping.block_n <= limits.n &&
                                       mapping.block_k % limits.k_step == 0);
}

BlockFootprint footprint(const Design& design, std::uint64_t m, std::uint64_t n, std::uint64_t k,
                         const WeightConverter* converter) {
  const auto area = [](std::uint64_t x, std::uint64_t y) {
    return static_cast<double>(x) * static_cast<double>(y);
  };
  if (std::max({area(m, k), area(k, n), area(m, n)}) > kLargestArea) {
    return {kTooLarge, kTooLarge, kTooLarge, kTooLarge, kTooLarge, kTooLarge, 0, kTooLarge};
  }
  const TileLimits limits = design.tile_limits();
  const ChannelWidths widths = design.channel_widths();
  const auto some_m = static_cast<std::uint32_t>(std::min<std::uint64_t>(m, limits.m));
  const auto some_n = static_cast<std::uint32_t>(std::min<std::uint64_t>(n, limits.n));
  const auto some_k = static_cast<std::uint32_t>(std::min<std::uint64_t>(k, limits.k));
  BlockFootprint result;
  result.a_buffer_bits = widths.a * over_tiles(m, limits.m, [&](std::uint32_t mt) {
                           return over_tiles(k, limits.k, [&](std::uint32_t kt) {
                             return design.beats({mt, some_n, kt, false, true}).a;
                           });
                         });
  const auto of_weights = [&](std::uint64_t BeatCounts::*beats) {
    return over_tiles(n, limits.n, [&](std::uint32_t nt) {
      return over_tiles(k, limits.k, [&](std::uint32_t kt) {
        return design.beats({some_m, nt, kt, false, true}).*beats;
      });
    });
  };
  result.w_buffer_bits = widths.w * of_weights(&BeatCounts::w);
  result.s_buffer_bits = widths.s * of_weights(&BeatCounts::s);
  result.y_buffer_bits = widths.y * over_tiles(m, limits.m, [&](std::uint32_t mt) {
                           return over_tiles(n, limits.n, [&](std::uint32_t nt) {
                             return design.beats({mt, nt, some_k, false, true}).y;
                           });
                         });
  const OperandBits bits = design.operand_bits(m, n, k);
  result.a_dram_bytes = pieces(bits.a, 8);
  result.w_dram_bytes = pieces(bits.w + bits.s, 8);
  if (converter != nullptr) {
    result.parameter_bits = converter->parameter_rows(k) * n * converter->parameter_bits();
    const std::uint64_t code_bits = k * n * static_cast<std::uint64_t>(converter->stored->bits);
    result.w_dram_bytes = pieces(result.parameter_bits + code_bits, 8);
  }
  result.results = m * n;
  return result;
}

}  // namespace bitsmith
