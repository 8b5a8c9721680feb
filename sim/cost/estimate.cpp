#include "cost/estimate.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "common/error.h"
#include "cost/size_fit.h"
#include "pe/registry.h"

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

// Of every design.
const std::vector<RtlDescription::Size>& array_sizes() {
  static const std::vector<RtlDescription::Size> sizes = [] {
    std::vector<RtlDescription::Size> all;
    const auto add = [&](const Design& design) {
      for (auto& size : design.rtl().sizes) all.push_back(std::move(size));
    };
#define PE_DESIGN(name) add(name::Design(name::Params()));
#include "pe/designs.def"
#undef PE_DESIGN
    return all;
  }();
  return sizes;
}

// The same module, maybe at another size: one of these tells too much of another.
bool is_of_family(const ModuleRecord& a, const ModuleRecord& b) {
  if (&a == &b) return true;
  return a.cost.name == b.cost.name &&
         SizedModule(a.parameters, array_sizes()).is_alike(b.parameters);
}

// Cost of a bit of each component, empty where nothing tells; the family of `left_out` does not
// count.
std::vector<double> fit(const Records& records, const Figure& figure,
                        const ModuleRecord* left_out = nullptr) {
  std::vector<std::vector<double>> rows;
  std::vector<double> wanted;
  for (const ModuleRecord* record : records) {
    const double value = *figure(*record);
    if (value <= 0 || (left_out != nullptr && is_of_family(*left_out, *record))) continue;
    std::vector<double> row;
    for (const double count : *record->word_cells) row.push_back(count / value);
    rows.push_back(std::move(row));
    wanted.push_back(1);
  }
  return non_negative_least_squares(rows, wanted);
}

struct Fitted {
  double value = 0;
  std::optional<double> error;
};

// None where too few records have the figure.
std::optional<Fitted> fitted(const Records& all, const WordCells& cells, const Figure& figure) {
  Records records;
  std::copy_if(all.begin(), all.end(), std::back_inserter(records),
               [&](const ModuleRecord* record) { return figure(*record).has_value(); });
  if (records.size() < kFewest) return std::nullopt;
  const std::vector<double> weights = fit(records, figure);
  if (weights.empty()) return std::nullopt;
  double error = 0;
  std::size_t counted = 0;
  for (const ModuleRecord* record : records) {
    const double measured = *figure(*record);
    const std::vector<double> without = fit(records, figure, record);
    if (measured <= 0 || without.empty()) continue;
    error += std::abs(dot(*record->word_cells, without) / measured - 1);
    ++counted;
  }
  Fitted result{dot(cells, weights), std::nullopt};
  if (counted > 0) result.error = error / static_cast<double>(counted);
  return result;
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
    if (record.word_cells && record.tools.method == kRecordMethod) records.push_back(&record);
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
      // An empty one is less than any other.
      result.held_out.energy = std::max(result.held_out.energy, energy->error);
    }
  }
  return result;
}

}  // namespace bitsmith
