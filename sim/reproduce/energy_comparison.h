// The comparisons of energy in a file of a paper (area_comparison.h): what is claimed beside what
// the records of every technology say (unit_energy.h).
#pragma once

#include <vector>

#include "reproduce/area_comparison.h"
#include "reproduce/unit_energy.h"

namespace bitsmith::reproduce {

// The unit is of a design.
UnitAnswer unit_energy(const AreaUnit& unit, const Technology& technology);

// A row per comparison and technology; one without ours where there is no technology.
std::vector<CostRow> energy_rows(const AreaComparisons& comparisons,
                                 const std::vector<Technology>& technologies);

}  // namespace bitsmith::reproduce
