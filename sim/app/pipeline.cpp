#include "app/pipeline.h"

#include "app/options.h"
#include "system/tile_engine.h"

namespace bitsmith::app {

RunAnswer run(const RunRequest& request) {
  RunAnswer answer;
  answer.accelerator = load_accelerator(request.accelerator, override_options(request.overrides));
  answer.workload = request.gemm.empty()
                        ? transformer_workload(load_transformer(request.model), request.phase)
                        : gemm_workload(request.gemm);
  answer.result = run_tile(*answer.accelerator.design, answer.workload);
  return answer;
}

}  // namespace bitsmith::app
