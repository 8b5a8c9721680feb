#include "common/memory.h"

#include <unistd.h>

#include "common/error.h"

namespace bitsmith {

void require_memory(std::string_view what, double bytes) {
  constexpr double kGiga = 1e9;
  const auto memory =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (bytes <= memory) return;
  throw UserError(fmt::format("{} take {:.1f} GB of memory, of which this machine has {:.1f} GB",
                              what, bytes / kGiga, memory / kGiga));
}

}  // namespace bitsmith
