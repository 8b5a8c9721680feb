#include "system/tile_engine.h"

#include <map>
#include <optional>
#include <tuple>

#include "common/error.h"
#include "mapping/weight_steps.h"
#include "pe/registry.h"
#include "system/gemm_fold.h"
#include "system/vector_fold.h"

namespace bitsmith {
namespace {

// The array is idle.
void count_idle(const Design& design, const MemoryTimes& times, RunCounts& counts) {
  const std::uint64_t steps = Pace{times.interval}.enabled_cycles(counts.cycles);
  counts.pe_cycles.idle = design.pe_count() * steps;
  counts.pe_cycles.stalled = design.pe_count() * (counts.cycles - steps);
}

void check_operands(const Design& design, const OperandSource* operands) {
  check(operands != nullptr || !design.steps_depend_on_weights(),
        "cycles that depend on weights, and no weights");
}

// All GEMMs of an operator, each with its own weights.
template <class Timing>
void run_gemms(const Operator& op, const Design& design, const OperandSource* operands,
               std::size_t number, ArrayFold<Timing>& fold) {
  Schedule schedule = schedule_operator(op, design.tile_limits());
  if (!design.steps_depend_on_weights()) return fold.run(schedule);
  WeightSteps steps(design, *operands, number);
  const std::uint64_t unlike = steps.repeats_gemms() ? 1 : op.count;
  schedule.repeat = op.count / unlike;
  for (std::uint64_t gemm = 0; gemm < unlike; ++gemm) {
    Block whole;
    whole.gemm = gemm;
    whole.n = op.gemm.n;
    whole.k = op.gemm.k;
    fold.use_steps(steps.of(whole));
    fold.run(schedule);
  }
}

RunCounts counts_of(const ArraySums& sums, const Design& design, Pace pace) {
  RunCounts counts;
  counts.cycles = sums.last_y + 1;
  counts.array_cycles = sums.feed_steps;
  counts.stall_cycles.fill_drain = counts.cycles - counts.array_cycles;
  counts.macs = sums.macs;
  counts.jobs = sums.jobs;
  const std::uint64_t steps = pace.enabled_cycles(counts.cycles);
  counts.pe_cycles.mac = sums.mac_pe_cycles;
  counts.pe_cycles.pad = sums.pad_pe_cycles;
  counts.pe_cycles.idle = design.pe_count() * (steps - sums.feed_steps);
  counts.pe_cycles.stalled = design.pe_count() * (counts.cycles - steps);
  counts.actions = sums.actions;
  return counts;
}

// What an operator's counts depend on besides the accelerator, and its weights.
auto work_of(const PlannedOperator& planned) {
  const ProgramOperator& p = planned.program;
  const Mapping mapping = planned.mapping.value_or(Mapping{});
  return std::tuple(p.op.is_gemm(), p.op.gemm.m, p.op.gemm.n, p.op.gemm.k, p.op.count,
                    p.output_bits, p.passes, p.weights_are_kv_cache, p.results_are_kv_cache,
                    p.vector.elements, p.vector.input_bits, p.vector.output_bits, p.vector.passes,
                    mapping.block_m, mapping.block_n, mapping.block_k, mapping.order);
}

}  // namespace

RunCounts run_schedule(const Design& design, const Schedule& schedule, Pace pace) {
  return visit_design(design, [&](const auto& concrete) {
    using Timing = typename std::decay_t<decltype(concrete)>::Timing;
    ArrayFold<Timing> fold(Timing(concrete.params()), pace);
    fold.run(schedule);
    return counts_of(fold.sums(), design, pace);
  });
}

RunResult run_array(const Design& design, const Workload& workload, const OperandSource* operands) {
  check_counters(workload, design.tile_limits());
  check_operands(design, operands);
  RunResult result;
  for (std::size_t i = 0; i < workload.operators.size(); ++i) {
    const Operator& op = workload.operators[i];
    if (!op.is_gemm()) continue;
    const RunCounts once = visit_design(design, [&](const auto& concrete) {
      using Timing = typename std::decay_t<decltype(concrete)>::Timing;
      ArrayFold<Timing> fold(Timing(concrete.params()), {});
      run_gemms(op, design, operands, i, fold);
      return counts_of(fold.sums(), design, {});
    });
    OperatorResult row{op, {}, {}, 0};
    row.counts.add(once, op.repeat);
    result.total.add(row.counts, 1);
    result.operators.push_back(std::move(row));
  }
  return result;
}

RunCounts run_operator(const Accelerator& accelerator, const ProgramOperator& program,
                       const std::optional<Mapping>& mapping, const TileOptions& options,
                       std::size_t number) {
  const Design& design = *accelerator.design;
  const MemoryParams& memory = accelerator.memory.value();
  const MemoryTimes times = memory_times(design, memory, accelerator.params.clock_ghz);
  if (!program.op.is_gemm()) {
    RunCounts counts =
        VectorFold(memory, times, program, options.timeline, number, options.skip_repetitions)
            .run();
    count_idle(design, times, counts);
    return counts;
  }
  return visit_design(design, [&](const auto& concrete) {
    using Timing = typename std::decay_t<decltype(concrete)>::Timing;
    std::optional<WeightSteps> steps;
    if (options.operands != nullptr && design.steps_depend_on_weights()) {
      steps.emplace(design, *options.operands, program.source);
    }
    return GemmFold<Timing>(Timing(concrete.params()), design, memory, times, program,
                            mapping.value(), steps ? &*steps : nullptr, options.timeline, number,
                            options.skip_repetitions)
        .run();
  });
}

RunResult run_tile(const Accelerator& accelerator, const std::vector<PlannedOperator>& plan,
                   const TileOptions& options) {
  check_operands(*accelerator.design, options.operands);
  // Equal work takes equal cycles, but for its weights where steps depend on them.
  const bool runs_all =
      options.timeline != nullptr || accelerator.design->steps_depend_on_weights();
  std::map<decltype(work_of(plan.front())), RunCounts> known;
  RunResult result;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const PlannedOperator& planned = plan[i];
    const Operator& op = planned.program.op;
    OperatorResult row{op, {}, planned.mapping, planned.mappings_seen};
    const auto [place, is_new] = known.try_emplace(work_of(planned));
    if (is_new || runs_all) {
      place->second = run_operator(accelerator, planned.program, planned.mapping, options, i);
    }
    row.counts.add(place->second, op.repeat);
    result.total.add(row.counts, 1);
    result.operators.push_back(std::move(row));
  }
  return result;
}

}  // namespace bitsmith
