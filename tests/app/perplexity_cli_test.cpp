// `bitsmith perplexity`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/file.h"
#include "common/process.h"
#include "support/hand_made_llama.h"

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class PerplexityCli : public testing::Test {
 protected:
  PerplexityCli() {
    two_feature_model().write(folder_.path());
    write_file_atomically(tokens_, "0 1 1 0\n1 1 0 0 1\n");
  }
  ProcessResult perplexity(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {BITSMITH_BINARY, "perplexity"});
    return run_process(arguments, folder_.path());
  }
  static std::string shipped(const std::string& path) { return (home_folder() / path).string(); }
  std::string model() const { return folder_.path().string(); }
  std::string file(const std::string& name) const { return (folder_.path() / name).string(); }

 private:
  TemporaryFolder folder_{std::filesystem::temp_directory_path()};

 protected:
  const std::string tokens_ = (folder_.path() / "tokens").string();
};

TEST_F(PerplexityCli, EveryQuantizationOnEveryDesign) {
  const std::string array = shipped("configs/designs/systolic/int8_4x4.yaml");
  const ProcessResult result = perplexity(
      {model(), "--tokens", tokens_, "--window", "4", "--quant", shipped("configs/quant/w8a8.yaml"),
       shipped("configs/quant/fp16.yaml"), "--design", array, "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const json found = json::parse(result.output);
  EXPECT_EQ(found["schema"], "bitsmith.perplexity/1");
  EXPECT_EQ(found["tokens"], 9);
  EXPECT_EQ(found["windows"], 2);  // the ninth token is alone
  EXPECT_EQ(found["predicted"], 6);
  EXPECT_EQ(found["bytes"], false);
  const json& results = found["results"];
  ASSERT_EQ(results.size(), 5U);
  const std::vector<std::string> quantizations = {"fp32", "w8a8", "w8a8", "fp16", "fp16"};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(results[i]["quantization"], quantizations[i]);
    EXPECT_EQ(results[i]["design"], i == 2 || i == 4 ? json(array) : json(nullptr));
    EXPECT_NEAR(results[i]["perplexity"].get<double>() - results[0]["perplexity"].get<double>(),
                results[i]["difference"].get<double>(), 1e-12);
    EXPECT_EQ(results[i].contains("gemms"), i == 2 || i == 4);
  }
  EXPECT_NE(results[1]["difference"], 0);
  // What the design does not compute is computed as without it.
  EXPECT_EQ(results[4]["perplexity"], results[3]["perplexity"]);
  ASSERT_EQ(results[4]["gemms"].size(), 10U);
  EXPECT_THAT(results[4]["gemms"][0]["why_not"].get<std::string>(), HasSubstr("do not fit"));
  for (const json& gemm : results[2]["gemms"]) EXPECT_EQ(gemm["by_design"], true);
}

TEST_F(PerplexityCli, CalibratesWithAnotherText) {
  const std::string quantization = shipped("configs/quant/llm_int8.yaml");
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {model(), "--tokens", tokens_, "--window", "4"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return perplexity(arguments);
  };
  write_file_atomically(file("other"), "1 1 0 0 0 1 0 1 1 1\n");
  const ProcessResult good =
      run({"--quant", quantization, "--calibrate", file("other"), "--json", "-"});
  ASSERT_EQ(good.exit_code, 0) << good.output;
  const json found = json::parse(good.output);
  EXPECT_EQ(found["results"][1]["quantization"], "llm_int8");
  EXPECT_EQ(found["calibration"], json({{"file", file("other")}, {"tokens", 10}}));
  EXPECT_EQ(json::parse(run({"--json", "-"}).output)["calibration"], json(nullptr));
  const ProcessResult none = run({"--quant", quantization});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.output, HasSubstr("quantization 'llm_int8' needs a calibration"));
  const ProcessResult same = run({"--quant", quantization, "--calibrate", tokens_});
  EXPECT_EQ(same.exit_code, 2);
  EXPECT_THAT(same.output, HasSubstr("are the same, or one is part of the other"));
  const ProcessResult useless =
      run({"--quant", shipped("configs/quant/w8a8.yaml"), "--calibrate", file("other")});
  EXPECT_EQ(useless.exit_code, 2);
  EXPECT_THAT(useless.output, HasSubstr("no --quant has a method that needs a calibration"));
}

// A prefill at once attends before KIVI quantizes: nothing to measure, and both results say so.
// Whichever is longer: 8 windows of 4 tokens calibrate.
TEST_F(PerplexityCli, ATextDoesNotCalibrateItself) {
  std::string numbers;
  for (int i = 0; i < 60; ++i) numbers += i * i % 7 < 3 ? "0 " : "1 ";
  write_file_atomically(file("text"), numbers);
  for (const char* limit : {"20", "32", "50"}) {
    const ProcessResult result =
        perplexity({model(), "--tokens", file("text"), "--limit", limit, "--window", "4", "--quant",
                    shipped("configs/quant/llm_int8.yaml"), "--calibrate", file("text")});
    EXPECT_EQ(result.exit_code, 2) << limit;
    EXPECT_THAT(result.output, HasSubstr("one is part of the other")) << limit;
  }
}

TEST_F(PerplexityCli, ATokenThatSeesOnlyItselfIsRefused) {
  HandMadeModel narrow = two_feature_model();
  narrow.config["model_type"] = "mistral";
  narrow.config["sliding_window"] = 1;
  narrow.write(model());
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--window", "2"}}) {
    std::vector<std::string> arguments = {model(), "--tokens", tokens_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProcessResult result = perplexity(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, HasSubstr("a token sees only itself"));
  }
}

TEST_F(PerplexityCli, ATokenThatSeesOnlyItselfIsNotCalibratedFor) {
  HandMadeModel narrow = random_byte_model();
  narrow.config["model_type"] = "mistral";
  narrow.config["sliding_window"] = 1;
  narrow.write(model());
  write_file_atomically(file("text"), "Bits");
  const auto trace = [&](const std::string& quantization) {
    return run_process({BITSMITH_BINARY, "trace", model(), "--quant",
                        shipped("configs/quant/" + quantization + ".yaml"), "--text", file("text"),
                        "-o", file("t")},
                       model());
  };
  EXPECT_EQ(trace("w8a8").exit_code, 0);
  const ProcessResult result = trace("llm_int8");
  EXPECT_EQ(result.exit_code, 2) << result.output;
  EXPECT_THAT(result.output, HasSubstr("a token sees only itself"));
}

// One head's scores of 2^20 tokens: 4 x 2^40 bytes.
TEST_F(PerplexityCli, AWindowThatNoMemoryHoldsIsRefused) {
  std::string numbers;
  for (int i = 0; i < 1 << 20; ++i) numbers += "0 ";
  write_file_atomically(file("long"), numbers);
  const ProcessResult result =
      perplexity({model(), "--tokens", file("long"), "--window", std::to_string(1 << 20)});
  EXPECT_EQ(result.exit_code, 2) << result.output;
  EXPECT_THAT(result.output, HasSubstr("the attention's scores of 1 windows of 1048576 tokens take "
                                       "4398.0 GB of memory"));
}

TEST_F(PerplexityCli, ACacheThatIsOnlyStoredIsNamed) {
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {model(),
                                          "--tokens",
                                          tokens_,
                                          "--quant",
                                          shipped("configs/quant/kivi_2bit.yaml"),
                                          shipped("configs/quant/fp16.yaml")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProcessResult result = perplexity(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return result.output;
  };
  EXPECT_THAT(run({}),
              HasSubstr("\nkivi_2bit: attention_qk, attention_pv: stored_only, in fp16 here\n"));
  const json results = json::parse(run({"--json", "-"}))["results"];
  EXPECT_EQ(results[1]["stored_only"], json({"attention_qk", "attention_pv"}));
  EXPECT_FALSE(results[2].contains("stored_only"));
  EXPECT_EQ(results[1]["perplexity"], results[2]["perplexity"]);
}

TEST_F(PerplexityCli, TheTableSaysWhatADesignDoesNotCompute) {
  const ProcessResult result = perplexity({model(), "--tokens", tokens_, "--limit", "3", "--quant",
                                           shipped("configs/quant/bitnet_b1.58.yaml"), "--design",
                                           shipped("configs/designs/systolic/int8_4x4.yaml")});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("2 of 3 tokens predicted in 1 windows of 256"));
  EXPECT_THAT(result.output, HasSubstr("7 of 10"));
  EXPECT_THAT(result.output, HasSubstr("dequantized, in FP32: attention_pv, attention_qk, lm_head: "
                                       "fp16 activations and fp16 weights do not fit"));
}

TEST_F(PerplexityCli, StatisticsOfEveryOperator) {
  const ProcessResult result =
      perplexity({model(), "--tokens", tokens_, "--statistics", "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const json activations = json::parse(result.output)["activations"];
  ASSERT_EQ(activations.size(), 10U);
  EXPECT_EQ(activations[0]["operator"], "layer.0.q_proj");
  // Nine tokens (1, 1) or (1, -1).
  EXPECT_EQ(activations[0]["count"], 18);
  EXPECT_NEAR(activations[0]["largest_over_rms"].get<double>(), 1, 1e-6);
  EXPECT_EQ(activations[9]["operator"], "lm_head");
  EXPECT_THAT(perplexity({model(), "--tokens", tokens_, "--statistics"}).output,
              HasSubstr("layer.0.attention_pv"));
}

// A text's trace: verify and run take what was recorded.
TEST_F(PerplexityCli, ARecordedTraceReachesTheArrays) {
  random_byte_model().write(model());
  write_file_atomically(file("text"), "Bits and pieces of a text");
  const std::vector<std::string> start = {BITSMITH_BINARY, "trace", model(), "--quant",
                                          shipped("configs/quant/w8a8.yaml")};
  const auto trace = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = start;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_process(arguments, model());
  };
  const ProcessResult written = trace({"--text", file("text"), "--seq", "9", "-o", file("t")});
  ASSERT_EQ(written.exit_code, 0) << written.output;
  EXPECT_THAT(written.output, HasSubstr("recorded operands"));
  EXPECT_THAT(written.output, HasSubstr("layer.1.head.1.attention_pv"));
  const ProcessResult verified =
      run_process({BITSMITH_BINARY, "verify", shipped("configs/designs/systolic/int8_4x4.yaml"),
                   "--trace", file("t"), "--cycles", "3000"},
                  model());
  EXPECT_EQ(verified.exit_code, 0) << verified.output;
  const ProcessResult ran = run_process(
      {BITSMITH_BINARY, "run", shipped("configs/accelerators/systolic_int8_16x16_edge.yaml"),
       "--trace", file("t"), "--engine", "cycle"},
      model());
  EXPECT_EQ(ran.exit_code, 0) << ran.output;

  // One token is too few to calibrate in windows of its size; the text that ships is named.
  const ProcessResult calibrated = run_process(
      {BITSMITH_BINARY, "trace", model(), "--quant", shipped("configs/quant/llm_int8.yaml"),
       "--text", file("text"), "--seq", "1", "-o", file("c")},
      model());
  ASSERT_EQ(calibrated.exit_code, 0) << calibrated.output;
  EXPECT_EQ(SafetensorsFile(file("c")).metadata().at("calibration"),
            shipped("workloads/trained/bytes-llama/calibration.txt"));
  EXPECT_FALSE(SafetensorsFile(file("t")).metadata().contains("calibration"));

  const auto mistake = [&](const std::vector<std::string>& more) {
    const ProcessResult result = trace(more);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    return result.output;
  };
  EXPECT_THAT(mistake({"--text", file("text"), "--seq", "99", "-o", file("t")}),
              HasSubstr("has 25 bytes, 99 are asked for"));
  EXPECT_THAT(mistake({"--text", file("text"), "--phase", "decode", "-o", file("t")}),
              HasSubstr("a text is one prefill at once"));
  EXPECT_THAT(mistake({"--text", file("text"), "-o", file("text")}),
              HasSubstr("is a file that this command reads"));
}

TEST_F(PerplexityCli, MistakesAreNamed) {
  const auto mistake = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), model());
    const ProcessResult result = perplexity(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    return result.output;
  };
  EXPECT_THAT(mistake({}), HasSubstr("give either --text FILE or --tokens FILE"));
  EXPECT_THAT(mistake({"--text", tokens_}), HasSubstr("Bitsmith has no tokenizer"));
  EXPECT_THAT(mistake({"--tokens", tokens_, "--window", "1"}), HasSubstr("--window: expected"));
  EXPECT_THAT(mistake({"--tokens", tokens_, "--limit", "1"}), HasSubstr("--limit: expected"));
  EXPECT_THAT(mistake({"--tokens", file("none")}), HasSubstr("none"));
  EXPECT_THAT(mistake({"--tokens", tokens_, "--design", tokens_}), HasSubstr("add --quant"));
  EXPECT_THAT(mistake({"--tokens", tokens_, "--set", "rows=4"}), HasSubstr("add --design"));
  EXPECT_THAT(mistake({"--tokens", tokens_, "--json", tokens_}),
              HasSubstr("is a file that this command reads"));
  write_file_atomically(file("far"), "0 7");
  EXPECT_THAT(mistake({"--tokens", file("far")}), HasSubstr("token 1 is 7"));
}

}  // namespace
}  // namespace bitsmith
