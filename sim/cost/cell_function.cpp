#include "cost/cell_function.h"

#include <string>

#include "common/error.h"

namespace bitsmith {
namespace {

// Why a function cannot be told from inputs and state; "" when it can.
std::string obstacle_of(const LibertyCell& cell, const BooleanFunction& function,
                        const std::string& of) {
  for (const std::string& variable : function.variables()) {
    const LibertyPin* pin = cell.find_pin(variable);
    const bool is_state =
        cell.state && (variable == cell.state->state || variable == cell.state->inverse);
    if (is_state || (pin != nullptr && pin->is_input)) continue;
    return fmt::format("{} depends on '{}', which is no input", of, variable);
  }
  return "";
}

std::string obstacle_of(const LibertyCell& cell, std::size_t inputs) {
  if (!cell.obstacle.empty()) return cell.obstacle;
  if (cell.sequential && !cell.state) return "its state is not described";
  if (inputs + 2 > CellFunction::kIndexBits) return fmt::format("it has {} inputs", inputs);
  for (const LibertyPin& pin : cell.pins) {
    if (pin.is_input) continue;
    if (!pin.function) return fmt::format("output '{}' has no function", pin.name);
    if (pin.three_state) return fmt::format("output '{}' can be at high impedance", pin.name);
    const std::string obstacle =
        obstacle_of(cell, *pin.function, fmt::format("output '{}'", pin.name));
    if (!obstacle.empty()) return obstacle;
  }
  if (!cell.state) return "";
  const LibertyState& state = *cell.state;
  for (const auto& function :
       {std::optional(state.clock), std::optional(state.data), state.clear, state.preset}) {
    const std::string obstacle = function ? obstacle_of(cell, *function, "its state") : "";
    if (!obstacle.empty()) return obstacle;
  }
  return "";
}

class Tables {
 public:
  Tables(const LibertyCell& cell, const CellFunction& function) : cell_(cell) {
    for (const std::uint32_t pin : function.inputs) names_.push_back(cell.pins[pin].name);
    if (!cell.state) return;
    names_.push_back(cell.state->state);
    names_.push_back(cell.state->inverse);
  }

  TruthTable of(const BooleanFunction& function) const {
    TruthTable table;
    for (std::uint32_t index = 0; index < std::uint32_t{1} << names_.size(); ++index) {
      table.append(function.evaluate([&](const std::string& name) {
        for (std::size_t bit = 0; bit < names_.size(); ++bit) {
          if (names_[bit] == name) return (index >> bit & 1U) != 0;
        }
        throw InternalError(fmt::format("cell '{}' has no '{}'", cell_.name, name));
      }));
    }
    return table;
  }
  TruthTable of(const std::optional<BooleanFunction>& function) const {
    return of(function ? *function : BooleanFunction::parse("0"));
  }

 private:
  const LibertyCell& cell_;
  std::vector<std::string> names_;  // by bit of an index
};

}  // namespace

void TruthTable::append(bool value) {
  if (size_ % 64 == 0) words_.push_back(0);
  words_.back() |= std::uint64_t{value} << size_ % 64;
  ++size_;
}

CellFunction cell_function(const LibertyCell& cell) {
  CellFunction function;
  for (std::uint32_t pin = 0; pin < cell.pins.size(); ++pin) {
    if (cell.pins[pin].is_input) function.inputs.push_back(pin);
  }
  const std::string obstacle = obstacle_of(cell, function.inputs.size());
  if (!obstacle.empty())
    throw UserError(fmt::format("cell '{}' cannot be simulated: {}", cell.name, obstacle));
  const Tables tables(cell, function);
  for (std::uint32_t pin = 0; pin < cell.pins.size(); ++pin) {
    if (!cell.pins[pin].is_input)
      function.outputs.push_back({pin, tables.of(*cell.pins[pin].function)});
  }
  if (cell.state) {
    const LibertyState& state = *cell.state;
    function.state = {
        state.is_latch,         state.data.evaluate([](const auto&) { return false; }),
        tables.of(state.clock), tables.of(state.data),
        tables.of(state.clear), tables.of(state.preset),
        state.both_state,       state.both_inverse};
  }
  return function;
}

}  // namespace bitsmith
