// What a PE takes under the operands of a trace, beside the record of the class that a run of the
// trace is charged as: how well classes stand for operands that none of them was made from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cost/module_characterisation.h"
#include "mapping/trace_operands.h"

namespace bitsmith {

struct GemmEnergy {
  std::string name;
  double macs = 0;
  double pj = 0;  // per `mac` cycle of one PE, leakage apart

  // Of the record; above 0 where it says too much.
  double error(double record_pj) const { return record_pj / pj - 1; }
};

struct TraceEnergy {
  OperandClass operands{};
  double record_pj = 0;
  std::vector<GemmEnergy> gemms;  // those measured, in the trace's order

  // Of all MACs of `gemms`.
  double error() const;
};

// Measures up to `most` of the GEMMs with a k above 1, maybe none. `record` is that of the same PE;
// none where it has no energy of `mac` cycles in that class. `trace` is of pe.array().
std::optional<TraceEnergy> energy_of_trace(const ModuleCharacterisation& pe,
                                           const ModuleRecord& record, const TraceOperands& trace,
                                           std::size_t most, unsigned threads);

}  // namespace bitsmith
