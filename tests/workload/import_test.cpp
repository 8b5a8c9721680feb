// Models out of config.json, and their weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "common/file.h"
#include "common/process.h"
#include "config/json.h"
#include "support/safetensors_bytes.h"
#include "workload/imported_model.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Import : public testing::Test {
 protected:
  fs::path folder() const { return folder_.path(); }
  fs::path write(const std::string& name, std::string_view content) const {
    write_file_atomically(folder() / name, content);
    return folder() / name;
  }

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

// All but where it comes from.
nlohmann::ordered_json shape_of(const Transformer& model) {
  nlohmann::ordered_json values = transformer_parameters().resolved(model);
  for (const char* provenance : {"model", "published_parameters", "source"}) {
    values.erase(provenance);
  }
  return values;
}

nlohmann::ordered_json shipped(const std::string& name) {
  return shape_of(load_transformer(home_folder() / "workloads/models" / (name + ".yaml")));
}

// config.json of meta-llama/Llama-2-7b-hf, by hand.
constexpr std::string_view kLlama = R"({
  "_name_or_path": "meta-llama/Llama-2-7b-hf",
  "architectures": ["LlamaForCausalLM"],
  "bos_token_id": 1,
  "hidden_act": "silu",
  "hidden_size": 4096,
  "intermediate_size": 11008,
  "max_position_embeddings": 4096,
  "model_type": "llama",
  "num_attention_heads": 32,
  "num_hidden_layers": 32,
  "num_key_value_heads": 32,
  "rms_norm_eps": 1e-05,
  "rope_scaling": null,
  "tie_word_embeddings": false,
  "torch_dtype": "float16",
  "use_cache": true,
  "vocab_size": 32000
})";

TEST_F(Import, Llama) {
  write("config.json", kLlama);
  const ImportedModel model = import_model(folder());
  EXPECT_EQ(model.architecture, "llama");
  EXPECT_EQ(shape_of(model.transformer), shipped("llama-2-7b"));
  EXPECT_EQ(model.norm_epsilon, 1e-5);
  EXPECT_EQ(model.rotary_base, 10000);
  EXPECT_EQ(model.hidden_activation, "silu");
  EXPECT_THAT(model.unmodelled, testing::IsEmpty());
  EXPECT_EQ(model.weights, nullptr);
}

TEST_F(Import, WeightsOfOneFile) {
  write("config.json", kLlama);
  // F16 1, -2, 0.5, 65504; BF16 3; F32 1.5.
  const std::string header = R"({"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},)"
                             R"("b":{"dtype":"BF16","shape":[1],"data_offsets":[8,10]},)"
                             R"("c":{"dtype":"F32","shape":[],"data_offsets":[10,14]}})";
  const std::string data("\x00\x3c\x00\xc0\x00\x38\xff\x7b\x40\x40\x00\x00\xc0\x3f", 14);
  write("model.safetensors", file_of(header, data));
  const ImportedModel model = import_model(folder());
  ASSERT_NE(model.weights, nullptr);
  EXPECT_EQ(model.weights->tensors().size(), 3U);
  EXPECT_THAT(model.weights->info("a").shape, ElementsAre(2, 2));
  EXPECT_EQ(model.weights->info("b").type, "BF16");
  std::array<float, 3> values{};
  model.weights->read("a", 1, values);
  EXPECT_THAT(values, ElementsAre(-2, 0.5, 65504));
  model.weights->read("b", 0, std::span(values).first(1));
  model.weights->read("c", 0, std::span(values).subspan(1, 1));
  EXPECT_THAT(values, ElementsAre(3, 1.5, 65504));
  EXPECT_THAT(user_error([&] { model.weights->info("d"); }), HasSubstr("has no tensor 'd'"));
}

}  // namespace
}  // namespace bitsmith
