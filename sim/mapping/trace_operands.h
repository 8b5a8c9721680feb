// The operands of a trace as an array takes them: in the design's own formats, tile by tile.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pe/design.h"
#include "workload/trace.h"

namespace bitsmith {

// Codes of a tile, as the design wants them: A [m][k], W [k][n].
struct OperandTile {
  std::vector<std::uint16_t> a;
  std::vector<std::uint16_t> w;
};

class TraceOperands {
 public:
  // Throws UserError naming every GEMM whose formats the design does not hold exactly, unless
  // `skip_others`; and when there is no GEMM left.
  TraceOperands(const Trace& trace, const Design& design, bool skip_others);

  // GEMMs that the design can compute, by their number in the workload.
  const std::vector<std::size_t>& gemms() const { return gemms_; }
  const GemmShape& shape(std::size_t op) const { return trace_.workload().operators[op].gemm; }
  // Into m*k and k*n codes, row-major; nothing is allocated but a column.
  void read_a(std::size_t op, std::uint64_t m0, std::uint64_t m, std::uint64_t k0, std::uint64_t k,
              std::span<std::uint16_t> codes) const;
  void read_w(std::size_t op, std::uint64_t k0, std::uint64_t k, std::uint64_t n0, std::uint64_t n,
              std::span<std::uint16_t> codes) const;
  OperandTile tile(std::size_t op, std::uint64_t m0, std::uint32_t m, std::uint64_t n0,
                   std::uint32_t n, std::uint64_t k0, std::uint64_t k) const;

 private:
  struct Conversions {
    std::vector<std::uint16_t> a;
    std::vector<std::uint16_t> w;
  };

  const Trace& trace_;
  std::vector<std::size_t> gemms_;
  std::vector<Conversions> conversions_;  // by operator; empty where there is none
};

}  // namespace bitsmith
