// Steps of an operator's weights, for designs whose cycles depend on them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "mapping/blocks.h"
#include "mapping/operand_source.h"
#include "pe/design.h"

namespace bitsmith {

// Scans every weight of a GEMM once and keeps a number per group and tile of columns until the next
// GEMM is asked for.
class WeightSteps {
 public:
  // Both must outlive this; `op` is the number of the operator in the workload.
  WeightSteps(const Design& design, const OperandSource& operands, std::size_t op)
      : design_(design), operands_(operands), op_(op) {}

  // All GEMMs of the operator take the same steps.
  bool repeats_gemms() const { return operands_.repeats_gemms(); }

  // What the jobs of schedule_block(block) take (Design::weight_steps). Valid until a block of
  // another GEMM is asked for.
  std::span<const std::uint32_t> of(const Block& block);

 private:
  std::vector<std::uint32_t> scan(const Block& block);
  void scan_columns(const Block& block, std::uint64_t n, std::uint64_t columns,
                    std::span<std::uint32_t> steps);

  const Design& design_;
  const OperandSource& operands_;
  std::size_t op_;
  std::uint64_t gemm_ = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::uint32_t>> known_;  // n0, k0
  std::vector<std::uint16_t> w_, s_;
  std::vector<std::uint32_t> some_;
};

}  // namespace bitsmith
