// GEMMs of quantized operands: weights once, activations and the KV cache window by window, as they
// come. A window is a prefill at once (quantize_operators): a cache that is `stored_only` stays in
// fp16, and recent tokens are the last of the window.
#pragma once

#include "inference/arithmetic.h"
#include "inference/calibration.h"
#include "workload/quantization.h"

namespace bitsmith {

// Products and sums of dequantized values in FP32: what is lost is lost by quantization alone.
class QuantizedArithmetic : public Arithmetic {
 public:
  // `config` must outlive this. `splits` are those that the configuration asks for (find_splits);
  // a UserError of prepare() says where one is missing. AWQ's factors are in the weights already
  // (fold_awq).
  explicit QuantizedArithmetic(const QuantizationConfig& config, const PlacedSplits& splits = {})
      : config_(config), splits_(splits) {}

  std::unique_ptr<const Weights> prepare(const GemmSite& site, FloatMatrix w) const final;
  void multiply(const GemmSite& site, FloatView a, const Weights& w,
                MatrixView<float> y) const final;

 protected:
  // A GEMM or one of the two that quantize_operators() splits it into, with the name that it gets
  // there.
  struct Part {
    GemmSite site;
    GemmQuantization quantization;
  };
  virtual std::unique_ptr<const Weights> prepare_part(const Part& part, FloatView w) const;
  virtual void multiply_part(const Part& part, FloatView a, const Weights& w,
                             MatrixView<float> y) const;

 private:
  struct Parts;

  const QuantizationConfig& config_;
  PlacedSplits splits_;
};

}  // namespace bitsmith
