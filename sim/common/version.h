#pragma once

#include <string_view>

namespace bitsmith {

std::string_view version();

}  // namespace bitsmith
