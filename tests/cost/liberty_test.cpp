#include "cost/liberty.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "cost/synthesis.h"

namespace bitsmith {
namespace {

// Energy per toggle and slew are hand-made: slews 10 and 30 ps, loads 1 and 5 fF.
constexpr const char* kLibrary = R"liberty(/* a comment */
library (tiny) {
  leakage_power_unit : "1pW";
  capacitive_load_unit (1, ff);
  time_unit : "10ps"; nom_voltage : 0.5
  lu_table_template (t) { variable_1 : total_output_net_capacitance; variable_2 : input_net_transition;
    index_1 ("1, 5"); index_2 ("7, 8"); }
  power_lut_template (e) { variable_1 : input_transition_time; index_1 ("1, 3"); }
  cell (INV_BIG) { area : 4; cell_leakage_power : 8
    pin(A) { direction : input; capacitance : 2.5; }
    pin(Y) { direction : output; function : "(!A)"; timing () { related_pin : "A"; timing_sense : negative_unate;
        cell_rise (t) { index_2 ("1, 3"); values ("1, 2", \
      "3, 4"); } }
      internal_power () { related_pin : "A"; power (e) { values ("6, 8"); } } }
  }
  cell (INV) { area : 1.5; cell_leakage_power : 3;
    pin("A") { direction : input; capacitance : 1.25; } pin(Y) { direction : output; function : "A'"; } }
  cell (INV_WEAK) { area : 1; dont_use : true; pin(A) { direction : input; } pin(Y) { direction : output; function : "!A"; } }
  cell (BUF) { area : 2; pin(A) { direction : input; } pin(Y) { direction : output; function : "A"; } }
  cell (NAND2) { area : 2; pin(A) { direction : input; } pin(B) { direction : input; }
    pin(Y) { direction : output; function : "!(A B)"; } }
  cell (DFF) { area : 6; ff (IQ, IQN) { clocked_on : "C"; next_state : "D"; }
    leakage_power () { when : "D"; value : 2; } leakage_power () { when : "!D"; value : 4; }
    pin(D) { direction : input; } pin(Q) { direction : output; function : "IQ";
      timing () { related_pin : "C"; timing_type : rising_edge; cell_fall (scalar) { values ("5"); } }
      timing () { related_pin : "C"; timing_type : setup_rising; rise_constraint (scalar) { values ("5"); } } }
    pin(C) { direction : input;
      internal_power () { when : "D"; rise_power (scalar) { values ("1"); } fall_power (scalar) { values ("2"); } }
      internal_power () { when : "!D"; rise_power (e) { values ("5, 5"); } } } }
  cell (RAIL) { pg_pin(VSS) { pg_type : primary_ground; } pin(A) { direction : input;
    internal_power () { related_pg_pin : VDD; power (scalar) { values ("3"); } }
    internal_power () { related_pg_pin : VSS; power (scalar) { values ("3"); } } } }
}
)liberty";

TEST(Liberty, ReadsAreaLeakageAndKind) {
  const LibertyLibrary library = parse_liberty(kLibrary, "tiny.lib");
  EXPECT_EQ(library.name, "tiny");
  ASSERT_EQ(library.cells.size(), 7U);
  EXPECT_DOUBLE_EQ(library.voltage, 0.5);
  EXPECT_DOUBLE_EQ(library.cells.at("INV_BIG").area_um2, 4);
  EXPECT_DOUBLE_EQ(library.cells.at("INV_BIG").leakage_uw, 8e-6);
  EXPECT_DOUBLE_EQ(library.cells.at("INV_BIG").input_capacitance_ff, 2.5);
  EXPECT_TRUE(library.cells.at("INV").inverter && library.cells.at("INV_BIG").inverter);
  EXPECT_TRUE(library.cells.at("BUF").buffer && !library.cells.at("BUF").inverter);
  EXPECT_TRUE(library.cells.at("DFF").sequential && !library.cells.at("NAND2").sequential);
  EXPECT_FALSE(library.cells.at("NAND2").inverter || library.cells.at("NAND2").buffer);
  EXPECT_EQ(library.smallest_inverter(), "INV");
}

TEST(Liberty, ReadsTables) {
  const LibertyLibrary library = parse_liberty(kLibrary, "tiny.lib");
  const LibertyPin& y = *library.cells.at("INV_BIG").find_pin("Y");
  ASSERT_EQ(y.arcs.size(), 1U);
  EXPECT_EQ(y.arcs[0].related, 0U);
  EXPECT_EQ(y.arcs[0].sense, ArcSense::negative);
  EXPECT_FALSE(y.arcs[0].fall_ps);
  const LookupTable& rise = y.arcs[0].rise_ps;  // rows of the file are loads
  EXPECT_DOUBLE_EQ(rise.at(10, 1), 10);
  EXPECT_DOUBLE_EQ(rise.at(30, 1), 20);
  EXPECT_DOUBLE_EQ(rise.at(10, 5), 30);
  EXPECT_DOUBLE_EQ(rise.at(20, 2), 20);  // between: 10 + 5 + 5
  EXPECT_DOUBLE_EQ(rise.at(40, 6), 50);  // beyond both ends
  EXPECT_DOUBLE_EQ(rise.at(0, 1), 5);
  ASSERT_EQ(y.energies.size(), 1U);
  EXPECT_DOUBLE_EQ(y.energies[0].fall_fj.at(20, 99), 7);  // fF x (1 V)^2
  EXPECT_DOUBLE_EQ(y.energies[0].rise_fj.at(10, 99), 6);
}

TEST(Liberty, ConditionsAreAveragedAndGroundPinsLeftOut) {
  const LibertyLibrary library = parse_liberty(kLibrary, "tiny.lib");
  const LibertyCell& flip_flop = library.cells.at("DFF");
  EXPECT_DOUBLE_EQ(flip_flop.leakage_uw, 3e-6);
  const LibertyPin& clock = *flip_flop.find_pin("C");
  EXPECT_TRUE(clock.is_clock);
  ASSERT_EQ(clock.energies.size(), 2U);
  double rise = 0;
  double fall = 0;
  for (const InternalEnergy& energy : clock.energies) {
    rise += energy.rise_weight * energy.rise_fj.at(20, 0);
    fall += energy.fall_weight * energy.fall_fj.at(20, 0);
  }
  EXPECT_DOUBLE_EQ(rise, (1 + 5) / 2.0);
  EXPECT_DOUBLE_EQ(fall, 2);
  ASSERT_EQ(flip_flop.find_pin("Q")->arcs.size(), 1U);  // no constraints
  EXPECT_EQ(flip_flop.find_pin("Q")->arcs[0].sense, ArcSense::from_rise);
  ASSERT_EQ(library.cells.at("RAIL").pins[0].energies.size(), 1U);
}

// Figures of /usr/share/qflow/tech/osu018/osu018_stdcells.lib, read off the file by eye.
TEST(Liberty, Osu018) {
  const LibertyLibrary library = read_liberty(default_liberty());
  EXPECT_EQ(library.smallest_inverter(), "INVX1");
  EXPECT_DOUBLE_EQ(library.cells.at("AND2X1").area_um2, 32);
  EXPECT_DOUBLE_EQ(library.cells.at("AND2X1").leakage_uw, 0.0746794e-3);
  EXPECT_DOUBLE_EQ(library.cells.at("DFFPOSX1").area_um2, 96);
  std::size_t sequential = 0;
  for (const auto& [name, cell] : library.cells) sequential += cell.sequential ? 1 : 0;
  EXPECT_EQ(sequential, 4U);  // DFFNEGX1, DFFPOSX1, DFFSR, LATCH
}

TEST(Liberty, WhatIsNoLibraryIsLocated) {
  const auto message = [](const std::string& text) -> std::string {
    try {
      parse_liberty(text, "x.lib");
    } catch (const UserError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message(""), "x.lib:1:1: not a Liberty file: unexpected end of the file");
  EXPECT_EQ(message("library (a) { cell (X) {"), "x.lib:1:25: not a Liberty file: '{' without '}'");
  EXPECT_EQ(message("library (a) { }"), "x.lib: the library has no cells");
  EXPECT_EQ(message("design: systolic\n"), "x.lib:1:17: not a Liberty file: no library group");
  EXPECT_EQ(message("library (a) { cell (X) { area : big; pin (A) { function : \"(A\"; } } }"),
            "x.lib:1:33: area: 'big' is no number\n"
            "x.lib:1:60: function '(A' ends too early");
  EXPECT_EQ(message("library (a) {\n lu_table_template (t) { variable_1 : input_net_transition; "
                    "index_1 (\"1, 2\"); }\n cell (X) { pin (A) { direction : output; timing () {\n"
                    "  related_pin : \"B\"; cell_rise (t) { values (\"1, 2, 3\"); }\n"
                    "  cell_fall (u) { values (\"1\"); } rise_transition (t) { index_1 (\"2, 2\"); "
                    "} } } } }"),
            "x.lib:4:46: 3 values in a table of 2\n"
            "x.lib:5:14: no table template 'u'\n"
            "x.lib:5:66: index_1 does not rise");
  constexpr const char* kUnit =
      "a unit is a number of 1e-6 to 1e6 and a name, like '1ns' or (1,pf)";
  EXPECT_EQ(
      message("library (a) { time_unit : \"0ps\"; capacitive_load_unit (-1, pf);\n"
              "voltage_unit : \"V\"; cell (X) { } }"),
      std::string("x.lib:1:28: ") + kUnit + "\nx.lib:1:56: " + kUnit + "\nx.lib:2:17: " + kUnit);
  // Two numbers in the file, one in fF.
  EXPECT_EQ(message("library (a) { capacitive_load_unit (1.4, ff); lu_table_template (t) {\n"
                    "variable_1 : total_output_net_capacitance; index_1 (\"1.7, "
                    "1.7000000000000002\"); }\ncell (X) { pin (B) { direction : input; } pin (A) {"
                    "direction : output; timing () {\nrelated_pin : \"B\"; "
                    "cell_rise (t) { values (\"1, 2\"); } } } } }"),
            "x.lib:4:20: index_1 does not rise");
  EXPECT_EQ(message("/* "), "x.lib:1:4: not a Liberty file: a comment does not end");
  std::string deep = "library (a) {";
  for (int i = 0; i < 100000; ++i) deep += "g () {";
  EXPECT_THAT(message(deep), testing::HasSubstr("nested too deeply"));
}

}  // namespace
}  // namespace bitsmith
