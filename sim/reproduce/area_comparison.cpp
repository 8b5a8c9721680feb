#include "reproduce/area_comparison.h"

#include <algorithm>
#include <array>

#include "common/file.h"
#include "config/parameter_table.h"
#include "pe/registry.h"

namespace bitsmith::reproduce {
namespace {

constexpr std::string_view kArea = "area";
constexpr std::string_view kAreaTime = "area x critical path";
constexpr NumberRange kCount{1e-6, 1e6};

struct PartText {
  std::string module;
  double count = 1;
};

ParameterTable<PartText> part_table() {
  using T = PartText;
  ParameterTable<T> t;
  t.text("module", &T::module, "its name").required();
  t.number("count", &T::count, kCount, "", "instances in a unit, a share of one below 1");
  return t;
}

struct ComparisonText {
  std::string table;
  std::string row;
  std::string unit;
  std::string over;
  std::string quantity{kArea};
  std::string note;
  double work = 1;
  double claim = 0;
};

ParameterTable<ComparisonText> comparison_table() {
  using T = ComparisonText;
  ParameterTable<T> t;
  t.text("table", &T::table, "heading").required();
  t.text("row", &T::row, "what is compared").required();
  t.text("unit", &T::unit, "one of the units").required();
  t.text("over", &T::over, "the unit it is compared with").required();
  t.text("quantity", &T::quantity, "what the claim is a ratio of");
  t.text("note", &T::note, "what both stand for, and why they differ").required();
  t.number("work", &T::work, kCount, "", "of a unit per cycle, the other's is 1");
  t.number("claim", &T::claim, {0, 1000}, "ratio", "0: none is published");
  return t;
}

class Reader {
 public:
  Reader(const YamlNode& root, Diagnostics& diagnostics) : root_(root), diagnostics_(diagnostics) {}

  AreaComparisons read() {
    struct Scalars {
      std::string source;
    };
    ParameterTable<Scalars> table;
    table.text("source", &Scalars::source, "where the claims are published").required();
    result_.source = table.read(root_, diagnostics_, {"units", "comparisons"}).source;
    if (const YamlNode* units = child(root_, "units", YamlNode::Kind::map)) {
      for (const YamlEntry& entry : units->entries) result_.units.push_back(unit(entry));
    }
    if (const YamlNode* comparisons = child(root_, "comparisons", YamlNode::Kind::sequence)) {
      for (const YamlNode& item : comparisons->items) add_comparison(item);
    }
    return std::move(result_);
  }

 private:
  // Null, and a mistake, when it is not there or of another kind.
  const YamlNode* child(const YamlNode& parent, std::string_view key, YamlNode::Kind kind) {
    const YamlNode* node = parent.find(key);
    if (node != nullptr && node->kind == kind) return node;
    const char* expected = kind == YamlNode::Kind::map ? "a map" : "a sequence";
    diagnostics_.add(node == nullptr ? parent.where : node->where,
                     fmt::format("'{}': expected {}, found {}", key, expected,
                                 node == nullptr ? "nothing" : yaml::describe(*node)));
    return nullptr;
  }

  AreaUnit unit(const YamlEntry& entry) {
    AreaUnit unit;
    unit.name = entry.key;
    const YamlNode& map = entry.value;
    for (const YamlEntry& field : map.entries) {
      if (field.key != "design" && field.key != "sources" && field.key != "modules") {
        diagnostics_.add(
            field.key_where,
            fmt::format("unknown key '{}'; allowed: design, sources, modules", field.key));
      }
    }
    std::vector<std::filesystem::path> sources;
    if (map.find("design") != nullptr) {
      const YamlNode* node = child(map, "design", YamlNode::Kind::map);
      if (node != nullptr) unit.design = read_design(*node, diagnostics_);
      if (unit.design == nullptr) return unit;
    } else if (const YamlNode* node = child(map, "sources", YamlNode::Kind::sequence)) {
      for (const YamlNode& source : node->items) {
        sources.push_back(home_folder() / "rtl" / source.scalar);
        if (std::filesystem::exists(sources.back())) continue;
        diagnostics_.add(source.where, fmt::format("there is no rtl/{}", source.scalar));
      }
    }
    if (const YamlNode* modules = child(map, "modules", YamlNode::Kind::sequence)) {
      for (const YamlNode& item : modules->items) {
        unit.parts.push_back(part(item, unit.design.get(), sources));
      }
    }
    return unit;
  }

  AreaUnit::Part part(const YamlNode& node, const Design* design,
                      const std::vector<std::filesystem::path>& sources) {
    const PartText text = part_table().read(node, diagnostics_, {"parameters"});
    AreaUnit::Part part{{sources, text.module, {}}, text.count, false};
    if (design != nullptr) {
      const RtlDescription rtl = design->rtl();
      part.module = rtl_module(*design, {text.module, 1, {}});
      const auto found = std::find_if(rtl.modules.begin(), rtl.modules.end(),
                                      [&](const auto& m) { return m.name == text.module; });
      if (found != rtl.modules.end()) {
        part.module.parameters = found->parameters;
        part.is_pe = found->is_pe && node.find("parameters") == nullptr;
      } else if (node.find("parameters") == nullptr) {
        diagnostics_.add(node.where, fmt::format("design '{}' says no parameters of module '{}': "
                                                 "'parameters' is needed",
                                                 design->id(), text.module));
      }
    }
    if (node.find("parameters") != nullptr) read_parameters(node, part.module);
    std::sort(part.module.parameters.begin(), part.module.parameters.end());
    return part;
  }

  void read_parameters(const YamlNode& node, RtlModule& module) {
    const YamlNode* map = child(node, "parameters", YamlNode::Kind::map);
    if (map == nullptr) return;
    for (const YamlEntry& entry : map->entries) {
      const auto value = read_integer(entry.value, entry.key, {0, 1 << 20}, diagnostics_);
      const auto same = std::find_if(module.parameters.begin(), module.parameters.end(),
                                     [&](const auto& p) { return p.first == entry.key; });
      if (same != module.parameters.end()) {
        same->second = value.value_or(0);
      } else {
        module.parameters.emplace_back(entry.key, value.value_or(0));
      }
    }
  }

  void add_comparison(const YamlNode& node) {
    const std::size_t mistakes_before = diagnostics_.size();
    const ComparisonText text = comparison_table().read(node, diagnostics_);
    if (diagnostics_.size() > mistakes_before) return;
    result_.comparisons.push_back({text.table, text.row, index(text.unit, node.find("unit")->where),
                                   index(text.over, node.find("over")->where), text.work,
                                   text.claim == 0 ? std::nullopt : std::optional(text.claim),
                                   text.quantity, text.note});
    if (energy_quantity(text.quantity)) require_energy(node, result_.comparisons.back());
  }

  void require_energy(const YamlNode& node, const AreaComparison& comparison) {
    for (const std::size_t index : {comparison.unit, comparison.over}) {
      if (index >= result_.units.size()) continue;
      const AreaUnit& unit = result_.units[index];
      const bool has_pe = std::any_of(unit.parts.begin(), unit.parts.end(),
                                      [](const AreaUnit::Part& part) { return part.is_pe; });
      if (has_pe) continue;
      diagnostics_.add(node.find("quantity")->where,
                       fmt::format("'{}' is of units with PEs of a design: '{}' has none",
                                   comparison.quantity, unit.name));
    }
    if (const YamlNode* work = node.find("work")) {
      diagnostics_.add(work->where, fmt::format("'work': not with '{}', designs say theirs",
                                                comparison.quantity));
    }
  }

  std::size_t index(std::string_view name, const Location& where) {
    std::vector<std::string_view> names;
    for (const AreaUnit& unit : result_.units) names.push_back(unit.name);
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    diagnostics_.add(where, unknown_word("unit", name, names));
    return 0;
  }

  const YamlNode& root_;
  Diagnostics& diagnostics_;
  AreaComparisons result_;
};

constexpr std::array<std::pair<std::string_view, EnergyQuantity>, 3> kEnergyQuantities = {
    {{"energy per MAC", EnergyQuantity::per_mac},
     {"power", EnergyQuantity::power},
     {"area x power", EnergyQuantity::area_power}}};

bool is_same(const RtlModule& a, const RtlModule& b) {
  return a.name == b.name && a.parameters == b.parameters;
}

// Of a unit, from the records of its modules.
struct UnitCost {
  double area_um2 = 0;
  double critical_path_ps = 0;
  bool stale = false;
};

// Nothing if a record is missing.
std::optional<UnitCost> cost_of(const AreaUnit& unit, const SynthesisRecords& records,
                                std::string_view library) {
  UnitCost cost;
  for (const AreaUnit::Part& part : unit.parts) {
    const SynthesisRecord* record = records.find(part.module, library);
    if (record == nullptr) return std::nullopt;
    cost.area_um2 += part.count * record->area_um2;
    cost.critical_path_ps = std::max(cost.critical_path_ps, record->critical_path_ps);
    cost.stale = cost.stale || record->rtl_hash != hash_of_rtl(part.module);
  }
  return cost;
}

bool is_measured(const AreaComparison& comparison) {
  return comparison.quantity == kArea || comparison.quantity == kAreaTime;
}

CostRow row_of(const AreaComparisons& all, const AreaComparison& comparison,
               const SynthesisRecords& records, std::string_view library) {
  CostRow row = claim_of(comparison);
  if (!is_measured(comparison)) return row;
  const auto unit = cost_of(all.units[comparison.unit], records, library);
  const auto over = cost_of(all.units[comparison.over], records, library);
  row.missing = !unit || !over;
  if (row.missing) return row;
  row.stale = unit->stale || over->stale;
  row.ours = unit->area_um2 / over->area_um2 / comparison.work;
  if (comparison.quantity == kAreaTime)
    *row.ours *= unit->critical_path_ps / over->critical_path_ps;
  row.measured = fmt::format("{:.5g} um2, {:.0f} ps against {:.5g} um2, {:.0f} ps", unit->area_um2,
                             unit->critical_path_ps, over->area_um2, over->critical_path_ps);
  return row;
}

}  // namespace

CostRow claim_of(const AreaComparison& comparison) {
  CostRow row;
  row.table = comparison.table;
  row.row = comparison.row;
  row.claim = comparison.claim;
  row.unit = fmt::format("ratio of {}", comparison.quantity);
  row.note = comparison.note;
  return row;
}

std::vector<RtlModule> AreaComparisons::modules() const {
  std::vector<RtlModule> result;
  for (const AreaUnit& unit : units) {
    for (const AreaUnit::Part& part : unit.parts) {
      const bool is_new = std::none_of(result.begin(), result.end(), [&](const RtlModule& other) {
        return is_same(other, part.module);
      });
      if (is_new) result.push_back(part.module);
    }
  }
  return result;
}

std::optional<EnergyQuantity> energy_quantity(std::string_view quantity) {
  for (const auto& [name, energy] : kEnergyQuantities) {
    if (name == quantity) return energy;
  }
  return std::nullopt;
}

AreaComparisons read_area_comparisons(const YamlNode& root, Diagnostics& diagnostics) {
  return Reader(root, diagnostics).read();
}

AreaComparisons load_area_comparisons(std::string_view paper) {
  Diagnostics diagnostics;
  const YamlNode root =
      yaml::read(home_folder() / fmt::format("configs/papers/{}_area.yaml", paper), diagnostics);
  AreaComparisons comparisons = read_area_comparisons(root, diagnostics);
  diagnostics.throw_if_any();
  return comparisons;
}

std::filesystem::path area_records_file(std::string_view paper) {
  return home_folder() / fmt::format("configs/papers/{}_synthesis.json", paper);
}

std::vector<CostRow> area_rows(const AreaComparisons& comparisons, const SynthesisRecords& records,
                               std::string_view command) {
  std::vector<CostRow> rows;
  for (const AreaComparison& comparison : comparisons.comparisons) {
    if (energy_quantity(comparison.quantity)) continue;
    for (const std::string& library : records.libraries()) {
      // A claim beside which ours is not known stands once.
      if (!is_measured(comparison) && library != kDefaultLibrary) continue;
      rows.push_back(row_of(comparisons, comparison, records, library));
      settle(rows.back(), library, command);
    }
  }
  return rows;
}

}  // namespace bitsmith::reproduce
