#include "cost/register_library.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace bitsmith {
namespace {

bool is_inverted_pin(std::string_view next_state) {
  return next_state.size() > 1 && next_state[0] == '!' &&
         std::all_of(next_state.begin() + 1, next_state.end(), [](char letter) {
           return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
         });
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
  std::string_view next = ff.text("next_state");
  std::string_view clear = ff.text("clear");
  std::string_view preset = ff.text("preset");
  if (is_inverted_pin(next)) {
    next.remove_prefix(1);
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
