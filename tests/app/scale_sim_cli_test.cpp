// `bitsmith run --scale-sim` as users of SCALE-Sim meet it.
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

class ScaleSimCli : public testing::Test {
 protected:
  ProcessResult bitsmith(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), BITSMITH_BINARY);
    return run_process(arguments, folder_.path());
  }
  fs::path write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
    return folder_.path() / name;
  }
  json written() { return json::parse(read_file(folder_.path() / "out.json", 1 << 20)); }
  bool wrote() const { return fs::exists(folder_.path() / "out.json"); }
  static std::string shipped(const std::string& path) { return (home_folder() / path).string(); }

  const std::string accelerator_ = shipped("configs/accelerators/systolic_int8_16x16.yaml");
  const std::string gemm_ = shipped("workloads/scale_sim/gemm.csv");

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

TEST_F(ScaleSimCli, ATopologyRunsOnAnAccelerator) {
  const fs::path topology = write("net.csv", "Layer,M,N,K,\na,128,128,128,\nb,16,16,100,\n");
  const ProcessResult result =
      bitsmith({"run", accelerator_, "--scale-sim", topology.string(), "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const json run = json::parse(result.output);  // no warning, nothing else
  EXPECT_EQ(run["workload"], "net");
  EXPECT_EQ(run["operators"][0]["cycles"], 64 * 128 + 50);
  EXPECT_EQ(run["operators"][1]["cycles"], 100 + 50);
}

TEST_F(ScaleSimCli, WarningsDoNotStopARun) {
  const fs::path topology = write("net.csv", "Layer,M,N,K,\na,16,16,16\n");
  const ProcessResult result =
      bitsmith({"run", accelerator_, "--scale-sim", topology.string(), "--json", "out.json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, HasSubstr("net.csv:2:9: warning: no comma ends the row"));
  EXPECT_EQ(written()["total"]["macs"], 4096);
}

TEST_F(ScaleSimCli, AConfigurationOverridesTheAcceleratorAndSetOverridesIt) {
  const fs::path topology = write("net.csv", "Layer,M,N,K,\na,16,16,16,\n");
  const fs::path config = write("s.cfg",
                                "[architecture_presets]\nArrayHeight: 8\nArrayWidth: 12\n"
                                "Dataflow: ws\n");
  ASSERT_EQ(bitsmith({"run", accelerator_, "--scale-sim", topology.string(), "--cfg",
                      config.string(), "--set", "design.rows=4", "--json", "out.json"})
                .exit_code,
            0);
  const json design = written()["config"]["design"];
  EXPECT_EQ(design["rows"], 4);
  EXPECT_EQ(design["cols"], 12);
  EXPECT_EQ(design["dataflow"], "ws");
  EXPECT_EQ(design["drain"], "overlapped");  // the accelerator's own
}

// R + C steps from a token to its result, k preload, M tokens, once per fold of K and N.
TEST_F(ScaleSimCli, WithoutAnAcceleratorTheConfigurationIsTheArray) {
  const fs::path topology = write("net.csv", "Layer,M,N,K,\na,2000,32,64,\nb,10,3000,64,\n");
  struct Case {
    std::string dataflow;
    std::uint64_t acc_rows;
    std::uint64_t cycles;  // of layer a
  };
  const std::vector<Case> cases = {
      {"os", 3000, 125 * 2 * (64 + 2 * 16 + 16 - 1) + 2},
      {"ws", 2000, 4 * 2 * (16 + 2000 + 32) + 2},
      {"is", 3000, 4 * 125 * (16 + 32 + 32) + 2},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.dataflow);
    const fs::path config = write("tpu.cfg",
                                  "[architecture_presets]\nArrayHeight: 16\nArrayWidth: 16\n"
                                  "Dataflow: " +
                                      c.dataflow + "\n");
    const ProcessResult result = bitsmith(
        {"run", "--scale-sim", topology.string(), "--cfg", config.string(), "--json", "out.json"});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output, HasSubstr("net on tpu (256 PEs, int8 x int8), memory: none"));
    const json run = written();
    EXPECT_EQ(run["clock_ghz"], 1.0);
    EXPECT_EQ(run["config"]["design"]["dataflow"], c.dataflow);
    EXPECT_EQ(run["config"]["design"]["acc_rows"], c.acc_rows);
    EXPECT_EQ(run["operators"][0]["cycles"], c.cycles);
  }
}

TEST_F(ScaleSimCli, AnArrayThatIsTooLargeIsFoundInTheConfiguration) {
  const fs::path config = write("s.cfg",
                                "[architecture_presets]\nArrayHeight: 512\nArrayWidth: 16\n"
                                "Dataflow: os\n");
  const ProcessResult result = bitsmith({"run", "--scale-sim", gemm_, "--cfg", config.string()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output,
              HasSubstr("s.cfg:2:14: 'rows': expected an integer in 1..256, found '512'"));
  EXPECT_EQ(
      bitsmith({"run", "--scale-sim", gemm_, "--cfg", config.string(), "--set", "design.rows=128"})
          .exit_code,
      0);
}

TEST_F(ScaleSimCli, MistakesOfAllInputsComeAtOnceAndWriteNothing) {
  const fs::path topology = write("net.csv", "Layer,M,N,K,\na,16,0,16,\n");
  const fs::path config = write("s.cfg", "[architecture_presets]\nArrayHeight: x\n");
  const ProcessResult result =
      bitsmith({"run", accelerator_, "--scale-sim", topology.string(), "--cfg", config.string(),
                "--set", "clock_ghz=0", "--json", "out.json"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("net.csv:2:6: N: expected"));
  EXPECT_THAT(result.output, HasSubstr("s.cfg:2:14: 'ArrayHeight'"));
  EXPECT_THAT(result.output, HasSubstr("'ArrayWidth' is missing"));
  EXPECT_THAT(result.output, HasSubstr("--set clock_ghz=0: 'clock_ghz'"));
  EXPECT_FALSE(wrote());
}

TEST_F(ScaleSimCli, WhatDoesNotGoTogetherIsRefused) {
  struct Case {
    std::vector<std::string> arguments;
    std::string message;
  };
  const std::string config = shipped("workloads/scale_sim/array_32x32_os.cfg");
  const std::vector<Case> cases = {
      {{"run", accelerator_, "--scale-sim", gemm_, "--gemm", "1x1x1"}, "give one workload"},
      {{"run", accelerator_, "--scale-sim", gemm_, "--seq", "5"}, "--scale-sim excludes --seq"},
      {{"run", accelerator_, "--gemm", "1x1x1", "--cfg", config}, "--cfg requires --scale-sim"},
      {{"run", "--scale-sim", gemm_}, "--cfg FILE.cfg must give the array"},
      {{"run", "--gemm", "1x1x1"}, "accelerator is required"},
      {{"run", accelerator_, "--scale-sim", gemm_, "--json", gemm_},
       "is a file that this command reads"},
      {{"run", "--scale-sim", gemm_, "--cfg", config, "--set", "design=x.yaml"},
       "--set design=x.yaml: no accelerator file that could name another design"},
  };
  for (const Case& c : cases) {
    const ProcessResult result = bitsmith(c.arguments);
    EXPECT_EQ(result.exit_code, 2) << testing::PrintToString(c.arguments) << result.output;
    EXPECT_THAT(result.output, HasSubstr(c.message));
  }
}

}  // namespace
}  // namespace bitsmith
