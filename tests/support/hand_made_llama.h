// Models of the Llama family written by hand: config.json and model.safetensors in FP32.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
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
  model.config = {{"model_type", "llama"},      {"hidden_size", 2},
                  {"num_hidden_layers", 1},     {"num_attention_heads", 1},
                  {"num_key_value_heads", 1},   {"intermediate_size", 1},
                  {"vocab_size", 2},            {"rms_norm_eps", 0.0},
                  {"rope_theta", 10000.0},      {"tie_word_embeddings", false}};
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

}  // namespace bitsmith
