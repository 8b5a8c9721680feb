// GEMMs of quantized operands as an array computes them: codes and scales in the design's formats,
// results by Design::golden, and what scales remain multiplied to the results in FP32, first that
// of the token, then that of the output, as a vector unit would.
//
// A GEMM whose operands the design does not take exactly as they are quantized is computed as
// QuantizedArithmetic does, and coverage() says why.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "inference/quantized_arithmetic.h"
#include "pe/design.h"

namespace bitsmith {

class DesignArithmetic final : public QuantizedArithmetic {
 public:
  // The first two must outlive this.
  DesignArithmetic(const QuantizationConfig& config, const Design& design,
                   const PlacedSplits& splits = {});

  // Of the operators so far by name: why the design does not compute one, or "".
  std::map<std::string, std::string> coverage() const;

 private:
  struct DesignWeights;

  std::unique_ptr<const Weights> prepare_part(const Part& part, FloatView w) const override;
  void multiply_part(const Part& part, FloatView a, const Weights& w,
                     MatrixView<float> y) const override;
  std::unique_ptr<const DesignWeights> take(const Part& part, FloatView w,
                                            std::string& problem) const;

  std::string name_;
  const Design& design_;
  double unit_;  // of an integer result
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::string, std::size_t>, std::string> problems_;  // by name and k
};

}  // namespace bitsmith
