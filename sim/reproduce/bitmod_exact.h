// The same networks on verified arrays in engine `tile`: fill, drain, dequantisation, buffers and
// DRAM of configs/papers/bitmod_*.yaml, with the paper's PEs along outputs as columns and those
// along tokens as rows. What else differs from the script is said with its simplifications.
#pragma once

#include <cstdint>
#include <optional>

#include "reproduce/bitmod_paper.h"
#include "system/run_result.h"

namespace bitsmith::reproduce::bitmod {

struct ExactCycles {
  std::uint64_t gemms = 0;  // what the script counts
  std::uint64_t all = 0;    // with the vector operators
  std::uint64_t macs = 0;
};

// Nothing for an accelerator whose array there is not. Throws what load_accelerator() and
// make_plan() throw.
std::optional<ExactCycles> exact_cycles(const Paper& paper, const CycleRow& row);

}  // namespace bitsmith::reproduce::bitmod
