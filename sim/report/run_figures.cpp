#include "report/run_figures.h"

#include "report/array_report.h"

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

nlohmann::ordered_json number_json(const std::optional<double>& number) {
  return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json();
}

nlohmann::ordered_json energy_json(const RunEnergy& energy) {
  if (!energy.array && !energy.buffers && !energy.dram && !energy.leakage.array) return nullptr;
  nlohmann::ordered_json json = {{"total", number_json(energy.total())},
                                 {"array", number_json(energy.array)},
                                 {"buffers", number_json(energy.buffers)},
                                 {"dram", number_json(energy.dram_total())},
                                 {"vector", number_json(energy.vector)},
                                 {"leakage", number_json(energy.leakage.total())},
                                 {"array_leakage", number_json(energy.leakage.array)},
                                 {"buffers_leakage", number_json(energy.leakage.buffers)},
                                 {"vector_leakage", number_json(energy.leakage.vector)},
                                 {"dram_parts", nullptr}};
  if (energy.dram) {
    json["dram_parts"] = {{"transfers", energy.dram->transfers_pj},
                          {"activations", energy.dram->activations_pj},
                          {"background", energy.dram->background_pj},
                          {"refresh", energy.dram->refresh_pj}};
  }
  return json;
}

nlohmann::ordered_json area_json(const RunArea& area) {
  if (!area.array && !area.buffers) return nullptr;
  return {{"total", number_json(area.total())},
          {"array", number_json(area.array)},
          {"buffers", number_json(area.buffers)},
          {"vector", number_json(area.vector)}};
}

namespace {

nlohmann::ordered_json sram_json(const RunReportInput& input) {
  if (!input.cost.buffers) return nullptr;
  const auto macros = [](const BufferCost& cost) {
    return nlohmann::ordered_json{{"macros", cost.macros},
                                  {"side_by_side", cost.macro.side_by_side},
                                  {"stacked", cost.macro.stacked},
                                  {"upper_bound", cost.macro.is_upper_bound}};
  };
  const BuffersCost& buffers = *input.cost.buffers;
  return {{"table", "configs/tech/sram.csv"},
          {"activation_buffer", macros(buffers.activation)},
          {"weight_buffer", macros(buffers.weight)},
          {"result_buffer", macros(buffers.result)}};
}

}  // namespace

nlohmann::ordered_json tech_json(const RunReportInput& input) {
  if (!input.cost.buffers && !input.cost.array) return nullptr;
  return {{"sram", sram_json(input)},
          {"array", array_technology_json(input)},
          {"marks", marks_json(input)}};
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
