#include "common/version.h"

namespace bitsmith {

std::string_view version() { return BITSMITH_VERSION; }

}  // namespace bitsmith
