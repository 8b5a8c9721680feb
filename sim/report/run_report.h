// The result of `bitsmith run` as JSON (schema bitsmith.run/1) and as a table for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cost/run_cost.h"
#include "system/accelerator.h"
#include "system/run_result.h"
#include "workload/operator.h"

namespace bitsmith {

struct RunReportInput {
  const Accelerator& accelerator;
  const Workload& workload;
  const RunResult& result;
  std::string engine = "tile";  // tile, cycle, roofline
  std::string array = "model";  // model, rtl
  RunCost cost = {};
  bool explain = false;  // the table says where the array's figures come from; JSON always does
};

// Figures that nobody computed are null, never 0: vector operators' cycles and all of the system's
// without a memory, PE-cycles and actions of engine roofline, checked values but of engine cycle.
nlohmann::ordered_json run_json(const RunReportInput& input);

std::string run_table(const RunReportInput& input);

}  // namespace bitsmith
