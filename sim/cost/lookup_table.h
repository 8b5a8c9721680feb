// A table of the non-linear delay model: delay, transition or energy over the input's transition
// time (slew) and the output's load.
#pragma once

#include <vector>

namespace bitsmith {

struct LookupTable {
  std::vector<double> slew_ps;  // empty: does not depend on it
  std::vector<double> load_ff;  // likewise
  std::vector<double> values;   // [slew][load]; ps or fJ; empty: no table

  explicit operator bool() const { return !values.empty(); }
  // Bilinear; beyond the table the outermost segment goes on. 0 without a table.
  double at(double slew_ps, double load_ff) const;
};

}  // namespace bitsmith
