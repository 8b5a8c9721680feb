// Models of the Llama family written by hand: config.json and model.safetensors in FP32.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "common/file.h"
#include "workload/safetensors.h"

namespace bitsmith {

struct HandMadeTensor {
  std::vector<std::uint64_t> shape;
  std::vector<float> values;
};

struct HandMadeModel {
  nlohmann::ordered_json config;
  std::map<std::string, HandMadeTensor> tensors;

  void write(const std::filesystem::path& folder) const {
    write_file_atomically(folder / "config.json", config.dump());
    std::vector<TensorSpec> specs;
    for (const auto& [name, tensor] : tensors) specs.push_back({name, Dtype::f32, tensor.shape});
    SafetensorsWriter writer(folder / "model.safetensors", {}, specs);
    for (const auto& [name, tensor] : tensors) {
      writer.write(name, std::as_bytes(std::span(tensor.values)));
    }
    writer.finish();
  }
};

// One layer of two features, two tokens and one head. Token 0 is (1, 1), token 1 is (1, -1), both
// of RMS 1. Queries and keys are (1, 0) before their rotation by a radian per token: the score of
// tokens t and s is cos(t - s). Values are (0, second feature). The MLP of one feature adds
// silu(first) x second to the first. Logits are the normed features, the first doubled by its gain.
inline HandMadeModel two_feature_model() {
  HandMadeModel model;
  model.config = {{"model_type", "llama"},    {"hidden_size", 2},
                  {"num_hidden_layers", 1},   {"num_attention_heads", 1},
                  {"num_key_value_heads", 1}, {"intermediate_size", 1},
                  {"vocab_size", 2},          {"rms_norm_eps", 0.0},
                  {"rope_theta", 10000.0},    {"tie_word_embeddings", false}};
  const std::string layer = "model.layers.0.";
  model.tensors = {{"model.embed_tokens.weight", {{2, 2}, {1, 1, 1, -1}}},
                   {"model.norm.weight", {{2}, {2, 1}}},
                   {"lm_head.weight", {{2, 2}, {1, 0, 0, 1}}},
                   {layer + "input_layernorm.weight", {{2}, {1, 1}}},
                   {layer + "post_attention_layernorm.weight", {{2}, {1, 1}}},
                   {layer + "self_attn.q_proj.weight", {{2, 2}, {1, 0, 0, 0}}},
                   {layer + "self_attn.k_proj.weight", {{2, 2}, {1, 0, 0, 0}}},
                   {layer + "self_attn.v_proj.weight", {{2, 2}, {0, 0, 0, 1}}},
                   {layer + "self_attn.o_proj.weight", {{2, 2}, {1, 0, 0, 1}}},
                   {layer + "mlp.gate_proj.weight", {{1, 2}, {1, 0}}},
                   {layer + "mlp.up_proj.weight", {{1, 2}, {0, 1}}},
                   {layer + "mlp.down_proj.weight", {{2, 1}, {1, 0}}}};
  return model;
}

// Two layers over bytes with normal random weights; four query heads share two key-value heads.
inline HandMadeModel random_byte_model() {
  constexpr std::uint64_t kHidden = 8, kInner = 6, kLayers = 2, kBytes = 256;
  HandMadeModel model;
  model.config = {{"model_type", "llama"},        {"hidden_size", kHidden},
                  {"num_hidden_layers", kLayers}, {"num_attention_heads", 4},
                  {"num_key_value_heads", 2},     {"intermediate_size", kInner},
                  {"vocab_size", kBytes},         {"rms_norm_eps", 1e-5},
                  {"rope_theta", 10000.0},        {"tie_word_embeddings", false}};
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  const auto add = [&](const std::string& name, std::vector<std::uint64_t> shape) {
    HandMadeTensor tensor{shape, {}};
    std::uint64_t count = 1;
    for (const std::uint64_t size : shape) count *= size;
    for (std::uint64_t i = 0; i < count; ++i) tensor.values.push_back(normal(generator));
    model.tensors[name + ".weight"] = tensor;
  };
  add("model.embed_tokens", {kBytes, kHidden});
  for (std::uint64_t i = 0; i < kLayers; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    add(layer + "input_layernorm", {kHidden});
    add(layer + "self_attn.q_proj", {kHidden, kHidden});
    add(layer + "self_attn.k_proj", {kHidden / 2, kHidden});
    add(layer + "self_attn.v_proj", {kHidden / 2, kHidden});
    add(layer + "self_attn.o_proj", {kHidden, kHidden});
    add(layer + "post_attention_layernorm", {kHidden});
    add(layer + "mlp.gate_proj", {kInner, kHidden});
    add(layer + "mlp.up_proj", {kInner, kHidden});
    add(layer + "mlp.down_proj", {kHidden, kInner});
  }
  add("model.norm", {kHidden});
  add("lm_head", {kBytes, kHidden});
  return model;
}

}  // namespace bitsmith
