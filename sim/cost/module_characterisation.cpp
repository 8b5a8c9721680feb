#include "cost/module_characterisation.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "config/yaml.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

// Large enough for PEs that have neighbours on all sides and that short tiles pad.
constexpr std::uint32_t kSmallSide = 4;
// Gates times cycles that are simulated for `mac` in a second or two; few cycles of a large module
// average over as much as many of a small one.
constexpr std::uint64_t kGateCycles = 500'000;
constexpr std::uint64_t kLongestJob = 256;
constexpr std::uint64_t kShortestJob = 64;

std::unique_ptr<const Design> design_from(const nlohmann::ordered_json& resolved) {
  Diagnostics diagnostics;
  // JSON is YAML.
  const YamlNode root = yaml::parse(resolved.dump(), "a small array", diagnostics);
  return read_design(root, diagnostics);
}

bool has_module(const Design& design, const RtlDescription::Module& module) {
  const RtlDescription rtl = design.rtl();
  return std::any_of(rtl.modules.begin(), rtl.modules.end(), [&](const auto& other) {
    return other.name == module.name && other.parameters == module.parameters;
  });
}

// The design with sides that suit, but with just this module; null where it is so already.
std::unique_ptr<const Design> small_array(const Design& design,
                                          const RtlDescription::Module& module) {
  nlohmann::ordered_json smallest = design.resolved();
  std::unique_ptr<const Design> found;
  for (const char* side : {"rows", "cols", "m", "n", "unit_rows", "unit_cols"}) {
    if (!smallest.contains(side) || smallest.at(side) == kSmallSide) continue;
    nlohmann::ordered_json candidate = smallest;
    candidate[side] = kSmallSide;
    std::unique_ptr<const Design> array = design_from(candidate);
    if (!array || !has_module(*array, module)) continue;
    smallest = candidate;
    found = std::move(array);
  }
  return found;
}

// The mean over `part` of the cycles of `whole` when the others took `rest` each.
double without(double whole, double rest, double part) {
  return (whole - (1 - part) * rest) / part;
}

EnergyRecord without_idle(const EnergyRecord& whole, const EnergyRecord& idle, double part) {
  EnergyRecord record = whole;
  record.cycles = static_cast<std::uint64_t>(static_cast<double>(whole.cycles) * part + 0.5);
  record.toggles_per_net = without(whole.toggles_per_net, idle.toggles_per_net, part);
  record.switching_pj = without(whole.switching_pj, idle.switching_pj, part);
  record.internal_pj = without(whole.internal_pj, idle.internal_pj, part);
  record.clock_and_registers_pj =
      without(whole.clock_and_registers_pj, idle.clock_and_registers_pj, part);
  return record;
}

ModuleEnergy mapped(const Design& design, const RtlDescription::Module& module,
                    const SynthesisOptions& options, const LibertyLibrary& library) {
  return {map_module(rtl_module(design, module), options, library), library};
}

}  // namespace

ModuleCharacterisation::ModuleCharacterisation(const Design& design,
                                               const RtlDescription::Module& module,
                                               const SynthesisOptions& options,
                                               const LibertyLibrary& library)
    : design_(design),
      module_(module),
      options_(options),
      array_(small_array(design, module)),
      gates_(mapped(design, module, options, library)) {}

double ModuleCharacterisation::period_ps() const {
  return std::max(options_.period_ps, gates_.cost().critical_path_ps);
}

RecordingOptions ModuleCharacterisation::recording_options() const {
  RecordingOptions options;
  const std::uint64_t cells = std::max<std::uint64_t>(1, gates_.cost().cells);
  options.job_cycles = std::clamp(kGateCycles / options.jobs / cells, kShortestJob, kLongestJob);
  options.pad = module_.is_pe;
  return options;
}

CycleEnergies ModuleCharacterisation::energies(const OperandTiles& tiles,
                                               InstancePlace place) const {
  const ArrayRecording recording = record_array(array(), tiles, recording_options());
  const InstanceRecording instance =
      record_instance(array(), module_, gates_.netlist().ports, recording, place);
  const std::vector<EnergyRecord> measured = gates_.measure(
      instance.inputs, recording.window, kPeCycleClasses, period_ps(), instance.outputs);
  CycleEnergies result;
  const EnergyRecord& idle = measured[static_cast<std::size_t>(PeCycleClass::idle)];
  for (std::size_t i = 0; i < kPeCycleClasses; ++i) {
    if (recording.cycles[i] == 0) continue;
    const PeCycles& counted = recording.counted[i];
    const auto fed = static_cast<double>(counted.mac + counted.pad);
    result[i] = fed > 0
                    ? without_idle(measured[i], idle, fed / static_cast<double>(counted.total()))
                    : measured[i];
  }
  return result;
}

ModuleRecord ModuleCharacterisation::record(std::uint64_t seed) const {
  ModuleRecord record;
  record.cost = gates_.cost();
  record.parameters = module_.parameters;
  record.rtl_hash = hash_of_rtl(design_);
  record.target_period_ps = options_.period_ps;
  record.energy_period_ps = period_ps();
  for (std::size_t o = 0; o < kOperandClasses; ++o) {
    const auto operands = static_cast<OperandClass>(o);
    const CycleEnergies of_class = energies(operand_tiles(array(), operands, seed));
    for (std::size_t c = 0; c < kPeCycleClasses; ++c)
      record.energies.at(operands, static_cast<PeCycleClass>(c)) = of_class[c];
  }
  return record;
}

}  // namespace bitsmith
