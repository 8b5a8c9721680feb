// A workload: the operators of a model in one phase.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bitsmith {

// Y[m,n] = A[m,k] x W[k,n].
struct GemmShape {
  std::uint64_t m = 1;
  std::uint64_t n = 1;
  std::uint64_t k = 1;
  bool operator==(const GemmShape&) const = default;
};

// A GEMM operator. Its `count` GEMMs (the heads of an attention) are independent and follow each
// other without a gap; its `repeat` occurrences (the layers) each wait for the operator before
// them.
struct Operator {
  std::string name;
  GemmShape gemm;
  std::uint64_t count = 1;
  std::uint64_t repeat = 1;
};

struct Workload {
  std::string name;
  std::vector<Operator> operators;
};

inline constexpr std::uint64_t kLargestDimension = std::uint64_t{1} << 40;

// "MxNxK", each in 1..kLargestDimension. Throws UserError.
Workload gemm_workload(const std::string& text);

}  // namespace bitsmith
