// From the groups of a Liberty file to one cell with its tables, in our units.
#pragma once

#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "cost/liberty.h"
#include "cost/liberty_text.h"

namespace bitsmith {

// The file's units in ours.
struct LibertyUnits {
  double time_ps = 1000;
  double capacitance_ff = 1000;
  double leakage_uw = 1e-3;
  double voltage = 1;

  double energy_fj() const { return capacitance_ff * voltage * voltage; }
};

class LibertyCellReader {
 public:
  // Mistakes go to `diagnostics`; all three must outlive the reader.
  LibertyCellReader(const LibertyText& text, const LibertyUnits& units, Diagnostics& diagnostics);

  LibertyCell read(const LibertyGroup& group);

 private:
  // The axes of a table template, and which of them is the slew and which the load.
  struct Axes {
    std::vector<std::string_view> variables;
    std::vector<std::vector<double>> indices;
  };

  void add_template(const LibertyGroup& group);
  void report(std::string_view where, std::string_view what);
  std::vector<double> numbers(std::string_view list);
  double number(const LibertyGroup& group, std::string_view attribute, double fallback);
  std::optional<BooleanFunction> function(const LibertyGroup& group, std::string_view attribute);

  LookupTable table(const LibertyGroup& group, double unit);
  LookupTable child_table(const LibertyGroup& group, std::string_view type, double unit,
                          LibertyCell& cell);
  bool axes_of(const LibertyGroup& group, Axes& axes);

  void read_pin(const LibertyGroup& group, LibertyCell& cell);
  void read_state(const LibertyGroup& group, bool is_latch, LibertyCell& cell);
  void read_arcs(const LibertyGroup& group, LibertyCell& cell, LibertyPin& pin);
  void read_energies(const LibertyGroup& group, LibertyCell& cell, LibertyPin& pin);
  void read_leakage(const LibertyGroup& group, LibertyCell& cell);
  std::vector<std::uint32_t> related_pins(const LibertyGroup& group, const LibertyCell& cell);

  const LibertyText& text_;
  const LibertyUnits& units_;
  Diagnostics& diagnostics_;
  double default_leakage_ = 0;
  double default_input_capacitance_ = 0;
  std::map<std::string_view, Axes> templates_;
  std::set<std::string_view> ground_pins_;  // of the cell that is read
};

}  // namespace bitsmith
