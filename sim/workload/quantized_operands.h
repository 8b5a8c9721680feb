// Quantized operands of the GEMMs of a workload, wherever they lie.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "workload/quantization.h"

namespace bitsmith {

enum class OperandRole { activation, weight };
std::string_view word_of(OperandRole role);

// GEMMs go by their number among the workload's operators.
class QuantizedOperands {
 public:
  virtual ~QuantizedOperands() = default;

  virtual const Workload& workload() const = 0;
  virtual std::string name() const = 0;
  virtual const OperandQuantization& quantization(std::size_t op, OperandRole role) const = 0;
  // The format of an operand's codes; of a mixture the first of its formats.
  const Format& format(std::size_t op, OperandRole role) const {
    return quantization(op, role).code_format();
  }
  // Codes k, k + 1, ... of a row; `out` says how many.
  virtual void read(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t k,
                    std::span<std::uint16_t> out) const = 0;
  // Codes of the scales of groups along k, from number `group` of a row on, and of a mixture their
  // candidates; a UserError where there is no such candidate. Scales of at most 16 bits.
  virtual void read_scales(std::size_t op, OperandRole role, std::uint64_t row, std::uint64_t group,
                           std::span<std::uint16_t> out) const = 0;
  virtual void read_selects(std::size_t op, OperandRole role, std::uint64_t row,
                            std::uint64_t group, std::span<std::uint16_t> out) const = 0;
  // Zero points of groups along k, in the same way, or the one of a channel or tensor as its group
  // 0; a UserError where one is no code of the operand's format.
  virtual void read_zero_points(std::size_t op, OperandRole role, std::uint64_t row,
                                std::uint64_t group, std::span<std::uint16_t> out) const = 0;
};

}  // namespace bitsmith
