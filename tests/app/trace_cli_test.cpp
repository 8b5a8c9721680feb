// `bitsmith trace`, and what consumes its files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/file.h"
#include "common/process.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class TraceCli : public testing::Test {
 protected:
  ProcessResult bitsmith(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), BITSMITH_BINARY);
    return run_process(arguments, folder_.path());
  }
  static std::string shipped(const std::string& path) { return (home_folder() / path).string(); }
  std::string file() const { return (folder_.path() / "t.safetensors").string(); }
  ProcessResult trace(const std::string& quantization) const {
    return bitsmith(
        {"trace", deit_, "--quant", shipped("configs/quant/" + quantization), "-o", file()});
  }

  const std::string deit_ = shipped("workloads/models/deit-s.yaml");
  const std::string tiny_ = shipped("tests/system/tiny_llama.yaml");
  const std::string int8_ = shipped("configs/accelerators/systolic_int8_16x16.yaml");

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

TEST_F(TraceCli, RunOfATraceEqualsRunOfItsModel) {
  const ProcessResult written = trace("w8a8.yaml");
  ASSERT_EQ(written.exit_code, 0) << written.output;
  EXPECT_THAT(written.output, HasSubstr("deit-s in w8a8"));
  const auto run = [&](const std::vector<std::string>& workload) {
    std::vector<std::string> arguments = {"run", int8_, "--json", "-"};
    arguments.insert(arguments.end(), workload.begin(), workload.end());
    const ProcessResult result = bitsmith(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return json::parse(result.output);
  };
  const json traced = run({"--trace", file()});
  const json direct = run({"--workload", deit_});
  EXPECT_EQ(traced["total"], direct["total"]);
  EXPECT_EQ(traced["operators"], direct["operators"]);
  EXPECT_EQ(traced["vector_operators"], direct["vector_operators"]);
  EXPECT_GT(traced["total"]["cycles"].get<std::uint64_t>(), 1000000U);
}

TEST_F(TraceCli, AnArrayThatCannotHoldTheCodesIsRefused) {
  ASSERT_EQ(trace("w4a16_g128.yaml").exit_code, 0);
  const ProcessResult run = bitsmith({"run", int8_, "--trace", file()});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.output, HasSubstr("operator 'q_proj' and 5 more: fp16 activations and int4 "
                                    "weights do not fit the design's int8 and int8 exactly"));
  const ProcessResult converted =
      bitsmith({"run", shipped("configs/accelerators/systolic_fp16_16x16_dequantise_edge.yaml"),
                "--trace", file()});
  EXPECT_EQ(converted.exit_code, 2);
  EXPECT_THAT(converted.output, HasSubstr("--set weight_converter=none"));
  // A mixture is no single format, whatever the array.
  ASSERT_EQ(trace("bitmod_fp3.yaml").exit_code, 0);
  const ProcessResult mixture = bitsmith(
      {"run", shipped("configs/accelerators/systolic_fp16_16x16.yaml"), "--trace", file()});
  EXPECT_EQ(mixture.exit_code, 2);
  EXPECT_THAT(mixture.output, HasSubstr("every group has a format of its own (BitMoD)"));
  ASSERT_EQ(trace("w4a16_g128.yaml").exit_code, 0);
  // An FP16 array holds both.
  EXPECT_EQ(
      bitsmith({"run", shipped("configs/accelerators/systolic_fp16_16x16.yaml"), "--trace", file()})
          .exit_code,
      0);
}

TEST_F(TraceCli, VerifyUsesItsOperands) {
  ASSERT_EQ(trace("w8a8.yaml").exit_code, 0);
  const ProcessResult result =
      bitsmith({"verify", shipped("configs/designs/systolic/int8_4x4.yaml"),
                shipped("configs/designs/systolic/int8_4x4_ws.yaml"), "--trace", file(), "--cycles",
                "30000", "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  for (const json& design : json::parse(result.output)["designs"]) {
    EXPECT_EQ(design["mismatches"], 0);
    EXPECT_GT(design["values_compared"], 100);
  }
}

// Codes, scales and special values from the file through DRAM and buffers into the array; results
// are compared with golden.
TEST_F(TraceCli, ScalesOfATraceReachTheArray) {
  const ProcessResult written =
      bitsmith({"trace", tiny_, "--quant", shipped("configs/quant/bitmod_fp4_all.yaml"), "--seq",
                "9", "-o", file()});
  ASSERT_EQ(written.exit_code, 0) << written.output;
  const std::string edge = shipped("configs/accelerators/bit_serial_fp4_8x8_edge.yaml");
  const auto run = [&](const std::vector<std::string>& engine) {
    std::vector<std::string> arguments = {"run", edge, "--trace", file(), "--json", "-"};
    arguments.insert(arguments.end(), engine.begin(), engine.end());
    const ProcessResult result = bitsmith(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return json::parse(result.output);
  };
  // With zero terms skipped, codes and special values decide the cycles, too; a step of few weights
  // is often without any.
  std::vector<json> totals;
  for (const std::string skip : {"false", "true"}) {
    const std::string option = "design.skip_zero_terms=" + skip;
    std::vector<std::string> options = {"--set",          "design.cols=1", "--set",
                                        "design.lanes=1", "--set",         option};
    const json tile = run(options);
    options.insert(options.end(), {"--engine", "cycle"});
    const json cycle = run(options);
    EXPECT_EQ(tile["total"], cycle["total"]);
    EXPECT_EQ(tile["actions"], cycle["actions"]);
    EXPECT_EQ(cycle["checked"]["mismatches"], 0);
    EXPECT_GT(cycle["checked"]["values_compared"], 1000);
    totals.push_back(tile["total"]["array_cycles"]);
  }
  EXPECT_GT(totals[0], totals[1]);
  const ProcessResult other =
      bitsmith({"run", edge, "--set", "design.weight=fp3", "--trace", file()});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.output, HasSubstr("which takes {format: fp3, method: bitmod,"));
}

TEST_F(TraceCli, VerifyUsesItsScales) {
  ASSERT_EQ(bitsmith({"trace", tiny_, "--quant", shipped("configs/quant/bitmod_fp4_all.yaml"),
                      "--seq", "9", "-o", file()})
                .exit_code,
            0);
  const ProcessResult verified =
      bitsmith({"verify", shipped("configs/designs/bit_serial/fp4_4x4.yaml"), "--set", "group=128",
                "--trace", file(), "--cycles", "30000"});
  EXPECT_EQ(verified.exit_code, 0) << verified.output;
}

// GEMMs smaller than a measured tile, too.
TEST_F(TraceCli, VerifySynthComparesClassesWithATrace) {
  ASSERT_EQ(bitsmith({"trace", tiny_, "--quant", shipped("configs/quant/w8a8.yaml"), "--seq", "9",
                      "-o", file()})
                .exit_code,
            0);
  const std::string design = shipped("configs/designs/systolic/int8_4x4.yaml");
  const std::string answer = file() + ".json";
  const ProcessResult synth = bitsmith(
      {"synth", design, "--tech", "osu018", "--trace", file(), "--json", answer, "--jobs", "2"});
  ASSERT_EQ(synth.exit_code, 0) << synth.output;
  EXPECT_THAT(synth.output, HasSubstr("int8_4x4.yaml: measuring systolic_os_pe under "));
  EXPECT_THAT(synth.output, HasSubstr("all of these, by MACs"));
  const json row = json::parse(read_file(answer, std::size_t{1} << 20))["designs"][0];
  const json& of_trace = row["trace"];
  EXPECT_EQ(of_trace["module"], "systolic_os_pe");
  EXPECT_EQ(of_trace["gemms"].size(), of_trace["gemms_that_fit"]);
  EXPECT_EQ(of_trace["gemms_in_trace"], of_trace["gemms_that_fit"]);
  EXPECT_GT(of_trace["gemms"].size(), 5U);
  const json& record =
      row["modules"][0]["energy_pj"][of_trace["operand_class"].get<std::string>()]["mac"];
  const double charged = of_trace["record_pj_per_mac_cycle"];
  EXPECT_NEAR(charged,
              record["switching_pj"].get<double>() + record["internal_pj"].get<double>() +
                  record["clock_and_registers_pj"].get<double>(),
              1e-6);
  double macs = 0, measured = 0;
  for (const json& gemm : of_trace["gemms"]) {
    EXPECT_NEAR(gemm["error"].get<double>(), charged / gemm["pj_per_mac_cycle"].get<double>() - 1,
                1e-9);
    macs += gemm["macs"].get<double>();
    measured += gemm["macs"].get<double>() * gemm["pj_per_mac_cycle"].get<double>();
  }
  EXPECT_NEAR(of_trace["error"].get<double>(), macs * charged / measured - 1, 1e-9);

  const ProcessResult elsewhere = bitsmith({"synth", design, "--tech", "asap7", "--trace", file()});
  EXPECT_EQ(elsewhere.exit_code, 2);
  EXPECT_THAT(elsewhere.output, HasSubstr("--trace: needs the library of technology 'asap7'"));
  const ProcessResult other = bitsmith({"synth", shipped("configs/designs/systolic/int4_8x8.yaml"),
                                        "--tech", "osu018", "--trace", file()});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.output, HasSubstr("int4"));
  const ProcessResult none = bitsmith({"synth", design, "--tech", "osu018", "--trace", "none.st"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.output, HasSubstr("none.st"));
}

// Unsigned weights with scales and zero points of several groups, on both kinds of arrays that take
// them: in rows of their own, or beside the scale.
TEST_F(TraceCli, ZeroPointsOfATraceReachTheArray) {
  std::string text =
      read_file(shipped("configs/quant/w4a16_g128_zero_point_all.yaml"), std::size_t{1} << 16);
  const auto replace_all = [&](const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1)) {
      text.replace(at, from.size(), to);
    }
  };
  replace_all("group: 128", "group: 16");
  const auto run = [&](const std::string& accelerator, std::vector<std::string> options) {
    const std::string quantization = file() + ".yaml";
    write_file_atomically(quantization, text);
    const ProcessResult written =
        bitsmith({"trace", tiny_, "--quant", quantization, "--seq", "9", "-o", file()});
    EXPECT_EQ(written.exit_code, 0) << written.output;
    std::vector<std::string> arguments = {"run",   shipped("configs/accelerators/" + accelerator),
                                          "--set", "design.group=16",
                                          "--set", "design.activation=fp16",
                                          "--set", "design.weight=uint4"};
    arguments.insert(arguments.end(), {"--trace", file(), "--json", "-"});
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProcessResult result = bitsmith(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return json::parse(result.output);
  };
  for (const std::string accelerator :
       {"mixpe_fp16_uint4_16x16_edge.yaml", "lut_tensor_core_2x64x4_edge.yaml"}) {
    const json tile = run(accelerator, {});
    const json cycle = run(accelerator, {"--engine", "cycle"});
    EXPECT_EQ(tile["total"], cycle["total"]);
    EXPECT_EQ(tile["actions"], cycle["actions"]);
    EXPECT_EQ(cycle["checked"]["mismatches"], 0);
    EXPECT_GT(cycle["checked"]["values_compared"], 1000);
    replace_all("scale: fp16", "scale: int8");  // what the tables' scales are
  }
  // On an array of FP16 scales every GEMM is refused.
  const ProcessResult refused =
      bitsmith({"verify", shipped("configs/designs/mixpe/fp16_uint4_16x16.yaml"), "--set",
                "group=16", "--trace", file()});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.output, HasSubstr("which takes {format: uint4, method: zero_point, "
                                        "granularity: group, along: k, group: 16, scale: fp16}"));
}

TEST_F(TraceCli, VerifyUsesItsZeroPoints) {
  ASSERT_EQ(
      bitsmith({"trace", tiny_, "--quant", shipped("configs/quant/w4a16_g128_zero_point_all.yaml"),
                "--seq", "9", "-o", file()})
          .exit_code,
      0);
  const ProcessResult verified =
      bitsmith({"verify", shipped("configs/designs/mixpe/fp16_uint4_16x16.yaml"), "--set", "rows=2",
                "--set", "cols=2", "--trace", file(), "--cycles", "20000"});
  EXPECT_EQ(verified.exit_code, 0) << verified.output;
}

// 2^24 tokens: the attention alone is half a petabyte.
TEST_F(TraceCli, TooLargeForTheDiskIsSaidBeforeWriting) {
  const ProcessResult result =
      bitsmith({"trace", shipped("workloads/models/llama-2-7b.yaml"), "--quant",
                shipped("configs/quant/fp16.yaml"), "--seq", "16777216", "-o", file()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("the trace takes"));
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(TraceCli, MistakesOfAllInputsAtOnce) {
  const ProcessResult result =
      bitsmith({"trace", "nowhere.yaml", "--quant", "neither.yaml", "-o", file()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("nowhere.yaml"));
  EXPECT_THAT(result.output, HasSubstr("neither.yaml"));
  EXPECT_FALSE(fs::exists(file()));
  const ProcessResult decode =
      bitsmith({"trace", deit_, "--quant", shipped("configs/quant/fp16.yaml"), "--phase", "decode",
                "-o", file()});
  EXPECT_EQ(decode.exit_code, 2);
  EXPECT_THAT(decode.output, HasSubstr("deit-s is no decoder"));
  EXPECT_EQ(bitsmith({"run", int8_, "--trace", deit_}).exit_code, 2);
}

}  // namespace
}  // namespace bitsmith
