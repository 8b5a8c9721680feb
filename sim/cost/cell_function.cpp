#include "cost/cell_function.h"

#include <algorithm>
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
  Tables(const LibertyCell& cell, const CellFunction& function) {
    for (const std::uint32_t pin : function.inputs) names_.push_back(cell.pins[pin].name);
    if (!cell.state) return;
    names_.push_back(cell.state->state);
    names_.push_back(cell.state->inverse);
  }

  TruthTable of(const BooleanFunction& function) const {
    std::vector<std::uint64_t> words;
    for (std::uint32_t index = 0; index < std::uint32_t{1} << names_.size(); index += 64)
      words.push_back(function.evaluate_64(
          [&](const std::string& name) { return indices_with(bit_of(name), index); }));
    return TruthTable(std::move(words));
  }
  TruthTable of(const std::optional<BooleanFunction>& function) const {
    return of(function ? *function : BooleanFunction::parse("0"));
  }

 private:
  std::size_t bit_of(const std::string& name) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    check(found != names_.end(), "a function is of inputs and state");
    return static_cast<std::size_t>(found - names_.begin());
  }
  // Of the 64 from `first` on, those that have this bit.
  static std::uint64_t indices_with(std::size_t bit, std::uint32_t first) {
    constexpr std::size_t kBitsOfAWord = 6;
    if (bit >= kBitsOfAWord) return (first >> bit & 1U) != 0 ? ~std::uint64_t{0} : 0;
    std::uint64_t indices = 0;
    for (std::uint32_t i = 0; i < 64; ++i) indices |= std::uint64_t{i >> bit & 1U} << i;
    return indices;
  }

  std::vector<std::string> names_;  // by bit of an index
};

}  // namespace

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
