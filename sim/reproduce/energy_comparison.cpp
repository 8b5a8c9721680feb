#include "reproduce/energy_comparison.h"

#include "common/error.h"

namespace bitsmith::reproduce {
UnitAnswer unit_energy(const AreaUnit& unit, const Technology& technology) {
  check(unit.design != nullptr, "a unit whose energy is compared is of a design");
  std::vector<CountedModule> modules;
  for (const AreaUnit::Part& part : unit.parts) {
    modules.push_back({{part.module.name, 1, part.module.parameters, part.is_pe}, part.count});
  }
  return unit_energy(*unit.design, modules, technology);
}

std::vector<CostRow> energy_rows(const AreaComparisons& comparisons,
                                 const std::vector<Technology>& technologies) {
  std::vector<CostRow> rows;
  for (const AreaComparison& comparison : comparisons.comparisons) {
    const auto quantity = energy_quantity(comparison.quantity);
    if (!quantity) continue;
    if (technologies.empty()) {
      rows.push_back(claim_of(comparison));
      rows.back().missing = true;
      rows.back().remarks = {std::string(kNoTechnology)};
    }
    for (const Technology& technology : technologies) {
      EnergyRatio ratio =
          energy_ratio(*quantity, unit_energy(comparisons.units[comparison.unit], technology),
                       unit_energy(comparisons.units[comparison.over], technology));
      CostRow row = claim_of(comparison);
      row.technology = technology.source.library;
      row.ours = ratio.value;
      row.measured = std::move(ratio.measured);
      row.remarks = std::move(ratio.remarks);
      row.stale = ratio.stale;
      row.missing = !ratio.value;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace bitsmith::reproduce
