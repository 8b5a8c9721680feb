#include "workload/quantized_operator.h"

namespace bitsmith {
namespace {

OperandQuantization in_fp16() { return OperandQuantization{}; }

// The part of an attention whose keys or values are quantized, the recent part, and for
// attention_pv the addition of both.
void add_split(const Operator& op, const GemmQuantization& quantization,
               std::vector<QuantizedOperator>& result) {
  const bool by_outputs = op.operator_class == OperatorClass::attention_qk;
  const std::uint64_t tokens = by_outputs ? op.gemm.n : op.gemm.k;
  const std::uint64_t recent = quantization.weight.recent_of(tokens);
  const auto part = [&](std::uint64_t size) {
    Operator cut = op;
    (by_outputs ? cut.gemm.n : cut.gemm.k) = size;
    return cut;
  };
  if (tokens > recent) result.push_back({part(tokens - recent), quantization});
  if (recent == 0) return;
  QuantizedOperator newest{part(recent), quantization};
  newest.op.name += "_recent";
  newest.quantization.weight = in_fp16();
  result.push_back(newest);
  if (by_outputs || tokens == recent) return;
  Operator sum;
  sum.name = op.name + "_add";
  sum.repeat = op.repeat;
  sum.kind = OperatorKind::add;
  sum.elements = op.gemm.m * op.gemm.n * op.count;
  result.push_back({sum, {}});
}

}  // namespace

std::vector<QuantizedOperator> quantize_operators(const Workload& workload,
                                                  const QuantizationConfig& config,
                                                  const PhaseOptions& phase) {
  const bool at_once = phase.phase == Phase::prefill && phase.chunk == 0;
  std::vector<QuantizedOperator> result;
  for (const Operator& op : workload.operators) {
    GemmQuantization quantization = config.of(op.operator_class);
    if (at_once && quantization.weight.stored_only) quantization.weight = in_fp16();
    if (op.is_gemm() && quantization.weight.recent_tokens > 0) {
      add_split(op, quantization, result);
    } else {
      result.push_back({op, quantization});
    }
  }
  return result;
}

}  // namespace bitsmith
