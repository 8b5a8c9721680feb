#include "mapping/weight_steps.h"

#include <algorithm>

#include "common/divide.h"
#include "common/error.h"

namespace bitsmith {

std::span<const std::uint32_t> WeightSteps::of(const Block& block) {
  if (block.gemm != gemm_) known_.clear();
  gemm_ = block.gemm;
  const auto [entry, is_new] = known_.try_emplace({block.n0, block.k0});
  if (is_new) entry->second = scan(block);
  return entry->second;
}

// A few groups at a time.
std::vector<std::uint32_t> WeightSteps::scan(const Block& block) {
  constexpr std::uint64_t kCodesAtATime = 1 << 16;
  const TileLimits limits = design_.tile_limits();
  check(block.k0 % limits.k_step == 0, "a block begins within a group");
  const std::uint64_t groups = design_.scale_rows(block.k);
  const std::uint64_t tiles = pieces(block.n, limits.n);
  const std::uint64_t rows =
      limits.k_step * std::max<std::uint64_t>(1, kCodesAtATime / (block.n * limits.k_step));
  std::vector<std::uint32_t> steps(tiles * groups);
  for (std::uint64_t k = 0; k < block.k; k += rows) {
    const std::uint64_t some_k = std::min(rows, block.k - k);
    const std::uint64_t first = design_.scale_rows(k);
    const std::uint64_t some_groups = design_.scale_rows(some_k);
    w_.resize(some_k * block.n);
    s_.resize(some_groups * block.n);
    some_.resize(tiles * some_groups);
    operands_.read_w(op_, block.gemm, block.k0 + k, some_k, block.n0, block.n, w_);
    operands_.read_s(op_, block.gemm, design_.scale_rows(block.k0) + first, some_groups, block.n0,
                     block.n, s_);
    design_.weight_steps({w_.data(), some_k, block.n, block.n},
                         {s_.data(), some_groups, block.n, block.n}, some_);
    for (std::uint64_t tile = 0; tile < tiles; ++tile) {
      std::copy_n(some_.begin() + static_cast<std::ptrdiff_t>(tile * some_groups), some_groups,
                  steps.begin() + static_cast<std::ptrdiff_t>(tile * groups + first));
    }
  }
  return steps;
}

}  // namespace bitsmith
