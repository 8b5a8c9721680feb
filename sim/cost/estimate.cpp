#include "cost/estimate.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "common/error.h"
#include "cost/non_negative_least_squares.h"
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

// How far apart, in factors, whatever of it there is.
double distance(const WordCells& a, const WordCells& b) {
  double sum = 0;
  for (std::size_t i = 0; i < kWordCells; ++i) sum += std::abs(std::log((a[i] + 1) / (b[i] + 1)));
  return sum;
}

// Parameters first: a PE of integers and one of floating point toggle differently, however many
// bits of what they have.
std::pair<std::size_t, double> distance(const EstimatedModule& wanted, const ModuleRecord& record) {
  return {different_parameters(wanted.parameters, record.parameters),
          distance(wanted.cells, *record.word_cells)};
}

// The sum of components, by as much as it is off where the same module is known under other
// parameters: under those that are nearest. Its own at other sizes, of another RTL since it is
// estimated, do not count, as they do not for the held-out error.
double predicted(const Records& records, const Figure& figure, const std::vector<double>& weights,
                 const EstimatedModule& wanted) {
  const ModuleRecord* nearest = nullptr;
  for (const ModuleRecord* record : records) {
    if (record->cost.name != wanted.name || *figure(*record) <= 0) continue;
    if (different_parameters(wanted.parameters, record->parameters) == 0 ||
        SizedModule(wanted.parameters, array_sizes()).is_alike(record->parameters)) {
      continue;
    }
    if (nearest == nullptr || distance(wanted, *record) < distance(wanted, *nearest))
      nearest = record;
  }
  const double sum = dot(wanted.cells, weights);
  const double known = nearest != nullptr ? dot(*nearest->word_cells, weights) : 0;
  return known > 0 ? sum * *figure(*nearest) / known : sum;
}

struct Fitted {
  double value = 0;
  std::optional<double> error;
};

// None where too few records have the figure.
std::optional<Fitted> fitted(const Records& all, const EstimatedModule& wanted,
                             const Figure& figure) {
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
    const EstimatedModule held_out{record->cost.name, record->parameters, *record->word_cells};
    error += std::abs(predicted(records, figure, without, held_out) / measured - 1);
    ++counted;
  }
  Fitted result{predicted(records, figure, weights, wanted), std::nullopt};
  if (counted > 0) result.error = error / static_cast<double>(counted);
  return result;
}

}  // namespace

std::optional<Estimate> estimate(const Technology& technology, const EstimatedModule& wanted) {
  Records records;
  for (const auto& [key, record] : technology.by_key()) {
    if (record.word_cells && record.tools.method == kRecordMethod) records.push_back(&record);
  }
  const auto area = fitted(records, wanted,
                           [](const ModuleRecord& of) { return std::optional(of.cost.area_um2); });
  if (!area) return std::nullopt;
  Estimate result;
  result.record.cost.area_um2 = area->value;
  result.held_out.area = area->error;
  if (const auto leakage =
          fitted(records, wanted, [](const ModuleRecord& of) { return of.cost.leakage_uw; })) {
    result.record.cost.leakage_uw = leakage->value;
    result.held_out.leakage = leakage->error;
  }
  for (std::size_t operands = 0; operands < kOperandClasses; ++operands) {
    for (std::size_t cycle = 0; cycle < kPeCycleClasses; ++cycle) {
      const auto o = static_cast<OperandClass>(operands);
      const auto c = static_cast<PeCycleClass>(cycle);
      const auto energy = fitted(records, wanted, [&](const ModuleRecord& of) {
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
