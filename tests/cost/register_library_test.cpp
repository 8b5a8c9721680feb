#include "cost/register_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/file.h"
#include "common/process.h"

namespace bitsmith {
namespace {

using testing::HasSubstr;
using testing::Not;

// RN low makes IQN 1 and so QN: what was stored is 0. That is a register with reset.
constexpr const char* kInverting = R"(library (x) {
  cell (NAND2) { area : 1; pin (A) { direction : input; } }
  cell (DFFSRN) {
    area : 4;
    ff ("IQN", "IQNN") { clocked_on : "CK"; next_state : "!D"; clear : "!SN"; preset : "!RN"; }
    pin (QN) { direction : output; function : "IQN"; timing () { related_pin : "CK"; } }
    pin (CK) { direction : input; clock : true; }
    pin (D) { direction : input; }
    pin (SN) { direction : input; }
    pin (RN) { direction : input; }
  }
})";

// The same cell by its other state.
constexpr const char* kDirect = R"(library (x) {
  cell (DFFSRN) {
    area : 4;
    ff ("IQNN", "IQN") { clocked_on : "CK"; next_state : "D"; clear : "!RN"; preset : "!SN"; }
    pin (QN) { direction : output; function : "IQN"; }
    pin (CK) { direction : input; }
    pin (D) { direction : input; }
    pin (SN) { direction : input; }
    pin (RN) { direction : input; }
  }
})";

std::string registers_of(const char* text) { return register_library(LibertyText(text, "x.lib")); }

TEST(RegisterLibrary, AnInvertingFlipFlopIsRestatedByItsOtherState) {
  EXPECT_EQ(registers_of(kInverting), registers_of(kDirect));
  EXPECT_THAT(registers_of(kInverting), HasSubstr("ff (\"IQNN\", \"IQN\")"));
  EXPECT_THAT(registers_of(kInverting), HasSubstr("clear : \"!RN\""));
  EXPECT_THAT(registers_of(kInverting), Not(HasSubstr("NAND2")));
}

TEST(RegisterLibrary, WhatIsNoInvertedPinStays) {
  constexpr const char* kEnabled = R"lib(library (x) {
    cell (E) { area : 1; ff (IQ, IQN) { clocked_on : "C"; next_state : "!E IQ + E D"; } }
    cell (N) { area : 1; ff (IQ, IQN) { clocked_on : "C"; next_state : "D ^ D2"; } }
  })lib";
  EXPECT_THAT(registers_of(kEnabled), HasSubstr("ff (\"IQ\", \"IQN\") { clocked_on : \"C\" ; "
                                                "next_state : \"!E IQ + E D\" ; }"));
  EXPECT_THAT(registers_of(kEnabled), HasSubstr("next_state : \"D ^ D2\""));
}

TEST(RegisterLibrary, AnInvertedPinIsOneHoweverItIsWritten) {
  const std::string restated = registers_of(kInverting);
  for (const std::string written : {"(!D)", "! D", "D'", "(D')"}) {
    std::string text = kInverting;
    text.replace(text.find("!D"), 2, written);
    EXPECT_EQ(registers_of(text.c_str()), restated) << written;
  }
}

// Yosys connects a register's reset to the pin that makes it 0.
TEST(RegisterLibrary, YosysConnectsTheReset) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  write_file_atomically(folder.path() / "registers.lib", registers_of(kInverting));
  write_file_atomically(folder.path() / "r.v",
                        "module r (input clk, input rst_ni, input d, output reg q);\n"
                        "always @(posedge clk or negedge rst_ni) if (!rst_ni) q <= 0; else q <= "
                        "d;\nendmodule\n");
  const ProcessResult result =
      run_process({"yosys", "-q", "-p",
                   "read_verilog r.v; synth -top r; dfflibmap -liberty registers.lib; opt_clean; "
                   "select -assert-count 1 t:DFFSRN; write_verilog -noattr -noexpr mapped.v"},
                  folder.path());
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const std::string mapped = read_file(folder.path() / "mapped.v", 1 << 20);
  EXPECT_THAT(mapped, HasSubstr(".RN(rst_ni)"));
  EXPECT_THAT(mapped, HasSubstr(".SN(1'h1)"));
}

}  // namespace
}  // namespace bitsmith
