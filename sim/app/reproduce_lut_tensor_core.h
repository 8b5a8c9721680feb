// `bitsmith reproduce lut-tensor-core`: the paper's ratios of area, and those of our own RTL.
#pragma once

#include "app/reproduce_bitmod.h"

namespace bitsmith::app {

void add_lut_tensor_core(Reproduction& reproduction);

// Makes the records of all modules anew and writes their file; progress goes to standard error.
void synthesise_lut_tensor_core();

}  // namespace bitsmith::app
