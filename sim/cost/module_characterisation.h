// Area, timing and energy of a design's modules, energy by class of PE-cycle and of operands: the
// module's gates see what its instance in an array sees while the cycle model runs.
//
// The array is the design's own or, where that leaves the module as it is, one of small sides:
// those that are no parameter of the module become 4, so that a PE has neighbours and padding.
#pragma once

#include <array>
#include <cstdint>
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

class ModuleCharacterisation {
 public:
  // Synthesises the module, one of design.rtl().modules. `design` and `library`, read from
  // options.liberty, must outlive this. Throws what map_module() and ModuleEnergy throw.
  ModuleCharacterisation(const Design& design, const RtlDescription::Module& module,
                         const SynthesisOptions& options, const LibertyLibrary& library);

  const ModuleEnergy& gates() const { return gates_; }
  // The array whose instance is looked at.
  const Design& array() const { return array_ ? *array_ : design_; }
  // Energy is measured at options.period_ps, or at the critical path where that is longer.
  double period_ps() const;

  // Under tiles in the formats of array(). `mac` and `pad` also hold what a tile costs beyond its
  // own steps, drains and weights: the energy of the whole window, less that of its idle steps.
  // Throws InternalError when array, cycle model and gates do not show the same.
  CycleEnergies energies(const OperandTiles& tiles,
                         InstancePlace place = InstancePlace::middle) const;

  // Everything, under all classes of operands, drawn from `seed`.
  ModuleRecord record(std::uint64_t seed = 1) const;

 private:
  RecordingOptions recording_options() const;

  const Design& design_;
  RtlDescription::Module module_;
  SynthesisOptions options_;
  std::unique_ptr<const Design> array_;  // one of other sides, if any
  ModuleEnergy gates_;
};

}  // namespace bitsmith
