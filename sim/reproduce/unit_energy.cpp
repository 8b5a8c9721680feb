#include "reproduce/unit_energy.h"

#include <algorithm>

#include "common/file.h"
#include "cost/size_fit.h"
#include "pe/registry.h"

namespace bitsmith::reproduce {
namespace {

using Origin = ModuleFigures::Origin;

// A shipped design file that has such a module, be it at another size; "" when none has.
std::string file_with(const RtlDescription::Module& module,
                      const std::vector<RtlDescription::Size>& sizes) {
  namespace fs = std::filesystem;
  const fs::path home = home_folder();
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(home / "configs/designs")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  const SizedModule wanted(module.parameters, sizes);
  const auto is_wanted = [&](const RtlDescription::Module& other) {
    return other.name == module.name && (key_of_module(other.name, other.parameters) ==
                                             key_of_module(module.name, module.parameters) ||
                                         wanted.is_alike(other.parameters));
  };
  for (const fs::path& file : files) {
    Diagnostics ignored;  // a mistake in a file is told to who uses it
    const auto design = read_design(yaml::read(file, ignored), ignored);
    if (design == nullptr) continue;
    const auto modules = design->rtl().modules;
    if (std::any_of(modules.begin(), modules.end(), is_wanted)) {
      return fs::relative(file, home).string();
    }
  }
  return "";
}

std::string command_for(const Technology& technology, const RtlDescription::Module& module,
                        const std::vector<RtlDescription::Size>& sizes) {
  const std::string file = file_with(module, sizes);
  return fmt::format("`scripts/bitsmith synth {} --tech {} --liberty FILE` makes it",
                     file.empty() ? "DESIGN.yaml" : file, technology.name);
}

std::string percent(std::optional<double> error) {
  return error ? fmt::format("{:.1f}%", 100 * *error) : "an unknown error";
}

// Adds what the figures of a module say to its unit's.
class Sum {
 public:
  Sum(const Technology& technology, const std::vector<RtlDescription::Size>& sizes)
      : technology_(technology), sizes_(sizes) {}

  void add(const CountedModule& counted, const ModuleFigures& figures) {
    const RtlDescription::Module& module = counted.module;
    if (!figures.known()) {
      answer_.stale = answer_.stale || figures.origin == Origin::stale;
      lacks(module, figures,
            figures.origin == Origin::stale ? "has only a record of other RTL" : "has no record");
      return;
    }
    const auto& energy = figures.record.energies.at(OperandClass::llm, PeCycleClass::mac);
    const auto& leakage = figures.record.cost.leakage_uw;
    if (!energy) return lacks(module, figures, "has no energy of a cycle at work");
    if (!leakage) return lacks(module, figures, "has no leakage");
    unit_.dynamic_pj += counted.count * dynamic_pj(*energy);
    unit_.leakage_uw += counted.count * *leakage;
    unit_.area_um2 += counted.count * figures.record.cost.area_um2;
    unit_.period_ps = std::max(unit_.period_ps, figures.record.energy_period_ps);
    if (figures.origin == Origin::measured) return;
    unit_.remarks.push_back(fmt::format(
        "{}: {} {} from smaller sizes, the energy of the largest of which is met within {}",
        technology_.name, name_of(module),
        figures.origin == Origin::extrapolated ? "extrapolated" : "interpolated",
        percent(figures.held_out.energy)));
  }

  UnitAnswer answer(double macs_per_cycle) {
    if (answer_.reasons.empty()) {
      unit_.macs_per_cycle = macs_per_cycle;
      answer_.energy = std::move(unit_);
    }
    return std::move(answer_);
  }

 private:
  static std::string name_of(const RtlDescription::Module& module) {
    return key_of_module(module.name, module.parameters);
  }

  void lacks(const RtlDescription::Module& module, const ModuleFigures& figures,
             std::string_view what) {
    std::string reason = fmt::format("{} {} of {}; {}", technology_.name, what, name_of(module),
                                     command_for(technology_, module, sizes_));
    for (const std::string& note : figures.notes) reason += "; " + note;
    answer_.reasons.push_back(std::move(reason));
  }

  const Technology& technology_;
  const std::vector<RtlDescription::Size>& sizes_;
  UnitAnswer answer_;
  UnitEnergy unit_;
};

double per_cycle_pj(const UnitEnergy& unit, double period_ps) {
  return unit.dynamic_pj + unit.leakage_pj(period_ps);
}

void add_new(std::vector<std::string>& all, const std::vector<std::string>& more) {
  for (const std::string& text : more) {
    if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(text);
  }
}

}  // namespace

UnitAnswer unit_energy(const Design& design, const std::vector<CountedModule>& modules,
                       const Technology& technology) {
  const RtlDescription rtl = design.rtl();
  const std::string& hash = shipped_technologies().rtl_hash(design);
  Sum sum(technology, rtl.sizes);
  double pes = 0;
  for (const CountedModule& counted : modules) {
    sum.add(counted, technology.find(counted.module, hash, rtl.sizes));
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
