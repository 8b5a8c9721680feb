#include "support/icarus/cell_verilog.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "common/error.h"

namespace bitsmith {
namespace {

bool is_identifier(const std::string& name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
         });
}

void require_model(const LibertyCell& cell) {
  std::string obstacle = cell.obstacle;
  std::set<std::string> known;
  for (const LibertyPin& pin : cell.pins) {
    if (!is_identifier(pin.name)) obstacle = fmt::format("pin '{}' is no identifier", pin.name);
    if (!pin.is_input && !pin.function)
      obstacle = fmt::format("output '{}' has no function", pin.name);
    if (pin.is_input) known.insert(pin.name);
  }
  if (cell.sequential && !cell.state && obstacle.empty()) obstacle = "its state is not described";
  if (cell.state) known.insert({cell.state->state, cell.state->inverse});
  for (const LibertyPin& pin : cell.pins) {
    if (!pin.function) continue;
    for (const std::string& variable : pin.function->variables()) {
      if (!known.contains(variable))
        obstacle =
            fmt::format("output '{}' depends on '{}', which is no input", pin.name, variable);
    }
  }
  if (!is_identifier(cell.name)) obstacle = "its name is no identifier";
  if (obstacle.empty()) return;
  throw UserError(fmt::format("cell '{}' cannot be simulated: {}", cell.name, obstacle));
}

std::string verilog_or_zero(const std::optional<BooleanFunction>& function) {
  return function ? function->verilog() : "1'b0";
}

// What the state becomes while clear and preset are both on.
std::string under_both(const std::string& state, char value) {
  return value == 'n' ? state : fmt::format("1'b{}", value);
}

// Two processes write the state of a flip-flop: the clock's edge, and the levels of clear and
// preset. Both see the same levels, so they never write at odds. A clock that is on from the start
// has no edge there: the data are not known yet. The first state is that of a register that holds
// 0: where the cell stores the inverse of its data, 1.
std::string state_model(const LibertyState& state) {
  const bool first = state.data.evaluate([](const std::string&) { return false; });
  std::string text = fmt::format(
      "  reg {0} = {6:d}, {1} = {7:d};\n  wire clock_ = {2}, data_ = {3}, clear_ = {4}, preset_ = "
      "{5};\n",
      state.state, state.inverse, state.clock.verilog(), state.data.verilog(),
      verilog_or_zero(state.clear), verilog_or_zero(state.preset), first, !first);
  const std::string forced = fmt::format(
      "if (clear_ && preset_) begin {0} <= {2}; {1} <= {3}; end\n"
      "    else if (clear_) begin {0} <= 0; {1} <= 1; end\n"
      "    else if (preset_) begin {0} <= 1; {1} <= 0; end\n",
      state.state, state.inverse, under_both(state.state, state.both_state),
      under_both(state.inverse, state.both_inverse));
  const std::string load =
      fmt::format("begin {} <= data_; {} <= ~data_; end", state.state, state.inverse);
  if (state.is_latch) {
    return text + fmt::format(
                      "  always @(clock_ or data_ or clear_ or preset_)\n    {}"
                      "    else if (clock_) {}\n",
                      forced, load);
  }
  return text + fmt::format(
                    "  always @(clear_ or preset_)\n    {}"
                    "  always @(posedge clock_)\n    if ($time > 0 && !clear_ && !preset_) {}\n",
                    forced, load);
}

}  // namespace

std::string cell_verilog(const LibertyCell& cell, const std::string& name) {
  require_model(cell);
  std::vector<std::string> names;
  std::string body;
  std::string paths;
  for (const LibertyPin& pin : cell.pins) {
    names.push_back(pin.name);
    body += fmt::format("  {} {};\n", pin.is_input ? "input" : "output", pin.name);
  }
  if (cell.state) body += state_model(*cell.state);
  for (const LibertyPin& pin : cell.pins) {
    if (pin.is_input) continue;
    const std::string function = pin.function->verilog();
    body += pin.three_state ? fmt::format("  assign {} = {} ? 1'bz : {};\n", pin.name,
                                          pin.three_state->verilog(), function)
                            : fmt::format("  assign {} = {};\n", pin.name, function);
    std::set<std::uint32_t> related;
    for (const TimingArc& arc : pin.arcs) related.insert(arc.related);
    for (const std::uint32_t input : related)
      paths += fmt::format("    ({} => {}) = 0;\n", cell.pins[input].name, pin.name);
  }
  if (!paths.empty()) body += fmt::format("  specify\n{}  endspecify\n", paths);
  return fmt::format("module {} ({});\n{}endmodule\n", name, fmt::join(names, ", "), body);
}

}  // namespace bitsmith
