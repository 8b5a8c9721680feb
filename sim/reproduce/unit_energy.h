// Energy of a unit of hardware at work, some modules of a design, from the records of a technology
// (cost/technology.h).
//
// Per cycle it is the sum over these modules of instances x pJ of a cycle of class `mac` under
// operands `llm`: switching, clock and registers; leakage is power, and takes the period of a
// clock. Products per cycle are those of the design's PEs at full rate
// (Design::peak_macs_per_cycle), so a PE that takes several cycles for a product, or does several
// in one, says so itself. What is not known is absent, with the reason.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cost/technology.h"
#include "pe/design.h"

namespace bitsmith::reproduce {

struct CountedModule {
  RtlDescription::Module module;  // as the design has it; its instances do not matter
  double count = 1;               // in the unit, a share of one below 1
};

struct UnitEnergy {
  double dynamic_pj = 0;  // of a cycle
  double leakage_uw = 0;
  double area_um2 = 0;
  double period_ps = 0;  // the shortest that all its gates were measured at
  double macs_per_cycle = 0;
  std::vector<std::string> remarks;  // what was not measured at its size

  double leakage_pj(double at_period_ps) const { return leakage_uw * at_period_ps * 1e-6; }
};

struct UnitAnswer {
  std::optional<UnitEnergy> energy;
  std::vector<std::string> reasons;  // why there is none, and what changes that
  bool stale = false;                // there are records, of other RTL than the tree's
};

// PEs are the modules with `is_pe`; without one there is no product per cycle.
UnitAnswer unit_energy(const Design& design, const std::vector<CountedModule>& modules,
                       const Technology& technology);

// Of two units at one clock, the shortest period that both were measured at.
enum class EnergyQuantity {
  per_mac,     // energy of a product
  power,       // of a cycle of each
  area_power,  // that times their areas
};
struct EnergyRatio {
  std::optional<double> value;       // of the first over the second
  std::string measured;              // what it is a ratio of; "" without a value
  std::vector<std::string> remarks;  // why there is none, or what was not measured
  bool stale = false;
};
EnergyRatio energy_ratio(EnergyQuantity quantity, const UnitAnswer& unit, const UnitAnswer& over);

// A remark where there is none at all.
inline constexpr std::string_view kNoTechnology = "there is no technology in configs/tech";
// Those of configs/tech, with what users' caches add to them.
std::vector<Technology> all_technologies();

}  // namespace bitsmith::reproduce
