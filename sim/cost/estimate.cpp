#include "cost/estimate.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "common/error.h"

namespace bitsmith {
namespace {

constexpr std::size_t kFewest = 2 * kWordCells;

using Records = std::vector<const ModuleRecord*>;
using Figure = std::function<std::optional<double>(const ModuleRecord&)>;

double dot(const WordCells& cells, const std::vector<double>& weights) {
  double sum = 0;
  for (std::size_t i = 0; i < kWordCells; ++i) sum += cells[i] * weights[i];
  return sum;
}

// Cost of a bit of each component; `left_out` does not count.
std::vector<double> fit(const Records& records, const Figure& figure,
                        const ModuleRecord* left_out = nullptr) {
  std::vector<std::vector<double>> rows;
  std::vector<double> wanted;
  for (const ModuleRecord* record : records) {
    const double value = *figure(*record);
    if (record == left_out || value <= 0) continue;
    std::vector<double> row;
    for (const double count : *record->word_cells) row.push_back(count / value);
    rows.push_back(std::move(row));
    wanted.push_back(1);
  }
  return non_negative_least_squares(rows, wanted);
}

struct Fitted {
  double value = 0, error = 0;
};

// None where too few records have the figure.
std::optional<Fitted> fitted(const Records& all, const WordCells& cells, const Figure& figure) {
  Records records;
  std::copy_if(all.begin(), all.end(), std::back_inserter(records),
               [&](const ModuleRecord* record) { return figure(*record).has_value(); });
  if (records.size() < kFewest) return std::nullopt;
  double error = 0;
  for (const ModuleRecord* record : records) {
    const double measured = *figure(*record);
    if (measured <= 0) continue;
    const double predicted = dot(*record->word_cells, fit(records, figure, record));
    error += std::abs(predicted / measured - 1);
  }
  return Fitted{dot(cells, fit(records, figure)), error / static_cast<double>(records.size())};
}

}  // namespace

std::vector<double> non_negative_least_squares(const std::vector<std::vector<double>>& rows,
                                               const std::vector<double>& wanted) {
  constexpr int kMostRounds = 10000;
  constexpr double kSettled = 1e-10;
  const std::size_t unknowns = rows.empty() ? 0 : rows.front().size();
  std::vector<double> x(unknowns, 0), residual = wanted;
  for (int round = 0; round < kMostRounds; ++round) {
    double moved = 0;
    for (std::size_t i = 0; i < unknowns; ++i) {
      double slope = 0, curvature = 0;
      for (std::size_t row = 0; row < rows.size(); ++row) {
        slope += rows[row][i] * residual[row];
        curvature += rows[row][i] * rows[row][i];
      }
      if (curvature == 0) continue;
      const double step = std::max(slope / curvature, -x[i]);
      x[i] += step;
      for (std::size_t row = 0; row < rows.size(); ++row) residual[row] -= step * rows[row][i];
      moved = std::max(moved, std::abs(step) * std::sqrt(curvature));
    }
    if (moved < kSettled) break;
  }
  return x;
}

std::optional<Estimate> estimate(const Technology& technology, const WordCells& cells) {
  Records records;
  for (const auto& [key, record] : technology.by_key()) {
    if (record.word_cells) records.push_back(&record);
  }
  const auto area = fitted(records, cells,
                           [](const ModuleRecord& of) { return std::optional(of.cost.area_um2); });
  if (!area) return std::nullopt;
  Estimate result;
  result.record.cost.area_um2 = area->value;
  result.held_out.area = area->error;
  if (const auto leakage =
          fitted(records, cells, [](const ModuleRecord& of) { return of.cost.leakage_uw; })) {
    result.record.cost.leakage_uw = leakage->value;
    result.held_out.leakage = leakage->error;
  }
  for (std::size_t operands = 0; operands < kOperandClasses; ++operands) {
    for (std::size_t cycle = 0; cycle < kPeCycleClasses; ++cycle) {
      const auto o = static_cast<OperandClass>(operands);
      const auto c = static_cast<PeCycleClass>(cycle);
      const auto energy = fitted(records, cells, [&](const ModuleRecord& of) {
        const auto& record = of.energies.at(o, c);
        return record ? std::optional(dynamic_pj(*record)) : std::nullopt;
      });
      if (!energy) continue;
      EnergyRecord record;
      record.switching_pj = energy->value;  // parts are not told apart
      result.record.energies.at(o, c) = record;
      result.held_out.energy = std::max(result.held_out.energy.value_or(0), energy->error);
    }
  }
  return result;
}

}  // namespace bitsmith
