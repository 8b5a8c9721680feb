#include "cost/liberty_cell_reader.h"

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>
#include <tuple>

#include "common/text.h"

namespace bitsmith {
namespace {

constexpr std::size_t kShownLetters = 40;

std::string shown(std::string_view text) { return printable(text, kShownLetters); }

enum class Axis { slew, load, other };

Axis axis_of(std::string_view variable) {
  if (variable == "input_net_transition" || variable == "input_transition_time") return Axis::slew;
  return variable == "total_output_net_capacitance" ? Axis::load : Axis::other;
}

// What of a timing_type is a delay to an output. None for constraints and for switching off a
// three-state output.
std::optional<ArcSense> sense_of(std::string_view type, std::string_view sense) {
  if (type == "rising_edge") return ArcSense::from_rise;
  if (type == "falling_edge") return ArcSense::from_fall;
  const bool is_delay = type.empty() || type.starts_with("combinational") || type == "preset" ||
                        type == "clear" || type.starts_with("three_state_enable");
  if (!is_delay) return std::nullopt;
  if (sense == "positive_unate") return ArcSense::positive;
  if (sense == "negative_unate") return ArcSense::negative;
  return ArcSense::either;
}

// From [columns of the result][rows] to [rows][columns].
std::vector<double> transposed(const std::vector<double>& values, std::size_t columns) {
  const std::size_t rows = values.size() / columns;
  std::vector<double> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) result[i % rows * columns + i / rows] = values[i];
  return result;
}

bool is_slew_and_load(const std::vector<std::string_view>& variables) {
  int slews = 0;
  int loads = 0;
  for (const std::string_view variable : variables) {
    const Axis axis = axis_of(variable);
    if (axis == Axis::other) return false;
    (axis == Axis::slew ? slews : loads) += 1;
  }
  return slews <= 1 && loads <= 1;
}

// What synthesis wants to know of a cell.
void classify(LibertyCell& cell) {
  const LibertyPin* input = nullptr;
  const LibertyPin* output = nullptr;
  int inputs = 0;
  for (const LibertyPin& pin : cell.pins) {
    if (!pin.is_input) {
      if (output == nullptr && pin.function) output = &pin;
      continue;
    }
    ++inputs;
    input = &pin;
    cell.input_capacitance_ff = std::max(cell.input_capacitance_ff, pin.capacitance_ff);
  }
  if (inputs != 1 || cell.sequential || output == nullptr) return;
  cell.buffer = output->function->is_buffer_of(input->name);
  cell.inverter = output->function->is_inverter_of(input->name);
}

char state_under_both(std::string_view value) {
  if (value == "L" || value == "0") return '0';
  if (value == "H" || value == "1") return '1';
  return value == "N" ? 'n' : 'x';
}

}  // namespace

LibertyCellReader::LibertyCellReader(const LibertyText& text, const LibertyUnits& units,
                                     Diagnostics& diagnostics)
    : text_(text), units_(units), diagnostics_(diagnostics) {
  const LibertyGroup& library = text.library();
  default_leakage_ = number(library, "default_cell_leakage_power", 0);
  default_input_capacitance_ = number(library, "default_input_pin_cap", 0);
  for (const LibertyGroup& group : library.groups) {
    if (group.type == "lu_table_template" || group.type == "power_lut_template")
      add_template(group);
  }
}

void LibertyCellReader::report(std::string_view where, std::string_view what) {
  diagnostics_.add(text_.locate(where), what);
  if (diagnostics_.size() >= Diagnostics::kShown) diagnostics_.throw_if_any();
}

double LibertyCellReader::number(const LibertyGroup& group, std::string_view attribute,
                                 double fallback) {
  const std::string_view text = group.text(attribute);
  if (text.empty()) return fallback;
  const std::optional<double> value = liberty_number(text);
  if (!value) report(text, fmt::format("{}: '{}' is no number", attribute, shown(text)));
  return value.value_or(fallback);
}

std::vector<double> LibertyCellReader::numbers(std::string_view list) {
  std::vector<double> values;
  for (std::string_view word = liberty_word(list); !word.empty(); word = liberty_word(list)) {
    const std::optional<double> value = liberty_number(word);
    if (!value) report(word, fmt::format("'{}' is no number", shown(word)));
    values.push_back(value.value_or(0));
    list.remove_prefix(static_cast<std::size_t>(word.data() + word.size() - list.data()));
  }
  return values;
}

std::optional<BooleanFunction> LibertyCellReader::function(const LibertyGroup& group,
                                                           std::string_view attribute) {
  const std::string_view text = group.text(attribute);
  if (text.empty()) return std::nullopt;
  try {
    return BooleanFunction::parse(text);
  } catch (const std::invalid_argument& error) {
    report(text, error.what());
    return std::nullopt;
  }
}

void LibertyCellReader::add_template(const LibertyGroup& group) {
  Axes axes;
  for (const std::string_view name : {"variable_1", "variable_2", "variable_3"}) {
    if (!group.text(name).empty()) axes.variables.push_back(group.text(name));
  }
  for (const std::string_view name : {"index_1", "index_2", "index_3"}) {
    if (axes.indices.size() < axes.variables.size())
      axes.indices.push_back(numbers(group.text(name)));
  }
  templates_[liberty_word(group.arguments)] = std::move(axes);
}

// The template's axes, in ps and fF, with the table's own indices instead; false (and reported)
// where that makes no axis.
bool LibertyCellReader::axes_of(const LibertyGroup& group, Axes& axes) {
  const std::string_view name = liberty_word(group.arguments);
  if (name.empty() || name == "scalar") return true;
  const auto found = templates_.find(name);
  if (found == templates_.end()) {
    report(name, fmt::format("no table template '{}'", shown(name)));
    return false;
  }
  axes = found->second;
  constexpr std::array<std::string_view, 3> kNames = {"index_1", "index_2", "index_3"};
  for (std::size_t i = 0; i < axes.indices.size(); ++i) {
    const std::string_view own = group.text(kNames[i]);
    if (!own.empty()) axes.indices[i] = numbers(own);
    auto& index = axes.indices[i];
    // Scaled first: what rises in the file's unit may not rise in ours, where both round to one.
    const bool is_slew = axis_of(axes.variables[i]) == Axis::slew;
    for (double& value : index) value *= is_slew ? units_.time_ps : units_.capacitance_ff;
    const bool rises =
        std::adjacent_find(index.begin(), index.end(), std::greater_equal<>()) == index.end();
    if (!index.empty() && rises) continue;
    report(own.empty() ? group.type : own, fmt::format("{} does not rise", kNames[i]));
    return false;
  }
  return true;
}

LookupTable LibertyCellReader::table(const LibertyGroup& group, double unit) {
  Axes axes;
  if (!axes_of(group, axes)) return {};
  LookupTable table;
  std::size_t size = 1;
  for (std::size_t i = 0; i < axes.indices.size(); ++i) {
    const bool is_slew = axis_of(axes.variables[i]) == Axis::slew;
    std::vector<double>& axis = is_slew ? table.slew_ps : table.load_ff;
    axis = std::move(axes.indices[i]);
    size *= axis.size();
  }
  const std::string_view text = group.text("values");
  table.values = numbers(text);
  if (table.values.size() != size) {
    report(text.empty() ? group.type : text,
           fmt::format("{} values in a table of {}", table.values.size(), size));
    return {};
  }
  for (double& value : table.values) value *= unit;
  const bool load_first = axes.variables.size() == 2 && axis_of(axes.variables[0]) == Axis::load;
  if (load_first) table.values = transposed(table.values, table.load_ff.size());
  return table;
}

// The table of that type within a group; an empty one where there is none, or where it depends on
// more than slew and load, which makes the cell one that we cannot simulate.
LookupTable LibertyCellReader::child_table(const LibertyGroup& group, std::string_view type,
                                           double unit, LibertyCell& cell) {
  const LibertyGroup* child = group.find(type);
  if (child == nullptr) return {};
  const auto found = templates_.find(liberty_word(child->arguments));
  if (found != templates_.end() && !is_slew_and_load(found->second.variables)) {
    cell.obstacle = fmt::format("{} depends on more than slew and load", type);
    return {};
  }
  return table(*child, unit);
}

std::vector<std::uint32_t> LibertyCellReader::related_pins(const LibertyGroup& group,
                                                           const LibertyCell& cell) {
  std::vector<std::uint32_t> related;
  for (const std::string_view name : liberty_words(group.text("related_pin"))) {
    const LibertyPin* pin = cell.find_pin(name);
    if (pin == nullptr) {
      report(name, fmt::format("cell '{}' has no pin '{}'", shown(cell.name), shown(name)));
    } else {
      related.push_back(static_cast<std::uint32_t>(pin - cell.pins.data()));
    }
  }
  return related;
}

void LibertyCellReader::read_arcs(const LibertyGroup& group, LibertyCell& cell, LibertyPin& pin) {
  for (const LibertyGroup& timing : group.groups) {
    if (timing.type != "timing") continue;
    const auto sense = sense_of(timing.text("timing_type"), timing.text("timing_sense"));
    if (!sense) continue;
    TimingArc arc;
    arc.sense = *sense;
    arc.rise_ps = child_table(timing, "cell_rise", units_.time_ps, cell);
    arc.fall_ps = child_table(timing, "cell_fall", units_.time_ps, cell);
    arc.rise_slew_ps = child_table(timing, "rise_transition", units_.time_ps, cell);
    arc.fall_slew_ps = child_table(timing, "fall_transition", units_.time_ps, cell);
    if (!arc.rise_ps && !arc.fall_ps) continue;
    for (const std::uint32_t related : related_pins(timing, cell)) {
      if (!cell.pins[related].is_input) continue;  // there are arcs from that output's inputs, too
      pin.arcs.push_back(arc);
      pin.arcs.back().related = related;
    }
  }
}

// Where a file gives an energy for every supply pin, those of the ground pins repeat it.
void LibertyCellReader::read_energies(const LibertyGroup& group, LibertyCell& cell,
                                      LibertyPin& pin) {
  // Groups of the same related pin and supply pin differ in their conditions.
  using Key = std::pair<std::optional<std::uint32_t>, std::string_view>;
  std::vector<Key> keys;
  for (const LibertyGroup& power : group.groups) {
    if (power.type != "internal_power") continue;
    const std::string_view supply = liberty_word(power.text("related_pg_pin"));
    if (ground_pins_.contains(supply)) continue;
    InternalEnergy energy;
    const bool same = power.find("power") != nullptr;
    energy.rise_fj = child_table(power, same ? "power" : "rise_power", units_.energy_fj(), cell);
    energy.fall_fj = child_table(power, same ? "power" : "fall_power", units_.energy_fj(), cell);
    const std::vector<std::uint32_t> related = related_pins(power, cell);
    if (related.empty() || pin.is_input) {
      pin.energies.push_back(energy);
      keys.emplace_back(std::nullopt, supply);
      continue;
    }
    for (const std::uint32_t cause : related) {
      energy.related = cause;
      pin.energies.push_back(energy);
      keys.emplace_back(cause, supply);
    }
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    int rises = 0;
    int falls = 0;
    for (std::size_t j = 0; j < keys.size(); ++j) {
      rises += keys[j] == keys[i] && pin.energies[j].rise_fj ? 1 : 0;
      falls += keys[j] == keys[i] && pin.energies[j].fall_fj ? 1 : 0;
    }
    pin.energies[i].rise_weight = 1.0 / std::max(rises, 1);
    pin.energies[i].fall_weight = 1.0 / std::max(falls, 1);
  }
}

void LibertyCellReader::read_pin(const LibertyGroup& group, LibertyCell& cell) {
  for (const std::string_view name : liberty_words(group.arguments)) {
    const std::string_view direction = group.text("direction");
    LibertyPin pin;
    pin.name = name;
    pin.is_input = direction == "input";
    pin.capacitance_ff =
        number(group, "capacitance", pin.is_input ? default_input_capacitance_ : 0) *
        units_.capacitance_ff;
    pin.max_capacitance_ff = number(group, "max_capacitance", 0) * units_.capacitance_ff;
    pin.function = function(group, "function");
    pin.three_state = function(group, "three_state");
    if (direction == "inout") cell.obstacle = fmt::format("pin '{}' is an inout", shown(name));
    cell.pins.push_back(std::move(pin));
  }
}

void LibertyCellReader::read_state(const LibertyGroup& group, bool is_latch, LibertyCell& cell) {
  const std::vector<std::string_view> names = liberty_words(group.arguments);
  const auto clock = function(group, is_latch ? "enable" : "clocked_on");
  const auto data = function(group, is_latch ? "data_in" : "next_state");
  if (names.size() != 2 || !clock || !data) {
    cell.obstacle = "its state has no clock or no data";
    return;
  }
  if (cell.state) cell.obstacle = "it has more than one bit of state";
  cell.state = LibertyState{.state = std::string(names[0]),
                            .inverse = std::string(names[1]),
                            .is_latch = is_latch,
                            .clock = *clock,
                            .data = *data,
                            .clear = function(group, "clear"),
                            .preset = function(group, "preset"),
                            .both_state = state_under_both(group.text("clear_preset_var1")),
                            .both_inverse = state_under_both(group.text("clear_preset_var2"))};
  for (LibertyPin& pin : cell.pins) {
    const auto& clocks = clock->variables();
    pin.is_clock = std::find(clocks.begin(), clocks.end(), pin.name) != clocks.end();
  }
}

// The cell's own figure, else the sum over supplies of the mean over each one's conditions, else
// the library's default.
void LibertyCellReader::read_leakage(const LibertyGroup& group, LibertyCell& cell) {
  struct Mean {
    double sum = 0;
    int count = 0;
  };
  std::map<std::string, Mean, std::less<>> supplies;
  for (const LibertyGroup& leakage : group.groups) {
    if (leakage.type != "leakage_power") continue;
    const std::string supply(liberty_word(leakage.text("related_pg_pin")));
    if (ground_pins_.contains(supply)) continue;
    Mean& mean = supplies[supply];
    mean.sum += number(leakage, "value", 0);
    ++mean.count;
  }
  double fallback = supplies.empty() ? default_leakage_ : 0;
  for (const auto& [supply, mean] : supplies) fallback += mean.sum / mean.count;
  cell.leakage_uw = number(group, "cell_leakage_power", fallback) * units_.leakage_uw;
}

LibertyCell LibertyCellReader::read(const LibertyGroup& group) {
  LibertyCell cell;
  cell.name = liberty_word(group.arguments);
  cell.area_um2 = number(group, "area", 0);
  cell.dont_use = group.text("dont_use") == "true";
  ground_pins_.clear();
  for (const LibertyGroup& part : group.groups) {
    if (part.type == "pg_pin" && part.text("pg_type").ends_with("ground"))
      ground_pins_.insert(liberty_word(part.arguments));
  }
  read_leakage(group, cell);
  for (const LibertyGroup& part : group.groups) {
    if (part.type == "pin") read_pin(part, cell);
    if (part.type == "bus" || part.type == "bundle" || part.type == "statetable" ||
        part.type == "ff_bank" || part.type == "latch_bank")
      cell.obstacle = fmt::format("it has a {}", part.type);
  }
  cell.sequential = group.find("ff") != nullptr || group.find("latch") != nullptr ||
                    group.find("statetable") != nullptr || group.find("ff_bank") != nullptr ||
                    group.find("latch_bank") != nullptr;
  for (const LibertyGroup& part : group.groups) {
    if (part.type == "ff" || part.type == "latch") read_state(part, part.type == "latch", cell);
    if (part.type != "pin") continue;
    for (const std::string_view name : liberty_words(part.arguments)) {
      LibertyPin& pin = *std::find_if(cell.pins.begin(), cell.pins.end(),
                                      [&](const LibertyPin& p) { return p.name == name; });
      if (!pin.is_input) read_arcs(part, cell, pin);
      read_energies(part, cell, pin);
    }
  }
  classify(cell);
  return cell;
}

}  // namespace bitsmith
