// The cycles that the authors' own script gives for BitMoD and what it is compared with, as closed
// forms: a layer takes the longer of its array passes and its DRAM traffic, a network the sum of
// its layers. These are the script's answers, right or wrong; bitmod_paper.h lists what it leaves
// out. Nothing but `bitsmith reproduce` sees them.
//
// Source: Y. Chen et al., BitMoD, HPCA 2025, arXiv 2411.11745, section V;
// github.com/abdelfattah-lab/BitMoD-HPCA-25 at commit 58d7bdb.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workload/transformer.h"

namespace bitsmith::reproduce::bitmod {

// An accelerator in one task.
struct Machine {
  std::uint64_t rows = 1;         // PEs along outputs
  std::uint64_t cols = 1;         // PEs along tokens
  std::uint64_t dot_product = 1;  // inputs that a PE takes at a time
  bool bit_serial = false;
  double weight_bits = 16;  // with their share of scales
};

struct Memory {
  std::uint64_t activation_bits = 16;  // of inputs, outputs and all of attention
  std::uint64_t dram_bits_per_cycle = 256;
  std::uint64_t weight_buffer_bytes = 524288;
  std::uint64_t activation_buffer_bytes = 524288;
};

// A layer as the script sees it: weights [outputs, inputs], results [tokens, outputs], and
// `token_features` read from memory per token, in attention not the inputs.
struct Layer {
  std::string name;
  std::uint64_t occurrences = 1;
  std::uint64_t outputs = 1;
  std::uint64_t inputs = 1;
  std::uint64_t tokens = 1;
  std::uint64_t token_features = 1;
  bool is_attention = false;  // its weights are activations in memory
};

struct Traffic {
  std::uint64_t weight_bytes = 0;  // of one fetch
  std::uint64_t input_bytes = 0;
  std::uint64_t output_bytes = 0;  // written once
  std::uint64_t weight_fetches = 1;
  std::uint64_t input_fetches = 1;
  std::uint64_t bytes() const {
    return weight_bytes * weight_fetches + input_bytes * input_fetches + output_bytes;
  }
};

// Why the script has no answer for a model, or sums of cycles might not fit; nothing otherwise.
std::optional<std::string> unfit(const Transformer& model);

inline constexpr std::int64_t kLongestContext = 1024;

// A prompt of `context` tokens, or one token that attends to as many. The projections are those of
// transformer_workload(), but the vocabulary's, which meets all tokens; attention is the script's.
// For models that are not unfit().
std::vector<Layer> layers_of(const Transformer& model, Phase phase, std::uint64_t context);

std::uint64_t compute_cycles(const Layer& layer, const Machine& machine);

// Operands that both overflow their buffers: for each buffer full of one, the other is fetched
// whole; the way with less traffic, on a tie the inputs again.
Traffic traffic_of(const Layer& layer, const Machine& machine, const Memory& memory);

// The longer of the two, for all occurrences.
std::uint64_t cycles_of(const Layer& layer, const Machine& machine, const Memory& memory);
std::uint64_t cycles_of(const std::vector<Layer>& layers, const Machine& machine,
                        const Memory& memory);

}  // namespace bitsmith::reproduce::bitmod
