// One lane of the vector unit (rtl/vector/vector_lane.sv) as hardware: what to synthesise, and what
// its gates take per operation. What a pass of the system model asks of it: sim/cost/README.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cost/energy.h"
#include "cost/module_record.h"
#include "numerics/float_arithmetic.h"

namespace bitsmith {

// By code of port op_i.
enum class LaneOperation { add, multiply, multiply_add, maximum };
inline constexpr std::array<std::string_view, 4> kLaneOperationNames = {"add", "multiply",
                                                                        "multiply_add", "maximum"};

// What enters a lane in one cycle: `c`, or in its place the result before where `accumulate`.
struct LaneInput {
  LaneOperation operation = LaneOperation::add;
  bool accumulate = false;
  std::uint32_t a = 0, b = 0, c = 0;
};

// Enabled edges from the one that takes an input to the one after which its result is there.
inline constexpr std::uint64_t kLaneLatency = 2;

// Of an IEEE layout (else InternalError): kFloat32, or BF16's.
RtlModule vector_lane_module(FloatLayout layout = kFloat32);

// The results of a row of inputs, bit for bit: sums and products rounded to nearest even, a product
// before it is added to; NaN in a maximum gives the canonical NaN, and +0 is above -0. The first
// input must not accumulate.
std::vector<std::uint32_t> lane_results(FloatLayout layout, std::span<const LaneInput> inputs);

// An input in each cycle after those of reset, from the first on; what a lane does not take is 0.
GateStimulus lane_stimulus(std::span<const LaneInput> inputs);

// One operation over and over; all three operands are of the standard normal distribution, used or
// not.
std::vector<LaneInput> normal_lane_inputs(FloatLayout layout, LaneOperation operation,
                                          bool accumulate, std::uint64_t count, std::uint64_t seed);

// Energy of one lane per cycle of each operation, leakage included, under normal operands; `idle`:
// enabled without an input.
struct LaneEnergy {
  struct Operation {
    EnergyRecord apart;        // with an operand of its own
    EnergyRecord accumulated;  // with the result before: sums and maxima of rows
  };
  std::array<Operation, kLaneOperationNames.size()> operations;
  EnergyRecord idle;
};
LaneEnergy lane_energy(const ModuleEnergy& lane, FloatLayout layout, std::uint64_t cycles,
                       double period_ps);

// What a technology keeps of an FP32 lane: under `normal`, `mac` is a cycle with a multiply_add of
// operands of its own, the dearest operation, and `idle` one without an input. Its results are
// those of lane_results(), or InternalError. `netlist` is of vector_lane_module().
ModuleRecord vector_lane_record(const GenericNetlist& netlist, const SynthesisOptions& options,
                                const LibertyLibrary& library);

}  // namespace bitsmith
