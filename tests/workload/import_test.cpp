// Models out of config.json, and their weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "common/file.h"
#include "common/process.h"
#include "config/json.h"
#include "support/imports.h"
#include "support/safetensors_bytes.h"
#include "workload/hf_config.h"
#include "workload/imported_model.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

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

// The other models' config.json as they are on the hub, shortened by what is passed over.
constexpr std::string_view kMistral = R"({
  "architectures": ["MistralForCausalLM"], "hidden_act": "silu", "hidden_size": 4096,
  "intermediate_size": 14336, "max_position_embeddings": 32768, "model_type": "mistral",
  "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
  "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 4096,
  "tie_word_embeddings": false, "vocab_size": 32000})";
constexpr std::string_view kMixtral = R"({
  "architectures": ["MixtralForCausalLM"], "attention_dropout": 0.0, "hidden_act": "silu",
  "hidden_size": 4096, "intermediate_size": 14336, "max_position_embeddings": 32768,
  "model_type": "mixtral", "num_attention_heads": 32, "num_experts_per_tok": 2,
  "num_hidden_layers": 32, "num_key_value_heads": 8, "num_local_experts": 8,
  "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "sliding_window": null,
  "tie_word_embeddings": false, "vocab_size": 32000})";
constexpr std::string_view kOpt = R"({
  "_remove_final_layer_norm": false, "activation_function": "relu",
  "architectures": ["OPTForCausalLM"], "do_layer_norm_before": true, "ffn_dim": 8192,
  "hidden_size": 2048, "max_position_embeddings": 2048, "model_type": "opt",
  "num_attention_heads": 32, "num_hidden_layers": 24, "vocab_size": 50272,
  "word_embed_proj_dim": 2048})";
constexpr std::string_view kPhi = R"({
  "architectures": ["PhiForCausalLM"], "hidden_act": "gelu_new", "hidden_size": 2560,
  "intermediate_size": 10240, "layer_norm_eps": 1e-05, "max_position_embeddings": 2048,
  "model_type": "phi", "num_attention_heads": 32, "num_hidden_layers": 32,
  "num_key_value_heads": 32, "partial_rotary_factor": 0.4, "qk_layernorm": false,
  "rope_scaling": null, "rope_theta": 10000.0, "tie_word_embeddings": false,
  "vocab_size": 51200})";
constexpr std::string_view kGpt2 = R"({
  "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"],
  "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12,
  "n_layer": 12, "n_positions": 1024,
  "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}},
  "vocab_size": 50257})";
constexpr std::string_view kBert = R"({
  "architectures": ["BertForMaskedLM"], "gradient_checkpointing": false, "hidden_act": "gelu",
  "hidden_size": 768, "intermediate_size": 3072, "layer_norm_eps": 1e-12,
  "max_position_embeddings": 512, "model_type": "bert", "num_attention_heads": 12,
  "num_hidden_layers": 12, "pad_token_id": 0, "position_embedding_type": "absolute",
  "type_vocab_size": 2, "vocab_size": 30522})";

// google/vit-base-patch16-224, with the names of its classes made up.
std::string vit() {
  std::string names;
  for (int i = 0; i < 1000; ++i) names += fmt::format("{}\"{}\": \"c{}\"", i ? "," : "", i, i);
  return R"({"architectures": ["ViTForImageClassification"], "hidden_act": "gelu",
    "hidden_size": 768, "image_size": 224, "intermediate_size": 3072, "layer_norm_eps": 1e-12,
    "model_type": "vit", "num_attention_heads": 12, "num_channels": 3, "num_hidden_layers": 12,
    "patch_size": 16, "qkv_bias": true, "id2label": {)" +
         names + "}}";
}

ImportedModel import_text(std::string_view text) {
  return read_hf_config(parse_json(text, "config.json"), "m");
}

std::string refusal(std::string_view text) {
  return user_error([&] { import_text(text); });
}

TEST(HfConfig, EveryFamilyEqualsTheModelWeShip) {
  const auto shape = [](std::string_view text) { return shape_of(import_text(text).transformer); };
  EXPECT_EQ(shape(kLlama), shipped("llama-2-7b"));
  EXPECT_EQ(shape(kMistral), shipped("mistral-7b"));
  EXPECT_EQ(shape(kMixtral), shipped("mixtral-8x7b"));
  EXPECT_EQ(shape(kOpt), shipped("opt-1.3b"));
  EXPECT_EQ(shape(kPhi), shipped("phi-2"));
  EXPECT_EQ(shape(kGpt2), shipped("gpt-2"));
  EXPECT_EQ(shape(kBert), shipped("bert-base"));
  EXPECT_EQ(shape(vit()), shipped("vit-b"));
}

TEST(HfConfig, WhatAForwardPassNeeds) {
  const auto check = [](std::string_view text, std::string_view architecture, double epsilon,
                        double base, std::string_view activation, std::uint64_t window) {
    const ImportedModel model = import_text(text);
    EXPECT_EQ(model.architecture, architecture);
    EXPECT_EQ(model.norm_epsilon, epsilon);
    EXPECT_EQ(model.rotary_base, base);
    EXPECT_EQ(model.hidden_activation, activation);
    EXPECT_EQ(model.sliding_window, window);
    EXPECT_THAT(model.unmodelled, IsEmpty());
  };
  check(kMistral, "mistral", 1e-5, 10000, "silu", 4096);
  check(kMixtral, "mixtral", 1e-5, 1e6, "silu", 0);
  check(kOpt, "opt", 1e-5, 0, "relu", 0);
  check(kPhi, "phi", 1e-5, 10000, "gelu_new", 0);
  check(kGpt2, "gpt2", 1e-5, 0, "gelu_new", 0);
  check(kBert, "bert", 1e-12, 0, "gelu", 0);
  check(vit(), "vit", 1e-12, 0, "gelu", 0);
}

// A file with nothing but its family is the library's default model.
TEST(HfConfig, DefaultsAreTheLibrarys) {
  const auto transformer = [](std::string_view family) {
    return import_text(fmt::format(R"({{"model_type": "{}"}})", family)).transformer;
  };
  EXPECT_EQ(shape_of(transformer("llama")), shipped("llama-2-7b"));
  EXPECT_EQ(shape_of(transformer("mistral")), shipped("mistral-7b"));
  EXPECT_EQ(shape_of(transformer("mixtral")), shipped("mixtral-8x7b"));
  EXPECT_EQ(shape_of(transformer("gpt2")), shipped("gpt-2"));
  EXPECT_EQ(shape_of(transformer("bert")), shipped("bert-base"));
  const Transformer opt = transformer("opt");  // OPT-125M
  EXPECT_EQ(opt.hidden_size, 768U);
  EXPECT_EQ(parameter_count(opt), 125239296U);
  const Transformer phi = transformer("phi");  // Phi-1 and 1.5
  EXPECT_EQ(phi.num_hidden_layers, 24U);
  EXPECT_EQ(parameter_count(phi), 1418270720U);
  EXPECT_EQ(phi.rotary_dim, 32U);
  const Transformer vit = transformer("vit");  // ViTModel
  EXPECT_EQ(vit.head, Head::pooler);
  EXPECT_EQ(vit.position_embeddings, 197U);
  EXPECT_EQ(import_text(R"({"model_type": "mistral"})").sliding_window, 4096U);
  EXPECT_EQ(import_text(R"({"model_type": "mistral", "sliding_window": null})").sliding_window, 0U);
}

TEST(HfConfig, KeysThatMakeAnotherShape) {
  const Transformer grouped = import_text(R"({"model_type": "llama", "hidden_size": 256,
      "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 64, "attention_bias": true,
      "mlp_bias": true, "tie_word_embeddings": true})")
                                  .transformer;
  EXPECT_EQ(grouped.query_size(), 512U);
  EXPECT_EQ(grouped.key_value_size(), 128U);
  EXPECT_TRUE(grouped.attention_bias && grouped.mlp_bias && grouped.tie_word_embeddings);
  // Null key-value heads are as many as query heads, also where missing ones are eight.
  const std::string null_heads =
      R"({"model_type": "mistral", "num_key_value_heads": null, "num_attention_heads": 16})";
  EXPECT_EQ(import_text(null_heads).transformer.num_key_value_heads, 16U);
  EXPECT_EQ(import_text(R"({"model_type": "gpt2", "n_inner": 1000, "hidden_size": 96})")
                .transformer.intermediate_size,
            1000U);
  EXPECT_EQ(import_text(R"({"model_type": "gpt2", "hidden_size": 96})").transformer.head_dim, 8U);
  EXPECT_EQ(import_text(R"({"model_type": "vit", "num_labels": 7,
                "architectures": ["ViTForImageClassification"]})")
                .transformer.num_labels,
            7U);
  EXPECT_FALSE(import_text(R"({"model_type": "opt", "enable_bias": false})").transformer.mlp_bias);
  // A whole head turned is the table's default.
  EXPECT_EQ(
      import_text(R"({"model_type": "phi", "partial_rotary_factor": 1.0})").transformer.rotary_dim,
      0U);
}

TEST(HfConfig, RotaryOfBothVersionsOfTheLibrary) {
  const ImportedModel scaled = import_text(R"({"model_type": "llama", "rope_theta": 500000.0,
"rope_scaling": {"factor": 8.0, "rope_type": "llama3"}})");
  EXPECT_EQ(scaled.rotary_base, 500000);
  EXPECT_THAT(scaled.unmodelled, ElementsAre("config.json:2:17: 'rope_scaling': rotary frequencies "
                                             "are scaled, which changes no shapes"));
  const ImportedModel inner = import_text(R"({"model_type": "llama", "rope_parameters":
      {"rope_theta": 1e6, "rope_type": "default"}})");
  EXPECT_EQ(inner.rotary_base, 1e6);
  EXPECT_THAT(inner.unmodelled, IsEmpty());
  EXPECT_THAT(
      import_text(R"({"model_type": "llama", "rope_scaling": {"type": "linear"}})").unmodelled,
      SizeIs(1));
  EXPECT_THAT(
      import_text(R"({"model_type": "llama", "quantization_config": {"bits": 4}})").unmodelled,
      ElementsAre(HasSubstr("packed by a quantizer")));
}

TEST(HfConfig, WhatATransformerCannotBeIsRefused) {
  EXPECT_EQ(refusal(R"({"model_type": "lama"})"),
            "config.json:1:16: unknown model_type 'lama' (did you mean 'llama'?); allowed: llama, "
            "mistral, mixtral, opt, phi, gpt2, bert, vit");
  EXPECT_EQ(refusal("{}"),
            "config.json:1:1: 'model_type' is missing: the model's family, one of "
            "llama, mistral, mixtral, opt, phi, gpt2, bert, vit");
  EXPECT_THAT(refusal(R"({"model_type": 3})"), HasSubstr("'model_type': expected text"));
  EXPECT_THAT(refusal(R"({"model_type": "opt", "word_embed_proj_dim": 512,
                          "do_layer_norm_before": false, "layer_norm_elementwise_affine": false})"),
              AllOf(HasSubstr("1:46: 'word_embed_proj_dim'"), HasSubstr("'do_layer_norm_before'"),
                    HasSubstr("'layer_norm_elementwise_affine'")));
  EXPECT_THAT(refusal(R"({"model_type": "phi", "qk_layernorm": true})"),
              HasSubstr("norms of queries and keys"));
  EXPECT_THAT(refusal(R"({"model_type": "phi", "partial_rotary_factor": 0.001})"),
              HasSubstr("0.001 of a head's 64 features"));
  EXPECT_THAT(refusal(R"({"model_type": "gpt2", "add_cross_attention": true})"),
              HasSubstr("cross attention"));
  EXPECT_THAT(refusal(R"({"model_type": "bert", "is_decoder": true,
                          "position_embedding_type": "relative_key"})"),
              AllOf(HasSubstr("encoder only"), HasSubstr("only absolute positions")));
  EXPECT_THAT(refusal(R"({"model_type": "vit", "qkv_bias": false})"), HasSubstr("'qkv_bias'"));
  EXPECT_THAT(refusal(R"({"model_type": "vit", "patch_size": 0})"),
              HasSubstr("do not divide into patches"));
}

TEST(HfConfig, MistakesHaveTheirPlaces) {
  EXPECT_EQ(refusal("{\"model_type\": \"llama\",\n \"hidden_size\": -4096,\n"
                    " \"vocab_size\": \"32000\", \"rms_norm_eps\": \"x\",\n"
                    " \"num_hidden_layers\": 99999999999999999999, \"mlp_bias\": 1,\n"
                    " \"hidden_act\": [], \"num_attention_heads\": 32.5}"),
            "config.json:2:17: 'hidden_size': expected an integer in 0..16777216, found '-4096'\n"
            "config.json:5:43: 'num_attention_heads': expected an integer in 0..16777216, found "
            "'32.5'\n"
            "config.json:4:23: 'num_hidden_layers': expected an integer in 0..16777216, found "
            "'99999999999999999999'\n"
            "config.json:3:16: 'vocab_size': expected an integer in 0..16777216, found the quoted "
            "text '32000'\n"
            "config.json:5:16: 'hidden_act': expected text without control characters, found a "
            "sequence\n"
            "config.json:3:41: 'rms_norm_eps': expected a number in 0..1000000000000, found the "
            "quoted text 'x'\n"
            "config.json:4:57: 'mlp_bias': expected true or false, found '1'");
  // Our own rules, at their keys.
  EXPECT_EQ(refusal("{\"model_type\": \"llama\",\n\"num_hidden_layers\": 0}"),
            "config.json:2:22: 'num_hidden_layers': expected an integer in 1..1024, found '0'");
  EXPECT_EQ(refusal(R"({"model_type": "llama", "num_attention_heads": 7})"),
            "config.json:1:48: 'num_attention_heads': 4096 features do not divide into 7 heads");
  EXPECT_THAT(refusal(R"({"model_type": "llama", "num_attention_heads": 0})"),
              HasSubstr("do not divide into 0 heads"));
  EXPECT_THAT(refusal(R"({"model_type": "llama", "num_key_value_heads": 5})"),
              HasSubstr("1:48: 'num_key_value_heads': 32 query heads are not a multiple of 5"));
}

TEST_F(Import, Llama) {
  write("config.json", kLlama);
  const ImportedModel model = import_model(folder());
  EXPECT_EQ(model.architecture, "llama");
  EXPECT_EQ(shape_of(model.transformer), shipped("llama-2-7b"));
  EXPECT_EQ(model.norm_epsilon, 1e-5);
  EXPECT_EQ(model.rotary_base, 10000);
  EXPECT_EQ(model.hidden_activation, "silu");
  EXPECT_THAT(model.unmodelled, IsEmpty());
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

// ---------------------------------------------------------------------------------- shards

class Shards : public Import {
 protected:
  // Tensors of two bytes, each with its number twice.
  void write_shard(const std::string& name,
                   const std::vector<std::pair<std::string, int>>& tensors) {
    std::string header = "{", data;
    for (const auto& [tensor, value] : tensors) {
      const int begin = static_cast<int>(data.size());
      header += (begin == 0 ? "" : ",") + entry(tensor, begin, begin + 2);
      data += std::string(2, static_cast<char>(value));
    }
    write(name, file_of(header + "}", data));
  }
  std::string index(std::string_view map) const {
    return fmt::format(R"({{"metadata": {{"total_size": 4}}, "weight_map": {{{}}}}})", map);
  }
  std::string error_of(std::string_view map) const {
    write("model.safetensors.index.json", index(map));
    return user_error([&] { open_weights(folder()); });
  }
};

TEST_F(Shards, TensorsOfAllFiles) {
  write_shard("one.safetensors", {{"a", 1}, {"b", 2}});
  write_shard("two.safetensors", {{"c", 3}});
  write("model.safetensors.index.json",
        index(R"("c": "two.safetensors", "a": "one.safetensors", "b": "one.safetensors")"));
  for (const fs::path& path : {folder(), folder() / "model.safetensors.index.json"}) {
    const auto weights = open_weights(path);
    ASSERT_EQ(weights->tensors().size(), 3U);
    for (const auto& [name, value] : {std::pair{"a", 1.0F}, {"b", 2.0F}, {"c", 3.0F}}) {
      std::array<float, 2> values{};
      weights->read(name, 0, values);
      EXPECT_THAT(values, ElementsAre(value, value)) << name;
    }
  }
  write("config.json", kLlama);
  EXPECT_NE(import_model(folder()).weights, nullptr);
  // One file goes first, as in the library.
  write_shard("model.safetensors", {{"d", 4}});
  EXPECT_TRUE(open_weights(folder())->contains("d"));
}

TEST_F(Shards, EveryDisagreementIsNamed) {
  write_shard("one.safetensors", {{"a", 1}, {"b", 2}});
  write_shard("two.safetensors", {{"c", 3}});
  const std::string wrong = error_of(R"("a": "two.safetensors", "c": "two.safetensors")");
  EXPECT_THAT(wrong, HasSubstr("two.safetensors: has no tensor 'a', which "));
  EXPECT_EQ(error_of(R"("b": "one.safetensors")"),
            fmt::format("{0}/one.safetensors: has tensor 'a', which "
                        "{0}/model.safetensors.index.json does not name",
                        folder().string()));
  EXPECT_THAT(error_of(R"("a": "one.safetensors", "b": "one.safetensors", "c": "one.safetensors")"),
              HasSubstr("one.safetensors: has no tensor 'c'"));
  EXPECT_THAT(error_of(R"("a": "one.safetensors", "b": "one.safetensors", "z": "zero.safetensors",
                         "y": "nine.safetensors")"),
              AllOf(HasSubstr("zero.safetensors: cannot open"),
                    HasSubstr("nine.safetensors: cannot open")));
  // The same tensor in two files is given to one of them only.
  write_shard("three.safetensors", {{"c", 3}, {"d", 4}});
  EXPECT_THAT(error_of(R"("c": "two.safetensors", "d": "three.safetensors")"),
              HasSubstr("three.safetensors: has tensor 'c', which"));
}

TEST_F(Shards, NoWayOutOfTheFolder) {
  write_shard("a.safetensors", {{"a", 1}});
  for (const char* path : {"../a.safetensors", "/etc/passwd", "sub/a.safetensors", "..", ".", "",
                           "..\\\\a", "a\\u0000b"}) {
    EXPECT_THAT(error_of(fmt::format(R"("a": "{}")", path)),
                HasSubstr("tensor 'a': expected the name of a file in this folder, found"))
        << path;
  }
  EXPECT_THAT(error_of(R"("a": 3)"), HasSubstr("expected the name of a file"));
  EXPECT_THAT(error_of(R"("a": "a.safetensors", "a": "a.safetensors")"),
              HasSubstr("'a' is there twice"));
}

TEST_F(Shards, AnIndexWithoutAMapIsRefused) {
  const fs::path path = write("model.safetensors.index.json", R"({"metadata": {}})");
  EXPECT_THAT(
      user_error([&] { open_weights(folder()); }),
      HasSubstr("index.json:1:1: 'weight_map': expected an object of tensors and their files"));
  write("model.safetensors.index.json", R"({"weight_map": []})");
  EXPECT_THAT(user_error([&] { open_weights(folder()); }),
              HasSubstr("index.json:1:16: 'weight_map'"));
  std::string many;
  for (int i = 0; i < 1001; ++i) many += fmt::format(R"({}"{}": "{}")", i ? "," : "", i, i);
  EXPECT_THAT(error_of(many), HasSubstr("names 1001 files, allowed are 1000"));
  fs::remove(path);
  EXPECT_THAT(user_error([&] { open_weights(folder()); }),
              HasSubstr("has neither model.safetensors nor model.safetensors.index.json"));
}

// ---------------------------------------------------------------------------------- choice

TEST_F(Import, WhatIsImportable) {
  EXPECT_FALSE(is_importable(folder()));
  const fs::path config = write("config.json", kLlama);
  EXPECT_TRUE(is_importable(folder()));
  EXPECT_TRUE(is_importable(config));
  EXPECT_TRUE(is_importable("not-there.gguf"));
  EXPECT_FALSE(is_importable(home_folder() / "workloads/models/gpt-2.yaml"));
  EXPECT_EQ(load_model(home_folder() / "workloads/models/gpt-2.yaml").model, "gpt-2");
  // The folder names the model, its config.json is the source.
  const Transformer model = load_model(folder());
  EXPECT_EQ(model.model, folder().filename());
  EXPECT_EQ(model.source, config.string());
  EXPECT_EQ(load_model(config).model, model.model);
  EXPECT_EQ(load_model(folder() / ".").model, model.model);
  EXPECT_THAT(user_error([] { load_model("not-there.gguf"); }),
              HasSubstr("not-there.gguf: cannot open"));
  EXPECT_THAT(user_error([] { load_model("not-there.json"); }), HasSubstr("not-there.json: "));
}

// Shapes need no weights: broken ones are no reason to refuse them.
TEST_F(Import, ShapesDoNotReadWeights) {
  write("config.json", kLlama);
  write("model.safetensors", "x");
  EXPECT_EQ(shape_of(load_model(folder())), shipped("llama-2-7b"));
  EXPECT_THAT(user_error([&] { import_model(folder()); }), HasSubstr("model.safetensors: 1 bytes"));
  EXPECT_EQ(import_model(folder() / "config.json").weights, nullptr);
}

}  // namespace
}  // namespace bitsmith
