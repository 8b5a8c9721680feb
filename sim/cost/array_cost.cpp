#include "cost/array_cost.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "common/error.h"
#include "cost/memory_cost.h"

namespace bitsmith {
namespace {

using Origin = ModuleFigures::Origin;

// Cycles of one instance, by class.
std::array<double, kPeCycleClasses> cycles_of(const RunCounts& counts, double pes, bool pe) {
  const auto per_pe = [&](std::uint64_t count) { return static_cast<double>(count) / pes; };
  if (pe) {
    return {per_pe(counts.pe_cycles.mac), per_pe(counts.pe_cycles.pad),
            per_pe(counts.pe_cycles.idle), per_pe(counts.pe_cycles.stalled)};
  }
  return {per_pe(counts.pe_cycles.mac + counts.pe_cycles.pad), 0, per_pe(counts.pe_cycles.idle),
          per_pe(counts.pe_cycles.stalled)};
}

// None where a class that occurs has no energy.
std::optional<std::vector<ArrayModule::Use>> uses_of(const ArrayModule& module,
                                                     OperandClass operands, const RunCounts& counts,
                                                     double pes) {
  const ModuleRecord& record = module.figures.record;
  const auto cycles = cycles_of(counts, pes, module.is_pe);
  std::vector<ArrayModule::Use> uses;
  for (std::size_t i = 0; i < kPeCycleClasses; ++i) {
    if (cycles[i] == 0) continue;
    const auto cycle = static_cast<PeCycleClass>(i);
    const auto& energy = record.energies.at(operands, cycle);
    if (!energy) return std::nullopt;
    uses.push_back(
        {cycle, cycles[i] * static_cast<double>(record.cost.instances), dynamic_pj(*energy)});
  }
  return uses;
}

std::string command_for(const Accelerator& accelerator) {
  return fmt::format("`bitsmith synth {} --tech {} --liberty FILE` makes records",
                     accelerator.params.design.empty() ? "DESIGN.yaml" : accelerator.params.design,
                     accelerator.technology.name);
}

void note_missing(const Accelerator& accelerator, const RtlDescription::Module& module,
                  const ModuleFigures& figures, ArrayFigures& array) {
  if (figures.known()) return;
  const bool is_stale = figures.origin == Origin::stale;
  array.notes.push_back(
      fmt::format("technology {} has {} record of {}{}; {}", array.technology,
                  is_stale ? "only a stale" : "no", key_of_module(module.name, module.parameters),
                  is_stale ? ": its RTL or our method has changed" : "", command_for(accelerator)));
}

void add_areas(ArrayFigures& array) {
  if (!std::all_of(array.modules.begin(), array.modules.end(),
                   [](const ArrayModule& module) { return module.figures.known(); })) {
    return;
  }
  double area = 0;
  std::optional<double> leakage = 0, path = 0;
  for (const ArrayModule& module : array.modules) {
    const ModuleCost& cost = module.cost();
    const auto instances = static_cast<double>(cost.instances);
    area += instances * cost.area_um2;
    // An estimate has none.
    if (module.figures.origin == Origin::estimated) path.reset();
    if (path) path = std::max(*path, cost.critical_path_ps);
    if (leakage && cost.leakage_uw) {
      *leakage += instances * *cost.leakage_uw;
    } else {
      leakage.reset();
    }
  }
  array.area_um2 = area;
  array.critical_path_ps = path;
  array.leakage_uw = leakage;
}

// Of the modules that are known: more can only make it longer.
double known_path_ps(const ArrayFigures& array) {
  double path = 0;
  for (const ArrayModule& module : array.modules) {
    if (module.figures.known()) path = std::max(path, module.cost().critical_path_ps);
  }
  return path;
}

ModuleNames module_names(const RtlDescription& rtl) {
  ModuleNames names;
  for (const RtlDescription::Module& module : rtl.modules) names.insert(module.name);
  return names;
}

// Of the slowest of those records of the same module that differ in the fewest parameters: 0 where
// there are none.
double path_of_its_kind_ps(const ModuleFigures& figures, const std::string& rtl_hash,
                           const Technology& technology) {
  const ModuleRecord& wanted = figures.record;
  double path = 0;
  auto fewest = std::numeric_limits<std::size_t>::max();
  for (const auto& [key, record] : technology.by_key()) {
    if (record.cost.name != wanted.cost.name || record.rtl_hash != rtl_hash ||
        record.tools.method != kRecordMethod) {
      continue;
    }
    const std::size_t count = different_parameters(wanted.parameters, record.parameters);
    if (count > fewest) continue;
    path = count < fewest ? record.cost.critical_path_ps
                          : std::max(path, record.cost.critical_path_ps);
    fewest = count;
  }
  return path;
}

void judge_clock(const Accelerator& accelerator, ArrayFigures& array) {
  constexpr double kRounding = 1 + 1e-9;
  const double path_ps = known_path_ps(array);
  const double period_ps = 1000 / accelerator.params.clock_ghz;
  if (accelerator.technology.limit_clock) {
    if (!array.critical_path_ps) {
      array.notes.push_back(fmt::format(
          "clock of {:.4g} GHz: a module without a critical path is taken to be as slow "
          "as those with one that are most like it",
          accelerator.params.clock_ghz));
    }
    return;
  }
  array.overclocked = path_ps > period_ps * kRounding;
  if (!array.overclocked || accelerator.technology.allow_overclock) return;
  throw UserError(fmt::format(
      "accelerator {}: clock_ghz {} is above what the array's critical path of {:.0f} ps allows in "
      "technology {}: at most {:.4g} GHz; lower clock_ghz, or set technology.limit_clock=true or "
      "technology.allow_overclock=true",
      accelerator.name, accelerator.params.clock_ghz, path_ps, array.technology, 1000 / path_ps));
}

void add_energy(const RunCounts& counts, double pes, ArrayFigures& array) {
  double sum = 0;
  bool complete = true;
  for (ArrayModule& module : array.modules) {
    if (!module.figures.known()) {
      complete = false;
      continue;
    }
    auto uses = uses_of(module, array.operands, counts, pes);
    if (!uses) {
      complete = false;
      array.notes.push_back(fmt::format(
          "technology {}: the record of {} has no energies of operands '{}' for all of its cycles",
          array.technology, module.cost().name,
          kOperandClassNames[static_cast<std::size_t>(array.operands)]));
      continue;
    }
    module.uses = std::move(*uses);
    for (const ArrayModule::Use& use : module.uses) sum += use.pj();
  }
  if (complete) array.dynamic_pj = sum;
}

}  // namespace

std::optional<double> ArrayFigures::maximum_clock_ghz() const {
  if (!critical_path_ps || *critical_path_ps <= 0) return std::nullopt;
  return 1000 / *critical_path_ps;
}

bool ArrayFigures::has(ModuleFigures::Origin origin) const {
  return std::any_of(modules.begin(), modules.end(),
                     [&](const ArrayModule& module) { return module.figures.origin == origin; });
}

std::optional<double> limit_clock(Accelerator& accelerator, TechnologyShelf& shelf) {
  if (!accelerator.technology.limit_clock) return std::nullopt;
  const std::optional<ArrayFigures> array = array_figures(accelerator, shelf, nullptr);
  if (!array) return std::nullopt;
  const double wanted_ghz = accelerator.params.clock_ghz;
  double path_ps = known_path_ps(*array);
  if (!array->critical_path_ps) {
    const Technology& technology =
        shelf.technology(accelerator.technology.name, module_names(accelerator.design->rtl()));
    const std::string& hash = shelf.rtl_hash(*accelerator.design);
    for (const ArrayModule& module : array->modules) {
      path_ps = std::max(path_ps, path_of_its_kind_ps(module.figures, hash, technology));
    }
  }
  path_ps = std::ceil(path_ps);
  if (path_ps <= 1000 / wanted_ghz) return std::nullopt;
  accelerator.params.clock_ghz = 1000 / path_ps;
  return wanted_ghz;
}

namespace {

// "" where they can be added.
std::string why_no_memories(const Accelerator& accelerator, const ArrayFigures& array,
                            const RtlDescription::Memory& memory) {
  if (!accelerator.memory || accelerator.memory->sram.device == SramDevice::none) {
    return fmt::format(
        "the array's area and energy are not known: its {} is SRAM, and the accelerator names none "
        "(memory, sram)",
        memory.name);
  }
  if (array.source.node_nm == accelerator.memory->sram.node_nm ||
      accelerator.technology.allow_mixed_nodes) {
    return "";
  }
  return fmt::format(
      "the array's area and energy are not known: its {} is SRAM of another node than its logic; "
      "technology.allow_mixed_nodes=true allows that",
      memory.name);
}

}  // namespace

void add_array_memories(const Accelerator& accelerator, const RunCounts& counts,
                        const SramTable& table, ArrayFigures& array) {
  constexpr double kMicrowattsPerMilliwatt = 1000;
  for (const RtlDescription::Memory& memory : accelerator.design->rtl().memories) {
    if (const std::string why = why_no_memories(accelerator, array, memory); !why.empty()) {
      array.notes.push_back(why);
      array.area_um2 = array.leakage_uw = array.dynamic_pj = std::nullopt;
      return;
    }
    const ArrayMemory added{
        memory,
        table.macro(sram_technology(accelerator.memory->sram), memory.words, memory.bits).figures,
        counts.actions[memory.read_action], counts.actions[memory.write_action]};
    const auto instances = static_cast<double>(memory.instances);
    if (array.area_um2) *array.area_um2 += instances * added.macro.area_um2;
    if (array.leakage_uw) {
      *array.leakage_uw += instances * added.macro.leakage_mw * kMicrowattsPerMilliwatt;
    }
    if (array.dynamic_pj) *array.dynamic_pj += added.pj();
    array.notes.push_back(fmt::format(
        "{} x {} of {} words: figures of SRAM with one port, of which the RTL's has two",
        memory.instances, memory.name, memory.words));
    array.memories.push_back(added);
  }
}

std::optional<ArrayFigures> array_figures(const Accelerator& accelerator, TechnologyShelf& shelf,
                                          const RunCounts* counts, OperandClass operands) {
  if (accelerator.technology.name == "none") return std::nullopt;
  const RtlDescription rtl = accelerator.design->rtl();
  const Technology& technology = shelf.technology(accelerator.technology.name, module_names(rtl));
  const std::string& hash = shelf.rtl_hash(*accelerator.design);
  check(std::any_of(rtl.modules.begin(), rtl.modules.end(),
                    [](const RtlDescription::Module& module) { return module.is_pe; }),
        "a design says which of its modules is the PE");
  ArrayFigures array;
  array.technology = technology.name;
  array.source = technology.source;
  array.operands = operands;
  for (const RtlDescription::Module& module : rtl.modules) {
    ModuleFigures figures = technology.find(module, hash, rtl.sizes);
    if (!figures.known() && accelerator.technology.allow_estimate) {
      figures = shelf.estimate(accelerator.technology.name, *accelerator.design, module);
    }
    note_missing(accelerator, module, figures, array);
    array.modules.push_back({std::move(figures), module.is_pe, {}});
  }
  add_areas(array);
  judge_clock(accelerator, array);
  if (counts != nullptr && counts->pe_cycles.total() > 0) {
    add_energy(*counts, static_cast<double>(accelerator.design->pe_count()), array);
  }
  return array;
}

}  // namespace bitsmith
