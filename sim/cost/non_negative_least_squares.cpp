#include "cost/non_negative_least_squares.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "common/error.h"

namespace bitsmith {
namespace {

using Column = std::vector<double>;
using Rows = std::vector<Column>;

constexpr double kSingular = 1e-10;  // of columns of length 1

// Gauss-Jordan with pivots; none where the matrix is singular.
std::optional<Column> solve(Rows matrix, Column right) {
  const std::size_t size = right.size();
  for (std::size_t i = 0; i < size; ++i) {
    std::size_t pivot = i;
    for (std::size_t j = i + 1; j < size; ++j) {
      if (std::abs(matrix[j][i]) > std::abs(matrix[pivot][i])) pivot = j;
    }
    if (std::abs(matrix[pivot][i]) < kSingular) return std::nullopt;
    std::swap(matrix[i], matrix[pivot]);
    std::swap(right[i], right[pivot]);
    for (std::size_t j = 0; j < size; ++j) {
      if (j == i) continue;
      const double factor = matrix[j][i] / matrix[i][i];
      for (std::size_t k = i; k < size; ++k) matrix[j][k] -= factor * matrix[i][k];
      right[j] -= factor * right[i];
    }
  }
  for (std::size_t i = 0; i < size; ++i) right[i] /= matrix[i][i];
  return right;
}

// The normal equations, with columns scaled to length 1.
struct Problem {
  Rows products;  // of columns
  Column right;   // products of columns and what is wanted
  Column length;  // of columns; 0: the unknown does not occur

  Problem(const Rows& rows, const Column& wanted)
      : products(rows.front().size(), Column(rows.front().size())),
        right(rows.front().size()),
        length(rows.front().size()) {
    for (std::size_t i = 0; i < length.size(); ++i) {
      for (const Column& row : rows) length[i] += row[i] * row[i];
      length[i] = std::sqrt(length[i]);
    }
    for (std::size_t i = 0; i < length.size(); ++i) {
      if (length[i] == 0) continue;
      for (std::size_t row = 0; row < rows.size(); ++row)
        right[i] += rows[row][i] / length[i] * wanted[row];
      for (std::size_t j = 0; j < length.size(); ++j) {
        if (length[j] == 0) continue;
        for (const Column& row : rows) products[i][j] += row[i] / length[i] * (row[j] / length[j]);
      }
    }
  }
};

// Unknowns of `used`, in their order, without a bound.
std::optional<Column> solve_part(const Problem& problem, const std::vector<std::size_t>& used) {
  Rows matrix;
  Column right;
  for (const std::size_t i : used) {
    Column row;
    for (const std::size_t j : used) row.push_back(problem.products[i][j]);
    matrix.push_back(std::move(row));
    right.push_back(problem.right[i]);
  }
  return solve(std::move(matrix), std::move(right));
}

class ActiveSets {
 public:
  explicit ActiveSets(const Problem& problem)
      : problem_(problem), x_(problem.length.size()), refused_(x_.size()) {
    for (std::size_t i = 0; i < x_.size(); ++i) refused_[i] = problem.length[i] == 0;
  }

  Column run() {
    while (const std::optional<std::size_t> next = steepest()) {
      used_.push_back(*next);
      if (!settle()) {  // it is no other than those that are used
        std::erase(used_, *next);
        x_[*next] = 0;
        refused_[*next] = true;
      }
    }
    return x_;
  }

 private:
  // Of those that are 0 and would better be more.
  std::optional<std::size_t> steepest() const {
    constexpr double kFlat = 1e-12;
    double largest = 0;
    for (const double value : problem_.right) largest = std::max(largest, std::abs(value));
    double slope = kFlat * largest;
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < x_.size(); ++i) {
      if (refused_[i] || std::find(used_.begin(), used_.end(), i) != used_.end()) continue;
      double of = problem_.right[i];
      for (std::size_t j = 0; j < x_.size(); ++j) of -= problem_.products[i][j] * x_[j];
      if (of <= slope) continue;
      slope = of;
      best = i;
    }
    return best;
  }

  // Goes to the best of those used, dropping what falls to 0 on the way; false where there is none.
  bool settle() {
    while (!used_.empty()) {
      const std::optional<Column> best = solve_part(problem_, used_);
      if (!best) return false;
      if (std::all_of(best->begin(), best->end(), [](double x) { return x > 0; })) {
        for (std::size_t i = 0; i < used_.size(); ++i) x_[used_[i]] = (*best)[i];
        return true;
      }
      double step = 1;
      for (std::size_t i = 0; i < used_.size(); ++i) {
        const double from = x_[used_[i]];
        if ((*best)[i] <= 0) step = std::min(step, from / (from - (*best)[i]));
      }
      for (std::size_t i = 0; i < used_.size(); ++i)
        x_[used_[i]] += step * ((*best)[i] - x_[used_[i]]);
      drop_zeros(*best);
    }
    return true;
  }

  void drop_zeros(const Column& best) {
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < used_.size(); ++i) {
      const bool falls = best[i] <= 0 && x_[used_[i]] <= kSingular * std::abs(best[i]);
      if (falls) {
        x_[used_[i]] = 0;
      } else {
        kept.push_back(used_[i]);
      }
    }
    used_ = std::move(kept);
  }

  const Problem& problem_;
  Column x_;
  std::vector<bool> refused_;
  std::vector<std::size_t> used_;
};

}  // namespace

std::vector<double> non_negative_least_squares(const std::vector<std::vector<double>>& rows,
                                               const std::vector<double>& wanted) {
  if (rows.empty()) return {};
  check(rows.size() == wanted.size(), "every row has what is wanted of it");
  const Problem problem(rows, wanted);
  Column x = ActiveSets(problem).run();
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (problem.length[i] > 0) x[i] /= problem.length[i];
  }
  return x;
}

bool has_full_rank(const std::vector<std::vector<double>>& rows) {
  if (rows.empty()) return false;
  const Problem problem(rows, Column(rows.size()));
  return solve(problem.products, problem.right).has_value();
}

}  // namespace bitsmith
