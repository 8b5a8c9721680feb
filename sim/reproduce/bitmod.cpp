#include "reproduce/bitmod.h"

#include <algorithm>
#include <cmath>

#include "common/divide.h"

namespace bitsmith::reproduce::bitmod {
namespace {

std::uint64_t row_bytes(std::uint64_t numbers, double bits) {
  return static_cast<std::uint64_t>(std::ceil(static_cast<double>(numbers) * bits / 8));
}

// Two bits of a weight per cycle, as of Booth strings; the share of scales does not count.
std::uint64_t pe_cycles(const Machine& machine) {
  if (!machine.bit_serial) return 1;
  return pieces(static_cast<std::uint64_t>(std::floor(machine.weight_bits)), 2);
}

// Queries are the weights, [new tokens, hidden]; the keys' features are read again for every query
// of every head.
Layer scores_layer(const Transformer& model, std::uint64_t new_tokens) {
  return {"attention_qk",
          model.num_hidden_layers,
          new_tokens,
          model.hidden_size,
          model.num_attention_heads * new_tokens,
          model.key_value_size(),
          true};
}

// Scores are the weights, [heads x new tokens, context].
Layer values_layer(const Transformer& model, std::uint64_t new_tokens, std::uint64_t context) {
  return {"attention_pv",
          model.num_hidden_layers,
          model.num_attention_heads * new_tokens,
          context,
          new_tokens,
          model.key_value_size(),
          true};
}

}  // namespace

std::optional<std::string> unfit(const Transformer& model) {
  constexpr std::uint64_t kWidest = 1 << 17;
  if (model.architecture != Architecture::decoder) return "it is no decoder";
  if (model.has_experts()) return "it has experts";
  if (model.query_size() != model.hidden_size) return "its heads together are not hidden_size wide";
  if (model.hidden_size > kWidest || model.intermediate_size > kWidest ||
      model.vocab_size > (1 << 20) || model.num_hidden_layers > 256 ||
      model.num_attention_heads > 256) {
    return "it is too large to count its cycles";
  }
  return std::nullopt;
}

std::vector<Layer> layers_of(const Transformer& model, Phase phase, std::uint64_t context) {
  const std::uint64_t new_tokens = phase == Phase::prefill ? context : 1;
  std::vector<Layer> layers;
  for (const Operator& op : transformer_workload(model, {phase, context}).operators) {
    if (!op.is_gemm()) continue;
    if (op.operator_class == OperatorClass::attention_qk) {
      layers.push_back(scores_layer(model, new_tokens));
    } else if (op.operator_class == OperatorClass::attention_pv) {
      layers.push_back(values_layer(model, new_tokens, context));
    } else {
      layers.push_back(
          {op.name, op.count * op.repeat, op.gemm.n, op.gemm.k, new_tokens, op.gemm.k, false});
    }
  }
  return layers;
}

std::uint64_t compute_cycles(const Layer& layer, const Machine& machine) {
  return pieces(layer.inputs, machine.dot_product) * pieces(layer.outputs, machine.rows) *
         pieces(layer.tokens, machine.cols) * pe_cycles(machine);
}

Traffic traffic_of(const Layer& layer, const Machine& machine, const Memory& memory) {
  const auto activation_bits = static_cast<double>(memory.activation_bits);
  Traffic traffic;
  traffic.weight_bytes =
      row_bytes(layer.inputs, layer.is_attention ? activation_bits : machine.weight_bits) *
      layer.outputs;
  traffic.input_bytes = row_bytes(layer.token_features, activation_bits) * layer.tokens;
  traffic.output_bytes = row_bytes(layer.outputs, activation_bits) * layer.tokens;
  const std::uint64_t weight_fills = pieces(traffic.weight_bytes, memory.weight_buffer_bytes);
  const std::uint64_t input_fills = pieces(traffic.input_bytes, memory.activation_buffer_bytes);
  if (weight_fills <= 1 || input_fills <= 1) return traffic;
  Traffic weights_again = traffic;
  weights_again.weight_fetches = input_fills;
  Traffic inputs_again = traffic;
  inputs_again.input_fetches = weight_fills;
  return weights_again.bytes() < inputs_again.bytes() ? weights_again : inputs_again;
}

std::uint64_t cycles_of(const Layer& layer, const Machine& machine, const Memory& memory) {
  const std::uint64_t dram =
      traffic_of(layer, machine, memory).bytes() * 8 / memory.dram_bits_per_cycle;
  return layer.occurrences * std::max(compute_cycles(layer, machine), dram);
}

std::uint64_t cycles_of(const std::vector<Layer>& layers, const Machine& machine,
                        const Memory& memory) {
  std::uint64_t cycles = 0;
  for (const Layer& layer : layers) cycles += cycles_of(layer, machine, memory);
  return cycles;
}

}  // namespace bitsmith::reproduce::bitmod
