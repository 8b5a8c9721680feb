#include "cost/size_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <span>
#include <utility>

#include "common/error.h"

namespace bitsmith {
namespace {

using Row = std::vector<double>;
using Family = std::span<const ModuleRecord* const>;

constexpr std::size_t kMostTerms = 5;

// Weights of the rows in the least-squares prediction at `wanted`: the answer for any figure y is
// then the sum of weight x y. Normal equations by Gauss-Jordan with pivots; none where they are
// singular.
std::optional<Row> weights_at(std::span<const Row> rows, const Row& wanted) {
  const std::size_t terms = wanted.size();
  check(terms <= kMostTerms, "a module knows two sizes at most");
  if (rows.size() < terms) return std::nullopt;
  // [X^T X | wanted], scaled by column so that 1 and R^2 weigh alike.
  std::array<double, kMostTerms> scale{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < terms; ++i) scale[i] = std::max(scale[i], std::abs(row[i]));
  }
  std::array<std::array<double, kMostTerms + 1>, kMostTerms> matrix{};
  for (std::size_t i = 0; i < terms; ++i) {
    for (std::size_t j = 0; j < terms; ++j) {
      for (const Row& row : rows) matrix[i][j] += row[i] / scale[i] * (row[j] / scale[j]);
    }
    matrix[i][terms] = wanted[i] / scale[i];
  }
  constexpr double kSingular = 1e-9;
  for (std::size_t i = 0; i < terms; ++i) {
    std::size_t pivot = i;
    for (std::size_t j = i + 1; j < terms; ++j) {
      if (std::abs(matrix[j][i]) > std::abs(matrix[pivot][i])) pivot = j;
    }
    if (std::abs(matrix[pivot][i]) < kSingular) return std::nullopt;
    std::swap(matrix[i], matrix[pivot]);
    for (std::size_t j = 0; j < terms; ++j) {
      if (j == i) continue;
      const double factor = matrix[j][i] / matrix[i][i];
      for (std::size_t k = i; k <= terms; ++k) matrix[j][k] -= factor * matrix[i][k];
    }
  }
  Row weights(rows.size(), 0);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (std::size_t i = 0; i < terms; ++i) {
      weights[row] += rows[row][i] / scale[i] * matrix[i][terms] / matrix[i][i];
    }
  }
  return weights;
}

// The largest size is the last.
const ModuleRecord& largest(Family family) { return *family.back(); }

// Without what is left of a 0 after rounding.
template <class Figure>
double weighted(Family family, const Row& weights, Figure figure) {
  constexpr double kRounding = 1e-9;
  double sum = 0, size = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double term = weights[i] * figure(*family[i]);
    sum += term;
    size += std::abs(term);
  }
  return std::abs(sum) <= kRounding * size ? 0 : sum;
}

// What all have.
template <class Figure>
std::optional<double> weighted_if_known(Family family, const Row& weights, Figure figure) {
  if (!std::all_of(family.begin(), family.end(),
                   [&](const ModuleRecord* record) { return figure(*record).has_value(); })) {
    return std::nullopt;
  }
  return weighted(family, weights, [&](const ModuleRecord& record) { return *figure(record); });
}

// Gates are told in two parts; where the fit of one of them is below 0 only their sum is told.
void join_if_below_zero(double& first, double& second) {
  if (first >= 0 && second >= 0) return;
  first += second;
  second = 0;
}

std::optional<EnergyRecord> weighted_energy(Family family, const Row& weights,
                                            OperandClass operands, PeCycleClass cycle) {
  const auto of = [&](const ModuleRecord& record) -> const std::optional<EnergyRecord>& {
    return record.energies.at(operands, cycle);
  };
  if (!std::all_of(family.begin(), family.end(),
                   [&](const ModuleRecord* record) { return of(*record).has_value(); })) {
    return std::nullopt;
  }
  const auto sum = [&](double EnergyRecord::*part) {
    return weighted(family, weights,
                    [&](const ModuleRecord& record) { return (*of(record)).*part; });
  };
  EnergyRecord energy;
  energy.cycles = of(largest(family))->cycles;
  energy.toggles_per_net = of(largest(family))->toggles_per_net;
  energy.switching_pj = sum(&EnergyRecord::switching_pj);
  energy.internal_pj = sum(&EnergyRecord::internal_pj);
  energy.clock_and_registers_pj = sum(&EnergyRecord::clock_and_registers_pj);
  join_if_below_zero(energy.switching_pj, energy.internal_pj);
  return energy;
}

ModuleRecord combine(Family family, const Row& weights) {
  const auto sum = [&](double ModuleCost::*part) {
    return weighted(family, weights, [&](const ModuleRecord& record) { return record.cost.*part; });
  };
  ModuleRecord record;
  record.cost.name = largest(family).cost.name;
  const double cells = weighted(
      family, weights, [](const ModuleRecord& of) { return static_cast<double>(of.cost.cells); });
  record.cost.cells = static_cast<std::uint64_t>(std::llround(std::max(cells, 0.0)));
  record.cost.combinational_um2 = sum(&ModuleCost::combinational_um2);
  record.cost.sequential_um2 = sum(&ModuleCost::sequential_um2);
  record.cost.buffer_um2 = sum(&ModuleCost::buffer_um2);
  record.cost.area_um2 =
      record.cost.combinational_um2 + record.cost.sequential_um2 + record.cost.buffer_um2;
  join_if_below_zero(record.cost.combinational_um2, record.cost.buffer_um2);
  for (const ModuleRecord* of : family) {
    record.cost.critical_path_ps =
        std::max(record.cost.critical_path_ps, of->cost.critical_path_ps);
  }
  record.cost.leakage_uw =
      weighted_if_known(family, weights, [](const ModuleRecord& of) { return of.cost.leakage_uw; });
  record.rtl_hash = largest(family).rtl_hash;
  record.tools = largest(family).tools;
  record.target_period_ps = largest(family).target_period_ps;
  record.energy_period_ps = largest(family).energy_period_ps;
  for (std::size_t operands = 0; operands < kOperandClasses; ++operands) {
    for (std::size_t cycle = 0; cycle < kPeCycleClasses; ++cycle) {
      const auto o = static_cast<OperandClass>(operands);
      const auto c = static_cast<PeCycleClass>(cycle);
      auto energy = weighted_energy(family, weights, o, c);
      if (energy && record.cost.leakage_uw) {
        energy->leakage_pj = *record.cost.leakage_uw * record.energy_period_ps * 1e-6;
      }
      record.energies.at(o, c) = energy;
    }
  }
  return record;
}

bool is_above_zero(const EnergyRecord& energy) {
  return energy.switching_pj >= 0 && energy.clock_and_registers_pj >= 0 && dynamic_pj(energy) > 0;
}

double area_of_parts(const ModuleCost& cost) {
  return cost.combinational_um2 + cost.sequential_um2 + cost.buffer_um2;
}

// Of the same gates and registers, times `factor`.
EnergyRecord scaled(EnergyRecord energy, double factor) {
  energy.switching_pj *= factor;
  energy.internal_pj *= factor;
  energy.clock_and_registers_pj *= factor;
  return energy;
}

// Takes out what is below 0, or puts something in its place, and notes it.
void keep_above_zero(const std::string& module, const ModuleRecord& largest, SizeFit& fit) {
  ModuleRecord& record = *fit.record;
  const auto note = [&](const std::string& figure, const char* what = "not known") {
    fit.notes.push_back(
        fmt::format("{}: the fit of its {} is not above 0 at this size: {}", module, figure, what));
  };
  const ModuleCost& cost = record.cost;
  if (cost.area_um2 <= 0 || cost.combinational_um2 < 0 || cost.sequential_um2 < 0) {
    note("area");
    fit.record.reset();
    return;
  }
  if (cost.leakage_uw && *cost.leakage_uw < 0) {
    note("leakage");
    record.cost.leakage_uw.reset();
  }
  for (std::size_t operands = 0; operands < kOperandClasses; ++operands) {
    for (std::size_t cycle = 0; cycle < kPeCycleClasses; ++cycle) {
      auto& energy =
          record.energies.at(static_cast<OperandClass>(operands), static_cast<PeCycleClass>(cycle));
      if (!energy) continue;
      const std::optional<double> leakage_pj =
          record.cost.leakage_uw ? energy->leakage_pj : std::nullopt;
      if (!is_above_zero(*energy)) {
        const auto& measured = largest.energies.at(static_cast<OperandClass>(operands),
                                                   static_cast<PeCycleClass>(cycle));
        energy = scaled(*measured, cost.area_um2 / area_of_parts(largest.cost));
        note(fmt::format("energy of {}, {}", kOperandClassNames[operands],
                         kPeCycleClassNames[cycle]),
             "that of the largest one measured, by area");
      }
      energy->leakage_pj = leakage_pj;
    }
  }
}

std::optional<double> relative_error(double predicted, double measured) {
  if (measured == 0) return std::nullopt;
  return predicted / measured - 1;
}

// The worst of all classes.
std::optional<double> energy_error(const ModuleEnergies& predicted,
                                   const ModuleEnergies& measured) {
  std::optional<double> worst;
  for (std::size_t operands = 0; operands < kOperandClasses; ++operands) {
    for (std::size_t cycle = 0; cycle < kPeCycleClasses; ++cycle) {
      const auto o = static_cast<OperandClass>(operands);
      const auto c = static_cast<PeCycleClass>(cycle);
      if (!predicted.at(o, c) || !measured.at(o, c)) continue;
      const auto error =
          relative_error(dynamic_pj(*predicted.at(o, c)), dynamic_pj(*measured.at(o, c)));
      if (error && (!worst || std::abs(*error) > std::abs(*worst))) worst = error;
    }
  }
  return worst;
}

HeldOutError held_out_error(Family family, std::span<const Row> rows) {
  const ModuleRecord& measured = largest(family);
  HeldOutError error;
  const auto weights = weights_at(rows.first(rows.size() - 1), rows.back());
  if (!weights) return error;
  const ModuleRecord predicted = combine(family.first(family.size() - 1), *weights);
  error.area = relative_error(predicted.cost.area_um2, measured.cost.area_um2);
  if (predicted.cost.leakage_uw && measured.cost.leakage_uw) {
    error.leakage = relative_error(*predicted.cost.leakage_uw, *measured.cost.leakage_uw);
  }
  error.energy = energy_error(predicted.energies, measured.energies);
  return error;
}

}  // namespace

SizedModule::SizedModule(const RtlParameters& parameters,
                         const std::vector<RtlDescription::Size>& sizes)
    : all_(parameters) {
  std::sort(all_.begin(), all_.end());
  for (const auto& parameter : all_) {
    const bool is_size = std::any_of(sizes.begin(), sizes.end(), [&](const auto& size) {
      return std::find(size.parameters.begin(), size.parameters.end(), parameter.first) !=
             size.parameters.end();
    });
    if (is_size) {
      sizes_.push_back(parameter.first);
    } else {
      others_.push_back(parameter);
    }
  }
}

bool SizedModule::is_alike(const RtlParameters& parameters) const {
  if (sizes_.empty() || parameters.size() != all_.size()) return false;
  RtlParameters others;
  std::size_t sizes = 0;
  for (const auto& parameter : parameters) {
    if (std::find(sizes_.begin(), sizes_.end(), parameter.first) != sizes_.end()) {
      ++sizes;
    } else {
      others.push_back(parameter);
    }
  }
  std::sort(others.begin(), others.end());
  return sizes == sizes_.size() && others == others_;
}

std::vector<double> SizedModule::terms(const RtlParameters& parameters) const {
  std::vector<double> terms = {1};
  for (const std::string& size : sizes_) {
    for (const auto& [name, value] : parameters) {
      if (name != size) continue;
      const auto number = static_cast<double>(value);
      terms.insert(terms.end(), {number, number * number});
    }
  }
  return terms;
}

std::int64_t SizedModule::extent(const RtlParameters& parameters) const {
  std::int64_t sum = 0;
  for (const auto& [name, value] : parameters) {
    if (std::find(sizes_.begin(), sizes_.end(), name) != sizes_.end()) sum += value;
  }
  return sum;
}

bool SizedModule::is_beyond(const std::vector<const ModuleRecord*>& family) const {
  const auto value_of = [](const RtlParameters& parameters, const std::string& name) {
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&](const auto& parameter) { return parameter.first == name; });
    check(found != parameters.end(), "alike modules have the same parameters");
    return found->second;
  };
  return std::any_of(sizes_.begin(), sizes_.end(), [&](const std::string& size) {
    const auto own = value_of(all_, size);
    const auto is = [&](auto outside) {
      return std::all_of(family.begin(), family.end(), [&](const ModuleRecord* record) {
        return outside(own, value_of(record->parameters, size));
      });
    };
    return is(std::less<>()) || is(std::greater<>());
  });
}

std::optional<SizeFit> interpolate_sizes(const SizedModule& module,
                                         const std::vector<const ModuleRecord*>& family) {
  if (!module.has_sizes() || family.empty()) return std::nullopt;
  std::vector<const ModuleRecord*> sorted = family;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const ModuleRecord* a, const ModuleRecord* b) {
    return module.extent(a->parameters) < module.extent(b->parameters);
  });
  std::vector<Row> rows;
  for (const ModuleRecord* record : sorted) rows.push_back(module.terms(record->parameters));
  const auto weights = weights_at(rows, module.terms(module.parameters()));
  if (!weights) return std::nullopt;
  SizeFit fit{
      combine(sorted, *weights), {}, module.is_beyond(sorted), held_out_error(sorted, rows)};
  keep_above_zero(key_of_module(fit.record->cost.name, module.parameters()), *sorted.back(), fit);
  return fit;
}

}  // namespace bitsmith
