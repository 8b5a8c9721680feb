#include <algorithm>
#include <array>
#include <cmath>

#include "app/commands.h"
#include "app/options.h"
#include "app/reproduce_bitmod.h"
#include "app/reproduce_cost.h"
#include "app/reproduce_lut_tensor_core.h"
#include "app/reproduce_mixpe.h"
#include "common/table.h"
#include "reproduce/scale_sim_terms.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> papers;
  std::string gemm;
  std::string array;
  bool synthesise = false;
  std::string liberty;
  std::string period_ps = "5000";
  std::string json;
};

// Papers whose tables have areas of our RTL, in records that --synthesise makes.
constexpr std::array<std::string_view, 3> kPapersWithAreas = {"bitmod", "mixpe", "lut-tensor-core"};

// One GEMM on one array.
struct Point {
  GemmShape gemm;
  reproduce::ArrayShape array;

  std::string text() const {
    return fmt::format("{}x{}x{} on {}x{}", gemm.m, gemm.n, gemm.k, array.rows, array.cols);
  }
};

// For these the tools' own output is known.
const std::array<Point, 2> kKnownPoints = {
    Point{{128, 128, 128}, {16, 16}},
    Point{{100, 70, 90}, {16, 16}},
};

void require_known_papers(const std::vector<std::string>& papers) {
  constexpr std::array<std::string_view, 4> kPapers = {"scale-sim", "bitmod", "mixpe",
                                                       "lut-tensor-core"};
  for (const std::string& paper : papers) {
    if (std::find(kPapers.begin(), kPapers.end(), paper) == kPapers.end()) {
      throw UserError(unknown_word("paper", paper, kPapers));
    }
  }
}

// A GEMM asks SCALE-Sim only.
bool wants(const Options& options, std::string_view paper) {
  if (!options.papers.empty()) {
    return std::find(options.papers.begin(), options.papers.end(), paper) != options.papers.end();
  }
  return options.gemm.empty() || paper == "scale-sim";
}

reproduce::ArrayShape read_array(const std::string& text) {
  constexpr IntegerRange kSide{1, 256};
  const std::size_t cross = std::min(text.find('x'), text.size());
  const auto rows = parse_integer(std::string_view(text).substr(0, cross));
  const auto cols = parse_integer(std::string_view(text).substr(std::min(cross + 1, text.size())));
  if (!rows || !cols || !kSide.contains(*rows) || !kSide.contains(*cols)) {
    throw UserError({"--array " + text, 0, 0},
                    fmt::format("expected RxC, for example 16x16, each in {}", kSide.text()));
  }
  return {static_cast<std::uint64_t>(*rows), static_cast<std::uint64_t>(*cols)};
}

std::vector<Point> points_of(const Options& options) {
  if (options.gemm.empty()) return {kKnownPoints.begin(), kKnownPoints.end()};
  return {{gemm_workload(options.gemm).operators.front().gemm, read_array(options.array)}};
}

std::string array_text(const reproduce::Comparison& row) {
  const std::string_view overlap =
      row.overlap == reproduce::Overlap::serial ? "serial" : "overlapped";
  if (row.dataflow == reproduce::Dataflow::output_stationary)
    return fmt::format("drain {}", overlap);
  return fmt::format("preload and drain {}", overlap);
}

// What the tool itself says of the array's use.
std::string note(const Point& point, const reproduce::Comparison& row) {
  if (row.tool != "SCALE-Sim" || row.claim == 0) return "";
  return fmt::format(
      "SCALE-Sim's mapping efficiency {:.4f}%, overall utilization {:.4f}%",
      100 * reproduce::scale_sim_mapping_efficiency(row.dataflow, point.gemm, point.array),
      100 * reproduce::scale_sim_utilization(row.dataflow, point.gemm, point.array));
}

Json row_json(const Point& point, const reproduce::Comparison& row) {
  Json terms = Json::array();
  for (const reproduce::Term& term : row.terms) {
    terms.push_back({{"name", term.name}, {"cycles", term.cycles}});
  }
  Json json = {
      {"paper", row.tool},
      {"table", "closed form"},
      {"row", fmt::format("{} {}, {}", point.text(), word_of(row.dataflow), array_text(row))},
      {"claim", row.claim},
      {"ours", row.ours},
      {"unit", "cycles"}};
  const auto claim = static_cast<double>(row.claim);
  json["relative_difference"] =
      row.claim == 0 ? Json(nullptr) : Json((static_cast<double>(row.ours) - claim) / claim);
  json["note"] = note(point, row);
  json["terms"] = std::move(terms);
  return json;
}

std::string with_sign(std::int64_t cycles) {
  const std::string digits = with_separators(static_cast<std::uint64_t>(std::abs(cycles)));
  return (cycles < 0 ? "-" : "+") + digits;
}

std::string table_text(const Point& point, const std::vector<reproduce::Comparison>& rows) {
  TextTable table({"claim, and what it leaves out", "cycles"});
  for (const reproduce::Comparison& row : rows) {
    table.add_rule();
    table.add_row(
        {fmt::format("{} {}", row.tool, word_of(row.dataflow)), with_separators(row.claim)});
    for (const reproduce::Term& term : row.terms) {
      if (term.cycles != 0) table.add_row({"  " + term.name, with_sign(term.cycles)});
    }
    table.add_row(
        {fmt::format("the verified array, {}, {}", word_of(row.dataflow), array_text(row)),
         with_separators(row.ours)});
  }
  return fmt::format("{}\n\n{}\n", point.text(), table.text());
}

void add_scale_sim(const Options& options, Reproduction& reproduction) {
  for (const Point& point : points_of(options)) {
    const auto rows = reproduce::compare_with_scale_sim(point.gemm, point.array);
    reproduction.text += table_text(point, rows);
    for (const reproduce::Comparison& row : rows) {
      reproduction.rows.push_back(row_json(point, row));
    }
  }
}

int run_command(const Options& options) {
  require_known_papers(options.papers);
  Diagnostics diagnostics;
  if (!options.gemm.empty() && !wants(options, "scale-sim")) {
    diagnostics.add({"--gemm " + options.gemm, 0, 0}, "is a question to scale-sim");
  }
  SynthesisOptions synthesis{options.liberty.empty() ? default_liberty()
                                                     : std::filesystem::path(options.liberty)};
  synthesis.period_ps = static_cast<double>(
      integer_option("--period", options.period_ps, {1, 1'000'000'000}, diagnostics));
  const auto wanted = [&](std::string_view paper) { return wants(options, paper); };
  if (options.synthesise &&
      std::none_of(kPapersWithAreas.begin(), kPapersWithAreas.end(), wanted)) {
    diagnostics.add({"--synthesise", 0, 0},
                    fmt::format("is a question to {}", list_words(kPapersWithAreas)));
  }
  require_output("--json", options.json, {}, diagnostics);
  diagnostics.throw_if_any();
  for (const std::string_view paper : kPapersWithAreas) {
    if (options.synthesise && wanted(paper)) synthesise_paper(paper, synthesis);
  }
  Reproduction reproduction;
  if (wants(options, "scale-sim")) add_scale_sim(options, reproduction);
  if (wants(options, "bitmod")) add_bitmod(reproduction);
  if (wants(options, "mixpe")) add_mixpe(reproduction);
  if (wants(options, "lut-tensor-core")) add_lut_tensor_core(reproduction);
  const Json json = {{"schema", "bitsmith.reproduce/1"},
                     {"rows", std::move(reproduction.rows)},
                     {"simplifications", std::move(reproduction.simplifications)}};
  if (!options.json.empty()) write_output(options.json, json_text(json));
  if (options.json != "-") write_output("-", reproduction.text);
  return 0;
}

}  // namespace

Action add_reproduce(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "reproduce",
      "what papers and other tools claim, beside our cycles, areas and energies, with the "
      "difference explained");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command->add_option("paper", o.papers,
                      "scale-sim (SCALE-Sim and STONNE), bitmod, mixpe, lut-tensor-core; all by "
                      "default");
  CLI::Option* gemm = command->add_option("--gemm", o.gemm, "one GEMM, MxNxK");
  CLI::Option* array = command->add_option("--array", o.array, "rows and columns, RxC");
  gemm->needs(array);
  array->needs(gemm);
  CLI::Option* synthesise = command->add_flag(
      "--synthesise", o.synthesise,
      "make the areas of bitmod, mixpe or lut-tensor-core (several minutes) anew and keep them");
  command
      ->add_option("--liberty", o.liberty,
                   "in this cell library, of lut-tensor-core the ablation alone; default: osu018")
      ->needs(synthesise);
  command->add_option("--period", o.period_ps, "clock period in ps that gates are sized for then")
      ->capture_default_str()
      ->needs(synthesise);
  command->add_option("--json", o.json, "write the result as JSON; - is standard output");
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
