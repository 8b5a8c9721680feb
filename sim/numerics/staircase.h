// A codebook as a staircase: its numbers in order and the thresholds between them. The code of x is
// that of the step whose number is how many thresholds lie below x, which takes a few nanoseconds
// where encode() (format.h), made for single numbers of any format, takes dozens. The codes are
// those of encode() with Rounding::nearest_even, ties included.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "numerics/format.h"

namespace bitsmith {

class Staircase {
 public:
  // A codebook of at most 16 different numbers; InternalError otherwise.
  explicit Staircase(const Format& f);

  // The codes of values[i] / scale. Values are finite, scale is positive, spans have one size.
  void encode(double scale, std::span<const float> values, std::span<std::uint16_t> codes) const;

 private:
  static constexpr std::size_t kSteps = 16;
  // The last ones are infinite, so that the loop over them has a fixed length.
  std::array<double, kSteps> threshold_;
  std::array<std::uint16_t, kSteps> code_;  // of each step
};

// The staircase of a codebook of the table of formats, made once; null for all other formats.
const Staircase* find_staircase(const Format& f);

}  // namespace bitsmith
