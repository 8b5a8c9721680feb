#include "cost/energy_meter.h"

#include <algorithm>
#include <map>
#include <utility>

namespace bitsmith {

EnergyMeter::EnergyMeter(const GateNetlist& netlist, const GateTiming& timing, double voltage)
    : nets_(netlist.nets) {
  for (std::size_t i = 0; i < nets_.size(); ++i)
    nets_[i].switching_fj = timing.nets[i].pins_ff * voltage * voltage / 2;
  for (const GateNetlist::Cell& cell : netlist.cells) {
    for (std::size_t i = 0; i < cell.pins.size(); ++i) {
      const LibertyPin& pin = cell.type->pins[i];
      const GateNetlist::Net net = cell.pins[i];
      if (pin.is_input) {
        add_input(*cell.type, pin, nets_[net], timing.nets[net].slew);
      } else {
        add_output(cell, pin, nets_[net], timing);
      }
    }
  }
}

void EnergyMeter::add_input(const LibertyCell& type, const LibertyPin& pin, Net& net,
                            const Slew& slew) {
  net.is_clock = net.is_clock || pin.is_clock;
  Edges& edges = type.sequential ? net.register_pins : net.combinational_pins;
  for (const InternalEnergy& energy : pin.energies) {
    edges.rise_fj += energy.rise_weight * energy.rise_fj.at(slew.rise_ps, 0);
    edges.fall_fj += energy.fall_weight * energy.fall_fj.at(slew.fall_ps, 0);
  }
}

// The slew at the related input is the mean of both edges where either may be the cause.
void EnergyMeter::add_output(const GateNetlist::Cell& cell, const LibertyPin& pin, Net& net,
                             const GateTiming& timing) {
  const double load_ff =
      timing.nets[cell.pins[static_cast<std::size_t>(&pin - cell.type->pins.data())]].load_ff;
  net.register_output = cell.type->sequential;
  std::map<std::uint32_t, Edges> causes;  // by pin
  for (const InternalEnergy& energy : pin.energies) {
    const Slew none;
    const Slew& slew = energy.related ? timing.nets[cell.pins[*energy.related]].slew : none;
    const double slew_ps = (slew.rise_ps + slew.fall_ps) / 2;
    Edges& edges = energy.related ? causes[*energy.related] : net.output;
    edges.rise_fj += energy.rise_weight * energy.rise_fj.at(slew_ps, load_ff);
    edges.fall_fj += energy.fall_weight * energy.fall_fj.at(slew_ps, load_ff);
  }
  for (const auto& [input, edges] : causes) net.causes.push_back({cell.pins[input], edges});
}

// Inputs that changed last at the same time share the blame.
double EnergyMeter::output_energy(const Net& net, bool rises) const {
  std::uint64_t latest = 0;
  for (const Cause& cause : net.causes) latest = std::max(latest, nets_[cause.net].changed);
  double sum = 0;
  int count = 0;
  for (const Cause& cause : net.causes) {
    if (nets_[cause.net].changed != latest) continue;
    sum += cause.energy.of(rises);
    ++count;
  }
  return net.output.of(rises) + (count > 0 ? sum / count : 0);
}

void EnergyMeter::toggle(GateNetlist::Net number, bool rises, std::uint64_t time) {
  Net& net = nets_[number];
  (net.is_clock ? sum_.clock_and_registers : sum_.switching) += net.switching_fj;
  (net.register_output ? sum_.clock_and_registers : sum_.internal) += output_energy(net, rises);
  sum_.internal += net.combinational_pins.of(rises);
  sum_.clock_and_registers += net.register_pins.of(rises);
  net.changed = time;
}

EnergySum EnergyMeter::take() { return std::exchange(sum_, {}); }

}  // namespace bitsmith
