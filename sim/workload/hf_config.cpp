#include "workload/hf_config.h"

#include <algorithm>
#include <array>
#include <optional>

#include "common/text.h"
#include "config/scalar.h"
#include "workload/transformer_draft.h"

namespace bitsmith {
namespace {

// The objects of a config.json, and the model that becomes of it. A key that is missing or null has
// its default, as in the library.
class Config {
 public:
  Config(const YamlNode& map, Diagnostics& mistakes)
      : draft(map.where), map_(map), mistakes_(mistakes) {}

  TransformerDraft draft;
  ImportedModel model;

  const YamlNode* find(std::string_view key) const {
    const YamlNode* const node = map_.find(key);
    return node == nullptr || node->kind == YamlNode::Kind::empty ? nullptr : node;
  }
  std::uint64_t integer(std::string_view key, std::uint64_t otherwise) const;
  bool flag(std::string_view key, bool otherwise) const;
  double number(std::string_view key, double otherwise) const;
  std::optional<double> number_of(const YamlNode& node, std::string_view key) const {
    constexpr NumberRange kNumbers{0, 1e12};
    return read_number(node, key, kNumbers, mistakes_);
  }
  std::string text(std::string_view key, std::string_view otherwise) const;

  // Our `name` is the file's `key`.
  std::uint64_t take(std::string_view name, std::string_view key, std::uint64_t otherwise);

  Location where(std::string_view key) const;
  void refuse(std::string_view key, std::string_view why) {
    mistakes_.add(where(key), fmt::format("'{}': {}", key, why));
  }
  void note(std::string_view key, std::string_view what) {
    model.unmodelled.push_back(fmt::format("{}: '{}': {}", where(key).text(), key, what));
  }

 private:
  const YamlNode& map_;
  Diagnostics& mistakes_;
};

constexpr IntegerRange kSizes{0, std::int64_t{1} << 24};

Location Config::where(std::string_view key) const {
  const YamlNode* const node = map_.find(key);
  return node == nullptr ? map_.where : node->where;
}

std::uint64_t Config::integer(std::string_view key, std::uint64_t otherwise) const {
  const YamlNode* const node = find(key);
  if (node == nullptr) return otherwise;
  const auto value = read_integer(*node, key, kSizes, mistakes_);
  return value ? static_cast<std::uint64_t>(*value) : otherwise;
}

bool Config::flag(std::string_view key, bool otherwise) const {
  const YamlNode* const node = find(key);
  return node == nullptr ? otherwise : read_flag(*node, key, mistakes_).value_or(otherwise);
}

double Config::number(std::string_view key, double otherwise) const {
  const YamlNode* const node = find(key);
  return node == nullptr ? otherwise : number_of(*node, key).value_or(otherwise);
}

std::string Config::text(std::string_view key, std::string_view otherwise) const {
  const YamlNode* const node = find(key);
  if (node == nullptr) return std::string(otherwise);
  if (node->kind == YamlNode::Kind::scalar && !node->quoted) {
    mistakes_.add(node->where,
                  fmt::format("'{}': expected a string, found {}", key, yaml::describe(*node)));
  }
  return read_text(*node, key, mistakes_).value_or(std::string(otherwise));
}

std::uint64_t Config::take(std::string_view name, std::string_view key, std::uint64_t otherwise) {
  const std::uint64_t value = integer(key, otherwise);
  draft.set(name, value, where(key));
  return value;
}

// ---------------------------------------------------------------------------------- families

// Heads of `hidden` features in all, unless head_dim says otherwise. Returns the width of one.
std::uint64_t take_head_dim(Config& config, std::uint64_t hidden, std::uint64_t heads,
                            std::string_view heads_key) {
  if (config.find("head_dim") != nullptr) return config.take("head_dim", "head_dim", 0);
  if (heads == 0 || hidden % heads != 0) {
    config.refuse(heads_key, fmt::format("{} features do not divide into {} heads", hidden, heads));
    heads = 1;
  }
  config.draft.set("head_dim", hidden / heads);
  return hidden / heads;
}

// Rotary position embedding: rope_theta and rope_scaling, or both in rope_parameters since version
// 5 of the library. Scaled frequencies change values only.
void take_rotary(Config& config, double otherwise) {
  const YamlNode* scaling = config.find("rope_scaling");
  config.model.rotary_base = config.number("rope_theta", otherwise);
  std::string_view key = "rope_scaling";
  if (const YamlNode* const parameters = config.find("rope_parameters")) {
    key = "rope_parameters";
    scaling = parameters;
    if (const YamlNode* const theta = parameters->find("rope_theta")) {
      config.model.rotary_base =
          config.number_of(*theta, "rope_theta").value_or(config.model.rotary_base);
    }
  }
  if (scaling == nullptr) return;
  const YamlNode* type = scaling->find("rope_type");
  if (type == nullptr) type = scaling->find("type");
  if (type != nullptr && type->scalar == "default") return;
  config.note(key, "scaled rotary frequencies");
}

// What Llama, Mistral and Mixtral share; the defaults differ.
struct LlamaDefaults {
  std::uint64_t intermediate_size;
  std::uint64_t key_value_heads;  // 0: as many as query heads
  double norm_epsilon;
  double rotary_base;
};

void take_llama(Config& config, const LlamaDefaults& otherwise) {
  const std::uint64_t hidden = config.take("hidden_size", "hidden_size", 4096);
  const std::uint64_t heads = config.take("num_attention_heads", "num_attention_heads", 32);
  config.take("num_hidden_layers", "num_hidden_layers", 32);
  config.take("num_key_value_heads", "num_key_value_heads",
              otherwise.key_value_heads == 0 ? heads : otherwise.key_value_heads);
  take_head_dim(config, hidden, heads, "num_attention_heads");
  config.take("intermediate_size", "intermediate_size", otherwise.intermediate_size);
  config.take("vocab_size", "vocab_size", 32000);
  config.draft.set_word("mlp", "gated");
  config.draft.set_word("norm", "rms");
  config.draft.set_flag("tie_word_embeddings", config.flag("tie_word_embeddings", false));
  config.model.hidden_activation = config.text("hidden_act", "silu");
  config.model.norm_epsilon = config.number("rms_norm_eps", otherwise.norm_epsilon);
  take_rotary(config, otherwise.rotary_base);
}

// LlamaConfig.
void take_llama_family(Config& config) {
  take_llama(config, {11008, 0, 1e-6, 10000});
  config.draft.set_flag("attention_bias", config.flag("attention_bias", false));
  config.draft.set_flag("mlp_bias", config.flag("mlp_bias", false));
}

// MistralConfig.
void take_mistral(Config& config) {
  take_llama(config, {14336, 8, 1e-6, 10000});
  config.model.sliding_window = config.integer("sliding_window", 0);
}

// MixtralConfig.
void take_mixtral(Config& config) {
  take_llama(config, {14336, 8, 1e-5, 1e6});
  config.take("num_local_experts", "num_local_experts", 8);
  config.take("num_experts_per_tok", "num_experts_per_tok", 2);
  config.model.sliding_window = config.integer("sliding_window", 0);
}

struct Family {
  std::string_view model_type;
  void (*take)(Config&);
};
constexpr std::array kFamilies{Family{"llama", take_llama_family}, Family{"mistral", take_mistral},
                               Family{"mixtral", take_mixtral}};

const Family* family_of(const Config& config, Diagnostics& mistakes) {
  std::vector<std::string_view> names;
  for (const Family& family : kFamilies) names.push_back(family.model_type);
  const std::string type = config.text("model_type", "");
  const auto found = std::ranges::find(kFamilies, type, &Family::model_type);
  if (found != kFamilies.end()) return &*found;
  mistakes.add(config.where("model_type"),
               type.empty() ? fmt::format("'model_type' is missing: the model's family, one of {}",
                                          fmt::join(names, ", "))
                            : unknown_word("model_type", type, names));
  return nullptr;
}

}  // namespace

ImportedModel read_hf_config(const YamlNode& file, const std::string& model) {
  Diagnostics mistakes;
  Config config(file, mistakes);
  const Family* const family = family_of(config, mistakes);
  mistakes.throw_if_any();
  config.model.architecture = family->model_type;
  config.draft.set_word("model", model);
  config.draft.set_word("source", printable(file.where.file, 200));
  family->take(config);
  config.model.transformer = config.draft.finish(mistakes);
  mistakes.throw_if_any();
  return std::move(config.model);
}

}  // namespace bitsmith
