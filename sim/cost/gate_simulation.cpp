#include "cost/gate_simulation.h"

#include <algorithm>
#include <cmath>
#include <queue>

#include "common/error.h"
#include "common/interrupt.h"

namespace bitsmith {
namespace {

using Net = GateNetlist::Net;
constexpr std::string_view kClock = "clk_i";
constexpr std::string_view kReset = "rst_ni";
constexpr double kFsPerPs = 1000;

std::uint64_t fs_of(double ps) { return static_cast<std::uint64_t>(std::llround(ps * kFsPerPs)); }
std::size_t words_of(std::size_t bits) { return (bits + 31) / 32; }

// An input bit of the module and where its values come from.
struct Source {
  Net net;
  const GateStimulus::Port* port = nullptr;  // none: 0, or the reset
  std::size_t bit = 0;
  bool is_reset = false;
};

void check_stimulus(const GateNetlist& netlist, const GateStimulus& stimulus) {
  Diagnostics diagnostics;
  for (const GateStimulus::Port& stream : stimulus.ports) {
    const GateNetlist::Port* port = netlist.find_port(stream.name);
    if (port == nullptr || !port->is_input || port->name == kClock) {
      diagnostics.add({"stimulus"}, fmt::format("'{}' is no input of the module", stream.name));
    } else if (stream.words.size() != stimulus.cycles * words_of(port->bits.size())) {
      diagnostics.add({"stimulus"}, fmt::format("port '{}': {} words, expected {} cycles of {}",
                                                stream.name, stream.words.size(), stimulus.cycles,
                                                words_of(port->bits.size())));
    }
  }
  diagnostics.throw_if_any();
}

std::vector<Source> sources_of(const GateNetlist& netlist, const GateStimulus& stimulus) {
  std::vector<Source> sources;
  for (const GateNetlist::Port& port : netlist.ports) {
    if (!port.is_input || port.name == kClock) continue;
    const GateStimulus::Port* stream = nullptr;
    for (const GateStimulus::Port& candidate : stimulus.ports) {
      if (candidate.name == port.name) stream = &candidate;
    }
    for (std::size_t bit = 0; bit < port.bits.size(); ++bit) {
      sources.push_back({port.bits[bit], stream, bit, stream == nullptr && port.name == kReset});
    }
  }
  return sources;
}

bool value_of(const Source& source, std::uint64_t cycle, const GateStimulus& stimulus) {
  if (source.is_reset) return cycle >= GateStimulus::kResetCycles;
  if (source.port == nullptr) return false;
  const std::size_t words = source.port->words.size() / stimulus.cycles;
  const std::uint32_t word = source.port->words[cycle * words + source.bit / 32];
  return (word >> source.bit % 32 & 1U) != 0;
}

}  // namespace

GateSimulation::GateSimulation(const GateNetlist& netlist, const GateTiming& timing)
    : netlist_(netlist), timing_(timing) {
  for (const GateNetlist::Cell& cell : netlist.cells) add_gate(cell);
  add_sinks();
  add_paths();
}

void GateSimulation::add_gate(const GateNetlist::Cell& cell) {
  const auto found = functions_.find(cell.type);
  const CellFunction& function =
      found != functions_.end()
          ? found->second
          : functions_.emplace(cell.type, cell_function(*cell.type)).first->second;
  Gate gate{&function, inputs_, static_cast<std::uint32_t>(outputs_.size()), 0};
  for (const CellFunction::Output& output : function.outputs) {
    outputs_.push_back(
        {static_cast<std::uint32_t>(gates_.size()), cell.pins[output.pin], &output.value, 0, 0});
  }
  gate.end_output = static_cast<std::uint32_t>(outputs_.size());
  inputs_ += static_cast<std::uint32_t>(function.inputs.size());
  gates_.push_back(gate);
}

void GateSimulation::add_sinks() {
  std::vector<std::vector<Sink>> of_net(netlist_.nets);
  for (std::uint32_t gate = 0; gate < gates_.size(); ++gate) {
    const auto& inputs = gates_[gate].function->inputs;
    for (std::uint32_t bit = 0; bit < inputs.size(); ++bit)
      of_net[netlist_.cells[gate].pins[inputs[bit]]].push_back({gate, bit});
  }
  for (const std::vector<Sink>& sinks : of_net) {
    first_sink_.push_back(static_cast<std::uint32_t>(sinks_.size()));
    sinks_.insert(sinks_.end(), sinks.begin(), sinks.end());
  }
  first_sink_.push_back(static_cast<std::uint32_t>(sinks_.size()));
}

void GateSimulation::add_paths() {
  std::vector<std::vector<Path>> of_output(outputs_.size());
  for (const GateTiming::Path& path : timing_.paths) {
    const Gate& gate = gates_[path.cell];
    const auto& inputs = gate.function->inputs;
    const auto input = std::find(inputs.begin(), inputs.end(), path.input) - inputs.begin();
    std::uint32_t output = gate.first_output;
    while (gate.function->outputs[output - gate.first_output].pin != path.output) ++output;
    of_output[output].push_back({gate.first_input + static_cast<std::uint32_t>(input),
                                 fs_of(path.rise_ps), fs_of(path.fall_ps)});
  }
  for (std::size_t output = 0; output < outputs_.size(); ++output) {
    outputs_[output].first_path = static_cast<std::uint32_t>(paths_.size());
    paths_.insert(paths_.end(), of_output[output].begin(), of_output[output].end());
    outputs_[output].end_path = static_cast<std::uint32_t>(paths_.size());
  }
}

// The state of all nets and gates, and what is to happen.
class GateSimulation::Run {
 public:
  Run(const GateSimulation& gates, const std::function<void(const GateToggle&)>& on_toggle)
      : gates_(gates),
        on_toggle_(on_toggle),
        nets_(gates.netlist_.nets),
        index_(gates.gates_.size()),
        clock_(gates.gates_.size()),
        is_dirty_(gates.gates_.size()),
        values_(gates.outputs_.size()),
        changed_(gates.inputs_) {}

  bool value(Net net) const { return nets_[net] != 0; }

  // Everything as it is long after `inputs` were applied, without delays and toggles.
  void settle(const std::vector<std::pair<Net, bool>>& inputs) {
    for (std::uint32_t gate = 0; gate < index_.size(); ++gate) {
      const CellFunction& function = *gates_.gates_[gate].function;
      if (function.state) set_state(gate, function.state->first, !function.state->first);
      mark(gate);
    }
    set(1, true);
    for (const auto& [net, value] : inputs) set(net, value);
    // Registers see values only when all have settled, among them those of clear and preset.
    do {
      settle_outputs();
      for (std::uint32_t gate = 0; gate < index_.size(); ++gate) {
        const std::uint32_t before = index_[gate];
        update_state(gate);
        if (index_[gate] != before) mark(gate);
      }
    } while (!dirty_.empty());
    running_ = true;
  }

  // All that happens before `end`.
  void run_until(std::uint64_t end) {
    while (!events_.empty() && events_.top().first < end) {
      now_ = events_.top().first;
      happen();
    }
  }

  // Inputs change at `time`, before which everything has happened.
  template <typename Inputs>
  void change_inputs(std::uint64_t time, const Inputs& inputs) {
    now_ = time;
    inputs([&](Net net, bool value) { set(net, value); });
    happen();
  }

 private:
  using Event = std::pair<std::uint64_t, std::uint32_t>;  // time, output

  void mark(std::uint32_t gate) {
    if (is_dirty_[gate] != 0) return;
    is_dirty_[gate] = 1;
    dirty_.push_back(gate);
  }

  void settle_outputs() {
    while (!dirty_.empty()) {
      const std::uint32_t gate = dirty_.back();
      dirty_.pop_back();
      is_dirty_[gate] = 0;
      for_changed_outputs(gate, [&](std::uint32_t output) {
        set(gates_.outputs_[output].net, values_[output] != 0);
      });
    }
  }

  void set(Net net, bool value) {
    if ((nets_[net] != 0) == value) return;
    nets_[net] = value ? 1 : 0;
    if (running_) on_toggle_({net, value, now_});
    for (std::uint32_t i = gates_.first_sink_[net]; i < gates_.first_sink_[net + 1]; ++i) {
      const Sink& sink = gates_.sinks_[i];
      index_[sink.gate] ^= std::uint32_t{1} << sink.bit;
      changed_[gates_.gates_[sink.gate].first_input + sink.bit] = now_;
      mark(sink.gate);
    }
  }

  // What is due now; gates see all of it at once.
  void happen() {
    while (!events_.empty() && events_.top().first == now_) {
      const std::uint32_t output = events_.top().second;
      events_.pop();
      set(gates_.outputs_[output].net, values_[output] != 0);
    }
    for (const std::uint32_t gate : dirty_) {
      is_dirty_[gate] = 0;
      update_state(gate);
      for_changed_outputs(gate, [&](std::uint32_t output) {
        events_.emplace(due(gates_.outputs_[output], values_[output] != 0), output);
      });
    }
    dirty_.clear();
  }

  // Calls visit(output) where the function's value is another, which it is set to before.
  template <typename Visit>
  void for_changed_outputs(std::uint32_t gate, Visit visit) {
    const Gate& of = gates_.gates_[gate];
    for (std::uint32_t output = of.first_output; output < of.end_output; ++output) {
      const std::uint8_t value = gates_.outputs_[output].value->at(index_[gate]) ? 1 : 0;
      if (value == values_[output]) continue;
      values_[output] = value;
      visit(output);
    }
  }

  std::uint64_t due(const Output& output, bool rises) const {
    std::uint64_t latest = 0, time = now_;
    for (std::uint32_t i = output.first_path; i < output.end_path; ++i) {
      const Path& path = gates_.paths_[i];
      const std::uint64_t changed = changed_[path.input];
      const std::uint64_t arrives = changed + (rises ? path.rise_fs : path.fall_fs);
      if (i == output.first_path || changed > latest) {
        latest = changed;
        time = arrives;
      } else if (changed == latest) {
        time = std::min(time, arrives);
      }
    }
    return std::max(time, now_);
  }

  void set_state(std::uint32_t gate, bool state, bool inverse) {
    const CellFunction& function = *gates_.gates_[gate].function;
    const std::uint32_t both = std::uint32_t{3} << function.state_bit();
    index_[gate] = (index_[gate] & ~both) | std::uint32_t{state} << function.state_bit() |
                   std::uint32_t{inverse} << function.inverse_bit();
  }

  void update_state(std::uint32_t gate) {
    const CellFunction& function = *gates_.gates_[gate].function;
    if (!function.state) return;
    const StateFunction& state = *function.state;
    const std::uint32_t index = index_[gate];
    const bool clock = state.clock.at(index);
    const bool rises = clock && clock_[gate] == 0 && running_;
    clock_[gate] = clock ? 1 : 0;
    const bool clear = state.clear.at(index), preset = state.preset.at(index);
    if (clear && preset) {
      const auto forced = [&](char value, std::uint32_t bit) {
        if (value == 'n') return (index >> bit & 1U) != 0;
        if (value != 'x') return value == '1';
        throw UserError(fmt::format(
            "clear and preset of a '{}' are on together, which its library does not define",
            gates_.netlist_.cells[gate].type->name));
      };
      set_state(gate, forced(state.both_state, function.state_bit()),
                forced(state.both_inverse, function.inverse_bit()));
    } else if (clear || preset) {
      set_state(gate, preset, clear);
    } else if (state.is_latch ? clock : rises) {
      const bool data = state.data.at(index);
      set_state(gate, data, !data);
    }
  }

  const GateSimulation& gates_;
  const std::function<void(const GateToggle&)>& on_toggle_;
  std::vector<std::uint8_t> nets_;
  std::vector<std::uint32_t> index_;    // by gate, into its tables
  std::vector<std::uint8_t> clock_;     // by gate
  std::vector<std::uint8_t> is_dirty_;  // by gate: has inputs that changed now
  std::vector<std::uint32_t> dirty_;
  std::vector<std::uint8_t> values_;    // by output: of its function, which the net follows
  std::vector<std::uint64_t> changed_;  // by input: when
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t now_ = 0;
  bool running_ = false;
};

std::vector<GateOutput> GateSimulation::run(
    const GateStimulus& stimulus, const GateSimulationOptions& options,
    const std::function<void(const GateToggle&)>& on_toggle) const {
  check_stimulus(netlist_, stimulus);
  check(stimulus.cycles > 0, "there are cycles to simulate");
  const std::uint64_t period = fs_of(options.period_ps), arrival = fs_of(options.input_arrival_ps);
  check(arrival < period, "inputs change in the cycle they are of");
  const std::vector<Source> sources = sources_of(netlist_, stimulus);
  const GateNetlist::Port* clock = netlist_.find_port(kClock);
  std::vector<GateOutput> outputs;
  std::vector<const GateNetlist::Port*> ports;
  for (const GateNetlist::Port& port : netlist_.ports) {
    if (port.is_input || port.bits.empty()) continue;
    outputs.push_back({port.name, {}});
    ports.push_back(&port);
  }

  Run run(*this, on_toggle);
  std::vector<std::pair<Net, bool>> first;
  for (const Source& source : sources)
    first.emplace_back(source.net, value_of(source, 0, stimulus));
  run.settle(first);
  const auto clock_to = [&](std::uint64_t time, bool value) {
    run.run_until(time);
    run.change_inputs(time, [&](auto set) {
      if (clock != nullptr) set(clock->bits.at(0), value);
    });
  };
  const auto inputs_of = [&](std::uint64_t time, std::uint64_t cycle) {
    run.run_until(time);
    run.change_inputs(time, [&](auto set) {
      for (const Source& source : sources) set(source.net, value_of(source, cycle, stimulus));
    });
  };
  for (std::uint64_t cycle = 0; cycle < stimulus.cycles; ++cycle) {
    throw_if_interrupted();
    const std::uint64_t edge = (cycle + 1) * period;
    clock_to(edge, true);
    if (arrival <= period / 2) inputs_of(edge + arrival, cycle);
    clock_to(edge + period / 2, false);
    if (arrival > period / 2) inputs_of(edge + arrival, cycle);
    run.run_until(edge + period);
    for (std::size_t i = 0; i < ports.size(); ++i) {
      std::string digits;
      for (auto net = ports[i]->bits.rbegin(); net != ports[i]->bits.rend(); ++net)
        digits += run.value(*net) ? '1' : '0';
      outputs[i].values.push_back(std::move(digits));
    }
  }
  return outputs;
}

}  // namespace bitsmith
