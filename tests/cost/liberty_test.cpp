#include "cost/liberty.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "cost/synthesis.h"

namespace bitsmith {
namespace {

constexpr const char* kLibrary = R"liberty(/* a comment */
library (tiny) {
  leakage_power_unit : "1pW";
  capacitive_load_unit (1, ff);
  cell (INV_BIG) { area : 4; cell_leakage_power : 8
    pin(A) { direction : input; capacitance : 2.5; }
    pin(Y) { direction : output; function : "(!A)"; timing () { cell_rise (t) { values ("1, 2", \
      "3, 4"); } } }
  }
  cell (INV) { area : 1.5; cell_leakage_power : 3;
    pin("A") { direction : input; capacitance : 1.25; } pin(Y) { direction : output; function : "A'"; } }
  cell (BUF) { area : 2; pin(A) { direction : input; } pin(Y) { direction : output; function : "A"; } }
  cell (NAND2) { area : 2; pin(A) { direction : input; } pin(B) { direction : input; }
    pin(Y) { direction : output; function : "!(A B)"; } }
  cell (DFF) { area : 6; ff (IQ, IQN) { clocked_on : "C"; next_state : "D"; }
    pin(D) { direction : input; } pin(C) { direction : input; } pin(Q) { direction : output; function : "IQ"; } }
}
)liberty";

TEST(Liberty, ReadsAreaLeakageAndKind) {
  const LibertyLibrary library = parse_liberty(kLibrary, "tiny.lib");
  EXPECT_EQ(library.name, "tiny");
  ASSERT_EQ(library.cells.size(), 5U);
  EXPECT_DOUBLE_EQ(library.cells.at("INV_BIG").area_um2, 4);
  EXPECT_DOUBLE_EQ(library.cells.at("INV_BIG").leakage_uw, 8e-6);
  EXPECT_DOUBLE_EQ(library.cells.at("INV_BIG").input_capacitance_ff, 2.5);
  EXPECT_TRUE(library.cells.at("INV").inverter && library.cells.at("INV_BIG").inverter);
  EXPECT_TRUE(library.cells.at("BUF").buffer && !library.cells.at("BUF").inverter);
  EXPECT_TRUE(library.cells.at("DFF").sequential && !library.cells.at("NAND2").sequential);
  EXPECT_FALSE(library.cells.at("NAND2").inverter || library.cells.at("NAND2").buffer);
  EXPECT_EQ(library.smallest_inverter(), "INV");
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
  EXPECT_EQ(message(""), "x.lib:1:1: not a Liberty file: unexpected character ' '");
  EXPECT_EQ(message("library (a) { cell (X) {"), "x.lib:1:25: not a Liberty file: '{' without '}'");
  EXPECT_EQ(message("library (a) { }"), "x.lib: the library has no cells");
  EXPECT_EQ(message("design: systolic\n"), "x.lib:1:17: not a Liberty file: no library group");
  EXPECT_EQ(message("/* "), "x.lib:1:4: not a Liberty file: a comment does not end");
  std::string deep = "library (a) {";
  for (int i = 0; i < 100000; ++i) deep += "g () {";
  EXPECT_THAT(message(deep), testing::HasSubstr("nested too deeply"));
}

}  // namespace
}  // namespace bitsmith
