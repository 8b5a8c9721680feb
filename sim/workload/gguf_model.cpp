#include "workload/gguf_model.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "common/mapped_file.h"
#include "common/text.h"
#include "config/scalar.h"
#include "workload/foreign_config.h"
#include "workload/safetensors_shape.h"

namespace bitsmith {
namespace {

constexpr std::size_t kShown = 200;

// ---------------------------------------------------------------------------------- shapes

// Metadata of one architecture, and the tensors that say what metadata do not.
class GgufConfig {
 public:
  GgufConfig(const GgufHeader& header, Diagnostics& mistakes) : config(header.metadata, mistakes) {
    for (const GgufTensor& tensor : header.tensors) tensors_.emplace(tensor.name, &tensor);
  }

  ForeignConfig config;

  std::string key(std::string_view rest) const {
    return fmt::format("{}.{}", config.model.architecture, rest);
  }
  // Null when there is none.
  const GgufTensor* tensor(std::string_view name) const {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : found->second;
  }
  // Ours of that `name` is theirs of that key, which must be there.
  std::uint64_t take(std::string_view name, std::string_view rest) {
    require(key(rest));
    return config.take(name, key(rest), 0);
  }
  void require(const std::string& whole) {
    if (!config.has(whole)) config.refuse(whole, "is missing");
  }
  // Rows of the embedding, whose width must be the model's.
  void take_vocabulary(std::uint64_t hidden) {
    const GgufTensor* const embedding = tensor("token_embd.weight");
    if (embedding == nullptr || embedding->shape.size() != 2) {
      config.refuse("token_embd.weight", "the file has no such matrix, which gives the vocabulary");
    } else if (embedding->shape[1] != hidden) {
      config.refuse(key("embedding_length"), fmt::format("{}, but token_embd.weight has shape {}",
                                                         hidden, shape_text(embedding->shape)));
    } else {
      config.set("vocab_size", embedding->shape[0]);
    }
  }

 private:
  std::map<std::string_view, const GgufTensor*> tensors_;
};

std::uint64_t take_common(GgufConfig& file) {
  const std::uint64_t hidden = file.take("hidden_size", "embedding_length");
  file.take("num_hidden_layers", "block_count");
  file.take("intermediate_size", "feed_forward_length");
  file.take_vocabulary(hidden);
  return hidden;
}

void take_rotary(GgufConfig& file, std::uint64_t head_dim) {
  ForeignConfig& config = file.config;
  const std::string dimensions = file.key("rope.dimension_count");
  const std::uint64_t turned = config.integer(dimensions, head_dim);
  if (turned == 0 || turned > head_dim) {
    config.refuse(dimensions, fmt::format("{} of a head's {} features", turned, head_dim));
  } else if (turned < head_dim) {
    config.set("rotary_dim", turned, config.where(dimensions));
  }
  config.model.rotary_base = config.number(file.key("rope.freq_base"), 10000);
  constexpr std::string_view kScaled = "rotary frequencies are scaled, which changes no shapes";
  const std::string scaling = file.key("rope.scaling.type");
  if (config.text(scaling, "none") != "none") config.note(scaling, kScaled);
  // A factor scales without a type, too: that is linear then (llama.cpp, llama-model.cpp). 0: not.
  for (const std::string& key : {file.key("rope.scaling.factor"), file.key("rope.scale_linear")}) {
    const double factor = config.number(key, 1);
    if (!config.has(scaling) && factor != 0 && factor != 1) config.note(key, kScaled);
  }
  if (file.tensor("rope_freqs.weight") != nullptr) config.note("rope_freqs.weight", kScaled);
}

// Biases of every projection of a group, or of none.
void set_biases(GgufConfig& file, std::string_view name,
                std::vector<std::string_view> projections) {
  const auto count = std::ranges::count_if(projections, [&](std::string_view projection) {
    return file.tensor(fmt::format("blk.0.{}.bias", projection)) != nullptr;
  });
  if (count != 0 && count != std::ssize(projections)) {
    file.config.refuse(fmt::format("blk.0.{}.bias", projections.front()),
                       fmt::format("biases of {} of the projections {}; all or none are modelled",
                                   count, fmt::join(projections, ", ")));
  }
  file.config.set_flag(name, count != 0);
}

void take_llama(GgufConfig& file) {
  ForeignConfig& config = file.config;
  const std::uint64_t hidden = take_common(file);
  const std::uint64_t heads = file.take("num_attention_heads", "attention.head_count");
  config.take("num_key_value_heads", file.key("attention.head_count_kv"), heads);
  const std::string width = file.key("attention.key_length");
  const std::uint64_t head_dim =
      config.has(width) ? config.take("head_dim", width, 0)
                        : config.set_head_dim(hidden, heads, file.key("attention.head_count"));
  if (config.integer(file.key("attention.value_length"), head_dim) != head_dim) {
    config.refuse(file.key("attention.value_length"), "values as wide as keys are modelled only");
  }
  config.set_word("mlp", "gated");
  config.set_word("norm", "rms");
  set_biases(file, "attention_bias", {"attn_q", "attn_k", "attn_v", "attn_output"});
  set_biases(file, "mlp_bias", {"ffn_gate", "ffn_up", "ffn_down"});
  config.set_flag("tie_word_embeddings", file.tensor("output.weight") == nullptr);
  if (config.integer(file.key("expert_count"), 0) > 0) {
    file.take("num_local_experts", "expert_count");
    file.take("num_experts_per_tok", "expert_used_count");
  }
  const std::string epsilon = file.key("attention.layer_norm_rms_epsilon");
  file.require(epsilon);
  config.model.norm_epsilon = config.number(epsilon, 0);
  config.model.hidden_activation = "silu";
  config.model.sliding_window = config.integer(file.key("attention.sliding_window"), 0);
  take_rotary(file, head_dim);
}

// The names of ggml's GELU, the approximation by tanh, in Hugging Face's terms.
constexpr std::string_view kTanhGelu = "gelu_new";

// What GPT-2 and Phi-2 share. Returns the width of a head.
std::uint64_t take_with_biases(GgufConfig& file) {
  ForeignConfig& config = file.config;
  const std::uint64_t hidden = take_common(file);
  const std::uint64_t heads = file.take("num_attention_heads", "attention.head_count");
  config.take("num_key_value_heads", file.key("attention.head_count_kv"), heads);
  config.set_word("mlp", "plain");
  config.set_word("norm", "layer");
  config.set_flag("attention_bias", true);
  config.set_flag("mlp_bias", true);
  const std::string epsilon = file.key("attention.layer_norm_epsilon");
  file.require(epsilon);
  config.model.norm_epsilon = config.number(epsilon, 0);
  config.model.hidden_activation = kTanhGelu;
  return config.set_head_dim(hidden, heads, file.key("attention.head_count"));
}

// The converter writes the embedding a second time as output.weight, so GPT-2 is tied all the same.
void take_gpt2(GgufConfig& file) {
  take_with_biases(file);
  file.take("position_embeddings", "context_length");
  file.config.set_flag("rotary", false);
  file.config.set_flag("tie_word_embeddings", true);
}

void take_phi2(GgufConfig& file) {
  const std::uint64_t head_dim = take_with_biases(file);
  file.config.set("norms_per_layer", 1);
  file.config.set_flag("lm_head_bias", true);
  take_rotary(file, head_dim);
}

struct GgufArchitecture {
  std::string_view name;
  void (*take)(GgufConfig&);
};
constexpr std::array kArchitectures{GgufArchitecture{"llama", take_llama},
                                    GgufArchitecture{"gpt2", take_gpt2},
                                    GgufArchitecture{"phi2", take_phi2}};

const GgufArchitecture& architecture_of(const ForeignConfig& config, Diagnostics& mistakes) {
  constexpr std::string_view kKey = "general.architecture";
  const std::string name = config.text(kKey, "");
  mistakes.throw_if_any();
  const auto found = std::ranges::find(kArchitectures, name, &GgufArchitecture::name);
  if (found != kArchitectures.end()) return *found;
  std::vector<std::string_view> names;
  for (const GgufArchitecture& architecture : kArchitectures) names.push_back(architecture.name);
  throw UserError(config.where(kKey), name.empty() ? fmt::format("'{}' is missing", kKey)
                                                   : unknown_word(kKey, name, names));
}

// ---------------------------------------------------------------------------------- weights

// A tensor as it is shown: part of one of the file, perhaps with the rows of its heads moved.
struct View {
  StoredTensor shown;
  const GgufTensor* tensor;
  std::uint64_t first = 0;  // element
  std::uint64_t heads = 0;  // of rows that llama.cpp has moved; 0: none are
};

struct Renaming {
  std::string_view theirs;
  std::string_view ours;
};

// Of a layer, and what comes before and behind all layers.
constexpr std::array kLayerNames{
    Renaming{"attn_norm", "input_layernorm"},    Renaming{"attn_q", "self_attn.q_proj"},
    Renaming{"attn_k", "self_attn.k_proj"},      Renaming{"attn_v", "self_attn.v_proj"},
    Renaming{"attn_output", "self_attn.o_proj"}, Renaming{"ffn_norm", "post_attention_layernorm"},
    Renaming{"ffn_gate", "mlp.gate_proj"},       Renaming{"ffn_up", "mlp.up_proj"},
    Renaming{"ffn_down", "mlp.down_proj"},       Renaming{"ffn_gate_inp", "block_sparse_moe.gate"}};
constexpr std::array kOtherNames{Renaming{"token_embd", "model.embed_tokens"},
                                 Renaming{"output_norm", "model.norm"},
                                 Renaming{"output", "lm_head"}};
// Of Mixtral, all experts in one tensor.
constexpr std::array kExpertNames{Renaming{"ffn_gate_exps", "w1"}, Renaming{"ffn_down_exps", "w2"},
                                  Renaming{"ffn_up_exps", "w3"}};

// "" when it has none.
template <std::size_t count>
std::string_view renamed(const std::array<Renaming, count>& names, std::string_view theirs) {
  const auto found = std::ranges::find(names, theirs, &Renaming::theirs);
  return found == names.end() ? "" : found->ours;
}

// "blk.<layer>.<part>.weight" or ".bias".
struct LayerTensor {
  std::string_view layer;
  std::string_view part;
  std::string_view kind;
};

std::optional<LayerTensor> split_layer_name(std::string_view name) {
  constexpr std::string_view kLayer = "blk.";
  if (!name.starts_with(kLayer)) return std::nullopt;
  name.remove_prefix(kLayer.size());
  const std::size_t dot = name.find('.'), last = name.rfind('.');
  if (dot == name.npos || last == dot || !parse_integer(name.substr(0, dot))) return std::nullopt;
  return LayerTensor{name.substr(0, dot), name.substr(dot + 1, last - dot - 1),
                     name.substr(last + 1)};
}

constexpr std::uint64_t kMostViews = std::uint64_t{1} << 20;

class LlamaViews {
 public:
  LlamaViews(const GgufHeader& header, const Transformer& model, const Location& where)
      : model_(model), where_(where) {
    for (const GgufTensor& tensor : header.tensors) add(tensor);
    mistakes_.throw_if_any();
  }

  std::vector<View> views;

 private:
  void add(const GgufTensor& tensor);
  void add_layer(const GgufTensor& tensor, const LayerTensor& name);
  void add_experts(const GgufTensor& tensor, const LayerTensor& name, std::string_view ours);
  void add_view(const GgufTensor& tensor, std::string name, std::uint64_t heads = 0);

  const Transformer& model_;
  Location where_;
  Diagnostics mistakes_;
};

void LlamaViews::add_view(const GgufTensor& tensor, std::string name, std::uint64_t heads) {
  views.push_back(
      {{std::move(name), std::string(tensor.type->name), tensor.shape}, &tensor, 0, heads});
}

void LlamaViews::add(const GgufTensor& tensor) {
  if (const auto layer = split_layer_name(tensor.name)) return add_layer(tensor, *layer);
  const std::string_view name = tensor.name;
  const std::size_t dot = std::min(name.rfind('.'), name.size());
  const std::string_view ours = renamed(kOtherNames, name.substr(0, dot));
  add_view(tensor, ours.empty() ? tensor.name : fmt::format("{}{}", ours, name.substr(dot)));
}

void LlamaViews::add_layer(const GgufTensor& tensor, const LayerTensor& name) {
  if (const std::string_view expert = renamed(kExpertNames, name.part); !expert.empty()) {
    return add_experts(tensor, name, expert);
  }
  const std::string_view ours = renamed(kLayerNames, name.part);
  if (ours.empty()) return add_view(tensor, tensor.name);
  std::uint64_t heads = 0;
  if (name.part == "attn_q") heads = model_.num_attention_heads;
  if (name.part == "attn_k") heads = model_.num_key_value_heads;
  if (heads != 0 && (tensor.shape.empty() || tensor.shape[0] % (2 * heads) != 0)) {
    mistakes_.add(where_, fmt::format("{}: shape {} does not divide into {} heads of two halves",
                                      tensor_text(tensor.name), shape_text(tensor.shape), heads));
    return;
  }
  add_view(tensor, fmt::format("model.layers.{}.{}.{}", name.layer, ours, name.kind), heads);
}

void LlamaViews::add_experts(const GgufTensor& tensor, const LayerTensor& name,
                             std::string_view ours) {
  const std::uint64_t experts = model_.num_local_experts;
  if (tensor.shape.size() != 3 || tensor.shape[0] != experts) {
    mistakes_.add(where_, fmt::format("{}: expected three dimensions, the first of {} experts, "
                                      "found shape {}",
                                      tensor_text(tensor.name), experts, shape_text(tensor.shape)));
    return;
  }
  if (experts > kMostViews - std::min<std::uint64_t>(views.size(), kMostViews)) {
    throw UserError(where_, fmt::format("has more than {} tensors of experts", kMostViews));
  }
  for (std::uint64_t i = 0; i < experts; ++i) {
    StoredTensor shown{fmt::format("model.layers.{}.block_sparse_moe.experts.{}.{}.{}", name.layer,
                                   i, ours, name.kind),
                       std::string(tensor.type->name),
                       {tensor.shape[1], tensor.shape[2]}};
    const std::uint64_t first = i * shown.elements();
    views.push_back({std::move(shown), &tensor, first, 0});
  }
}

class GgufWeights final : public WeightStore {
 public:
  GgufWeights(MappedFile file, GgufHeader header, std::vector<View> views)
      : WeightStore(file.path().string(), shown(views)),
        file_(std::move(file)),
        header_(std::move(header)),
        views_(std::move(views)) {}

 private:
  static std::vector<StoredTensor> shown(const std::vector<View>& views) {
    std::vector<StoredTensor> tensors;
    for (const View& view : views) tensors.push_back(view.shown);
    return tensors;
  }
  void read_elements(std::size_t tensor, const StoredType& type, std::uint64_t first,
                     std::span<float> values) const override;

  MappedFile file_;
  GgufHeader header_;  // views point at its tensors, which moving leaves in place
  std::vector<View> views_;
};

void GgufWeights::read_elements(std::size_t tensor, const StoredType& type, std::uint64_t first,
                                std::span<float> values) const {
  file_.check_size();
  const View& view = views_[tensor];
  const auto data = file_.bytes().subspan(view.tensor->offset, view.tensor->bytes);
  if (view.heads == 0) return decode_numbers(type, data, view.first + first, values);
  const std::uint64_t rows = view.shown.shape[0];
  const std::uint64_t columns = view.shown.elements() / rows;
  const std::uint64_t half = rows / view.heads / 2;
  while (!values.empty()) {
    const std::uint64_t row = first / columns, column = first % columns;
    const std::uint64_t head = row / (2 * half), part = row / half % 2, index = row % half;
    const std::uint64_t moved = head * 2 * half + 2 * index + part;
    const std::size_t taken = std::min<std::size_t>(columns - column, values.size());
    decode_numbers(type, data, moved * columns + column, values.first(taken));
    values = values.subspan(taken);
    first += taken;
  }
}

std::vector<View> views_of(const GgufHeader& header, const ImportedModel& model) {
  if (model.architecture == "llama") {
    return std::move(LlamaViews(header, model.transformer, header.metadata.where).views);
  }
  std::vector<View> views;
  for (const GgufTensor& tensor : header.tensors) {
    views.push_back({{tensor.name, std::string(tensor.type->name), tensor.shape}, &tensor, 0, 0});
  }
  return views;
}

}  // namespace

ImportedModel read_gguf_config(const GgufHeader& header, const std::string& model) {
  Diagnostics mistakes;
  GgufConfig file(header, mistakes);
  const GgufArchitecture& architecture = architecture_of(file.config, mistakes);
  if (const std::uint64_t files = file.config.integer("split.count", 1); files > 1) {
    file.config.refuse("split.count", fmt::format("one of {} files; join them first "
                                                  "(llama-gguf-split --merge)",
                                                  files));
  }
  mistakes.throw_if_any();
  file.config.model.architecture = architecture.name;
  file.config.set_word("model", model);
  file.config.set_word("source", printable(header.metadata.where.file, kShown));
  architecture.take(file);
  return file.config.finish();
}

ImportedModel import_gguf(const std::filesystem::path& path) {
  MappedFile file(path);
  GgufHeader header = parse_gguf(file.bytes(), path.string());
  ImportedModel model = read_gguf_config(header, printable(path.stem().string(), kShown));
  std::vector<View> views = views_of(header, model);
  model.weights =
      std::make_unique<GgufWeights>(std::move(file), std::move(header), std::move(views));
  return model;
}

}  // namespace bitsmith
