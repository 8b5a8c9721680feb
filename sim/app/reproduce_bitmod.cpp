#include "app/reproduce_bitmod.h"

#include <fmt/format.h>

#include <cmath>

#include "app/reproduce_cost.h"
#include "common/table.h"
#include "reproduce/bitmod_error.h"
#include "reproduce/bitmod_exact.h"
#include "reproduce/bitmod_paper.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;
namespace bitmod = reproduce::bitmod;

constexpr std::string_view kPaper = "BitMoD";

std::string table_of(const bitmod::Paper& paper, Phase phase) {
  return phase == Phase::prefill ? fmt::format("prefill of {} tokens", paper.context)
                                 : fmt::format("one decoded token, context {}", paper.context);
}

std::string row_name(const bitmod::Paper& paper, const bitmod::CycleRow& row) {
  return fmt::format("{}, {}", paper.networks[row.network].model.model,
                     paper.accelerators[row.accelerator].name);
}

std::string row_name(const bitmod::Paper& paper, const bitmod::Headline& headline) {
  return fmt::format("{} over {}, average speedup", paper.accelerators[headline.subject].name,
                     paper.accelerators[headline.baseline].name);
}

// `exact`: the GEMMs' cycles of a verified array in engine tile.
Json row_json(const std::string& table, const std::string& row, const Json& claim, const Json& ours,
              std::string_view unit, const std::string& note, const Json& exact = nullptr) {
  Json difference = nullptr;
  if (claim.is_number()) difference = ours.get<double>() / claim.get<double>() - 1;
  return {{"paper", kPaper},
          {"table", table},
          {"row", row},
          {"claim", claim},
          {"ours", ours},
          {"unit", unit},
          {"relative_difference", difference},
          {"note", note},
          {"exact", exact}};
}

double rounded(double ratio) { return std::round(ratio * 100) / 100; }

std::string note(const bitmod::Paper& paper, const bitmod::HeadlineRow& row) {
  return fmt::format(
      "the abstract does not say over what it averages; ours is the mean of two tasks, each a mean "
      "over {} networks of the ratio of cycles: {:.4f} for a prompt of {} tokens, {:.4f} for a "
      "prompt and {} tokens after it; both rounded first, {:.2f} and {:.2f}, have the mean {:.3f}",
      paper.networks.size(), row.prefill, paper.context, row.generation, paper.generated_tokens,
      row.prefill, row.generation, (rounded(row.prefill) + rounded(row.generation)) / 2);
}

std::string note(const bitmod::CycleRow& row, const std::optional<bitmod::ExactCycles>& exact) {
  const std::string text =
      fmt::format("weights of {} bits; total of the authors' script; exact: ", row.weight_bits);
  if (!exact) return text + "none, there is no verified array of this kind";
  return text + fmt::format("the GEMMs; with the vector operators {}", exact->all);
}

void add_cycles(const bitmod::Paper& paper, Phase phase, Reproduction& reproduction) {
  TextTable table({"network, accelerator", "weight bits", "their script", "ours", "exact",
                   "exact / script", "with vector unit"});
  std::size_t network = paper.networks.size();  // of the row before
  for (const bitmod::CycleRow& row : bitmod::cycle_rows(paper)) {
    if (row.phase != phase) continue;
    if (row.network != network) table.add_rule();
    network = row.network;
    const auto exact = bitmod::exact_cycles(paper, row);
    std::vector<std::string> cells = {row_name(paper, row), fmt::format("{}", row.weight_bits),
                                      with_separators(row.claim), with_separators(row.ours)};
    cells.resize(7, "-");
    if (exact) {
      const double ratio = static_cast<double>(exact->gemms) / static_cast<double>(row.ours);
      cells[4] = with_separators(exact->gemms);
      cells[5] = fmt::format("{:.3f}", ratio);
      cells[6] = with_separators(exact->all);
    }
    table.add_row(cells);
    reproduction.rows.push_back(row_json(table_of(paper, phase), row_name(paper, row), row.claim,
                                         row.ours, "cycles", note(row, exact),
                                         exact ? Json(exact->gemms) : Json(nullptr)));
  }
  reproduction.text +=
      fmt::format("{}, {}: cycles\n\n{}\n", kPaper, table_of(paper, phase), table.text());
}

void add_headlines(const bitmod::Paper& paper, Reproduction& reproduction) {
  TextTable table({"headline", "prompt", "generation", "paper", "ours"});
  std::string notes;
  for (const bitmod::HeadlineRow& row : bitmod::headline_rows(paper)) {
    const std::string name = row_name(paper, row.headline);
    const auto number = [](double ratio) { return fmt::format("{:.4f}", ratio); };
    table.add_row({name, number(row.prefill), number(row.generation),
                   fmt::format("{}", row.headline.speedup), number(row.ours())});
    const std::string text = note(paper, row);
    notes += fmt::format("{}: {}\n", name, text);
    reproduction.rows.push_back(
        row_json("abstract", name, row.headline.speedup, row.ours(), "ratio", text));
  }
  reproduction.text += fmt::format("{}\n{}\n", table.text(), notes);
}

// What the paper does not say of its datapath: nothing is rounded, all is cut, downwards.
void add_errors(Reproduction& reproduction) {
  const bitmod::ErrorSample sample;
  const std::string name =
      fmt::format("arithmetic error, {} results of {} products", sample.m * sample.n, sample.k);
  const std::string note =
      "golden of the array (FP16 activations with outlier channels, normal weights, four lanes, "
      "groups of 128 with INT8 scales) beside the exact sums of the same codes; the paper claims "
      "none; the weights' own quantization is not in it";
  TextTable table({"weights", "relative error", "worst result"});
  for (const bitmod::ArithmeticError& error : bitmod::arithmetic_errors(sample)) {
    table.add_row(
        {error.weight, fmt::format("{:.3g}", error.relative), fmt::format("{:.3g}", error.worst)});
    reproduction.rows.push_back(row_json(name, error.weight + ", norm of the differences", nullptr,
                                         error.relative, "of the norm of the results", note));
    reproduction.rows.push_back(row_json(name, error.weight + ", worst result", nullptr,
                                         error.worst, "of the sum of its terms' magnitudes", note));
  }
  reproduction.text += fmt::format("{}, {}\n\n{}\n{}\n\n", kPaper, name, table.text(), note);
}

void add_simplifications(Reproduction& reproduction) {
  reproduction.text +=
      "What their script simplifies (P: new tokens, 256 or 1), and what `exact` does instead:\n";
  for (const bitmod::Simplification& simplification : bitmod::simplifications()) {
    const std::string_view exact = simplification.exact;
    reproduction.text += fmt::format("  {}: {}\n", simplification.subject, simplification.text);
    if (!exact.empty()) reproduction.text += fmt::format("    exact: {}\n", exact);
    reproduction.simplifications.push_back(
        {{"paper", kPaper},
         {"subject", simplification.subject},
         {"text", simplification.text},
         {"exact", exact.empty() ? Json(nullptr) : Json(exact)}});
  }
}

}  // namespace

void add_bitmod(Reproduction& reproduction) {
  const bitmod::Paper paper = bitmod::load_paper();
  add_cycles(paper, Phase::prefill, reproduction);
  add_cycles(paper, Phase::decode, reproduction);
  add_headlines(paper, reproduction);
  add_errors(reproduction);
  add_simplifications(reproduction);
  reproduction.text += fmt::format("\nSource: {}\n", paper.source);
  add_cost_comparisons("bitmod", kPaper, reproduction);
}

}  // namespace bitsmith::app
