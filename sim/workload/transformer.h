// Decoder-only transformers and their GEMM operators.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "config/parameter_table.h"
#include "workload/operator.h"

namespace bitsmith {

enum class Mlp { plain, gated };  // up + down, or gate + up + down

// The dimensions of a model, under the names that Hugging Face configurations use.
struct Transformer {
  std::string model;
  std::uint64_t hidden_size = 0;
  std::uint64_t num_hidden_layers = 0;
  std::uint64_t num_attention_heads = 0;
  std::uint64_t num_key_value_heads = 0;
  std::uint64_t head_dim = 0;
  std::uint64_t intermediate_size = 0;
  std::uint64_t vocab_size = 0;
  Mlp mlp = Mlp::gated;
  bool tie_word_embeddings = false;
  std::string source;
};

const ParameterTable<Transformer>& transformer_parameters();
Transformer load_transformer(const std::filesystem::path& path);

// Weights of the GEMMs and embeddings and the norms' gains; without biases and learned positions.
std::uint64_t parameter_count(const Transformer& model);

enum class Phase { prefill, decode };

struct PhaseOptions {
  Phase phase = Phase::prefill;
  std::uint64_t sequence = 2048;  // prefill: tokens of a prompt; decode: context with the new token
  std::uint64_t batch = 1;        // sequences
};

// The GEMMs of one pass, in order: projections, attention scores (QK^T), attention output (PV),
// projection, MLP, and the vocabulary projection of the last token of every sequence.
//
// Query heads that share a key-value head are rows of one GEMM. Attention is not masked: the whole
// score matrix is computed, as arrays without sparsity do.
Workload transformer_workload(const Transformer& model, const PhaseOptions& options);

}  // namespace bitsmith
