#include "sweep/array_size.h"

#include <algorithm>
#include <tuple>

#include "pe/registry.h"

namespace bitsmith {

ArraySizes::ArraySizes(Make make) : make_(std::move(make)) {
  const Accelerator accelerator = make_({});
  name_ = accelerator.name;
  const nlohmann::ordered_json own = accelerator.design->resolved();
  std::uint64_t product = 1;
  for (const ParameterInfo& parameter : describe_design(accelerator.design->id()).parameters) {
    if (!parameter.array_size) continue;
    sizes_.push_back({parameter.name, *parameter.array_size, own.at(parameter.name)});
    product *= sizes_.back().own;
  }
  if (sizes_.empty()) {
    throw UserError(fmt::format("accelerator {}: design {} has no sizes that could change", name_,
                                accelerator.design->id()));
  }
  const std::uint64_t pes = accelerator.design->pe_count();
  check(pes % product == 0, "PEs do not grow with the sizes of the array");
  pes_of_one_ = pes / product;
}

// c[i] / x[i] <= kLargestDistortion * c[j] / x[j] for all i, j.
bool ArraySizes::keeps_shape(const Sizes& sizes) const {
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    for (std::size_t j = 0; j < sizes.size(); ++j) {
      if (sizes[i] * sizes_[j].own > kLargestDistortion * sizes[j] * sizes_[i].own) return false;
    }
  }
  return true;
}

double ArraySizes::distortion(const Sizes& sizes) const {
  double least = 0, most = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double growth = static_cast<double>(sizes[i]) / static_cast<double>(sizes_[i].own);
    least = i == 0 ? growth : std::min(least, growth);
    most = std::max(most, growth);
  }
  return most / least;
}

std::uint64_t ArraySizes::pes_of(const Sizes& sizes) const {
  std::uint64_t pes = pes_of_one_;
  for (const std::uint64_t size : sizes) pes *= size;
  return pes;
}

std::optional<Accelerator> ArraySizes::array_of(const Sizes& sizes) const {
  std::vector<Override> overrides;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::string value = std::to_string(sizes[i]);
    overrides.push_back({{"design", sizes_[i].name}, value, {"size", 0, 0}});
  }
  std::optional<Accelerator> accelerator;
  try {
    accelerator = make_(overrides);
  } catch (const UserError&) {
    return std::nullopt;  // the file's own sizes are accepted, so that it is these
  }
  check(accelerator->design->pe_count() == pes_of(sizes),
        "PEs do not grow with the sizes of the array");
  return accelerator;
}

void ArraySizes::for_each(std::size_t leading, const std::function<void(Sizes&)>& visit) const {
  Sizes sizes;
  for (const Size& size : sizes_) sizes.push_back(static_cast<std::uint64_t>(size.range.lowest));
  for (;;) {
    visit(sizes);
    std::size_t i = leading;
    for (; i > 0; --i) {
      if (++sizes[i - 1] <= static_cast<std::uint64_t>(sizes_[i - 1].range.highest)) break;
      sizes[i - 1] = static_cast<std::uint64_t>(sizes_[i - 1].range.lowest);
    }
    if (i == 0) return;
  }
}

Accelerator ArraySizes::with_pes(std::uint64_t pes) const {
  using Rank = std::tuple<double, double, Sizes>;
  std::vector<Rank> candidates;
  for_each(sizes_.size(), [&](const Sizes& sizes) {
    if (!keeps_shape(sizes)) return;
    const auto [less, more] = std::minmax({pes, pes_of(sizes)});
    candidates.emplace_back(static_cast<double>(more) / static_cast<double>(less),
                            distortion(sizes), sizes);
  });
  std::sort(candidates.begin(), candidates.end());
  for (const auto& [ratio, shape, sizes] : candidates) {
    if (auto accelerator = array_of(sizes)) return std::move(*accelerator);
  }
  throw InternalError("the file's own sizes are no candidate");
}

// For every choice of the other sizes the last one goes down until the array fits. When the size
// before it grows, what did not fit cannot fit now: the search goes on where it ended.
Accelerator ArraySizes::within_area(double um2, const Area& area) const {
  const std::size_t last = sizes_.size() - 1;
  const auto lowest = static_cast<std::uint64_t>(sizes_[last].range.lowest);
  const auto highest = static_cast<std::uint64_t>(sizes_[last].range.highest);
  std::optional<Accelerator> best;
  std::tuple<std::uint64_t, double> best_rank;  // PEs, minus distortion
  std::uint64_t bound = highest;
  std::optional<double> smallest;
  for_each(last, [&](Sizes& sizes) {
    const bool starts_anew =
        last == 0 || sizes[last - 1] == static_cast<std::uint64_t>(sizes_[last - 1].range.lowest);
    if (starts_anew) bound = highest;
    for (sizes[last] = bound; sizes[last] >= lowest; --sizes[last]) {
      if (!keeps_shape(sizes)) continue;
      auto accelerator = array_of(sizes);
      if (!accelerator) continue;
      const std::optional<double> its = area(*accelerator);
      if (!its) {
        throw UserError(fmt::format("accelerator {}: its area is unknown", name_));
      }
      smallest = std::min(smallest.value_or(*its), *its);
      if (*its > um2) {
        bound = sizes[last] - 1;
        continue;
      }
      const std::tuple rank(pes_of(sizes), -distortion(sizes));
      if (!best || rank > best_rank) {
        best = std::move(accelerator);
        best_rank = rank;
      }
      return;
    }
  });
  if (best) return std::move(*best);
  throw UserError(fmt::format(
      "accelerator {}: no array fits {:.6g} um2; the smallest that was tried has {:.6g}", name_,
      um2, *smallest));
}

}  // namespace bitsmith
