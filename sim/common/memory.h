// The memory of this machine: what a command needs more of, it refuses before it begins.
#pragma once

#include <string_view>

namespace bitsmith {

// Throws UserError when `what` takes more bytes than the machine has.
void require_memory(std::string_view what, double bytes);

}  // namespace bitsmith
