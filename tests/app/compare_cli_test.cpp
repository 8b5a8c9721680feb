// `bitsmith compare` as a user meets it: figures equal to those of single runs, sizes, accuracy,
// and what is refused.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/file.h"
#include "common/process.h"
#include "cost/record_making.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::HasSubstr;
namespace fs = std::filesystem;

class CompareCli : public testing::Test {
 protected:
  ProcessResult bitsmith(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), BITSMITH_BINARY);
    return run_process(arguments, folder_.path());
  }
  ProcessResult compare(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "compare");
    return bitsmith(arguments);
  }
  json compared(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--json", "compare.json"});
    const ProcessResult result = compare(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return json::parse(read("compare.json"));
  }
  std::string read(const std::string& name) { return read_file(folder_.path() / name, 1 << 24); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
  }
  const fs::path& folder() const { return folder_.path(); }
  static std::string shipped(const std::string& name) {
    return (home_folder() / "configs/accelerators" / name).string();
  }

  const std::string systolic_ = shipped("systolic_int8_16x16_edge.yaml");
  const std::string mixpe_ = shipped("mixpe_int8_uint4_16x16_edge.yaml");
  const std::string serial_ = shipped("bit_serial_fp4_8x8_edge.yaml");
  const std::string lut_ = shipped("lut_tensor_core_2x64x4_edge.yaml");

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

TEST_F(CompareCli, FiguresAreThoseOfSingleRuns) {
  const json result = compared({systolic_, mixpe_, serial_, lut_, "--gemm", "40x512x256"});
  EXPECT_EQ(result["schema"], "bitsmith.compare/1");
  EXPECT_EQ(result["baseline"], "systolic_int8_16x16_edge");
  EXPECT_EQ(result["iso"], nullptr);
  ASSERT_EQ(result["designs"].size(), 4U);
  for (const json& design : result["designs"]) {
    ASSERT_EQ(
        bitsmith({"run", design["file"], "--gemm", "40x512x256", "--json", "run.json"}).exit_code,
        0);
    const json run = json::parse(read("run.json"));
    EXPECT_EQ(design["figures"]["cycles"], run["total"]["cycles"]);
    EXPECT_EQ(design["figures"]["seconds"], run["total"]["seconds"]);
    EXPECT_EQ(design["figures"]["utilization"], run["total"]["utilization"]);
    EXPECT_EQ(design["cycles"]["weights"], run["total"]["stall_cycles"]["weights"]);
    EXPECT_EQ(design["energy_pj"]["dram"], run["energy_pj"]["dram"]);
    EXPECT_EQ(design["figures"]["energy_pj"], run["energy_pj"]["total"]);
    EXPECT_EQ(design["figures"]["area_um2"], run["area_um2"]["total"]);
    EXPECT_EQ(design["config"], run["config"]);
    EXPECT_EQ(design["figures"]["dram_bytes"].get<std::uint64_t>(),
              run["dram"]["read_bytes"].get<std::uint64_t>() +
                  run["dram"]["written_bytes"].get<std::uint64_t>());
  }
}

TEST_F(CompareCli, TheBaselineIsANameAFileOrANumber) {
  for (const std::string& baseline :
       {std::string("mixpe_int8_uint4_16x16_edge"), mixpe_, std::string("2")}) {
    const json result = compared({systolic_, mixpe_, "--gemm", "8x8x8", "--baseline", baseline});
    EXPECT_EQ(result["baseline"], "mixpe_int8_uint4_16x16_edge");
    EXPECT_EQ(result["designs"][1]["ratios"]["cycles"], 1);
  }
  for (const char* baseline : {"3", "0", "mixpe_int8_uint4_16x16_edg"}) {
    const ProcessResult result =
        compare({systolic_, mixpe_, "--gemm", "8x8x8", "--baseline", baseline});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.output, HasSubstr("--baseline: unknown accelerator"));
  }
}

// No record has an accumulator of 27 bits.
TEST_F(CompareCli, EstimatesAreMarkedWithTheirErrors) {
  const std::vector<std::string> arguments = {
      systolic_, shipped("systolic_int8_16x16_dequantise_edge.yaml"),
      "--gemm",  "64x64x64",
      "--set",   "design.accumulator_bits=27",
      "--set",   "technology.allow_estimate=true"};
  const json report = compared(arguments);
  for (const json& design : report["designs"]) {
    EXPECT_THAT(design["remarks"].dump(), HasSubstr("systolic_os_pe is estimated from its "));
    EXPECT_THAT(design["remarks"].dump(), HasSubstr("mean held-out errors of its kind: area "));
  }
  EXPECT_THAT(compare(arguments).output, HasSubstr("systolic_os_pe is estimated from its "));
}

TEST_F(CompareCli, IsoPesResizesTheArrays) {
  const json result = compared({systolic_, serial_, lut_, "--gemm", "64x64x256", "--iso", "pes"});
  EXPECT_EQ(result["iso"]["wanted"], 256);
  for (const json& design : result["designs"]) {
    EXPECT_EQ(design["figures"]["pes"], 256) << design["name"];
    EXPECT_EQ(design["residual"], 0);
  }
  EXPECT_EQ(result["designs"][1]["config"]["design"]["rows"], 16);
  EXPECT_EQ(result["designs"][2]["config"]["design"]["n"], 64);
}

TEST_F(CompareCli, AnUnknownAreaIsToldWithWhatIsMissing) {
  const std::string array = shipped("systolic_int8_16x16.yaml");
  const ProcessResult result = compare({array, systolic_, "--gemm", "8x8x8", "--iso", "area"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output,
              HasSubstr("array and buffers is unknown: energy and area: memory is none"));
  EXPECT_THAT(result.output, HasSubstr("--iso pes"));
}

// A technology by hand, without energies: every module takes 100 um2, and 10 for each row or column
// that it depends on.
void write_technology_of(const fs::path& design, const fs::path& file) {
  Technology technology;
  technology.name = "by_hand";
  technology.source = {"cells", "0123", 0.8, 22, 500, "Yosys", "OpenSTA", "Icarus", "2026-11-21"};
  const std::shared_ptr<const Design> loaded = load_design(design);
  for (const WantedRecord& wanted : modules_at_any_size(loaded)) {
    double area = 100;
    for (const RtlDescription::Size& size : loaded->rtl().sizes) {
      for (const auto& [name, value] : wanted.module.parameters) {
        const bool is_size = std::ranges::find(size.parameters, name) != size.parameters.end();
        if (is_size) area += 10.0 * static_cast<double>(value);
      }
    }
    ModuleRecord record;
    record.cost = {wanted.module.name, 1, 7, area, area / 2, area / 4, area / 4, 400, 0.5};
    record.parameters = wanted.module.parameters;
    record.rtl_hash = wanted.rtl_hash;
    record.tools = technology.source.tools();
    record.target_period_ps = record.energy_period_ps = 500;
    technology.add(record);
  }
  write_technology(technology, file);
}

// The vector unit, of which there is no record, does not stand in the way.
TEST_F(CompareCli, IsoAreaComparesArrayAndBuffers) {
  const std::string file = (folder() / "by_hand.yaml").string();
  write_technology_of(home_folder() / "configs/designs/systolic/int8_16x16.yaml", file);
  std::string small = read_file(systolic_, 1 << 16);
  const std::string buffer = "weight_buffer: {capacity_bytes: 131072";
  ASSERT_NE(small.find(buffer), std::string::npos);
  small.replace(small.find(buffer), buffer.size(), "weight_buffer: {capacity_bytes: 65536");
  for (const char* what : {"designs", "memory"}) {
    const std::string relative = fmt::format("../{}/", what);
    small.replace(small.find(relative), relative.size(),
                  (home_folder() / "configs" / what).string() + "/");
  }
  write("small.yaml", small);
  std::vector<std::string> command = {systolic_,  "small.yaml", "--gemm",
                                      "64x64x64", "--set",      "technology.name=" + file};
  const json plain = compared(command);
  command.insert(command.end(), {"--iso", "area"});
  const json result = compared(command);
  EXPECT_EQ(result["iso"]["size"], "array_and_buffers_um2");
  const double wanted = result["iso"]["wanted"];
  const json& baseline = result["designs"][0];
  EXPECT_EQ(baseline["figures"]["array_and_buffers_um2"], wanted);
  EXPECT_NEAR(
      baseline["area_um2"]["array"].get<double>() + baseline["area_um2"]["buffers"].get<double>(),
      wanted, 1e-6 * wanted);
  EXPECT_EQ(baseline["area_um2"]["vector"], nullptr);
  EXPECT_EQ(baseline["figures"]["area_um2"], nullptr);
  EXPECT_EQ(baseline["residual"], 0);
  EXPECT_EQ(baseline["config"]["design"]["rows"], 16);
  // Its smaller buffer leaves more for its array.
  const json& other = result["designs"][1];
  EXPECT_LE(other["figures"]["array_and_buffers_um2"], wanted);
  EXPECT_LT(other["area_um2"]["buffers"], baseline["area_um2"]["buffers"]);
  EXPECT_GT(other["area_um2"]["array"], plain["designs"][1]["area_um2"]["array"]);
}

TEST_F(CompareCli, OneThatCannotRunDoesNotStopTheOthers) {
  // A result does not fit half of the buffer.
  write("small.yaml",
        fmt::format("design: {}\nmemory: {}\nresult_buffer: {{capacity_bytes: 2}}\n",
                    (home_folder() / "configs/designs/systolic/int8_16x16.yaml").string(),
                    (home_folder() / "configs/memory/lpddr4_3200_x64.yaml").string()));
  const ProcessResult result =
      compare({systolic_, "small.yaml", mixpe_, "--gemm", "64x64x64", "--json", "c.json"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("small cannot run this workload: "));
  EXPECT_THAT(result.output, HasSubstr("baseline systolic_int8_16x16_edge"));
  const json designs = json::parse(read("c.json"))["designs"];
  EXPECT_EQ(designs[0]["status"], "done");
  EXPECT_EQ(designs[1]["status"], "failed");
  EXPECT_EQ(designs[2]["status"], "done");
  const ProcessResult first = compare({"small.yaml", mixpe_, "--gemm", "64x64x64"});
  EXPECT_EQ(first.exit_code, 2);
  EXPECT_THAT(first.output, HasSubstr("small.yaml: the baseline cannot run this workload"));
  EXPECT_THAT(first.output, HasSubstr("--baseline"));
}

TEST_F(CompareCli, MistakesAreToldTogetherAndNothingIsWritten) {
  const auto refused = [&](std::vector<std::string> arguments, const std::string& expected) {
    arguments.insert(arguments.end(), {"--json", "out.json"});
    const ProcessResult result = compare(arguments);
    EXPECT_EQ(result.exit_code, 2) << expected;
    EXPECT_THAT(result.output, HasSubstr(expected));
  };
  refused({systolic_, "--gemm", "8x8x8"}, "at least two accelerators");
  refused({systolic_, systolic_, "--gemm", "8x8x8"}, "this accelerator is given twice");
  refused({systolic_, "nowhere.yaml", "--gemm", "8x8x8"}, "nowhere.yaml");
  refused({systolic_, mixpe_}, "give one workload");
  refused({systolic_, mixpe_, "--gemm", "8x8x8", "--trace", "x"}, "give one workload");
  refused({systolic_, mixpe_, "--gemm", "8x8x8", "--iso", "ares"}, "did you mean 'area'?");
  refused({systolic_, mixpe_, "--gemm", "8x8x8", "--area", "1e6"}, "--area: needs --iso area");
  refused({systolic_, mixpe_, "--gemm", "8x8x8", "--iso", "area", "--area", "-1"}, "--area: ");
  refused({systolic_, mixpe_, "--gemm", "8x8x8", "--engine", "cycle"}, "unknown engine 'cycle'");
  refused({systolic_, mixpe_, "--gemm", "8x8x8", "--accuracy-tokens", "9"}, "needs --accuracy");
  refused({systolic_, mixpe_, "--gemm", "8x8x8", "--baseline", "x"}, "unknown accelerator 'x'");
  const ProcessResult both =
      compare({systolic_, lut_, "--gemm", "8x8x8", "--set", "design.unit_row=2"});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_THAT(both.output, HasSubstr("systolic_int8_16x16_edge.yaml: "));
  EXPECT_THAT(both.output, HasSubstr("did you mean 'unit_rows'?"));
  EXPECT_FALSE(fs::exists(folder() / "out.json"));
}

TEST_F(CompareCli, ThePageHasTheDesignsAndIsNotTheJson) {
  const ProcessResult result =
      compare({systolic_, mixpe_, "--gemm", "8x8x8", "--html", "page.html"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const std::string page = read("page.html");
  EXPECT_THAT(page, HasSubstr("mixpe_int8_uint4_16x16_edge"));
  EXPECT_THAT(page, HasSubstr("8x8x8"));
  for (const char* same : {"x", "./x", "sub/../x"}) {
    EXPECT_THAT(
        compare({systolic_, mixpe_, "--gemm", "8x8x8", "--html", "x", "--json", same}).output,
        HasSubstr("is the file of --json, too"));
  }
  EXPECT_EQ(compare({systolic_, mixpe_, "--gemm", "8x8x8", "--html", "-"}).exit_code, 2);
}

// The second time nothing is computed: the cache holds what it computed, and what it holds is what
// is shown.
TEST_F(CompareCli, AccuracyIsMeasuredOnceInTheFormatsOfEachDesign) {
  const std::vector<std::string> command = {
      systolic_, mixpe_, "--gemm", "8x8x8", "--accuracy", "--accuracy-tokens", "96"};
  TemporaryFolder cache(fs::temp_directory_path());
  ::setenv("BITSMITH_CACHE", cache.path().c_str(), 1);
  const json first = compared(command);
  const json& int8 = first["designs"][0]["accuracy"];
  EXPECT_THAT(int8["quantization"], HasSubstr("absmax int8"));
  EXPECT_EQ(int8["tokens"], 96);
  EXPECT_EQ(int8["by_the_design"], int8["operators"]);
  const json& int4 = first["designs"][1]["accuracy"];
  EXPECT_THAT(int4["quantization"], HasSubstr("zero_point uint4 per 128"));
  EXPECT_EQ(int4["fp32_perplexity"], int8["fp32_perplexity"]);
  const double fp32 = int8["fp32_perplexity"];
  EXPECT_NEAR(int8["perplexity"].get<double>() / fp32, 1, 0.05);
  EXPECT_GT(std::abs(int4["perplexity"].get<double>() - fp32),
            std::abs(int8["perplexity"].get<double>() - fp32));
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(cache.path() / "accuracy")) {
    ++files;
    json changed = json::parse(read_file(entry.path(), 1 << 16));
    changed["operators"] = 77;
    std::ofstream(entry.path()) << changed.dump();
  }
  EXPECT_EQ(files, 2U);
  // Another size of the array is the same arithmetic.
  std::vector<std::string> smaller = command;
  smaller.insert(smaller.end(), {"--set", "design.rows=8"});
  EXPECT_EQ(compared(smaller)["designs"][0]["accuracy"]["operators"], 77);
  ::unsetenv("BITSMITH_CACHE");
}

// Neither where there can be no cache folder, nor where it cannot be written.
TEST_F(CompareCli, AccuracyNeedsNoCache) {
  write("file", "");
  fs::create_directory(folder() / "cache");
  write("cache/accuracy", "");
  for (const char* cache : {"file", "cache"}) {
    ::setenv("BITSMITH_CACHE", (folder() / cache).c_str(), 1);
    const ProcessResult result = compare({systolic_, mixpe_, "--gemm", "8x8x8", "--accuracy",
                                          "--accuracy-tokens", "16", "--json", "c.json"});
    ::unsetenv("BITSMITH_CACHE");
    ASSERT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output, HasSubstr("perplexity is not kept for another time: "));
    const json comparison = json::parse(read("c.json"));
    for (const json& design : comparison["designs"]) {
      EXPECT_GT(design["figures"]["perplexity"], 1) << cache;
    }
  }
}

}  // namespace
}  // namespace bitsmith
