// The flow of `bitsmith run` as one function.
#pragma once

#include <string>
#include <vector>

#include "system/accelerator.h"
#include "system/plan.h"
#include "system/run_result.h"
#include "workload/transformer.h"

namespace bitsmith::app {

struct RunRequest {
  std::string accelerator;             // file; "" with `scale_sim_config`: SCALE-Sim's own array
  std::vector<std::string> overrides;  // "path=value"
  std::string gemm;                    // "MxNxK", or
  std::string model;                   // file of a model, with
  PhaseOptions phase;                  // or
  std::string trace;                   // file of a trace, or
  std::string scale_sim_topology;      // file of SCALE-Sim, with or without
  std::string scale_sim_config;        // file of SCALE-Sim
};

struct RunAnswer {
  Accelerator accelerator;
  Workload workload;
  std::vector<PlannedOperator> plan;  // with a memory system
  RunResult result;
  std::vector<std::string> warnings;
};

RunAnswer run(const RunRequest& request);

}  // namespace bitsmith::app
