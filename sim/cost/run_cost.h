// Energy and area of a run, by component. What is not known is absent, never 0, and so is a total
// that lacks a part.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>

#include "cost/memory_cost.h"
#include "system/accelerator.h"
#include "system/run_result.h"

namespace bitsmith {

struct BuffersCost {
  BufferCost activation, weight, result;
};

// The sum, where all are known.
std::optional<double> sum_of(std::initializer_list<std::optional<double>> parts);

struct Leakage {
  std::optional<double> array, buffers, vector;
  std::optional<double> total() const { return sum_of({array, buffers, vector}); }
};

struct RunEnergy {
  std::optional<double> array;    // switching, clock and registers
  std::optional<double> buffers;  // accesses
  std::optional<double> vector;
  std::optional<DramEnergy> dram;
  Leakage leakage;

  std::optional<double> dram_total() const {
    return dram ? std::optional(dram->total_pj()) : std::nullopt;
  }
  std::optional<double> total() const {
    return sum_of({array, buffers, dram_total(), vector, leakage.total()});
  }
};

struct RunArea {
  std::optional<double> array, buffers, vector;
  std::optional<double> total() const { return sum_of({array, buffers, vector}); }
};

struct RunCost {
  RunEnergy energy_pj;
  RunArea area_um2;
  std::optional<BuffersCost> buffers;  // where the accelerator says what its SRAM is
};

// Throws UserError when the table does not have the accelerator's SRAM; it is asked for where there
// is any.
using GetSramTable = std::function<const SramTable&()>;
void require_sram(const Accelerator& accelerator, const GetSramTable& table);

// Of an array no record says anything yet: array and vector unit are absent. Everything is without
// a memory system. Throws what require_sram() throws.
RunCost run_cost(const Accelerator& accelerator, const RunCounts& counts, double seconds,
                 const GetSramTable& table);

}  // namespace bitsmith
