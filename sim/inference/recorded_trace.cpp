#include "inference/recorded_trace.h"

#include <utility>

#include "common/error.h"
#include "inference/quantized_arithmetic.h"
#include "inference/quantized_matrix.h"

namespace bitsmith {
namespace {

bool is_attention(const Operator& op) {
  return op.is_gemm() && (op.operator_class == OperatorClass::attention_qk ||
                          op.operator_class == OperatorClass::attention_pv);
}

bool is_head(const Operator& op) {
  return op.name == "final_norm" || op.name.starts_with("lm_head");
}

std::string name_in_layer(std::size_t layer, std::string_view name) {
  return fmt::format("layer.{}.{}", layer, name);
}

std::string name_in_head(std::size_t layer, std::size_t head, std::string_view name) {
  return fmt::format("layer.{}.head.{}.{}", layer, head, name);
}

// The operators from `first` on that are the parts of one attention, head after head. Returns the
// first behind them.
std::size_t unroll_heads(const std::vector<QuantizedOperator>& operators, std::size_t first,
                         std::size_t layer, std::vector<QuantizedOperator>& result) {
  std::size_t end = first;
  while (end < operators.size() && is_attention(operators[end].op)) ++end;
  for (std::size_t head = 0; head < operators[first].op.count; ++head) {
    for (std::size_t i = first; i < end; ++i) {
      QuantizedOperator one = operators[i];
      one.op.name = name_in_head(layer, head, one.op.name);
      one.op.count = 1;
      result.push_back(std::move(one));
    }
  }
  return end;
}

// The splits of one layer's operators, and of the head's, by their number in the workload.
ChannelSplits splits_of_layer(const Workload& workload, std::size_t layer,
                              const PlacedSplits& splits) {
  ChannelSplits result;
  for (std::size_t i = 0; i < workload.operators.size(); ++i) {
    const Operator& op = workload.operators[i];
    const auto found = splits.find({is_head(op) ? 0 : layer, op.name});
    if (found != splits.end()) result[i] = found->second;
  }
  return result;
}

// Writes the operands of every GEMM before it computes with them. One thread only.
class RecordingArithmetic final : public QuantizedArithmetic {
 public:
  RecordingArithmetic(const QuantizationConfig& config, const PlacedSplits& splits,
                      TraceWriter& writer)
      : QuantizedArithmetic(config, splits), writer_(writer) {}

 private:
  struct RecordedWeights final : Weights {
    FloatMatrix values;
    std::unique_ptr<const Weights> quantized;
  };

  std::unique_ptr<const Weights> prepare_part(const Part& part, FloatView w) const override {
    auto result = std::make_unique<RecordedWeights>();
    result->values = FloatMatrix(w.rows, w.cols);
    rows_of(w)(0, result->values.values);
    result->quantized = QuantizedArithmetic::prepare_part(part, w);
    return result;
  }

  void multiply_part(const Part& part, FloatView a, const Weights& w,
                     MatrixView<float> y) const override {
    const auto& weights = dynamic_cast<const RecordedWeights&>(w);
    while (!writer_.operators().at(next_).op.is_gemm()) ++next_;
    const Operator& op = writer_.operators()[next_].op;
    check(
        op.name == name_of(part.site) && op.gemm == GemmShape{a.rows, weights.values.rows, a.cols},
        "operators in another order than they are listed");
    writer_.write(next_, OperandRole::activation, rows_of(a), false);
    writer_.write(next_, OperandRole::weight, rows_of(weights.values.view()), false);
    ++next_;
    QuantizedArithmetic::multiply_part(part, a, *weights.quantized, y);
  }

  static std::string name_of(const GemmSite& site) {
    switch (site.operator_class) {
      case OperatorClass::lm_head:
        return std::string(site.name);
      case OperatorClass::attention_qk:
      case OperatorClass::attention_pv:
        return name_in_head(site.layer, site.head, site.name);
      default:
        return name_in_layer(site.layer, site.name);
    }
  }

  TraceWriter& writer_;
  mutable std::size_t next_ = 0;
};

}  // namespace

std::vector<QuantizedOperator> unrolled_operators(const Transformer& model, std::uint64_t tokens,
                                                  const QuantizationConfig& quantization,
                                                  const PlacedSplits& splits) {
  Transformer one_layer = model;
  one_layer.num_hidden_layers = 1;
  PhaseOptions phase;
  phase.sequence = tokens;
  const Workload workload = transformer_workload(one_layer, phase);
  check(workload.operators.front().name == "embedding", "a decoder begins with its embedding");
  std::vector<QuantizedOperator> result;
  std::vector<QuantizedOperator> operators;
  for (std::size_t layer = 0; layer < model.num_hidden_layers; ++layer) {
    operators =
        quantize_operators(workload, quantization, phase, splits_of_layer(workload, layer, splits));
    if (layer == 0) result.push_back(operators.front());
    for (std::size_t i = 1; !is_head(operators.at(i).op);) {
      if (is_attention(operators[i].op)) {
        i = unroll_heads(operators, i, layer, result);
        continue;
      }
      result.push_back(operators[i++]);
      result.back().op.name = name_in_layer(layer, result.back().op.name);
    }
  }
  for (const QuantizedOperator& one : operators) {
    if (is_head(one.op)) result.push_back(one);
  }
  return result;
}

std::vector<TracedOperand> record_trace(const Llama& model, std::span<const std::uint32_t> tokens,
                                        const std::string& text,
                                        const QuantizationConfig& quantization,
                                        const std::filesystem::path& path,
                                        const PlacedSplits& splits,
                                        const std::string& calibration) {
  TraceRequest request;
  request.model = model.shape();
  request.phase.sequence = tokens.size();
  request.quantization = quantization;
  TensorMetadata origin = {{"operands", "recorded"}, {"text", text}};
  if (!calibration.empty()) origin["calibration"] = calibration;
  TraceWriter writer(
      request, fmt::format("{} prefill of {} recorded tokens", request.model.model, tokens.size()),
      origin, unrolled_operators(model.shape(), tokens.size(), quantization, splits), path);
  const RecordingArithmetic arithmetic(quantization, splits, writer);
  FloatMatrix hidden = model.embed(tokens);
  const Window window{0, tokens.size()};
  for (std::size_t layer = 0; layer < model.shape().num_hidden_layers; ++layer) {
    model.run_layer(layer, {&window, 1}, arithmetic, 1, hidden);
  }
  model.head(arithmetic).logits(hidden.part(tokens.size() - 1, 1), arithmetic);
  return writer.finish();
}

}  // namespace bitsmith
