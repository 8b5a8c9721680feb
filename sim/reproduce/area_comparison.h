// Areas of units of hardware beside each other, as papers compare them: a file below configs/papers
// says what the units are in our RTL, what is compared with what, and what is claimed; records of
// synthesis (synthesis_records.h) give ours, in every library that they are of.
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
// "area x critical path" times the ratio of those, each unit being at its own shortest period. A
// comparison of another `quantity` is a claim beside which ours is not known: `note` says why.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"
#include "reproduce/area_row.h"
#include "reproduce/synthesis_records.h"

namespace bitsmith::reproduce {

struct AreaUnit {
  struct Part {
    RtlModule module;
    double count = 1;
  };
  std::string name;
  std::vector<Part> parts;
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

// Meaningful only if nothing was added to `diagnostics`.
AreaComparisons read_area_comparisons(const YamlNode& root, Diagnostics& diagnostics);

// The shipped ones of a paper ("bitmod", "mixpe"): configs/papers/<paper>_area.yaml, and its
// records.
AreaComparisons load_area_comparisons(std::string_view paper);
std::filesystem::path area_records_file(std::string_view paper);

// Those of the default library first, then of every other one there are records of; `command` makes
// the records.
std::vector<AreaRow> area_rows(const AreaComparisons& comparisons, const SynthesisRecords& records,
                               std::string_view command);

}  // namespace bitsmith::reproduce
