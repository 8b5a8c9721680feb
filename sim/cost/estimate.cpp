#include "cost/estimate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "cost/non_negative_least_squares.h"
#include "cost/size_fit.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

constexpr std::size_t kFewest = 2 * kWordCells;

using Indices = std::vector<std::size_t>;  // of records
using Parts = std::vector<double>;         // of a figure that is their sum
using Figure = std::function<std::optional<Parts>(const ModuleRecord&)>;
using Weights = std::vector<std::vector<double>>;  // by part: the cost of a bit of each component

double sum_of(const Parts& parts) { return std::accumulate(parts.begin(), parts.end(), 0.0); }

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

// A parameter that differs is as far as e times as many cells of a kind: a PE of integers and one
// of floating point toggle differently, however many bits of what they have.
double distance(std::size_t different_parameters, const WordCells& a, const WordCells& b) {
  auto sum = static_cast<double>(different_parameters);
  for (std::size_t i = 0; i < kWordCells; ++i) sum += std::abs(std::log((a[i] + 1) / (b[i] + 1)));
  return sum;
}

// The records that count, and which of them tell of which.
class KnownModules {
 public:
  explicit KnownModules(const Technology& technology) {
    for (const auto& [key, record] : technology.by_key()) {
      if (record.word_cells && record.tools.method == kRecordMethod) records_.push_back(&record);
    }
    for (std::size_t i = 0; i < records_.size(); ++i) {
      families_.push_back(family_of(i));
      kinds_.push_back(kind_of(records_[i]->parameters));
      peers_.push_back(peers_of(held_out(i)));
    }
  }

  std::size_t size() const { return records_.size(); }
  const ModuleRecord& operator[](std::size_t i) const { return *records_[i]; }
  const WordCells& cells(std::size_t i) const { return *records_[i]->word_cells; }
  // What stands around the PEs comes in many sizes and is mostly registers; what does not depend on
  // them is a PE or a part of one, and toggles.
  enum class Kind { sized, unsized };
  static constexpr std::size_t kKinds = 2;
  static Kind kind_of(const RtlParameters& parameters) {
    return SizedModule(parameters, array_sizes()).has_sizes() ? Kind::sized : Kind::unsized;
  }
  Kind kind(std::size_t i) const { return kinds_[i]; }
  // The first of those of the same module, maybe at another size: one of these tells too much of
  // another.
  std::size_t family(std::size_t i) const { return families_[i]; }
  const Indices& peers(std::size_t i) const { return peers_[i]; }

  // Records of the same module under other parameters, the nearest first. Its own at other sizes,
  // of another RTL since it is estimated, do not count, as they do not for the held-out error.
  Indices peers_of(const EstimatedModule& wanted) const {
    const SizedModule sized(wanted.parameters, array_sizes());
    std::vector<std::pair<double, std::size_t>> found;
    for (std::size_t i = 0; i < size(); ++i) {
      const ModuleRecord& record = *records_[i];
      if (record.cost.name != wanted.name) continue;
      const std::size_t different = different_parameters(wanted.parameters, record.parameters);
      if (different == 0 || sized.is_alike(record.parameters)) continue;
      found.emplace_back(distance(different, wanted.cells, cells(i)), i);
    }
    std::sort(found.begin(), found.end());
    Indices peers;
    for (const auto& [how_far, i] : found) peers.push_back(i);
    return peers;
  }

 private:
  EstimatedModule held_out(std::size_t i) const {
    return {records_[i]->cost.name, records_[i]->parameters, cells(i)};
  }

  std::size_t family_of(std::size_t i) const {
    const SizedModule sized(records_[i]->parameters, array_sizes());
    for (std::size_t first = 0; first < i; ++first) {
      const ModuleRecord& other = *records_[first];
      if (other.cost.name == records_[i]->cost.name &&
          (other.parameters == records_[i]->parameters || sized.is_alike(other.parameters))) {
        return first;
      }
    }
    return i;
  }

  std::vector<const ModuleRecord*> records_;
  Indices families_;
  std::vector<Kind> kinds_;
  std::vector<Indices> peers_;
};

// One figure of all modules.
class FigureModel {
 public:
  FigureModel(const KnownModules& modules, const Figure& figure) : modules_(modules) {
    std::size_t have = 0;
    for (std::size_t i = 0; i < modules.size(); ++i) {
      parts_.push_back(figure(modules[i]));
      if (parts_.back()) ++have;
    }
    if (have < kFewest) return;
    weights_ = fit(std::nullopt);
    hold_out();
  }

  // None where too few records have the figure.
  std::optional<Parts> of(const WordCells& cells, const Indices& peers) const {
    if (weights_.empty()) return std::nullopt;
    return predicted(weights_, cells, peers);
  }
  // Of modules of that kind.
  std::optional<double> error(KnownModules::Kind kind) const {
    return errors_[static_cast<std::size_t>(kind)];
  }

 private:
  bool counts(std::size_t i) const { return parts_[i] && sum_of(*parts_[i]) > 0; }

  // Rows are in units of the whole figure. Empty without rows.
  Weights fit(std::optional<std::size_t> left_out) const {
    std::vector<std::vector<double>> rows;
    std::vector<std::vector<double>> wanted;  // by part
    for (std::size_t i = 0; i < modules_.size(); ++i) {
      if (!counts(i) || modules_.family(i) == left_out) continue;
      const double whole = sum_of(*parts_[i]);
      std::vector<double>& row = rows.emplace_back();
      for (const double count : modules_.cells(i)) row.push_back(count / whole);
      wanted.resize(parts_[i]->size());
      for (std::size_t part = 0; part < wanted.size(); ++part)
        wanted[part].push_back((*parts_[i])[part] / whole);
    }
    Weights weights;
    for (const auto& of_part : wanted) weights.push_back(non_negative_least_squares(rows, of_part));
    return weights;
  }

  // The sum of components, by as much as it is off for the nearest peer.
  Parts predicted(const Weights& weights, const WordCells& cells, const Indices& peers) const {
    const auto nearest =
        std::find_if(peers.begin(), peers.end(), [&](std::size_t i) { return counts(i); });
    Parts parts;
    for (std::size_t part = 0; part < weights.size(); ++part) {
      const auto sum = [&](const WordCells& of) {
        return std::inner_product(of.begin(), of.end(), weights[part].begin(), 0.0);
      };
      parts.push_back(sum(cells));
      if (nearest == peers.end()) continue;
      const double known = sum(modules_.cells(*nearest));
      if (known > 0) parts.back() *= (*parts_[*nearest])[part] / known;
    }
    return parts;
  }

  // By amount, of the members of a family that is left out; none where no figure is above 0.
  std::optional<double> error_of(std::size_t family) const {
    const Weights without = fit(family);
    if (without.empty()) return std::nullopt;
    double error = 0;
    std::size_t counted = 0;
    for (std::size_t i = family; i < modules_.size(); ++i) {
      if (modules_.family(i) != family || !counts(i)) continue;
      const double value = sum_of(predicted(without, modules_.cells(i), modules_.peers(i)));
      error += std::abs(value / sum_of(*parts_[i]) - 1);
      ++counted;
    }
    return counted > 0 ? std::optional(error / static_cast<double>(counted)) : std::nullopt;
  }

  // A family counts once, however many sizes it was made at.
  void hold_out() {
    std::array<double, KnownModules::kKinds> sums{}, counted{};
    for (std::size_t family = 0; family < modules_.size(); ++family) {
      if (modules_.family(family) != family) continue;
      const auto error = error_of(family);
      if (!error) continue;
      const auto kind = static_cast<std::size_t>(modules_.kind(family));
      sums[kind] += *error;
      ++counted[kind];
    }
    for (std::size_t kind = 0; kind < KnownModules::kKinds; ++kind)
      if (counted[kind] > 0) errors_[kind] = sums[kind] / counted[kind];
  }

  const KnownModules& modules_;
  std::vector<std::optional<Parts>> parts_;
  Weights weights_;
  std::array<std::optional<double>, KnownModules::kKinds> errors_;
};

std::optional<Parts> leakage_of(const ModuleRecord& record) {
  if (!record.cost.leakage_uw) return std::nullopt;
  return Parts{*record.cost.leakage_uw};
}

// Registers and their clock go by what registers there are, the rest by what toggles.
Figure energy_of(OperandClass operands, PeCycleClass cycle) {
  return [=](const ModuleRecord& of) -> std::optional<Parts> {
    const auto& record = of.energies.at(operands, cycle);
    if (!record) return std::nullopt;
    return Parts{record->switching_pj + record->internal_pj, record->clock_and_registers_pj};
  };
}

}  // namespace

class ComponentModel::Fits {
 public:
  explicit Fits(const Technology& technology)
      : modules_(technology),
        area_(modules_, [](const ModuleRecord& of) { return Parts{of.cost.area_um2}; }),
        leakage_(modules_, leakage_of) {
    for (std::size_t operands = 0; operands < kOperandClasses; ++operands) {
      for (std::size_t cycle = 0; cycle < kPeCycleClasses; ++cycle) {
        const auto o = static_cast<OperandClass>(operands);
        const auto c = static_cast<PeCycleClass>(cycle);
        energies_.push_back({o, c, {modules_, energy_of(o, c)}});
      }
    }
  }

  std::optional<Estimate> estimate(const EstimatedModule& wanted) const {
    const Indices peers = modules_.peers_of(wanted);
    const KnownModules::Kind kind = KnownModules::kind_of(wanted.parameters);
    const auto area = area_.of(wanted.cells, peers);
    if (!area) return std::nullopt;
    Estimate result;
    result.record.cost.area_um2 = area->front();
    result.held_out.area = area_.error(kind);
    if (const auto leakage = leakage_.of(wanted.cells, peers)) {
      result.record.cost.leakage_uw = leakage->front();
      result.held_out.leakage = leakage_.error(kind);
    }
    for (const Energy& energy : energies_) {
      const auto parts = energy.model.of(wanted.cells, peers);
      if (!parts) continue;
      EnergyRecord& record = result.record.energies.at(energy.operands, energy.cycle).emplace();
      record.switching_pj = parts->front();  // with internal
      record.clock_and_registers_pj = parts->back();
      // An empty one is less than any other.
      result.held_out.energy = std::max(result.held_out.energy, energy.model.error(kind));
    }
    return result;
  }

 private:
  struct Energy {
    OperandClass operands;
    PeCycleClass cycle;
    FigureModel model;
  };

  const KnownModules modules_;
  const FigureModel area_, leakage_;
  std::vector<Energy> energies_;
};

ComponentModel::ComponentModel(const Technology& technology)
    : fits_(std::make_unique<const Fits>(technology)) {}
ComponentModel::~ComponentModel() = default;

std::optional<Estimate> ComponentModel::estimate(const EstimatedModule& wanted) const {
  return fits_->estimate(wanted);
}

}  // namespace bitsmith
