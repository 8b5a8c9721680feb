// Any bytes as SCALE-Sim's files: a text that starts with '[', '#' or ';' is a configuration, any
// other a topology. Promises:
// - nothing but a UserError escapes;
// - every message and warning is one line of clean text that starts with the name of the file;
// - what was read is within the ranges that the rest of Bitsmith relies on.
#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"
#include "fuzz/promises.h"
#include "workload/scale_sim.h"

namespace bitsmith {
namespace {

const std::string kFile = "input.csv";

void check_topology(std::string_view text) {
  const ScaleSimTopology topology = parse_scale_sim_topology(text, kFile);
  require_clean_messages(topology.warnings, kFile);
  require(!topology.workload.operators.empty(), "a topology has layers");
  for (const Operator& op : topology.workload.operators) {
    require(!op.name.empty(), "a layer has a name");
    for (const std::uint64_t size : {op.gemm.m, op.gemm.n, op.gemm.k, op.count, op.repeat}) {
      require(size >= 1 && size <= kLargestDimension, "sizes are in range", op.name);
    }
  }
}

void check_config(std::string_view text) {
  const ScaleSimConfig config = parse_scale_sim_config(text, kFile);
  require_clean_messages(config.warnings, kFile);
  require(config.rows >= 1 && config.rows <= 65536, "rows are in range");
  require(config.cols >= 1 && config.cols <= 65536, "columns are in range");
  require(config.dataflow == "os" || config.dataflow == "ws" || config.dataflow == "is",
          "a dataflow is known", config.dataflow);
  require(config.overrides.size() == 3, "three values are taken");
}

void check_input(std::string_view text) {
  const bool is_config = !text.empty() && (text[0] == '[' || text[0] == '#' || text[0] == ';');
  try {
    is_config ? check_config(text) : check_topology(text);
  } catch (const UserError& error) {
    require_reasons(error.messages(), kFile);
  }
}

}  // namespace
}  // namespace bitsmith

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bitsmith::check_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
