#include "report/run_figures.h"

namespace bitsmith {

double utilization(const RunCounts& counts, const Design& design) {
  return static_cast<double>(counts.macs) /
         (static_cast<double>(counts.cycles) * static_cast<double>(design.peak_macs_per_cycle()));
}

double seconds(const RunCounts& counts, const Accelerator& accelerator) {
  const auto cycles = static_cast<double>(counts.cycles);
  if (!accelerator.memory) return cycles / (accelerator.params.clock_ghz * 1e9);
  // The clock that met the DRAM's times.
  const MemoryTimes times =
      memory_times(*accelerator.design, *accelerator.memory, accelerator.params.clock_ghz);
  return cycles * static_cast<double>(times.period_ps) / 1e12;
}

bool knows_actions(const RunReportInput& input) { return input.engine != "roofline"; }

std::string_view word_of(RooflineBound bound) {
  return bound == RooflineBound::compute ? "compute" : "memory";
}

DramBytes dram_bytes(const RunCounts& counts, const MemoryParams& memory) {
  const std::uint64_t access = memory.dram.access_bytes;
  const SystemCounts& system = counts.system;
  DramBytes bytes;
  bytes.weights_read = system.weight_reads * access;
  bytes.kv_cache_read = system.kv_cache_reads * access;
  bytes.activations_read = system.activation_reads * access;
  bytes.kv_cache_written = system.kv_cache_writes * access;
  bytes.results_written = system.result_writes * access;
  return bytes;
}

}  // namespace bitsmith
