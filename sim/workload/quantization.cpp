#include "workload/quantization.h"

#include <algorithm>

#include "config/parameter_table.h"

namespace bitsmith {
namespace {

// An operand as it is written; formats of some methods are not in the table of formats.
struct OperandText {
  std::string format = "fp16";
  QuantMethod method = QuantMethod::none;
  Granularity granularity = Granularity::tensor;
  LineAxis axis = LineAxis::along_k;
  std::uint64_t group = 128;
  std::string scale = "fp32";
  std::uint64_t recent_tokens = 0;
  RecentRule recent_rule = RecentRule::last;
  bool stored_only = false;
};

const std::vector<std::string_view> kScales = {"fp32", "fp16", "bf16", "e8m0", "int8", "uint8"};
const std::vector<std::string_view> kMixtures = {"fp3", "fp4"};

const ParameterTable<OperandText>& operand_table() {
  using T = OperandText;
  static const ParameterTable<T> table = [] {
    ParameterTable<T> t;
    t.text("format", &T::format, "a number format; of mx a block format, of bitmod fp3 or fp4");
    t.choice("method", &T::method,
             {{"none", QuantMethod::none},
              {"absmax", QuantMethod::absmax},
              {"zero_point", QuantMethod::zero_point},
              {"absmean", QuantMethod::absmean},
              {"mx", QuantMethod::mx},
              {"bitmod", QuantMethod::bitmod}},
             "how numbers become codes");
    t.choice("granularity", &T::granularity,
             {{"tensor", Granularity::tensor},
              {"channel", Granularity::channel},
              {"group", Granularity::group}},
             "which numbers share a scale: all, a line, or a group of a line");
    t.choice("along", &T::axis, {{"k", LineAxis::along_k}, {"outputs", LineAxis::across_k}},
             "lines run along k, or across it: along tokens (activations) or outputs (weights)");
    t.integer("group", &T::group, {1, 1 << 20}, "numbers", "size of a group");
    t.text("scale", &T::scale, "format of a scale: fp32, fp16, bf16, e8m0, int8 or uint8");
    t.integer("recent_tokens", &T::recent_tokens, {0, 1 << 24}, "tokens",
              "tokens of a KV cache that stay in fp16, by recent_rule");
    t.choice("recent_rule", &T::recent_rule,
             {{"last", RecentRule::last}, {"remainder", RecentRule::remainder}},
             "the last recent_tokens, or those left over of blocks of recent_tokens");
    t.flag("stored_only", &T::stored_only,
           "a KV cache that a prefill at once uses before it is quantized");
    return t;
  }();
  return table;
}

class OperandReader {
 public:
  OperandReader(const YamlNode& node, Diagnostics& diagnostics)
      : node_(node), diagnostics_(diagnostics) {}

  OperandQuantization read(bool is_cache) {
    const std::size_t before = diagnostics_.size();
    const OperandText text = operand_table().read(node_, diagnostics_);
    OperandQuantization operand;
    if (diagnostics_.size() > before) return operand;
    operand.granularity = text.granularity;
    operand.axis = text.axis;
    operand.group = text.group;
    operand.recent_tokens = text.recent_tokens;
    operand.recent_rule = text.recent_rule;
    operand.stored_only = text.stored_only;
    read_format(text, operand.quantizer);
    if (text.scale != "fp32") {
      if (std::find(kScales.begin(), kScales.end(), text.scale) == kScales.end()) {
        add("scale", unknown_word("format of a scale", text.scale, kScales));
      } else {
        operand.quantizer.scale_format = find_format(text.scale);
      }
    }
    if (diagnostics_.size() > before) return operand;
    if (const auto problem = invalid(operand.quantizer)) add("method", *problem);
    require_possible(operand, is_cache);
    return operand;
  }

 private:
  void add(std::string_view key, const std::string& problem) {
    const YamlNode* value = node_.find(key);
    diagnostics_.add(value == nullptr ? node_.where : value->where,
                     fmt::format("'{}': {}", key, problem));
  }

  void read_format(const OperandText& text, Quantizer& quantizer) {
    quantizer.method = text.method;
    quantizer.format = nullptr;
    if (text.method == QuantMethod::mx) {
      quantizer.block = find_block_format(text.format);
      if (quantizer.block != nullptr) return;
      std::vector<std::string_view> names;
      for (const BlockFormat& block : all_block_formats()) names.push_back(block.name);
      return add("format", unknown_word("block format", text.format, names));
    }
    if (text.method == QuantMethod::bitmod) {
      if (text.format == "fp3") quantizer.candidates = bitmod_fp3();
      if (text.format == "fp4") quantizer.candidates = bitmod_fp4();
      if (quantizer.candidates.empty()) {
        add("format", unknown_word("mixture of BitMoD", text.format, kMixtures));
      }
      return;
    }
    quantizer.format = find_format(text.format);
    if (quantizer.format != nullptr) return;
    std::vector<std::string_view> names;
    for (const Format& format : all_formats()) names.push_back(format.name);
    add("format", unknown_word("format", text.format, names));
  }

  // What the streaming of trace.cpp cannot do.
  void require_possible(const OperandQuantization& operand, bool is_cache) {
    const bool needs_values = operand.quantizer.method == QuantMethod::mx ||
                              operand.quantizer.method == QuantMethod::bitmod;
    if (needs_values && operand.granularity != Granularity::group) {
      add("granularity", "mx and bitmod choose by the values of a group: use granularity: group");
    }
    if (operand.quantizer.method == QuantMethod::mx &&
        operand.group != static_cast<std::uint64_t>(operand.quantizer.block->block_size)) {
      add("group", fmt::format("a block of {} has {} numbers", operand.quantizer.block->name,
                               operand.quantizer.block->block_size));
    }
    if (has_two_levels(operand.quantizer) &&
        (operand.granularity != Granularity::group || operand.axis != LineAxis::along_k)) {
      add("scale", "a scale of two levels is for groups along k");
    }
    constexpr std::string_view kNoCache =
        "only the weights of attention_qk and attention_pv are a KV cache";
    if (operand.recent_tokens > 0 && !is_cache) add("recent_tokens", std::string(kNoCache));
    if (operand.stored_only && !is_cache) add("stored_only", std::string(kNoCache));
  }

  const YamlNode& node_;
  Diagnostics& diagnostics_;
};

constexpr std::array<OperatorClass, 6> kClasses = {
    OperatorClass::linear,  OperatorClass::attention_qk, OperatorClass::attention_pv,
    OperatorClass::lm_head, OperatorClass::router,       OperatorClass::patch_embedding};

GemmQuantization read_class(const YamlEntry& entry, OperatorClass operator_class,
                            Diagnostics& diagnostics) {
  GemmQuantization gemm;
  if (entry.value.kind != YamlNode::Kind::map) {
    diagnostics.add(entry.value.where,
                    fmt::format("expected a map of activation and weight, found {}",
                                yaml::describe(entry.value)));
    return gemm;
  }
  const bool is_cache = operator_class == OperatorClass::attention_qk ||
                        operator_class == OperatorClass::attention_pv;
  for (const YamlEntry& operand : entry.value.entries) {
    OperandReader reader(operand.value, diagnostics);
    if (operand.key == "activation") {
      gemm.activation = reader.read(false);
    } else if (operand.key == "weight") {
      gemm.weight = reader.read(is_cache);
    } else {
      constexpr std::array<std::string_view, 2> kOperands = {"activation", "weight"};
      diagnostics.add(operand.key_where, unknown_word("operand", operand.key, kOperands));
    }
  }
  return gemm;
}

}  // namespace

std::string_view word_of(Granularity granularity) {
  constexpr std::array<std::string_view, 3> kWords = {"tensor", "channel", "group"};
  return kWords.at(static_cast<std::size_t>(granularity));
}

std::string_view word_of(LineAxis axis) { return axis == LineAxis::along_k ? "k" : "outputs"; }

const Format& OperandQuantization::code_format() const {
  switch (quantizer.method) {
    case QuantMethod::mx:
      return *quantizer.block->element;
    case QuantMethod::bitmod:
      return *quantizer.candidates.front();
    default:
      return *quantizer.format;
  }
}

QuantizationConfig read_quantization(const YamlNode& root, Diagnostics& diagnostics) {
  QuantizationConfig config;
  if (root.kind != YamlNode::Kind::map) {
    diagnostics.add(root.where, fmt::format("expected a map, found {}", yaml::describe(root)));
    return config;
  }
  std::vector<std::string_view> known = {"name", "source"};
  for (const OperatorClass operator_class : kClasses) known.push_back(word_of(operator_class));
  for (const YamlEntry& entry : root.entries) {
    if (entry.key == "name" || entry.key == "source") {
      const auto text = read_text(entry.value, entry.key, diagnostics);
      if (text) (entry.key == "name" ? config.name : config.source) = *text;
      continue;
    }
    const auto found = std::find_if(kClasses.begin(), kClasses.end(),
                                    [&](OperatorClass c) { return word_of(c) == entry.key; });
    if (found == kClasses.end()) {
      diagnostics.add(entry.key_where, unknown_word("class of operators", entry.key, known));
      continue;
    }
    config.classes.at(static_cast<std::size_t>(*found)) = read_class(entry, *found, diagnostics);
  }
  for (const std::string_view key : {"name", "linear"}) {
    if (root.find(key) == nullptr) {
      diagnostics.add(root.where, fmt::format("'{}' is missing", key));
    }
  }
  return config;
}

QuantizationConfig load_quantization(const std::filesystem::path& path) {
  Diagnostics diagnostics;
  const QuantizationConfig config = read_quantization(yaml::read(path, diagnostics), diagnostics);
  diagnostics.throw_if_any();
  return config;
}

}  // namespace bitsmith
