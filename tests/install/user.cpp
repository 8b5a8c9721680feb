// Uses the installed library as a program outside this repository would.
#include <fmt/format.h>

#include "pe/systolic/design.h"
#include "system/tile_engine.h"

int main() {
  const bitsmith::systolic::Design design{bitsmith::systolic::Params{}};
  const bitsmith::Workload workload = bitsmith::gemm_workload("128x128x128");
  fmt::print("{}\n", bitsmith::run_array(design, workload).total.cycles);
}
