#include "cost/lookup_table.h"

#include <algorithm>
#include <cstddef>

namespace bitsmith {
namespace {

// The segment of an axis that holds `value`, or is nearest to it, and how far along it is.
struct Position {
  std::size_t index = 0;
  double fraction = 0;
};

Position position_on(const std::vector<double>& axis, double value) {
  if (axis.size() < 2) return {};
  const auto above = std::upper_bound(axis.begin() + 1, axis.end() - 1, value);
  const auto index = static_cast<std::size_t>(above - axis.begin()) - 1;
  return {index, (value - axis[index]) / (axis[index + 1] - axis[index])};
}

}  // namespace

double LookupTable::at(double slew, double load) const {
  if (values.empty()) return 0;
  const Position row = position_on(slew_ps, slew);
  const Position column = position_on(load_ff, load);
  const std::size_t columns = std::max<std::size_t>(load_ff.size(), 1);
  const auto along_row = [&](std::size_t index) {
    const double* start = values.data() + index * columns + column.index;
    return columns < 2 ? start[0] : start[0] + column.fraction * (start[1] - start[0]);
  };
  const double here = along_row(row.index);
  if (slew_ps.size() < 2) return here;
  return here + row.fraction * (along_row(row.index + 1) - here);
}

}  // namespace bitsmith
