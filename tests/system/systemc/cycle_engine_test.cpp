// Engine `cycle`: tiny systems whose every edge is worked out by hand from sim/system/README.md;
// values against golden ones for all dataflows and formats; wrong arrays are found out.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/process.h"
#include "pe/systolic/design.h"
#include "support/fst_wave.h"
#include "system/systemc/cycle_child.h"

namespace bitsmith {
namespace {

using systolic::Model;
using systolic::Params;
using test::CycleRun;

// A 2x2 output-stationary INT8 array at 1 GHz. Buffers: one bank of 64 bits, latency 1. DRAM: an
// access of 8 bytes takes 1 ns, its answer comes 5 ns after that.
struct System {
  Params params;
  Accelerator accelerator;
  std::vector<PlannedOperator> plan;

  System() {
    params.rows = params.cols = 2;
    MemoryParams memory;
    memory.dram.access_bytes = 8;
    memory.dram.bandwidth_gb_s = 8;
    memory.dram.latency_ns = 5;
    memory.activation_buffer.banks = memory.weight_buffer.banks = memory.result_buffer.banks = 1;
    accelerator.memory = memory;
  }

  MemoryParams& memory() { return *accelerator.memory; }

  void make_plan(const Workload& workload, const Mapping& mapping) {
    if (accelerator.design == nullptr) {
      accelerator.design = std::make_unique<systolic::Design>(params);
    }
    for (const ProgramOperator& program :
         make_program(workload, *accelerator.design, *accelerator.memory)) {
      PlannedOperator planned{program, std::nullopt, 1};
      if (program.op.is_gemm()) planned.mapping = mapping;
      plan.push_back(planned);
    }
  }

  // `make_array()` makes the array in the child.
  template <class MakeArray>
  CycleRun run(MakeArray make_array) const {
    return test::in_child([&](Timeline& timeline) {
      auto array = make_array();
      const std::optional<WeightConverter>& converter = accelerator.memory->weight_converter;
      const OperandSource operands(*accelerator.design, 7, converter ? &*converter : nullptr);
      return run_cycle(accelerator, plan, operands, array, {{}, &timeline});
    });
  }
  CycleRun run() const {
    return run([&] { return Model(params); });
  }
};

Workload one_gemm(const GemmShape& shape, std::uint64_t count = 1) {
  Workload workload{"test", {{}}};
  workload.operators[0].name = "gemm";
  workload.operators[0].gemm = shape;
  workload.operators[0].count = count;
  return workload;
}

void expect_sound(const CycleRun& run) {
  ASSERT_EQ(run.error, "");
  EXPECT_EQ(run.mismatches, 0U) << run.first_mismatch;
}

// | edge | what |
// | 0    | DMA picks A: 6 bytes, one access |
// | 2    | setup is over: A is requested; picks W |
// | 4    | W is requested |
// | 8    | A, at the bus from 2 to 3 ns, is answered at 8 ns: resident at 9 |
// | 10   | W, at the bus from 4 to 5 ns: resident at 11 |
// | 11   | ready; 13 dispatched; 14 operands at the ports |
// | 15   | first of three tokens; last 17 |
// | 24   | D = 2 x 2 + 2 = 6 steps after the last token plus 1: last y beat |
// | 25   | vector unit: 4 results of 32 bits are 2 words, 2 cycles; there 4 cycles later |
// | 31   | store picked; setup and a cycle to read an access |
// | 34   | requested; answered at 34 + 1 + 5 ns |
// | 40   | seen; end two edges later |
TEST(CycleEngine, OneBlockByHand) {
  System system;
  system.make_plan(one_gemm({2, 2, 3}), {2, 2, 3, LoopOrder::m_outer});
  const CycleRun run = system.run();
  expect_sound(run);
  const RunCounts& counts = run.total;
  EXPECT_EQ(counts.cycles, 42U);
  EXPECT_EQ(counts.array_cycles, 3U);
  // weights 0..10; control 11..13; fill 14, drain 18..24; vector 25..30; results 31..41.
  EXPECT_EQ(counts.stall_cycles, (StallCycles{8, 11, 0, 11, 6, 3, 0}));
  EXPECT_EQ(counts.pe_cycles, (PeCycles{12, 0, 156, 0}));
  EXPECT_EQ(counts.macs, 12U);
  EXPECT_EQ(counts.jobs, 1U);
  SystemCounts system_counts;
  system_counts.blocks = 1;
  system_counts.descriptors = 3;
  system_counts.weight_reads = system_counts.activation_reads = system_counts.result_writes = 1;
  system_counts.activation_buffer_writes = system_counts.activation_buffer_reads = 3;
  system_counts.weight_buffer_writes = system_counts.weight_buffer_reads = 3;
  system_counts.result_buffer_writes = 2 + 1;  // y beats; 4 FP16 results
  system_counts.result_buffer_reads = 2 + 1;   // the pass; the store
  system_counts.vector_operations = 4;
  EXPECT_EQ(counts.system, system_counts);
  EXPECT_EQ(run.values_compared, 4U);
}

// Ports of 8 bits for beats of 16: P = 2 for activations, the array is enabled in odd cycles. DRAM:
// 4 bytes in 4 ns, no latency; no setup, a block dispatched in 1 cycle, no vector latency.
//   0: A and W requested, answered at 4 and 8; A takes 4 cycles to write: resident at 8 and 9
//   9 ready, 10 dispatched, 11 at the ports: first odd cycle a token can enter in is 13, then 15
//   15 + 2 * 6 + 1 = 28 last y beat; 29 vector unit, 2 cycles, 31 there; 32 read: 8 bytes requested
//   40 second answer seen; 42 end
TEST(CycleEngine, SlowPortsByHand) {
  System system;
  MemoryParams& memory = system.memory();
  memory.activation_buffer.port_bits = 8;
  memory.dram = {DramKind::ideal, 1.0, 0.0, 4, {}};
  memory.dma.setup_cycles = 0;
  memory.sequencer.block_cycles = 1;
  memory.vector.latency = 0;
  system.make_plan(one_gemm({2, 2, 2}), {2, 2, 2, LoopOrder::m_outer});
  const CycleRun run = system.run();
  expect_sound(run);
  const RunCounts& counts = run.total;
  EXPECT_EQ(counts.cycles, 42U);
  EXPECT_EQ(counts.array_cycles, 2U);
  // weights 0..8; control 9, 10; fill 11, 12; activations: a cycle after each token; drain 17..28;
  // vector 29, 30; results 31..41.
  EXPECT_EQ(counts.stall_cycles, (StallCycles{14, 9, 2, 11, 2, 2, 0}));
  EXPECT_EQ(counts.pe_cycles, (PeCycles{8, 0, 76, 84}));
  EXPECT_EQ(counts.system.activation_buffer_writes, 4U);
  EXPECT_EQ(counts.system.activation_buffer_reads, 4U);
  EXPECT_EQ(counts.system.weight_buffer_writes, 2U);
  EXPECT_EQ(counts.system.weight_buffer_reads, 2U);
  EXPECT_EQ(counts.system.result_writes, 2U);
}

// An addition of 5 elements, 32 bits in and 16 out, halves of 96 bits: blocks of 3 and 2 elements.
//   0 pick, 2 two requests, answers at 8 and 9 ns: resident at 10; 4 the next, answer 10: 11
//   block 0: 10 ready, 12 dispatched, 13 in the vector unit for 2 cycles (2 lanes), 19 there
//   block 1: 12 ready (dispatch before it), 14 dispatched, 15, 1 cycle, 20 there
//   stores: 19 pick, 22 request, 28 answer; 22 pick, 25 request, 31 answer; 33 end
TEST(CycleEngine, VectorOperatorByHand) {
  System system;
  system.memory().activation_buffer.capacity_bytes = 24;
  system.memory().vector.lanes = 2;
  Workload workload{"test", {{}}};
  workload.operators[0].name = "add";
  workload.operators[0].kind = OperatorKind::add;
  workload.operators[0].elements = 5;
  system.make_plan(workload, {});
  const CycleRun run = system.run();
  expect_sound(run);
  const RunCounts& counts = run.total;
  EXPECT_EQ(counts.cycles, 33U);
  EXPECT_EQ(counts.array_cycles, 0U);
  // activations 0..9; control 10..12; vector 13..19; results 20..32.
  EXPECT_EQ(counts.stall_cycles, (StallCycles{0, 0, 10, 13, 7, 3, 0}));
  EXPECT_EQ(counts.pe_cycles, (PeCycles{0, 0, 132, 0}));
  SystemCounts system_counts;
  system_counts.blocks = 2;
  system_counts.descriptors = 4;
  system_counts.activation_reads = 3;
  system_counts.result_writes = 2;
  system_counts.activation_buffer_writes = system_counts.activation_buffer_reads = 3;
  system_counts.result_buffer_writes = system_counts.result_buffer_reads = 2;
  system_counts.vector_operations = 5;
  EXPECT_EQ(counts.system, system_counts);
  EXPECT_EQ(run.values_compared, 0U);
  ASSERT_EQ(run.events.size(), 4U + 4U + 2U);
}

// 16 x 2 weights of 4 bits with INT8 scales and zero points in one group: 32 bits of parameters and
// 128 of codes, three accesses of 64 bits, all with codes. 16 codes take the banks two cycles.
struct ConverterSystem : System {
  ConverterSystem(std::uint32_t lanes, std::uint32_t group, std::uint32_t latency = 3) {
    WeightConverter converter;
    converter.group = group;
    converter.scale = ConverterScale::int8;
    converter.zero_points = true;
    converter.lanes = lanes;
    converter.latency = latency;
    memory().weight_converter = converter;
    make_plan(one_gemm({2, 2, 16}), {2, 2, 16, LoopOrder::m_outer});
  }
};

// Five lanes: 16 codes take 3.2 cycles.
// | edge | what |
// | 2    | A, 32 bytes, is requested: on the bus from 2 to 6 ns; 4: W |
// | 16   | W was on the bus until 9.2, 12.4 and 15.6 ns; answered at 20.6, latency 3, 2 cycles to
// write | | 26   | W is resident, A has been since 12: ready; 28 dispatched; 29 operands at the
// ports | | 30   | first of 16 tokens; last 45; last y beat 52 | | 53   | vector unit: 2 cycles,
// there 4 later; 59 store picked, 62 requested, 68 seen, 70 end |
TEST(CycleEngine, ConvertedWeightsByHand) {
  const CycleRun run = ConverterSystem(5, 16).run();
  expect_sound(run);
  const RunCounts& counts = run.total;
  EXPECT_EQ(counts.cycles, 70U);
  EXPECT_EQ(counts.array_cycles, 16U);
  EXPECT_EQ(counts.stall_cycles, (StallCycles{8, 26, 0, 11, 6, 3, 0}));
  SystemCounts system_counts;
  system_counts.blocks = 1;
  system_counts.descriptors = 3;
  system_counts.weight_reads = 3;
  system_counts.activation_reads = 4;
  system_counts.result_writes = 1;
  system_counts.activation_buffer_writes = system_counts.activation_buffer_reads = 16;
  system_counts.weight_buffer_writes = system_counts.weight_buffer_reads = 16;
  system_counts.result_buffer_writes = system_counts.result_buffer_reads = 2 + 1;
  system_counts.weight_conversions = 32;
  system_counts.vector_operations = 4;
  EXPECT_EQ(counts.system, system_counts);
  EXPECT_EQ(run.values_compared, 4U);
  const auto transfers = std::find_if(run.events.begin(), run.events.end(), [](const auto& event) {
    return event.row == TimelineRow::dram && std::string_view(event.what) == "load weights";
  });
  ASSERT_NE(transfers, run.events.end());
  EXPECT_EQ(transfers->begin_ps, 6000U);
  EXPECT_EQ(transfers->end_ps, 15600U);
}

// Two-sided. 8 lanes take two cycles for 16 codes, as the banks do: answered at 6 + 3 x 2 + 5 = 17
// ns, four edges before the above; 7 lanes take 2286 ps: 17.858 ns, seen an edge later. More lanes
// help only before wider banks, which also save a cycle of writing: 14 ns at 16 lanes.
TEST(CycleEngine, TheSlowestOfLanesBanksAndDramPacesConvertedWeights) {
  const auto cycles = [](std::uint32_t lanes, std::uint32_t port_bits, double bandwidth = 8) {
    ConverterSystem system(lanes, 16);
    system.memory().weight_buffer.port_bits = port_bits;
    system.memory().dram.bandwidth_gb_s = bandwidth;
    const CycleRun run = system.run();
    expect_sound(run);
    return run.total.cycles;
  };
  EXPECT_EQ(cycles(7, 64), 67U);
  EXPECT_EQ(cycles(8, 64), 66U);
  EXPECT_EQ(cycles(16, 64), 66U);
  EXPECT_EQ(cycles(16, 128), 62U);
  EXPECT_EQ(cycles(15, 128), 63U);  // 1067 ps each
  EXPECT_EQ(cycles(16, 127), 64U);  // 1008 ps each, and the second cycle of writing
  EXPECT_EQ(cycles(1, 128), 62U + 3 * 15);
  // At 2 ns per access the four of A take four more, and the store one; W takes as long as before.
  EXPECT_EQ(cycles(8, 64, 4), 66U + 4 + 1);
  EXPECT_EQ(cycles(7, 64, 4), 67U + 4 + 1);
}

// Two-sided: zero points of eight groups are 64 bits, an access without codes that takes 1 instead
// of 3.2 ns: 18.4 instead of 20.6; those of six groups leave room for codes in it.
TEST(CycleEngine, AccessesWithoutCodesPassTheConverter) {
  const auto cycles = [](std::uint32_t group) {
    ConverterSystem system(5, group);
    system.memory().weight_converter->scale = ConverterScale::none;
    const CycleRun run = system.run();
    expect_sound(run);
    EXPECT_EQ(run.total.system.weight_reads, group == 1 ? 4U : 3U);
    return run.total.cycles;
  };
  EXPECT_EQ(cycles(3), 70U);
  EXPECT_EQ(cycles(2), 70U - 2);
  EXPECT_EQ(cycles(1), 70U - 2 + 1);  // two such accesses
}

TEST(CycleEngine, TheConvertersLatencyIsAddedOnce) {
  EXPECT_EQ(ConverterSystem(5, 16, 0).run().total.cycles, 67U);
  EXPECT_EQ(ConverterSystem(5, 16, 10).run().total.cycles, 77U);
}

// The KV cache passes it by, unless it is stored like the weights: 32 bytes of INT8 are on the bus
// from 6 to 10 ns, answered at 15 and resident at 16, not 26.
TEST(CycleEngine, KeysAndValuesMayPassTheConverterBy) {
  for (const bool kv_cache : {false, true}) {
    ConverterSystem system(5, 16);
    system.memory().weight_converter->kv_cache = kv_cache;
    system.plan.front().program.weights_are_kv_cache = true;
    const CycleRun run = system.run();
    expect_sound(run);
    EXPECT_EQ(run.total.system.kv_cache_reads, kv_cache ? 3U : 4U);
    EXPECT_EQ(run.total.system.weight_conversions, kv_cache ? 32U : 0U);
    EXPECT_EQ(run.total.cycles, kv_cache ? 70U : 70U - 10);
  }
}

// An operator starts where the one before it ended; occurrences count as often as they are.
TEST(CycleEngine, OperatorsFollowEachOther) {
  System system;
  Workload workload = one_gemm({2, 2, 3});
  workload.operators.push_back(workload.operators[0]);
  workload.operators[1].repeat = 3;
  system.make_plan(workload, {2, 2, 3, LoopOrder::m_outer});
  const CycleRun run = system.run();
  expect_sound(run);
  ASSERT_EQ(run.operators.size(), 2U);
  EXPECT_EQ(run.operators[0].cycles, 42U);
  EXPECT_EQ(run.operators[1].cycles, 3 * 42U);
  EXPECT_EQ(run.operators[1].pe_cycles, (PeCycles{36, 0, 468, 0}));
  EXPECT_EQ(run.total.cycles, 4 * 42U);
  EXPECT_EQ(run.values_compared, 8U);  // an operator is simulated once
}

struct ValueCase {
  systolic::Dataflow dataflow;
  const char* activation;
  const char* weight;
  std::uint32_t pipeline;
};

// Whole K and K in blocks, edge tiles, several GEMMs, stored converted and as accumulators.
TEST(CycleEngine, ValuesAreGolden) {
  using systolic::Dataflow;
  const GemmShape shape{13, 11, 29};
  for (const Dataflow dataflow :
       {Dataflow::output_stationary, Dataflow::weight_stationary, Dataflow::input_stationary}) {
    for (const ValueCase& item :
         {ValueCase{dataflow, "int8", "int8", 1}, ValueCase{dataflow, "int8", "int4", 2},
          ValueCase{dataflow, "fp8_e4m3", "fp8_e4m3", 2}, ValueCase{dataflow, "fp16", "fp16", 3}}) {
      for (const Mapping& mapping :
           {Mapping{13, 11, 29, LoopOrder::m_outer}, Mapping{7, 3, 29, LoopOrder::m_outer},
            Mapping{7, 3, 29, LoopOrder::n_outer}, Mapping{3, 4, 10, LoopOrder::n_outer}}) {
        for (const bool fused : {true, false}) {
          System system;
          system.params.rows = 3;
          system.params.cols = 4;
          system.params.acc_rows = 5;
          system.params.dataflow = item.dataflow;
          system.params.activation = find_format(item.activation);
          system.params.weight = find_format(item.weight);
          system.params.pipeline = item.pipeline;
          system.memory().fuse_dequantize = fused;
          Mapping fitting = mapping;
          if (mapping.block_k < shape.k) {
            const TileLimits limits = systolic::tile_limits(system.params);
            fitting.block_m = std::min<std::uint64_t>(fitting.block_m, limits.m);
            fitting.block_n = std::min<std::uint64_t>(fitting.block_n, limits.n);
          }
          system.make_plan(one_gemm(shape, 2), fitting);
          const CycleRun run = system.run();
          SCOPED_TRACE(system.accelerator.design->resolved().dump());
          expect_sound(run);
          EXPECT_EQ(run.values_compared, 2 * 13 * 11U);
          EXPECT_EQ(run.total.macs, 2 * 13 * 11 * 29U);
        }
      }
    }
  }
}

// The edges of OneBlockByHand: what is at the ports at edge e is there from edge e - 1 on.
TEST(CycleEngine, WritesAWaveform) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const std::filesystem::path path = folder.path() / "wave.fst";
  System system;
  system.make_plan(one_gemm({2, 2, 3}), {2, 2, 3, LoopOrder::m_outer});
  const CycleRun run = test::in_child([&](Timeline&) {
    Model model(system.params);
    const OperandSource operands(*system.accelerator.design, 7);
    return run_cycle(system.accelerator, system.plan, operands, model, {path, nullptr});
  });
  expect_sound(run);
  EXPECT_EQ(run.total.cycles, 42U);
  const test::Wave wave = test::read_wave(path);
  const auto high = [](std::uint64_t from, std::uint64_t to) {
    return test::Changes{{0, "0"}, {from, "1"}, {to, "0"}};
  };
  EXPECT_EQ(wave.signals.at("accelerator.a.valid"), high(13000, 16000));
  EXPECT_EQ(wave.signals.at("accelerator.w.valid"), high(13000, 16000));
  EXPECT_EQ(wave.signals.at("accelerator.job.valid"), high(13000, 14000));
  EXPECT_EQ(wave.signals.at("accelerator.y.valid"), high(22000, 24000));
  EXPECT_EQ(wave.signals.at("accelerator.vector_unit.busy"), high(25000, 27000));
  EXPECT_EQ(wave.signals.at("accelerator.clk").size(), 2 * 42U);
}

// ---- arrays that are wrong

// Flips a bit of one y beat.
class FlippingModel : public Model {
 public:
  FlippingModel(const Params& params, std::uint64_t beat) : Model(params), beat_(beat) {}
  const ArrayOutputs& outputs() const {
    outputs_ = Model::outputs();
    if (!outputs_.y_valid || ++seen_ != beat_) return outputs_;
    words_.assign(outputs_.y, outputs_.y + 2);
    words_[1] ^= 0x4000U;
    outputs_.y = words_.data();
    return outputs_;
  }

 private:
  std::uint64_t beat_;
  mutable std::uint64_t seen_ = 0;
  mutable ArrayOutputs outputs_;
  mutable std::vector<std::uint32_t> words_;
};

TEST(CycleEngine, FindsAWrongResult) {
  System system;
  system.make_plan(one_gemm({4, 4, 3}), {2, 4, 3, LoopOrder::m_outer});
  const CycleRun run = system.run([&] { return FlippingModel(system.params, 6); });
  ASSERT_EQ(run.error, "");
  EXPECT_EQ(run.values_compared, 16U);
  EXPECT_EQ(run.mismatches, 1U);
  // Beats 5 and 6 are the rows of the tile at (2, 0), the flipped lane is the second.
  EXPECT_NE(run.first_mismatch.find("'gemm', GEMM 0: Y[3, 1]"), std::string::npos)
      << run.first_mismatch;
}

class FailingModel : public Model {
 public:
  using Model::Model;
  std::string failure() const { return jobs_entered() == 2 ? "the RTL differs" : ""; }
};

TEST(CycleEngine, ThrowsWhatTheArrayComplainsAbout) {
  System system;
  system.make_plan(one_gemm({4, 4, 3}), {4, 4, 3, LoopOrder::m_outer});
  EXPECT_EQ(system.run([&] { return FailingModel(system.params); }).error, "threw the RTL differs");
}

// Never ready for a job.
class DeafModel : public Model {
 public:
  using Model::Model;
  const ArrayOutputs& outputs() const {
    outputs_ = Model::outputs();
    outputs_.job_ready = false;
    return outputs_;
  }
  void step(ArrayInputs in) {
    in.job_valid = false;
    Model::step(in);
  }

 private:
  mutable ArrayOutputs outputs_;
};

TEST(CycleEngine, GivesUpWhenNothingHappens) {
  System system;
  system.make_plan(one_gemm({2, 2, 3}), {2, 2, 3, LoopOrder::m_outer});
  const CycleRun run = system.run([&] { return DeafModel(system.params); });
  EXPECT_NE(run.error.find("operator 'gemm': nothing happens any more"), std::string::npos)
      << run.error;
}

TEST(CycleEngine, NeedsAMemory) {
  System system;
  system.make_plan(one_gemm({2, 2, 3}), {2, 2, 3, LoopOrder::m_outer});
  system.accelerator.memory.reset();
  EXPECT_NE(system.run().error.find("engine cycle needs a memory system"), std::string::npos);
}

}  // namespace
}  // namespace bitsmith

int sc_main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
