// Energy and area of a run, by component. What is not known is absent, never 0, and so is a total
// that lacks a part.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>

#include "cost/array_cost.h"
#include "cost/memory_cost.h"
#include "cost/vector_cost.h"
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
  std::optional<double> vector;   // as those of the array
  std::optional<DramEnergy> dram;
  Leakage leakage;
  bool parts_add_up = true;  // false: they are of different nodes, and there is no total

  std::optional<double> dram_total() const {
    return dram ? std::optional(dram->total_pj()) : std::nullopt;
  }
  // With leakage.
  std::optional<double> array_total() const { return sum_of({array, leakage.array}); }
  std::optional<double> total() const {
    if (!parts_add_up) return std::nullopt;
    return sum_of({array, buffers, dram_total(), vector, leakage.total()});
  }
};

struct RunArea {
  std::optional<double> array, buffers, vector;
  bool parts_add_up = true;
  std::optional<double> total() const {
    return parts_add_up ? sum_of({array, buffers, vector}) : std::nullopt;
  }
};

struct RunCost {
  RunEnergy energy_pj;
  RunArea area_um2;
  std::optional<BuffersCost> buffers;  // where the accelerator says what its SRAM is
  std::optional<ArrayFigures> array;   // where it says what its technology is
  std::optional<VectorFigures> vector;
  bool mixed_nodes = false;  // that of the array and that of the SRAM differ
};

// Throws UserError when the table does not have the accelerator's SRAM; it is asked for where there
// is any.
using GetSramTable = std::function<const SramTable&()>;
void require_sram(const Accelerator& accelerator, const GetSramTable& table);

// The array is absent without `array`, the vector unit without `vector`, and everything but the
// array without a memory system. Throws what require_sram() throws.
RunCost run_cost(const Accelerator& accelerator, const RunCounts& counts, double seconds,
                 const GetSramTable& table, std::optional<ArrayFigures> array = std::nullopt,
                 std::optional<VectorFigures> vector = std::nullopt);

}  // namespace bitsmith
