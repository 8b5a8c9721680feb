#include "app/reproduce_mixpe.h"

#include <fmt/format.h>

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

Json row_json(const std::string& table, const std::string& row, const Json& claim, const Json& ours,
              std::string_view unit, const std::string& note) {
  Json difference = nullptr;
  if (!claim.is_null()) {
    const auto claimed = claim.get<double>();
    difference = (ours.get<double>() - claimed) / claimed;
  }
  return {{"paper", kPaper},
          {"table", table},
          {"row", row},
          {"claim", claim},
          {"ours", ours},
          {"unit", unit},
          {"relative_difference", difference},
          {"note", note},
          {"exact", nullptr}};
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
  return text;
}

void add_cycles(const mixpe::Paper& paper, const std::vector<mixpe::CycleRow>& rows,
                Reproduction& reproduction) {
  const std::string name = fmt::format("cycles, batch {}", paper.batch);
  TextTable table({"network, accelerator", "their script", "ours"});
  for (const mixpe::CycleRow& row : rows) {
    if (row.accelerator == 0) table.add_rule();
    const std::string label = row_name(paper, row.network, row.accelerator);
    table.add_row({label, row.claim == 0 ? "-" : with_separators(row.claim),
                   with_separators(row.ours.total())});
    reproduction.rows.push_back(row_json(name, label,
                                         row.claim == 0 ? Json(nullptr) : Json(row.claim),
                                         row.ours.total(), "cycles", note(paper, row)));
  }
  reproduction.text += fmt::format("{}, {}, one token each\n\n{}\n", kPaper, name, table.text());
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
        row_json(name, label, row.claim, row.ours, "ratio",
                 fmt::format("published with two digits; ours rounds to {}",
                             is_equal ? "the same" : fmt::format("{:.2f}", row.ours))));
  }
  reproduction.text += fmt::format("{}, {}\n\n{}\n", kPaper, name, table.text());
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
  add_simplifications(reproduction);
  reproduction.text += fmt::format("\nSource: {}\n", paper.source);
}

}  // namespace bitsmith::app
