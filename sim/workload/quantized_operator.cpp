#include "workload/quantized_operator.h"

#include <numeric>
#include <set>
#include <string>

#include "common/error.h"

namespace bitsmith {
namespace {

using Axis = OperatorPart::Axis;

// The two parts of an operator, of which either may be empty, and the addition that a split along
// k needs.
class Splitter {
 public:
  Splitter(const Operator& op, std::size_t origin, Axis axis,
           std::vector<QuantizedOperator>& result)
      : op_(op), origin_(origin), axis_(axis), result_(result) {}

  void add_part(const std::string& suffix, const GemmQuantization& quantization,
                std::vector<std::uint64_t> channels) {
    if (channels.empty()) return;
    QuantizedOperator part{op_, quantization, origin_, {axis_, std::move(channels)}};
    part.op.name += suffix;
    (axis_ == Axis::inputs ? part.op.gemm.k : part.op.gemm.n) = part.part.channels.size();
    result_.push_back(std::move(part));
    ++parts_;
  }

  void add_sum(const std::string& suffix) {
    if (axis_ == Axis::outputs || parts_ < 2) return;
    Operator sum;
    sum.name = op_.name + suffix;
    sum.repeat = op_.repeat;
    sum.kind = OperatorKind::add;
    sum.elements = op_.gemm.m * op_.gemm.n * op_.count;
    // An activation reads the sum: it can no longer be applied on a GEMM's way out.
    if (op_.results != ResultUse::activation) sum.results = op_.results;
    for (std::size_t i = result_.size() - parts_; i < result_.size(); ++i) {
      result_[i].op.results = ResultUse::vector;
    }
    result_.push_back({sum, {}, origin_});
  }

 private:
  const Operator& op_;
  std::size_t origin_;
  Axis axis_;
  std::vector<QuantizedOperator>& result_;
  std::size_t parts_ = 0;
};

// The part of an attention whose keys or values are quantized, and the recent part.
void add_recent(const Operator& op, std::size_t origin, const GemmQuantization& quantization,
                std::vector<QuantizedOperator>& result) {
  const Axis axis = op.operator_class == OperatorClass::attention_qk ? Axis::outputs : Axis::inputs;
  std::vector<std::uint64_t> old(axis == Axis::outputs ? op.gemm.n : op.gemm.k);
  std::iota(old.begin(), old.end(), 0);
  const auto cut =
      old.end() - static_cast<std::ptrdiff_t>(quantization.weight.recent_of(old.size()));
  std::vector<std::uint64_t> recent(cut, old.end());
  old.erase(cut, old.end());
  GemmQuantization newest = quantization;
  newest.weight = OperandQuantization{};
  Splitter splitter(op, origin, axis, result);
  splitter.add_part("", quantization, std::move(old));
  splitter.add_part("_recent", newest, std::move(recent));
  splitter.add_sum("_add");
}

void add_apart(const Operator& op, std::size_t origin, const QuantizationConfig& config,
               const ChannelSplit& split, std::vector<QuantizedOperator>& result) {
  const CalibratedMethod& method = config.method_of(op.operator_class);
  const Axis axis = method.split == SplitMethod::salient ? Axis::outputs : Axis::inputs;
  check(split.apart.size() + split.others.size() == (axis == Axis::outputs ? op.gemm.n : op.gemm.k),
        "a split of another operator");
  Splitter splitter(op, origin, axis, result);
  splitter.add_part("", config.of(op.operator_class), split.others);
  splitter.add_part(fmt::format(".{}", word_of(method.split)), method.apart, split.apart);
  splitter.add_sum(".add");
}

// Every class once that has operators, but no splits for them.
void require_splits(const Workload& workload, const QuantizationConfig& config,
                    const ChannelSplits& splits) {
  std::set<OperatorClass> missing;
  for (std::size_t i = 0; i < workload.operators.size(); ++i) {
    const Operator& op = workload.operators[i];
    const bool is_split =
        op.is_gemm() && config.method_of(op.operator_class).split != SplitMethod::none;
    if (is_split && !splits.contains(i)) missing.insert(op.operator_class);
  }
  std::vector<std::string> problems;
  for (const OperatorClass operator_class : missing) {
    problems.push_back(fmt::format(
        "quantization '{}': the '{}' of {} are found by a calibration, in the weights "
        "and activations of a model, and none was made here",
        config.name, word_of(config.method_of(operator_class).split), word_of(operator_class)));
  }
  if (!problems.empty()) throw UserError(problems);
}

}  // namespace

std::vector<QuantizedOperator> quantize_operators(const Workload& workload,
                                                  const QuantizationConfig& config,
                                                  const PhaseOptions& phase,
                                                  const ChannelSplits& splits) {
  require_splits(workload, config, splits);
  const bool at_once = phase.phase == Phase::prefill && phase.chunk == 0;
  std::vector<QuantizedOperator> result;
  for (std::size_t i = 0; i < workload.operators.size(); ++i) {
    const Operator& op = workload.operators[i];
    GemmQuantization quantization = config.of(op.operator_class);
    if (at_once && quantization.weight.stored_only) quantization.weight = OperandQuantization{};
    if (op.is_gemm() && quantization.weight.recent_tokens > 0) {
      add_recent(op, i, quantization, result);
    } else if (op.is_gemm() && config.method_of(op.operator_class).split != SplitMethod::none) {
      add_apart(op, i, config, splits.at(i), result);
    } else {
      result.push_back({op, quantization, i});
    }
  }
  return result;
}

}  // namespace bitsmith
