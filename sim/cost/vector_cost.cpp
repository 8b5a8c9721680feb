#include "cost/vector_cost.h"

#include <algorithm>

#include "cost/vector_lane.h"

namespace bitsmith {
namespace {

// Where vector_lane_record() keeps them.
constexpr OperandClass kOperands = OperandClass::normal;

void add_energy(const RunCounts& counts, VectorFigures& vector) {
  const ModuleRecord& record = vector.lane.figures.record;
  const auto& operation = record.energies.at(kOperands, PeCycleClass::mac);
  const auto& idle = record.energies.at(kOperands, PeCycleClass::idle);
  if (!operation || !idle) {
    vector.notes.emplace_back("the record of a lane of the vector unit has no energies");
    return;
  }
  const auto operations = static_cast<double>(counts.system.vector_operations);
  const double lane_cycles =
      static_cast<double>(record.cost.instances) * static_cast<double>(counts.cycles);
  vector.lane.uses = {
      {PeCycleClass::mac, operations, dynamic_pj(*operation)},
      {PeCycleClass::idle, std::max(0.0, lane_cycles - operations), dynamic_pj(*idle)}};
  vector.dynamic_pj = vector.lane.uses[0].pj() + vector.lane.uses[1].pj();
}

void add_path(const Accelerator& accelerator, VectorFigures& vector) {
  const double path_ps = vector.lane.cost().critical_path_ps;
  if (path_ps <= 1000 / accelerator.params.clock_ghz * (1 + 1e-9)) return;
  vector.overclocked = true;
  vector.notes.push_back(
      fmt::format("a vector lane of two stages takes {:.0f} ps, {:.4g} GHz at most: at {:.4g} GHz "
                  "it needs more "
                  "of them, whose registers are in no figure",
                  path_ps, 1000 / path_ps, accelerator.params.clock_ghz));
}

}  // namespace

RtlDescription::Module vector_lane() {
  const RtlModule lane = vector_lane_module();
  RtlDescription::Module module;
  module.name = lane.name;
  module.instances = 1;
  module.parameters = lane.parameters;
  return module;
}

std::optional<VectorFigures> vector_figures(const Accelerator& accelerator, TechnologyShelf& shelf,
                                            const RunCounts* counts) {
  if (accelerator.technology.name == "none" || !accelerator.memory) return std::nullopt;
  RtlDescription::Module lane = vector_lane();
  const Technology& technology = shelf.technology(accelerator.technology.name, {lane.name});
  lane.instances = accelerator.memory->vector.lanes;
  VectorFigures vector;
  vector.lane.figures = technology.find(lane, shelf.rtl_hash_of_vector_lane(), {});
  if (!vector.lane.figures.known()) {
    const bool is_stale = vector.lane.figures.origin == ModuleFigures::Origin::stale;
    vector.notes.push_back(
        fmt::format("technology {} has {} record of a lane of the vector unit{}; `bitsmith synth "
                    "DESIGN.yaml --tech {} --liberty FILE` makes one",
                    technology.name, is_stale ? "only a stale" : "no",
                    is_stale ? ": its RTL or our method has changed" : "", technology.name));
    return vector;
  }
  const ModuleCost& cost = vector.lane.cost();
  const auto lanes = static_cast<double>(cost.instances);
  vector.area_um2 = lanes * cost.area_um2;
  if (cost.leakage_uw) vector.leakage_uw = lanes * *cost.leakage_uw;
  add_path(accelerator, vector);
  if (counts != nullptr) add_energy(*counts, vector);
  return vector;
}

}  // namespace bitsmith
