// `bitsmith reproduce mixpe`: what MixPE's own script publishes, and ours from the same formula.
#pragma once

#include "app/reproduce_bitmod.h"

namespace bitsmith::app {

void add_mixpe(Reproduction& reproduction);

}  // namespace bitsmith::app
