// A module before technology mapping: its word-level operators, counted by kind and width. They
// are what a component model (cost/estimate.h) is made of.
#pragma once

#include <array>
#include <string_view>

#include "cost/synthesis.h"

namespace bitsmith {

enum class WordCell {
  adder,        // bits of sums, differences and comparisons
  multiplier,   // products of the bits of both operands
  shifter,      // bits x stages
  multiplexer,  // bits x inputs to choose among beyond the first
  logic,        // bits of gates and reductions
  register_bit,
};
inline constexpr std::size_t kWordCells = 6;
inline constexpr std::array<std::string_view, kWordCells> kWordCellNames = {
    "adder", "multiplier", "shifter", "multiplexer", "logic", "register"};

using WordCells = std::array<double, kWordCells>;

// By Yosys, flat; throws UserError with its output when it refuses.
WordCells word_cells(const RtlModule& module);
// What Yosys' write_json says of module `top`.
WordCells count_word_cells(std::string_view json, const std::string& top);

}  // namespace bitsmith
