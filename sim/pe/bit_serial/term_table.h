// What the encoders make of weights: the terms of every code, and the steps that weights take where
// zero terms are skipped. Shared by cycle model and timing; golden has its own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pe/bit_serial/params.h"
#include "pe/matrix.h"

namespace bitsmith::bit_serial {

class TermTable {
 public:
  // A term: its exponent, and above it whether there is one and whether it is negative.
  static constexpr std::int32_t kExponent = 3, kPresent = 4, kNegative = 8;

  explicit TermTable(const Params& params);

  // The terms of a code, term_count(params) of them.
  const std::int32_t* terms(std::uint32_t select, std::uint32_t code) const {
    return entries_.data() + index(select, code) * terms_;
  }
  // Bit i: there is a term i.
  std::uint8_t present(std::uint32_t select, std::uint32_t code) const {
    return present_[index(select, code)];
  }
  // The same for all codes of a select.
  const std::uint8_t* present(std::uint32_t select) const {
    return present_.data() + index(select, 0);
  }

 private:
  std::size_t index(std::uint32_t select, std::uint32_t code) const {
    return (static_cast<std::size_t>(select) << bits_) + code;
  }

  std::uint32_t terms_, bits_;
  std::vector<std::int32_t> entries_;
  std::vector<std::uint8_t> present_;
};

// Steps where zero terms are skipped, of every group of W[k,n] in every tile of its columns, tile
// after tile: a beat takes as many as the column with the most term positions that are not empty in
// all its lanes, and one at least. S holds a row of scales and selects per group.
void count_steps(const Params& params, CodeView w, CodeView s, std::span<std::uint32_t> steps);

}  // namespace bitsmith::bit_serial
