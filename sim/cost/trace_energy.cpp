#include "cost/trace_energy.h"

#include <algorithm>
#include <iterator>
#include <random>

#include "common/parallel.h"

namespace bitsmith {

namespace {

// A PE sees a row and a column of each.
constexpr std::uint64_t kTiles = 8;

// What follows a single step is another tile's, which no stream of tiles shows.
std::vector<std::size_t> measurable_gemms(const TraceOperands& trace) {
  std::vector<std::size_t> gemms;
  std::copy_if(trace.gemms().begin(), trace.gemms().end(), std::back_inserter(gemms),
               [&](std::size_t op) { return trace.shape(op).k > 1; });
  return gemms;
}

// In their order. At random: layers repeat, and even steps would meet the same GEMMs in each.
std::vector<std::size_t> some_of(const std::vector<std::size_t>& all, std::size_t most) {
  constexpr std::uint32_t kSeed = 1;
  std::vector<std::size_t> some;
  std::sample(all.begin(), all.end(), std::back_inserter(some), most, std::mt19937(kSeed));
  return some;
}

}  // namespace

double TraceEnergy::error() const {
  double charged = 0, measured = 0;
  for (const GemmEnergy& gemm : gemms) {
    charged += gemm.macs * record_pj;
    measured += gemm.macs * gemm.pj;
  }
  return charged / measured - 1;
}

std::optional<TraceEnergy> energy_of_trace(const ModuleCharacterisation& pe,
                                           const ModuleRecord& record, const TraceOperands& trace,
                                           std::size_t most, unsigned threads) {
  TraceEnergy result;
  result.operands = class_of(trace);
  const auto& charged = record.energies.at(result.operands, PeCycleClass::mac);
  if (!charged) return std::nullopt;
  result.record_pj = dynamic_pj(*charged);
  const std::vector<std::size_t> measurable = measurable_gemms(trace);
  const std::vector<std::size_t> ops = some_of(measurable, most);
  result.gemms.resize(ops.size());
  const ArrayRtl rtl = pe.array_rtl();
  parallel_for(result.gemms.size(), threads, [&](std::size_t i) {
    const CycleEnergies energies =
        pe.energies_of_full_tiles(rtl, spread_tiles(trace, ops[i]), kTiles);
    const auto& mac = energies[static_cast<std::size_t>(PeCycleClass::mac)];
    const Operator& gemm = trace.workload().operators[ops[i]];
    result.gemms[i] = {gemm.name, gemm.macs(), dynamic_pj(mac.value())};
  });
  return result;
}

}  // namespace bitsmith
