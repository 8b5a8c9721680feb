#include "mapping/schedule.h"

#include <algorithm>

#include "common/error.h"

namespace bitsmith {
namespace {

// Adds `repeat` times what `make` returns, if that is at all.
template <class Make>
void add_some(Schedule& parent, std::uint64_t repeat, Make make) {
  if (repeat == 0) return;
  parent.children.push_back(make());
  parent.children.back().repeat *= repeat;
}

Schedule leaf(const Job& job) { return {1, job, {}}; }

// The jobs of one tile of Y: one, or several that accumulate.
Schedule over_k(std::uint32_t m, std::uint32_t n, std::uint64_t k, std::uint32_t k_limit,
                bool accumulate, bool emit) {
  const std::uint64_t jobs = (k + k_limit - 1) / k_limit;
  const auto last_k = static_cast<std::uint32_t>(k - (jobs - 1) * k_limit);
  if (jobs == 1) return leaf({m, n, last_k, accumulate, emit});
  Schedule chain;
  add_some(chain, 1, [&] { return leaf({m, n, k_limit, accumulate, false}); });
  add_some(chain, jobs - 2, [&] { return leaf({m, n, k_limit, true, false}); });
  add_some(chain, 1, [&] { return leaf({m, n, last_k, true, emit}); });
  return chain;
}

// Calls `make` with the whole tiles' size and with the edge tile's.
template <class Make>
Schedule over_tiles(std::uint64_t size, std::uint32_t tile, Make make) {
  Schedule block;
  add_some(block, size / tile, [&] { return make(tile); });
  add_some(block, size % tile == 0 ? 0 : 1,
           [&] { return make(static_cast<std::uint32_t>(size % tile)); });
  return block;
}

void check_operator(const Operator& op, const TileLimits& limits) {
  const GemmShape& gemm = op.gemm;
  check(gemm.m > 0 && gemm.n > 0 && gemm.k > 0 && op.count > 0 && op.repeat > 0, "an empty GEMM");
  if (gemm.k > limits.k_total) {
    throw UserError(
        fmt::format("operator '{}': K = {} may overflow the accumulator, which is exact up to K = "
                    "{}; use a wider "
                    "accumulator or another overflow rule",
                    op.name, gemm.k, limits.k_total));
  }
  if (pe_cycle_bound(op, limits) >= kMostPeCycles) {
    throw UserError(fmt::format(
        "operator '{}': {} times {}x{}x{} is more PE-cycles than 64-bit counters hold", op.name,
        static_cast<double>(op.count) * static_cast<double>(op.repeat), gemm.m, gemm.n, gemm.k));
  }
}

}  // namespace

std::uint64_t job_count(const Schedule& schedule) {
  if (schedule.is_leaf()) return schedule.repeat;
  std::uint64_t jobs = 0;
  for (const Schedule& child : schedule.children) jobs += job_count(child);
  return jobs * schedule.repeat;
}

double pe_cycle_bound(const Operator& op, const TileLimits& limits) {
  // Whole tiles only. A job takes its k and three times its sides, which covers loading, fill and
  // drain in every dataflow; two of its sides are rows and columns of PEs, k among them only where
  // it is that short. Doubles neither overflow nor need to be exact here.
  constexpr std::uint32_t kMostPeRows = 256;
  const double m = limits.m;
  const double n = limits.n;
  const auto k = static_cast<double>(op.gemm.k);
  const double job_k = std::min<double>(k, limits.k);
  const double pe_rows = limits.k <= kMostPeRows ? limits.k : 1;
  const double pes = std::max(m * n, pe_rows * std::max(m, n));
  const double tiles =
      (static_cast<double>(op.gemm.m) / m + 1) * (static_cast<double>(op.gemm.n) / n + 1);
  const double jobs = tiles * (k / limits.k + 1);
  const double cycles =
      jobs * (job_k + 3 * (std::min(m, static_cast<double>(op.gemm.m)) +
                           std::min(n, static_cast<double>(op.gemm.n)) + pe_rows + 3));
  const double occurrences = static_cast<double>(op.count) * static_cast<double>(op.repeat);
  return pes * cycles * occurrences;
}

Schedule schedule_tiles(const GemmShape& gemm, const TileLimits& limits, bool accumulate,
                        bool emit) {
  return over_tiles(gemm.m, limits.m, [&](std::uint32_t m) {
    return over_tiles(gemm.n, limits.n, [&](std::uint32_t n) {
      return over_k(m, n, gemm.k, limits.k, accumulate, emit);
    });
  });
}

Schedule schedule_operator(const Operator& op, const TileLimits& limits) {
  check_operator(op, limits);
  Schedule schedule = schedule_tiles(op.gemm, limits, false, true);
  schedule.repeat = op.count;
  return schedule;
}

void check_counters(const Workload& workload, const TileLimits& limits) {
  double bound = 0;
  for (const Operator& op : workload.operators) {
    if (!op.is_gemm()) continue;
    check_operator(op, limits);
    bound += pe_cycle_bound(op, limits);
    if (bound >= kMostPeCycles) {
      throw UserError(fmt::format(
          "workload '{}': up to operator '{}' it is more PE-cycles than 64-bit counters hold",
          workload.name, op.name));
    }
  }
}

}  // namespace bitsmith
