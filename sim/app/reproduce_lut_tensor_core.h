// `bitsmith reproduce lut-tensor-core`: the paper's ratios of area, and those of our own RTL.
#pragma once

#include "app/reproduce_bitmod.h"

namespace bitsmith::app {

void add_lut_tensor_core(Reproduction& reproduction);

}  // namespace bitsmith::app
