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
//
// One of four methods may follow that look at what they quantize (numerics/awq.h, channel_choice.h)
// and so need a model's weights and the activations of some text, its calibration:
//
//   scaling: {method: awq, grid: 20}             factors of input channels, searched
//   outliers: {threshold: 6.0}                   LLM.int8(): input channels that stay in fp16
//   salient: {fraction: 0.1, weight: {...}}      MixLLM: output features with other weights
//   blocks: {size: 128, ratio: 4, activation: {...}}   COMET: blocks of input channels with other
//                                                activations
//
// The last three split a GEMM in two (quantized_operator.h); what they do not say of the operands
// of the channels apart is as in the rest, of outliers fp16. LLM.int8() finds its outliers in every
// batch anew; here they are those of the calibration, so that the shapes of GEMMs, hence their
// cycles, are known before they run.
#pragma once

#include <algorithm>
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

enum class SplitMethod { none, outliers, salient, blocks };
// As a file says it, and as the second part of an operator is called: "q_proj.outliers".
std::string_view word_of(SplitMethod method);

// What a class of operators needs a calibration for.
struct CalibratedMethod {
  std::uint64_t scaling_grid = 0;  // AWQ: steps of its search; 0: no scaling
  SplitMethod split = SplitMethod::none;
  double threshold = 6;       // outliers: |x|
  double fraction = 0.1;      // salient: of the output features of all linears of the class
  std::uint64_t block = 128;  // blocks: input channels
  double ratio = 4;           // blocks: largest |x| by the median of the channels' largest |x|
  GemmQuantization apart;     // operands of the channels apart

  bool is_any() const { return scaling_grid > 0 || split != SplitMethod::none; }
};

struct QuantizationConfig {
  std::string name = "fp16";
  std::string source;
  std::array<GemmQuantization, 6> classes;       // by OperatorClass
  std::array<CalibratedMethod, 6> methods = {};  // by OperatorClass

  const GemmQuantization& of(OperatorClass operator_class) const {
    return classes.at(static_cast<std::size_t>(operator_class));
  }
  const CalibratedMethod& method_of(OperatorClass operator_class) const {
    return methods.at(static_cast<std::size_t>(operator_class));
  }
  bool needs_calibration() const {
    return std::any_of(methods.begin(), methods.end(),
                       [](const CalibratedMethod& method) { return method.is_any(); });
  }
};

QuantizationConfig read_quantization(const YamlNode& root, Diagnostics& diagnostics);
// Throws UserError with all mistakes of the file.
QuantizationConfig load_quantization(const std::filesystem::path& path);

}  // namespace bitsmith
