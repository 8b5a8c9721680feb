#include "app/cycle_run.h"

#include "cosim/checked_rtl.h"
#include "pe/registry.h"
#include "system/sc_accelerator.h"

namespace bitsmith::app {

RunResult run_cycle_engine(const Accelerator& accelerator, const std::vector<PlannedOperator>& plan,
                           const OperandSource& operands, const CycleRequest& request) {
  const CycleOptions options{request.wave, request.timeline};
  return visit_design(*accelerator.design, [&](const auto& design) {
    using Model = typename std::decay_t<decltype(design)>::Model;
    Model model(design.params());
    if (request.array == ArrayKind::model) {
      return run_cycle(accelerator, plan, operands, model, options);
    }
    VerilatedArray rtl(build_verilated(rtl_sources(design), false), 1);
    CheckedRtl<Model> checked(design, model, rtl);
    return run_cycle(accelerator, plan, operands, checked, options);
  });
}

}  // namespace bitsmith::app

// The SystemC library has a main of its own that wants this; ours is used instead.
int sc_main(int, char**) { return 1; }
