// Area and energy of the vector unit in a run: the record of one lane times how many there are and
// what they did.
//
// Every operation is charged as an FP32 multiply_add of normal operands with an addend of its own,
// the dearest that a lane does, and every other cycle of a lane as idle: an upper bound, for a
// pass is often less. Not in a lane, and so in no figure: conversions, exponentials, roots and
// quotients.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cost/array_cost.h"

namespace bitsmith {

// What a technology needs a record of for any vector unit.
RtlDescription::Module vector_lane();

struct VectorFigures {
  ArrayModule lane;  // its instances are the lanes; uses: mac, an operation, and idle
  std::optional<double> area_um2;
  std::optional<double> leakage_uw;
  std::optional<double> dynamic_pj;  // switching, clock and registers; none without counts
  bool overclocked = false;          // the clock is faster than a lane of two stages
  std::vector<std::string> notes;    // what is missing, and what makes it
};

// Of an accelerator that names a technology and has a vector unit (memory not none), else none.
std::optional<VectorFigures> vector_figures(const Accelerator& accelerator, TechnologyShelf& shelf,
                                            const RunCounts* counts);

}  // namespace bitsmith
