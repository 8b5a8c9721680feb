// `bitsmith synth --trace`: how well classes of operands stand for those of a trace.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "app/synth_records.h"
#include "cost/technology.h"
#include "workload/trace.h"

namespace bitsmith::app {

struct TraceRequest {
  const std::string& config;  // the design's file, for messages
  const Design& design;
  const Technology& technology;  // with a record of the design's PE
  const SynthesisOptions& synthesis;
  const Trace& trace;
  unsigned jobs = 1;  // GEMMs measured at once
};

struct TraceComparison {
  std::string text;
  nlohmann::ordered_json json;
};

// Throws UserError with all designs that compute no GEMM of the trace: before work that takes
// minutes.
void require_computable(const Trace& trace, const Designs& designs);

// Synthesises the PE once more, with the technology's library.
TraceComparison compare_with_trace(const TraceRequest& request);

}  // namespace bitsmith::app
