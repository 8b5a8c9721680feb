// Models out of GGUF files: shapes, names, rows of heads.
#include "workload/gguf_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "common/process.h"
#include "config/json.h"
#include "support/gguf_bytes.h"
#include "support/imports.h"
#include "support/safetensors_bytes.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The header of a file with these metadata (JSON makes the same tree) and tensors.
struct Named {
  std::string name;
  std::vector<std::uint64_t> shape;
};
ImportedModel import_header(std::string_view metadata, const std::vector<Named>& tensors) {
  GgufHeader header;
  header.metadata = parse_json(metadata, "f.gguf");
  for (const auto& [name, shape] : tensors) {
    header.tensors.push_back({name, find_stored_type("F16"), shape, 0, 0});
  }
  return read_gguf_config(header, "m");
}

std::string refusal(std::string_view metadata, const std::vector<Named>& tensors) {
  return user_error([&] { import_header(metadata, tensors); });
}

// The metadata that llama.cpp's converter writes of each model.
constexpr std::string_view kLlama = R"({"general.architecture": "llama", "llama.block_count": 32,
  "llama.context_length": 4096, "llama.embedding_length": 4096, "llama.feed_forward_length": 11008,
  "llama.attention.head_count": 32, "llama.attention.head_count_kv": 32, "llama.vocab_size": 32000,
  "llama.attention.layer_norm_rms_epsilon": 1e-05, "llama.rope.dimension_count": 128})";
constexpr std::string_view kMixtral = R"({"general.architecture": "llama", "llama.block_count": 32,
  "llama.embedding_length": 4096, "llama.feed_forward_length": 14336,
  "llama.attention.head_count": 32, "llama.attention.head_count_kv": 8, "llama.expert_count": 8,
  "llama.expert_used_count": 2, "llama.attention.layer_norm_rms_epsilon": 1e-05,
  "llama.rope.dimension_count": 128, "llama.rope.freq_base": 1000000})";
constexpr std::string_view kGpt2 = R"({"general.architecture": "gpt2", "gpt2.block_count": 12,
  "gpt2.context_length": 1024, "gpt2.embedding_length": 768, "gpt2.feed_forward_length": 3072,
  "gpt2.attention.head_count": 12, "gpt2.attention.layer_norm_epsilon": 1e-05})";
constexpr std::string_view kPhi2 = R"({"general.architecture": "phi2", "phi2.block_count": 32,
  "phi2.context_length": 2048, "phi2.embedding_length": 2560, "phi2.feed_forward_length": 10240,
  "phi2.attention.head_count": 32, "phi2.attention.head_count_kv": 32,
  "phi2.attention.layer_norm_epsilon": 1e-05, "phi2.rope.dimension_count": 32})";

const std::vector<Named> kUntied = {{"token_embd.weight", {32000, 4096}},
                                    {"output.weight", {32000, 4096}}};

TEST(GgufModel, EveryArchitectureEqualsTheModelWeShip) {
  const ImportedModel llama = import_header(kLlama, kUntied);
  EXPECT_EQ(shape_of(llama.transformer), shipped("llama-2-7b"));
  EXPECT_EQ(llama.architecture, "llama");
  EXPECT_EQ(llama.norm_epsilon, 1e-5);
  EXPECT_EQ(llama.rotary_base, 10000);
  EXPECT_EQ(llama.hidden_activation, "silu");
  EXPECT_THAT(llama.unmodelled, IsEmpty());
  const ImportedModel mixtral = import_header(kMixtral, kUntied);
  EXPECT_EQ(shape_of(mixtral.transformer), shipped("mixtral-8x7b"));
  EXPECT_EQ(mixtral.rotary_base, 1e6);
  const std::vector<Named> gpt2 = {{"token_embd.weight", {50257, 768}},
                                   {"output.weight", {50257, 768}}};
  EXPECT_EQ(shape_of(import_header(kGpt2, gpt2).transformer), shipped("gpt-2"));
  const ImportedModel phi = import_header(kPhi2, {{"token_embd.weight", {51200, 2560}}});
  EXPECT_EQ(shape_of(phi.transformer), shipped("phi-2"));
  EXPECT_EQ(phi.hidden_activation, "gelu_new");
}

TEST(GgufModel, WhatTheTensorsSay) {
  std::vector<Named> tensors = {kUntied.front()};
  EXPECT_TRUE(import_header(kLlama, tensors).transformer.tie_word_embeddings);
  for (const char* part : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
    EXPECT_FALSE(import_header(kLlama, kUntied).transformer.attention_bias);
    tensors.push_back({fmt::format("blk.0.{}.bias", part), {4096}});
  }
  EXPECT_TRUE(import_header(kLlama, tensors).transformer.attention_bias);
  tensors.pop_back();
  EXPECT_THAT(refusal(kLlama, tensors), HasSubstr("biases of 3 of the projections"));
  tensors = kUntied;
  tensors.push_back({"rope_freqs.weight", {64}});
  EXPECT_THAT(import_header(kLlama, tensors).unmodelled,
              ElementsAre(HasSubstr("rope_freqs.weight")));
}

std::string with(std::string_view metadata, std::string_view more) {
  return std::string(metadata.substr(0, metadata.size() - 1)) + ", " + std::string(more) + "}";
}

TEST(GgufModel, OptionalMetadata) {
  const Transformer wide =
      import_header(with(kMixtral, R"("llama.attention.key_length": 256)"), kUntied).transformer;
  EXPECT_EQ(wide.head_dim, 256U);
  EXPECT_EQ(wide.rotary_dim, 128U);
  const ImportedModel scaled = import_header(
      with(kLlama, R"("llama.rope.scaling.type": "yarn", "llama.attention.sliding_window": 4096)"),
      kUntied);
  EXPECT_THAT(scaled.unmodelled, ElementsAre(HasSubstr("'llama.rope.scaling.type'")));
  EXPECT_EQ(scaled.sliding_window, 4096U);
}

// A factor without a type is one of linear scaling; 0 says nothing.
TEST(GgufModel, ScaledRotations) {
  const auto unmodelled = [](std::string_view more) {
    return import_header(with(kLlama, more), kUntied).unmodelled;
  };
  EXPECT_THAT(unmodelled(R"("llama.rope.scale_linear": 2.0)"),
              ElementsAre(HasSubstr("'llama.rope.scale_linear'")));
  EXPECT_THAT(unmodelled(R"("llama.rope.scaling.factor": 4.0)"),
              ElementsAre(HasSubstr("'llama.rope.scaling.factor'")));
  EXPECT_THAT(
      unmodelled(R"("llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0)"),
      ElementsAre(HasSubstr("'llama.rope.scaling.type'")));
  EXPECT_THAT(unmodelled(R"("llama.rope.scaling.type": "none", "llama.rope.scaling.factor": 4.0)"),
              IsEmpty());
  for (const char* factor : {"0.0", "1.0"}) {
    for (const char* key : {"scaling.factor", "scale_linear"}) {
      EXPECT_THAT(unmodelled(fmt::format(R"("llama.rope.{}": {})", key, factor)), IsEmpty());
    }
  }
}

TEST(GgufModel, MetadataThatAreWrongOrMissing) {
  EXPECT_EQ(refusal(R"({"general.architecture": "qwen2"})", {}),
            "f.gguf:1:26: unknown general.architecture 'qwen2'; allowed: llama, gpt2, phi2");
  EXPECT_EQ(refusal("{}", {}), "f.gguf:1:1: 'general.architecture' is missing");
  const std::string missing = refusal(R"({"general.architecture": "llama"})", {});
  for (const char* key : {"llama.embedding_length", "llama.block_count",
                          "llama.feed_forward_length", "token_embd.weight",
                          "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon"}) {
    EXPECT_THAT(missing, HasSubstr(fmt::format("'{}'", key)));
  }
  EXPECT_THAT(refusal(kLlama, {{"token_embd.weight", {32000, 2048}}}),
              HasSubstr("4096, but token_embd.weight has shape [32000, 2048]"));
  EXPECT_THAT(refusal(with(kLlama, R"("split.count": 3)"), kUntied), HasSubstr("one of 3 files"));
  EXPECT_THAT(refusal(with(kLlama, R"("llama.attention.value_length": 64)"), kUntied),
              HasSubstr("'llama.attention.value_length'"));
  EXPECT_THAT(refusal(with(kLlama, R"("llama.expert_count": 4)"), kUntied),
              HasSubstr("'llama.expert_used_count': is missing"));
  EXPECT_THAT(refusal(with(kLlama, R"("llama.expert_count": -4)"), kUntied),
              HasSubstr("found '-4'"));
}

// ---------------------------------------------------------------------------------- weights

class GgufWeights : public testing::Test {
 protected:
  // A llama of one layer: 64 features, two heads of 8, one of keys.
  GgufWeights() {
    file.add_text("general.architecture", "llama");
    for (const auto& [key, value] : {std::pair{"block_count", 1U},
                                     {"embedding_length", 64U},
                                     {"feed_forward_length", 32U},
                                     {"attention.head_count", 2U},
                                     {"attention.head_count_kv", 1U},
                                     {"attention.key_length", 8U}}) {
      file.add_u32(fmt::format("llama.{}", key), value);
    }
    file.add_f32("llama.attention.layer_norm_rms_epsilon", 1e-6F);
    file.add_tensor("token_embd.weight", {64, 3}, kGgufF32, std::string(768, '\0'));
  }
  ImportedModel import() const {
    write_file_atomically(path(), file.file());
    return import_model(path());
  }
  fs::path path() const { return folder_.path() / "tiny.gguf"; }
  std::string error() const {
    return user_error([&] { import(); });
  }

  GgufBytes file;

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

std::vector<float> read(const WeightStore& weights, std::string_view name, std::uint64_t first,
                        std::size_t count) {
  std::vector<float> values(count);
  weights.read(name, first, values);
  return values;
}

// `rows` rows of `columns` FP32 numbers; row r holds the numbers first_of[r] * columns + 0, 1, ...
std::string rows_of(const std::vector<unsigned>& first_of, unsigned columns) {
  std::vector<float> values;
  for (const unsigned row : first_of) {
    for (unsigned i = 0; i < columns; ++i) values.push_back(static_cast<float>(row * columns + i));
  }
  return floats(values);
}

// Of a head of 8 rows the file has rows 0 4 1 5 2 6 3 7: the halves, interleaved.
const std::vector<unsigned> kMovedHeads = {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15};

TEST_F(GgufWeights, RowsOfHeadsAreBackInPlace) {
  file.add_tensor("blk.0.attn_q.weight", {64, 16}, kGgufF32, rows_of(kMovedHeads, 64));
  file.add_tensor("blk.0.attn_q.bias", {16}, kGgufF32, rows_of(kMovedHeads, 1));
  file.add_tensor("blk.0.attn_v.weight", {64, 8}, kGgufF32, rows_of({0, 1, 2, 3, 4, 5, 6, 7}, 64));
  // Keys in Q8_0 with d = 1: row r of the library holds code r.
  std::string keys;
  for (const unsigned row : {0, 4, 1, 5, 2, 6, 3, 7}) {
    for (int block = 0; block < 2; ++block) {
      keys += std::string("\0\x3c", 2) + std::string(32, static_cast<char>(row));
    }
  }
  file.add_tensor("blk.0.attn_k.weight", {64, 8}, kGgufQ8_0, keys);
  for (const char* part : {"attn_k", "attn_v", "attn_output"}) {
    file.add_tensor(fmt::format("blk.0.{}.bias", part), {8}, kGgufF32,
                    rows_of({0, 1, 2, 3, 4, 5, 6, 7}, 1));
  }
  const ImportedModel model = import();
  const WeightStore& weights = *model.weights;
  std::vector<float> counted(1024);
  std::iota(counted.begin(), counted.end(), 0.0F);
  EXPECT_EQ(read(weights, "model.layers.0.self_attn.q_proj.weight", 0, 1024), counted);
  // From within a row to within another.
  EXPECT_EQ(read(weights, "model.layers.0.self_attn.q_proj.weight", 70, 300),
            std::vector<float>(counted.begin() + 70, counted.begin() + 370));
  counted.resize(16);
  EXPECT_EQ(read(weights, "model.layers.0.self_attn.q_proj.bias", 0, 16), counted);
  EXPECT_THAT(read(weights, "model.layers.0.self_attn.k_proj.bias", 0, 8),
              ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));  // those of rows in order, moved back
  EXPECT_THAT(read(weights, "model.layers.0.self_attn.v_proj.bias", 0, 4), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(read(weights, "model.layers.0.self_attn.v_proj.weight", 64, 2), ElementsAre(64, 65));
  const auto key = read(weights, "model.layers.0.self_attn.k_proj.weight", 0, 512);
  for (unsigned i = 0; i < 512; ++i) EXPECT_EQ(key[i], static_cast<float>(i / 64)) << i;
  EXPECT_EQ(weights.info("model.layers.0.self_attn.k_proj.weight").type, "Q8_0");
  EXPECT_THAT(weights.info("model.layers.0.self_attn.k_proj.weight").shape, ElementsAre(8, 64));
}

TEST_F(GgufWeights, NamesAreHuggingFaces) {
  const std::string row = std::string(256, '\0');
  for (const char* name :
       {"output_norm.weight", "output.weight", "blk.0.attn_norm.weight", "blk.0.attn_output.weight",
        "blk.0.ffn_norm.weight", "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight",
        "blk.0.ffn_down.weight", "blk.0.ffn_gate_inp.weight", "rope_freqs.weight",
        "blk.x.ffn_up.weight", "blk.0.other.weight"}) {
    file.add_tensor(name, {64}, kGgufF32, row);
  }
  const ImportedModel model = import();
  std::vector<std::string> names;
  for (const StoredTensor& tensor : model.weights->tensors()) names.push_back(tensor.name);
  EXPECT_THAT(
      names,
      ElementsAre("model.embed_tokens.weight", "model.norm.weight", "lm_head.weight",
                  "model.layers.0.input_layernorm.weight", "model.layers.0.self_attn.o_proj.weight",
                  "model.layers.0.post_attention_layernorm.weight",
                  "model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight",
                  "model.layers.0.mlp.down_proj.weight",
                  "model.layers.0.block_sparse_moe.gate.weight", "rope_freqs.weight",
                  "blk.x.ffn_up.weight", "blk.0.other.weight"));
  EXPECT_EQ(model.transformer.model, "tiny");
  EXPECT_THAT(user_error([&] { model.weights->info("model.layers.0.mlp.up_proj.wait"); }),
              HasSubstr("did you mean 'model.layers.0.mlp.up_proj.weight'?"));
}

TEST_F(GgufWeights, ExpertsOneByOne) {
  file.add_u32("llama.expert_count", 2);
  file.add_u32("llama.expert_used_count", 1);
  file.add_tensor("blk.0.ffn_down_exps.weight", {2, 3, 2}, kGgufF32,
                  floats({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  file.add_tensor("blk.0.ffn_gate_exps.weight", {2, 1, 2}, kGgufF32, floats({0, 1, 2, 3}));
  file.add_tensor("blk.0.ffn_up_exps.weight", {2, 1, 2}, kGgufF32, floats({4, 5, 6, 7}));
  const ImportedModel model = import();
  const std::string expert = "model.layers.0.block_sparse_moe.experts.1.";
  EXPECT_THAT(model.weights->info(expert + "w2.weight").shape, ElementsAre(3, 2));
  EXPECT_THAT(read(*model.weights, expert + "w2.weight", 1, 4), ElementsAre(7, 8, 9, 10));
  EXPECT_THAT(read(*model.weights, expert + "w1.weight", 0, 2), ElementsAre(2, 3));
  EXPECT_THAT(read(*model.weights, expert + "w3.weight", 0, 2), ElementsAre(6, 7));
  EXPECT_EQ(model.weights->tensors().size(), 7U);
}

TEST_F(GgufWeights, TensorsThatDoNotFitTheModelAreRefused) {
  file.add_tensor("blk.0.attn_q.weight", {64, 6}, kGgufF32, std::string(1536, '\0'));
  file.add_tensor("blk.0.ffn_up_exps.weight", {2, 1, 2}, kGgufF32, floats({4, 5, 6, 7}));
  EXPECT_THAT(error(),
              HasSubstr("tensor 'blk.0.attn_q.weight': shape [6, 64] does not divide into 2 "
                        "heads of two halves"));
  EXPECT_THAT(error(),
              HasSubstr("tensor 'blk.0.ffn_up_exps.weight': expected three dimensions, the "
                        "first of 1 experts, found shape [2, 1, 2]"));
}

TEST_F(GgufWeights, NamesThatMeetAreRefused) {
  file.add_tensor("model.embed_tokens.weight", {1}, kGgufF32, floats({1}));
  EXPECT_THAT(error(), HasSubstr("tensor 'model.embed_tokens.weight' is there twice"));
}

TEST_F(GgufWeights, ATypeThatCannotBeDecodedIsNamed) {
  file.add_tensor("blk.0.ffn_up.weight", {256, 1}, kGgufIq4Xs, std::string(136, '\0'));
  const ImportedModel model = import();
  EXPECT_THAT(
      user_error([&] { read(*model.weights, "model.layers.0.mlp.up_proj.weight", 0, 1); }),
      testing::AllOf(HasSubstr("tiny.gguf: tensor 'model.layers.0.mlp.up_proj.weight': numbers of "
                               "IQ4_XS cannot be decoded"),
                     HasSubstr("Q5_K, Q6_K can")));
}

TEST_F(GgufWeights, AFileThatShrinksIsNoticed) {
  const ImportedModel model = import();
  fs::resize_file(path(), 100);
  EXPECT_THAT(user_error([&] { read(*model.weights, "model.embed_tokens.weight", 0, 1); }),
              HasSubstr("has shrunk"));
}

// Architectures without renaming keep the file's names.
TEST(GgufModel, OtherArchitecturesKeepTheirNames) {
  TemporaryFolder folder{fs::temp_directory_path()};
  GgufBytes file;
  file.add_text("general.architecture", "gpt2");
  for (const char* key : {"block_count", "context_length", "embedding_length",
                          "feed_forward_length", "attention.head_count"}) {
    file.add_u32(fmt::format("gpt2.{}", key), 4);
  }
  file.add_f32("gpt2.attention.layer_norm_epsilon", 1e-5F);
  file.add_tensor("token_embd.weight", {4, 1}, kGgufF32, floats({1, 2, 3, 4}));
  file.add_tensor("blk.0.attn_q.weight", {1, 4}, kGgufF32, floats({1, 2, 3, 4}));
  write_file_atomically(folder.path() / "g.gguf", file.file());
  const auto weights = open_weights(folder.path() / "g.gguf");
  EXPECT_THAT(read(*weights, "blk.0.attn_q.weight", 0, 4), ElementsAre(1, 2, 3, 4));
  EXPECT_TRUE(weights->contains("token_embd.weight"));
}

}  // namespace
}  // namespace bitsmith
