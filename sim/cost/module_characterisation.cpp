#include "cost/module_characterisation.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "config/yaml.h"
#include "cost/size_fit.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

// Large enough for PEs that have neighbours on all sides and that short tiles pad.
constexpr std::uint32_t kSmallSide = 4;
// Steps of a tile, two of which are measured: a PE's energy counts as often as there are PEs.
constexpr std::uint64_t kPeJob = 256;
constexpr std::uint64_t kJob = 128;
constexpr std::uint64_t kSeed = 1;

RecordingOptions recording_options(bool is_pe) {
  RecordingOptions options;
  options.job_cycles = is_pe ? kPeJob : kJob;
  options.pad = is_pe;
  return options;
}

std::unique_ptr<const Design> design_from(const nlohmann::ordered_json& resolved) {
  Diagnostics diagnostics;
  // JSON is YAML.
  const YamlNode root = yaml::parse(resolved.dump(), "a small array", diagnostics);
  return read_design(root, diagnostics);
}

bool is_same(const RtlDescription::Module& a, const RtlDescription::Module& b) {
  return a.name == b.name && a.parameters == b.parameters;
}

bool has_module(const Design& design, const RtlDescription::Module& module) {
  const RtlDescription rtl = design.rtl();
  return std::any_of(rtl.modules.begin(), rtl.modules.end(),
                     [&](const auto& other) { return is_same(other, module); });
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

}  // namespace

std::shared_ptr<const Design> measured_array(const Design& design,
                                             const RtlDescription::Module& module) {
  nlohmann::ordered_json smallest = design.resolved();
  std::shared_ptr<const Design> found = design_from(smallest);
  check(found != nullptr, "a design is what it was resolved to");
  if (SizedModule(module.parameters, design.rtl().sizes).has_sizes()) return found;
  const std::pair<const char*, std::uint32_t> sides[] = {{"rows", kSmallSide}, {"cols", kSmallSide},
                                                         {"m", kSmallSide},    {"n", kSmallSide},
                                                         {"unit_rows", 1},     {"unit_cols", 1}};
  for (const auto& [side, small] : sides) {
    if (!smallest.contains(side) || smallest.at(side) == small) continue;
    nlohmann::ordered_json candidate = smallest;
    candidate[side] = small;
    std::shared_ptr<const Design> array = design_from(candidate);
    if (!array || !has_module(*array, module)) continue;
    smallest = candidate;
    found = std::move(array);
  }
  return found;
}

RecordedArray::RecordedArray(std::shared_ptr<const Design> array,
                             std::vector<RtlDescription::Module> modules)
    : array_(std::move(array)), modules_(std::move(modules)) {
  for (const RtlDescription::Module& module : modules_)
    check(module.is_pe == modules_.front().is_pe, "PEs are recorded apart");
}

RecordedArray::OfClass RecordedArray::recorded_under(OperandClass operands) {
  if (!rtl_) rtl_.emplace(*array_, modules_, InstancePlace::middle);
  ArrayRecording recording = record_array(*array_, operand_tiles(*array_, operands, kSeed),
                                          recording_options(modules_.front().is_pe));
  std::vector<InstanceRecording> instances = rtl_->record(recording);
  return {std::move(recording), std::move(instances)};
}

const RecordedArray::OfClass& RecordedArray::under(OperandClass operands) {
  if (failure_) std::rethrow_exception(failure_);
  std::optional<OfClass>& recorded = recorded_[static_cast<std::size_t>(operands)];
  if (recorded) return *recorded;
  try {
    recorded = recorded_under(operands);
  } catch (...) {
    failure_ = std::current_exception();
    throw;
  }
  return *recorded;
}

std::size_t RecordedArray::index_of(const RtlDescription::Module& module) const {
  const auto found = std::find_if(modules_.begin(), modules_.end(),
                                  [&](const auto& other) { return is_same(other, module); });
  check(found != modules_.end(), "the module is one of those recorded");
  return static_cast<std::size_t>(found - modules_.begin());
}

ModuleCharacterisation::ModuleCharacterisation(const Design& design,
                                               const RtlDescription::Module& module,
                                               const SynthesisOptions& options,
                                               const LibertyLibrary& library)
    : ModuleCharacterisation(design, module, generic_netlist(rtl_module(design, module)), options,
                             library) {}

ModuleCharacterisation::ModuleCharacterisation(const Design& design,
                                               const RtlDescription::Module& module,
                                               const GenericNetlist& netlist,
                                               const SynthesisOptions& options,
                                               const LibertyLibrary& library)
    : rtl_hash_(hash_of_rtl(design)),
      module_(module),
      options_(options),
      array_(measured_array(design, module)),
      gates_({map_module(netlist, options, library), library}) {}

double ModuleCharacterisation::period_ps() const {
  return std::max(options_.period_ps, gates_.cost().critical_path_ps);
}

CycleEnergies ModuleCharacterisation::energies(const OperandTiles& tiles,
                                               InstancePlace place) const {
  return energies(array_rtl(place), tiles);
}

ArrayRtl ModuleCharacterisation::array_rtl(InstancePlace place) const {
  return {*array_, {&module_, 1}, place};
}

CycleEnergies ModuleCharacterisation::energies(const ArrayRtl& rtl,
                                               const OperandTiles& tiles) const {
  const ArrayRecording recording = record_array(*array_, tiles, recording_options(module_.is_pe));
  return energies(recording, rtl.record(recording).front());
}

CycleEnergies ModuleCharacterisation::energies_of_full_tiles(const ArrayRtl& rtl,
                                                             const OperandTiles& tiles,
                                                             std::uint64_t count) const {
  RecordingOptions options = recording_options(module_.is_pe);
  options.jobs = count;
  options.pad = false;
  const ArrayRecording recording = record_array(*array_, tiles, options);
  return energies(recording, rtl.record(recording).front());
}

CycleEnergies ModuleCharacterisation::energies(const ArrayRecording& recording,
                                               const InstanceRecording& instance) const {
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

ModuleRecord ModuleCharacterisation::record(RecordedArray& recorded) const {
  ModuleRecord record;
  record.cost = gates_.cost();
  record.parameters = module_.parameters;
  record.rtl_hash = rtl_hash_;
  record.target_period_ps = options_.period_ps;
  record.energy_period_ps = period_ps();
  const std::size_t index = recorded.index_of(module_);
  for (std::size_t o = 0; o < kOperandClasses; ++o) {
    const auto operands = static_cast<OperandClass>(o);
    const RecordedArray::OfClass& of_class = recorded.under(operands);
    const CycleEnergies measured = energies(of_class.array, of_class.instances[index]);
    for (std::size_t c = 0; c < kPeCycleClasses; ++c)
      record.energies.at(operands, static_cast<PeCycleClass>(c)) = measured[c];
  }
  return record;
}

ModuleRecord ModuleCharacterisation::record() const {
  RecordedArray recorded(array_, {module_});
  return record(recorded);
}

}  // namespace bitsmith
