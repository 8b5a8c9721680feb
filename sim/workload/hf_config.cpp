#include "workload/hf_config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/text.h"
#include "config/scalar.h"
#include "workload/foreign_config.h"

namespace bitsmith {
namespace {

// ---------------------------------------------------------------------------------- in common

// A missing number of key-value heads is `otherwise`, one of null that of the query heads.
void take_key_value_heads(ForeignConfig& config, std::uint64_t heads, std::uint64_t otherwise) {
  const bool is_null =
      config.has("num_key_value_heads") && config.find("num_key_value_heads") == nullptr;
  config.take("num_key_value_heads", "num_key_value_heads", is_null ? heads : otherwise);
}

// rope_theta and rope_scaling, or both in rope_parameters since version 5 of the library.
void take_rotary(ForeignConfig& config, double otherwise) {
  config.model.rotary_base = config.number("rope_theta", otherwise);
  std::string_view key = "rope_scaling";
  if (const YamlNode* const parameters = config.find("rope_parameters")) {
    key = "rope_parameters";
    config.model.rotary_base =
        config.number_in(*parameters, "rope_theta").value_or(config.model.rotary_base);
  }
  const YamlNode* const scaling = config.find(key);
  if (scaling == nullptr) return;
  const YamlNode* type = scaling->find("rope_type");
  if (type == nullptr) type = scaling->find("type");
  if (type == nullptr || type->scalar != "default") {
    config.note(key, "rotary frequencies are scaled, which changes no shapes");
  }
}

void set_layer_norms(ForeignConfig& config, std::string_view epsilon_key, double epsilon) {
  config.set_word("norm", "layer");
  config.model.norm_epsilon = config.number(epsilon_key, epsilon);
}

// Two matrices with an activation between them, and biases everywhere.
void set_plain_with_biases(ForeignConfig& config) {
  config.set_word("mlp", "plain");
  config.set_flag("attention_bias", true);
  config.set_flag("mlp_bias", true);
}

// ---------------------------------------------------------------------------------- Llama's kin

struct LlamaDefaults {
  std::uint64_t intermediate_size;
  std::uint64_t key_value_heads;  // 0: as many as query heads
  double norm_epsilon;
  double rotary_base;
};

void take_llama_like(ForeignConfig& config, const LlamaDefaults& otherwise) {
  const std::uint64_t hidden = config.take("hidden_size", "hidden_size", 4096);
  const std::uint64_t heads = config.take("num_attention_heads", "num_attention_heads", 32);
  config.take("num_hidden_layers", "num_hidden_layers", 32);
  take_key_value_heads(config, heads,
                       otherwise.key_value_heads == 0 ? heads : otherwise.key_value_heads);
  if (config.find("head_dim") != nullptr) {
    config.take("head_dim", "head_dim", 0);
  } else {
    config.set_head_dim(hidden, heads, "num_attention_heads");
  }
  config.take("intermediate_size", "intermediate_size", otherwise.intermediate_size);
  config.take("vocab_size", "vocab_size", 32000);
  config.set_word("mlp", "gated");
  config.set_word("norm", "rms");
  config.set_flag("tie_word_embeddings", config.flag("tie_word_embeddings", false));
  config.model.hidden_activation = config.text("hidden_act", "silu");
  config.model.norm_epsilon = config.number("rms_norm_eps", otherwise.norm_epsilon);
  take_rotary(config, otherwise.rotary_base);
}

// LlamaConfig. Its biases are those of all four projections.
void take_llama(ForeignConfig& config) {
  take_llama_like(config, {11008, 0, 1e-6, 10000});
  config.set_flag("attention_bias", config.flag("attention_bias", false));
  config.set_flag("mlp_bias", config.flag("mlp_bias", false));
}

// MistralConfig. Only a window that is missing has its default, one of null is none.
void take_mistral(ForeignConfig& config) {
  take_llama_like(config, {14336, 8, 1e-6, 10000});
  const std::uint64_t missing = config.has("sliding_window") ? 0 : 4096;
  config.model.sliding_window = config.integer("sliding_window", missing);
}

// MixtralConfig.
void take_mixtral(ForeignConfig& config) {
  take_llama_like(config, {14336, 8, 1e-5, 1e6});
  config.take("num_local_experts", "num_local_experts", 8);
  config.take("num_experts_per_tok", "num_experts_per_tok", 2);
  config.model.sliding_window = config.integer("sliding_window", 0);
}

// ---------------------------------------------------------------------------------- decoders

// OPTConfig. OPTLearnedPositionalEmbedding has two rows more than there are positions.
void take_opt(ForeignConfig& config) {
  const std::uint64_t hidden = config.take("hidden_size", "hidden_size", 768);
  const std::uint64_t heads = config.take("num_attention_heads", "num_attention_heads", 12);
  config.set("num_key_value_heads", heads);
  config.set_head_dim(hidden, heads, "num_attention_heads");
  config.take("num_hidden_layers", "num_hidden_layers", 12);
  config.take("intermediate_size", "ffn_dim", 3072);
  config.take("vocab_size", "vocab_size", 50272);
  const std::uint64_t longest =
      config.take("max_position_embeddings", "max_position_embeddings", 2048);
  config.set("position_embeddings", longest + 2);
  config.set_flag("rotary", false);
  config.set_flag("tie_word_embeddings", config.flag("tie_word_embeddings", true));
  config.model.hidden_activation = config.text("activation_function", "relu");
  config.set_word("norm", "layer");
  config.model.norm_epsilon = 1e-5;  // of torch.nn.LayerNorm; the file has no key for it
  config.set_word("mlp", "plain");
  const bool has_biases = config.flag("enable_bias", true);
  config.set_flag("attention_bias", has_biases);
  config.set_flag("mlp_bias", has_biases);
  config.set_flag("final_norm", !config.flag("_remove_final_layer_norm", false));
  if (config.integer("word_embed_proj_dim", hidden) != hidden) {
    config.refuse("word_embed_proj_dim", "projections of the embedding are not modelled");
  }
  if (!config.flag("do_layer_norm_before", true)) {
    config.refuse("do_layer_norm_before", "norms behind the sublayers are not modelled");
  }
  if (!config.flag("layer_norm_elementwise_affine", true)) {
    config.refuse("layer_norm_elementwise_affine", "norms without gains are not modelled");
  }
}

// PhiConfig (Phi-1, 1.5 and 2): PhiDecoderLayer adds attention and MLP behind one norm.
void take_phi(ForeignConfig& config) {
  const std::uint64_t hidden = config.take("hidden_size", "hidden_size", 2048);
  const std::uint64_t heads = config.take("num_attention_heads", "num_attention_heads", 32);
  take_key_value_heads(config, heads, heads);
  const std::uint64_t width = config.set_head_dim(hidden, heads, "num_attention_heads");
  config.take("num_hidden_layers", "num_hidden_layers", 24);
  config.take("intermediate_size", "intermediate_size", 8192);
  config.take("vocab_size", "vocab_size", 51200);
  config.set("norms_per_layer", 1);
  set_plain_with_biases(config);
  config.set_flag("lm_head_bias", true);
  config.set_flag("tie_word_embeddings", config.flag("tie_word_embeddings", false));
  set_layer_norms(config, "layer_norm_eps", 1e-5);
  config.model.hidden_activation = config.text("hidden_act", "gelu_new");
  take_rotary(config, 10000);
  double part = config.number("partial_rotary_factor", 0.5);
  if (const YamlNode* const parameters = config.find("rope_parameters")) {
    part = config.number_in(*parameters, "partial_rotary_factor").value_or(part);
  }
  const double turned = std::floor(static_cast<double>(width) * part);  // as int() in the library
  if (turned < 1 || turned > static_cast<double>(width)) {
    config.refuse("partial_rotary_factor", fmt::format("{} of a head's {} features", part, width));
  } else if (turned < static_cast<double>(width)) {
    config.set("rotary_dim", static_cast<std::uint64_t>(turned));
  }
  if (config.flag("qk_layernorm", false)) {
    config.refuse("qk_layernorm", "norms of queries and keys are not modelled");
  }
}

// GPT2Config. Its attribute_map lets four keys go by the common names, too.
void take_gpt2(ForeignConfig& config) {
  const auto either = [&](std::string_view key, std::string_view common) {
    return config.has(key) ? key : common;
  };
  const std::string_view heads_key = either("n_head", "num_attention_heads");
  const std::uint64_t hidden = config.take("hidden_size", either("n_embd", "hidden_size"), 768);
  const std::uint64_t heads = config.take("num_attention_heads", heads_key, 12);
  config.set("num_key_value_heads", heads);
  config.set_head_dim(hidden, heads, heads_key);
  config.take("num_hidden_layers", either("n_layer", "num_hidden_layers"), 12);
  config.take("intermediate_size", "n_inner", 4 * hidden);
  config.take("vocab_size", "vocab_size", 50257);
  config.take("position_embeddings", either("n_positions", "max_position_embeddings"), 1024);
  config.set_flag("rotary", false);
  set_plain_with_biases(config);
  set_layer_norms(config, "layer_norm_epsilon", 1e-5);
  config.set_flag("tie_word_embeddings", config.flag("tie_word_embeddings", true));
  config.model.hidden_activation = config.text("activation_function", "gelu_new");
  if (config.flag("add_cross_attention", false)) {
    config.refuse("add_cross_attention", "cross attention is not modelled");
  }
  if (!config.flag("scale_attn_weights", true)) {
    config.note("scale_attn_weights", "attention scores are not scaled");
  }
  if (config.flag("scale_attn_by_inverse_layer_idx", false)) {
    config.note("scale_attn_by_inverse_layer_idx", "attention scores are scaled by the layer");
  }
}

// ---------------------------------------------------------------------------------- encoders

void take_encoder(ForeignConfig& config) {
  const std::uint64_t hidden = config.take("hidden_size", "hidden_size", 768);
  const std::uint64_t heads = config.take("num_attention_heads", "num_attention_heads", 12);
  config.set("num_key_value_heads", heads);
  config.set_head_dim(hidden, heads, "num_attention_heads");
  config.take("num_hidden_layers", "num_hidden_layers", 12);
  config.take("intermediate_size", "intermediate_size", 3072);
  config.set_flag("rotary", false);
  set_plain_with_biases(config);
  set_layer_norms(config, "layer_norm_eps", 1e-12);
  config.model.hidden_activation = config.text("hidden_act", "gelu");
}

// BertConfig, as BertModel with its pooler: heads of tasks are left out, whatever `architectures`
// says.
void take_bert(ForeignConfig& config) {
  config.set_word("architecture", "encoder");
  take_encoder(config);
  config.take("vocab_size", "vocab_size", 30522);
  config.take("position_embeddings", "max_position_embeddings", 512);
  config.take("token_types", "type_vocab_size", 2);
  config.set_flag("embedding_norm", true);
  config.set_flag("final_norm", false);
  config.set_word("head", "pooler");
  if (config.flag("is_decoder", false)) {
    config.refuse("is_decoder", "BERT is modelled as an encoder only");
  }
  if (config.text("position_embedding_type", "absolute") != "absolute") {
    config.refuse("position_embedding_type", "only absolute positions are modelled");
  }
}

// Labels of ViTForImageClassification: as many as PreTrainedConfig makes of id2label or num_labels,
// two without them.
std::uint64_t labels_of(const ForeignConfig& config) {
  const YamlNode* const names = config.find("id2label");
  if (names == nullptr || names->kind != YamlNode::Kind::map)
    return config.integer("num_labels", 2);
  return names->entries.size();
}

bool is_classifier(const ForeignConfig& config) {
  const YamlNode* const classes = config.find("architectures");
  if (classes == nullptr) return false;
  return std::ranges::any_of(classes->items, [](const YamlNode& name) {
    return name.scalar == "ViTForImageClassification";
  });
}

// ViTConfig: ViTForImageClassification, or else ViTModel with its pooler. One more position is that
// of the class token.
void take_vit(ForeignConfig& config) {
  config.set_word("architecture", "vision");
  take_encoder(config);
  const std::uint64_t image = config.take("image_size", "image_size", 224);
  const std::uint64_t patch = config.take("patch_size", "patch_size", 16);
  const std::uint64_t side = patch == 0 ? 0 : image / patch;
  config.set("position_embeddings", side * side + 1);
  config.take("num_channels", "num_channels", 3);
  const bool classifies = is_classifier(config);
  config.set_word("head", classifies ? "classifier" : "pooler");
  if (classifies) config.set("num_labels", labels_of(config), config.where("id2label"));
  if (!config.flag("qkv_bias", true)) {
    config.refuse("qkv_bias", "a bias of the output projection alone is not modelled");
  }
}

// ---------------------------------------------------------------------------------- choice

struct Family {
  std::string_view model_type;
  void (*take)(ForeignConfig&);
};
constexpr std::array kFamilies{Family{"llama", take_llama},     Family{"mistral", take_mistral},
                               Family{"mixtral", take_mixtral}, Family{"opt", take_opt},
                               Family{"phi", take_phi},         Family{"gpt2", take_gpt2},
                               Family{"bert", take_bert},       Family{"vit", take_vit}};

const Family& family_of(const ForeignConfig& config, Diagnostics& mistakes) {
  const std::string type = config.text("model_type", "");
  mistakes.throw_if_any();
  const auto found = std::ranges::find(kFamilies, type, &Family::model_type);
  if (found != kFamilies.end()) return *found;
  std::vector<std::string_view> names;
  for (const Family& family : kFamilies) names.push_back(family.model_type);
  throw UserError(config.where("model_type"),
                  type.empty()
                      ? fmt::format("'model_type' is missing: the model's family, one of {}",
                                    fmt::join(names, ", "))
                      : unknown_word("model_type", type, names));
}

}  // namespace

ImportedModel read_hf_config(const YamlNode& file, const std::string& model) {
  constexpr std::size_t kShown = 200;
  Diagnostics mistakes;
  ForeignConfig config(file, mistakes);
  const Family& family = family_of(config, mistakes);
  config.model.architecture = family.model_type;
  config.set_word("model", model);
  config.set_word("source", printable(file.where.file, kShown));
  family.take(config);
  if (config.find("quantization_config") != nullptr) {
    config.note("quantization_config", "the weights are packed by a quantizer of the library");
  }
  return config.finish();
}

}  // namespace bitsmith
