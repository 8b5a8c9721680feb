// Least squares without negative answers: costs add up, and none of them is a gain.
#pragma once

#include <vector>

namespace bitsmith {

// x >= 0 with the least sum of squares of rows x - wanted, by the active sets of Lawson and Hanson
// (Solving Least Squares Problems, 1974, chapter 23). For a few unknowns; one that `rows` do not
// tell from others is 0. Empty without rows.
std::vector<double> non_negative_least_squares(const std::vector<std::vector<double>>& rows,
                                               const std::vector<double>& wanted);

// Whether the rows tell all unknowns apart.
bool has_full_rank(const std::vector<std::vector<double>>& rows);

}  // namespace bitsmith
