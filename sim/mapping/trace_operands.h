// The operands of a trace as an array takes them: in the design's own formats, tile by tile.
//
// A design with scales applies one to every group. Weights quantized that way bring their own; of
// two levels (channel scale times integer) the array applies the integers. Weights with one scale
// per channel or for all get the scale 1. A design with zero points subtracts those of the trace,
// of groups, channels or all; weights without any get 0. What is left over, as every scale and zero
// point of an array without them, is applied to the results: work of the vector unit, whose values
// are not computed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pe/design.h"
#include "workload/quantized_operands.h"

namespace bitsmith {

// Codes of a tile, as the design wants them: A [m][k], W [k][n], S [scale rows of k][n].
struct OperandTile {
  std::vector<std::uint16_t> a;
  std::vector<std::uint16_t> w;
  std::vector<std::uint16_t> s = {};
};

// How weights with scales of their own must be quantized for a design with scales; with zero
// points, too, if it has those.
OperandQuantization weight_quantization(const Design& design);

class TraceOperands {
 public:
  // Throws UserError with every reason why the design does not hold formats or scales exactly, and
  // the GEMMs it is true of; with `skip_others` only where no GEMM is left. Also throws where
  // formats of groups or zero points are out of range. Both must outlive this.
  TraceOperands(const QuantizedOperands& trace, const Design& design, bool skip_others);

  // GEMMs that the design can compute, by their number in the workload.
  const std::vector<std::size_t>& gemms() const { return gemms_; }
  const Design& design() const { return design_; }
  const Workload& workload() const { return trace_.workload(); }
  const GemmShape& shape(std::size_t op) const { return trace_.workload().operators[op].gemm; }
  // The design's codes of activations, by those of the trace.
  const std::vector<std::uint16_t>& activation_codes(std::size_t op) const {
    return conversions_.at(op).a;
  }
  // Whether the array applies the weights' own scales of groups, and their zero points.
  bool applies_scales(std::size_t op) const { return conversions_.at(op).w.own_scales; }
  bool applies_zero_points(std::size_t op) const { return conversions_.at(op).w.own_zero_points; }
  // Into m*k and k*n codes, row-major; nothing is allocated but a column.
  void read_a(std::size_t op, std::uint64_t m0, std::uint64_t m, std::uint64_t k0, std::uint64_t k,
              std::span<std::uint16_t> codes) const;
  void read_w(std::size_t op, std::uint64_t k0, std::uint64_t k, std::uint64_t n0, std::uint64_t n,
              std::span<std::uint16_t> codes) const;
  // S[row .. row+rows, n0 .. n0+n] into rows*n codes, for designs with scales.
  void read_s(std::size_t op, std::uint64_t row, std::uint64_t rows, std::uint64_t n0,
              std::uint64_t n, std::span<std::uint16_t> codes) const;
  // A tile from the beginning of k.
  OperandTile tile(std::size_t op, std::uint64_t m0, std::uint32_t m, std::uint64_t n0,
                   std::uint32_t n, std::uint64_t k) const;

 private:
  struct Weights {
    std::vector<std::uint16_t> codes;    // by those of the trace
    bool own_scales = false;             // else the design's are 1
    bool own_zero_points = false;        // else the design's are 0
    std::vector<std::uint16_t> selects;  // by candidate of the trace, in place above the scale
  };
  struct Conversions {
    std::vector<std::uint16_t> a;
    Weights w;
  };
  std::optional<Conversions> conversions_of(std::size_t op, std::string& problem) const;
  std::optional<Weights> scaled_weights(const OperandQuantization& weight, std::uint64_t k) const;
  std::string unsupported(const OperandQuantization& weight,
                          const OperandQuantization& activation) const;
  std::string scales_problem(const OperandQuantization& weight) const;
  void require_in_range(std::size_t op) const;
  void read_zero_points(std::size_t op, std::uint64_t group, std::uint64_t column,
                        std::span<std::uint16_t> zero_points) const;

  const QuantizedOperands& trace_;
  const Design& design_;
  std::vector<std::size_t> gemms_;
  std::vector<Conversions> conversions_;  // by operator; empty where there is none
};

}  // namespace bitsmith
