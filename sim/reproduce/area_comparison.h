// Areas and energies of units of hardware beside each other, as papers compare them: a file below
// configs/papers says what the units are in our RTL, what is compared with what, and what is
// claimed; records of synthesis (synthesis_records.h) give our areas, in every library that they
// are of, those of technologies our energies (energy_comparison.h).
//
//   source: where the claims are published
//   units:
//     NAME:
//       design: {...}       a design file's map; its sources, and its parameters of modules
//       modules: [{module: NAME, count: 1, parameters: {...}}, ...]
//   comparisons:
//     - {table: , row: , unit: , over: , work: 1, claim: , note: }
//
// A unit without `design` names its `sources`, below rtl/. `work` is how much of the other unit's
// work a unit does in a cycle, so ours is area of `unit` / area of `over` / work; with the quantity
// "area x critical path" times the ratio of those, each unit being at its own shortest period. The
// quantities "power", "area x power" and "energy per MAC" are of units with PEs of a design, which
// says itself how much it does in a cycle: no `work`. A comparison of another `quantity` is a claim
// beside which ours is not known: `note` says why.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"
#include "reproduce/cost_row.h"
#include "reproduce/synthesis_records.h"
#include "reproduce/unit_energy.h"

namespace bitsmith::reproduce {

struct AreaUnit {
  struct Part {
    RtlModule module;
    double count = 1;
    bool is_pe = false;  // the very PE of the design
  };
  std::string name;
  std::vector<Part> parts;
  std::shared_ptr<const Design> design = nullptr;  // null: of sources alone
};

struct AreaComparison {
  std::string table;
  std::string row;
  std::size_t unit = 0;
  std::size_t over = 0;
  double work = 1;
  std::optional<double> claim;
  std::string quantity;  // "area" by default
  std::string note;
};

struct AreaComparisons {
  std::string source;
  std::vector<AreaUnit> units;
  std::vector<AreaComparison> comparisons;

  // Every module of every unit, once.
  std::vector<RtlModule> modules() const;
};

// None: a quantity of areas, or one of which there is only a claim.
std::optional<EnergyQuantity> energy_quantity(std::string_view quantity);

// Meaningful only if nothing was added to `diagnostics`.
AreaComparisons read_area_comparisons(const YamlNode& root, Diagnostics& diagnostics);

// The shipped ones of a paper ("bitmod", "mixpe"): configs/papers/<paper>_area.yaml, and its
// records.
AreaComparisons load_area_comparisons(std::string_view paper);
std::filesystem::path area_records_file(std::string_view paper);

// The row of a comparison without ours.
CostRow claim_of(const AreaComparison& comparison);

// Of areas and of claims alone. Those of the default library first, then of every other one there
// are records of; `command` makes the records.
std::vector<CostRow> area_rows(const AreaComparisons& comparisons, const SynthesisRecords& records,
                               std::string_view command);

}  // namespace bitsmith::reproduce
