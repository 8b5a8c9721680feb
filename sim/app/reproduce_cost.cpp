#include "app/reproduce_cost.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/options.h"
#include "common/file.h"
#include "common/table.h"
#include "report/run_figures.h"
#include "reproduce/area_comparison.h"
#include "reproduce/energy_comparison.h"
#include "reproduce/lut_tensor_core.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;
using reproduce::CostRow;

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.4g}", *value) : "-";
}

Json row_json(std::string_view paper, const CostRow& row) {
  Json json = {{"paper", paper},
               {"table", row.table},
               {"row", row.row},
               {"claim", number_json(row.claim)},
               {"ours", number_json(row.ours)},
               {"unit", row.unit}};
  json["relative_difference"] =
      row.claim && row.ours ? Json((*row.ours - *row.claim) / *row.claim) : Json(nullptr);
  json["note"] = row.remarks.empty()
                     ? row.note
                     : fmt::format("{}; {}", row.note, fmt::join(row.remarks, "; "));
  json["with_columns"] = number_json(row.with_columns);
  json["technology"] = text_or_null(row.technology);
  json["measured"] = text_or_null(row.measured);
  json["stale"] = row.stale;
  return json;
}

std::string table_text(const std::vector<CostRow>& rows) {
  const auto has = [&](auto&& is) { return std::any_of(rows.begin(), rows.end(), is); };
  const bool has_columns = has([](const CostRow& row) { return row.with_columns.has_value(); });
  const bool has_measured = has([](const CostRow& row) { return !row.measured.empty(); });
  std::vector<std::string> heading = {rows.front().table, "unit", "library", "paper", "ours"};
  if (has_columns) heading.push_back("with columns");
  if (has_measured) heading.push_back("measured");
  heading.push_back("note");
  TextTable table(heading);
  std::vector<std::string> notes, remarks;
  for (const CostRow& row : rows) {
    for (const std::string& remark : row.remarks) {
      if (std::find(remarks.begin(), remarks.end(), remark) == remarks.end()) {
        remarks.push_back(remark);
      }
    }
    auto note = std::find(notes.begin(), notes.end(), row.note);
    if (note == notes.end()) note = notes.insert(note, row.note);
    std::vector<std::string> cells = {row.row, row.unit,
                                      row.technology.empty() ? "-" : row.technology,
                                      number(row.claim), number(row.ours)};
    if (has_columns) cells.push_back(number(row.with_columns));
    if (has_measured) cells.push_back(row.measured.empty() ? "-" : row.measured);
    cells.push_back(fmt::format("{}", note - notes.begin() + 1));
    table.add_row(cells);
  }
  std::string text = table.text();
  for (std::size_t i = 0; i < notes.size(); ++i) {
    text += fmt::format("  {}: {}\n", i + 1, notes[i]);
  }
  for (const std::string& remark : remarks) text += fmt::format("  {}\n", remark);
  return text;
}

std::string command_of(std::string_view id) {
  return fmt::format("scripts/bitsmith reproduce {} --synthesise", id);
}

reproduce::SynthesisRecords records_of(const std::filesystem::path& file) {
  return std::filesystem::exists(file) ? reproduce::SynthesisRecords::read(file)
                                       : reproduce::SynthesisRecords();
}

}  // namespace

void add_cost_rows(std::string_view paper, const std::vector<CostRow>& rows,
                   Reproduction& reproduction) {
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end = std::find_if(begin, rows.end(),
                                  [&](const CostRow& row) { return row.table != begin->table; });
    reproduction.text += "\n" + table_text({begin, end});
    begin = end;
  }
  for (const CostRow& row : rows) reproduction.rows.push_back(row_json(paper, row));
}

std::string provenance_text(const reproduce::SynthesisRecords& records) {
  std::vector<std::string> lines;
  for (const reproduce::SynthesisRecord& record : records.all()) {
    std::string line = fmt::format("{} for {:.0f} ps, {}, OpenSTA {}, {}", record.library,
                                   record.period_ps, record.yosys, record.opensta, record.date);
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  }
  return fmt::format("{} records; {}", records.all().size(), fmt::join(lines, "; "));
}

std::string provenance_text(const std::vector<Technology>& technologies) {
  std::vector<std::string> lines;
  for (const Technology& technology : technologies) {
    lines.push_back(fmt::format("{}, {} records of {} for {:.0f} ps, {}, {}", technology.name,
                                technology.records(), technology.source.library,
                                technology.source.target_period_ps, technology.source.yosys,
                                technology.source.date));
  }
  return lines.empty() ? std::string(reproduce::kNoTechnology)
                       : fmt::format("{}", fmt::join(lines, "; "));
}

void add_cost_comparisons(std::string_view id, std::string_view paper, Reproduction& reproduction) {
  const reproduce::AreaComparisons comparisons = reproduce::load_area_comparisons(id);
  const auto records = records_of(reproduce::area_records_file(id));
  const auto technologies = reproduce::all_technologies();
  reproduction.text += fmt::format("\n{}: ratios of area and energy\n", paper);
  add_cost_rows(paper, area_rows(comparisons, records, command_of(id)), reproduction);
  add_cost_rows(paper, energy_rows(comparisons, technologies), reproduction);
  reproduction.text += fmt::format(
      "\nOurs of area: the cells of our RTL, synthesised module by module, without wires, clock\n"
      "tree and memories, at whatever clock it reaches.\n{}\nSource: {}\nSynthesis: {}\n"
      "Energy: {}\n",
      kEnergyText, comparisons.source, provenance_text(records), provenance_text(technologies));
}

void synthesise_paper(std::string_view id, const SynthesisOptions& options) {
  const auto progress = [](std::size_t done, std::size_t all,
                           const reproduce::SynthesisRecord& record) {
    print_message(
        fmt::format("{} of {}: {}, {:.0f} um2", done, all, record.module, record.area_um2));
  };
  const bool is_lut = id == "lut-tensor-core";
  const std::filesystem::path file =
      is_lut ? reproduce::lut_tensor_core::records_file() : reproduce::area_records_file(id);
  reproduce::SynthesisRecords records = records_of(file);
  records.replace_library(
      is_lut ? reproduce::lut_tensor_core::synthesise_all(options, progress)
             : reproduce::make_records(reproduce::load_area_comparisons(id).modules(), options,
                                       progress));
  write_file_atomically(file, records.text());
}

}  // namespace bitsmith::app
