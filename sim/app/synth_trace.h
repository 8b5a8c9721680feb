// `bitsmith synth --trace`: how well classes of operands stand for those of a trace.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cost/technology.h"

namespace bitsmith::app {

struct TraceRequest {
  const std::string& config;  // the design's file, for messages
  const Design& design;
  const Technology& technology;  // with a record of the design's PE
  const SynthesisOptions& synthesis;
  const std::string& trace;
  unsigned jobs = 1;  // GEMMs measured at once
};

struct TraceComparison {
  std::string text;
  nlohmann::ordered_json json;
};

// Synthesises the PE once more, with the technology's library. Throws UserError where the design
// computes no GEMM of the trace.
TraceComparison compare_with_trace(const TraceRequest& request);

}  // namespace bitsmith::app
