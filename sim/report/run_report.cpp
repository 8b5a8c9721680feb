#include "report/run_report.h"

#include <cmath>

#include "common/table.h"
#include "common/version.h"

namespace bitsmith {
namespace {

using Json = nlohmann::ordered_json;

double utilization(const RunCounts& counts, const Design& design) {
  return static_cast<double>(counts.macs) /
         (static_cast<double>(counts.cycles) * static_cast<double>(design.peak_macs_per_cycle()));
}

double seconds(const RunCounts& counts, const Accelerator& accelerator) {
  return static_cast<double>(counts.cycles) / (accelerator.params.clock_ghz * 1e9);
}

Json stall_json(const StallCycles& stalls) {
  return {{"fill_drain", stalls.fill_drain},   {"weights", stalls.weights},
          {"activations", stalls.activations}, {"results", stalls.results},
          {"vector", stalls.vector},           {"control", stalls.control},
          {"refresh", stalls.refresh}};
}

Json counts_json(const RunCounts& counts, const Design& design) {
  return {{"cycles", counts.cycles},
          {"array_cycles", counts.array_cycles},
          {"stall_cycles", stall_json(counts.stall_cycles)},
          {"macs", counts.macs},
          {"utilization", utilization(counts, design)}};
}

Json operator_json(const OperatorResult& row, const Design& design) {
  Json json = {{"name", row.op.name}, {"m", row.op.gemm.m},    {"n", row.op.gemm.n},
               {"k", row.op.gemm.k},  {"count", row.op.count}, {"repeat", row.op.repeat}};
  json.update(counts_json(row.counts, design));
  return json;
}

// What an array does not compute.
Json vector_operators_json(const Workload& workload) {
  Json rows = Json::array();
  for (const Operator& op : workload.operators) {
    if (op.is_gemm()) continue;
    rows.push_back({{"name", op.name},
                    {"kind", word_of(op.kind)},
                    {"elements", op.elements},
                    {"repeat", op.repeat},
                    {"cycles", nullptr}});
  }
  return rows;
}

std::string vector_operators_table(const Workload& workload) {
  TextTable table({"vector operator", "kind", "elements", "repeat"});
  bool any = false;
  for (const Operator& op : workload.operators) {
    if (op.is_gemm()) continue;
    any = true;
    table.add_row({op.name, std::string(word_of(op.kind)), with_separators(op.elements),
                   with_separators(op.repeat)});
  }
  return any ? "not timed, as there is no vector unit yet:\n" + table.text() + "\n" : "";
}

// Rounded down, so that only what is whole shows as 100%.
std::string percent(double share) { return fmt::format("{:.4f}%", std::floor(share * 1e6) / 1e4); }

std::vector<std::string> table_row(const std::string& name, const std::string& shape,
                                   const std::string& times, const RunCounts& counts,
                                   const Design& design) {
  return {name,
          shape,
          times,
          with_separators(counts.macs),
          with_separators(counts.cycles),
          with_separators(counts.array_cycles),
          with_separators(counts.stall_cycles.total()),
          percent(utilization(counts, design))};
}

}  // namespace

Json run_json(const Accelerator& accelerator, const Workload& workload, const RunResult& result) {
  const Design& design = *accelerator.design;
  Json total = counts_json(result.total, design);
  total["seconds"] = seconds(result.total, accelerator);
  Json operators = Json::array();
  for (const OperatorResult& row : result.operators)
    operators.push_back(operator_json(row, design));
  Json actions = Json::object();
  for (std::size_t i = 0; i < design.action_names().size(); ++i) {
    actions[std::string(design.action_names()[i])] = result.total.actions[i];
  }
  const PeCycles& pe = result.total.pe_cycles;
  return {
      {"schema", "bitsmith.run/1"},
      {"version", version()},
      {"config", accelerator.resolved()},
      {"workload", workload.name},
      {"engine", "tile"},
      {"array", "model"},
      {"clock_ghz", accelerator.params.clock_ghz},
      {"total", total},
      {"operators", operators},
      {"vector_operators", vector_operators_json(workload)},
      {"pe_cycles", {{"mac", pe.mac}, {"pad", pe.pad}, {"idle", pe.idle}, {"stalled", pe.stalled}}},
      {"actions", actions},
      {"energy_pj", nullptr},
      {"area_um2", nullptr},
      {"tech", nullptr}};
}

std::string run_table(const Accelerator& accelerator, const Workload& workload,
                      const RunResult& result) {
  const Design& design = *accelerator.design;
  TextTable operators({"operator", "M x N x K", "count x repeat", "MACs", "cycles", "array cycles",
                       "fill/drain", "utilization"});
  for (const OperatorResult& row : result.operators) {
    const auto& [op, counts, mapping, seen] = row;
    operators.add_row(table_row(op.name, fmt::format("{}x{}x{}", op.gemm.m, op.gemm.n, op.gemm.k),
                                fmt::format("{} x {}", op.count, op.repeat), counts, design));
  }
  operators.add_rule();
  operators.add_row(table_row("total", "", "", result.total, design));

  TextTable pe_cycles({"PE-cycles", "count", "share"});
  const PeCycles& pe = result.total.pe_cycles;
  const auto add_class = [&](const char* name, std::uint64_t count) {
    pe_cycles.add_row({name, with_separators(count),
                       percent(static_cast<double>(count) / static_cast<double>(pe.total()))});
  };
  add_class("mac", pe.mac);
  add_class("pad", pe.pad);
  add_class("idle", pe.idle);
  add_class("stalled", pe.stalled);

  TextTable actions({"action", "count"});
  for (std::size_t i = 0; i < design.action_names().size(); ++i) {
    actions.add_row(
        {std::string(design.action_names()[i]), with_separators(result.total.actions[i])});
  }

  return fmt::format(
      "{} on {} ({} PEs, {} x {}), memory: none, engine: tile\n\n{}\n{}{}\n{}\n"
      "{} cycles = {:.6g} s at {} GHz, utilization {}\n",
      workload.name, accelerator.name, design.pe_count(), design.activation_format().name,
      design.weight_format().name, operators.text(), vector_operators_table(workload),
      pe_cycles.text(), actions.text(), with_separators(result.total.cycles),
      seconds(result.total, accelerator), accelerator.params.clock_ghz,
      percent(utilization(result.total, design)));
}

}  // namespace bitsmith
