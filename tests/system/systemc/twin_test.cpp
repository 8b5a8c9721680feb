// Engine `tile` equals engine `cycle`: every count of every operator over random small systems.
// Each does on its own what sim/system/README.md says with the same program, blocks and constants.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "pe/registry.h"
#include "support/random_system.h"
#include "system/systemc/cycle_child.h"
#include "system/tile_engine.h"

namespace bitsmith {
namespace {

using test::CycleRun;
using test::SystemMaker;

// Counts by name, for a message that shows what differs.
std::vector<std::pair<std::string, std::uint64_t>> named(const RunCounts& c) {
  const SystemCounts& s = c.system;
  std::vector<std::pair<std::string, std::uint64_t>> all{
      {"cycles", c.cycles},
      {"array_cycles", c.array_cycles},
      {"fill_drain", c.stall_cycles.fill_drain},
      {"weights", c.stall_cycles.weights},
      {"activations", c.stall_cycles.activations},
      {"results", c.stall_cycles.results},
      {"vector", c.stall_cycles.vector},
      {"control", c.stall_cycles.control},
      {"refresh", c.stall_cycles.refresh},
      {"macs", c.macs},
      {"jobs", c.jobs},
      {"mac", c.pe_cycles.mac},
      {"pad", c.pe_cycles.pad},
      {"idle", c.pe_cycles.idle},
      {"stalled", c.pe_cycles.stalled},
      {"blocks", s.blocks},
      {"descriptors", s.descriptors},
      {"weight_reads", s.weight_reads},
      {"kv_cache_reads", s.kv_cache_reads},
      {"activation_reads", s.activation_reads},
      {"kv_cache_writes", s.kv_cache_writes},
      {"result_writes", s.result_writes},
      {"activation_buffer_writes", s.activation_buffer_writes},
      {"activation_buffer_reads", s.activation_buffer_reads},
      {"weight_buffer_writes", s.weight_buffer_writes},
      {"weight_buffer_reads", s.weight_buffer_reads},
      {"result_buffer_writes", s.result_buffer_writes},
      {"result_buffer_reads", s.result_buffer_reads},
      {"weight_conversions", s.weight_conversions},
      {"vector_operations", s.vector_operations}};
  for (std::size_t i = 0; i < ActionCounts::kMost; ++i) {
    all.emplace_back(fmt::format("action {}", i), c.actions[i]);
  }
  return all;
}

std::string difference(const RunCounts& cycle, const RunCounts& tile) {
  if (cycle == tile) return "";
  std::string text;
  const auto left = named(cycle), right = named(tile);
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i].second == right[i].second) continue;
    text +=
        fmt::format("\n  {}: cycle {}, tile {}", left[i].first, left[i].second, right[i].second);
  }
  return text.empty() ? "\n  a count without a name" : text;
}

std::vector<TimelineEvent> sorted(std::vector<TimelineEvent> events) {
  std::sort(events.begin(), events.end(), [](const TimelineEvent& a, const TimelineEvent& b) {
    return std::tuple(a.op, a.row, a.begin_ps, a.end_ps, a.block, std::string_view(a.what)) <
           std::tuple(b.op, b.row, b.begin_ps, b.end_ps, b.block, std::string_view(b.what));
  });
  return events;
}

std::string text_of(const TimelineEvent& e) {
  return fmt::format("op {} row {} '{}' block {}: {} .. {}", e.op, static_cast<int>(e.row), e.what,
                     e.block, e.begin_ps, e.end_ps);
}

std::string difference(std::vector<TimelineEvent> cycle, std::vector<TimelineEvent> tile) {
  cycle = sorted(std::move(cycle));
  tile = sorted(std::move(tile));
  for (std::size_t i = 0; i < std::max(cycle.size(), tile.size()); ++i) {
    const std::string left = i < cycle.size() ? text_of(cycle[i]) : "nothing";
    const std::string right = i < tile.size() ? text_of(tile[i]) : "nothing";
    if (left != right) return fmt::format("\n  timeline: cycle {}; tile {}", left, right);
  }
  return "";
}

struct Tally {
  std::uint64_t operators = 0, values = 0, interval = 0, starved = 0, split = 0, converters = 0,
                slow_converters = 0;
};

// Empty if the engines agree.
std::string compare(SystemMaker& system, std::uint64_t seed, Tally& tally) {
  const std::optional<WeightConverter>& converter = system.accelerator.memory->weight_converter;
  const OperandSource operands(*system.accelerator.design, seed, converter ? &*converter : nullptr);
  const CycleRun cycle = test::in_child([&](Timeline& timeline) {
    return visit_design(*system.accelerator.design, [&](const auto& design) {
      typename std::decay_t<decltype(design)>::Model model(design.params());
      return run_cycle(system.accelerator, system.plan, operands, model, {{}, &timeline});
    });
  });
  if (!cycle.error.empty()) return "\n  engine cycle " + cycle.error;
  Timeline timeline(1000000);
  TileOptions options;
  options.timeline = &timeline;
  options.operands = &operands;
  const RunResult tile = run_tile(system.accelerator, system.plan, options);
  options.timeline = nullptr;
  const RunResult quick = run_tile(system.accelerator, system.plan, options);
  std::string text;
  for (std::size_t i = 0; i < tile.operators.size(); ++i) {
    const std::string wrong = difference(cycle.operators.at(i), tile.operators[i].counts);
    if (!wrong.empty()) text += fmt::format("\n operator {}:{}", i, wrong);
    const std::string skipped = difference(cycle.operators.at(i), quick.operators[i].counts);
    if (skipped != wrong) text += fmt::format("\n operator {}, skipping:{}", i, skipped);
  }
  text += difference(cycle.total, tile.total);
  text += difference(cycle.events, timeline.events());
  if (cycle.mismatches > 0) text += "\n  " + cycle.first_mismatch;
  tally.operators += tile.operators.size();
  tally.values += cycle.values_compared;
  const StallCycles& stalls = cycle.total.stall_cycles;
  tally.starved += stalls.weights + stalls.activations > cycle.total.array_cycles ? 1 : 0;
  const MemoryTimes times = memory_times(*system.accelerator.design, *system.accelerator.memory,
                                         system.accelerator.params.clock_ghz);
  tally.interval += times.interval > 1 ? 1 : 0;
  if (cycle.total.system.weight_conversions > 0) {
    ++tally.converters;
    tally.slow_converters += times.converted_access_ps > times.dram.access_ps ? 1 : 0;
  }
  for (const PlannedOperator& planned : system.plan) {
    if (planned.mapping && planned.mapping->block_k < planned.program.op.gemm.k) ++tally.split;
  }
  return text;
}

// twin_test [rounds [first seed]]
int run(std::uint64_t rounds, std::uint64_t first) {
  Tally tally;
  int failures = 0;
  for (std::uint64_t seed = first; seed < first + rounds && failures < 5; ++seed) {
    SystemMaker system(seed);
    system.make();
    const std::string wrong = compare(system, seed, tally);
    if (wrong.empty()) continue;
    ++failures;
    fmt::print("seed {}: the engines differ\n{}{}\n", seed, system.text(), wrong);
  }
  fmt::print(
      "{} systems: {} operators, {} with K in several blocks, {} values, {} systems with "
      "slow ports, {} starved, {} with converters at work, {} of them slower than the DRAM; {} "
      "differ\n",
      rounds, tally.operators, tally.split, tally.values, tally.interval, tally.starved,
      tally.converters, tally.slow_converters, failures);
  if (rounds >= 2000 && failures == 0 &&
      (tally.interval < 100 || tally.starved < 100 || tally.split < 100 ||
       tally.slow_converters < 50 || tally.converters - tally.slow_converters < 20)) {
    fmt::print("too few of some kind\n");
    return 1;
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace bitsmith

int sc_main(int argc, char** argv) {
  const std::uint64_t rounds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2000;
  const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  return bitsmith::run(rounds, first);
}
