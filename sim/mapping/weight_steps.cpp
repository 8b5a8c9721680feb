#include "mapping/weight_steps.h"

#include <algorithm>

#include "common/divide.h"
#include "common/error.h"
#include "common/interrupt.h"

namespace bitsmith {
namespace {

constexpr std::uint64_t kCodesAtATime = 1 << 16;

}  // namespace

std::span<const std::uint32_t> WeightSteps::of(const Block& block) {
  if (block.gemm != gemm_ && !repeats_gemms()) known_.clear();
  gemm_ = block.gemm;
  const auto [entry, is_new] = known_.try_emplace({block.n0, block.k0});
  if (is_new) entry->second = scan(block);
  return entry->second;
}

// Tile after tile of columns, as many at a time as have some codes in a group.
std::vector<std::uint32_t> WeightSteps::scan(const Block& block) {
  const TileLimits limits = design_.tile_limits();
  check(block.k0 % limits.k_step == 0, "a block begins within a group");
  const std::uint64_t groups = design_.scale_rows(block.k);
  const std::uint64_t tile_codes = std::uint64_t{limits.n} * limits.k_step;
  const std::uint64_t columns = limits.n * std::max<std::uint64_t>(1, kCodesAtATime / tile_codes);
  std::vector<std::uint32_t> steps(pieces(block.n, limits.n) * groups);
  for (std::uint64_t n = 0; n < block.n; n += columns) {
    const std::uint64_t some = std::min(columns, block.n - n);
    scan_columns(block, n, some,
                 std::span(steps).subspan(n / limits.n * groups, pieces(some, limits.n) * groups));
  }
  return steps;
}

// A few groups at a time.
void WeightSteps::scan_columns(const Block& block, std::uint64_t n, std::uint64_t columns,
                               std::span<std::uint32_t> steps) {
  const TileLimits limits = design_.tile_limits();
  const std::uint64_t tiles = pieces(columns, limits.n);
  const std::uint64_t groups = steps.size() / tiles;
  const std::uint64_t rows =
      limits.k_step * std::max<std::uint64_t>(1, kCodesAtATime / (columns * limits.k_step));
  for (std::uint64_t k = 0; k < block.k; k += rows) {
    throw_if_interrupted();
    const std::uint64_t some_k = std::min(rows, block.k - k);
    const std::uint64_t first = design_.scale_rows(k);
    const std::uint64_t some_groups = design_.scale_rows(some_k);
    w_.resize(some_k * columns);
    s_.resize(some_groups * columns);
    some_.resize(tiles * some_groups);
    operands_.read_w(op_, block.gemm, block.k0 + k, some_k, block.n0 + n, columns, w_);
    operands_.read_s(op_, block.gemm, design_.scale_rows(block.k0) + first, some_groups,
                     block.n0 + n, columns, s_);
    design_.weight_steps({w_.data(), some_k, columns, columns},
                         {s_.data(), some_groups, columns, columns}, some_);
    for (std::uint64_t tile = 0; tile < tiles; ++tile) {
      std::copy_n(some_.begin() + static_cast<std::ptrdiff_t>(tile * some_groups), some_groups,
                  steps.begin() + static_cast<std::ptrdiff_t>(tile * groups + first));
    }
  }
}

}  // namespace bitsmith
