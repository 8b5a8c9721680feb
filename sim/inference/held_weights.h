// The weights of one GEMM in memory, as a trace would give them.
#pragma once

#include <string>

#include "inference/quantized_matrix.h"
#include "workload/quantized_operands.h"

namespace bitsmith {

// Operator 0 of its workload; there are no activations to read.
class HeldWeights final : public QuantizedOperands {
 public:
  HeldWeights(std::string name, const Operator& gemm, GemmQuantization quantization,
              QuantizedMatrix weights);

  const Workload& workload() const override { return workload_; }
  std::string name() const override { return workload_.name; }
  const OperandQuantization& quantization(std::size_t op, OperandRole role) const override;
  void read(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t k,
            std::span<std::uint16_t> out) const override;
  void read_scales(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t group,
                   std::span<std::uint16_t> out) const override;
  void read_selects(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t group,
                    std::span<std::uint16_t> out) const override;
  void read_zero_points(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t group,
                        std::span<std::uint16_t> out) const override;

  const QuantizedMatrix& weights() const { return weights_; }

 private:
  // Some of a row's groups along k, or the one of a whole tensor.
  std::span<const GroupParameters> groups(OperandRole role, std::uint64_t row, std::uint64_t group,
                                          std::size_t count) const;

  Workload workload_;
  GemmQuantization quantization_;
  QuantizedMatrix weights_;
};

}  // namespace bitsmith
