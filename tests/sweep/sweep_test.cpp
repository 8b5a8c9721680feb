#include "sweep/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "common/file.h"
#include "common/process.h"

namespace bitsmith {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SweepFile : public testing::Test {
 protected:
  SweepFile() {
    write("design.yaml", "design: systolic\nrows: 4\ncols: 4\n");
    write("a.yaml", "design: design.yaml\n");
    write("b.yaml", "design: design.yaml\nmemory: memory.yaml\n");
    write("memory.yaml", "bandwidth_gb_s: 25.6\nlatency_ns: 30\n");
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
  }
  Sweep load(const std::string& text) {
    write("sweep.yaml", text);
    return load_sweep(folder_.path() / "sweep.yaml");
  }
  static std::vector<SweepPoint> points_of(const Sweep& sweep) {
    AcceleratorFiles files;
    return expand(sweep, files);
  }
  std::vector<std::string> labels(const std::string& text) {
    const Sweep sweep = load(text);
    std::vector<std::string> result;
    for (const SweepPoint& point : points_of(sweep)) result.push_back(label_of(sweep, point));
    return result;
  }
  std::string mistake(const std::string& text) {
    try {
      labels(text);
    } catch (const UserError& error) {
      return error.what();
    }
    return "none";
  }

 private:
  TemporaryFolder folder_{std::filesystem::temp_directory_path()};
};

const std::string kHead = "name: s\naccelerators: [a.yaml]\nworkloads: [{gemm: 8x8x8}]\n";

TEST_F(SweepFile, LabelsTellModelsAndAcceleratorsApart) {
  const Sweep sweep = load(
      "name: s\naccelerators: [a.yaml, x/b.yaml, y/b.yaml]\n"
      "axes: [{for: [y/b.yaml], set: design.rows, values: [2]}]\n"
      "workloads:\n"
      "  - {model: Llama-3.1-8B}\n  - {model: Llama-3.2-1B/, phase: decode, seq: 9, batch: 2}\n"
      "  - {model: one/Qwen-2.5/config.json}\n  - {model: m/tiny.yaml}\n  - {model: n/tiny.gguf}\n"
      "  - {model: m/tiny.yaml, seq: 7}\n  - {gemm: 8x8x8}\n");
  std::vector<std::string> workloads;
  for (const SweepWorkload& workload : sweep.workloads) workloads.push_back(workload.label);
  EXPECT_THAT(workloads,
              ElementsAre("Llama-3.1-8B prefill", "Llama-3.2-1B decode 9 x2", "Qwen-2.5 prefill",
                          "m/tiny.yaml prefill", "n/tiny.gguf prefill", "tiny prefill 7", "8x8x8"));
  EXPECT_THAT(sweep.accelerator_labels, ElementsAre("a", "x/b.yaml", "y/b.yaml"));
  EXPECT_THAT(sweep.axes[0].accelerators, ElementsAre(2));
}

TEST_F(SweepFile, WhatIsListedTwiceIsRefused) {
  const std::string text = mistake(
      "name: s\naccelerators: [a.yaml, b.yaml, ./a.yaml]\n"
      "workloads:\n"
      "  - {gemm: 8x8x8}\n  - {model: m}\n  - {gemm: 8x8x8}\n  - {model: ./m/config.json}\n"
      "  - {model: m, phase: decode}\n");
  for (const char* part :
       {"sweep.yaml:2:32: 'a' is listed twice", "sweep.yaml:6:5: '8x8x8' is listed twice",
        "sweep.yaml:7:5: 'm prefill' is listed twice"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST_F(SweepFile, AxesAreNestedInTheirOrderWithWorkloadsInnermost) {
  EXPECT_THAT(labels("name: s\naccelerators: [a.yaml, b.yaml]\n"
                     "axes: [{set: design.rows, values: [2, 4]}]\n"
                     "workloads: [{gemm: 8x8x8}, {gemm: 1x2x3}]\n"),
              ElementsAre("a design.rows=2 8x8x8", "a design.rows=2 1x2x3", "a design.rows=4 8x8x8",
                          "a design.rows=4 1x2x3", "b design.rows=2 8x8x8", "b design.rows=2 1x2x3",
                          "b design.rows=4 8x8x8", "b design.rows=4 1x2x3"));
}

TEST_F(SweepFile, RangesHaveBothEnds) {
  EXPECT_THAT(
      labels(kHead + "axes: [{set: design.rows, range: {from: 2, to: 6, step: 2}}]\n"),
      ElementsAre("a design.rows=2 8x8x8", "a design.rows=4 8x8x8", "a design.rows=6 8x8x8"));
  EXPECT_THAT(
      labels(kHead + "axes: [{set: clock_ghz, range: {from: 0.1, to: 0.3, step: 0.1}}]\n"),
      ElementsAre("a clock_ghz=0.1 8x8x8", "a clock_ghz=0.2 8x8x8", "a clock_ghz=0.3 8x8x8"));
  EXPECT_THAT(
      labels(kHead + "axes: [{set: design.rows, log_range: {from: 2, to: 16, factor: 2}}]\n"),
      ElementsAre("a design.rows=2 8x8x8", "a design.rows=4 8x8x8", "a design.rows=8 8x8x8",
                  "a design.rows=16 8x8x8"));
  const auto count = [&](const std::string& range) {
    return load(kHead + "axes: [{set: clock_ghz, range: {" + range + "}}]\n").axes[0].values.size();
  };
  EXPECT_EQ(count("from: 17179869184, to: 17179869188, step: 4"), 2U);
  EXPECT_EQ(count("from: -0.3, to: 0, step: 0.1"), 4U);
}

TEST_F(SweepFile, ZippedAxesChangeTogetherAndVariantsHaveNames) {
  const std::string text = kHead +
                           "axes:\n"
                           "  - zip: [{set: design.rows, values: [2, 8]}, {set: design.cols, "
                           "values: [3, 9]}]\n"
                           "  - {name: speed, variants: {slow: [clock_ghz=0.5], usual: []}}\n";
  EXPECT_THAT(labels(text), ElementsAre("a design.rows,design.cols=2,3 speed=slow 8x8x8",
                                        "a design.rows,design.cols=2,3 speed=usual 8x8x8",
                                        "a design.rows,design.cols=8,9 speed=slow 8x8x8",
                                        "a design.rows,design.cols=8,9 speed=usual 8x8x8"));
  const Sweep sweep = load(text);
  const auto overrides = overrides_of(sweep, points_of(sweep)[2]);
  ASSERT_EQ(overrides.size(), 3U);
  EXPECT_THAT(overrides[1].path, ElementsAre("design", "cols"));
  EXPECT_EQ(overrides[1].value, "9");
  EXPECT_EQ(overrides[2].value, "0.5");
}

// Axes of some accelerators multiply those only; two accelerators may have one of the same name,
// which then is one column.
TEST_F(SweepFile, AnAxisMayBeForSomeAccelerators) {
  const std::string text =
      "name: s\naccelerators: [a.yaml, b.yaml]\n"
      "axes:\n"
      "  - {for: [b], name: size, set: design.rows, values: [2, 8]}\n"
      "  - {set: clock_ghz, values: [1, 2]}\n"
      "  - {for: [a], name: size, zip: [{set: design.cols, values: [3]}, {set: design.k_bits, "
      "values: [9]}]}\n"
      "  - {for: [b], name: memory, variants: {near: [memory.latency_ns=1]}}\n"
      "workloads: [{gemm: 8x8x8}, {gemm: 1x2x3}]\n";
  EXPECT_THAT(
      labels(text),
      ElementsAre(
          "a clock_ghz=1 size=3,9 8x8x8", "a clock_ghz=1 size=3,9 1x2x3",
          "a clock_ghz=2 size=3,9 8x8x8", "a clock_ghz=2 size=3,9 1x2x3",
          "b size=2 clock_ghz=1 memory=near 8x8x8", "b size=2 clock_ghz=1 memory=near 1x2x3",
          "b size=2 clock_ghz=2 memory=near 8x8x8", "b size=2 clock_ghz=2 memory=near 1x2x3",
          "b size=8 clock_ghz=1 memory=near 8x8x8", "b size=8 clock_ghz=1 memory=near 1x2x3",
          "b size=8 clock_ghz=2 memory=near 8x8x8", "b size=8 clock_ghz=2 memory=near 1x2x3"));
  const Sweep sweep = load(text);
  const std::vector<SweepPoint> points = points_of(sweep);
  EXPECT_THAT(axis_names(sweep), ElementsAre("size", "clock_ghz", "memory"));
  EXPECT_THAT(axis_labels(sweep, points[2]), ElementsAre("3,9", "2", ""));
  EXPECT_THAT(axis_labels(sweep, points[8]), ElementsAre("8", "1", "near"));
  EXPECT_EQ(overrides_of(sweep, points[0]).size(), 3U);
  EXPECT_EQ(overrides_of(sweep, points[4]).size(), 3U);
}

TEST_F(SweepFile, MistakesOfAxesForSomeAccelerators) {
  const auto axes = [&](const std::string& text) {
    return mistake("name: s\naccelerators: [a.yaml, b.yaml]\nworkloads: [{gemm: 8x8x8}]\naxes: [" +
                   text + "]\n");
  };
  EXPECT_THAT(axes("{for: [c], set: clock_ghz, values: [1]}"),
              HasSubstr("sweep.yaml:4:15: 'for': unknown accelerator 'c'"));
  EXPECT_THAT(axes("{for: [a, a], set: clock_ghz, values: [1]}"), HasSubstr("'for': 'a' twice"));
  EXPECT_THAT(axes("{for: [], set: clock_ghz, values: [1]}"), HasSubstr("'for'"));
  EXPECT_THAT(axes("{for: a, set: clock_ghz, values: [1]}"), HasSubstr("'for'"));
  EXPECT_THAT(axes("{zip: [{for: [a], set: clock_ghz, values: [1]}]}"),
              HasSubstr("unknown key 'for'"));
  EXPECT_THAT(axes("{fro: [a], set: clock_ghz, values: [1]}"),
              HasSubstr("unknown key 'fro'; allowed: name, set, values, range, log_range, for"));
  // Where they meet in an accelerator they must be apart as ever.
  const std::string first = "{for: [a], name: x, set: clock_ghz, values: [1]}, ";
  EXPECT_THAT(axes(first + "{name: y, set: clock_ghz, values: [1]}"),
              HasSubstr("'clock_ghz' is set by two axes"));
  EXPECT_THAT(axes(first + "{for: [b, a], name: x, set: design.rows, values: [1]}"),
              HasSubstr("a second axis 'x'"));
  EXPECT_THAT(axes(first + "{for: [b], name: X, set: design.rows, values: [1]}"),
              HasSubstr("a second axis 'X'"));
  EXPECT_EQ(axes(first + "{for: [b], name: x, set: clock_ghz, values: [1]}"), "none");
}

TEST_F(SweepFile, ConstraintsLeaveOutPoints) {
  const std::string axes =
      "axes: [{set: design.rows, values: [2, 4, 8]}, {set: design.cols, values: [2, 4, 8]}]\n";
  EXPECT_EQ(labels(kHead + axes).size(), 9U);
  EXPECT_THAT(
      labels(kHead + axes + "constraints: [design.rows * design.cols <= 8]\n"),
      ElementsAre("a design.rows=2 design.cols=2 8x8x8", "a design.rows=2 design.cols=4 8x8x8",
                  "a design.rows=4 design.cols=2 8x8x8"));
  EXPECT_THAT(labels(kHead + axes + "constraints: [pes == 16, design.rows < design.cols]\n"),
              ElementsAre("a design.rows=2 design.cols=8 8x8x8"));
  EXPECT_THAT(mistake(kHead + axes + "constraints: [pes > 64]\n"),
              HasSubstr("no point holds the constraints"));
  EXPECT_THAT(mistake(kHead + "constraints: [design.row < 4]\n"),
              HasSubstr("sweep.yaml:4:15: constraint: 'design.row' is no number of a's "
                        "configuration (did you mean 'design.rows'?)"));
  for (const char* text : {"design.rows = 4", "design.rows += 4", "'design.rows <= 4, 0'"}) {
    EXPECT_THAT(mistake(kHead + fmt::format("constraints: [{}]\n", text)),
                HasSubstr("sweep.yaml:4:15: "))
        << text;
  }
  EXPECT_EQ(
      labels(kHead + "constraints: ['design.rows == 4 && max(1, design.cols) >= 4 && 1 != 2']\n")
          .size(),
      1U);
  EXPECT_THAT(mistake(kHead + "constraints: [design.rows <]\n"),
              HasSubstr("sweep.yaml:4:15: constraint 'design.rows <'"));
}

TEST_F(SweepFile, ASampleIsSeededWithoutRepetitionAndHoldsTheConstraints) {
  const std::string axes =
      "axes: [{set: design.rows, range: {from: 1, to: 40, step: 1}}, {set: design.cols, range: "
      "{from: 1, to: 40, step: 1}}]\nconstraints: [design.rows * design.cols <= 64]\n";
  const auto first = labels(kHead + axes + "sample: {points: 50, seed: 7}\n");
  EXPECT_EQ(first.size(), 50U);
  EXPECT_EQ(std::set<std::string>(first.begin(), first.end()).size(), 50U);
  EXPECT_EQ(first, labels(kHead + axes + "sample: {points: 50, seed: 7}\n"));
  EXPECT_NE(first, labels(kHead + axes + "sample: {points: 50, seed: 8}\n"));
  const auto all = labels(kHead + axes);
  const std::set<std::string> allowed(all.begin(), all.end());
  for (const std::string& label : first) EXPECT_TRUE(allowed.contains(label)) << label;
  // A sample of all there are is the grid, and there is no more.
  EXPECT_EQ(labels(kHead + axes + fmt::format("sample: {{points: {}}}\n", all.size())), all);
  EXPECT_THAT(mistake(kHead + axes + fmt::format("sample: {{points: {}}}\n", all.size() + 1)),
              HasSubstr(fmt::format("only {} of 1600 drawn hold", all.size())));
}

TEST_F(SweepFile, AGridTooLargeToListCanBeSampled) {
  const std::string axes =
      "axes:\n"
      "  - {set: design.rows, range: {from: 1, to: 200, step: 1}}\n"
      "  - {set: design.cols, range: {from: 1, to: 200, step: 1}}\n"
      "  - {set: clock_ghz, range: {from: 0.01, to: 50, step: 0.01}}\n";
  EXPECT_THAT(mistake(kHead + axes), HasSubstr("200000000 points, more than 10000000"));
  EXPECT_EQ(labels(kHead + axes + "sample: {points: 20}\n").size(), 20U);
}

TEST_F(SweepFile, WrongPointsAreNamedBeforeAnyRuns) {
  const std::string text = mistake(
      kHead + "axes: [{set: design.rows, values: [0, 4]}, {set: design.color, values: [1, 2]}]\n");
  EXPECT_THAT(text, HasSubstr("'rows': expected an integer in 1..256, found '0'"));
  EXPECT_THAT(text, HasSubstr("unknown parameter 'color'"));
  EXPECT_THAT(text, HasSubstr("(point: a design.rows=0 design.color=1 8x8x8)"));
  EXPECT_THAT(mistake(kHead + "engine: roofline\n"), HasSubstr("memory is none"));
}

TEST_F(SweepFile, MistakesOfTheFileAreLocatedAllAtOnce) {
  const std::string text = mistake(
      "nam: s\n"
      "accelerators: a.yaml\n"
      "axes:\n"
      "  - {set: design.rows, values: [2], range: {from: 1, to: 2, step: 1}}\n"
      "  - {set: design.rows, range: {from: 3, to: 2, step: 1}}\n"
      "  - {set: design.cols, log_range: {from: 0, to: 2, factor: 2}}\n"
      "  - zip: [{set: a, values: [1, 2]}, {set: b, values: [1]}]\n"
      "  - {variants: {x: [clock_ghz]}}\n"
      "constraints: [1 +]\n"
      "workloads: [{gemm: 8x8}, {gemm: 8x8x8, phase: decode}, {phase: decode}]\n"
      "sample: {seed: 3}\n");
  for (const char* expected :
       {"sweep.yaml:1:1: unknown parameter 'nam' (did you mean 'name'?)", "'name' is missing",
        "sweep.yaml:2:15: 'accelerators': expected a list", "sweep.yaml:4:5: an axis has one of",
        "sweep.yaml:5:31: a range needs from <= to", "sweep.yaml:6:35: a log_range needs 0 < from",
        "sweep.yaml:7:37: 1 values, but", "sweep.yaml:8:5: 'name' is missing",
        "expected path=value", "sweep.yaml:9:15: constraint '1 +'", "sweep.yaml:10:13",
        "sweep.yaml:10:47: 'phase' is for", "a workload is a 'model' or a 'gemm'",
        "'points' is missing"}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
  EXPECT_THAT(mistake(kHead + "axes: [{set: design.rows, values: [2]}, {name: x, variants: {y: "
                              "[design.rows=3]}}]\n"),
              HasSubstr("'design.rows' is set by two axes"));
  EXPECT_THAT(mistake("[1]\n"), HasSubstr("expected a map"));
  EXPECT_THAT(mistake(kHead + "axes: [{zip: [{set: design.rows, values: [2]}, {set: design.rows, "
                              "values: [4]}]}]\n"),
              HasSubstr("'design.rows' is set twice"));
  EXPECT_THAT(mistake(kHead + "axes: [{name: K, set: design.rows, values: [2]}, {name: k, set: "
                              "design.cols, values: [4]}]\n"),
              HasSubstr("a second axis 'k'"));
  EXPECT_THAT(mistake("name: ../s\naccelerators: [a.yaml]\nworkloads: [{gemm: 8x8x8}]\n"),
              HasSubstr("sweep.yaml:1:7: 'name'"));
}

}  // namespace
}  // namespace bitsmith
