// The operands of a workload's GEMMs as codes of a design's formats, rectangle by rectangle: seeded
// random ones, or those of a trace.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mapping/trace_operands.h"
#include "mapping/weight_converter.h"
#include "numerics/random_tensor.h"
#include "pe/design.h"

namespace bitsmith {

class OperandSource {
 public:
  // Random codes; of a floating-point format only numbers of magnitude 2^-4 .. 2^4, no NaN. With a
  // converter (null: none), which must outlive this, also weights as that takes them.
  OperandSource(const Design& design, std::uint64_t seed,
                const WeightConverter* converter = nullptr);
  // Those of the trace, the same for every GEMM of an operator's `count`. It must outlive this.
  explicit OperandSource(const TraceOperands& trace) : trace_(&trace) {}

  // Whether all GEMMs of an operator's `count` have the same operands.
  bool repeats_gemms() const { return trace_ != nullptr; }

  // A[m0 .. m0+m, k0 .. k0+k], row-major, into m*k codes. `op` is the number of the operator in the
  // workload, `gemm` that of the GEMM below its count.
  void read_a(std::size_t op, std::uint64_t gemm, std::uint64_t m0, std::uint64_t m,
              std::uint64_t k0, std::uint64_t k, std::span<std::uint16_t> codes) const;
  // W[k0 .. k0+k, n0 .. n0+n], row-major, into k*n codes.
  void read_w(std::size_t op, std::uint64_t gemm, std::uint64_t k0, std::uint64_t k,
              std::uint64_t n0, std::uint64_t n, std::span<std::uint16_t> codes) const;
  // Where a converter makes the W of an operator: what it makes W[k0 .. k0+k, n0 .. n0+n] of, with
  // k0 the begin of a group, into k*n codes and parameter_rows(k)*n parameters, as
  // convert_weights() takes them.
  void read_stored_w(std::size_t op, std::uint64_t gemm, std::uint64_t k0, std::uint64_t k,
                     std::uint64_t n0, std::uint64_t n, std::span<std::uint16_t> codes,
                     std::span<std::uint16_t> parameters) const;
  // S[row .. row+rows, n0 .. n0+n], row-major, for designs with scales; of random ones all codes
  // are equally likely.
  void read_s(std::size_t op, std::uint64_t gemm, std::uint64_t row, std::uint64_t rows,
              std::uint64_t n0, std::uint64_t n, std::span<std::uint16_t> codes) const;

 private:
  struct Drawn {
    const Format* format = nullptr;
    std::vector<std::uint16_t> numbers;  // floating point: what random numbers stand for
  };
  static Drawn drawn(const Format& format);
  static void draw(const Drawn& from, std::uint64_t seed, const TileArea& area,
                   std::span<std::uint16_t> codes);

  Drawn a_, w_;
  const WeightConverter* converter_ = nullptr;
  Drawn scales_, stored_;  // of converted weights
  std::uint32_t scale_bits_ = 0;
  std::uint64_t seed_ = 0;
  const TraceOperands* trace_ = nullptr;
};

}  // namespace bitsmith
