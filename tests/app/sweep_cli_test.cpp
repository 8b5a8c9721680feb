// `bitsmith sweep` as a user meets it: points equal to single runs, resumed, interrupted, refused.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "common/file.h"
#include "common/process.h"

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::HasSubstr;
namespace fs = std::filesystem;

class SweepCli : public testing::Test {
 protected:
  SweepCli() {
    write("sweep.yaml",
          fmt::format(
              "name: s\naccelerators: [{}]\naxes: [{{set: design.rows, values: [4, 8, 16]}}]\n"
              "workloads: [{{gemm: 40x50x60}}, {{gemm: 8x8x8}}]\n",
              accelerator_));
  }
  ProcessResult bitsmith(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), BITSMITH_BINARY);
    return run_process(arguments, folder_.path());
  }
  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  std::string read(const std::string& name) { return read_file(folder_.path() / name, 1 << 24); }
  json read_json(const std::string& name) { return json::parse(read(name)); }
  const fs::path& folder() const { return folder_.path(); }

  const std::string accelerator_ =
      (home_folder() / "configs/accelerators/systolic_int8_16x16_edge.yaml").string();

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

TEST_F(SweepCli, APointIsWhatASingleRunSays) {
  const ProcessResult result = bitsmith({"sweep", "sweep.yaml", "--out", "out"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("systolic_int8_16x16_edge design.rows=8 40x50x60"));
  ASSERT_EQ(bitsmith({"run", accelerator_, "--gemm", "40x50x60", "--set", "design.rows=8", "--json",
                      "run.json"})
                .exit_code,
            0);
  const json run = read_json("run.json");
  const std::string csv = read("out/index.csv");
  EXPECT_LT(run["clock_ghz"], 1);  // what its gates allow
  EXPECT_THAT(csv,
              HasSubstr(fmt::format("2,systolic_int8_16x16_edge,40x50x60,8,done,128,128,{},{},",
                                    run["clock_ghz"].dump(), run["total"]["cycles"].dump())));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 7);
}

// Columns of the index by name, of one row.
std::map<std::string, std::string> row_of(const std::string& csv, std::size_t number) {
  const auto fields = [](const std::string& line) {
    std::vector<std::string> result(1);
    for (const char c : line) {
      if (c == ',') {
        result.emplace_back();
      } else {
        result.back() += c;
      }
    }
    return result;
  };
  std::vector<std::string> lines(1);
  for (const char c : csv) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  const std::vector<std::string> names = fields(lines[0]), values = fields(lines[number + 1]);
  std::map<std::string, std::string> row;
  for (std::size_t i = 0; i < names.size(); ++i) row[names[i]] = values.at(i);
  return row;
}

// The README's main job: every point has its energy and area, from records that ship.
TEST_F(SweepCli, AllPointsOfTheQuickstartHaveEnergyAndArea) {
  const fs::path quickstart = home_folder() / "configs/sweeps/quickstart.yaml";
  const ProcessResult result = bitsmith({"sweep", quickstart.string(), "--out", "out"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const std::string csv = read("out/index.csv");
  const auto points = static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n')) - 1;
  EXPECT_GE(points, 150U);
  for (std::size_t i = 0; i < points; ++i) {
    const auto row = row_of(csv, i);
    EXPECT_FALSE(row.at("energy_pj").empty() || row.at("area_um2").empty())
        << row.at("accelerator") << " point " << i;
  }
}

TEST_F(SweepCli, EnergyAreaAndTrafficAreThoseOfASingleRun) {
  ASSERT_EQ(bitsmith({"sweep", "sweep.yaml", "--out", "out"}).exit_code, 0);
  ASSERT_EQ(bitsmith({"run", accelerator_, "--gemm", "40x50x60", "--set", "design.rows=8", "--json",
                      "run.json"})
                .exit_code,
            0);
  const json run = read_json("run.json");
  const auto row = row_of(read("out/index.csv"), 2);
  EXPECT_EQ(row.at("axis design.rows"), "8");
  EXPECT_EQ(std::stod(row.at("buffers_energy_pj")), run["energy_pj"]["buffers"]);
  EXPECT_EQ(std::stod(row.at("dram_energy_pj")), run["energy_pj"]["dram"]);
  EXPECT_EQ(std::stod(row.at("buffers_leakage_energy_pj")), run["energy_pj"]["buffers_leakage"]);
  EXPECT_EQ(std::stod(row.at("buffers_area_um2")), run["area_um2"]["buffers"]);
  EXPECT_EQ(std::stod(row.at("dram_read_bytes")), run["dram"]["read_bytes"]);
  EXPECT_EQ(std::stod(row.at("dram_written_bytes")), run["dram"]["written_bytes"]);
  EXPECT_EQ(std::stod(row.at("array_energy_pj")), run["energy_pj"]["array"]);
  EXPECT_EQ(std::stod(row.at("vector_energy_pj")), run["energy_pj"]["vector"]);
  EXPECT_EQ(std::stod(row.at("energy_pj")), run["energy_pj"]["total"]);
  EXPECT_EQ(std::stod(row.at("area_um2")), run["area_um2"]["total"]);
  EXPECT_TRUE(run["tech"]["marks"]["mixed_nodes"]);
  EXPECT_EQ(run["tech"]["sram"]["activation_buffer"]["macros"], 8);
  // A roofline knows no words of buffers.
  const ProcessResult roofline =
      bitsmith({"run", accelerator_, "--gemm", "40x50x60", "--engine", "roofline", "--json", "-"});
  ASSERT_EQ(roofline.exit_code, 0) << roofline.output;
  const json energy = json::parse(roofline.output)["energy_pj"];
  EXPECT_TRUE(energy["buffers"].is_null() && energy["array"].is_null() &&
              energy["vector"].is_null());
  EXPECT_GT(energy["dram"], 0);
}

TEST_F(SweepCli, ConstraintsSeeTheClockThatRuns) {
  write(
      "clocks.yaml",
      fmt::format("name: c\naccelerators: [{}]\naxes: [{{set: clock_ghz, values: [0.3, 0.6, 2]}}]\n"
                  "constraints: ['clock_ghz >= 0.5', 'clock_ghz < 1']\n"
                  "workloads: [{{gemm: 8x8x8}}]\n",
                  accelerator_));
  const ProcessResult result = bitsmith({"sweep", "clocks.yaml", "--out", "out"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const std::string csv = read("out/index.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);  // 0.6 and what 2 becomes
  EXPECT_EQ(row_of(csv, 0).at("clock_limited"), "false");
  EXPECT_EQ(row_of(csv, 1).at("clock_limited"), "true");
  EXPECT_LT(std::stod(row_of(csv, 1).at("clock_ghz")), 1);
}

TEST_F(SweepCli, AnUnknownSramIsRefusedBeforeAnythingRuns) {
  const ProcessResult result =
      bitsmith({"run", accelerator_, "--gemm", "8x8x8", "--set", "sram.node_nm=5"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("sram: "));
  EXPECT_THAT(result.output, HasSubstr("no SRAM of 5 nm itrs-lop"));
}

TEST_F(SweepCli, TheSameCommandResumesAndOtherInputsAreOtherPoints) {
  ASSERT_EQ(bitsmith({"sweep", "sweep.yaml", "--out", "out", "--json", "first.json"}).exit_code, 0);
  EXPECT_EQ(read_json("first.json")["computed"], 6);
  const std::string csv = read("out/index.csv");
  ASSERT_EQ(bitsmith({"sweep", "sweep.yaml", "--out", "out", "--json", "-"}).exit_code, 0);
  ASSERT_EQ(bitsmith({"sweep", "sweep.yaml", "--out", "out", "--json", "again.json"}).exit_code, 0);
  EXPECT_EQ(read_json("again.json")["computed"], 0);
  EXPECT_EQ(read_json("again.json")["from_before"], 6);
  EXPECT_EQ(read("out/index.csv"), csv);
  std::string text = read("sweep.yaml");
  text.replace(text.find("[4, 8, 16]"), 10, "[8, 16, 32]");
  write("sweep.yaml", text);
  ASSERT_EQ(bitsmith({"sweep", "sweep.yaml", "--out", "out", "--json", "more.json"}).exit_code, 0);
  EXPECT_EQ(read_json("more.json")["computed"], 2);
  EXPECT_EQ(read_json("more.json")["from_before"], 4);
}

TEST_F(SweepCli, APointThatFailsIsNamedAndTheOthersAreThere) {
  // No result of 32 bits fits half of two bytes.
  write("sweep.yaml",
        fmt::format("name: s\naccelerators: [{}]\naxes: [{{set: result_buffer.capacity_bytes, "
                    "values: [2, 65536]}}]\nworkloads: [{{gemm: 40x50x60}}]\n",
                    accelerator_));
  const ProcessResult result = bitsmith({"sweep", "sweep.yaml", "--out", "out"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("1 failed: see their column error"));
  const std::string csv = read("out/index.csv");
  EXPECT_THAT(csv, HasSubstr("0,systolic_int8_16x16_edge,40x50x60,2,failed,"));
  EXPECT_THAT(csv, HasSubstr("1,systolic_int8_16x16_edge,40x50x60,65536,done,"));
}

TEST_F(SweepCli, APageThatIsNotWrittenIsNotAnnounced) {
  write("sweep.yaml",
        fmt::format("name: s\naccelerators: [{}]\naxes: [{{set: result_buffer.capacity_bytes, "
                    "values: [2]}}]\nworkloads: [{{gemm: 40x50x60}}]\n",
                    accelerator_));
  const ProcessResult result =
      bitsmith({"sweep", "sweep.yaml", "--out", "out", "--html", "page.html"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("no page: no point is done"));
  EXPECT_THAT(result.output, testing::Not(HasSubstr("page.html")));
  EXPECT_FALSE(fs::exists(folder() / "page.html"));
}

TEST_F(SweepCli, MorePointsThanAPageTakesAreRefusedBeforeAnythingRuns) {
  std::string workloads;
  for (int n = 1; n <= 1001; ++n) workloads += fmt::format("  - {{gemm: 8x8x{}}}\n", n);
  write("sweep.yaml", fmt::format("name: s\naccelerators: [{}]\naxes: [{{set: design.rows, range: "
                                  "{{from: 1, to: 100, step: 1}}}}]\nworkloads:\n{}",
                                  accelerator_, workloads));
  const ProcessResult result =
      bitsmith({"sweep", "sweep.yaml", "--out", "out", "--html", "page.html"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("--html: a page takes at most 100000 points, this sweep has "
                                       "100100"));
  EXPECT_FALSE(fs::exists(folder() / "out"));
}

TEST_F(SweepCli, OutputsAreFilesOfTheirOwn) {
  EXPECT_THAT(bitsmith({"sweep", "sweep.yaml", "--html", "x", "--json", "./x"}).output,
              HasSubstr("--html, --json: are of one file"));
  EXPECT_THAT(bitsmith({"sweep", "sweep.yaml", "--json", "s.sweep/sweep.json"}).output,
              HasSubstr("is sweep.json of the sweep's folder"));
  EXPECT_FALSE(fs::exists(folder() / "s.sweep"));
}

TEST_F(SweepCli, CtrlCEndsCleanlyAndNothingIsLost) {
  std::string values;
  for (int i = 1; i <= 4000; ++i) values += fmt::format("{}{}", i == 1 ? "" : ", ", i);
  write("sweep.yaml", fmt::format("name: s\naccelerators: [{}]\naxes: [{{set: memory.latency_ns, "
                                  "values: [{}]}}]\nworkloads: [{{gemm: 400x500x600}}]\n",
                                  accelerator_, values));
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    if (::chdir(folder().c_str()) != 0 || std::freopen("log", "w", stderr) == nullptr) _exit(9);
    ::execl(BITSMITH_BINARY, BITSMITH_BINARY, "sweep", "sweep.yaml", "--out", "out", nullptr);
    _exit(9);
  }
  const auto results = [&] {
    std::size_t count = 0;
    std::error_code ignored;  // of files that are renamed meanwhile
    for (fs::recursive_directory_iterator entry(folder() / "out", ignored), end; entry != end;
         entry.increment(ignored)) {
      count += entry->path().extension() == ".json" ? 1U : 0U;
    }
    return count;
  };
  for (int i = 0; i < 6000 && results() < 20; ++i) ::usleep(10000);
  ::kill(pid, SIGINT);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_THAT(read("log"), HasSubstr("interrupted"));
  const std::size_t before = results();
  EXPECT_GE(before, 20U);
  EXPECT_LT(before, 4000U);
  for (const auto& entry : fs::recursive_directory_iterator(folder() / "out")) {
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
  }
}

TEST_F(SweepCli, MistakesAreReportedBeforeAnythingRuns) {
  write("sweep.yaml",
        fmt::format("name: s\naccelerators: [{}]\naxes: [{{set: design.rows, values: [4, 999]}}]\n"
                    "workloads: [{{gemm: 40x50x60}}]\n",
                    accelerator_));
  const ProcessResult result = bitsmith({"sweep", "sweep.yaml", "--out", "out"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("expected an integer in 1..256, found '999'"));
  EXPECT_FALSE(fs::exists(folder() / "out"));
  write("sweep.yaml",
        fmt::format("name: s\naccelerators: [{}]\nworkloads: [{{model: none.yaml}}]\n",
                    accelerator_));
  EXPECT_THAT(bitsmith({"sweep", "sweep.yaml"}).output, HasSubstr("sweep.yaml:3:13: none.yaml"));
  EXPECT_THAT(bitsmith({"sweep", "sweep.yaml", "--jobs", "0"}).output, HasSubstr("--jobs"));
}

}  // namespace
}  // namespace bitsmith
