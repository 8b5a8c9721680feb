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

bool is_attention(OperatorClass operator_class) {
  return operator_class == OperatorClass::attention_qk ||
         operator_class == OperatorClass::attention_pv;
}

struct ScalingText {
  enum class Method { awq } method = Method::awq;
  std::uint64_t grid = 20;
};

const ParameterTable<ScalingText>& scaling_table() {
  using T = ScalingText;
  static const ParameterTable<T> table = [] {
    ParameterTable<T> t;
    t.choice("method", &T::method, {{"awq", T::Method::awq}}, "how factors are found").required();
    t.integer("grid", &T::grid, {1, 1000}, "steps", "steps of the search of alpha, 0 to 1");
    return t;
  }();
  return table;
}

// One table per method of splitting; `activation` and `weight` are read apart.
ParameterTable<CalibratedMethod> split_table(SplitMethod method) {
  using T = CalibratedMethod;
  constexpr double kLargest = 1e9;
  ParameterTable<T> t;
  if (method == SplitMethod::outliers) {
    t.number("threshold", &T::threshold, {0, kLargest}, "",
             "input channels with a larger magnitude stay apart");
  } else if (method == SplitMethod::salient) {
    t.number("fraction", &T::fraction, {0, 1}, "", "output features apart, of all of the class");
  } else {
    t.integer("size", &T::block, {1, 1 << 20}, "channels", "input channels of a block");
    t.number("ratio", &T::ratio, {0, kLargest}, "",
             "a block is apart with a magnitude above this times the median channel's largest");
  }
  return t;
}

// The methods of a class, after its operands.
class MethodReader {
 public:
  MethodReader(const YamlNode& node, OperatorClass operator_class, const GemmQuantization& gemm,
               Diagnostics& diagnostics)
      : node_(node), class_(operator_class), gemm_(gemm), diagnostics_(diagnostics) {}

  CalibratedMethod read() {
    CalibratedMethod method;
    const YamlEntry* first = nullptr;
    for (const YamlEntry& entry : node_.entries) {
      if (!is_method(entry.key)) continue;
      if (first != nullptr) {
        diagnostics_.add(entry.key_where, fmt::format("'{}': there is '{}' already; a class has "
                                                      "one method that needs a calibration",
                                                      entry.key, first->key));
        continue;
      }
      first = &entry;
      method = entry.key == "scaling" ? scaling(entry) : split(entry);
    }
    return method;
  }

  static bool is_method(std::string_view key) {
    return std::find(kMethods.begin(), kMethods.end(), key) != kMethods.end();
  }
  static constexpr std::array<std::string_view, 4> kMethods = {"scaling", "outliers", "salient",
                                                               "blocks"};

 private:
  CalibratedMethod scaling(const YamlEntry& entry) {
    const ScalingText text = scaling_table().read(entry.value, diagnostics_);
    if (class_ != OperatorClass::linear) {
      refuse(entry, "factors are folded into what comes before, which only linear has");
    } else if (gemm_.weight.axis != LineAxis::along_k ||
               gemm_.weight.granularity == Granularity::tensor) {
      refuse(entry, "weights are searched row by row: use granularity: channel or group along k");
    }
    CalibratedMethod method;
    method.scaling_grid = text.grid;
    return method;
  }

  CalibratedMethod split(const YamlEntry& entry) {
    SplitMethod which = SplitMethod::blocks;
    for (const SplitMethod one : {SplitMethod::outliers, SplitMethod::salient}) {
      if (word_of(one) == entry.key) which = one;
    }
    const bool has_activation = which != SplitMethod::salient;
    const bool has_weight = which != SplitMethod::blocks;
    std::vector<std::string_view> operands;
    if (has_activation) operands.push_back("activation");
    if (has_weight) operands.push_back("weight");
    CalibratedMethod method = split_table(which).read(entry.value, diagnostics_, operands);
    method.split = which;
    if (is_attention(class_)) {
      refuse(entry, "keys and values are no weights that could be split before a run");
    }
    if (which != SplitMethod::outliers) method.apart = gemm_;
    read_operand(entry, "activation", has_activation, method.apart.activation);
    read_operand(entry, "weight", has_weight, method.apart.weight);
    return method;
  }

  void read_operand(const YamlEntry& entry, std::string_view key, bool is_known,
                    OperandQuantization& operand) {
    const YamlNode* node = entry.value.find(key);
    if (is_known && node != nullptr) operand = OperandReader(*node, diagnostics_).read(false);
  }

  void refuse(const YamlEntry& entry, std::string_view why) {
    diagnostics_.add(entry.key_where, fmt::format("'{}': {}", entry.key, why));
  }

  const YamlNode& node_;
  OperatorClass class_;
  const GemmQuantization& gemm_;
  Diagnostics& diagnostics_;
};

void read_class(const YamlEntry& entry, OperatorClass operator_class, QuantizationConfig& config,
                Diagnostics& diagnostics) {
  if (entry.value.kind != YamlNode::Kind::map) {
    diagnostics.add(entry.value.where,
                    fmt::format("expected a map of activation and weight, found {}",
                                yaml::describe(entry.value)));
    return;
  }
  const auto index = static_cast<std::size_t>(operator_class);
  GemmQuantization& gemm = config.classes.at(index);
  for (const YamlEntry& operand : entry.value.entries) {
    OperandReader reader(operand.value, diagnostics);
    if (operand.key == "activation") {
      gemm.activation = reader.read(false);
    } else if (operand.key == "weight") {
      gemm.weight = reader.read(is_attention(operator_class));
    } else if (!MethodReader::is_method(operand.key)) {
      std::vector<std::string_view> known = {"activation", "weight"};
      known.insert(known.end(), MethodReader::kMethods.begin(), MethodReader::kMethods.end());
      diagnostics.add(operand.key_where, unknown_word("operand or method", operand.key, known));
    }
  }
  config.methods.at(index) = MethodReader(entry.value, operator_class, gemm, diagnostics).read();
}

}  // namespace

std::string_view word_of(Granularity granularity) {
  constexpr std::array<std::string_view, 3> kWords = {"tensor", "channel", "group"};
  return kWords.at(static_cast<std::size_t>(granularity));
}

std::string_view word_of(SplitMethod method) {
  constexpr std::array<std::string_view, 4> kWords = {"none", "outliers", "salient", "blocks"};
  return kWords.at(static_cast<std::size_t>(method));
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
    read_class(entry, *found, config, diagnostics);
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
