// The command line as users meet it: results, exit codes, messages, and that nothing is written
// when something is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "common/file.h"
#include "common/process.h"

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

class Cli : public testing::Test {
 protected:
  ProcessResult bitsmith(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), BITSMITH_BINARY);
    return run_process(arguments, folder_.path());
  }
  fs::path write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
    return folder_.path() / name;
  }
  static std::string shipped(const std::string& path) { return (home_folder() / path).string(); }
  fs::path folder() const { return folder_.path(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_.path()), {}));
  }

  const std::string accelerator_ = shipped("configs/accelerators/systolic_int8_16x16.yaml");
  const std::string edge_ = shipped("configs/accelerators/systolic_int8_16x16_edge.yaml");
  const std::string model_ = shipped("workloads/models/llama-2-7b.yaml");

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

TEST_F(Cli, RunPrintsJsonAndNothingElseWithDash) {
  const ProcessResult result = bitsmith({"run", accelerator_, "--gemm", "128x128x128", "--set",
                                         "technology.name=none", "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const json run = json::parse(result.output);
  EXPECT_EQ(run["schema"], "bitsmith.run/1");
  EXPECT_EQ(run["total"]["cycles"], 64 * 128 + 50);
  EXPECT_EQ(run["config"]["design"]["rows"], 16);
  EXPECT_TRUE(run["energy_pj"].is_null() && run["area_um2"].is_null() && run["tech"].is_null());
}

// The DRAM does not slow down with the array: cycles are those of the clock that runs.
TEST_F(Cli, ALimitedClockIsARunAtThatClock) {
  const std::string edge = shipped("configs/accelerators/systolic_int8_16x16_edge.yaml");
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> command = {"run", edge, "--gemm", "64x512x512", "--json", "-"};
    command.insert(command.end(), more.begin(), more.end());
    const ProcessResult result = bitsmith(command);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return json::parse(result.output);
  };
  const json limited = run({"--set", "clock_ghz=2"});
  EXPECT_EQ(limited["tech"]["marks"]["clock_limited"], true);
  EXPECT_EQ(limited["tech"]["array"]["wanted_clock_ghz"], 2.0);
  EXPECT_EQ(limited["clock_ghz"], limited["config"]["clock_ghz"]);
  EXPECT_LE(limited["clock_ghz"], limited["tech"]["array"]["maximum_clock_ghz"]);
  const std::string clock = "clock_ghz=" + limited["clock_ghz"].dump();
  const json same = run({"--set", clock, "--set", "technology.limit_clock=false"});
  EXPECT_EQ(same["tech"]["marks"]["clock_limited"], false);
  EXPECT_EQ(limited["total"], same["total"]);
  EXPECT_EQ(limited["energy_pj"], same["energy_pj"]);
  // At 2 GHz the DRAM would take more cycles.
  const json faster = run({"--set", "clock_ghz=2", "--set", "technology.allow_overclock=true",
                           "--set", "technology.limit_clock=false"});
  EXPECT_GT(faster["total"]["cycles"], limited["total"]["cycles"]);
  EXPECT_EQ(faster["tech"]["marks"]["overclocked"], true);
  EXPECT_EQ(faster["tech"]["marks"]["vector_overclocked"], true);
  const ProcessResult text = bitsmith({"run", edge, "--gemm", "8x8x8", "--set", "clock_ghz=2"});
  EXPECT_THAT(text.output, HasSubstr("critical path does not allow the 2 GHz asked for"));
}

// The same GEMM in the memory system: SystemC with values, the fast twin, the optimist; a timeline
// and a waveform beside the answer.
TEST_F(Cli, RunInEveryEngine) {
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> command = {"run", edge_, "--gemm", "40x40x64", "--json", "-"};
    command.insert(command.end(), more.begin(), more.end());
    const ProcessResult result = bitsmith(command);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return json::parse(result.output);
  };
  const json tile = run({"--timeline", "tile.json"});
  const json cycle = run({"--engine", "cycle", "--timeline", "cycle.json", "--wave", "w.fst"});
  const json roofline = run({"--engine", "roofline"});
  EXPECT_EQ(tile["total"], cycle["total"]);
  EXPECT_EQ(tile["system_actions"], cycle["system_actions"]);
  EXPECT_EQ(cycle["checked"]["values_compared"], 1600);
  EXPECT_EQ(cycle["checked"]["mismatches"], 0);
  EXPECT_TRUE(tile["checked"].is_null());
  EXPECT_LT(roofline["total"]["cycles"], tile["total"]["cycles"]);
  EXPECT_TRUE(roofline["actions"].is_null());
  // The same events; the engines note them in orders of their own.
  const auto events = [&](const char* name) {
    const json timeline = json::parse(read_file(folder() / name, 1U << 20));
    std::multiset<std::string> all;
    for (const json& event : timeline["traceEvents"]) all.insert(event.dump());
    return all;
  };
  EXPECT_EQ(events("tile.json"), events("cycle.json"));
  EXPECT_GT(events("tile.json").size(), 20U);
  EXPECT_GT(fs::file_size(folder() / "w.fst"), 1000U);
}

TEST_F(Cli, RunKeepsTheIdentitiesForLlama2) {
  for (const std::string phase : {"prefill", "decode"}) {
    const ProcessResult result =
        bitsmith({"run", accelerator_, "--workload", model_, "--phase", phase, "--json", "-"});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const json run = json::parse(result.output);
    const json& total = run["total"];
    const auto stalls = [](const json& row) {
      std::uint64_t sum = 0;
      for (const auto& [cause, cycles] : row["stall_cycles"].items())
        sum += cycles.get<std::uint64_t>();
      return sum;
    };
    EXPECT_EQ(run["operators"].size(), 10U);
    std::uint64_t cycles = 0, macs = 0;
    for (const json& row : run["operators"]) {
      EXPECT_EQ(row["cycles"].get<std::uint64_t>(),
                row["array_cycles"].get<std::uint64_t>() + stalls(row));
      cycles += row["cycles"].get<std::uint64_t>();
      macs += row["macs"].get<std::uint64_t>();
    }
    EXPECT_EQ(total["cycles"], cycles);
    EXPECT_EQ(total["macs"], macs);
    std::uint64_t pe_cycles = 0;
    for (const auto& [name, count] : run["pe_cycles"].items())
      pe_cycles += count.get<std::uint64_t>();
    EXPECT_EQ(pe_cycles, 256 * cycles);
    EXPECT_EQ(run["actions"]["mac"], macs);
    EXPECT_DOUBLE_EQ(total["utilization"],
                     static_cast<double>(macs) / (256.0 * static_cast<double>(cycles)));
    EXPECT_DOUBLE_EQ(total["seconds"],
                     static_cast<double>(cycles) / (run["clock_ghz"].get<double>() * 1e9));
  }
}

TEST_F(Cli, RunPrintsATableAndWritesTheFilesAskedFor) {
  const ProcessResult result =
      bitsmith({"run", accelerator_, "--gemm", "16x16x16", "--json", "a.json", "--out", "out"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("utilization"));
  EXPECT_THAT(result.output, HasSubstr("drain_shift"));
  EXPECT_EQ(read_file(folder() / "a.json", 1 << 20), read_file(folder() / "out/run.json", 1 << 20));
}

TEST_F(Cli, OverridesReachTheDesign) {
  const ProcessResult result =
      bitsmith({"run", accelerator_, "--gemm", "128x128x128", "--set", "design.drain=serial",
                "--set", "clock_ghz=0.5", "--set", "technology.name=none", "--json", "-"});
  const json run = json::parse(result.output);
  EXPECT_EQ(run["total"]["cycles"], 64 * (128 + 47) + 2);
  EXPECT_DOUBLE_EQ(run["total"]["seconds"], (64 * (128 + 47) + 2) / 0.5e9);
}

// The user's mistakes: exit code 2, a located message, and no file.
TEST_F(Cli, MistakesAreLocatedAndWriteNothing) {
  const fs::path binary = write("binary.yaml", std::string("\x7f"
                                                           "ELF\0\0",
                                                           6));
  const fs::path empty = write("empty.yaml", "");
  const fs::path loop = write("loop.yaml", "design: &a [*a]\n");
  const fs::path typo =
      write("typo.yaml", "design: systolic\nrow: 4\ncols: 0\ncols: 4\nweight: int88\n");
  const std::size_t files_before = files();
  struct Case {
    std::vector<std::string> arguments;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{"run", "missing.yaml", "--gemm", "1x1x1"}, "missing.yaml: cannot open"},
      {{"run", folder().string(), "--gemm", "1x1x1"}, "is a folder"},
      {{"run", binary.string(), "--gemm", "1x1x1"}, "binary.yaml:1:1: not a text file"},
      {{"run", empty.string(), "--gemm", "1x1x1"}, "empty.yaml: the file is empty"},
      {{"run", loop.string(), "--gemm", "1x1x1"}, "loop.yaml:1:"},
      {{"verify", typo.string()}, "typo.yaml:2:1: unknown parameter 'row' (did you mean 'rows'?)"},
      {{"run", accelerator_, "--gemm", "0x1x1"}, "--gemm 0x1x1: M is '0'"},
      {{"run", accelerator_, "--gemm", "1x-1x1"}, "N is '-1'"},
      {{"run", accelerator_, "--gemm", "4611686018427387904x1x1"}, "M is '4611686018427387904'"},
      {{"run", accelerator_, "--gemm", "1099511627776x1099511627776x65536"}, "more PE-cycles than"},
      {{"run", accelerator_, "--gemm", "1x1x1000000"}, "exact up to K = 131071"},
      {{"run", accelerator_}, "give one workload"},
      {{"run", accelerator_, "--gemm", "1x1x1", "--workload", model_}, "give one workload"},
      {{"run", accelerator_, "--workload", model_, "--seq", "0"},
       "--seq: expected an integer in 1..16777216, found '0'"},
      {{"run", accelerator_, "--workload", model_, "--phase", "prefil"}, "did you mean 'prefill'?"},
      {{"run", accelerator_, "--gemm", "1x1x1", "--engine", "cycle"},
       "cycle and roofline and a timeline need a memory"},
      {{"run", edge_, "--gemm", "1x1x1", "--engine", "cylce"}, "unknown engine 'cylce'"},
      {{"run", edge_, "--gemm", "1x1x1", "--array", "rtl"}, "--array rtl: needs --engine cycle"},
      {{"run", edge_, "--gemm", "1x1x1", "--wave", "w.fst"}, "--wave: needs --engine cycle"},
      {{"run", edge_, "--gemm", "1x1x1", "--engine", "roofline", "--timeline", "t.json"},
       "a roofline has no events"},
      {{"run", edge_, "--gemm", "1x1x1", "--timeline", "out.json"}, "is the file of --json, too"},
      {{"run", edge_, "--gemm", "1x1x1", "--timeline", "-"}, "only --json goes to standard output"},
      {{"run", edge_, "--gemm", "16x16x16", "--set", "result_buffer.capacity_bytes=2047"},
       "capacity_bytes: 2048 would do"},
      {{"run", accelerator_, "--gemm", "1x1x1", "--set", "design.rows=257"},
       "--set design.rows=257: 'rows': expected an integer in 1..256"},
      {{"run", accelerator_, "--gemm", "1x1x1", "--set", "desing.rows=2"},
       "unknown parameter 'desing' (did you mean 'design'?)"},
      {{"verify", shipped("configs/designs/systolic/int8_4x4.yaml"), "--cycles", "0"},
       "--cycles: expected an integer"},
      {{"synth", shipped("configs/designs/systolic/int8_4x4.yaml"), "--liberty", typo.string()},
       "not a Liberty file"},
      {{"verify", accelerator_}, "systolic_int8_16x16.yaml:3:9: this is an accelerator's file"},
      {{"run", accelerator_, "--gemm", "1x1x1", "--phase", "decode"}, "--gemm excludes --phase"},
      {{"run", "nope.yaml", "--gemm", "1x0x1"}, "N is '0'"},
      {{"describe", "systolik"}, "did you mean 'systolic'?"},
      {{"verfy", "x.yaml"},
       "unknown command 'verfy' (did you mean 'verify'?); allowed: run, compare, sweep, report, "
       "verify, synth, "
       "trace, perplexity, reproduce, describe"},
      {{}, "subcommand is required"},
  };
  for (Case c : cases) {
    if (!c.arguments.empty() && c.arguments[0] != "describe" && c.arguments[0] != "verfy") {
      c.arguments.insert(c.arguments.end(), {"--json", "out.json"});
    }
    const ProcessResult result = bitsmith(c.arguments);
    EXPECT_EQ(result.exit_code, 2) << testing::PrintToString(c.arguments) << "\n" << result.output;
    EXPECT_THAT(result.output, HasSubstr(c.message)) << testing::PrintToString(c.arguments);
  }
  EXPECT_EQ(files(), files_before);
}

TEST_F(Cli, AllMistakesOfAFileComeAtOnce) {
  const fs::path file =
      write("d.yaml", "design: systolic\nrow: 4\ncols: 0\nweight: int88\ncols: 4\ndrain: 'x'\n");
  const std::string output = bitsmith({"verify", file.string()}).output;
  for (const std::string place :
       {"d.yaml:2:1:", "d.yaml:3:7:", "d.yaml:4:9:", "d.yaml:5:1:", "d.yaml:6:8:"}) {
    EXPECT_THAT(output, HasSubstr(place));
  }
}

TEST_F(Cli, FullDiskIsTheUsersProblemToKnow) {
  const ProcessResult result =
      bitsmith({"run", accelerator_, "--gemm", "1x1x1", "--json", "/dev/full"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("/dev/full: cannot write: No space left on device"));
}

// Output that cannot be is refused before the work, and what was asked for in vain is not half
// done.
TEST_F(Cli, OutputsAreJudgedFirst) {
  const fs::path design = write("d.yaml", "design: systolic\nrows: 2\ncols: 2\n");
  const std::size_t files_before = files();
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"run", accelerator_, "--gemm", "1x1x1", "--json", "new/"}, "--json new/: is a folder"},
      {{"run", accelerator_, "--gemm", "1x1x1", "--json", "a.json", "--out", "d.yaml"},
       "is no folder"},
      {{"run", accelerator_, "--gemm", "1x1x1", "--json", accelerator_},
       "is a file that this command reads"},
      {{"verify", design.string(), "--wave", "d.yaml"}, "is a file that this command reads"},
      {{"verify", design.string(), "--wave", folder().string()}, "is a folder"},
      {{"verify", design.string(), "--wave", "/dev/full", "--cycles", "10"}, "is no regular file"},
      {{"synth", design.string(), "--json", "d.yaml/x"}, "is no folder"},
  };
  for (const auto& [arguments, message] : cases) {
    const ProcessResult result = bitsmith(arguments);
    EXPECT_EQ(result.exit_code, 2) << testing::PrintToString(arguments) << result.output;
    EXPECT_THAT(result.output, HasSubstr(message));
  }
  EXPECT_EQ(files(), files_before);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(Cli, OptionsMayComeBeforeFilesAndNamesNeedNoUtf8) {
  const fs::path design = write("\xff.yaml", "design: systolic\nrows: 4\ncols: 4\n");
  const ProcessResult result =
      bitsmith({"verify", "--set", "rows=4", design.string(), "--cycles", "2000", "--json", "-"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(json::parse(result.output)["designs"][0]["mismatches"], 0);
}

TEST_F(Cli, EnvironmentThatDoesNotWorkIsTheUsersMistake) {
  const std::string config = shipped("configs/designs/systolic/int8_4x4.yaml");
  for (const std::string variable : {"TMPDIR", "BITSMITH_HOME", "BITSMITH_CACHE"}) {
    const ProcessResult result = run_process(
        {"env", variable + "=/dev/null/x", BITSMITH_BINARY, "verify", config}, folder());
    EXPECT_EQ(result.exit_code, 2) << variable << "\n" << result.output;
  }
}

TEST_F(Cli, WaveIsWritten) {
  const std::string config = shipped("configs/designs/systolic/int8_4x4.yaml");
  const ProcessResult result =
      bitsmith({"verify", config, "--cycles", "2000", "--wave", "w.fst", "--json", "v.json"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_GT(fs::file_size(folder() / "w.fst"), 1000U);
  EXPECT_EQ(json::parse(read_file(folder() / "v.json", 1 << 20))["designs"][0]["wave"], "w.fst");
  EXPECT_EQ(files(), 2U);
}

TEST_F(Cli, InterruptEndsALongRunWithoutLeftovers) {
  const std::string config = shipped("configs/designs/systolic/int8_4x4.yaml");
  ASSERT_EQ(bitsmith({"verify", config, "--cycles", "2000", "--wave", "w.fst"}).exit_code,
            0);  // built
  fs::remove(folder() / "w.fst");
  const ProcessResult result =
      run_process({"timeout", "-s", "INT", "1", BITSMITH_BINARY, "verify", config, "--cycles",
                   "1000000000", "--wave", "w.fst", "--json", "v.json"},
                  folder());
  EXPECT_EQ(result.exit_code, 124);  // timeout's own; the command had to be ended
  EXPECT_THAT(result.output, HasSubstr("interrupted"));
  EXPECT_EQ(files(), 0U);
}

TEST_F(Cli, VerifyComparesAndSaysHowMuch) {
  const std::string config = shipped("configs/designs/systolic/int8_4x4.yaml");
  const ProcessResult result =
      bitsmith({"verify", config, "--cycles", "3000", "--seed", "5", "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const json row = json::parse(result.output)["designs"][0];
  EXPECT_EQ(row["config"], config);
  EXPECT_EQ(row["cycles_compared"], 3000);
  EXPECT_EQ(row["ports_compared"], 15000);
  EXPECT_GT(row["values_compared"], 100);
  EXPECT_EQ(row["mismatches"], 0);
  EXPECT_EQ(row["seed"], 5);
}

// Too few cycles for any result: no comparison, no success.
TEST_F(Cli, NothingComparedIsAFailure) {
  const ProcessResult result =
      bitsmith({"verify", shipped("configs/designs/systolic/int8_4x4.yaml"), "--cycles", "3"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("no result was compared"));
}

// The name says Verify so that quick runs leave it out: it synthesises.
TEST_F(Cli, SynthEnergyVerifyPartsSum) {
  const ProcessResult result =
      bitsmith({"synth", shipped("configs/designs/systolic/int8_4x4.yaml"), "--set", "rows=1",
                "--set", "cols=1", "--set", "activation=int2", "--set", "weight=int2", "--set",
                "accumulator_bits=6", "--energy", "--again", "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const json report = json::parse(result.output);
  EXPECT_THAT(report["provenance"]["iverilog"].get<std::string>(), HasSubstr("Icarus Verilog"));
  const json modules = report["designs"][0]["modules"];
  ASSERT_EQ(modules.size(), 2U);
  for (const json& module : modules) {
    const json& energy = module["energy_pj"];
    for (const char* operands : {"uniform", "normal", "llm", "zero"}) {
      const json& record = energy[operands]["mac"];
      EXPECT_GE(record["cycles"], module["name"] == "systolic_os_pe" ? 500 : 250);
      // The lone PE is measured among others; its edge knows no padding.
      EXPECT_EQ(energy[operands]["pad"].is_null(), module["name"] != "systolic_os_pe");
      EXPECT_GE(record["period_ps"], module["critical_path_ps"]);
      EXPECT_NEAR(record["pj_per_cycle"].get<double>(),
                  record["switching_pj"].get<double>() + record["internal_pj"].get<double>() +
                      record["clock_and_registers_pj"].get<double>() +
                      record["leakage_pj"].get<double>(),
                  1e-9);
    }
    EXPECT_GT(energy["uniform"]["mac"]["switching_pj"], energy["zero"]["mac"]["switching_pj"]);
    // Over ten flip-flops of 0.2 pJ.
    EXPECT_GT(energy["zero"]["stalled"]["clock_and_registers_pj"], 1.0);
  }
}

TEST_F(Cli, DescribeComesFromTheOneDeclaration) {
  const ProcessResult result = bitsmith({"describe", "systolic"});
  EXPECT_EQ(result.exit_code, 0);
  for (const std::string word :
       {"accumulator_bits", "4..48", "serial | overlapped", "DrainOverlapped", "PEs",
        "activation: format of the activations; int2 | int3"}) {
    EXPECT_THAT(result.output, HasSubstr(word));
  }
}

TEST_F(Cli, DescribeKnowsTheOtherFilesToo) {
  const ProcessResult accelerator = bitsmith({"describe", "accelerator"});
  EXPECT_EQ(accelerator.exit_code, 0);
  for (const std::string word : {"clock_ghz", "fuse_dequantize", "map 'weight_buffer'",
                                 "capacity_bytes", "softmax_passes", "m_outer | n_outer"}) {
    EXPECT_THAT(accelerator.output, HasSubstr(word));
  }
  EXPECT_THAT(accelerator.output, Not(HasSubstr("bandwidth_gb_s")));
  const ProcessResult memory = bitsmith({"describe", "memory"});
  EXPECT_EQ(memory.exit_code, 0);
  for (const std::string word : {"bandwidth_gb_s", "latency_ns", "access_bytes", "1e9 byte/s"}) {
    EXPECT_THAT(memory.output, HasSubstr(word));
  }
  EXPECT_THAT(bitsmith({"describe"}).output, HasSubstr("bitsmith describe memory"));
}

}  // namespace
}  // namespace bitsmith
