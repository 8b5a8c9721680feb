// The flow of `bitsmith run` as one function.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cycle_run.h"
#include "cost/run_cost.h"
#include "system/accelerator.h"
#include "system/plan.h"
#include "system/run_result.h"
#include "system/timeline.h"
#include "workload/transformer.h"

namespace bitsmith::app {

enum class Engine { tile, cycle, roofline };

struct RunRequest {
  std::string accelerator;             // file; "" with `scale_sim_config`: SCALE-Sim's own array
  std::vector<std::string> overrides;  // "path=value"
  std::string technology;              // instead of the accelerator's; "" for that
  bool allow_estimate = false;         // of modules without a record
  std::string gemm;                    // "MxNxK", or
  std::string model;                   // file of a model, with
  PhaseOptions phase;                  // or
  std::string trace;                   // file of a trace, or
  std::string scale_sim_topology;      // file of SCALE-Sim, with or without
  std::string scale_sim_config;        // file of SCALE-Sim
  Engine engine = Engine::tile;
  CycleRequest cycle;                 // engine cycle; its timeline is ignored
  std::uint64_t seed = 1;             // of random operands, engine cycle
  std::uint64_t timeline_events = 0;  // of an operator, kept in RunAnswer::timeline
};

struct RunAnswer {
  Accelerator accelerator;
  Workload workload;
  std::vector<PlannedOperator> plan;  // with a memory system
  RunResult result;
  OperandClass operand_class = OperandClass::llm;  // of operands that energy is taken for
  RunCost cost;
  Timeline timeline{0};
  std::vector<std::string> warnings;
};

RunAnswer run(const RunRequest& request);

// What the request's gemm, model with phase, trace or scale_sim_topology is. Adds to `warnings`.
Workload read_workload(const RunRequest& request, std::vector<std::string>& warnings);

// Its areas are known without a run; energies are those of none.
RunCost cost_without_run(const Accelerator& accelerator);

// The last step of run(): fills in plan, result, cost and timeline from accelerator and workload,
// which are there. Of the request only engine, seed, trace, cycle and timeline_events count.
void simulate(const RunRequest& request, RunAnswer& answer);

}  // namespace bitsmith::app
