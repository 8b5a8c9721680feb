// How the operands of a model's GEMMs are stored: format, method and granularity by class of
// operator.
//
// A file names for each class what happens to its activations and weights:
//
//   linear:
//     activation: {format: fp16}
//     weight: {format: int4, method: absmax, granularity: group, group: 128, scale: fp16}
//
// A class that is left out stays in fp16. Keys are the weights of attention_qk, values those of
// attention_pv: the KV cache.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "config/yaml.h"
#include "numerics/quantizer.h"
#include "workload/operator.h"

namespace bitsmith {

// Which numbers of an operand share a scale: all, a line, or `group` consecutive ones of a line.
enum class Granularity { tensor, channel, group };
// Lines run along k (a token's activations, an output's weights), or across it: along the tokens of
// an activation, along the outputs of a weight. KIVI quantizes both caches across k.
enum class LineAxis { along_k, across_k };
enum class RecentRule { last, remainder };
// As a file says it: "tensor", "channel", "group"; "k", "outputs".
std::string_view word_of(Granularity granularity);
std::string_view word_of(LineAxis axis);

struct OperandQuantization {
  Quantizer quantizer = {QuantMethod::none, find_format("fp16"), {}, nullptr, nullptr};
  Granularity granularity = Granularity::tensor;
  LineAxis axis = LineAxis::along_k;
  std::uint64_t group = 128;
  // The last tokens of a KV cache stay in fp16: KIVI's residual. `last`: always so many, or all
  // that there are. `remainder`: what is left over of blocks of so many, which are quantized
  // together.
  std::uint64_t recent_tokens = 0;
  RecentRule recent_rule = RecentRule::last;
  // A KV cache that is quantized when it is stored: a prefill at once attends before that.
  bool stored_only = false;

  std::uint64_t recent_of(std::uint64_t tokens) const {
    if (recent_tokens == 0) return 0;
    return recent_rule == RecentRule::last ? std::min(recent_tokens, tokens)
                                           : tokens % recent_tokens;
  }

  // Numbers of a line that share a scale, for lines of that length; the last group may be short.
  std::uint64_t group_of(std::uint64_t line) const {
    return granularity == Granularity::group ? std::min(group, line) : line;
  }
  // The format of the codes; of a mixture the first of its candidates, all are of one width.
  const Format& code_format() const;
};

struct GemmQuantization {
  OperandQuantization activation;
  OperandQuantization weight;
};

struct QuantizationConfig {
  std::string name = "fp16";
  std::string source;
  std::array<GemmQuantization, 6> classes;  // by OperatorClass

  const GemmQuantization& of(OperatorClass operator_class) const {
    return classes.at(static_cast<std::size_t>(operator_class));
  }
};

QuantizationConfig read_quantization(const YamlNode& root, Diagnostics& diagnostics);
// Throws UserError with all mistakes of the file.
QuantizationConfig load_quantization(const std::filesystem::path& path);

}  // namespace bitsmith
