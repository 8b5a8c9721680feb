// Models of others on the command line: `run --workload` and `trace`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/file.h"
#include "common/process.h"
#include "support/gguf_bytes.h"
#include "support/tiny_llama.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class ImportCli : public testing::Test {
 protected:
  ImportCli() { write_tiny_llama(model()); }

  ProcessResult bitsmith(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), BITSMITH_BINARY);
    return run_process(arguments, folder_.path());
  }
  json run(const fs::path& workload) const {
    const ProcessResult result =
        bitsmith({"run", int8_, "--workload", workload.string(), "--seq", "5", "--json", "-"});
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return json::parse(result.output);
  }
  fs::path model() const { return folder_.path() / "tiny"; }
  static std::string shipped(const std::string& path) { return (home_folder() / path).string(); }

  const std::string int8_ = shipped("configs/accelerators/systolic_int8_16x16.yaml");

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

TEST_F(ImportCli, AFolderAConfigAndAGgufRunAlike) {
  const fs::path yaml = model() / "tiny.yaml";
  write_file_atomically(yaml,
                        "model: tiny\nhidden_size: 16\nnum_hidden_layers: 1\n"
                        "num_attention_heads: 2\nnum_key_value_heads: 1\nhead_dim: 8\n"
                        "intermediate_size: 24\nvocab_size: 10\ntie_word_embeddings: true\n"
                        "source: this test\n");
  GgufBytes gguf;
  gguf.add_text("general.architecture", "llama");
  for (const auto& [key, value] : {std::pair{"block_count", 1U},
                                   {"embedding_length", 16U},
                                   {"feed_forward_length", 24U},
                                   {"attention.head_count", 2U},
                                   {"attention.head_count_kv", 1U}}) {
    gguf.add_u32(fmt::format("llama.{}", key), value);
  }
  gguf.add_f32("llama.attention.layer_norm_rms_epsilon", 1e-6F);
  gguf.add_tensor("token_embd.weight", {16, 10}, kGgufF16, std::string(320, '\0'));
  const fs::path file = model() / "tiny.gguf";
  write_file_atomically(file, gguf.file());
  const json expected = run(yaml);
  EXPECT_GT(expected["total"]["cycles"].get<std::uint64_t>(), 100U);
  for (const fs::path& path : {model(), model() / "config.json", file}) {
    const json imported = run(path);
    EXPECT_EQ(imported["total"], expected["total"]) << path;
    EXPECT_EQ(imported["operators"], expected["operators"]) << path;
    EXPECT_THAT(imported["workload"].dump(), HasSubstr("tiny")) << path;
  }
}

TEST_F(ImportCli, ATraceHasTheModelsWeightsAndRuns) {
  const std::string trace = (model() / "trace.safetensors").string();
  const std::string quantization = shipped("configs/quant/w8a8.yaml");
  const ProcessResult written =
      bitsmith({"trace", model().string(), "--quant", quantization, "--seq", "5", "-o", trace});
  ASSERT_EQ(written.exit_code, 0) << written.output;
  EXPECT_THAT(
      written.output,
      HasSubstr("tiny in w8a8, weights of its first layer and synthetic operands of seed 1"));
  EXPECT_THAT(SafetensorsFile(trace).metadata().at("operands"), HasSubstr("weights of q_proj, "));
  const ProcessResult ran = bitsmith({"run", int8_, "--trace", trace, "--json", "-"});
  ASSERT_EQ(ran.exit_code, 0) << ran.output;
  EXPECT_EQ(json::parse(ran.output)["total"], run(model())["total"]);
  // Shapes alone: synthetic.
  const ProcessResult synthetic = bitsmith({"trace", (model() / "config.json").string(), "--quant",
                                            quantization, "--seq", "5", "-o", trace});
  EXPECT_THAT(synthetic.output, HasSubstr("tiny in w8a8, synthetic operands of seed 1"));
}

TEST_F(ImportCli, MistakesExitWith2AndTheirPlaces) {
  write_file_atomically(model() / "config.json",
                        "{\"model_type\": \"llama\",\n\"vocab_size\": -1}");
  const ProcessResult wrong = bitsmith({"run", int8_, "--workload", model().string()});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.output, HasSubstr("tiny/config.json:2:15: 'vocab_size': expected an integer"));
  write_file_atomically(model() / "x.gguf", "GGUX");
  const ProcessResult gguf = bitsmith({"run", int8_, "--workload", (model() / "x.gguf").string()});
  EXPECT_EQ(gguf.exit_code, 2);
  EXPECT_THAT(gguf.output, HasSubstr("x.gguf: is no GGUF file"));
}

// Neither command writes over what it reads.
TEST_F(ImportCli, TheModelsFilesAreNoOutputs) {
  for (const char* name : {"config.json", "model.safetensors"}) {
    const std::string before = read_file(model() / name, 1 << 20);
    const std::string out = (model() / name).string();
    const ProcessResult traced =
        bitsmith({"trace", model().string(), "--quant", shipped("configs/quant/w8a8.yaml"), "--seq",
                  "5", "-o", out});
    EXPECT_EQ(traced.exit_code, 2);
    EXPECT_THAT(traced.output, HasSubstr("is a file that this command reads"));
    EXPECT_EQ(bitsmith({"run", int8_, "--workload", model().string(), "--json", out}).exit_code, 2);
    EXPECT_EQ(read_file(model() / name, 1 << 20), before);
  }
}

}  // namespace
}  // namespace bitsmith
