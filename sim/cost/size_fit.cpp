#include "cost/size_fit.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <span>
#include <utility>

#include "common/error.h"
#include "cost/non_negative_least_squares.h"

namespace bitsmith {
namespace {

using Row = std::vector<double>;
using Family = std::span<const ModuleRecord* const>;

// The largest size is the last.
const ModuleRecord& largest(Family family) { return *family.back(); }

// Figures of a family at one size: the terms of its members, and those of the size.
class Fit {
 public:
  Fit(Family family, std::span<const Row> rows, Row wanted)
      : family_(family), rows_(rows.begin(), rows.end()), wanted_(std::move(wanted)) {}

  template <class Figure>
  double of(Figure figure) const {
    std::vector<double> known;
    for (const ModuleRecord* record : family_) known.push_back(figure(*record));
    const std::vector<double> costs = non_negative_least_squares(rows_, known);
    return std::inner_product(costs.begin(), costs.end(), wanted_.begin(), 0.0);
  }

  // What all have.
  template <class Figure>
  std::optional<double> of_known(Figure figure) const {
    if (!all_have(figure)) return std::nullopt;
    return of([&](const ModuleRecord& record) { return *figure(record); });
  }

  std::optional<EnergyRecord> energy(OperandClass operands, PeCycleClass cycle) const {
    const auto record = [&](const ModuleRecord& of) -> const std::optional<EnergyRecord>& {
      return of.energies.at(operands, cycle);
    };
    if (!all_have(record)) return std::nullopt;
    const auto part = [&](double EnergyRecord::*member) {
      return of([&](const ModuleRecord& one) { return (*record(one)).*member; });
    };
    EnergyRecord energy;
    energy.cycles = record(largest(family_))->cycles;
    energy.toggles_per_net = record(largest(family_))->toggles_per_net;
    energy.switching_pj = part(&EnergyRecord::switching_pj);
    energy.internal_pj = part(&EnergyRecord::internal_pj);
    energy.clock_and_registers_pj = part(&EnergyRecord::clock_and_registers_pj);
    return energy;
  }

 private:
  template <class Figure>
  bool all_have(Figure figure) const {
    return std::all_of(family_.begin(), family_.end(),
                       [&](const ModuleRecord* record) { return figure(*record).has_value(); });
  }

  Family family_;
  std::vector<Row> rows_;
  Row wanted_;
};

ModuleRecord combine(Family family, const Fit& fit) {
  const auto sum = [&](double ModuleCost::*part) {
    return fit.of([&](const ModuleRecord& record) { return record.cost.*part; });
  };
  ModuleRecord record;
  record.cost.name = largest(family).cost.name;
  record.cost.cells = static_cast<std::uint64_t>(std::llround(
      fit.of([](const ModuleRecord& of) { return static_cast<double>(of.cost.cells); })));
  record.cost.combinational_um2 = sum(&ModuleCost::combinational_um2);
  record.cost.sequential_um2 = sum(&ModuleCost::sequential_um2);
  record.cost.buffer_um2 = sum(&ModuleCost::buffer_um2);
  record.cost.area_um2 =
      record.cost.combinational_um2 + record.cost.sequential_um2 + record.cost.buffer_um2;
  for (const ModuleRecord* of : family) {
    record.cost.critical_path_ps =
        std::max(record.cost.critical_path_ps, of->cost.critical_path_ps);
  }
  record.cost.leakage_uw = fit.of_known([](const ModuleRecord& of) { return of.cost.leakage_uw; });
  record.rtl_hash = largest(family).rtl_hash;
  record.tools = largest(family).tools;
  record.target_period_ps = largest(family).target_period_ps;
  record.energy_period_ps = largest(family).energy_period_ps;
  for (std::size_t operands = 0; operands < kOperandClasses; ++operands) {
    for (std::size_t cycle = 0; cycle < kPeCycleClasses; ++cycle) {
      const auto o = static_cast<OperandClass>(operands);
      const auto c = static_cast<PeCycleClass>(cycle);
      auto energy = fit.energy(o, c);
      if (energy && record.cost.leakage_uw) {
        energy->leakage_pj = *record.cost.leakage_uw * record.energy_period_ps * 1e-6;
      }
      record.energies.at(o, c) = energy;
    }
  }
  return record;
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
  const Family others = family.first(family.size() - 1);
  const std::vector<Row> their_rows(rows.begin(), rows.end() - 1);
  if (!has_full_rank(their_rows)) return error;
  const ModuleRecord predicted = combine(others, {others, their_rows, rows.back()});
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
      terms.insert(terms.end(), {number, number * (number - 1) / 2});
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
  if (!has_full_rank(rows)) return std::nullopt;
  return SizeFit{combine(sorted, {sorted, rows, module.terms(module.parameters())}),
                 module.is_beyond(sorted), held_out_error(sorted, rows)};
}

}  // namespace bitsmith
