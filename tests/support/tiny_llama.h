// A small Llama of one layer in files, as Hugging Face would have it.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "common/file.h"
#include "workload/safetensors.h"

namespace bitsmith {

// 16 features, two heads of 8, one of keys, 24 in the MLP, ten words.
inline constexpr std::string_view kTinyLlamaConfig = R"({"model_type": "llama", "hidden_size": 16,
  "num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 1,
  "intermediate_size": 24, "vocab_size": 10, "tie_word_embeddings": true})";

using TensorShapes = std::map<std::string, std::vector<std::uint64_t>>;
inline TensorShapes tiny_llama_shapes() {
  const std::string layer = "model.layers.0.";
  return {
      {"model.embed_tokens.weight", {10, 16}},       {layer + "self_attn.q_proj.weight", {16, 16}},
      {layer + "self_attn.k_proj.weight", {8, 16}},  {layer + "self_attn.v_proj.weight", {8, 16}},
      {layer + "self_attn.o_proj.weight", {16, 16}}, {layer + "mlp.gate_proj.weight", {24, 16}},
      {layer + "mlp.up_proj.weight", {24, 16}},      {layer + "mlp.down_proj.weight", {16, 24}}};
}

// Element i of a tensor in F16: a code of its own for every i and tensor, finite and below 2.
inline std::uint16_t tiny_llama_code(const std::string& name, std::uint64_t i) {
  const std::uint64_t sum = std::accumulate(name.begin(), name.end(), std::uint64_t{0});
  return static_cast<std::uint16_t>((sum * 7 + i * 13) % 0x4000);
}

inline void write_tiny_llama(const std::filesystem::path& folder,
                             const TensorShapes& shapes = tiny_llama_shapes()) {
  write_file_atomically(folder / "config.json", kTinyLlamaConfig);
  std::vector<TensorSpec> specs;
  for (const auto& [name, shape] : shapes) specs.push_back({name, Dtype::f16, shape});
  SafetensorsWriter writer(folder / "model.safetensors", {}, specs);
  for (const auto& [name, shape] : shapes) {
    for (std::uint64_t i = 0; i < shape[0] * shape[1]; ++i) {
      const std::uint16_t code = tiny_llama_code(name, i);
      writer.write(name, std::as_bytes(std::span(&code, 1)));
    }
  }
  writer.finish();
}

}  // namespace bitsmith
