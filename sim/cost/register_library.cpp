#include "cost/register_library.h"

#include <fmt/format.h>

#include <stdexcept>
#include <string_view>
#include <utility>

#include "cost/boolean_function.h"

namespace bitsmith {
namespace {

// The pin that "!D", "(!D)", "! D", "D'" and the like name; empty of any other function.
std::string inverted_pin(std::string_view next_state) {
  try {
    const BooleanFunction function = BooleanFunction::parse(next_state);
    const bool is_inverter = function.variables().size() == 1 &&
                             function.evaluate([](const std::string&) { return false; }) &&
                             !function.evaluate([](const std::string&) { return true; });
    return is_inverter ? function.variables()[0] : "";
  } catch (const std::invalid_argument&) {
    return "";  // left to Yosys to judge
  }
}

// Where there is such an attribute.
std::string attribute(const char* name, std::string_view value) {
  return value.empty() ? "" : fmt::format("{} : \"{}\" ; ", name, value);
}

std::string flip_flop(const LibertyGroup& ff) {
  const auto states = liberty_words(ff.arguments);
  if (states.size() != 2) return "";
  std::string_view state = states[0];
  std::string_view inverse = states[1];
  std::string next(ff.text("next_state"));
  std::string_view clear = ff.text("clear");
  std::string_view preset = ff.text("preset");
  if (const std::string pin = inverted_pin(next); !pin.empty()) {
    next = pin;
    std::swap(state, inverse);
    std::swap(clear, preset);
  }
  return fmt::format("    ff (\"{}\", \"{}\") {{ {}{}{}{}}}\n", state, inverse,
                     attribute("clocked_on", ff.text("clocked_on")), attribute("next_state", next),
                     attribute("clear", clear), attribute("preset", preset));
}

std::string cell_text(const LibertyGroup& cell, const std::string& flip_flop) {
  std::string text = fmt::format("  cell ({}) {{\n    {}{}\n{}", liberty_word(cell.arguments),
                                 attribute("area", cell.text("area")),
                                 attribute("dont_use", cell.text("dont_use")), flip_flop);
  for (const LibertyGroup& pin : cell.groups) {
    if (pin.type != "pin") continue;
    for (const std::string_view name : liberty_words(pin.arguments)) {
      text += fmt::format("    pin ({}) {{ {}{}}}\n", name,
                          attribute("direction", pin.text("direction")),
                          attribute("function", pin.text("function")));
    }
  }
  return text + "  }\n";
}

}  // namespace

std::string register_library(const LibertyText& library) {
  std::string text = "library (registers) {\n";
  for (const LibertyGroup& cell : library.library().groups) {
    if (cell.type != "cell") continue;
    const LibertyGroup* ff = cell.find("ff");
    if (ff == nullptr) continue;
    if (const std::string restated = flip_flop(*ff); !restated.empty()) {
      text += cell_text(cell, restated);
    }
  }
  return text + "}\n";
}

}  // namespace bitsmith
