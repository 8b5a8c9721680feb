#include "report/point_record.h"

#include "common/version.h"
#include "report/array_report.h"
#include "report/run_figures.h"

namespace bitsmith {
namespace {

using Json = nlohmann::ordered_json;

// Rates of a run, and what its DRAM allows.
Json roofs(const RunReportInput& input) {
  const Accelerator& accelerator = input.accelerator;
  const RunCounts& total = input.result.total;
  const double operations = 2 * static_cast<double>(total.macs);
  const std::optional<double> energy_pj = input.cost.energy_pj.total();
  Json json = {{"dram_bytes", nullptr},
               {"dram_bytes_per_cycle", nullptr},
               {"tops", 1e-12 * operations / seconds(total, accelerator)},
               {"tops_per_watt", nullptr}};
  if (accelerator.memory) {
    const DramBytes bytes = dram_bytes(total, *accelerator.memory);
    json["dram_bytes"] = bytes.read() + bytes.written();
    json["dram_bytes_per_cycle"] = dram_bytes_per_cycle(
        memory_times(*accelerator.design, *accelerator.memory, accelerator.params.clock_ghz));
  }
  // Operations per pJ are tera-operations per second and watt.
  if (energy_pj) json["tops_per_watt"] = operations / *energy_pj;
  return json;
}

Json metrics(const RunReportInput& input) {
  const Accelerator& accelerator = input.accelerator;
  const RunCounts& total = input.result.total;
  Json json = {{"pes", accelerator.design->pe_count()},
               {"peak_macs_per_cycle", accelerator.design->peak_macs_per_cycle()},
               {"clock_ghz", accelerator.params.clock_ghz},
               {"cycles", total.cycles},
               {"seconds", seconds(total, accelerator)},
               {"macs", total.macs},
               {"utilization", utilization(total, *accelerator.design)},
               {"array_cycles", total.array_cycles}};
  for (const StallCause& cause : kStallCauses) {
    json[std::string("stall_") + cause.name] = total.stall_cycles.*cause.cycles;
  }
  json["dram_read_bytes"] = nullptr;
  json["dram_written_bytes"] = nullptr;
  if (accelerator.memory) {
    const DramBytes bytes = dram_bytes(total, *accelerator.memory);
    json["dram_read_bytes"] = bytes.read();
    json["dram_written_bytes"] = bytes.written();
  }
  const RunEnergy& energy = input.cost.energy_pj;
  json["energy_pj"] = number_json(energy.total());
  json["array_energy_pj"] = number_json(energy.array);
  json["buffers_energy_pj"] = number_json(energy.buffers);
  json["dram_energy_pj"] = number_json(energy.dram_total());
  json["vector_energy_pj"] = number_json(energy.vector);
  json["buffers_leakage_energy_pj"] = number_json(energy.leakage.buffers);
  json["leakage_energy_pj"] = number_json(energy.leakage.total());
  json["array_leakage_energy_pj"] = number_json(energy.leakage.array);
  json["vector_leakage_energy_pj"] = number_json(energy.leakage.vector);
  json["area_um2"] = number_json(input.cost.area_um2.total());
  json["array_area_um2"] = number_json(input.cost.area_um2.array);
  json["buffers_area_um2"] = number_json(input.cost.area_um2.buffers);
  json["vector_area_um2"] = number_json(input.cost.area_um2.vector);
  json.update(roofs(input));
  const ArrayEfficiency efficiency = array_efficiency(input);
  json["array_pj_per_mac"] = number_json(efficiency.pj_per_mac);
  json["array_tops_per_w"] = number_json(efficiency.tops_per_w);
  json["array_tops_per_mm2"] = number_json(efficiency.tops_per_mm2);
  json["array_peak_tops_per_mm2"] = number_json(efficiency.peak_tops_per_mm2);
  const std::optional<ArrayFigures>& array = input.cost.array;
  json["technology"] = array ? Json(array->technology) : Json();
  json["array_critical_path_ps"] = array ? number_json(array->critical_path_ps) : Json();
  json["array_is_interpolated"] = array && array->interpolated();
  json["array_is_estimated"] = array && array->estimated();
  json["clock_limited"] = array && array->wanted_clock_ghz;
  json["overclocked"] = array && array->overclocked;
  json["vector_overclocked"] = input.cost.vector && input.cost.vector->overclocked;
  json["mixed_nodes"] = input.cost.mixed_nodes;
  return json;
}

Json operators(const RunReportInput& input) {
  Json rows = Json::array();
  for (const OperatorResult& row : input.result.operators) {
    Json stalls = Json::object();
    for (const StallCause& cause : kStallCauses) {
      if (const std::uint64_t cycles = row.counts.stall_cycles.*cause.cycles) {
        stalls[cause.name] = cycles;
      }
    }
    Json json = {{"name", row.op.name},         {"times", row.op.repeat},
                 {"cycles", row.counts.cycles}, {"array_cycles", row.counts.array_cycles},
                 {"stall_cycles", stalls},      {"macs", row.counts.macs},
                 {"dram_bytes", nullptr}};
    if (input.accelerator.memory) {
      const DramBytes bytes = dram_bytes(row.counts, *input.accelerator.memory);
      json["dram_bytes"] = bytes.read() + bytes.written();
    }
    rows.push_back(std::move(json));
  }
  return rows;
}

}  // namespace

Json point_record(const RunReportInput& input) {
  return {{"schema", "bitsmith.point/1"},
          {"status", "done"},
          {"version", version()},
          {"inputs",
           {{"accelerator", input.accelerator.resolved()},
            {"workload", input.workload.name},
            {"engine", input.engine}}},
          {"metrics", metrics(input)},
          {"operators", operators(input)},
          {"tech", tech_json(input)}};
}

}  // namespace bitsmith
