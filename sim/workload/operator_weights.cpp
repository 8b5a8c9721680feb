#include "workload/operator_weights.h"

#include <array>
#include <cmath>

#include "common/error.h"
#include "workload/safetensors_shape.h"

namespace bitsmith {
namespace {

struct OperatorTensor {
  std::string_view op;
  std::string_view tensor;
};

constexpr std::array kLlama{
    OperatorTensor{"q_proj", "model.layers.0.self_attn.q_proj.weight"},
    OperatorTensor{"k_proj", "model.layers.0.self_attn.k_proj.weight"},
    OperatorTensor{"v_proj", "model.layers.0.self_attn.v_proj.weight"},
    OperatorTensor{"o_proj", "model.layers.0.self_attn.o_proj.weight"},
    OperatorTensor{"gate_proj", "model.layers.0.mlp.gate_proj.weight"},
    OperatorTensor{"up_proj", "model.layers.0.mlp.up_proj.weight"},
    OperatorTensor{"down_proj", "model.layers.0.mlp.down_proj.weight"},
    OperatorTensor{"lm_head", "lm_head.weight"},
    // Mixtral.
    OperatorTensor{"router", "model.layers.0.block_sparse_moe.gate.weight"},
    OperatorTensor{"gate_proj", "model.layers.0.block_sparse_moe.experts.0.w1.weight"},
    OperatorTensor{"up_proj", "model.layers.0.block_sparse_moe.experts.0.w3.weight"},
    OperatorTensor{"down_proj", "model.layers.0.block_sparse_moe.experts.0.w2.weight"},
    // Tied.
    OperatorTensor{"lm_head", "model.embed_tokens.weight"}};

constexpr std::array kOpt{
    OperatorTensor{"q_proj", "model.decoder.layers.0.self_attn.q_proj.weight"},
    OperatorTensor{"k_proj", "model.decoder.layers.0.self_attn.k_proj.weight"},
    OperatorTensor{"v_proj", "model.decoder.layers.0.self_attn.v_proj.weight"},
    OperatorTensor{"o_proj", "model.decoder.layers.0.self_attn.out_proj.weight"},
    OperatorTensor{"up_proj", "model.decoder.layers.0.fc1.weight"},
    OperatorTensor{"down_proj", "model.decoder.layers.0.fc2.weight"},
    OperatorTensor{"lm_head", "lm_head.weight"},
    OperatorTensor{"lm_head", "model.decoder.embed_tokens.weight"}};

constexpr std::array kPhi{OperatorTensor{"q_proj", "model.layers.0.self_attn.q_proj.weight"},
                          OperatorTensor{"k_proj", "model.layers.0.self_attn.k_proj.weight"},
                          OperatorTensor{"v_proj", "model.layers.0.self_attn.v_proj.weight"},
                          OperatorTensor{"o_proj", "model.layers.0.self_attn.dense.weight"},
                          OperatorTensor{"up_proj", "model.layers.0.mlp.fc1.weight"},
                          OperatorTensor{"down_proj", "model.layers.0.mlp.fc2.weight"},
                          OperatorTensor{"lm_head", "lm_head.weight"}};

constexpr std::array kBert{
    OperatorTensor{"q_proj", "bert.encoder.layer.0.attention.self.query.weight"},
    OperatorTensor{"k_proj", "bert.encoder.layer.0.attention.self.key.weight"},
    OperatorTensor{"v_proj", "bert.encoder.layer.0.attention.self.value.weight"},
    OperatorTensor{"o_proj", "bert.encoder.layer.0.attention.output.dense.weight"},
    OperatorTensor{"up_proj", "bert.encoder.layer.0.intermediate.dense.weight"},
    OperatorTensor{"down_proj", "bert.encoder.layer.0.output.dense.weight"},
    OperatorTensor{"pooler", "bert.pooler.dense.weight"}};

constexpr std::array kVit{
    OperatorTensor{"q_proj", "vit.encoder.layer.0.attention.attention.query.weight"},
    OperatorTensor{"k_proj", "vit.encoder.layer.0.attention.attention.key.weight"},
    OperatorTensor{"v_proj", "vit.encoder.layer.0.attention.attention.value.weight"},
    OperatorTensor{"o_proj", "vit.encoder.layer.0.attention.output.dense.weight"},
    OperatorTensor{"up_proj", "vit.encoder.layer.0.intermediate.dense.weight"},
    OperatorTensor{"down_proj", "vit.encoder.layer.0.output.dense.weight"},
    OperatorTensor{"classifier", "classifier.weight"}};

std::span<const OperatorTensor> tensors_of(std::string_view architecture) {
  if (architecture == "llama" || architecture == "mistral" || architecture == "mixtral") {
    return kLlama;
  }
  if (architecture == "opt") return kOpt;
  if (architecture == "phi") return kPhi;
  if (architecture == "bert") return kBert;
  if (architecture == "vit") return kVit;
  return {};
}

// Files of a model without its head lack the first word.
std::string_view name_without_head(std::string_view whole) {
  for (const std::string_view prefix : {"model.", "bert.", "vit."}) {
    if (whole.starts_with(prefix)) return whole.substr(prefix.size());
  }
  return whole;
}

}  // namespace

std::string weight_of(const ImportedModel& model, const Operator& op) {
  if (model.weights == nullptr || !op.is_gemm()) return "";
  const WeightStore& weights = *model.weights;
  for (const auto& [name, whole] : tensors_of(model.architecture)) {
    if (name != op.name) continue;
    const bool is_embedding = whole.ends_with("embed_tokens.weight");
    if (is_embedding && !model.transformer.tie_word_embeddings) continue;
    const std::string_view found = weights.contains(whole) ? whole : name_without_head(whole);
    if (!weights.contains(found)) continue;
    const std::vector<std::uint64_t> expected = {op.gemm.n, op.gemm.k};
    const StoredTensor& tensor = weights.info(found);
    if (tensor.shape == expected) return tensor.name;
    throw UserError(
        Location{weights.where()},
        fmt::format("{} has shape {}; the operator {} asks for {}", tensor_text(tensor.name),
                    shape_text(tensor.shape), op.name, shape_text(expected)));
  }
  return "";
}

OperandRows rows_of(const WeightStore& weights, const std::string& tensor) {
  const std::uint64_t k = weights.info(tensor).shape.back();
  return [&weights, tensor, k](std::uint64_t row, std::span<float> values) {
    weights.read(tensor, row * k, values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i])) continue;
      throw UserError(Location{weights.where()},
                      fmt::format("{}: element {} is {}, expected a finite number",
                                  tensor_text(tensor), row * k + i, values[i]));
    }
  };
}

}  // namespace bitsmith
