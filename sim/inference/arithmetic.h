// How the GEMMs of a forward pass are computed: in FP32, quantized, or as an array would.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "inference/float_matrix.h"
#include "workload/operator.h"

namespace bitsmith {

// Which GEMM of a model: the operator's name is that of transformer_workload().
struct GemmSite {
  std::size_t layer = 0;  // 0 for lm_head
  std::string_view name;
  OperatorClass operator_class = OperatorClass::linear;
  std::size_t head = 0;  // key-value head of an attention
};

class Arithmetic {
 public:
  // Weights as an arithmetic takes them.
  class Weights {
   public:
    virtual ~Weights() = default;
  };

  virtual ~Arithmetic() = default;

  // Both are called from several threads at once.
  virtual std::unique_ptr<const Weights> prepare(const GemmSite& site, FloatMatrix w) const = 0;
  // Y[m,n] = A[m,k] x W[n,k]^T, the tokens of one window; `w` comes from prepare().
  virtual void multiply(const GemmSite& site, FloatView a, const Weights& w,
                        MatrixView<float> y) const = 0;
};

class FloatArithmetic final : public Arithmetic {
 public:
  std::unique_ptr<const Weights> prepare(const GemmSite& site, FloatMatrix w) const override;
  void multiply(const GemmSite& site, FloatView a, const Weights& w,
                MatrixView<float> y) const override;
};

}  // namespace bitsmith
