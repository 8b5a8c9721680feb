// The cycles that the authors' own script gives for MixPE and what it is compared with: a closed
// form per layer, and the tiling and order of loops with the fewest cycles. These are the script's
// answers, right or wrong; mixpe_simplifications.cpp lists what it leaves out. Nothing but
// `bitsmith reproduce` sees them.
//
// Source: Y. Zhang et al., MixPE, arXiv 2411.16158; github.com/yuzhang712/mixpe_simulator at commit
// 769f0c8.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workload/transformer.h"

namespace bitsmith::reproduce::mixpe {

// Output stationary; an operand of fewer bits than high_bits lets a PE do more at a time.
struct Machine {
  std::uint64_t rows = 1;  // PEs along tokens
  std::uint64_t cols = 1;  // PEs along outputs
  std::uint64_t high_bits = 8;
  std::uint64_t low_bits = 8;

  // Of operands of `bits` that a PE takes, in its dimension.
  std::uint64_t operations(std::uint64_t bits) const {
    return high_bits / std::max(bits, low_bits);
  }
};

struct Memory {
  std::uint64_t dram_bits_per_cycle = 1024;
  std::uint64_t weight_buffer_bytes = 131072;
  std::uint64_t input_buffer_bytes = 262144;
  std::uint64_t output_buffer_bytes = 131072;
  std::uint64_t output_bits = 16;
};

// Weights [outputs, kernel x kernel x inputs] for `batch` x side x side results; a GEMM has kernel
// and side 1. Weights and inputs have the same bits.
struct Layer {
  std::string name;
  std::uint64_t occurrences = 1;
  std::uint64_t batch = 1;
  std::uint64_t kernel = 1;
  std::uint64_t side = 1;
  std::uint64_t inputs = 1;
  std::uint64_t outputs = 1;
  std::uint64_t bits = 8;
  bool is_dequantisation = false;
};

// What the conventional accelerators dequantise before a GEMM, MixPE after it.
enum class Dequantisation { weights, results };

struct Precision {
  std::uint64_t bits = 8;
  std::uint64_t patch_bits = 8;  // of a vision transformer's first layer
  Dequantisation dequantisation = Dequantisation::weights;
  std::uint64_t dequantisation_bits = 8;
  std::uint64_t low_bits = 4;  // of the blocks and projections below
  std::uint64_t low_blocks = 0;
  std::uint64_t low_projections = 0;  // of attention, beside those of low_blocks
};

// Why the script has no answer for a model, or the search would not end; nothing otherwise.
std::optional<std::string> unfit(const Transformer& model);

// One token of each of `batch` sequences: the patches of a vision transformer's first layer, then
// per block QKV, projection, and both halves of the MLP, each with its dequantisation. For models
// that are not unfit().
std::vector<Layer> layers_of(const Transformer& model, std::uint64_t batch,
                             const Precision& precision);

struct Cycles {
  std::uint64_t compute = 0;
  std::uint64_t stall = 0;  // DRAM, with first loads and last stores
  std::uint64_t total() const { return compute + stall; }
};

// Of one occurrence; nothing if no tile fits the buffers.
std::optional<Cycles> best_cycles(const Layer& layer, const Machine& machine, const Memory& memory);

// For all occurrences of all layers.
Cycles cycles_of(const std::vector<Layer>& layers, const Machine& machine, const Memory& memory);

}  // namespace bitsmith::reproduce::mixpe
