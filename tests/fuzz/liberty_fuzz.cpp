// Any bytes as a Liberty file. Promises:
// - nothing but a UserError escapes;
// - every message of it is one line of clean text that starts with the name of the file;
// - tables that were read have as many values as their axes say, axes rise, and looking up any
//   point of them touches nothing outside;
// - a cell either has a Verilog model or a UserError that says why not.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/text.h"
#include "cost/cell_model.h"
#include "cost/liberty.h"

namespace bitsmith {
namespace {

constexpr std::string_view kFile = "input.lib";

void require(bool condition, std::string_view promise, std::string_view detail = {}) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s: %s\n", std::string(promise).c_str(),
               std::string(detail).c_str());
  std::abort();
}

void check_messages(const std::vector<std::string>& messages) {
  require(!messages.empty(), "an error says why");
  for (const std::string& message : messages) {
    require(message.starts_with(std::string(kFile) + ":"), "a message starts with the file",
            message);
    std::string_view rest = message;
    for (std::size_t length = 0; !rest.empty(); rest.remove_prefix(length)) {
      length = utf8_length(rest);
      require(length > 0 && !starts_with_control(rest), "a message is one line of text", message);
    }
  }
}

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
    cell_model(cell, "m");
  } catch (const UserError&) {
  }
}

void check_input(std::string_view text) {
  try {
    for (const auto& [name, cell] : parse_liberty(text, std::string(kFile)).cells) check_cell(cell);
  } catch (const UserError& error) {
    check_messages(error.messages());
  }
}

}  // namespace
}  // namespace bitsmith

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bitsmith::check_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
