// A mapping as it stands in every report.
#pragma once

#include <nlohmann/json.hpp>

#include "mapping/blocks.h"

namespace bitsmith {

inline const char* word_of(LoopOrder order) {
  return order == LoopOrder::m_outer ? "m_outer" : "n_outer";
}

inline nlohmann::ordered_json mapping_json(const Mapping& mapping) {
  return {{"block_m", mapping.block_m},
          {"block_n", mapping.block_n},
          {"block_k", mapping.block_k},
          {"loop_order", word_of(mapping.order)}};
}

}  // namespace bitsmith
