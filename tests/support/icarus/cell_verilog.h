// Library cells as Verilog that Icarus Verilog simulates: the function, the state if any, and a
// path of no delay from every input to every output it has an arc to, for SDF to fill.
#pragma once

#include <string>

#include "cost/liberty.h"

namespace bitsmith {

// A module named `name` with the cell's pins. Flip-flops and latches start at 0. Throws UserError
// for a cell that cannot be simulated.
std::string cell_verilog(const LibertyCell& cell, const std::string& name);

}  // namespace bitsmith
