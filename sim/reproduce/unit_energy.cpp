#include "reproduce/unit_energy.h"

#include <algorithm>
#include <compare>
#include <map>

#include "common/file.h"
#include "cost/size_fit.h"
#include "pe/registry.h"

namespace bitsmith::reproduce {
namespace {

using Origin = ModuleFigures::Origin;

bool has_module(const Design& design, const RtlDescription::Module& module,
                const SizedModule& sized) {
  const auto modules = design.rtl().modules;
  return std::any_of(modules.begin(), modules.end(), [&](const auto& other) {
    const bool is_same = key_of_module(other.name, other.parameters) ==
                         key_of_module(module.name, module.parameters);
    return is_same || (other.name == module.name && sized.is_alike(other.parameters));
  });
}

bool has_same_formats(const Design& a, const Design& b) {
  return &a.activation_format() == &b.activation_format() &&
         &a.weight_format() == &b.weight_format();
}

// A shipped design file whose design has all these modules, be it at other sizes, and the formats
// of `design` where there is one: some modules are the same in several. "" when none has them.
std::string file_with(const Design& design, const std::vector<RtlDescription::Module>& modules) {
  namespace fs = std::filesystem;
  const fs::path home = home_folder();
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(home / "configs/designs")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  const auto sizes = design.rtl().sizes;
  std::string found;
  for (const fs::path& file : files) {
    Diagnostics ignored;  // a mistake in a file is told to who uses it
    const auto other = read_design(yaml::read(file, ignored), ignored);
    const bool has_all =
        other != nullptr && std::all_of(modules.begin(), modules.end(), [&](const auto& m) {
          return has_module(*other, m, SizedModule(m.parameters, sizes));
        });
    if (!has_all) continue;
    const std::string name = file.lexically_relative(home).string();
    if (has_same_formats(*other, design)) return name;
    if (found.empty()) found = name;
  }
  return found;
}

std::string percent(std::optional<double> error) {
  return error ? fmt::format("{:.1f}%", 100 * *error) : "an unknown error";
}

void add_new(std::vector<std::string>& all, const std::vector<std::string>& more) {
  for (const std::string& text : more) {
    if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(text);
  }
}

// Adds what the figures of modules say to their unit's.
class Sum {
 public:
  Sum(const Design& design, const Technology& technology)
      : design_(design), technology_(technology) {}

  void add(const CountedModule& counted, const ModuleFigures& figures) {
    if (const auto lack = lack_of(figures)) {
      is_stale_ = is_stale_ || figures.origin == Origin::stale;
      return lacking_[*lack].push_back(counted.module);
    }
    const ModuleRecord& record = figures.record;
    unit_.dynamic_pj +=
        counted.count * dynamic_pj(*record.energies.at(OperandClass::llm, PeCycleClass::mac));
    unit_.leakage_uw += counted.count * *record.cost.leakage_uw;
    unit_.area_um2 += counted.count * record.cost.area_um2;
    unit_.period_ps = std::max(unit_.period_ps, record.energy_period_ps);
    if (figures.other_operands) {
      unit_.remarks.push_back(fmt::format(
          "{}: energy of {} under operands {}", technology_.name,
          key_of_module(counted.module.name, counted.module.parameters), record.operands));
    }
    if (figures.origin == Origin::measured) return;
    unit_.remarks.push_back(fmt::format(
        "{}: {} {} from smaller sizes, the energy of the largest of which is met within {}",
        technology_.name, key_of_module(counted.module.name, counted.module.parameters),
        figures.origin == Origin::extrapolated ? "extrapolated" : "interpolated",
        percent(figures.held_out.energy)));
  }

  UnitAnswer answer(double macs_per_cycle) {
    UnitAnswer answer;
    answer.stale = is_stale_;
    for (const auto& [lack, modules] : lacking_) {
      answer.reasons.push_back(reason(lack, modules));
    }
    if (!answer.reasons.empty()) {
      return answer;
    }
    unit_.macs_per_cycle = macs_per_cycle;
    answer.energy = std::move(unit_);
    return answer;
  }

 private:
  struct Lack {
    std::string_view what;
    bool is_made;  // by synthesis of a design that has the module
    auto operator<=>(const Lack&) const = default;
  };

  static std::optional<Lack> lack_of(const ModuleFigures& figures) {
    if (figures.origin == Origin::stale) {
      return Lack{"record of the RTL in the tree, only of other RTL or method,", true};
    }
    if (!figures.known()) return Lack{"record", true};
    if (!figures.record.energies.at(OperandClass::llm, PeCycleClass::mac)) {
      return Lack{"energy of a cycle at work", figures.origin == Origin::measured};
    }
    if (!figures.record.cost.leakage_uw) return Lack{"leakage", false};
    return std::nullopt;
  }

  // A file says which modules are meant, otherwise their parameters do.
  std::string reason(const Lack& lack, const std::vector<RtlDescription::Module>& modules) const {
    const std::string file = lack.is_made ? file_with(design_, modules) : "";
    std::vector<std::string> names;
    for (const RtlDescription::Module& module : modules) {
      add_new(names, {file.empty() ? key_of_module(module.name, module.parameters) : module.name});
    }
    std::string text =
        fmt::format("{} has no {} of {}", technology_.name, lack.what, fmt::join(names, ", "));
    if (!file.empty()) {
      text += fmt::format(", which `scripts/bitsmith synth {} --tech {} --liberty FILE` makes",
                          file, technology_.name);
    } else if (lack.is_made) {
      text += ", of which there is no shipped design file";
    }
    return text;
  }

  const Design& design_;
  const Technology& technology_;
  UnitEnergy unit_;
  std::map<Lack, std::vector<RtlDescription::Module>> lacking_;
  bool is_stale_ = false;
};

double per_cycle_pj(const UnitEnergy& unit, double period_ps) {
  return unit.dynamic_pj + unit.leakage_pj(period_ps);
}

}  // namespace

UnitAnswer unit_energy(const Design& design, const std::vector<CountedModule>& modules,
                       const Technology& technology) {
  const RtlDescription rtl = design.rtl();
  const std::string& hash = shipped_technologies().rtl_hash(design);
  Sum sum(design, technology);
  double pes = 0;
  for (const CountedModule& counted : modules) {
    RtlDescription::Module module = counted.module;
    module.operands = rtl.modules.front().operands;
    sum.add(counted, technology.find(module, hash, rtl.sizes));
    if (counted.module.is_pe) pes += counted.count;
  }
  check(pes > 0, "a unit without PEs makes no products");
  return sum.answer(pes * static_cast<double>(design.peak_macs_per_cycle()) /
                    static_cast<double>(design.pe_count()));
}

EnergyRatio energy_ratio(EnergyQuantity quantity, const UnitAnswer& unit, const UnitAnswer& over) {
  EnergyRatio ratio;
  ratio.stale = unit.stale || over.stale;
  add_new(ratio.remarks, unit.reasons);
  add_new(ratio.remarks, over.reasons);
  if (!unit.energy || !over.energy) return ratio;
  const UnitEnergy& a = *unit.energy;
  const UnitEnergy& b = *over.energy;
  add_new(ratio.remarks, a.remarks);
  add_new(ratio.remarks, b.remarks);
  const double period_ps = std::max(a.period_ps, b.period_ps);
  const bool per_mac = quantity == EnergyQuantity::per_mac;
  const auto text = [&](const UnitEnergy& of) {
    const double divisor = per_mac ? of.macs_per_cycle : 1;
    return fmt::format("{:.4g} + {:.2g} pJ", of.dynamic_pj / divisor,
                       of.leakage_pj(period_ps) / divisor);
  };
  ratio.value = per_cycle_pj(a, period_ps) / per_cycle_pj(b, period_ps);
  if (per_mac) *ratio.value *= b.macs_per_cycle / a.macs_per_cycle;
  if (quantity == EnergyQuantity::area_power) *ratio.value *= a.area_um2 / b.area_um2;
  ratio.measured = fmt::format("{} against {} per {}, {:.0f} ps", text(a), text(b),
                               per_mac ? "MAC" : "cycle", period_ps);
  if (quantity == EnergyQuantity::area_power) {
    ratio.measured += fmt::format("; {:.5g} against {:.5g} um2", a.area_um2, b.area_um2);
  }
  return ratio;
}

std::vector<Technology> all_technologies() {
  std::vector<Technology> technologies;
  for (const std::string& name : technology_names()) {
    technologies.push_back(shipped_technologies().technology(name));
  }
  return technologies;
}

}  // namespace bitsmith::reproduce
