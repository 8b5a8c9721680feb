// Area, timing and energy of a design's modules, energy by class of PE-cycle and of operands: the
// module's gates see what its instance in an array sees while the cycle model runs.
#pragma once

#include <array>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "cost/energy.h"
#include "cost/instance_recording.h"
#include "cost/module_record.h"
#include "cost/operand_sample.h"
#include "cost/synthesis.h"

namespace bitsmith {

// By PeCycleClass; none where the module has no such cycles.
using CycleEnergies = std::array<std::optional<EnergyRecord>, kPeCycleClasses>;

// The array in which a module is measured: the design's own where sizes of the array are parameters
// of the module, else one unit whose sides are 4 as far as that leaves the module as it is, so that
// a PE has neighbours and padding.
std::shared_ptr<const Design> measured_array(const Design& design,
                                             const RtlDescription::Module& module);

// Modules of one array under all classes of operands, recorded when first asked for, whatever
// library measures them.
class RecordedArray {
 public:
  // All modules are PEs or none is. One thread at a time.
  RecordedArray(std::shared_ptr<const Design> array, std::vector<RtlDescription::Module> modules);

  const Design& array() const { return *array_; }
  struct OfClass {
    ArrayRecording array;
    std::vector<InstanceRecording> instances;  // by module
  };
  // Throws what ArrayRtl does; again when asked again, without another try.
  const OfClass& under(OperandClass operands);
  // Index into `instances`.
  std::size_t index_of(const RtlDescription::Module& module) const;

 private:
  OfClass recorded_under(OperandClass operands);

  std::shared_ptr<const Design> array_;
  std::vector<RtlDescription::Module> modules_;
  std::optional<ArrayRtl> rtl_;
  std::exception_ptr failure_;
  std::array<std::optional<OfClass>, kOperandClasses> recorded_;
};

class ModuleCharacterisation {
 public:
  // Synthesises the module, one of design.rtl().modules. `library`, read from options.liberty, must
  // outlive this. Throws what map_module() and ModuleEnergy throw.
  ModuleCharacterisation(const Design& design, const RtlDescription::Module& module,
                         const SynthesisOptions& options, const LibertyLibrary& library);
  // From that module's netlist.
  ModuleCharacterisation(const Design& design, const RtlDescription::Module& module,
                         const GenericNetlist& netlist, const SynthesisOptions& options,
                         const LibertyLibrary& library);

  const ModuleEnergy& gates() const { return gates_; }
  const Design& array() const { return *array_; }
  // Energy is measured at options.period_ps, or at the critical path where that is longer.
  double period_ps() const;

  // Under tiles in the formats of array(). `mac` and `pad` also hold what a tile costs beyond its
  // own steps, drains and weights: the energy of the whole window, less that of its idle steps.
  // Throws InternalError when array, cycle model and gates do not show the same.
  CycleEnergies energies(const OperandTiles& tiles,
                         InstancePlace place = InstancePlace::middle) const;
  // The same of an array that was compiled before; any number of threads may.
  ArrayRtl array_rtl(InstancePlace place = InstancePlace::middle) const;
  CycleEnergies energies(const ArrayRtl& rtl, const OperandTiles& tiles) const;
  // `mac` and `idle` alone, over so many full tiles.
  CycleEnergies energies_of_full_tiles(const ArrayRtl& rtl, const OperandTiles& tiles,
                                       std::uint64_t count) const;

  // Everything, under all classes of operands. `recorded` is of an array like array(), and holds
  // the module.
  ModuleRecord record(RecordedArray& recorded) const;
  ModuleRecord record() const;

 private:
  CycleEnergies energies(const ArrayRecording& recording, const InstanceRecording& instance) const;

  std::string rtl_hash_;
  RtlDescription::Module module_;
  SynthesisOptions options_;
  std::shared_ptr<const Design> array_;
  ModuleEnergy gates_;
};

}  // namespace bitsmith
