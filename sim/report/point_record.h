// A point of a sweep as it is stored (schema bitsmith.point/1): what it was computed from, its
// figures, and where its operators' cycles go.
#pragma once

#include <nlohmann/json.hpp>

#include "report/run_report.h"

namespace bitsmith {

// {"schema", "status": "done", "version", "inputs": {"accelerator": resolved, "workload",
//  "engine"}, "metrics": {name: number, word, flag or null}, "operators": [{"name", "times",
//  "cycles", "array_cycles", "stall_cycles": {cause: cycles}, "macs",
//  "dram_bytes": number or null}], "tech"}.
// Metrics are flat: they are the columns of a sweep's index. Units are in their names; cycles, macs
// and pes have none; tops are 1e12 operations per second, two to a MAC. `technology` is a word, and
// flags (`overclocked`, ...) are true or false. Operators' figures are those of all their
// occurrences; causes without cycles are left out.
nlohmann::ordered_json point_record(const RunReportInput& input);

}  // namespace bitsmith
