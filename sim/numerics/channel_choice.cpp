#include "numerics/channel_choice.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/error.h"

namespace bitsmith {

ChannelSplit split_outliers(std::span<const float> max_abs, double threshold) {
  ChannelSplit split;
  for (std::size_t k = 0; k < max_abs.size(); ++k) {
    (max_abs[k] > threshold ? split.apart : split.others).push_back(k);
  }
  return split;
}

std::vector<ChannelSplit> split_salient(std::span<const std::vector<double>> salience,
                                        double fraction) {
  check(fraction >= 0 && fraction <= 1, "a fraction outside 0..1");
  struct Feature {
    double salience;
    std::size_t linear;
    std::size_t index;
  };
  std::vector<Feature> features;
  for (std::size_t linear = 0; linear < salience.size(); ++linear) {
    for (std::size_t n = 0; n < salience[linear].size(); ++n) {
      check(!std::isnan(salience[linear][n]), "a salience that is no number");
      features.push_back({salience[linear][n], linear, n});
    }
  }
  std::stable_sort(features.begin(), features.end(),
                   [](const Feature& a, const Feature& b) { return a.salience > b.salience; });
  const auto chosen = static_cast<std::size_t>(fraction * static_cast<double>(features.size()));
  std::vector<std::vector<bool>> is_apart(salience.size());
  for (std::size_t i = 0; i < salience.size(); ++i) is_apart[i].resize(salience[i].size());
  for (std::size_t i = 0; i < chosen; ++i) is_apart[features[i].linear][features[i].index] = true;
  std::vector<ChannelSplit> splits(salience.size());
  for (std::size_t i = 0; i < splits.size(); ++i) {
    for (std::size_t n = 0; n < is_apart[i].size(); ++n) {
      (is_apart[i][n] ? splits[i].apart : splits[i].others).push_back(n);
    }
  }
  return splits;
}

ChannelSplit split_blocks(std::span<const float> max_abs, std::uint64_t block, double ratio) {
  check(block > 0 && !max_abs.empty(), "no channels");
  std::vector<std::uint64_t> order(max_abs.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [max_abs](std::uint64_t a, std::uint64_t b) { return max_abs[a] > max_abs[b]; });
  const double median = max_abs[order[order.size() / 2]];
  std::uint64_t apart = 0;  // the first channel of a block is its largest
  while (apart < order.size() && max_abs[order[apart]] > ratio * median) apart += block;
  const auto cut =
      order.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(apart, order.size()));
  return {{order.begin(), cut}, {cut, order.end()}};
}

}  // namespace bitsmith
