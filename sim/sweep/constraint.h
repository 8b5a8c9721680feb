// Conditions between the numbers of a configuration, such as `design.rows * design.cols <= 1024`.
//
// Names are paths into an accelerator's resolved configuration ("design.rows",
// "weight_buffer.capacity_bytes") and `pes`, the array's PEs; numbers are doubles. Operators,
// functions and precedence are those of muParser (https://beltoforion.de/en/muparser): + - * / ^ (
// ), < <= == != >= >, && ||, min, max, sqrt, log2, ...
#pragma once

#include <string>
#include <vector>

#include "common/error.h"
#include "system/accelerator.h"

namespace bitsmith {

class Constraint {
 public:
  // Throws UserError, located at `where`, when the text is no such expression.
  Constraint(std::string text, Location where);

  const std::string& text() const { return text_; }

  // Whether it holds. Throws UserError when a name is unknown or not that of a number, or the
  // result is no number.
  bool holds(const Accelerator& accelerator, const nlohmann::ordered_json& resolved) const;

 private:
  std::string text_;
  Location where_;
  std::vector<std::string> names_;
};

}  // namespace bitsmith
