// The flow of `bitsmith run` as one function.
#pragma once

#include <string>
#include <vector>

#include "system/accelerator.h"
#include "system/run_result.h"
#include "workload/transformer.h"

namespace bitsmith::app {

struct RunRequest {
  std::string accelerator;             // file
  std::vector<std::string> overrides;  // "path=value"
  std::string gemm;                    // "MxNxK", or
  std::string model;                   // file of a model, with
  PhaseOptions phase;
};

struct RunAnswer {
  Accelerator accelerator;
  Workload workload;
  RunResult result;
};

RunAnswer run(const RunRequest& request);

}  // namespace bitsmith::app
