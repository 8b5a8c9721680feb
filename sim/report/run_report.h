// The result of `bitsmith run` as JSON (schema bitsmith.run/1) and as a table for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "system/accelerator.h"
#include "system/run_result.h"
#include "workload/operator.h"

namespace bitsmith {

nlohmann::ordered_json run_json(const Accelerator& accelerator, const Workload& workload,
                                const RunResult& result);
std::string run_table(const Accelerator& accelerator, const Workload& workload,
                      const RunResult& result);

}  // namespace bitsmith
