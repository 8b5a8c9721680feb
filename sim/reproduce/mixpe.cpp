#include "reproduce/mixpe.h"

#include <array>
#include <span>

#include "common/divide.h"
#include "common/error.h"

namespace bitsmith::reproduce::mixpe {
namespace {

// Loops over tiles. The tiles of rows and columns of results are always as large as each other.
enum LoopName { kBatch, kRow, kColumn, kInput, kOutput, kLoops };

struct Loop {
  std::uint64_t size = 1;   // of a tile
  std::uint64_t tiles = 1;  // that it runs over
};

using Tiling = std::array<Loop, kLoops>;

bool moves_inputs(LoopName loop) { return loop != kOutput; }
bool moves_weights(LoopName loop) { return loop == kInput || loop == kOutput; }
bool moves_results(LoopName loop) { return loop != kInput; }

// Powers of two below `extent`, and the extent itself.
std::vector<std::uint64_t> tile_sizes(std::uint64_t extent) {
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t size = 1; size < extent; size *= 2) sizes.push_back(size);
  sizes.push_back(extent);
  return sizes;
}

// Bits between DRAM and a buffer: what fits the buffer when the array starts, and all of them.
struct Traffic {
  std::uint64_t at_once = 0;
  std::uint64_t all = 0;
};

// Innermost loop first. A tile stays in the buffer, and grows, as long as all that the loops so far
// run over fits; from there on every loop fetches everything again, whether it moves the tile or
// not.
Traffic traffic_of(std::uint64_t tile_bits, std::uint64_t capacity, bool (*moves)(LoopName),
                   const Tiling& tiling, std::span<const LoopName> order) {
  Traffic traffic{tile_bits, tile_bits};
  bool fits = true;
  for (const LoopName loop : order) {
    if (fits && !moves(loop)) continue;
    traffic.all *= tiling[loop].tiles;
    if (!fits) continue;
    fits = traffic.all <= capacity;
    if (fits) traffic.at_once = traffic.all;
  }
  return traffic;
}

class Search {
 public:
  Search(const Layer& layer, const Machine& machine, const Memory& memory)
      : layer_(layer),
        machine_(machine),
        memory_(memory),
        operations_(machine.operations(layer.bits)) {}

  std::optional<Cycles> best() {
    for (const std::uint64_t batch : tile_sizes(layer_.batch)) {
      for (const std::uint64_t side : tile_sizes(layer_.side)) {
        for (const std::uint64_t inputs : tile_sizes(layer_.inputs)) {
          for (const std::uint64_t outputs : tile_sizes(layer_.outputs)) {
            visit({loop(layer_.batch, batch), loop(layer_.side, side), loop(layer_.side, side),
                   loop(layer_.inputs, inputs), loop(layer_.outputs, outputs)});
          }
        }
      }
    }
    return best_;
  }

 private:
  static Loop loop(std::uint64_t extent, std::uint64_t size) {
    return {size, pieces(extent, size)};
  }
  static std::uint64_t half_bits(std::uint64_t bytes) { return bytes * 8 / 2; }

  std::uint64_t compute_cycles(const Tiling& tiling) const {
    const std::uint64_t tokens = tiling[kBatch].size * tiling[kRow].size * tiling[kColumn].size;
    std::uint64_t cycles = pieces(tokens, machine_.rows * operations_) *
                           pieces(tiling[kOutput].size, machine_.cols * operations_) *
                           layer_.kernel * layer_.kernel * tiling[kInput].size;
    for (const Loop& loop : tiling) cycles *= loop.tiles;
    return cycles;
  }

  void visit(const Tiling& tiling) {
    const std::uint64_t positions = tiling[kRow].size * tiling[kColumn].size;
    const std::uint64_t depth = layer_.kernel * layer_.kernel * tiling[kInput].size;
    const auto padded = [&](std::uint64_t pes) {
      return pieces(depth, pes * operations_) * pes * operations_;
    };
    weight_bits_ = padded(machine_.rows) * tiling[kOutput].size * layer_.bits;
    input_bits_ = padded(machine_.cols) * positions * tiling[kBatch].size * layer_.bits;
    result_bits_ = positions * tiling[kBatch].size * tiling[kOutput].size * memory_.output_bits;
    if (weight_bits_ > half_bits(memory_.weight_buffer_bytes)) return;
    if (input_bits_ > half_bits(memory_.input_buffer_bytes)) return;
    const std::uint64_t compute = compute_cycles(tiling);
    if (best_ && compute > best_->total()) return;
    std::vector<LoopName> order;  // loops over one tile change nothing
    for (const LoopName name : {kBatch, kRow, kColumn, kInput, kOutput}) {
      if (tiling[name].tiles > 1) order.push_back(name);
    }
    do {
      const Cycles cycles{compute, stall_cycles(compute, tiling, order)};
      if (!best_ || cycles.total() < best_->total()) best_ = cycles;
    } while (std::next_permutation(order.begin(), order.end()));
  }

  // Results that stay in their buffer are not waited for at the end: a loop that moves them, even
  // over one tile only, makes the script forget the last store.
  bool waits_for_results(const Tiling& tiling, std::span<const LoopName> order) const {
    const std::uint64_t capacity = half_bits(memory_.output_buffer_bytes);
    if (result_bits_ > capacity) return true;
    for (const LoopName name : {kBatch, kRow, kColumn, kOutput}) {
      if (tiling[name].tiles == 1) return false;
    }
    const auto innermost = std::find_if(order.begin(), order.end(), moves_results);
    return result_bits_ * tiling[*innermost].tiles > capacity;
  }

  std::uint64_t stall_cycles(std::uint64_t compute, const Tiling& tiling,
                             std::span<const LoopName> order) const {
    const Traffic weights = traffic_of(weight_bits_, half_bits(memory_.weight_buffer_bytes),
                                       moves_weights, tiling, order);
    const Traffic inputs =
        traffic_of(input_bits_, half_bits(memory_.input_buffer_bytes), moves_inputs, tiling, order);
    const Traffic results = traffic_of(result_bits_, half_bits(memory_.output_buffer_bytes),
                                       moves_results, tiling, order);
    const std::uint64_t first = weights.at_once + inputs.at_once;
    const std::uint64_t last = waits_for_results(tiling, order) ? result_bits_ : 0;
    const std::uint64_t meanwhile =
        pieces(weights.all + inputs.all + results.all - first - last, memory_.dram_bits_per_cycle);
    return pieces(first, memory_.dram_bits_per_cycle) + pieces(last, memory_.dram_bits_per_cycle) +
           (meanwhile > compute ? meanwhile - compute : 0);
  }

  const Layer& layer_;
  const Machine& machine_;
  const Memory& memory_;
  std::uint64_t operations_;
  std::uint64_t weight_bits_ = 0;  // of the tile that is looked at
  std::uint64_t input_bits_ = 0;
  std::uint64_t result_bits_ = 0;
  std::optional<Cycles> best_;
};

}  // namespace

std::optional<std::string> unfit(const Transformer& model) {
  constexpr std::uint64_t kWidest = 1 << 17;
  constexpr std::uint64_t kLargestImage = 1024;
  if (model.mlp != Mlp::plain) return "its MLP is gated";
  if (model.has_experts()) return "it has experts";
  if (model.architecture == Architecture::encoder) return "it is an encoder of text";
  if (model.hidden_size % 128 != 0 || model.intermediate_size % 128 != 0 ||
      model.query_size() != model.hidden_size || model.key_value_size() != model.hidden_size) {
    return "its sizes are not those of plain attention, in multiples of 128";
  }
  if (model.intermediate_size > kWidest || model.hidden_size > kWidest) return "it is too wide";
  if (model.image_size > kLargestImage) return "its images are too large";
  return std::nullopt;
}

std::vector<Layer> layers_of(const Transformer& model, std::uint64_t batch,
                             const Precision& precision) {
  constexpr std::uint64_t kGroup = 128;    // weights that share a scale
  constexpr std::uint64_t kPerOutput = 8;  // as many outputs are dequantised at a time
  std::vector<Layer> layers;
  if (model.architecture == Architecture::vision) {
    layers.push_back({"patches", 1, batch, model.patch_size, model.image_size / model.patch_size,
                      model.num_channels, model.hidden_size, precision.patch_bits});
  }
  const auto add = [&](const std::string& name, std::uint64_t inputs, std::uint64_t outputs,
                       std::uint64_t low) {
    const std::uint64_t blocks = model.num_hidden_layers;
    if (low < blocks) {
      layers.push_back({name, blocks - low, batch, 1, 1, inputs, outputs, precision.bits});
    }
    if (low > 0) {
      layers.push_back(
          {name + ", low precision", low, batch, 1, 1, inputs, outputs, precision.low_bits});
    }
    const bool is_of_results = precision.dequantisation == Dequantisation::results;
    layers.push_back({name + ", dequantisation", blocks, batch, 1, 1,
                      is_of_results ? inputs / kPerOutput : inputs,
                      outputs / (is_of_results ? kGroup : kPerOutput),
                      precision.dequantisation_bits, true});
  };
  const std::uint64_t hidden = model.hidden_size;
  const std::uint64_t low = precision.low_blocks;
  add("qkv", hidden, 3 * hidden, low);
  add("projection", hidden, hidden, low + precision.low_projections);
  add("up", hidden, model.intermediate_size, low);
  add("down", model.intermediate_size, hidden, low);
  return layers;
}

std::optional<Cycles> best_cycles(const Layer& layer, const Machine& machine,
                                  const Memory& memory) {
  return Search(layer, machine, memory).best();
}

Cycles cycles_of(const std::vector<Layer>& layers, const Machine& machine, const Memory& memory) {
  Cycles sum;
  for (const Layer& layer : layers) {
    const std::optional<Cycles> cycles = best_cycles(layer, machine, memory);
    if (!cycles) throw UserError(fmt::format("no tile of '{}' fits the buffers", layer.name));
    sum.compute += layer.occurrences * cycles->compute;
    sum.stall += layer.occurrences * cycles->stall;
  }
  return sum;
}

}  // namespace bitsmith::reproduce::mixpe
