// The sums of all lanes and columns of the cycle model, token by token.
//
// Columns are the vector's dimension. Floating point is the host's: every operation rounds as the
// RTL's does (sim/pe/lut_tensor_core/arithmetic.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pe/lut_tensor_core/params.h"

namespace bitsmith::lut_tensor_core {

class Datapath {
 public:
  explicit Datapath(const Params& params);

  // Activations, or tables, at the head of their buffer, for rows 0 .. m - 1.
  void load(const std::uint32_t* a, std::uint32_t m);
  // A token of the plane's bits, or of codes, in rows 0 .. m - 1; `first` of its group.
  void step(const std::uint32_t* w, std::uint32_t plane, std::uint32_t m, bool first);
  // The group's sums, dequantised, go to the open sums, which start with it if `clear`.
  void finish_group(const std::uint32_t* s, std::uint32_t m, bool clear);
  // Row r of Y, zero from column n on.
  void pack_row(std::uint32_t r, std::uint32_t n, std::uint32_t* words) const;

 private:
  // Numbers, int32 or float: what lanes read, and what they have summed up.
  template <class Number>
  struct Lanes {
    // [row][address]: an entry with its sign, by the bits that are stored in the weights; `mac`:
    // the activations, [row][j].
    std::vector<Number> table;
    std::vector<Number> weight;       // `mac`: [j][column]
    std::vector<Number> sum;          // SW, [row][column]
    std::vector<Number> sum_of_a;     // SA, [row]
    std::vector<Number> zero, scale;  // z' and scale, [column]
  };

  // Calls `use` with the integers or the floats, and K as a constant.
  template <class Use>
  void with_lanes(Use use);
  template <class Number, std::size_t K>
  void load_rows(Lanes<Number>& lanes, std::span<const std::uint32_t> a, std::uint32_t m);
  template <class Number>
  void load_table(Lanes<Number>& lanes, std::span<const std::uint32_t> a, std::size_t r);
  template <class Number, std::size_t K>
  void read_table(Lanes<Number>& lanes, std::uint32_t plane, std::size_t r);
  template <class Number, std::size_t K>
  void load_weights(Lanes<Number>& lanes);
  template <class Number, std::size_t K>
  void multiply(Lanes<Number>& lanes, std::size_t r);
  template <class Number>
  void load_scales(Lanes<Number>& lanes, const std::uint32_t* s);
  void extract_lanes(const std::uint32_t* w);

  Params params_;
  std::size_t cols_;                     // padded to whole vectors
  std::uint32_t lane_bits_;              // of a lane of the `w` channel: an address, or a code
  std::size_t a_words_, w_words_;        // of beats
  std::vector<std::uint32_t> w_padded_;  // a beat, and zeros for padded lanes
  std::vector<std::int32_t> lane_;       // [column] addresses; `mac`: [column][j] codes
  std::vector<float> fp8_value_;         // [code]
  Lanes<std::int32_t> integers_;
  Lanes<float> floats_;
  std::vector<std::int64_t> integer_result_;  // the open sums, [row][column]
  std::vector<float> float_result_;
};

}  // namespace bitsmith::lut_tensor_core
