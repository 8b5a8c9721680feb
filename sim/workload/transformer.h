// Transformers: dimensions, parameters and operators.
//
// One description covers decoders (Llama, OPT, GPT-2, Mixtral), encoders (BERT) and vision
// transformers (ViT): grouped-query attention, gated MLPs, biases, learned positions, tied
// embeddings and experts are properties. The keys of a file are those of Hugging Face's config.json
// where that has one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "config/parameter_table.h"
#include "workload/operator.h"

namespace bitsmith {

enum class Architecture {
  decoder,  // causal language model: prefill and decode
  encoder,  // bidirectional: one pass over the sequence
  vision    // an encoder over the patches of an image
};
enum class Mlp { plain, gated };     // up + down, or gate + up + down
enum class NormKind { rms, layer };  // a gain; a gain and a bias
enum class Head {
  vocabulary,  // logits over the vocabulary
  pooler,      // BERT: a square projection of the first token
  classifier   // logits over num_labels
};

struct Transformer {
  std::string model;
  Architecture architecture = Architecture::decoder;
  std::uint64_t hidden_size = 0;
  std::uint64_t num_hidden_layers = 0;
  std::uint64_t num_attention_heads = 0;
  std::uint64_t num_key_value_heads = 0;
  std::uint64_t head_dim = 0;
  std::uint64_t intermediate_size = 0;
  std::uint64_t vocab_size = 0;  // 0: no vocabulary (vision)
  Mlp mlp = Mlp::gated;
  NormKind norm = NormKind::rms;
  std::uint64_t norms_per_layer = 2;  // 1: attention and MLP in parallel behind one norm
  bool sublayer_norms = false;        // BitNet: before o_proj and down_proj
  bool embedding_norm = false;        // BERT: behind the embeddings
  bool final_norm = true;
  bool attention_bias = false;
  bool mlp_bias = false;
  bool lm_head_bias = false;
  bool rotary = true;                         // rotary position embedding
  std::uint64_t rotary_dim = 0;               // features of a head that it turns; 0: all
  std::uint64_t position_embeddings = 0;      // rows of a learned table
  std::uint64_t max_position_embeddings = 0;  // longest sequence; 0: the rows of the table, if any
  std::uint64_t token_types = 0;              // rows of BERT's segment table
  std::uint64_t num_local_experts = 1;
  std::uint64_t num_experts_per_tok = 1;
  Head head = Head::vocabulary;
  std::uint64_t num_labels = 0;  // classifier
  std::uint64_t image_size = 0;  // vision: pixels of a side
  std::uint64_t patch_size = 0;
  std::uint64_t num_channels = 3;
  bool tie_word_embeddings = false;
  std::uint64_t published_parameters = 0;
  std::string source;

  bool has_experts() const { return num_local_experts > 1; }
  std::uint64_t query_size() const { return num_attention_heads * head_dim; }
  std::uint64_t key_value_size() const { return num_key_value_heads * head_dim; }
  std::uint64_t longest_sequence() const {
    return max_position_embeddings != 0 ? max_position_embeddings : position_embeddings;
  }
  std::uint64_t patches() const {
    return patch_size == 0 ? 0 : (image_size / patch_size) * (image_size / patch_size);
  }
};

const ParameterTable<Transformer>& transformer_parameters();
Transformer load_transformer(const std::filesystem::path& path);

// All parameters: weights, biases, gains, tables. Tied embeddings count once.
std::uint64_t parameter_count(const Transformer& model);

enum class Phase { prefill, decode };

struct PhaseOptions {
  Phase phase = Phase::prefill;
  // prefill: tokens of a prompt; decode: context with the new token. 0: 2048, or the patches of an
  // image and its class token.
  std::uint64_t sequence = 0;
  std::uint64_t batch = 1;  // sequences
  std::uint64_t chunk = 0;  // prefill: tokens at a time; 0: all
};

// The operators of one pass, in order.
//
// Query heads that share a key-value head are rows of one GEMM. Attention is not masked: the whole
// score matrix is computed, as arrays without sparsity do; in a chunked prefill a chunk meets the
// keys up to its own end. The last token of every sequence alone meets the vocabulary. Tokens are
// spread evenly over experts. Chunks repeat the whole model; operators of equal shape are listed
// once with their repetitions, so that the list stays in the order of a layer.
//
// Throws UserError when phase or options do not fit the model.
Workload transformer_workload(const Transformer& model, const PhaseOptions& options);

}  // namespace bitsmith
