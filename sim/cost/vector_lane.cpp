#include "cost/vector_lane.h"

#include <algorithm>
#include <bit>

#include "common/error.h"
#include "common/file.h"
#include "numerics/random_tensor.h"

namespace bitsmith {
namespace {

constexpr std::uint64_t kWarmUp = 20;

std::uint32_t sign_of(FloatLayout layout) { return std::uint32_t{1} << (layout.bits() - 1); }

std::uint32_t nan_of(FloatLayout layout) {
  const std::uint32_t exponent = (std::uint32_t{1} << layout.exponent_bits) - 1;
  return (2 * exponent + 1) << (layout.mantissa_bits - 1);
}

bool is_nan(FloatLayout layout, std::uint32_t code) {
  const std::uint32_t magnitude = code & (sign_of(layout) - 1);
  const std::uint32_t exponent = (std::uint32_t{1} << layout.exponent_bits) - 1;
  return magnitude > exponent << layout.mantissa_bits;
}

// In the order of values: -0 is -1, +0 is 0.
std::int64_t rank_of(FloatLayout layout, std::uint32_t code) {
  const std::int64_t magnitude = code & (sign_of(layout) - 1);
  return (code & sign_of(layout)) != 0 ? -magnitude - 1 : magnitude;
}

std::uint32_t maximum(FloatLayout layout, std::uint32_t a, std::uint32_t b) {
  if (is_nan(layout, a) || is_nan(layout, b)) return nan_of(layout);
  return rank_of(layout, a) >= rank_of(layout, b) ? a : b;
}

// FP32 cut to a layout with the same exponents, or all of it.
std::uint32_t code_of(FloatLayout layout, float value) {
  return std::bit_cast<std::uint32_t>(value) >> (kFloat32.mantissa_bits - layout.mantissa_bits);
}

EnergyRecord measure(const ModuleEnergy& lane, std::span<const LaneInput> inputs,
                     double period_ps) {
  return lane.measure(lane_stimulus(inputs), kWarmUp, period_ps);
}

// What the outputs of a lane without accumulation are, from the first cycle of results on.
std::vector<GateOutput> expected_outputs(FloatLayout layout, const GateNetlist& netlist,
                                         std::span<const LaneInput> inputs, std::uint64_t cycles) {
  const std::vector<std::uint32_t> results = lane_results(layout, inputs);
  std::vector<GateOutput> outputs;
  for (const auto& port : netlist.ports) {
    if (port.is_input) continue;
    const std::size_t bits = port.bits.size();
    outputs.push_back({port.name, std::vector<std::string>(cycles, std::string(bits, 'x'))});
    if (port.name != "result_o") continue;
    for (std::size_t i = 0; i < results.size(); ++i) {
      std::string& value = outputs.back().values[GateStimulus::kResetCycles + i + kLaneLatency + 1];
      for (std::size_t bit = 0; bit < bits; ++bit) {
        value[bits - 1 - bit] = (results[i] >> bit & 1) != 0 ? '1' : '0';
      }
    }
  }
  return outputs;
}

}  // namespace

RtlModule vector_lane_module(FloatLayout layout) {
  check(layout.specials == Specials::ieee, "a vector lane of a layout that is not IEEE 754's");
  RtlModule module;
  for (const char* source :
       {"common/lzc.sv", "common/increment.sv", "common/shift_right_sticky.sv",
        "common/fp_unpack.sv", "common/fp_mul.sv", "common/fp_add_align.sv",
        "common/fp_add_finish.sv", "common/fp_add.sv", "vector/vector_lane.sv"}) {
    module.sources.push_back(home_folder() / "rtl" / source);
  }
  module.name = "vector_lane";
  module.parameters = {{"ExpBits", layout.exponent_bits}, {"ManBits", layout.mantissa_bits}};
  return module;
}

std::vector<std::uint32_t> lane_results(FloatLayout layout, std::span<const LaneInput> inputs) {
  check(inputs.empty() || !inputs.front().accumulate, "a lane has no result before its first");
  std::vector<std::uint32_t> results;
  for (const LaneInput& input : inputs) {
    const std::uint32_t c = input.accumulate ? results.back() : input.c;
    const auto product = [&] { return float_multiply(layout, input.a, layout, input.b, layout); };
    switch (input.operation) {
      case LaneOperation::add:
        results.push_back(float_add(layout, input.a, c));
        break;
      case LaneOperation::multiply:
        results.push_back(product());
        break;
      case LaneOperation::multiply_add:
        results.push_back(float_add(layout, product(), c));
        break;
      case LaneOperation::maximum:
        results.push_back(maximum(layout, input.a, c));
        break;
    }
  }
  return results;
}

GateStimulus lane_stimulus(std::span<const LaneInput> inputs) {
  GateStimulus stimulus;
  stimulus.cycles = GateStimulus::kResetCycles + inputs.size() + kLaneLatency + 2;
  const auto port = [&](const char* name, auto&& value_of) {
    std::vector<std::uint32_t> words(stimulus.cycles, 0);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      words[GateStimulus::kResetCycles + i] = value_of(inputs[i]);
    }
    stimulus.ports.push_back({name, std::move(words)});
  };
  stimulus.ports.push_back({"en_i", std::vector<std::uint32_t>(stimulus.cycles, 1)});
  port("valid_i", [](const LaneInput&) { return 1U; });
  port("op_i", [](const LaneInput& input) { return static_cast<std::uint32_t>(input.operation); });
  port("accumulate_i", [](const LaneInput& input) { return input.accumulate ? 1U : 0U; });
  port("a_i", [](const LaneInput& input) { return input.a; });
  port("b_i", [](const LaneInput& input) { return input.b; });
  port("c_i", [](const LaneInput& input) { return input.c; });
  return stimulus;
}

std::vector<LaneInput> normal_lane_inputs(FloatLayout layout, LaneOperation operation,
                                          bool accumulate, std::uint64_t count,
                                          std::uint64_t seed) {
  check(layout.exponent_bits == kFloat32.exponent_bits, "normal operands of another range");
  std::vector<float> values(3 * count);
  fill_tile({.seed = seed}, {0, 0, count, 3}, values);
  std::vector<LaneInput> inputs(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    inputs[i] = {operation, accumulate && i > 0, code_of(layout, values[3 * i]),
                 code_of(layout, values[3 * i + 1]), code_of(layout, values[3 * i + 2])};
  }
  return inputs;
}

LaneEnergy lane_energy(const ModuleEnergy& lane, FloatLayout layout, std::uint64_t cycles,
                       double period_ps) {
  LaneEnergy energy;
  for (std::size_t i = 0; i < energy.operations.size(); ++i) {
    const auto operation = static_cast<LaneOperation>(i);
    const auto inputs = [&](bool accumulate) {
      return normal_lane_inputs(layout, operation, accumulate, cycles + kWarmUp, i + 1);
    };
    energy.operations[i].apart = measure(lane, inputs(false), period_ps);
    // A product alone has nothing to accumulate in.
    energy.operations[i].accumulated = operation == LaneOperation::multiply
                                           ? energy.operations[i].apart
                                           : measure(lane, inputs(true), period_ps);
  }
  GateStimulus idle;
  idle.cycles = cycles + kWarmUp;
  idle.ports.push_back({"en_i", std::vector<std::uint32_t>(idle.cycles, 1)});
  energy.idle = lane.measure(idle, kWarmUp, period_ps);
  return energy;
}

ModuleRecord vector_lane_record(const GenericNetlist& netlist, const SynthesisOptions& options,
                                const LibertyLibrary& library) {
  constexpr std::uint64_t kMeasured = 256, kIdle = 32;
  const ModuleEnergy lane(map_module(netlist, options, library), library);
  const std::vector<LaneInput> inputs =
      normal_lane_inputs(kFloat32, LaneOperation::multiply_add, false, kWarmUp + kMeasured, 1);
  GateStimulus stimulus = lane_stimulus(inputs);
  const std::uint64_t last_result = stimulus.cycles;
  stimulus.cycles += kIdle;
  for (GateStimulus::Port& port : stimulus.ports) {
    port.words.resize(stimulus.cycles, port.name == "en_i" ? 1 : 0);
  }
  constexpr std::uint8_t kOperation = 0, kNothing = 1, kNotMeasured = 2;
  std::vector<std::uint8_t> windows(stimulus.cycles, kNotMeasured);
  const auto first = windows.begin() + GateStimulus::kResetCycles + kWarmUp;
  std::fill(first, first + kMeasured, kOperation);
  std::fill(windows.begin() + static_cast<std::ptrdiff_t>(last_result), windows.end(), kNothing);
  ModuleRecord record;
  record.cost = lane.cost();
  record.energy_period_ps = std::max(options.period_ps, lane.cost().critical_path_ps);
  const auto measured =
      lane.measure(stimulus, windows, 2, record.energy_period_ps,
                   expected_outputs(kFloat32, lane.netlist(), inputs, stimulus.cycles));
  record.energies.at(OperandClass::normal, PeCycleClass::mac) = measured[kOperation];
  record.energies.at(OperandClass::normal, PeCycleClass::idle) = measured[kNothing];
  return record;
}

}  // namespace bitsmith
