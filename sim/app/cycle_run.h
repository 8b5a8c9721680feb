// Engine `cycle` on an accelerator: SystemC, with the array's cycle model or its Verilated RTL.
#pragma once

#include <filesystem>
#include <vector>

#include "mapping/operand_source.h"
#include "system/accelerator.h"
#include "system/plan.h"
#include "system/run_result.h"
#include "system/timeline.h"

namespace bitsmith::app {

enum class ArrayKind { model, rtl };

struct CycleRequest {
  ArrayKind array = ArrayKind::model;
  std::filesystem::path wave;  // FST of the accelerator's signals; "" for none
  Timeline* timeline = nullptr;
};

// Once per process (SystemC's limit).
RunResult run_cycle_engine(const Accelerator& accelerator, const std::vector<PlannedOperator>& plan,
                           const OperandSource& operands, const CycleRequest& request);

}  // namespace bitsmith::app
