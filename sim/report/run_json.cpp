#include "common/version.h"
#include "report/array_report.h"
#include "report/mapping_json.h"
#include "report/run_figures.h"
#include "report/run_report.h"

namespace bitsmith {
namespace {

using Json = nlohmann::ordered_json;

Json counts_json(const RunCounts& counts, const Design& design) {
  Json stalls = Json::object();
  for (const StallCause& cause : kStallCauses) {
    stalls[cause.name] = counts.stall_cycles.*cause.cycles;
  }
  return {{"cycles", counts.cycles},
          {"array_cycles", counts.array_cycles},
          {"stall_cycles", stalls},
          {"macs", counts.macs},
          {"utilization", utilization(counts, design)}};
}

Json gemm_json(const OperatorResult& row, const Design& design) {
  Json json = {{"name", row.op.name}, {"m", row.op.gemm.m},    {"n", row.op.gemm.n},
               {"k", row.op.gemm.k},  {"count", row.op.count}, {"repeat", row.op.repeat}};
  json.update(counts_json(row.counts, design));
  return json;
}

Json roofline_json(const RooflinePoint& point) {
  return {{"operations_per_byte", point.operations_per_byte},
          {"attainable_ops_per_cycle", point.attainable_ops_per_cycle},
          {"achieved_ops_per_cycle", point.achieved_ops_per_cycle},
          {"bound", word_of(point.bound)}};
}

Json dram_bytes_json(const DramBytes& bytes) {
  return {{"weights", bytes.weights_read},
          {"kv_cache", bytes.kv_cache_read + bytes.kv_cache_written},
          {"activations", bytes.activations_read},
          {"results", bytes.results_written}};
}

// An operator, of whatever kind, in a memory system.
Json operator_json(const OperatorResult& row, const Accelerator& accelerator) {
  const Operator& op = row.op;
  Json json = {{"name", op.name}, {"kind", word_of(op.kind)}};
  if (op.is_gemm()) {
    json.update({{"m", op.gemm.m}, {"n", op.gemm.n}, {"k", op.gemm.k}, {"count", op.count}});
  } else {
    json["elements"] = op.elements;
  }
  json["repeat"] = op.repeat;
  json.update(counts_json(row.counts, *accelerator.design));
  json["dram_bytes"] = dram_bytes_json(dram_bytes(row.counts, *accelerator.memory));
  if (op.is_gemm()) {
    json["mapping"] = row.mapping ? mapping_json(*row.mapping) : Json();
    json["mappings_seen"] = row.mapping ? Json(row.mappings_seen) : Json();
    json["roofline"] = roofline_json(roofline_point(accelerator, row.counts));
  }
  return json;
}

Json operators_json(const RunReportInput& input) {
  Json rows = Json::array();
  for (const OperatorResult& row : input.result.operators) {
    rows.push_back(input.accelerator.memory ? operator_json(row, input.accelerator)
                                            : gemm_json(row, *input.accelerator.design));
  }
  return rows;
}

// What an array alone does not compute; in a memory system they are among the operators.
Json vector_operators_json(const RunReportInput& input) {
  Json rows = Json::array();
  if (input.accelerator.memory) return rows;
  for (const Operator& op : input.workload.operators) {
    if (op.is_gemm()) continue;
    rows.push_back({{"name", op.name},
                    {"kind", word_of(op.kind)},
                    {"elements", op.elements},
                    {"repeat", op.repeat},
                    {"cycles", nullptr}});
  }
  return rows;
}

Json pe_cycles_json(const RunReportInput& input) {
  if (!knows_actions(input)) return nullptr;
  const PeCycles& pe = input.result.total.pe_cycles;
  return {{"mac", pe.mac}, {"pad", pe.pad}, {"idle", pe.idle}, {"stalled", pe.stalled}};
}

Json actions_json(const RunReportInput& input) {
  if (!knows_actions(input)) return nullptr;
  const auto names = input.accelerator.design->action_names();
  Json actions = Json::object();
  for (std::size_t i = 0; i < names.size(); ++i) {
    actions[std::string(names[i])] = input.result.total.actions[i];
  }
  return actions;
}

Json system_actions_json(const RunReportInput& input) {
  if (!input.accelerator.memory) return nullptr;
  Json actions = Json::object();
  for (const SystemAction& action : kSystemActions) {
    const bool known = action.is_dram_access || knows_actions(input);
    actions[action.name] = known ? Json(input.result.total.system.*action.count) : Json();
  }
  return actions;
}

Json dram_json(const RunReportInput& input) {
  const Accelerator& accelerator = input.accelerator;
  if (!accelerator.memory) return nullptr;
  const DramBytes bytes = dram_bytes(input.result.total, *accelerator.memory);
  return {{"read_bytes", bytes.read()},
          {"written_bytes", bytes.written()},
          {"bytes_per_cycle",
           dram_bytes_per_cycle(memory_times(*accelerator.design, *accelerator.memory,
                                             accelerator.params.clock_ghz))}};
}

Json checked_json(const RunReportInput& input) {
  if (!input.result.checked) return nullptr;
  const ValueCheck& checked = *input.result.checked;
  return {{"values_compared", checked.values_compared},
          {"mismatches", checked.mismatches},
          {"first_mismatch", checked.mismatches > 0 ? Json(checked.first_mismatch) : Json()}};
}

}  // namespace

Json run_json(const RunReportInput& input) {
  const Accelerator& accelerator = input.accelerator;
  Json total = counts_json(input.result.total, *accelerator.design);
  total["seconds"] = seconds(input.result.total, accelerator);
  return {{"schema", "bitsmith.run/1"},
          {"version", version()},
          {"config", accelerator.resolved()},
          {"workload", input.workload.name},
          {"engine", input.engine},
          {"array", input.array},
          {"clock_ghz", accelerator.params.clock_ghz},
          {"total", total},
          {"operators", operators_json(input)},
          {"vector_operators", vector_operators_json(input)},
          {"pe_cycles", pe_cycles_json(input)},
          {"actions", actions_json(input)},
          {"system_actions", system_actions_json(input)},
          {"dram", dram_json(input)},
          {"checked", checked_json(input)},
          {"energy_pj", energy_json(input.cost.energy_pj)},
          {"area_um2", area_json(input.cost.area_um2)},
          {"array_efficiency", array_efficiency_json(input)},
          {"tech", tech_json(input)}};
}

}  // namespace bitsmith
