#include "cost/energy.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/error.h"

namespace bitsmith {
namespace {

constexpr double kFsPerPs = 1000;

// Without a clock tree, a clock that comes through gates would be late against the data.
void require_plain_clock(const GateNetlist& netlist, const std::string& module) {
  const GateNetlist::Port* clock = netlist.find_port("clk_i");
  for (const GateNetlist::Cell& cell : netlist.cells) {
    for (std::size_t i = 0; i < cell.pins.size(); ++i) {
      if (!cell.type->pins[i].is_clock) continue;
      if (clock != nullptr && clock->bits.at(0) == cell.pins[i]) continue;
      throw UserError(fmt::format(
          "module '{}': the clock of a '{}' is not clk_i itself; energy needs clocks without gates",
          module, cell.type->name));
    }
  }
}

// The nets that cells drive.
std::vector<bool> driven_nets(const GateNetlist& netlist) {
  std::vector<bool> driven(netlist.nets);
  for (const GateNetlist::Cell& cell : netlist.cells) {
    for (std::size_t i = 0; i < cell.pins.size(); ++i) {
      if (!cell.type->pins[i].is_input) driven[cell.pins[i]] = true;
    }
  }
  return driven;
}

struct Measured {
  EnergySum fj;
  std::uint64_t toggles = 0;  // of nets that cells drive
};

// Charges every toggle to the window of its cycle.
class Windows {
 public:
  // `windows`: by cycle.
  Windows(const GateNetlist& netlist, EnergyMeter meter, double period_ps,
          std::span<const std::uint8_t> windows, std::size_t records)
      : driven_(driven_nets(netlist)),
        meter_(std::move(meter)),
        period_fs_(static_cast<std::uint64_t>(std::llround(period_ps * kFsPerPs))),
        windows_(windows),
        now_(records),
        sums_(records + 1) {}

  void add(const GateToggle& toggle) {
    if (const std::size_t window = window_at(toggle.time_fs); window != now_) {
      close();
      now_ = window;
    }
    meter_.toggle(toggle.net, toggle.rises, toggle.time_fs);
    if (driven_[toggle.net]) ++sums_[now_].toggles;
  }

  std::vector<Measured> take() {
    close();
    sums_.pop_back();
    return std::move(sums_);
  }

 private:
  std::size_t none() const { return sums_.size() - 1; }  // what no record wants
  std::size_t window_at(std::uint64_t time_fs) const {
    const std::uint64_t cycle = time_fs / period_fs_;  // from 1 on
    const bool measured = cycle > 0 && cycle <= windows_.size() && windows_[cycle - 1] < none();
    return measured ? windows_[cycle - 1] : none();
  }
  void close() {
    const EnergySum sum = meter_.take();
    sums_[now_].fj.switching += sum.switching;
    sums_[now_].fj.internal += sum.internal;
    sums_[now_].fj.clock_and_registers += sum.clock_and_registers;
  }

  std::vector<bool> driven_;
  EnergyMeter meter_;
  std::uint64_t period_fs_;
  std::span<const std::uint8_t> windows_;
  std::size_t now_;
  std::vector<Measured> sums_;
};

bool shows(const std::string& actual, const std::string& expected) {
  if (actual.size() != expected.size()) return false;
  for (std::size_t bit = 0; bit < actual.size(); ++bit) {
    if (expected[bit] != 'x' && actual[bit] != expected[bit]) return false;
  }
  return true;
}

void compare_outputs(const std::string& module, std::span<const GateOutput> actual_outputs,
                     std::span<const GateOutput> expected_outputs) {
  for (const GateOutput& expected : expected_outputs) {
    const auto actual = std::find_if(actual_outputs.begin(), actual_outputs.end(),
                                     [&](const GateOutput& o) { return o.name == expected.name; });
    check(actual != actual_outputs.end() && actual->values.size() == expected.values.size(),
          "outputs to compare are those of the module");
    for (std::size_t cycle = 0; cycle < expected.values.size(); ++cycle) {
      if (shows(actual->values[cycle], expected.values[cycle])) continue;
      throw InternalError(fmt::format(
          "module '{}': the gates differ from the RTL in cycle {}: {} is {} instead of {}", module,
          cycle, expected.name, actual->values[cycle], expected.values[cycle]));
    }
  }
}

}  // namespace

std::optional<double> EnergyRecord::pj_per_cycle() const {
  if (!leakage_pj) return std::nullopt;
  return switching_pj + internal_pj + clock_and_registers_pj + *leakage_pj;
}

ModuleEnergy::ModuleEnergy(MappedModule module, const LibertyLibrary& library)
    : module_(std::move(module)),
      library_(library),
      netlist_(parse_netlist(module_.netlist, module_.cost.name, library)),
      outside_(fanout_of_four(library)),
      timing_(calculate_delays(netlist_, outside_)) {
  module_.netlist.clear();
  GateSimulation(netlist_, timing_);  // refuses cells before anything is recorded for them
  require_plain_clock(netlist_, module_.cost.name);
}

EnergyRecord ModuleEnergy::measure(const GateStimulus& stimulus, std::uint64_t warm_up,
                                   double period_ps) const {
  check(warm_up < stimulus.cycles, "cycles are left to measure");
  std::vector<std::uint8_t> windows(stimulus.cycles, 0);
  std::fill_n(windows.begin(), warm_up, std::uint8_t{1});
  return measure(stimulus, windows, 1, period_ps).front();
}

std::vector<EnergyRecord> ModuleEnergy::measure(const GateStimulus& stimulus,
                                                std::span<const std::uint8_t> windows,
                                                std::size_t records, double wanted_ps,
                                                std::span<const GateOutput> expected) const {
  check(windows.size() == stimulus.cycles, "every cycle has a window");
  const double period_ps = std::ceil(wanted_ps * kFsPerPs / 2) * 2 / kFsPerPs;
  // Not the rounded one: of a path of 7470.046 ps it may be less in the last bit.
  if (wanted_ps < cost().critical_path_ps) {
    throw UserError(fmt::format(
        "module '{}': a clock period of {:.3f} ps is shorter than its critical path, {:.3f} ps",
        cost().name, wanted_ps, cost().critical_path_ps));
  }
  const double own_ps = timing_.clock_to_output_ps(netlist_);
  // A module without registers may be faster than what drives it.
  const double arrival_ps = std::min(own_ps > 0 ? own_ps : outside_.delay_ps, period_ps / 2);
  Windows sums(netlist_, EnergyMeter(netlist_, timing_, library_.voltage), period_ps, windows,
               records);
  const std::vector<GateOutput> outputs =
      GateSimulation(netlist_, timing_)
          .run(stimulus, {period_ps, arrival_ps},
               [&](const GateToggle& toggle) { sums.add(toggle); });
  compare_outputs(cost().name, outputs, expected);
  const std::vector<Measured> measured = sums.take();
  std::vector<EnergyRecord> result;
  for (std::size_t i = 0; i < records; ++i) {
    const auto cycles = std::count(windows.begin(), windows.end(), i);
    result.push_back(record_of(measured[i].fj, measured[i].toggles,
                               static_cast<std::uint64_t>(cycles), period_ps));
  }
  return result;
}

EnergyRecord ModuleEnergy::record_of(const EnergySum& fj, std::uint64_t toggles,
                                     std::uint64_t cycles, double period_ps) const {
  EnergyRecord record;
  record.cycles = cycles;
  if (cycles == 0) return record;
  const auto driven = driven_nets(netlist_);
  const auto nets = std::count(driven.begin(), driven.end(), true);
  record.toggles_per_net = nets > 0 ? static_cast<double>(toggles) / static_cast<double>(nets) /
                                          static_cast<double>(cycles)
                                    : 0;
  const double pj = 1e-3 / static_cast<double>(cycles);
  record.switching_pj = fj.switching * pj;
  record.internal_pj = fj.internal * pj;
  record.clock_and_registers_pj = fj.clock_and_registers * pj;
  if (cost().leakage_uw) record.leakage_pj = *cost().leakage_uw * period_ps * 1e-6;
  return record;
}

}  // namespace bitsmith
