#include "app/reproduce_lut_tensor_core.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/options.h"
#include "common/file.h"
#include "common/table.h"
#include "reproduce/lut_tensor_core.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;
namespace lut_tensor_core = reproduce::lut_tensor_core;

constexpr std::string_view kPaper = "LUT Tensor Core";

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.4g}", *value) : "-";
}

Json row_json(const lut_tensor_core::Row& row) {
  Json json = {{"paper", kPaper},
               {"table", row.table},
               {"row", row.row},
               {"claim", number_or_null(row.claim)},
               {"ours", number_or_null(row.ours)},
               {"unit", row.unit}};
  json["relative_difference"] =
      row.claim && row.ours ? Json((*row.ours - *row.claim) / *row.claim) : Json(nullptr);
  json["note"] = row.note;
  json["with_columns"] = number_or_null(row.with_columns);
  json["stale"] = row.stale;
  return json;
}

// The rows of one table, and each of their notes once, numbered.
std::string table_text(const std::vector<lut_tensor_core::Row>& rows) {
  std::vector<std::string> notes;
  TextTable table({rows.front().table, "unit", "paper", "ours", "with columns", "note"});
  for (const lut_tensor_core::Row& row : rows) {
    auto note = std::find(notes.begin(), notes.end(), row.note);
    if (note == notes.end()) note = notes.insert(note, row.note);
    table.add_row({row.row, row.unit, number(row.claim), number(row.ours), number(row.with_columns),
                   fmt::format("{}", note - notes.begin() + 1)});
  }
  std::string text = table.text();
  for (std::size_t i = 0; i < notes.size(); ++i) {
    text += fmt::format("  {}: {}\n", i + 1, notes[i]);
  }
  return text;
}

std::string provenance_text(const reproduce::SynthesisRecords& records) {
  std::vector<std::string> lines;
  for (const reproduce::SynthesisRecord& record : records.all()) {
    std::string line = fmt::format("{}, {}, OpenSTA {}, {}", record.library, record.yosys,
                                   record.opensta, record.date);
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  }
  return fmt::format("{} records; {}", records.all().size(), fmt::join(lines, "; "));
}

}  // namespace

void add_lut_tensor_core(Reproduction& reproduction) {
  const lut_tensor_core::Claims claims = lut_tensor_core::load_claims();
  const auto records = reproduce::SynthesisRecords::read(lut_tensor_core::records_file());
  const std::vector<lut_tensor_core::Row> rows = lut_tensor_core::rows(claims, records);
  reproduction.text += fmt::format("{}: ratios of area\n", kPaper);
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end = std::find_if(begin, rows.end(), [&](const lut_tensor_core::Row& row) {
      return row.table != begin->table;
    });
    reproduction.text += "\n" + table_text({begin, end});
    begin = end;
  }
  for (const lut_tensor_core::Row& row : rows) reproduction.rows.push_back(row_json(row));
  reproduction.text += fmt::format(
      "\nOurs: tables and lanes, with the sum lanes of rows; with columns: and weight registers,\n"
      "zero points, scales, open sums. Never the edge, with its channel buffers and controller.\n"
      "Source: {}\nSynthesis: {}\n",
      claims.source, provenance_text(records));
}

void synthesise_lut_tensor_core() {
  const reproduce::SynthesisRecords records = lut_tensor_core::synthesise_all(
      {default_liberty()},
      [](std::size_t done, std::size_t all, const reproduce::SynthesisRecord& record) {
        print_message(
            fmt::format("{} of {}: {}, {:.0f} um2", done, all, record.module, record.area_um2));
      });
  write_file_atomically(lut_tensor_core::records_file(), records.text());
}

}  // namespace bitsmith::app
