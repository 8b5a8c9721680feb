// What the arithmetic of BitMoD's PEs loses, for each weight format: golden results of the
// bit_serial array (FP16 activations, four lanes, groups of 128) beside the exact sums of the same
// codes and INT8 scales. The paper claims no number. Quantization's own error is not in it, nor is
// anything after the array.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bitsmith::reproduce::bitmod {

// Activations with outlier channels in FP16, normal weights (numerics/random_tensor.h).
struct ErrorSample {
  std::uint64_t m = 8;
  std::uint64_t n = 8;
  std::uint64_t k = 4096;
  std::uint64_t seed = 1;
};

struct ArithmeticError {
  std::string weight;
  std::uint64_t results = 0;
  double relative = 0;  // norm of all differences / norm of all exact results
  double worst = 0;     // of one result: difference / sum of its terms' magnitudes
};

// The seven formats of the array, from the widest to the narrowest.
std::vector<ArithmeticError> arithmetic_errors(const ErrorSample& sample = {});

}  // namespace bitsmith::reproduce::bitmod
