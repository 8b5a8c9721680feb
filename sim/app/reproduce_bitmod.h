// `bitsmith reproduce bitmod`: the totals of BitMoD's own script, and ours from the same formula.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace bitsmith::app {

// What `bitsmith reproduce` prints, paper after paper.
struct Reproduction {
  std::string text;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  // Of a closed form, what it leaves out: {"paper", "subject", "text"}.
  nlohmann::ordered_json simplifications = nlohmann::ordered_json::array();
};

void add_bitmod(Reproduction& reproduction);

}  // namespace bitsmith::app
