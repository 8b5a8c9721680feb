// Any bytes as a Liberty file. Promises:
// - nothing but a UserError escapes;
// - every message of it is one line of clean text that starts with the name of the file;
// - tables that were read have as many values as their axes say, axes rise, and looking up any
//   point of them touches nothing outside;
// - a cell either has a function or a UserError that says why not.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "cost/cell_function.h"
#include "cost/liberty.h"
#include "fuzz/promises.h"

namespace bitsmith {
namespace {

const std::string kFile = "input.lib";

void check_table(const LookupTable& table) {
  if (!table) return;
  const auto rises = [](const std::vector<double>& axis) {
    return std::adjacent_find(axis.begin(), axis.end(), std::greater_equal<>()) == axis.end();
  };
  require(rises(table.slew_ps) && rises(table.load_ff), "axes rise");
  const std::size_t size = std::max<std::size_t>(table.slew_ps.size(), 1) *
                           std::max<std::size_t>(table.load_ff.size(), 1);
  require(table.values.size() == size, "a table is full");
  for (const double at : {-1e9, 0.0, 7.5, 1e9}) table.at(at, -at);
}

void check_cell(const LibertyCell& cell) {
  for (const LibertyPin& pin : cell.pins) {
    for (const TimingArc& arc : pin.arcs) {
      require(arc.related < cell.pins.size(), "an arc starts at a pin", cell.name);
      for (const LookupTable* table :
           {&arc.rise_ps, &arc.fall_ps, &arc.rise_slew_ps, &arc.fall_slew_ps})
        check_table(*table);
    }
    for (const InternalEnergy& energy : pin.energies) {
      require(!energy.related || *energy.related < cell.pins.size(), "an energy has a pin");
      check_table(energy.rise_fj);
      check_table(energy.fall_fj);
    }
  }
  try {
    cell_function(cell);
  } catch (const UserError&) {
  }
}

void check_input(std::string_view text) {
  try {
    for (const auto& [name, cell] : parse_liberty(text, kFile).cells) check_cell(cell);
  } catch (const UserError& error) {
    require_reasons(error.messages(), kFile);
  }
}

}  // namespace
}  // namespace bitsmith

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bitsmith::check_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
