// What Yosys's `dfflibmap` is given of a library: its flip-flops, and of them their function alone.
#pragma once

#include <string>

#include "cost/liberty_text.h"

namespace bitsmith {

// Liberty text. A flip-flop whose state is the inverse of its data (next_state "!D", as in ASAP7)
// is restated by its other state, which is equal: next_state "D", clear and preset exchanged. For
// Yosys 0.23 inverts the data of such a cell without exchanging these two, so that registers that
// reset to 0 would reset to 1.
std::string register_library(const LibertyText& library);

}  // namespace bitsmith
