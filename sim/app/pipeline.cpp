#include "app/pipeline.h"

#include "app/options.h"
#include "system/tile_engine.h"

namespace bitsmith::app {

RunAnswer run(const RunRequest& request) {
  RunAnswer answer;
  std::vector<std::string> mistakes;  // of both inputs
  const auto read = [&mistakes](const auto& load) {
    try {
      load();
    } catch (const UserError& error) {
      mistakes.insert(mistakes.end(), error.messages().begin(), error.messages().end());
    }
  };
  read([&] {
    answer.accelerator = load_accelerator(request.accelerator, override_options(request.overrides));
  });
  read([&] {
    answer.workload = request.gemm.empty()
                          ? transformer_workload(load_transformer(request.model), request.phase)
                          : gemm_workload(request.gemm);
  });
  if (!mistakes.empty()) throw UserError(mistakes);
  answer.result = run_tile(*answer.accelerator.design, answer.workload);
  return answer;
}

}  // namespace bitsmith::app
