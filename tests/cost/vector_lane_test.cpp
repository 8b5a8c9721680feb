#include "cost/vector_lane.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "common/error.h"
#include "cost/liberty.h"

namespace bitsmith {
namespace {

constexpr FloatLayout kBf16{8, 7, Specials::ieee};
// Input of cycle j is taken by edge j + 1 and its result is there after edge j + 3.
constexpr std::size_t kCyclesToResult = kLaneLatency + 1;

std::uint32_t code(float value) { return std::bit_cast<std::uint32_t>(value); }

// Numbers of all sizes and, in every fourth place, what is special.
std::vector<LaneInput> mixed_inputs(FloatLayout layout, std::size_t count) {
  std::mt19937 generator(7);
  const auto random = [&] { return static_cast<std::uint32_t>(generator()); };
  const int cut = kFloat32.mantissa_bits - layout.mantissa_bits;
  constexpr std::array<std::uint32_t, 9> kCorners = {0,          0x80000000, 0x7F800000,
                                                     0xFF800000, 0x7FC00000, 0x00010000,
                                                     0x80010000, 0x7F7F0000, 0x3F800000};
  const auto operand = [&]() -> std::uint32_t {
    if (random() % 4 == 0) return kCorners[random() % kCorners.size()] >> cut;
    // Near 1, so that sums cancel and round.
    return ((random() & 0x807FFFFF) | (std::uint32_t{120} + random() % 16) << 23) >> cut;
  };
  std::vector<LaneInput> inputs(count);
  for (std::size_t i = 0; i < count; ++i) {
    inputs[i] = {static_cast<LaneOperation>(random() % 4), i > 0 && random() % 2 == 0, operand(),
                 operand(), operand()};
  }
  return inputs;
}

ModuleEnergy mapped_lane(FloatLayout layout, const LibertyLibrary& library) {
  return {map_module(vector_lane_module(layout), {default_liberty()}, library), library};
}

// The host's FP32 is IEEE 754's.
TEST(VectorLane, ResultsAreThoseOfIeee754) {
  std::mt19937 generator(1);
  const auto random = [&] { return static_cast<std::uint32_t>(generator()); };
  std::vector<LaneInput> inputs;
  for (int i = 0; i < 4000; ++i) {
    const auto number = [&] {
      return ((random() & 0x807FFFFF) | (std::uint32_t{100} + random() % 56) << 23);
    };
    inputs.push_back({static_cast<LaneOperation>(i % 4), false, number(), number(), number()});
  }
  const std::vector<std::uint32_t> results = lane_results(kFloat32, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto a = std::bit_cast<float>(inputs[i].a), b = std::bit_cast<float>(inputs[i].b),
               c = std::bit_cast<float>(inputs[i].c);
    const float product = a * b;
    const std::array<float, 4> expected = {a + c, product, product + c, std::max(a, c)};
    ASSERT_EQ(results[i], code(expected[i % 4])) << i;
  }
}

TEST(VectorLane, ZerosInfinitiesAndNanInAMaximum) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto maximum = [](float a, float c) {
    const LaneInput input{LaneOperation::maximum, false, code(a), 0, code(c)};
    return lane_results(kFloat32, {&input, 1}).front();
  };
  EXPECT_EQ(maximum(-0.0F, 0.0F), code(0.0F));
  EXPECT_EQ(maximum(0.0F, -0.0F), code(0.0F));
  EXPECT_EQ(maximum(-1.0F, -2.0F), code(-1.0F));
  EXPECT_EQ(maximum(-infinity, -3.0F), code(-3.0F));
  EXPECT_EQ(maximum(infinity, std::nanf("1")), 0x7FC00000U);
  EXPECT_EQ(maximum(-std::nanf("1"), 1.0F), 0x7FC00000U);
}

TEST(VectorLane, AccumulatesARow) {
  std::vector<LaneInput> inputs;
  for (const float x : {3.0F, -1.0F, 2.5F}) {
    inputs.push_back({LaneOperation::multiply_add, !inputs.empty(), code(x), code(x), 0});
  }
  for (const float x : {3.0F, -1.0F, 20.0F}) {
    inputs.push_back({LaneOperation::maximum, true, code(x), 0, 0});
  }
  const auto results = lane_results(kFloat32, inputs);
  EXPECT_EQ(results[2], code(16.25F));  // 9 + 1 + 6.25
  EXPECT_EQ(results[4], code(16.25F));
  EXPECT_EQ(results[5], code(20.0F));
  inputs.front().accumulate = true;
  EXPECT_THROW(lane_results(kFloat32, inputs), InternalError);
}

// Compares every result of the gates, with delays, at the shortest period, bit for bit.
void expect_golden_results(const ModuleEnergy& lane, FloatLayout layout, std::size_t count) {
  const std::vector<LaneInput> inputs = mixed_inputs(layout, count);
  const std::vector<std::uint32_t> expected = lane_results(layout, inputs);
  const std::vector<GateOutput> outputs =
      GateSimulation(lane.netlist(), lane.timing())
          .run(lane_stimulus(inputs),
               {lane.cost().critical_path_ps, lane.timing().clock_to_output_ps(lane.netlist())},
               [](const GateToggle&) {});
  std::size_t compared = 0;
  for (const GateOutput& output : outputs) {
    if (output.name != "result_o") continue;
    for (std::size_t i = 0; i < inputs.size(); ++i, ++compared) {
      std::string bits;
      for (int bit = layout.bits() - 1; bit >= 0; --bit) {
        bits += (expected[i] >> bit & 1) != 0 ? '1' : '0';
      }
      ASSERT_EQ(output.values[GateStimulus::kResetCycles + i + kCyclesToResult], bits)
          << layout.bits() << " bits, input " << i << ", "
          << kLaneOperationNames[static_cast<std::size_t>(inputs[i].operation)];
    }
  }
  EXPECT_EQ(compared, inputs.size());
}

void expect_area(const ModuleEnergy& lane, double area_um2, double critical_path_ps) {
  EXPECT_NEAR(lane.cost().area_um2, area_um2, 0.01 * area_um2);
  EXPECT_NEAR(lane.cost().critical_path_ps, critical_path_ps, 0.03 * critical_path_ps);
}

// Here and below the figures of sim/cost/README.md.
TEST(VectorLane, Bf16GatesGiveTheGoldenResults) {
  const LibertyLibrary library = read_liberty(default_liberty());
  const ModuleEnergy lane = mapped_lane(kBf16, library);
  expect_golden_results(lane, kBf16, 1000);
  expect_area(lane, 74631, 6354);
  const LaneEnergy energy = lane_energy(lane, kBf16, 100, 20000);
  // pJ: apart, accumulated.
  constexpr std::array<std::array<double, 2>, 4> kFigures = {
      {{120.6, 100.4}, {170.7, 170.7}, {183.0, 141.0}, {119.7, 67.2}}};
  for (std::size_t i = 0; i < kFigures.size(); ++i) {
    EXPECT_NEAR(*energy.operations[i].apart.pj_per_cycle(), kFigures[i][0], 0.03 * kFigures[i][0])
        << kLaneOperationNames[i];
    EXPECT_NEAR(*energy.operations[i].accumulated.pj_per_cycle(), kFigures[i][1],
                0.03 * kFigures[i][1])
        << kLaneOperationNames[i];
  }
  EXPECT_NEAR(*energy.idle.pj_per_cycle(), 25.5, 0.03 * 25.5);
}

TEST(VectorLane, Fp32GatesGiveTheGoldenResults) {
  const LibertyLibrary library = read_liberty(default_liberty());
  const ModuleEnergy lane = mapped_lane(kFloat32, library);
  expect_golden_results(lane, kFloat32, 100);
  expect_area(lane, 246094, 11850);
  const auto pj = [&](LaneOperation operation, bool accumulate) {
    const auto inputs = normal_lane_inputs(kFloat32, operation, accumulate, 120,
                                           static_cast<std::uint64_t>(operation) + 1);
    return *lane.measure(lane_stimulus(inputs), 20, 20000).pj_per_cycle();
  };
  EXPECT_NEAR(pj(LaneOperation::add, true), 277.9, 0.03 * 277.9);
  EXPECT_NEAR(pj(LaneOperation::multiply, false), 789.1, 0.03 * 789.1);
}

// Its results were compared on the way.
TEST(VectorLane, ARecordHasTheDearestOperationAndIdleCycles) {
  const LibertyLibrary library = read_liberty(default_liberty());
  const ModuleRecord record =
      vector_lane_record(generic_netlist(vector_lane_module()), {default_liberty()}, library);
  const auto pj = [&](PeCycleClass cycle) {
    return dynamic_pj(*record.energies.at(OperandClass::normal, cycle));
  };
  EXPECT_NEAR(record.cost.area_um2, 246094, 2461);
  EXPECT_EQ(record.energy_period_ps, record.cost.critical_path_ps);  // above 5000 ps
  // More than its product alone, less than product and sum apart (Fp32GatesGiveTheGoldenResults).
  EXPECT_GT(pj(PeCycleClass::mac), 789.1);
  EXPECT_LT(pj(PeCycleClass::mac), 789.1 + 277.9);
  EXPECT_NEAR(pj(PeCycleClass::idle), 49.1, 0.03 * 49.1);
  EXPECT_FALSE(record.energies.at(OperandClass::llm, PeCycleClass::mac));
}

}  // namespace
}  // namespace bitsmith
