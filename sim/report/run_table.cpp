#include <algorithm>
#include <cmath>
#include <filesystem>

#include "common/table.h"
#include "report/array_report.h"
#include "report/run_figures.h"
#include "report/run_report.h"

namespace bitsmith {
namespace {

// Rounded down, so that only what is whole shows as 100%.
std::string percent(double share) { return fmt::format("{:.4f}%", std::floor(share * 1e6) / 1e4); }

std::string short_percent(double share) {
  return fmt::format("{:.1f}%", std::floor(share * 1e3) / 10);
}

double share_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string shape_text(const Operator& op) {
  return op.is_gemm() ? fmt::format("{}x{}x{}", op.gemm.m, op.gemm.n, op.gemm.k)
                      : with_separators(op.elements);
}

std::string times_text(const Operator& op) { return fmt::format("{} x {}", op.count, op.repeat); }

std::string megabytes(std::uint64_t bytes) {
  return fmt::format("{:.3f}", static_cast<double>(bytes) / 1e6);
}

// ---- memory: none

std::string vector_operators_table(const Workload& workload) {
  TextTable table({"vector operator", "kind", "elements", "repeat"});
  bool any = false;
  for (const Operator& op : workload.operators) {
    if (op.is_gemm()) continue;
    any = true;
    table.add_row({op.name, std::string(word_of(op.kind)), with_separators(op.elements),
                   with_separators(op.repeat)});
  }
  return any ? "not timed, as there is no vector unit without a memory:\n" + table.text() + "\n"
             : "";
}

std::vector<std::string> array_row(const std::string& name, const std::string& shape,
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

std::string array_table(const RunReportInput& input) {
  const Design& design = *input.accelerator.design;
  TextTable table({"operator", "M x N x K", "count x repeat", "MACs", "cycles", "array cycles",
                   "fill/drain", "utilization"});
  for (const OperatorResult& row : input.result.operators) {
    table.add_row(
        array_row(row.op.name, shape_text(row.op), times_text(row.op), row.counts, design));
  }
  table.add_rule();
  table.add_row(array_row("total", "", "", input.result.total, design));
  return table.text() + "\n" + vector_operators_table(input.workload);
}

// ---- a memory system

// Cycles, traffic, and how near an operator is to the roof above it.
std::string operators_table(const RunReportInput& input) {
  const Accelerator& accelerator = input.accelerator;
  TextTable table({"operator", "size", "times", "cycles", "array cycles", "utilization", "DRAM MB",
                   "ops/byte", "bound", "of roof"});
  const auto add = [&](const std::string& name, const Operator* op, const RunCounts& counts) {
    const DramBytes bytes = dram_bytes(counts, *accelerator.memory);
    const bool has_macs = counts.macs > 0;
    std::vector<std::string> row = {
        name,
        op == nullptr ? "" : shape_text(*op),
        op == nullptr ? "" : times_text(*op),
        with_separators(counts.cycles),
        has_macs ? with_separators(counts.array_cycles) : "",
        has_macs ? percent(utilization(counts, *accelerator.design)) : "",
        megabytes(bytes.read() + bytes.written())};
    if (op != nullptr && op->is_gemm()) {
      const RooflinePoint point = roofline_point(accelerator, counts);
      row.push_back(fmt::format("{:.1f}", point.operations_per_byte));
      row.push_back(std::string(word_of(point.bound)));
      row.push_back(short_percent(point.achieved_ops_per_cycle / point.attainable_ops_per_cycle));
    } else {
      row.insert(row.end(), {"", "", ""});
    }
    table.add_row(std::move(row));
  };
  for (const OperatorResult& row : input.result.operators) add(row.op.name, &row.op, row.counts);
  table.add_rule();
  add("total", nullptr, input.result.total);
  return table.text();
}

// Shares of an operator's own cycles, and of the total those of the run's. Causes that never occur
// are left out.
std::string stalls_table(const RunReportInput& input) {
  const RunResult& result = input.result;
  std::vector<StallCause> causes;
  for (const StallCause& cause : kStallCauses) {
    if (result.total.stall_cycles.*cause.cycles > 0) causes.push_back(cause);
  }
  std::vector<std::string> header = {"where its cycles go", "of all cycles", "array"};
  for (const StallCause& cause : causes) header.emplace_back(cause.name);
  TextTable table(std::move(header));
  for (const OperatorResult& row : result.operators) {
    const RunCounts& counts = row.counts;
    std::vector<std::string> cells = {row.op.name,
                                      short_percent(share_of(counts.cycles, result.total.cycles)),
                                      short_percent(share_of(counts.array_cycles, counts.cycles))};
    for (const StallCause& cause : causes) {
      const std::uint64_t cycles = counts.stall_cycles.*cause.cycles;
      cells.push_back(cycles == 0 ? "" : short_percent(share_of(cycles, counts.cycles)));
    }
    table.add_row(std::move(cells));
  }
  table.add_rule();
  std::vector<std::string> shares = {
      "total", "", short_percent(share_of(result.total.array_cycles, result.total.cycles))};
  std::vector<std::string> cycles = {"total, cycles", with_separators(result.total.cycles),
                                     with_separators(result.total.array_cycles)};
  for (const StallCause& cause : causes) {
    const std::uint64_t stalled = result.total.stall_cycles.*cause.cycles;
    shares.push_back(short_percent(share_of(stalled, result.total.cycles)));
    cycles.push_back(with_separators(stalled));
  }
  table.add_row(std::move(shares));
  table.add_row(std::move(cycles));
  return table.text();
}

std::string dram_table(const RunReportInput& input) {
  const DramBytes bytes = dram_bytes(input.result.total, *input.accelerator.memory);
  const std::uint64_t all = bytes.read() + bytes.written();
  TextTable table({"DRAM", "read MB", "written MB", "share"});
  const auto add = [&](const char* tensor, std::uint64_t read, std::uint64_t written) {
    table.add_row({tensor, megabytes(read), megabytes(written),
                   short_percent(share_of(read + written, all))});
  };
  add("weights", bytes.weights_read, 0);
  add("KV cache", bytes.kv_cache_read, bytes.kv_cache_written);
  add("activations", bytes.activations_read, 0);
  add("results", 0, bytes.results_written);
  table.add_rule();
  add("total", bytes.read(), bytes.written());
  return table.text();
}

std::string energy_table(const RunReportInput& input) {
  const RunEnergy& energy = input.cost.energy_pj;
  if (energy_json(energy).is_null()) return "";
  TextTable table({"energy", "uJ", "area mm2"});
  const auto text = [](const std::optional<double>& value, double unit) {
    return value ? fmt::format("{:.4g}", *value * unit) : std::string("not known");
  };
  const RunArea& area = input.cost.area_um2;
  const auto add = [&](const char* part, const std::optional<double>& pj,
                       const std::optional<double>& um2) {
    table.add_row({part, text(pj, 1e-6), text(um2, 1e-6)});
  };
  add("array", energy.array, area.array);
  table.add_row({"array, leakage", text(energy.leakage.array, 1e-6), ""});
  add("buffers, accesses", energy.buffers, area.buffers);
  table.add_row({"buffers, leakage", text(energy.leakage.buffers, 1e-6), ""});
  table.add_row({"DRAM", text(energy.dram_total(), 1e-6), ""});
  add("vector unit", energy.vector, area.vector);
  table.add_row({"vector unit, leakage", text(energy.leakage.vector, 1e-6), ""});
  table.add_rule();
  add("total", energy.total(), area.total());
  return table.text() + "\n";
}

// ---- both

std::string pe_cycles_table(const RunReportInput& input) {
  TextTable table({"PE-cycles", "count", "share"});
  const PeCycles& pe = input.result.total.pe_cycles;
  const auto add = [&](const char* name, std::uint64_t count) {
    table.add_row({name, with_separators(count), percent(share_of(count, pe.total()))});
  };
  add("mac", pe.mac);
  add("pad", pe.pad);
  add("idle", pe.idle);
  add("stalled", pe.stalled);
  return table.text();
}

std::string actions_table(const RunReportInput& input) {
  const auto names = input.accelerator.design->action_names();
  TextTable table({"action", "count"});
  for (std::size_t i = 0; i < names.size(); ++i) {
    table.add_row({std::string(names[i]), with_separators(input.result.total.actions[i])});
  }
  if (input.accelerator.memory) {
    table.add_rule();
    for (const SystemAction& action : kSystemActions) {
      table.add_row({action.name, with_separators(input.result.total.system.*action.count)});
    }
  }
  return table.text();
}

std::string memory_name(const Accelerator& accelerator) {
  return accelerator.memory ? std::filesystem::path(accelerator.params.memory).stem().string()
                            : "none";
}

// What the array is, unless it is the model.
std::string engine_text(const RunReportInput& input) {
  return input.array == "model" ? input.engine
                                : fmt::format("{}, array: {}", input.engine, input.array);
}

std::string checked_text(const RunResult& result) {
  if (!result.checked) return "";
  const ValueCheck& checked = *result.checked;
  return fmt::format("{} values compared with golden, {} mismatches{}\n",
                     with_separators(checked.values_compared), with_separators(checked.mismatches),
                     checked.mismatches > 0 ? "; the first: " + checked.first_mismatch : "");
}

}  // namespace

std::string run_table(const RunReportInput& input) {
  const Accelerator& accelerator = input.accelerator;
  const Design& design = *accelerator.design;
  const RunCounts& total = input.result.total;
  std::string text =
      fmt::format("{} on {} ({} PEs, {} x {}), memory: {}, engine: {}\n\n", input.workload.name,
                  accelerator.name, design.pe_count(), design.activation_format().name,
                  design.weight_format().name, memory_name(accelerator), engine_text(input));
  if (accelerator.memory) {
    text += operators_table(input) + "\n" + stalls_table(input) + "\n" + dram_table(input) + "\n" +
            energy_table(input);
  } else {
    text += array_table(input);
    const std::string energy = energy_table(input);
    if (!energy.empty()) text += "\n" + energy;
  }
  const std::string of_array = array_text(input);
  if (!of_array.empty()) text += of_array + "\n";
  if (input.explain) text += explanation_text(input) + "\n";
  if (knows_actions(input)) text += pe_cycles_table(input) + "\n" + actions_table(input) + "\n";
  return text + checked_text(input.result) +
         fmt::format("{} cycles = {:.6g} s at {:.6g} GHz, utilization {}\n",
                     with_separators(total.cycles), seconds(total, accelerator),
                     accelerator.params.clock_ghz, percent(utilization(total, design)));
}

}  // namespace bitsmith
