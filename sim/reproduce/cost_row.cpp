#include "reproduce/cost_row.h"

#include <fmt/format.h>

#include "reproduce/synthesis_records.h"

namespace bitsmith::reproduce {

void settle(CostRow& row, std::string_view library, std::string_view command) {
  if (!row.ours && !row.missing) return;
  row.technology = library;
  const std::string make = library == kDefaultLibrary
                               ? std::string(command)
                               : fmt::format("{} --liberty FILE, with that library", command);
  if (row.stale) {
    row.ours = row.with_columns = std::nullopt;
    row.measured.clear();
    row.note += fmt::format("; stale: the RTL has changed since, run {}", make);
  } else if (row.missing) {
    row.note += fmt::format("; not synthesised yet: run {}", make);
  }
}

}  // namespace bitsmith::reproduce
