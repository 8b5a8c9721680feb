// `bitsmith report` as a user meets it: table and page of a sweep, damaged folders.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/file.h"
#include "common/process.h"

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::HasSubstr;
namespace fs = std::filesystem;

class ReportCli : public testing::Test {
 protected:
  ReportCli() {
    write("sweep.yaml",
          fmt::format(
              "name: s\naccelerators: [{}]\naxes: [{{set: design.rows, values: [4, 16]}}]\n"
              "workloads: [{{gemm: 40x50x60}}, {{gemm: 8x8x8}}]\n",
              (home_folder() / "configs/accelerators/systolic_int8_16x16_edge.yaml").string()));
  }
  void SetUp() override {
    ASSERT_EQ(bitsmith({"sweep", "sweep.yaml", "--out", "out"}).exit_code, 0);
  }
  ProcessResult bitsmith(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), BITSMITH_BINARY);
    return run_process(arguments, folder_.path());
  }
  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  json data_of(const std::string& name) {
    const std::string page = read_file(folder_.path() / name, 1 << 24);
    const std::string begin = "id=\"data\">";
    const std::size_t from = page.find(begin) + begin.size();
    return json::parse(page.substr(from, page.find("</script>", from) - from));
  }
  std::vector<fs::path> results() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "out/results")) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    return files;
  }
  const fs::path& folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

TEST_F(ReportCli, TableHasTheFastestOfEachWorkloadFirstAndThePageAllPoints) {
  const ProcessResult result = bitsmith({"report", "out"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const auto at = [&](const std::string& name) {
    return result.output.find("systolic_int8_16x16_edge " + name);
  };
  EXPECT_LT(at("design.rows=16 40x50x60"), at("design.rows=4 40x50x60"));
  EXPECT_LT(at("design.rows=4 40x50x60"), at("design.rows=16 8x8x8"));
  EXPECT_THAT(result.output, HasSubstr("out/report.html"));
  const json data = data_of("out/report.html");
  EXPECT_EQ(data["names"].size(), 4U);
  EXPECT_EQ(data["names"][0], "systolic_int8_16x16_edge design.rows=4 40x50x60");
  EXPECT_EQ(data["columns"][2]["name"], "axis design.rows");
  const std::string file = (fs::canonical(folder()) / "sweep.yaml").string();
  EXPECT_THAT(data["provenance"], testing::Contains(json({"Sweep file", file})));
}

// An accumulator of 27 bits has no record.
TEST_F(ReportCli, MarksSayWhatIsNotAsAskedFor) {
  write(
      "marks.yaml",
      fmt::format("name: s\naccelerators: [{}]\naxes:\n"
                  "  - {{set: technology.allow_estimate, values: [true]}}\n"
                  "  - {{set: design.accumulator_bits, values: [32, 27]}}\n"
                  "workloads: [{{gemm: 40x50x60}}]\n",
                  (home_folder() / "configs/accelerators/systolic_int8_16x16_edge.yaml").string()));
  ASSERT_EQ(bitsmith({"sweep", "marks.yaml", "--out", "marks"}).exit_code, 0);
  const ProcessResult result = bitsmith({"report", "marks"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const auto marks_of = [&](const std::string& point) {
    const std::size_t from = result.output.find(point);
    const std::string line = result.output.substr(from, result.output.find('\n', from) - from);
    return line.substr(line.find_last_of(' ') + 1);
  };
  EXPECT_THAT(marks_of("accumulator_bits=27"), testing::MatchesRegex("c?env?"));
  EXPECT_THAT(marks_of("accumulator_bits=32"), testing::MatchesRegex("c?nv?"));
  EXPECT_THAT(result.output, HasSubstr("\ne: area or energy of the array estimated"));
  EXPECT_THAT(result.output, HasSubstr("\nn: array and SRAM of different nodes"));
  EXPECT_THAT(result.output, testing::Not(HasSubstr("\no: ")));
}

TEST_F(ReportCli, FiguresOfARooflineAreThoseOfASingleRun) {
  ASSERT_EQ(bitsmith({"report", "out", "--html", "page.html"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(folder() / "out/report.html"));
  const std::string accelerator =
      (home_folder() / "configs/accelerators/systolic_int8_16x16_edge.yaml").string();
  const ProcessResult result =
      bitsmith({"run", accelerator, "--gemm", "40x50x60", "--set", "design.rows=4", "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const json run = json::parse(result.output), data = data_of("page.html");
  const auto metric = [&](const std::string& name) {
    for (const json& column : data["metrics"]) {
      if (column["name"] == name) return column["values"][0];
    }
    return json();
  };
  EXPECT_EQ(metric("dram_bytes_per_cycle"), run["dram"]["bytes_per_cycle"]);
  EXPECT_EQ(metric("dram_bytes").get<std::uint64_t>(),
            run["dram"]["read_bytes"].get<std::uint64_t>() +
                run["dram"]["written_bytes"].get<std::uint64_t>());
  // 2 operations to each of 40 x 50 x 60 MACs.
  EXPECT_DOUBLE_EQ(metric("tops"), 240e-9 / run["total"]["seconds"].get<double>());
}

TEST_F(ReportCli, ADamagedResultIsLeftOutAndCounted) {
  std::ofstream(results().front(), std::ios::binary) << "{}";
  const ProcessResult result = bitsmith({"report", "out"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, HasSubstr("1 point left out: files missing or damaged"));
  const json data = data_of("out/report.html");
  EXPECT_EQ(data["names"].size(), 3U);
  EXPECT_THAT(data["notes"][0].get<std::string>(), HasSubstr("1 point left out"));
}

TEST_F(ReportCli, AFolderWithoutPointsIsRefused) {
  for (const fs::path& file : results()) fs::remove(file);
  const ProcessResult result = bitsmith({"report", "out"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("out: no point to report"));
  EXPECT_FALSE(fs::exists(folder() / "out/report.html"));
}

TEST_F(ReportCli, WhatIsNoFolderOfASweepIsRefusedAndNotCreated) {
  const ProcessResult missing = bitsmith({"report", "nowhere"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.output, HasSubstr("nowhere: not the folder of a sweep"));
  EXPECT_FALSE(fs::exists(folder() / "nowhere"));
  write("out/index.sqlite", "no database");
  const ProcessResult damaged = bitsmith({"report", "out"});
  EXPECT_EQ(damaged.exit_code, 2);
  EXPECT_THAT(damaged.output, HasSubstr("index.sqlite: not the index of a sweep"));
}

// Neither by another path nor through a link.
TEST_F(ReportCli, ThePageDoesNotReplaceAFileOfTheFolder) {
  fs::create_symlink("out/sweep.json", folder() / "link.html");
  for (const char* html :
       {"out/index.sqlite", "./out/../out/index.csv", "link.html", "out/fastest.txt"}) {
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"report", "out"}, {"sweep", "sweep.yaml", "--out", "out"}}) {
      std::vector<std::string> arguments = command;
      arguments.insert(arguments.end(), {"--html", html});
      const ProcessResult result = bitsmith(arguments);
      EXPECT_EQ(result.exit_code, 2) << html;
      EXPECT_THAT(result.output, HasSubstr("of the sweep's folder: choose another name"));
    }
  }
  EXPECT_EQ(bitsmith({"report", "out"}).exit_code, 0);
}

TEST_F(ReportCli, APageThatCannotBeWrittenIsRefused) {
  const ProcessResult result = bitsmith({"report", "out", "--html", "out"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("--html"));
}

}  // namespace
}  // namespace bitsmith
