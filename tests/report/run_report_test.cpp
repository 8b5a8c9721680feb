#include "report/run_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "pe/systolic/design.h"

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

// One GEMM with two occurrences and one softmax on a 2x2 array. No engine: whatever the reports say
// is what is set here.
class RunReport : public testing::Test {
 protected:
  RunReport() {
    systolic::Params params;
    params.rows = params.cols = 2;
    accelerator_.name = "small";
    accelerator_.params.clock_ghz = 0.5;
    accelerator_.design = std::make_unique<systolic::Design>(params);
    workload_.name = "tiny";
    const Operator gemm{"scores", {8, 4, 16}, 3, 2};
    Operator softmax{"softmax", {}, 1, 1, OperatorKind::softmax};
    softmax.elements = 1234;
    workload_.operators = {gemm, softmax};

    OperatorResult& row = result_.operators.emplace_back();
    row.op = gemm;
    row.counts.cycles = 4000;
    row.counts.array_cycles = 1000;
    row.counts.stall_cycles.fill_drain = 3000;
    row.counts.macs = 3072;
    row.counts.pe_cycles = {3072, 928, 12000, 0};
    row.counts.actions[0] = 3072;
  }

  // 64 bytes per access, 12.8 GB/s and 2 ns per cycle: 25.6 bytes per cycle.
  void add_memory() {
    accelerator_.params.memory = "../memory/lpddr.yaml";
    accelerator_.memory.emplace();
    accelerator_.memory->dram.bandwidth_gb_s = 12.8;
    OperatorResult& gemm = result_.operators[0];
    gemm.mapping = Mapping{8, 2, 16, LoopOrder::n_outer};
    gemm.mappings_seen = 77;
    gemm.counts.stall_cycles = {400, 2500, 100, 0, 0, 0, 0};
    gemm.counts.system.kv_cache_reads = 30;
    gemm.counts.system.activation_reads = 20;
    gemm.counts.system.result_writes = 10;
    gemm.counts.system.weight_buffer_reads = 555;
    OperatorResult& softmax = result_.operators.emplace_back();
    softmax.op = workload_.operators[1];
    softmax.counts.cycles = 1000;
    softmax.counts.stall_cycles.vector = 990;
    softmax.counts.stall_cycles.activations = 10;
    softmax.counts.pe_cycles.idle = 4000;
    softmax.counts.system.activation_reads = 39;
    softmax.counts.system.result_writes = 20;
    softmax.counts.system.vector_operations = 3702;
  }

  // After the operators are as a test wants them.
  const RunResult& result() {
    result_.total = {};
    for (const OperatorResult& row : result_.operators) result_.total.add(row.counts, 1);
    return result_;
  }

  json report(const std::string& engine = "tile") { return run_json(input(engine)); }
  std::string table(const std::string& engine = "tile") { return run_table(input(engine)); }
  RunReportInput input(const std::string& engine) {
    return {accelerator_, workload_, result(), engine, "model", cost_};
  }

  Accelerator accelerator_;
  Workload workload_;
  RunResult result_;
  RunCost cost_;
};

TEST_F(RunReport, WithoutAMemoryTheSystemsFiguresAreNull) {
  const json run = report();
  EXPECT_EQ(run["engine"], "tile");
  EXPECT_EQ(run["array"], "model");
  EXPECT_EQ(run["total"]["cycles"], 4000);
  EXPECT_DOUBLE_EQ(run["total"]["seconds"], 4000 / 0.5e9);
  ASSERT_EQ(run["operators"].size(), 1U);
  EXPECT_FALSE(run["operators"][0].contains("kind"));
  EXPECT_FALSE(run["operators"][0].contains("dram_bytes"));
  ASSERT_EQ(run["vector_operators"].size(), 1U);
  EXPECT_EQ(run["vector_operators"][0]["elements"], 1234);
  EXPECT_TRUE(run["vector_operators"][0]["cycles"].is_null());
  for (const char* key : {"system_actions", "dram", "checked", "energy_pj", "area_um2", "tech"}) {
    EXPECT_TRUE(run.at(key).is_null()) << key;
  }
}

TEST_F(RunReport, EnergyIsByComponentAndNullWhereNotKnown) {
  add_memory();
  cost_.energy_pj.buffers = 5;
  cost_.energy_pj.leakage.buffers = 2;
  cost_.energy_pj.dram = DramEnergy{1, 2, 3, 4};
  cost_.area_um2.buffers = 7;
  const json run = report();
  EXPECT_EQ(run["energy_pj"]["buffers"], 5.0);
  EXPECT_EQ(run["energy_pj"]["dram"], 10.0);
  EXPECT_EQ(run["energy_pj"]["dram_parts"]["background"], 3.0);
  EXPECT_EQ(run["energy_pj"]["buffers_leakage"], 2.0);
  EXPECT_EQ(run["area_um2"]["buffers"], 7.0);
  for (const char* key : {"total", "array", "vector", "leakage"}) {
    EXPECT_TRUE(run["energy_pj"][key].is_null()) << key;
  }
  EXPECT_TRUE(run["area_um2"]["total"].is_null() && run["area_um2"]["array"].is_null());
}

TEST_F(RunReport, AMemorySystemHasAllOperatorsInOrder) {
  add_memory();
  const json run = report();
  EXPECT_EQ(run["vector_operators"], json::array());
  ASSERT_EQ(run["operators"].size(), 2U);
  const json& gemm = run["operators"][0];
  EXPECT_EQ(gemm["kind"], "gemm");
  EXPECT_EQ(gemm["count"], 3);
  EXPECT_EQ(gemm["repeat"], 2);
  EXPECT_EQ(gemm["mapping"],
            json::parse(R"({"block_m": 8, "block_n": 2, "block_k": 16, "loop_order": "n_outer"})"));
  EXPECT_EQ(gemm["mappings_seen"], 77);
  EXPECT_EQ(
      gemm["dram_bytes"],
      json::parse(R"({"weights": 0, "kv_cache": 1920, "activations": 1280, "results": 640})"));
  // 6144 operations on 3840 bytes at 25.6 bytes per cycle; the peak is 8.
  EXPECT_DOUBLE_EQ(gemm["roofline"]["operations_per_byte"], 1.6);
  EXPECT_DOUBLE_EQ(gemm["roofline"]["attainable_ops_per_cycle"], 8);
  EXPECT_DOUBLE_EQ(gemm["roofline"]["achieved_ops_per_cycle"], 6144.0 / 4000);
  EXPECT_EQ(gemm["roofline"]["bound"], "compute");
  const json& softmax = run["operators"][1];
  EXPECT_EQ(softmax["kind"], "softmax");
  EXPECT_EQ(softmax["elements"], 1234);
  EXPECT_EQ(softmax["dram_bytes"]["results"], 1280);
  EXPECT_EQ(softmax["stall_cycles"]["vector"], 990);
  EXPECT_FALSE(softmax.contains("mapping") || softmax.contains("roofline"));
}

// 3072 MACs in 8 us on 1 mm2 of a 2x2 array.
TEST_F(RunReport, TheArrayIsMeasuredByItsMacsAndExplained) {
  ArrayFigures& array = cost_.array.emplace();
  array.technology = "round";
  array.source.library = "cells";
  array.critical_path_ps = 1600;
  ArrayModule& pe = array.modules.emplace_back();
  pe.figures.origin = ModuleFigures::Origin::interpolated;
  pe.figures.held_out.area = 0.015;
  pe.figures.record.cost = {"pe", 4, 10, 250000, 250000, 0, 0, 1600, 1.0};
  pe.figures.record.parameters = {{"Bits", 8}};
  pe.figures.record.rtl_hash = "abcdef";
  pe.uses.push_back({PeCycleClass::mac, 3072, 2.0});
  cost_.area_um2.array = 1e6;
  cost_.energy_pj.array = 6144;
  cost_.energy_pj.leakage.array = 1536;
  const json run = report();
  EXPECT_DOUBLE_EQ(run["array_efficiency"]["pj_per_mac"], 2.5);
  EXPECT_DOUBLE_EQ(run["array_efficiency"]["tops_per_w"], 0.8);
  EXPECT_DOUBLE_EQ(run["array_efficiency"]["tops_per_mm2"], 2 * 3072 / 8e-6 / 1e12);
  EXPECT_DOUBLE_EQ(run["array_efficiency"]["peak_tops_per_mm2"], 2 * 4 * 0.5e9 / 1e12);
  EXPECT_EQ(run["energy_pj"]["array_leakage"], 1536.0);
  const json& tech = run["tech"]["array"];
  EXPECT_EQ(tech["name"], "round");
  EXPECT_DOUBLE_EQ(tech["maximum_clock_ghz"], 0.625);
  EXPECT_EQ(tech["modules"][0]["energy"][0]["energy_pj"], 6144.0);
  EXPECT_EQ(tech["modules"][0]["rtl_hash"], "abcdef");
  EXPECT_EQ(run["tech"]["marks"],
            json::parse(R"({"estimated": false, "interpolated": true, "extrapolated": false,
                            "mixed_nodes": false, "clock_limited": false,
                            "overclocked": false, "vector_overclocked": false})"));
  EXPECT_THAT(table(), HasSubstr("2.5 pJ/MAC, 0.8 TOPS/W"));
  EXPECT_THAT(table(), HasSubstr("pe is interpolated between sizes (held-out errors: area +1.5%"));
  EXPECT_THAT(table(), Not(HasSubstr("abcdef")));
  RunReportInput explained = input("tile");
  explained.explain = true;
  EXPECT_THAT(run_table(explained), HasSubstr("pe: Bits=8, RTL abcdef"));
}

TEST_F(RunReport, AMemorySystemsCountsAddUp) {
  add_memory();
  const json run = report();
  std::uint64_t stalls = 0;
  for (const auto& [cause, cycles] : run["total"]["stall_cycles"].items()) {
    stalls += cycles.get<std::uint64_t>();
  }
  EXPECT_EQ(run["total"]["cycles"], run["total"]["array_cycles"].get<std::uint64_t>() + stalls);
  EXPECT_DOUBLE_EQ(run["total"]["seconds"], 5000 * 2e-9);
  EXPECT_EQ(run["system_actions"].size(), 15U);
  EXPECT_EQ(run["system_actions"]["activation_reads"], 59);
  EXPECT_EQ(run["system_actions"]["vector_operations"], 3702);
  EXPECT_EQ(run["system_actions"]["weight_reads"], 0);
  EXPECT_EQ(run["dram"]["read_bytes"], (30 + 20 + 39) * 64);
  EXPECT_EQ(run["dram"]["written_bytes"], (10 + 20) * 64);
  EXPECT_DOUBLE_EQ(run["dram"]["bytes_per_cycle"], 25.6);
  EXPECT_EQ(run["pe_cycles"]["idle"], 16000);
}

TEST_F(RunReport, TheRooflineDoesNotKnowWhatHappensInside) {
  add_memory();
  const json run = report("roofline");
  EXPECT_EQ(run["engine"], "roofline");
  EXPECT_TRUE(run["pe_cycles"].is_null());
  EXPECT_TRUE(run["actions"].is_null());
  EXPECT_TRUE(run["system_actions"]["blocks"].is_null());
  EXPECT_TRUE(run["system_actions"]["weight_buffer_reads"].is_null());
  EXPECT_EQ(run["system_actions"]["kv_cache_reads"], 30);
  EXPECT_THAT(table("roofline"), Not(HasSubstr("PE-cycles")));
  EXPECT_THAT(table("roofline"), Not(HasSubstr("weight_buffer_reads")));
}

TEST_F(RunReport, CheckedValuesAreThoseOfEngineCycle) {
  add_memory();
  EXPECT_TRUE(report()["checked"].is_null());
  EXPECT_THAT(table(), Not(HasSubstr("golden")));
  result_.checked = ValueCheck{1000, 0, ""};
  EXPECT_EQ(report("cycle")["checked"],
            json::parse(R"({"values_compared": 1000, "mismatches": 0, "first_mismatch": null})"));
  EXPECT_THAT(table("cycle"), HasSubstr("\n1,000 values compared with golden, 0 mismatches\n"));
  result_.checked = ValueCheck{1000, 2, "Y[1,2] of scores"};
  EXPECT_EQ(report("cycle")["checked"]["first_mismatch"], "Y[1,2] of scores");
  EXPECT_THAT(table("cycle"), HasSubstr("2 mismatches; the first: Y[1,2] of scores"));
}

TEST_F(RunReport, TheTableShowsCausesThatOccurAndFitsAScreen) {
  add_memory();
  const std::string text = table();
  EXPECT_THAT(text, HasSubstr("memory: lpddr, engine: tile"));
  EXPECT_THAT(text, HasSubstr("scores"));
  EXPECT_THAT(text, HasSubstr("1,234"));
  EXPECT_THAT(text, HasSubstr("fill_drain"));
  EXPECT_THAT(text, Not(HasSubstr("refresh")));
  EXPECT_THAT(text, Not(HasSubstr("control")));
  EXPECT_THAT(text, HasSubstr("KV cache"));
  EXPECT_THAT(text, HasSubstr("vector_operations"));
  EXPECT_THAT(text, HasSubstr("5,000 cycles = 1e-05 s at 0.5 GHz"));
  // Large models too.
  result_.operators[0].op.name = "shared_gate_dequantize";
  result_.operators[0].op.gemm = {2048, 152064, 16384};
  result_.operators[0].counts.cycles = 3'456'789'012'345;
  result_.operators[0].counts.array_cycles = 3'000'000'000'000;
  std::istringstream lines(table());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 140U) << line;
}

TEST_F(RunReport, TheTableWithoutAMemoryNamesWhatIsNotTimed) {
  const std::string text = table();
  EXPECT_THAT(text, HasSubstr("memory: none, engine: tile"));
  EXPECT_THAT(text, HasSubstr("fill/drain"));
  EXPECT_THAT(text, HasSubstr("not timed"));
  EXPECT_THAT(text, Not(HasSubstr("DRAM")));
}

}  // namespace
}  // namespace bitsmith
