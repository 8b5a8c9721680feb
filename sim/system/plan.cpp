#include "system/plan.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "common/divide.h"
#include "common/error.h"
#include "system/tile_engine.h"

namespace bitsmith {
namespace {

// Tiles as long as this may be cut.
constexpr std::uint64_t kShortTile = 64;

// The dimension of the array's tile times powers of two, and the whole of `size`; or what the user
// fixed.
std::vector<std::uint64_t> block_sizes(std::uint64_t size, std::uint32_t tile,
                                       std::uint64_t fixed) {
  if (fixed != 0) return {std::min(fixed, size)};
  std::uint64_t least = tile;
  while (least / 2 >= kShortTile) least /= 2;
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t block = least; block < size; block *= 2) sizes.push_back(block);
  sizes.push_back(size);
  return sizes;
}

std::vector<LoopOrder> loop_orders(LoopChoice choice) {
  if (choice == LoopChoice::m_outer) return {LoopOrder::m_outer};
  if (choice == LoopChoice::n_outer) return {LoopOrder::n_outer};
  return {LoopOrder::m_outer, LoopOrder::n_outer};
}

// K by powers of two, in whole jobs where the array's jobs are short, and where sums can be cut.
std::vector<std::uint64_t> k_sizes(std::uint64_t k, const TileLimits& limits, std::uint64_t fixed) {
  if (fixed != 0) return {std::min(fixed, k)};
  std::uint64_t step = limits.k_step;
  if (limits.k < k) step = std::lcm<std::uint64_t>(step, limits.k);
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t size = k; size >= 1; size /= 2) {
    const std::uint64_t whole = std::min(k, pieces(size, step) * step);
    if (sizes.empty() || sizes.back() != whole) sizes.push_back(whole);
    if (size == 1) break;
  }
  return sizes;
}

// Order of preference: cycles, DRAM accesses, place in the list.
struct Candidate {
  Mapping mapping;
  std::uint64_t accesses = 0;  // of the DRAM
  std::uint64_t cycles = 0;    // at least; then exactly
  std::size_t place = 0;

  auto key() const { return std::tuple(cycles, accesses, place); }
};

class MappingSearch {
 public:
  MappingSearch(const Accelerator& accelerator, const ProgramOperator& program)
      : accelerator_(accelerator),
        design_(*accelerator.design),
        memory_(*accelerator.memory),
        program_(program),
        times_(memory_times(design_, memory_, accelerator.params.clock_ghz)),
        converter_(memory_.converter_of(program.weights_are_kv_cache)),
        limits_(block_limits(design_, converter_)) {}

  std::pair<Mapping, std::uint64_t> best() {
    list();
    if (candidates_.empty()) refuse();
    const std::uint64_t seen = candidates_.size();
    if (seen == 1) return {candidates_.front().mapping, seen};
    std::sort(candidates_.begin(), candidates_.end(),
              [](const Candidate& a, const Candidate& b) { return a.key() < b.key(); });
    Candidate best = exact(candidates_.front());
    for (std::size_t i = 1; i < candidates_.size() && candidates_[i].key() < best.key(); ++i) {
      if (are_same_blocks(candidates_[i - 1].mapping, candidates_[i].mapping)) continue;
      const Candidate other = exact(candidates_[i]);
      if (other.key() < best.key()) best = other;
    }
    return {best.mapping, seen};
  }

 private:
  void list() {
    const GemmShape& gemm = program_.op.gemm;
    const MappingParams& fixed = memory_.mapping;
    for (const std::uint64_t m : block_sizes(gemm.m, limits_.m, fixed.block_m)) {
      for (const std::uint64_t n : block_sizes(gemm.n, limits_.n, fixed.block_n)) {
        for (const std::uint64_t k : k_sizes(gemm.k, limits_, fixed.block_k)) {
          for (const LoopOrder order : loop_orders(memory_.mapping.loop_order)) {
            const Mapping mapping{m, n, k, order};
            if (keeps_sums(mapping, gemm, limits_)) add(mapping);
          }
        }
      }
    }
  }

  void add(const Mapping& mapping) {
    const BlockFootprint size =
        footprint(design_, mapping.block_m, mapping.block_n, mapping.block_k);
    const bool fits =
        size.a_buffer_bits <= memory_.activation_buffer.half_bits() &&
        size.w_buffer_bits + size.s_buffer_bits <= memory_.weight_buffer.half_bits() &&
        size.y_buffer_bits <= memory_.result_buffer.half_bits();
    if (!fits) return;
    const Accesses traffic = accesses(mapping);
    candidates_.push_back({mapping, traffic.all, least_cycles(traffic), candidates_.size()});
  }

  // Of the DRAM, over all loads and stores; of these, with codes that a converter takes.
  struct Accesses {
    std::uint64_t all = 0;
    std::uint64_t converted = 0;
  };
  Accesses accesses(const Mapping& mapping) const {
    const GemmShape& gemm = program_.op.gemm;
    const auto split = [](std::uint64_t size, std::uint64_t block) {
      // Whole blocks and the edge, by size.
      return std::array<std::pair<std::uint64_t, std::uint64_t>, 2>{
          std::pair{block, size / block}, std::pair{size % block, size % block == 0 ? 0UL : 1UL}};
    };
    const std::uint64_t blocks_m = pieces(gemm.m, mapping.block_m);
    const std::uint64_t blocks_n = pieces(gemm.n, mapping.block_n);
    const std::uint64_t blocks_k = pieces(gemm.k, mapping.block_k);
    const bool m_outer = mapping.order == LoopOrder::m_outer;
    const std::uint64_t a_times = blocks_k == 1 && (m_outer || blocks_m == 1) ? 1 : blocks_n;
    const std::uint64_t w_times = blocks_k == 1 && (!m_outer || blocks_n == 1) ? 1 : blocks_m;
    std::uint64_t a = 0;
    std::uint64_t w = 0;
    std::uint64_t parameters = 0;
    std::uint64_t y = 0;
    for (const auto& [k, k_count] : split(gemm.k, mapping.block_k)) {
      for (const auto& [m, m_count] : split(gemm.m, mapping.block_m)) {
        if (m_count * k_count > 0) {
          a += m_count * k_count * of_bytes(footprint(design_, m, 1, k).a_dram_bytes);
        }
      }
      for (const auto& [n, n_count] : split(gemm.n, mapping.block_n)) {
        if (n_count * k_count > 0) {
          const BlockFootprint size = footprint(design_, 1, n, k, converter_);
          w += n_count * k_count * of_bytes(size.w_dram_bytes);
          parameters += n_count * k_count * (size.parameter_bits / (8 * times_.access_bytes));
        }
      }
    }
    for (const auto& [m, m_count] : split(gemm.m, mapping.block_m)) {
      for (const auto& [n, n_count] : split(gemm.n, mapping.block_n)) {
        y += m_count * n_count * of_bytes(pieces(m * n * program_.output_bits, 8));
      }
    }
    const std::uint64_t converted = converter_ == nullptr ? 0 : w - parameters;
    return {program_.op.count * (a * a_times + w * w_times + y),
            program_.op.count * converted * w_times};
  }
  std::uint64_t of_bytes(std::uint64_t bytes) const { return pieces(bytes, times_.access_bytes); }

  // Blocks with less than whole K load both operands every time. Where M and N have no edges,
  // either order makes the same ones; it comes second in the list.
  bool are_same_blocks(const Mapping& first, const Mapping& second) const {
    const GemmShape& gemm = program_.op.gemm;
    return Mapping{first.block_m, first.block_n, first.block_k, second.order} == second &&
           second.block_k < gemm.k && gemm.m % second.block_m == 0 && gemm.n % second.block_n == 0;
  }

  // What no order of events can beat: every transfer, one after the other; every multiplication, at
  // the array's peak.
  std::uint64_t least_cycles(const Accesses& accesses) const {
    const Operator& op = program_.op;
    const std::uint64_t macs = op.count * op.gemm.m * op.gemm.n * op.gemm.k;
    const auto ps =
        static_cast<double>(accesses.all - accesses.converted) *
            static_cast<double>(times_.dram.access_ps) +
        static_cast<double>(accesses.converted) * static_cast<double>(times_.converted_access_ps);
    const double transfers = ps / static_cast<double>(times_.period_ps);
    return std::max(macs / design_.peak_macs_per_cycle() * times_.interval,
                    static_cast<std::uint64_t>(transfers * (1 - 1e-9)));
  }

  Candidate exact(Candidate candidate) const {
    candidate.cycles = run_operator(accelerator_, program_, candidate.mapping).cycles;
    return candidate;
  }

  // No candidate fits: what the smallest one would need.
  [[noreturn]] void refuse() const {
    const GemmShape& gemm = program_.op.gemm;
    const TileLimits& limits = limits_;
    const MappingParams& fixed = memory_.mapping;
    const std::uint64_t m = block_sizes(gemm.m, limits.m, fixed.block_m).front();
    const std::uint64_t n = block_sizes(gemm.n, limits.n, fixed.block_n).front();
    const bool one_tile = m <= limits.m && n <= limits.n;
    const std::uint64_t k =
        fixed.block_k != 0 || one_tile ? k_sizes(gemm.k, limits, fixed.block_k).back() : gemm.k;
    std::vector<std::string> problems;
    if (!keeps_sums({m, n, k, LoopOrder::m_outer}, gemm, limits)) {
      problems.push_back(
          fmt::format("operator '{}': a block with less than whole K (block_k {} of {}) must be "
                      "one tile of the "
                      "array, at most {}x{}, not {}x{}: its sums stay in the array",
                      program_.op.name, k, gemm.k, limits.m, limits.n, m, n));
      if (k % limits.k_step != 0) {
        problems.back() += fmt::format("; and block_k a multiple of {}", limits.k_step);
      }
    }
    const BlockFootprint size = footprint(design_, m, n, k);
    const auto judge = [&](const char* name, const BufferParams& buffer, std::uint64_t bits) {
      if (bits <= buffer.half_bits()) return;
      problems.push_back(
          fmt::format("operator '{}': {} is too small for a block of {}x{}x{} (MxNxK): half of its "
                      "{} bytes must "
                      "hold {} bytes; capacity_bytes: {} would do",
                      program_.op.name, name, m, n, k, buffer.capacity_bytes, pieces(bits, 8),
                      2 * pieces(bits, 8)));
    };
    judge("activation_buffer", memory_.activation_buffer, size.a_buffer_bits);
    judge("weight_buffer", memory_.weight_buffer, size.w_buffer_bits + size.s_buffer_bits);
    judge("result_buffer", memory_.result_buffer, size.y_buffer_bits);
    check(!problems.empty(), "no mapping, and no reason why");
    throw UserError(problems);
  }

  const Accelerator& accelerator_;
  const Design& design_;
  const MemoryParams& memory_;
  const ProgramOperator& program_;
  MemoryTimes times_;
  const WeightConverter* converter_;
  TileLimits limits_;
  std::vector<Candidate> candidates_;
};

// What the search depends on.
auto search_key(const ProgramOperator& p) {
  return std::tuple(p.op.gemm.m, p.op.gemm.n, p.op.gemm.k, p.op.count, p.output_bits, p.passes,
                    p.weights_are_kv_cache);
}

}  // namespace

std::vector<PlannedOperator> make_plan(const Accelerator& accelerator, const Workload& workload) {
  check(accelerator.memory.has_value(), "a plan needs a memory");
  check_counters(workload, accelerator.design->tile_limits());
  using Key = decltype(search_key(std::declval<const ProgramOperator&>()));
  std::map<Key, std::pair<Mapping, std::uint64_t>> known;
  std::vector<PlannedOperator> plan;
  std::vector<std::string> problems;
  for (ProgramOperator& program :
       make_program(workload, *accelerator.design, *accelerator.memory)) {
    PlannedOperator planned{std::move(program), {}, 0};
    if (planned.program.op.is_gemm()) {
      try {
        const auto [place, is_new] = known.try_emplace(search_key(planned.program));
        if (is_new) place->second = MappingSearch(accelerator, planned.program).best();
        std::tie(planned.mapping, planned.mappings_seen) = place->second;
      } catch (const UserError& error) {
        problems.push_back(error.what());
      }
    }
    plan.push_back(std::move(planned));
  }
  if (!problems.empty()) throw UserError(problems);
  return plan;
}

std::vector<PlannedOperator> make_plan_without_mappings(const Accelerator& accelerator,
                                                        const Workload& workload) {
  check(accelerator.memory.has_value(), "a plan needs a memory");
  check_counters(workload, accelerator.design->tile_limits());
  std::vector<PlannedOperator> plan;
  for (ProgramOperator& program :
       make_program(workload, *accelerator.design, *accelerator.memory)) {
    plan.push_back({std::move(program), {}, 0});
  }
  return plan;
}

}  // namespace bitsmith
