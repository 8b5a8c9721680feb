#include "cost/gate_timing.h"

#include <algorithm>
#include <map>

#include "common/error.h"

namespace bitsmith {
namespace {

using Net = GateNetlist::Net;

double mean(double sum, int count) { return count > 0 ? sum / count : 0; }

// The slews of input edges that can cause a given edge of the output.
struct Causes {
  double slew_ps[2] = {0, 0};
  int count = 0;
};

Causes causes_of(ArcSense sense, const Slew& input, bool output_rises) {
  switch (sense) {
    case ArcSense::positive:
      return {{output_rises ? input.rise_ps : input.fall_ps}, 1};
    case ArcSense::negative:
      return {{output_rises ? input.fall_ps : input.rise_ps}, 1};
    case ArcSense::from_rise:
      return {{input.rise_ps}, 1};
    case ArcSense::from_fall:
      return {{input.fall_ps}, 1};
    case ArcSense::either:
      break;
  }
  return {{input.rise_ps, input.fall_ps}, 2};
}

// One edge of an output by way of one input: the mean of all arcs and causes, and their slowest
// slew.
struct Edge {
  double delay_sum_ps = 0;
  int count = 0;
  double slew_ps = 0;

  void add(const LookupTable& delay, const LookupTable& transition, const Causes& causes,
           double load_ff) {
    if (!delay) return;
    for (int i = 0; i < causes.count; ++i) {
      delay_sum_ps += std::max(delay.at(causes.slew_ps[i], load_ff), 0.0);
      slew_ps = std::max(slew_ps, transition.at(causes.slew_ps[i], load_ff));
      ++count;
    }
  }
};

class Propagation {
 public:
  Propagation(const GateNetlist& netlist, const FanoutOfFour& outside)
      : netlist_(netlist), waiting_(netlist.cells.size()), fanout_(netlist.nets) {
    timing_.nets.resize(netlist.nets);
    add_loads(outside);
    for (GateTiming::Net& net : timing_.nets) net.slew = outside.slew;  // until driven
  }

  GateTiming run() {
    count_inputs();
    std::vector<std::uint32_t> ready;
    for (std::uint32_t i = 0; i < waiting_.size(); ++i) {
      if (waiting_[i] == 0) ready.push_back(i);
    }
    for (std::size_t done = 0; done < ready.size(); ++done) {
      propagate(ready[done]);
      release(ready[done], ready);
    }
    if (ready.size() != netlist_.cells.size())
      throw UserError("the gates of the netlist form a loop without a register");
    return std::move(timing_);
  }

 private:
  void add_loads(const FanoutOfFour& outside) {
    for (const GateNetlist::Cell& cell : netlist_.cells) {
      for (std::size_t i = 0; i < cell.pins.size(); ++i)
        timing_.nets[cell.pins[i]].pins_ff += cell.type->pins[i].capacitance_ff;
    }
    for (GateTiming::Net& net : timing_.nets) net.load_ff = net.pins_ff;
    for (const GateNetlist::Port& port : netlist_.ports) {
      if (port.is_input) continue;
      for (const Net net : port.bits) timing_.nets[net].load_ff += outside.load_ff;
    }
  }

  // Calls visit(net) for every input of a cell with an arc to an output, once per output.
  template <typename Visit>
  void visit_causes(const GateNetlist::Cell& cell, Visit visit) const {
    for (const LibertyPin& pin : cell.type->pins) {
      for (const TimingArc& arc : pin.arcs) visit(cell.pins[arc.related]);
    }
  }

  void count_inputs() {
    std::vector<bool> driven(netlist_.nets);
    for (const GateNetlist::Cell& cell : netlist_.cells) {
      for (std::size_t i = 0; i < cell.pins.size(); ++i) {
        if (!cell.type->pins[i].is_input) driven[cell.pins[i]] = true;
      }
    }
    for (std::uint32_t i = 0; i < netlist_.cells.size(); ++i) {
      visit_causes(netlist_.cells[i], [&](Net net) {
        if (!driven[net]) return;
        fanout_[net].push_back(i);
        ++waiting_[i];
      });
    }
  }

  void release(std::uint32_t index, std::vector<std::uint32_t>& ready) {
    const GateNetlist::Cell& cell = netlist_.cells[index];
    for (std::size_t i = 0; i < cell.pins.size(); ++i) {
      if (cell.type->pins[i].is_input) continue;
      for (const std::uint32_t sink : fanout_[cell.pins[i]]) {
        if (--waiting_[sink] == 0) ready.push_back(sink);
      }
    }
  }

  void propagate(std::uint32_t index) {
    const GateNetlist::Cell& cell = netlist_.cells[index];
    for (std::uint32_t output = 0; output < cell.pins.size(); ++output) {
      const LibertyPin& pin = cell.type->pins[output];
      if (pin.arcs.empty()) continue;
      GateTiming::Net& net = timing_.nets[cell.pins[output]];
      Slew slowest;
      std::map<std::uint32_t, std::pair<Edge, Edge>> edges;  // by input
      for (const TimingArc& arc : pin.arcs) {
        const Slew& input = timing_.nets[cell.pins[arc.related]].slew;
        auto& [rise, fall] = edges[arc.related];
        rise.add(arc.rise_ps, arc.rise_slew_ps, causes_of(arc.sense, input, true), net.load_ff);
        fall.add(arc.fall_ps, arc.fall_slew_ps, causes_of(arc.sense, input, false), net.load_ff);
        slowest.rise_ps = std::max(slowest.rise_ps, rise.slew_ps);
        slowest.fall_ps = std::max(slowest.fall_ps, fall.slew_ps);
      }
      net.slew = slowest;
      for (const auto& [input, both] : edges) add_path(index, input, output, both);
    }
  }

  // An edge that the input does not cause takes the other's delay.
  void add_path(std::uint32_t cell, std::uint32_t input, std::uint32_t output,
                const std::pair<Edge, Edge>& edges) {
    const auto& [rise, fall] = edges;
    const double rise_ps = mean(rise.delay_sum_ps, rise.count);
    const double fall_ps = mean(fall.delay_sum_ps, fall.count);
    timing_.paths.push_back({cell, input, output, rise.count > 0 ? rise_ps : fall_ps,
                             fall.count > 0 ? fall_ps : rise_ps});
  }

  const GateNetlist& netlist_;
  GateTiming timing_;
  std::vector<std::uint32_t> waiting_;  // of each cell, arcs whose input is not yet known
  std::vector<std::vector<std::uint32_t>> fanout_;
};

}  // namespace

FanoutOfFour fanout_of_four(const LibertyLibrary& library) {
  constexpr int kStages = 50;  // until nothing changes
  const LibertyCell& inverter = library.cells.at(library.smallest_inverter());
  const auto output = std::find_if(inverter.pins.begin(), inverter.pins.end(),
                                   [](const LibertyPin& pin) { return !pin.is_input; });
  if (output == inverter.pins.end() || output->arcs.empty()) {
    throw UserError(
        fmt::format("cell '{}' of library '{}' has no delays", inverter.name, library.name));
  }
  if (library.voltage <= 0)
    throw UserError(fmt::format("library '{}' has no nom_voltage", library.name));
  const TimingArc& arc = output->arcs.front();
  FanoutOfFour result;
  result.load_ff = 4 * inverter.input_capacitance_ff;
  for (int i = 0; i < kStages; ++i) {
    result.slew = {arc.rise_slew_ps.at(result.slew.fall_ps, result.load_ff),
                   arc.fall_slew_ps.at(result.slew.rise_ps, result.load_ff)};
  }
  const auto& [rise_ps, fall_ps] = result.slew;
  result.delay_ps =
      (arc.rise_ps.at(fall_ps, result.load_ff) + arc.fall_ps.at(rise_ps, result.load_ff)) / 2;
  result.energy_fj = result.load_ff * library.voltage * library.voltage / 2;
  for (const InternalEnergy& energy : output->energies) {
    result.energy_fj += (energy.rise_weight * energy.rise_fj.at(fall_ps, result.load_ff) +
                         energy.fall_weight * energy.fall_fj.at(rise_ps, result.load_ff)) /
                        2;
  }
  return result;
}

double GateTiming::clock_to_output_ps(const GateNetlist& netlist) const {
  double sum = 0;
  int count = 0;
  for (const Path& path : paths) {
    const LibertyCell& type = *netlist.cells[path.cell].type;
    if (!type.sequential || !type.pins[path.input].is_clock) continue;
    sum += (path.rise_ps + path.fall_ps) / 2;
    ++count;
  }
  return mean(sum, count);
}

GateTiming calculate_delays(const GateNetlist& netlist, const FanoutOfFour& outside) {
  return Propagation(netlist, outside).run();
}

}  // namespace bitsmith
