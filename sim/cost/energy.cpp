#include "cost/energy.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <random>
#include <utility>

#include "common/error.h"
#include "common/process.h"
#include "cost/energy_meter.h"
#include "cost/vcd_reader.h"

namespace bitsmith {
namespace fs = std::filesystem;
namespace {

constexpr double kFsPerPs = 1000;
constexpr std::uint64_t kWarmUp = 20;  // cycles; longer than any reset and pipeline
constexpr std::uint64_t kSeed = 1;

// n<number> of netlist_verilog.
std::uint32_t net_number(std::string_view name) {
  std::uint32_t number = 0;
  const char* end = name.data() + name.size();
  const bool is_net =
      name.starts_with('n') && std::from_chars(name.data() + 1, end, number).ptr == end;
  return is_net ? number : VcdReader::kIgnored;
}

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

// Charges every change between 0 and 1 from `start_ps` on.
Measured integrate(const fs::path& changes, const GateNetlist& netlist, EnergyMeter meter,
                   double start_ps) {
  const std::vector<bool> driven = driven_nets(netlist);
  std::vector<char> values(netlist.nets, 'x');
  const auto start = static_cast<std::uint64_t>(std::llround(start_ps * kFsPerPs));
  bool measuring = false;
  Measured result;
  VcdReader reader(changes, net_number);
  for (VcdReader::Change change{}; reader.next(change);) {
    check(change.variable < values.size(), "a dumped net is one of the netlist");
    const char before = std::exchange(values[change.variable], change.value);
    if ((before != '0' && before != '1') || (change.value != '0' && change.value != '1')) continue;
    if (before == change.value) continue;
    if (!measuring && change.time >= start) {
      measuring = true;
      meter.take();
    }
    meter.toggle(change.variable, change.value == '1', change.time);
    if (measuring && driven[change.variable]) ++result.toggles;
  }
  if (measuring) result.fj = meter.take();
  return result;
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
  require_plain_clock(netlist_, module_.cost.name);
}

EnergyRecord ModuleEnergy::measure(const GateStimulus& stimulus, std::uint64_t warm_up,
                                   double wanted_ps) const {
  const double period_ps = std::ceil(wanted_ps * kFsPerPs / 2) * 2 / kFsPerPs;
  check(warm_up < stimulus.cycles, "cycles are left to measure");
  if (period_ps < cost().critical_path_ps) {
    throw UserError(fmt::format(
        "module '{}': a clock period of {:.0f} ps is shorter than its critical path, {:.0f} ps",
        cost().name, period_ps, cost().critical_path_ps));
  }
  const double own_ps = timing_.clock_to_output_ps(netlist_);
  const TemporaryFolder folder(fs::temp_directory_path());
  const GateSimulation simulation =
      simulate_gates(netlist_, timing_, stimulus,
                     {period_ps, own_ps > 0 ? own_ps : outside_.delay_ps}, folder.path());
  const Measured measured =
      integrate(simulation.changes, netlist_, EnergyMeter(netlist_, timing_, library_.voltage),
                static_cast<double>(warm_up + 1) * period_ps);
  EnergyRecord record;
  record.cycles = stimulus.cycles - warm_up;
  const double cycles = static_cast<double>(record.cycles);
  const auto driven = driven_nets(netlist_);
  const auto nets = std::count(driven.begin(), driven.end(), true);
  record.toggles_per_net =
      nets > 0 ? static_cast<double>(measured.toggles) / static_cast<double>(nets) / cycles : 0;
  const double pj = 1e-3 / cycles;
  record.switching_pj = measured.fj.switching * pj;
  record.internal_pj = measured.fj.internal * pj;
  record.clock_and_registers_pj = measured.fj.clock_and_registers * pj;
  if (cost().leakage_uw) record.leakage_pj = *cost().leakage_uw * period_ps * 1e-6;
  return record;
}

CharacterisedArray characterise(const Design& design, const SynthesisOptions& options,
                                std::uint64_t cycles) {
  const LibertyLibrary library = read_liberty(options.liberty);
  CharacterisedArray result;
  result.cost.library = library.name;
  result.cost.rtl_hash = hash_of_rtl(design);
  result.cost.memories = design.rtl().memories;
  std::vector<ModuleEnergy> modules;
  for (const RtlDescription::Module& module : design.rtl().modules) {
    MappedModule mapped = map_module(rtl_module(design, module), options, library);
    mapped.cost.instances = module.instances;
    result.cost.modules.push_back(mapped.cost);
    modules.emplace_back(std::move(mapped), library);
  }
  result.period_ps = std::max(options.period_ps, result.cost.critical_path_ps());
  const std::uint64_t simulated = kWarmUp + cycles;
  for (const ModuleEnergy& module : modules) {
    result.energies.push_back(
        {.uniform = module.measure(uniform_stimulus(module.netlist(), simulated, kSeed), kWarmUp,
                                   result.period_ps),
         .zero = module.measure({simulated, {}}, kWarmUp, result.period_ps)});
  }
  return result;
}

GateStimulus uniform_stimulus(const GateNetlist& netlist, std::uint64_t cycles,
                              std::uint64_t seed) {
  std::mt19937_64 random(seed);
  GateStimulus stimulus{cycles, {}};
  for (const GateNetlist::Port& port : netlist.ports) {
    if (!port.is_input || port.name == "clk_i" || port.name == "rst_ni") continue;
    GateStimulus::Port stream{port.name, {}};
    stream.words.resize(cycles * ((port.bits.size() + 31) / 32));
    for (std::uint32_t& word : stream.words) word = static_cast<std::uint32_t>(random());
    stimulus.ports.push_back(std::move(stream));
  }
  return stimulus;
}

}  // namespace bitsmith
