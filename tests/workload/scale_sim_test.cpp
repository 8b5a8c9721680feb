#include "workload/scale_sim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/file.h"

namespace bitsmith {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string kGemm = "Layer, M, N, K,\n";
const std::string kConv =
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    "Strides,\n";

std::vector<std::string> rows_of(const Workload& workload) {
  std::vector<std::string> rows;
  for (const Operator& op : workload.operators) {
    rows.push_back(fmt::format("{} {}x{}x{} {} {}", op.name, op.gemm.m, op.gemm.n, op.gemm.k,
                               op.count, op.repeat));
  }
  return rows;
}

std::vector<std::string> layers(const std::string& text) {
  return rows_of(parse_scale_sim_topology(text, "t.csv").workload);
}

std::vector<std::string> warnings(const std::string& text) {
  return parse_scale_sim_topology(text, "t.csv").warnings;
}

template <class Parse>
std::vector<std::string> mistakes(Parse parse) {
  try {
    parse();
  } catch (const UserError& error) {
    return error.messages();
  }
  return {};
}

std::vector<std::string> errors(const std::string& text) {
  return mistakes([&] { parse_scale_sim_topology(text, "t.csv"); });
}

std::vector<std::string> config_errors(const std::string& text) {
  return mistakes([&] { parse_scale_sim_config(text, "s.cfg"); });
}

TEST(ScaleSimTopology, GemmsAreMNK) {
  const ScaleSimTopology topology =
      parse_scale_sim_topology(kGemm + "a, 128, 256, 512,\nb,1,2,3,\n", "some/net.csv");
  EXPECT_EQ(topology.workload.name, "net");
  EXPECT_THAT(rows_of(topology.workload), ElementsAre("a 128x256x512 1 1", "b 1x2x3 1 1"));
  EXPECT_THAT(topology.warnings, IsEmpty());
}

// By hand: Eh = ceil((IH - FH + s) / s), M = Eh Ew, K = FH FW C.
TEST(ScaleSimTopology, ConvolutionsBecomeGemms) {
  // (229-7+2)/2 = 112: M = 112 * 112, K = 7 * 7 * 3. (58-3+1)/1 = 56, 30-5+1 = 26: M = 56 * 26,
  // K = 3 * 5 * 64.
  EXPECT_THAT(layers(kConv + "c1,229,229,7,7,3,64,2,\nc2,58,30,3,5,64,128,1,\n"),
              ElementsAre("c1 12544x64x147 1 1", "c2 1456x128x960 1 1"));
  // Strides 2 down and 3 across: (11-3+2)/2 = 5, (12-3+3)/3 = 4.
  EXPECT_THAT(layers(kConv + "c,11,12,3,3,1,1,2,3,\n"), ElementsAre("c 20x1x9 1 1"));
  // A stride beyond the image: one window, and the filter as large as the image.
  EXPECT_THAT(layers(kConv + "c,3,3,3,3,2,5,7,\n"), ElementsAre("c 1x5x18 1 1"));
}

TEST(ScaleSimTopology, AWindowThatSticksOutCountsAndIsTold) {
  const std::string text = kConv + "c,224,223,7,7,3,64,2,\n";  // ceil(219/2) = 110, 218/2 = 109
  EXPECT_THAT(layers(text), ElementsAre("c 11990x64x147 1 1"));
  EXPECT_THAT(warnings(text), ElementsAre(StartsWith("t.csv:2:11: warning: the last window")));
}

TEST(ScaleSimTopology, DepthwiseIsOneGemmPerChannel) {
  EXPECT_THAT(layers(kConv + "Conv1_DP,30,30,3,3,128,1,1,\n"),
              ElementsAre("Conv1_DP 784x1x9 128 1"));
  EXPECT_THAT(warnings(kConv + "DP,30,30,3,3,128,1,1,\n"), IsEmpty());
  EXPECT_THAT(layers(kConv + "DP,30,30,3,3,8,4,1,\n"), ElementsAre("DP 784x4x9 8 1"));
  EXPECT_THAT(warnings(kConv + "DP,30,30,3,3,8,4,1,\n"),
              ElementsAre(AllOf(StartsWith("t.csv:2:16: warning: "), HasSubstr("4 filters"))));
  EXPECT_THAT(layers(kGemm + "DP,30,30,3,\n"), ElementsAre("DP 30x30x3 1 1"));
}

TEST(ScaleSimTopology, TheHeaderTellsTheFormElseTheColumnsDo) {
  EXPECT_THAT(layers("a header\nx,2,3,4,\n"), ElementsAre("x 2x3x4 1 1"));
  EXPECT_THAT(layers("a header\nx,2,3,4,1:1,\n"), ElementsAre("x 2x3x4 1 1"));
  EXPECT_THAT(layers("a header\nx,5,5,2,2,3,4,1,\n"), ElementsAre("x 16x4x12 1 1"));
  EXPECT_THAT(layers("a header\nx,5,5,2,2,3,4,1,1,\n"), ElementsAre("x 16x4x12 1 1"));
  EXPECT_THAT(errors("a header\nx,5,5,\n"),
              ElementsAre(StartsWith("t.csv:2:1: 3 columns under a header that names none")));
  EXPECT_THAT(errors(kConv + "x,2,3,4,\n"), ElementsAre(StartsWith("t.csv:2:9: 4 values; a conv")));
  EXPECT_THAT(errors(kGemm + "x,5,5,2,2,3,4,1,\n"),
              ElementsAre(StartsWith("t.csv:2:9: 8 values; a GEMM")));
  EXPECT_THAT(errors("Layer,M,K,N,\nx,5,5,2,\n"),
              ElementsAre(HasSubstr("t.csv:1:7: columns are read by their place")));
  EXPECT_THAT(errors("x,5,5,2,\ny,5,5,2,\n"),
              ElementsAre(StartsWith("t.csv:1:1: the first line must be a header")));
}

TEST(ScaleSimTopology, AMissingCommaIsToldOnce) {
  EXPECT_THAT(layers(kGemm + "a,1,2,34\nb,1,2,3 \n"), ElementsAre("a 1x2x34 1 1", "b 1x2x3 1 1"));
  EXPECT_THAT(warnings(kGemm + "a,1,2,34\nb,1,2,3,\n"),
              ElementsAre("t.csv:2:7: warning: no comma ends the row: SCALE-Sim loses its last "
                          "value, '34'; here it counts"));
  EXPECT_THAT(warnings(kGemm + "a,1,2,34\nb,1,2,3\n"),
              ElementsAre(AllOf(StartsWith("t.csv:2:7"), HasSubstr("(2 such rows in all)"))));
}

TEST(ScaleSimTopology, WordsAfterTheLastCommaAreARemark) {
  const std::string text =
      "Layer, IFMAP Height, Filter, Strides,, Target\nc,3,3,1,1,1,1,1, NPU\n"
      "d,3,3,1,1,1,1,2,#dw 2:4\ne,3,3,1,1,1,1,1,,x\nf,3,3,1,1,1,1,1,1:1,x\n";
  EXPECT_THAT(layers(text),
              ElementsAre("c 9x1x1 1 1", "d 4x1x1 1 1", "e 9x1x1 1 1", "f 9x1x1 1 1"));
  EXPECT_THAT(warnings(text), IsEmpty());
  EXPECT_THAT(layers("x\na,1,2,3,NPU\n"), ElementsAre("a 1x2x3 1 1"));
  EXPECT_THAT(errors(kGemm + "a,1,2,NPU\n"), ElementsAre(HasSubstr("t.csv:2:7: K: expected")));
  EXPECT_THAT(errors(kGemm + ",,,,#x\n,,,,,\n#\n"), testing::SizeIs(3));
  EXPECT_THAT(errors(kGemm + "a,1,2,3,NPU,\n"), ElementsAre(HasSubstr("t.csv:2:9: 5 values")));
}

TEST(ScaleSimTopology, EveryKindOfTextFileIsRead) {
  EXPECT_THAT(layers("\xEF\xBB\xBF"
                     "Layer,M,N,K,\r\n\r\n  a b\t, 1 ,2\t,3,\r\n \t\r\nb,1,2,3,,,"),
              ElementsAre("a b 1x2x3 1 1", "b 1x2x3 1 1"));
}

TEST(ScaleSimTopology, DenseSparsityOnly) {
  EXPECT_THAT(layers(kGemm + "a,1,2,3,4:4,\n"), ElementsAre("a 1x2x3 1 1"));
  EXPECT_THAT(layers(kConv + "c,3,3,1,1,1,1,1,2:2,\nd,3,3,1,1,1,1,1,1,2:2,\n"),
              ElementsAre("c 9x1x1 1 1", "d 9x1x1 1 1"));
  EXPECT_THAT(
      errors(kGemm + "a,1,2,3,2:4,\nb,1,2,3,4:2,\nc,1,2,3,x:4,\nd,1,2,3,0:0,\ne,1,2,3,4,\n"),
      ElementsAre("t.csv:2:9: sparsity 2:4 is not supported: GEMMs are dense; allowed: 4:4 "
                  "or no such column",
                  HasSubstr("t.csv:3:9: expected a sparsity N:M with 1 <= N <= M"),
                  HasSubstr("t.csv:4:9: expected a sparsity"),
                  HasSubstr("t.csv:5:9: expected a sparsity"),
                  HasSubstr("t.csv:6:9: 5 values; a GEMM")));
}

TEST(ScaleSimTopology, AllMistakesComeAtOnce) {
  EXPECT_THAT(errors(kGemm + "a,0,-1,1.5,\nb,1,2,\n,1,2,3,\nc,1,02,0x3,\n"),
              ElementsAre("t.csv:2:3: M: expected an integer in 1..1099511627776, found '0'",
                          "t.csv:2:5: N: expected an integer in 1..1099511627776, found '-1'",
                          "t.csv:2:8: K: expected an integer in 1..1099511627776, found '1.5'",
                          StartsWith("t.csv:3:7: 3 values; a GEMM has name, M, N, K"),
                          "t.csv:4:1: the layer has no name", HasSubstr("t.csv:5:5: N: expected"),
                          HasSubstr("t.csv:5:8: K: expected")));
  EXPECT_THAT(errors(kConv + "c,3,4,5,6,1,1,1,\nd,3,3,1,1,1,1,0,\n"),
              ElementsAre("t.csv:2:7: filter height is 5, larger than the image's 3",
                          "t.csv:2:9: filter width is 6, larger than the image's 4",
                          StartsWith("t.csv:3:15: stride: expected an integer in 1..1048576")));
}

TEST(ScaleSimTopology, NothingOverflows) {
  EXPECT_THAT(layers(kGemm + "a,1099511627776,1099511627776,1099511627776,\n"),
              ElementsAre("a 1099511627776x1099511627776x1099511627776 1 1"));
  EXPECT_THAT(errors(kGemm + "a,1099511627777,1,18446744073709551617,\n"),
              ElementsAre(HasSubstr("M: expected"), HasSubstr("K: expected")));
  // The largest M, and K just above what is allowed: 2^20 * 2^20 * 2.
  EXPECT_THAT(layers(kConv + "a,1048576,1048576,1,1,1,1,1,\n"),
              ElementsAre("a 1099511627776x1x1 1 1"));
  EXPECT_THAT(errors(kConv + "a,1048576,1048576,1048576,1048576,2,1,1,\n"),
              ElementsAre("t.csv:2:19: K = 1048576 x 1048576 x 2 is more than 1099511627776"));
  EXPECT_THAT(errors(kConv + "a,1048576,1048576,1048576,1048576,1048576,1,1,\n"),
              ElementsAre(HasSubstr("is more than 1099511627776")));
  EXPECT_THAT(errors(kConv + "a,1048577,4294967297,1,1,1,1,1,\n"),
              ElementsAre(HasSubstr("image height: expected"), HasSubstr("image width: expected")));
  EXPECT_THAT(layers(kConv + "aDP,1048576,1048576,1048576,1048576,1048576,1,1048576,\n"),
              ElementsAre("aDP 1x1x1099511627776 1048576 1"));
}

TEST(ScaleSimTopology, WhatIsNoTextOrTooLongIsRefused) {
  EXPECT_THAT(errors(""), ElementsAre(StartsWith("t.csv: no layers")));
  EXPECT_THAT(errors(kGemm), ElementsAre(StartsWith("t.csv: no layers")));
  EXPECT_THAT(errors(kGemm + "a,1,\x01,3,\n"), ElementsAre(StartsWith("t.csv:2:5: not a text")));
  EXPECT_THAT(errors(kGemm + "a,1\r2,3,\n"), ElementsAre(StartsWith("t.csv:2:4: not a text")));
  EXPECT_THAT(errors(kGemm + "\xff,1,2,3,\n"), ElementsAre(StartsWith("t.csv:2:1: not a text")));
  EXPECT_THAT(errors(std::string(scale_sim::kByteLimit + 1, ' ')),
              ElementsAre(HasSubstr("longer than the 1048576 bytes")));
  EXPECT_THAT(errors(std::string(scale_sim::kLineLimit + 1, '\n')),
              ElementsAre("t.csv:20001:1: more than 20000 lines"));
  EXPECT_THAT(mistakes([] { scale_sim_topology("no/such.csv"); }),
              ElementsAre(HasSubstr("cannot open")));
}

const std::string kConfig =
    "[general]\nrun_name = \"x\"\n[architecture_presets]\nArrayHeight : 16\nArrayWidth= 32\n"
    "Dataflow : ws\n";

TEST(ScaleSimConfig, TheArrayIsTaken) {
  const ScaleSimConfig config = parse_scale_sim_config(kConfig, "s.cfg");
  EXPECT_EQ(config.rows, 16U);
  EXPECT_EQ(config.cols, 32U);
  EXPECT_EQ(config.dataflow, "ws");
  EXPECT_THAT(config.warnings, IsEmpty());
  std::vector<std::string> overrides;
  for (const Override& change : config.overrides) {
    overrides.push_back(
        fmt::format("{}={} {}", fmt::join(change.path, "."), change.value, change.where.text()));
  }
  EXPECT_THAT(overrides, ElementsAre("design.rows=16 s.cfg:4:15", "design.cols=32 s.cfg:5:13",
                                     "design.dataflow=ws s.cfg:6:12"));
}

TEST(ScaleSimConfig, CaseCommentsAndLineEndsDoNotMatter) {
  const ScaleSimConfig config = parse_scale_sim_config(
      "\xEF\xBB\xBF# a\r\n; b\r\n  # c\r\n[Architecture_Presets]\r\nARRAYHEIGHT:4\r\n\r\n"
      "arraywidth :   8\t\r\ndataflow=is",
      "s.cfg");
  EXPECT_EQ(config.rows, 4U);
  EXPECT_EQ(config.cols, 8U);
  EXPECT_EQ(config.dataflow, "is");
}

TEST(ScaleSimConfig, WhatHasNoEffectIsToldOnce) {
  const ScaleSimConfig config = parse_scale_sim_config(
      kConfig +
          "IfmapSramSzkB: 64\nbandwidth : 10, 20\n[run_presets]\nInterfaceBandwidth: CALC\n"
          "[sparsity]\nSparsitySupport : False\nBlockSize : 8\n[layout]\nIfmapCustomLayout: False\n"
          "[network_presets]\nTopologyCsvLoc: \"x\"\n",
      "s.cfg");
  EXPECT_THAT(config.warnings,
              ElementsAre("s.cfg: warning: without effect, since this version has no memory system "
                          "(memory: none): IfmapSramSzkB, Bandwidth, InterfaceBandwidth, "
                          "IfmapCustomLayout"));
}

TEST(ScaleSimConfig, AllMistakesComeAtOnce) {
  EXPECT_THAT(
      config_errors("x = 1\n[architectur_presets]\nwhatever = 1\n[architecture_presets]\n"
                    "ArayHeight : 16\nArrayWidth : 0\nDataflow : OS\nDataflow : os\nBandwidth\n"
                    "= 3\nMemoryBanks : 1\n  2\n[sparsity\n[sparsity]\nSparsitySupport : true\n"),
      ElementsAre("s.cfg:1:1: expected a section such as [architecture_presets] first",
                  HasSubstr("s.cfg:2:1: unknown section 'architectur_presets' (did you mean "
                            "'architecture_presets'?)"),
                  HasSubstr("s.cfg:5:1: unknown key 'ArayHeight' (did you mean 'ArrayHeight'?)"),
                  "s.cfg:8:1: 'Dataflow' is given twice, first at line 7",
                  "s.cfg:9:1: expected key = value or key : value",
                  "s.cfg:10:1: expected key = value or key : value",
                  HasSubstr("s.cfg:12:3: an indented line continues the value above"),
                  "s.cfg:13:1: expected [section] and nothing else in the line",
                  "s.cfg: 'ArrayHeight' is missing in [architecture_presets]",
                  "s.cfg:6:14: 'ArrayWidth': expected an integer in 1..65536, found '0'",
                  HasSubstr("s.cfg:7:12: unknown dataflow 'OS' (did you mean 'os'?)"),
                  HasSubstr("s.cfg:15:19: 'SparsitySupport': sparsity is not supported")));
  EXPECT_THAT(config_errors(""), testing::SizeIs(3));
  EXPECT_THAT(
      config_errors("[architecture_presets]\nArrayHeight = 4294967297\nArrayWidth =\n"
                    "Dataflow =\n"),
      ElementsAre(HasSubstr("s.cfg:2:15: 'ArrayHeight'"), HasSubstr("s.cfg:3:13: 'ArrayWidth'"),
                  HasSubstr("s.cfg:4:11: unknown dataflow ''")));
}

TEST(ScaleSimShipped, ExamplesAreReadWithoutAWord) {
  const std::filesystem::path folder = home_folder() / "workloads/scale_sim";
  const ScaleSimTopology gemm = scale_sim_topology(folder / "gemm.csv");
  EXPECT_EQ(gemm.workload.operators.size(), 7U);
  EXPECT_THAT(gemm.warnings, IsEmpty());
  const ScaleSimTopology conv = scale_sim_topology(folder / "conv.csv");
  EXPECT_EQ(rows_of(conv.workload)[0], "Conv1 12544x64x147 1 1");
  EXPECT_EQ(rows_of(conv.workload)[4], "Conv4_DP 784x1x9 128 1");
  EXPECT_THAT(conv.warnings, IsEmpty());
  EXPECT_EQ(scale_sim_config(folder / "array_32x32_os.cfg").rows, 32U);
}

}  // namespace
}  // namespace bitsmith
