// GEMMs of quantized operands: weights once, activations and the KV cache window by window, as they
// come. A window is a prefill at once (quantize_operators): a cache that is `stored_only` stays in
// fp16, and recent tokens are the last of the window.
#pragma once

#include "inference/arithmetic.h"
#include "workload/quantization.h"

namespace bitsmith {

// Products and sums of dequantized values in FP32: what is lost is lost by quantization alone.
class QuantizedArithmetic : public Arithmetic {
 public:
  // `config` must outlive this.
  explicit QuantizedArithmetic(const QuantizationConfig& config) : config_(config) {}

  std::unique_ptr<const Weights> prepare(const GemmSite& site, FloatMatrix w) const final;
  void multiply(const GemmSite& site, FloatView a, const Weights& w,
                MatrixView<float> y) const final;

 protected:
  // A GEMM or, where recent tokens of a KV cache are in fp16, one of the two that it is split into;
  // the site has the name that quantize_operators() gives it.
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
};

}  // namespace bitsmith
