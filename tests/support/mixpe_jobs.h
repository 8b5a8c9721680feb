// What tests of the array of shift-and-add PEs need of its jobs.
#pragma once

#include <array>
#include <random>
#include <vector>

#include "pe/mixpe/design.h"
#include "support/model_driver.h"

namespace bitsmith::test {

// Steps in which operands of a job enter.
struct MixpeTokens {
  mixpe::Params params;
  std::uint64_t operator()(const DrivenJob& driven) const {
    return mixpe::token_count(params, driven.job.k);
  }
};

// Small arrays with every format, digit and scale. K of a job reaches 255 at least.
inline mixpe::Params random_mixpe_params(std::mt19937_64& random) {
  using namespace mixpe;
  Params params;
  const auto below = [&](std::uint32_t bound) {
    return static_cast<std::uint32_t>(random() % bound);
  };
  constexpr std::array kActivations = {"int8", "int16", "fp16"};
  constexpr std::array kWeights = {"int2",  "int3",  "int4",  "int5",    "int6",  "int7",
                                   "int8",  "uint2", "uint3", "uint4",   "uint5", "uint6",
                                   "uint7", "uint8", "fp3",   "fp4_e3m0"};
  params.rows = 1 + below(below(4) == 0 ? 16 : 6);
  params.cols = 1 + below(below(4) == 0 ? 20 : 6);
  params.lanes = 1U << below(3);
  params.activation = find_format(kActivations[below(3)]);
  params.weight = find_format(kWeights[below(kWeights.size())]);
  if (weight_kind(params) != WeightKind::power_of_two) {
    params.digit = static_cast<Digit>(below(weight_bits(params) == 2 ? 2 : 3));
  }
  if (params.activation->name == "int8" && below(2) == 0) params.scale = find_format("int8");
  params.pipeline = 1 + below(2);
  params.row_interval = 1 + below(2);
  params.group = 16 * (1 + below(below(2) == 0 ? 2 : 6));
  params.k_bits = 10;
  if (below(6) == 0) {
    params.group = kChannel;
    params.k_bits = 4 + below(5);
  }
  return params;
}

// Chains of jobs, whole and edge tiles, K of one group and of many; the last job emits.
inline std::vector<Job> random_mixpe_jobs(const mixpe::Params& params, std::mt19937_64& random) {
  const auto up_to = [&](std::uint64_t most) {
    return 1 + static_cast<std::uint32_t>(random() % most);
  };
  const TileLimits limits = mixpe::tile_limits(params);
  std::vector<Job> jobs;
  const std::size_t chains = 1 + random() % 8;
  const std::uint32_t most_groups = random() % 2 == 0 ? 1 : 4;
  for (std::size_t i = 0; i < chains; ++i) {
    const bool whole = random() % 2 == 0;
    const std::uint32_t m = whole ? params.rows : up_to(params.rows);
    const std::uint32_t n = whole ? params.cols : up_to(params.cols);
    std::size_t length = random() % 2 == 0 ? 1 : up_to(3);
    std::uint64_t left = limits.k_total;
    for (std::size_t j = 0; j < length; ++j) {
      std::uint64_t k = std::uint64_t{up_to(most_groups)} * limits.k_step;
      k = std::min<std::uint64_t>(k, limits.k);
      // Sums of INT8 scales, and channels, end where they must.
      if (k >= left) length = j + 1;
      const bool last = j + 1 == length;
      if (last) k = up_to(std::min(k, left));
      left -= k;
      jobs.push_back({m, n, static_cast<std::uint32_t>(k), j > 0, last});
    }
  }
  return jobs;
}

}  // namespace bitsmith::test
