// What a library cell computes, as tables over its inputs.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "cost/liberty.h"

namespace bitsmith {

// A function of up to kIndexBits bits.
class TruthTable {
 public:
  explicit TruthTable(std::vector<std::uint64_t> words) : words_(std::move(words)) {}

  bool at(std::uint32_t index) const { return (words_[index / 64] >> index % 64 & 1U) != 0; }

 private:
  std::vector<std::uint64_t> words_;  // the lowest index first
};

// Of a flip-flop or latch, over its inputs.
struct StateFunction {
  bool is_latch = false;
  bool first = false;  // the state of a register that holds 0: 1 where it stores the inverse
  TruthTable clock, data, clear, preset;
  char both_state = 'x', both_inverse = 'x';  // under clear and preset, as LibertyState has it
};

struct CellFunction {
  static constexpr std::uint32_t kIndexBits = 12;

  std::vector<std::uint32_t> inputs;  // pins; input i is bit i of an index
  // Behind the inputs: the state and its inverse, if there is a state.
  std::uint32_t state_bit() const { return static_cast<std::uint32_t>(inputs.size()); }
  std::uint32_t inverse_bit() const { return state_bit() + 1; }

  struct Output {
    std::uint32_t pin;
    TruthTable value;
  };
  std::vector<Output> outputs;
  std::optional<StateFunction> state;
};

// Throws UserError, with why, where the library does not say what the cell computes, it has a
// state table, or an output that can be at high impedance.
CellFunction cell_function(const LibertyCell& cell);

}  // namespace bitsmith
