#include "app/reproduce_mixpe.h"

#include <fmt/format.h>

#include <optional>

#include "app/pipeline.h"
#include "app/reproduce_cost.h"
#include "common/file.h"
#include "common/table.h"
#include "reproduce/mixpe_paper.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;
namespace mixpe = reproduce::mixpe;

constexpr std::string_view kPaper = "MixPE";

std::string row_name(const mixpe::Paper& paper, std::size_t network, std::size_t accelerator) {
  const bool is_mean = network == paper.networks.size();
  const std::string name = is_mean ? "mean" : paper.networks[network].model.model;
  return fmt::format("{}, {}", name, paper.accelerators[accelerator].name);
}

struct Row {
  std::string table;
  std::string name;
  Json claim;  // null: not published
  Json ours;   // null: the script has no such figure
  std::string unit;
  std::string note;
  Json exact;  // null: no verified array
};

Json row_json(const Row& row) {
  Json difference = nullptr;
  if (!row.claim.is_null()) {
    const auto claimed = row.claim.get<double>();
    difference = (row.ours.get<double>() - claimed) / claimed;
  }
  return {{"paper", kPaper},
          {"table", row.table},
          {"row", row.name},
          {"claim", row.claim},
          {"ours", row.ours},
          {"unit", row.unit},
          {"relative_difference", difference},
          {"note", row.note},
          {"exact", row.exact}};
}

Json known(std::uint64_t cycles) { return cycles == 0 ? Json(nullptr) : Json(cycles); }

std::string text_of(std::uint64_t cycles) { return cycles == 0 ? "-" : with_separators(cycles); }

// The same layers but those of dequantisation, one after another in engine `tile` on the
// accelerator of a file, all at its clock, as in the paper: not at what a technology's gates allow.
std::uint64_t exact_cycles(const std::string& file, const std::vector<mixpe::Layer>& layers) {
  RunRequest request;
  request.accelerator = (home_folder() / file).string();
  request.overrides = {"technology.name=none"};
  std::uint64_t cycles = 0;
  for (const mixpe::Layer& layer : layers) {
    if (layer.is_dequantisation) continue;
    request.gemm = fmt::format("{}x{}x{}", layer.batch * layer.side * layer.side, layer.outputs,
                               layer.kernel * layer.kernel * layer.inputs);
    cycles += layer.occurrences * run(request).result.total.cycles;
  }
  return cycles;
}

std::string note(const mixpe::Paper& paper, const mixpe::CycleRow& row) {
  std::string text = fmt::format(
      "{} computing, {} waiting for DRAM; {}", with_separators(row.ours.compute),
      with_separators(row.ours.stall),
      row.claim == 0 ? "their total is not published, only the time below with two digits"
                     : "total of the authors' script");
  const mixpe::Published& published = paper.networks[row.network].on[row.accelerator];
  const mixpe::Accelerator& accelerator = paper.accelerators[row.accelerator];
  if (published.low_blocks > 0) {
    text += fmt::format("; {} blocks have {} bits", published.low_blocks, accelerator.low_bits);
  }
  if (published.low_projections > 0) {
    text += fmt::format("; {} attention projections have {} bits", published.low_projections,
                        accelerator.low_bits);
  }
  if (accelerator.exact.empty()) text += "; no verified array of its PEs";
  return text;
}

constexpr std::string_view kExact =
    "exact: the same GEMMs in engine `tile` on verified arrays of configs/papers/mixpe with the "
    "script's buffers, clock and bandwidth: activations of 8 or 16 bits, weights of 4 on MixPE, "
    "dequantised inside the array, of 8 or 16 on the others, not dequantised. MixPE's PEs have "
    "four lanes along k: as many products per cycle as two in both dimensions, and no rows left "
    "idle by a batch of 64; but a group of 128 then takes 32 steps, while a column's dequantiser "
    "takes a row every second step, 128 or 64 for all rows. W4A16 waits for DRAM as well: "
    "activations that overflow half their buffer are fetched again for every 32 outputs. There is "
    "no verified array of ANT or BitFusion.";

void add_cycles(const mixpe::Paper& paper, const std::vector<mixpe::CycleRow>& rows,
                Reproduction& reproduction) {
  const std::string name = fmt::format("cycles, batch {}", paper.batch);
  TextTable table({"network, accelerator", "their script", "ours", "exact"});
  for (const mixpe::CycleRow& row : rows) {
    if (row.accelerator == 0) table.add_rule();
    const std::string label = row_name(paper, row.network, row.accelerator);
    const std::string& file = paper.accelerators[row.accelerator].exact;
    const std::uint64_t exact =
        file.empty() ? 0
                     : exact_cycles(file, mixpe::layers_on(paper, row.network, row.accelerator));
    table.add_row({label, text_of(row.claim), with_separators(row.ours.total()), text_of(exact)});
    reproduction.rows.push_back(row_json({name, label, known(row.claim), row.ours.total(), "cycles",
                                          note(paper, row), known(exact)}));
  }
  reproduction.text +=
      fmt::format("{}, {}, one token each\n\n{}\n{}\n\n", kPaper, name, table.text(), kExact);
}

void add_times(const mixpe::Paper& paper, const std::vector<mixpe::CycleRow>& cycles,
               Reproduction& reproduction) {
  const std::string name =
      fmt::format("time relative to {}", paper.accelerators[paper.reference].name);
  TextTable table({"network, accelerator", "published", "ours"});
  std::size_t network = paper.networks.size() + 1;  // of the row before
  for (const mixpe::TimeRow& row : mixpe::time_rows(paper, cycles)) {
    if (row.network != network) table.add_rule();
    network = row.network;
    const std::string label = row_name(paper, row.network, row.accelerator);
    const std::string claim = fmt::format("{:.2f}", row.claim);
    const bool is_equal = fmt::format("{:.2f}", row.ours) == claim;
    table.add_row({label, claim, fmt::format("{:.4f}", row.ours)});
    reproduction.rows.push_back(
        row_json({name, label, row.claim, row.ours, "ratio",
                  fmt::format("published with two digits; ours rounds to {}",
                              is_equal ? "the same" : fmt::format("{:.2f}", row.ours)),
                  nullptr}));
  }
  reproduction.text += fmt::format("{}, {}\n\n{}\n", kPaper, name, table.text());
}

constexpr std::string_view kComparison =
    "In the first two, DRAM holds weights of 4 bits for both arrays and brings them in as many "
    "accesses: one makes them wide on their way into the weight buffer, MixPE scales sums of "
    "groups. "
    "Where the converter and the banks behind it keep up with the DRAM, dequantising first takes "
    "no "
    "time, as before the INT8 array. The banks before the FP16 array write 64 weights in 2 ns, "
    "which "
    "the DRAM brings in 1.25: with twice the banks and lanes (weight_buffer.banks=16, "
    "weight_converter.lanes=64) it is as fast as MixPE. What remains to MixPE is the area and "
    "energy "
    "of a multiplier per lane and of wide weights in the buffer, which cycles do not show. The "
    "script charges its baselines an eighth more cycles.";

void add_comparisons(const mixpe::Paper& paper, Reproduction& reproduction) {
  const std::string name =
      fmt::format("exact cycles, dequantising weights first, batch {}", paper.batch);
  TextTable table({"network", "dequantise first", "other", "ratio"});
  for (const mixpe::Comparison& comparison : paper.comparisons) {
    table.add_rule();
    table.add_row({comparison.name, "", "", ""});
    for (std::size_t network = 0; network < paper.networks.size(); ++network) {
      const auto layers = mixpe::layers_on(paper, network, paper.reference);
      const std::uint64_t first = exact_cycles(comparison.dequantise_first, layers);
      const std::uint64_t other = exact_cycles(comparison.other, layers);
      const double ratio = static_cast<double>(first) / static_cast<double>(other);
      const std::string& model = paper.networks[network].model.model;
      table.add_row({"  " + model, with_separators(first), with_separators(other),
                     fmt::format("{:.4f}", ratio)});
      reproduction.rows.push_back(row_json(
          {name, fmt::format("{}, {}", model, comparison.name), nullptr, nullptr, "ratio",
           fmt::format("{} / {} cycles", with_separators(first), with_separators(other)), ratio}));
    }
  }
  reproduction.text += fmt::format("{}, {}\n\n{}\n{}\n\n", kPaper, name, table.text(), kComparison);
}

void add_simplifications(Reproduction& reproduction) {
  reproduction.text += "What their script simplifies or gets wrong:\n";
  for (const mixpe::Simplification& simplification : mixpe::simplifications()) {
    reproduction.text += fmt::format("  {}: {}\n", simplification.subject, simplification.text);
    reproduction.simplifications.push_back(
        {{"paper", kPaper}, {"subject", simplification.subject}, {"text", simplification.text}});
  }
}

}  // namespace

void add_mixpe(Reproduction& reproduction) {
  const mixpe::Paper paper = mixpe::load_paper();
  const std::vector<mixpe::CycleRow> cycles = mixpe::cycle_rows(paper);
  add_cycles(paper, cycles, reproduction);
  add_times(paper, cycles, reproduction);
  add_comparisons(paper, reproduction);
  add_simplifications(reproduction);
  reproduction.text += fmt::format("\nSource: {}\n", paper.source);
  add_cost_comparisons("mixpe", kPaper, reproduction);
}

}  // namespace bitsmith::app
