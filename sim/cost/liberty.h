// A cell library as its Liberty file describes it: what a cell computes, what it costs, and how its
// delay and energy depend on slew and load (NLDM tables).
//
// Units here: ps, fF, fJ, uW, V, um2 (Liberty gives no unit of area; all libraries we know use
// um2). Internal energies are in the file's unit of capacitance times V^2, as all libraries we know
// have it. Not read: wire loads, derating, constraints (setup, hold), current-source models, buses,
// bundles and state tables (cells that have them cannot be simulated).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cost/boolean_function.h"
#include "cost/lookup_table.h"

namespace bitsmith {

// How an input edge becomes an output edge.
enum class ArcSense : std::uint8_t { positive, negative, either, from_rise, from_fall };

// From the related input to the output that holds it. A table is missing where the arc does not
// make that edge. There may be several arcs from one pin, each under a condition of the others.
struct TimingArc {
  std::uint32_t related = 0;  // index of a pin of the cell
  ArcSense sense = ArcSense::either;
  LookupTable rise_ps, fall_ps;
  LookupTable rise_slew_ps, fall_slew_ps;
};

// Energy inside the cell when the pin that holds it rises or falls, without that of the load.
struct InternalEnergy {
  std::optional<std::uint32_t> related;  // index of the input that caused it; none at inputs
  LookupTable rise_fj, fall_fj;
  // The conditions under which a file gives energies are taken as equally frequent: the energy of
  // an edge is the sum of weight x table over the groups of one related pin.
  double rise_weight = 1, fall_weight = 1;
};

struct LibertyPin {
  std::string name;
  bool is_input = false;
  bool is_clock = false;  // of the cell's flip-flop or latch
  double capacitance_ff = 0;
  double max_capacitance_ff = 0;               // 0: none given
  std::optional<BooleanFunction> function;     // of inputs and state
  std::optional<BooleanFunction> three_state;  // high impedance where true
  std::vector<TimingArc> arcs;                 // of an output
  std::vector<InternalEnergy> energies;
};

// A flip-flop (edge) or latch (level) with state `state` and its complement `inverse`.
struct LibertyState {
  std::string state, inverse;
  bool is_latch = false;
  BooleanFunction clock;  // rising edge, or level that lets `data` through
  BooleanFunction data;
  std::optional<BooleanFunction> clear, preset;
  char both_state = 'x', both_inverse = 'x';  // under clear and preset: 0, 1, x, n (no change)
};

struct LibertyCell {
  std::string name;
  double area_um2 = 0;
  double leakage_uw = 0;    // mean over states; 0 when the library has none
  bool sequential = false;  // flip-flop, latch or state table
  bool buffer = false;      // one input, and the output is that input
  bool inverter = false;
  bool dont_use = false;            // by synthesis, says the library
  double input_capacitance_ff = 0;  // of the largest input
  std::vector<LibertyPin> pins;     // signals only
  std::optional<LibertyState> state;
  std::string obstacle;  // why it cannot be simulated; "" when it can

  const LibertyPin* find_pin(std::string_view name) const;
};

struct LibertyLibrary {
  std::string name;
  double voltage = 0;
  bool has_leakage = false;
  std::map<std::string, LibertyCell> cells;

  // The smallest inverter that may be used: what drives inputs and what four of load an output in
  // our constraints.
  const std::string& smallest_inverter() const;
};

// Throws UserError (file:line:column, all mistakes at once) when the file is no Liberty file, has
// no cells, or a table or function in it is malformed.
LibertyLibrary read_liberty(const std::filesystem::path& path);
LibertyLibrary parse_liberty(std::string_view text, const std::string& name);

}  // namespace bitsmith
