#include "cost/module_characterisation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"
#include "cost/record_making.h"
#include "cost/trace_energy.h"
#include "inference/recorded_trace.h"
#include "numerics/pack.h"
#include "pe/lut_tensor_core/design.h"
#include "pe/mixpe/design.h"
#include "pe/registry.h"
#include "pe/systolic/design.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;

systolic::Params int8_array(std::uint32_t side) {
  systolic::Params params;
  params.rows = params.cols = side;
  params.clock_gating = systolic::ClockGating::idle;
  return params;
}

double pj(const std::optional<EnergyRecord>& record) {
  return record && record->pj_per_cycle() ? *record->pj_per_cycle() : NAN;
}
double pj(const CycleEnergies& energies, PeCycleClass cycle) {
  return pj(energies[static_cast<std::size_t>(cycle)]);
}
double deviation(double predicted, double measured) { return predicted / measured - 1; }

// ---- operands

OperandViews views(const OperandTile& tile, std::uint32_t m, std::uint32_t n, std::uint64_t k) {
  return {{tile.a.data(), m, k, k}, {tile.w.data(), k, n, n}};
}

TEST(OperandTiles, ASampleIsNearestToItsOwnClass) {
  mixpe::Params fp16;
  fp16.activation = find_format("fp16");
  const systolic::Design integers(int8_array(4));
  const mixpe::Design floats(fp16);
  for (const Design* design :
       {static_cast<const Design*>(&integers), static_cast<const Design*>(&floats)}) {
    for (std::size_t i = 0; i < kOperandClasses; ++i) {
      const auto operands = static_cast<OperandClass>(i);
      // 16-bit floating point has no scale that outliers could spoil: the class is `normal` there.
      if (design == &floats && operands == OperandClass::llm) continue;
      const OperandTile tile = operand_tiles(*design, operands, 77)(8, 8, 1024);
      EXPECT_EQ(nearest_class(*design, views(tile, 8, 8, 1024)), operands)
          << design->id() << " " << kOperandClassNames[i];
    }
  }
}

TEST(OperandTiles, StatisticsByHand) {
  const systolic::Design design(int8_array(4));
  const std::vector<std::uint16_t> a = {0x00, 0xff, 0x0f, 0x00};  // 8 + 4 + 4 of 24 bits
  const std::vector<std::uint16_t> w = {1, 0, 1, 1, 1, 0, 1, 1};  // [4][2]: 1 1 1 1 and 0 1 0 1
  const OperandCodeStatistics statistics =
      code_statistics(design, {{a.data(), 1, 4, 4}, {w.data(), 4, 2, 2}});
  EXPECT_DOUBLE_EQ(statistics.a.zeros, 0.5);
  EXPECT_DOUBLE_EQ(statistics.a.toggles, 16.0 / 24);
  EXPECT_DOUBLE_EQ(statistics.w.zeros, 0.25);
  EXPECT_DOUBLE_EQ(statistics.w.toggles, 3.0 / 48);
}

TEST(OperandTiles, ZeroIsZeroAndSeedsDiffer) {
  const mixpe::Design design({});
  const OperandTile zero = operand_tiles(design, OperandClass::zero, 1)(3, 2, 128);
  EXPECT_EQ(zero.s.size(), design.scale_rows(128) * 2);
  for (const auto* codes : {&zero.a, &zero.w, &zero.s})
    EXPECT_EQ(std::accumulate(codes->begin(), codes->end(), 0U), 0U);
  for (const auto operands : {OperandClass::uniform, OperandClass::normal, OperandClass::llm}) {
    const OperandTiles tiles = operand_tiles(design, operands, 1);
    const OperandTile first = tiles(3, 2, 128);
    EXPECT_NE(tiles(3, 2, 128).a, first.a);
    EXPECT_EQ(operand_tiles(design, operands, 1)(3, 2, 128).a, first.a);
    EXPECT_NE(operand_tiles(design, operands, 2)(3, 2, 128).a, first.a);
  }
}

// Operands of a model that was trained, for a text.
struct RecordedTrace {
  TemporaryFolder folder{fs::temp_directory_path()};
  Trace trace{record(folder.path() / "trace")};

  static fs::path record(const fs::path& file) {
    constexpr std::size_t kTokens = 32;
    const fs::path trained = home_folder() / "workloads/trained/bytes-llama";
    const ImportedModel imported = import_model(trained.string());
    const std::string text = read_file(trained / "held_out.txt", 1 << 24);
    const std::vector<std::uint32_t> tokens(text.begin(), text.begin() + kTokens);
    record_trace(Llama(imported), tokens, "held out",
                 load_quantization(home_folder() / "configs/quant/w8a8.yaml"), file);
    return file;
  }
};

// From a row, a column and a step in k on, with k = 0 again behind its last.
TEST(OperandTiles, SpreadOverAGemmOfAnySize) {
  const RecordedTrace recorded;
  const systolic::Design design(int8_array(4));
  const TraceOperands traced(recorded.trace, design, true);
  const auto& operators = recorded.trace.workload().operators;
  const std::size_t op = *std::find_if(
      traced.gemms().begin(), traced.gemms().end(),
      [&](std::size_t gemm) { return operators[gemm].name.ends_with("attention_pv"); });
  const GemmShape& gemm = traced.shape(op);
  const OperandTile whole = traced.tile(op, 0, static_cast<std::uint32_t>(gemm.m), 0,
                                        static_cast<std::uint32_t>(gemm.n), gemm.k);
  constexpr std::uint32_t kLines = 3;
  const std::uint64_t k = 2 * gemm.k + 5;
  const OperandTiles tiles = spread_tiles(traced, op);
  std::set<std::uint64_t> rows, columns;
  for (int tile = 0; tile < 8; ++tile) {
    const OperandTile spread = tiles(kLines, kLines, k);
    ASSERT_EQ(spread.a.size(), kLines * k);
    ASSERT_EQ(spread.w.size(), k * kLines);
    // The GEMM's lines that these may be, from any k.
    const auto places = [&](std::uint64_t lines, const auto& code, const auto& own) {
      std::set<std::uint64_t> found;
      for (std::uint64_t line = 0; line < lines; ++line) {
        for (std::uint64_t k0 = 0; k0 < gemm.k; ++k0) {
          std::uint64_t step = 0;
          while (step < k && code(step) == own(line, (k0 + step) % gemm.k)) ++step;
          if (step == k) found.insert(line);
        }
      }
      return found;
    };
    for (std::uint64_t i = 0; i < kLines; ++i) {
      const auto row = places(
          gemm.m, [&](std::uint64_t step) { return spread.a[i * k + step]; },
          [&](std::uint64_t m, std::uint64_t step) { return whole.a[m * gemm.k + step]; });
      const auto column = places(
          gemm.n, [&](std::uint64_t step) { return spread.w[step * kLines + i]; },
          [&](std::uint64_t n, std::uint64_t step) { return whole.w[step * gemm.n + n]; });
      ASSERT_FALSE(row.empty());
      ASSERT_FALSE(column.empty());
      if (row.size() == 1) rows.insert(*row.begin() * 4 / gemm.m);
      columns.insert(*column.begin() * 4 / gemm.n);
    }
  }
  EXPECT_GE(rows.size(), 3U) << "of four quarters; the first rows are alike";
  EXPECT_EQ(columns.size(), 4U);
}

// A causal softmax leaves the first rows nearly empty and fills the last ones.
TEST(OperandTiles, SpreadOnesLookLikeTheWholeGemm) {
  const RecordedTrace recorded;
  const systolic::Design design(int8_array(4));
  const TraceOperands traced(recorded.trace, design, true);
  for (const std::size_t op : traced.gemms()) {
    const GemmShape& gemm = traced.shape(op);
    const auto zeros = [](const std::vector<std::uint16_t>& codes) {
      return static_cast<double>(std::count(codes.begin(), codes.end(), 0)) /
             static_cast<double>(codes.size());
    };
    const OperandTile whole = traced.tile(op, 0, static_cast<std::uint32_t>(gemm.m), 0, 1, gemm.k);
    const OperandTiles tiles = spread_tiles(traced, op);
    double mean = 0;
    for (int tile = 0; tile < 16; ++tile) mean += zeros(tiles(4, 4, gemm.k).a) / 16;
    EXPECT_NEAR(mean, zeros(whole.a), 0.08) << recorded.trace.workload().operators[op].name;
  }
}

TEST(OperandTiles, TheGemmWithTheMostMacsDecides) {
  const RecordedTrace recorded;
  const systolic::Design design(int8_array(4));
  const TraceOperands traced(recorded.trace, design, true);
  const auto& operators = recorded.trace.workload().operators;
  EXPECT_EQ(operators[largest_gemm(traced)].name, "layer.0.gate_proj");  // the first of several
  EXPECT_EQ(class_of(traced), OperandClass::normal);
}

// ---- the array's stimulus

TEST(ArrayRecording, WindowsAreOfTheirClass) {
  const systolic::Design design(int8_array(4));
  const ArrayRecording recording =
      record_array(design, operand_tiles(design, OperandClass::normal, 1), {128, 2, true});
  const auto& counted = recording.counted;
  EXPECT_EQ(counted[0].mac, 16U * 256);  // two tiles of 128 tokens, nothing else
  EXPECT_EQ(counted[0].total(), 16U * 256);
  EXPECT_EQ(counted[1].mac, 2U * 4 * 128);  // one row, one column
  EXPECT_EQ(counted[1].pad, 2U * 12 * 128);
  EXPECT_EQ(counted[2].idle, counted[2].total());
  EXPECT_EQ(counted[3].stalled, counted[3].total());
  for (std::size_t i = 0; i < kPeCycleClasses; ++i) {
    EXPECT_EQ(counted[i].total(), 16 * recording.cycles[i]);
    EXPECT_EQ(
        static_cast<std::uint64_t>(std::count(recording.window.begin(), recording.window.end(), i)),
        recording.cycles[i]);
  }
  EXPECT_EQ(recording.input_values.size(), recording.output_values.size());
}

// Weight stationary: k is a side of the array, so that a short job leaves rows out; m is none.
TEST(ArrayRecording, PaddingIsWhatTheModelCounts) {
  systolic::Params params = int8_array(4);
  params.dataflow = systolic::Dataflow::weight_stationary;
  const systolic::Design design(params);
  const ArrayRecording recording =
      record_array(design, operand_tiles(design, OperandClass::normal, 1), {128, 2, true});
  EXPECT_EQ(recording.counted[0].pad, 0U);
  EXPECT_EQ(recording.counted[1].pad, 3 * recording.counted[1].mac);
}

// ---- energy, in gates: the name says Synthesis so that quick runs leave it out

// What the array's own ports see.
GateStimulus stimulus_of(const ArrayRecording& recording) {
  GateStimulus stimulus{recording.output_values.size(), {}};
  std::size_t begin = 0;
  for (const PortBits& port : recording.ports.inputs) {
    stimulus.ports.push_back({port.name, {}});
    for (const std::string& line : recording.input_values) {
      std::vector<std::uint32_t> words(words_for_bits(port.bits));
      for (std::uint32_t bit = 0; bit < port.bits; ++bit)
        put_bits(words, bit, 1, line[begin + port.bits - 1 - bit] == '1' ? 1 : 0);
      stimulus.ports.back().words.insert(stimulus.ports.back().words.end(), words.begin(),
                                         words.end());
    }
    begin += port.bits;
  }
  return stimulus;
}

class SynthesisOfClasses : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    library_ = new LibertyLibrary(read_liberty(default_liberty()));
    design_ = new systolic::Design(int8_array(16));
    pe_ = new ModuleCharacterisation(*design_, design_->rtl().modules[0], {default_liberty()},
                                     *library_);
    record_ = new ModuleRecord(pe_->record());
  }
  static void TearDownTestSuite() {
    delete record_;
    delete pe_;
    delete design_;
    delete library_;
  }
  static double of(OperandClass operands, PeCycleClass cycle) {
    return pj(record_->energies.at(operands, cycle));
  }

  static const LibertyLibrary* library_;
  static const systolic::Design* design_;
  static const ModuleCharacterisation* pe_;
  static const ModuleRecord* record_;
};
const LibertyLibrary* SynthesisOfClasses::library_ = nullptr;
const systolic::Design* SynthesisOfClasses::design_ = nullptr;
const ModuleCharacterisation* SynthesisOfClasses::pe_ = nullptr;
const ModuleRecord* SynthesisOfClasses::record_ = nullptr;

TEST_F(SynthesisOfClasses, AreOrdered) {
  EXPECT_EQ(pe_->array().pe_count(), 16U);
  EXPECT_EQ(record_->cost.instances, 1U);
  EXPECT_EQ(record_->rtl_hash, hash_of_rtl(*design_));
  EXPECT_GE(record_->energy_period_ps, record_->cost.critical_path_ps);
  for (const auto operands : {OperandClass::uniform, OperandClass::normal, OperandClass::llm}) {
    EXPECT_LT(of(operands, PeCycleClass::stalled), of(operands, PeCycleClass::idle) * 1.001);
    EXPECT_LT(of(operands, PeCycleClass::idle), of(operands, PeCycleClass::pad));
    EXPECT_LT(of(operands, PeCycleClass::pad), of(operands, PeCycleClass::mac) / 2);
    EXPECT_LT(of(OperandClass::zero, PeCycleClass::mac), of(operands, PeCycleClass::mac) / 2);
  }
  // 32 + 32 bits of sums, 8 + 8 of operands, four of control, under the clock alone: 0.211 pJ each
  // (SynthesisOfMac.AtRestOnlyTheClockMoves), two of them with reset, which are larger.
  EXPECT_NEAR(of(OperandClass::zero, PeCycleClass::stalled), 85 * 0.211, 0.02 * 85 * 0.211);
  EXPECT_GE(record_->energies.at(OperandClass::uniform, PeCycleClass::mac)->cycles, 400U);
}

// Records predict other operands of their class.
TEST_F(SynthesisOfClasses, PredictOtherSeeds) {
  for (const auto operands : {OperandClass::uniform, OperandClass::normal, OperandClass::llm}) {
    const CycleEnergies held_out = pe_->energies(operand_tiles(pe_->array(), operands, 4711));
    const double error =
        deviation(of(operands, PeCycleClass::mac), pj(held_out, PeCycleClass::mac));
    fmt::print("held-out seed, {}: {:+.1f}%\n",
               kOperandClassNames[static_cast<std::size_t>(operands)], 100 * error);
    EXPECT_LT(std::abs(error), operands == OperandClass::llm ? 0.10 : 0.05);
  }
}

// And those of a model that was trained. Not where most activations are 0, as no class has them
// beside weights that move: what a causal softmax or SiLU leaves.
TEST_F(SynthesisOfClasses, PredictARecordedTrace) {
  const RecordedTrace recorded;
  const TraceOperands traced(recorded.trace, pe_->array(), true);
  constexpr std::size_t kMost = 10;
  const auto energy = energy_of_trace(*pe_, *record_, traced, kMost, 2);
  ASSERT_TRUE(energy.has_value());
  EXPECT_EQ(energy->operands, OperandClass::normal);
  EXPECT_EQ(energy->record_pj,
            dynamic_pj(*record_->energies.at(OperandClass::normal, PeCycleClass::mac)));
  ASSERT_EQ(energy->gemms.size(), kMost);
  std::size_t dense = 0;
  double charged = 0, measured = 0;
  for (const GemmEnergy& gemm : energy->gemms) {
    const double error = gemm.error(energy->record_pj);
    fmt::print("{}: {:.1f} pJ: {:+.1f}%\n", gemm.name, gemm.pj, 100 * error);
    EXPECT_GT(gemm.pj,
              1.1 * dynamic_pj(*record_->energies.at(OperandClass::zero, PeCycleClass::mac)));
    charged += gemm.macs * energy->record_pj;
    measured += gemm.macs * gemm.pj;
    if (gemm.name.ends_with("_pv") || gemm.name.ends_with("down_proj")) continue;
    EXPECT_LT(std::abs(error), 0.10) << gemm.name;
    ++dense;
  }
  EXPECT_GE(dense, 5U);
  EXPECT_LT(dense, kMost);
  EXPECT_DOUBLE_EQ(energy->error(), charged / measured - 1);
  EXPECT_LT(std::abs(energy->error()), 0.15);
  // A GEMM measured alone says the same.
  const std::size_t first =
      *std::find_if(traced.gemms().begin(), traced.gemms().end(), [&](std::size_t op) {
        return recorded.trace.workload().operators[op].name == energy->gemms.front().name;
      });
  const CycleEnergies alone =
      pe_->energies_of_full_tiles(pe_->array_rtl(), spread_tiles(traced, first), 8);
  EXPECT_EQ(energy->gemms.front().pj,
            dynamic_pj(*alone[static_cast<std::size_t>(PeCycleClass::mac)]));
  EXPECT_EQ(energy->gemms.front().macs, recorded.trace.workload().operators[first].macs());
  EXPECT_FALSE(energy_of_trace(*pe_, ModuleRecord(), traced, 1, 1));
}

TEST_F(SynthesisOfClasses, ACornerPeIsLikeAnInteriorOne) {
  const OperandTiles tiles = operand_tiles(pe_->array(), OperandClass::uniform, 1);
  const CycleEnergies corner = pe_->energies(tiles, InstancePlace::last);
  const double error =
      deviation(of(OperandClass::uniform, PeCycleClass::mac), pj(corner, PeCycleClass::mac));
  fmt::print("interior against corner: {:+.1f}%\n", 100 * error);
  EXPECT_LT(std::abs(error), 0.03);
}

TEST_F(SynthesisOfClasses, OutputsOfAnotherRunAreRefused) {
  const OperandTiles tiles = operand_tiles(pe_->array(), OperandClass::uniform, 1);
  ArrayRecording recording = record_array(pe_->array(), tiles, {64, 1, false});
  const RtlDescription::Module module = pe_->array().rtl().modules[0];
  const ArrayRtl rtl(pe_->array(), {&module, 1}, InstancePlace::middle);
  InstanceRecording instance = rtl.record(recording).front();
  EXPECT_THAT(instance.path, testing::HasSubstr("gen_row[2].gen_col[2].u_pe"));
  std::string& sum = instance.outputs.back().values[60];
  sum.back() = sum.back() == '1' ? '0' : '1';
  EXPECT_THROW(pe_->gates().measure(instance.inputs, recording.window, kPeCycleClasses,
                                    pe_->period_ps(), instance.outputs),
               InternalError);
  char& ready = recording.output_values[50].front();
  ready = ready == '1' ? '0' : '1';
  try {
    rtl.record(recording);
    FAIL();
  } catch (const InternalError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("in cycle 50"));
  }
}

// Modules of an array that are recorded together get what they get alone.
TEST(SynthesisOfGroup, IsThatOfItsModulesAlone) {
  const std::shared_ptr<const Design> design =
      load_design(home_folder() / "configs/designs/mixpe/int8_uint4_4x4.yaml",
                  {parse_override("rows=2"), parse_override("cols=2")});
  const std::vector<RecordGroup> groups = grouped_by_array(modules_of(design));
  const SynthesisOptions options{default_liberty()};
  const LibertyLibrary library = read_liberty(options.liberty);
  std::size_t together = 0;
  for (const RecordGroup& group : groups) {
    if (group.wanted.size() < 2) continue;
    together += group.wanted.size();
    const auto recorded = group.recorded();
    for (const WantedRecord& wanted : group.wanted) {
      EXPECT_FALSE(wanted.module.is_pe);
      const ModuleCharacterisation module(*wanted.design, wanted.module, options, library);
      const ModuleRecord shared = module.record(*recorded), alone = module.record();
      for (const auto cycle : {PeCycleClass::mac, PeCycleClass::idle}) {
        EXPECT_EQ(dynamic_pj(*shared.energies.at(OperandClass::llm, cycle)),
                  dynamic_pj(*alone.energies.at(OperandClass::llm, cycle)))
            << wanted.key();
      }
    }
  }
  EXPECT_GE(together, 2U);
  EXPECT_LT(groups.size(), modules_of(design).size());
}

// The whole 4x4 array as one netlist, against 16 interior PEs and the edge. The flat netlist lacks
// registers that nobody reads: what leaves the last row and column, and the pad bits, which only
// another clock gating asks for. A PE of its own keeps them, as it does in a large array. Each
// takes 96 um2 and, under the clock alone, 0.211 pJ.
TEST(SynthesisOfArray, IsTheSumOfItsModules) {
  const systolic::Design design(int8_array(4));
  const SynthesisOptions options{default_liberty()};
  const LibertyLibrary library = read_liberty(options.liberty);
  const RtlDescription rtl = design.rtl();
  const ArrayRecording recording =
      record_array(design, operand_tiles(design, OperandClass::uniform, 1), {64, 1, false});
  const ModuleEnergy flat(
      map_module(rtl_module(design, {rtl.top, 1, rtl.parameters}), options, library), library);
  const double period_ps = 12000;
  const auto measured =
      flat.measure(stimulus_of(recording), recording.window, kPeCycleClasses, period_ps);
  const std::vector<InstanceRecording> instances =
      ArrayRtl(design, rtl.modules, InstancePlace::middle).record(recording);
  double area = 0, sequential = 0;
  std::array<double, kPeCycleClasses> sum{};
  for (std::size_t m = 0; m < rtl.modules.size(); ++m) {
    const RtlDescription::Module& module = rtl.modules[m];
    const ModuleEnergy gates(map_module(rtl_module(design, module), options, library), library);
    const auto energies = gates.measure(instances[m].inputs, recording.window, kPeCycleClasses,
                                        period_ps, instances[m].outputs);
    const auto count = static_cast<double>(module.instances);
    area += count * gates.cost().area_um2;
    sequential += count * gates.cost().sequential_um2;
    for (std::size_t i = 0; i < kPeCycleClasses; ++i) sum[i] += count * pj(energies[i]);
  }
  const double unread = (sequential - flat.cost().sequential_um2) / 96;
  EXPECT_GT(unread, 4 * (8 + 8));  // operands that leave the array
  EXPECT_LT(unread, 200);
  const double flat_area = flat.cost().area_um2;
  fmt::print("sum of modules against the flat array: {} registers more; area {:+.1f}%\n", unread,
             100 * deviation(area, flat_area));
  EXPECT_NEAR(area - 96 * unread, flat_area, 0.05 * flat_area);
  for (const auto cycle : {PeCycleClass::mac, PeCycleClass::idle, PeCycleClass::stalled}) {
    const auto i = static_cast<std::size_t>(cycle);
    const double explained = sum[i] - 0.211 * unread;
    fmt::print("{}: {:+.1f}%, {:+.1f}% without them\n", kPeCycleClassNames[i],
               100 * deviation(sum[i], pj(measured[i])),
               100 * deviation(explained, pj(measured[i])));
    const double bound = cycle == PeCycleClass::mac ? 0.10 : 0.02;  // of `mac` they toggle, too
    EXPECT_NEAR(explained, pj(measured[i]), bound * pj(measured[i])) << kPeCycleClassNames[i];
  }
}

// Eight registers in a row of one: at rest the clock alone, 120.5 fJ inside and 90.5 fJ of pin
// each; windows add up to the whole.
TEST(SynthesisOfRegisters, WindowsOfAKnownStream) {
  const SynthesisOptions options{default_liberty()};
  const LibertyLibrary library = read_liberty(options.liberty);
  const TemporaryFolder folder(fs::temp_directory_path());
  write_file_atomically(folder.path() / "line.sv",
                        "module line (input logic clk_i, input logic [7:0] d_i,\n"
                        "             output logic [7:0] q_o);\n"
                        "  always_ff @(posedge clk_i) q_o <= d_i;\nendmodule\n");
  const ModuleEnergy line(map_module({{folder.path() / "line.sv"}, "line", {}}, options, library),
                          library);
  constexpr std::uint64_t kCycles = 100;
  GateStimulus stimulus{kCycles, {{"d_i", {}}}};
  std::vector<std::uint8_t> windows;
  std::vector<GateOutput> expected = {{"q_o", {}}};
  for (std::uint32_t i = 0; i < kCycles; ++i) {
    const bool toggling = i >= kCycles / 2;
    stimulus.ports[0].words.push_back(toggling && i % 2 == 1 ? 0xff : 0);
    windows.push_back(i < 2 ? 9 : toggling ? 1 : 0);
    // The edge before this cycle sampled the inputs of the cycle before.
    const bool set = i > 0 && stimulus.ports[0].words[i - 1] != 0;
    expected[0].values.emplace_back(8, set ? '1' : '0');
  }
  const auto records = line.measure(stimulus, windows, 2, 8000, expected);
  EXPECT_EQ(records[0].cycles, 48U);
  EXPECT_EQ(records[1].cycles, 50U);
  EXPECT_NEAR(records[0].clock_and_registers_pj, 8 * 0.211, 0.01 * 8 * 0.211);
  EXPECT_EQ(records[0].switching_pj + records[0].internal_pj, 0);
  EXPECT_GT(records[1].clock_and_registers_pj, 1.5 * records[0].clock_and_registers_pj);
  const EnergyRecord whole = line.measure(stimulus, 2, 8000);
  EXPECT_NEAR(98 * whole.clock_and_registers_pj,
              48 * records[0].clock_and_registers_pj + 50 * records[1].clock_and_registers_pj,
              1e-9);
}

}  // namespace
}  // namespace bitsmith
