// Integer division rounded up.
#pragma once

#include <cstdint>

namespace bitsmith {

// How many pieces of `piece` > 0 cover `size`.
constexpr std::uint64_t pieces(std::uint64_t size, std::uint64_t piece) {
  return size / piece + (size % piece != 0 ? 1 : 0);
}

}  // namespace bitsmith
