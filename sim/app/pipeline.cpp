#include "app/pipeline.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "app/options.h"
#include "common/file.h"
#include "cost/operand_sample.h"
#include "mapping/trace_operands.h"
#include "report/run_figures.h"
#include "system/roofline.h"
#include "system/tile_engine.h"
#include "workload/imported_model.h"
#include "workload/scale_sim.h"
#include "workload/trace.h"

namespace bitsmith::app {
namespace {

// The array that SCALE-Sim assumes, as near as a real one comes: INT8, one fold after the other,
// and sums of as many rows (ws) or columns (is) of Y as the topology has, up to what the
// accumulator SRAM may hold.
YamlNode scale_sim_design(const ScaleSimConfig& config, const Workload& workload) {
  constexpr std::uint64_t kMostAccRows = 65536;
  std::string text =
      "design: systolic\nactivation: int8\nweight: int8\naccumulator_bits: 32\npreload: serial\n"
      "drain: serial\n";
  std::uint64_t rows = 1;
  for (const Operator& op : workload.operators) {
    if (config.dataflow != "is") rows = std::max(rows, op.gemm.m);
    if (config.dataflow != "ws") rows = std::max(rows, op.gemm.n);
  }
  text += fmt::format("acc_rows: {}\n", std::min(rows, kMostAccRows));
  return yaml::parse(text, "the array of --cfg");
}

// Reads one input after the other and throws the mistakes of all of them together.
class InputReader {
 public:
  template <class Load>
  bool read(Load load) {
    try {
      load();
    } catch (const UserError& error) {
      mistakes_.insert(mistakes_.end(), error.messages().begin(), error.messages().end());
      return false;
    }
    return true;
  }
  void throw_if_any() const {
    if (!mistakes_.empty()) throw UserError(mistakes_);
  }

 private:
  std::vector<std::string> mistakes_;
};

// The operands that move: those of the trace, or random ones.
struct Operands {
  std::optional<Trace> trace;
  std::optional<TraceOperands> of_trace;
  std::optional<OperandSource> source;

  Operands(const RunRequest& request, const Accelerator& accelerator) {
    const Design& design = *accelerator.design;
    const WeightConverter* converter = nullptr;
    if (accelerator.memory && accelerator.memory->weight_converter) {
      converter = &*accelerator.memory->weight_converter;
    }
    if (request.trace.empty()) {
      source.emplace(design, request.seed, converter);
      return;
    }
    if (converter != nullptr) {
      throw UserError(fmt::format(
          "accelerator {}: a weight_converter takes random weights, not those of a trace; use an "
          "accelerator without one, or --set weight_converter=none",
          accelerator.name));
    }
    // Codes that the array could not hold would make these cycles those of another array.
    trace.emplace(request.trace);
    of_trace.emplace(*trace, design, false);
    source.emplace(*of_trace);
  }
};

void compute(const RunRequest& request, RunAnswer& answer) {
  const Accelerator& accelerator = answer.accelerator;
  const Operands operands(request, accelerator);
  if (operands.of_trace) {
    answer.operand_class = class_of(*operands.of_trace);
  }
  if (!accelerator.memory) {
    if (request.engine != Engine::tile || request.timeline_events > 0) {
      throw UserError(
          fmt::format("accelerator {}: memory is none: engines cycle and roofline and a timeline "
                      "need a memory; use tile, "
                      "and `bitsmith verify` for the array against its RTL",
                      accelerator.name));
    }
    answer.result = run_array(*accelerator.design, answer.workload, &*operands.source);
    return;
  }
  answer.plan = request.engine == Engine::roofline
                    ? make_plan_without_mappings(accelerator, answer.workload)
                    : make_plan(accelerator, answer.workload);
  answer.timeline = Timeline(request.timeline_events);
  Timeline* timeline = request.timeline_events > 0 ? &answer.timeline : nullptr;
  switch (request.engine) {
    case Engine::tile:
      answer.result = run_tile(accelerator, answer.plan, {timeline, true, &*operands.source});
      return;
    case Engine::roofline:
      answer.result = run_roofline(accelerator, answer.plan);
      return;
    case Engine::cycle:
      CycleRequest cycle = request.cycle;
      cycle.timeline = timeline;
      answer.result = run_cycle_engine(accelerator, answer.plan, *operands.source, cycle);
      return;
  }
}

}  // namespace

Workload read_workload(const RunRequest& request, std::vector<std::string>& warnings) {
  if (!request.gemm.empty()) return gemm_workload(request.gemm);
  if (!request.trace.empty()) return Trace(request.trace).workload();
  if (request.scale_sim_topology.empty()) {
    return transformer_workload(load_model(request.model), request.phase);
  }
  ScaleSimTopology topology = scale_sim_topology(request.scale_sim_topology);
  warnings.insert(warnings.end(), topology.warnings.begin(), topology.warnings.end());
  return std::move(topology.workload);
}

RunCost cost_without_run(const Accelerator& accelerator) {
  TechnologyShelf& shelf = shipped_technologies();
  return run_cost(accelerator, {}, 0, shipped_sram_table,
                  array_figures(accelerator, shelf, nullptr),
                  vector_figures(accelerator, shelf, nullptr));
}

void simulate(const RunRequest& request, RunAnswer& answer) {
  const Accelerator& accelerator = answer.accelerator;
  const RunCounts& total = answer.result.total;
  TechnologyShelf& shelf = shipped_technologies();
  require_sram(accelerator, shipped_sram_table);
  const std::optional<double> wanted_clock_ghz = limit_clock(answer.accelerator, shelf);
  array_figures(accelerator, shelf, nullptr);  // before hours of simulation
  compute(request, answer);
  // A roofline does not know what PEs and lanes do in the cycles that it leaves out.
  const RunCounts* counts = request.engine == Engine::roofline ? nullptr : &total;
  answer.cost = run_cost(accelerator, total, seconds(total, accelerator), shipped_sram_table,
                         array_figures(accelerator, shelf, counts, answer.operand_class),
                         vector_figures(accelerator, shelf, counts));
  if (answer.cost.array) answer.cost.array->wanted_clock_ghz = wanted_clock_ghz;
  // It knows the traffic of the DRAM, but not of the buffers.
  if (request.engine == Engine::roofline) answer.cost.energy_pj.buffers.reset();
}

RunAnswer run(const RunRequest& request) {
  RunAnswer answer;
  InputReader inputs;
  ScaleSimConfig config;
  std::vector<Override> overrides;
  const bool has_config = inputs.read([&] {
    if (request.scale_sim_config.empty()) return;
    config = scale_sim_config(request.scale_sim_config);
    overrides = config.overrides;
    answer.warnings = config.warnings;
  });
  inputs.read([&] {
    // After those of the configuration: the user's own win.
    for (Override& change : override_options(request.overrides)) {
      overrides.push_back(std::move(change));
    }
    if (!request.technology.empty()) {
      overrides.push_back({{"technology", "name"}, request.technology, {"--tech", 0, 0}});
    }
    if (request.allow_estimate) {
      overrides.push_back({{"technology", "allow_estimate"}, "true", {"--allow-estimate", 0, 0}});
    }
  });
  inputs.read([&] { answer.workload = read_workload(request, answer.warnings); });
  inputs.read([&] {
    if (!request.accelerator.empty()) {
      answer.accelerator = load_accelerator(request.accelerator, overrides);
    } else if (has_config) {
      answer.accelerator =
          make_accelerator(std::filesystem::path(request.scale_sim_config).stem().string(),
                           scale_sim_design(config, answer.workload), overrides);
    }
  });
  inputs.throw_if_any();
  simulate(request, answer);
  return answer;
}

}  // namespace bitsmith::app
