// What tests of the systolic array need of its jobs.
#pragma once

#include <random>
#include <vector>

#include "pe/systolic/design.h"
#include "support/model_driver.h"

namespace bitsmith::test {

// Steps in which operands of a job enter: its k (output stationary) or its results.
struct SystolicTokens {
  systolic::Params params;
  std::uint64_t operator()(const DrivenJob& driven) const {
    const Job& job = driven.job;
    if (params.dataflow == systolic::Dataflow::output_stationary) return job.k;
    return params.dataflow == systolic::Dataflow::weight_stationary ? job.m : job.n;
  }
};

// Small arrays of every dataflow and option that has a say in the cycles.
inline systolic::Params random_systolic_params(std::mt19937_64& random) {
  systolic::Params params;
  const auto below = [&](std::uint32_t bound) {
    return static_cast<std::uint32_t>(random() % bound);
  };
  params.rows = 1 + below(9);
  params.cols = 1 + below(9);
  params.dataflow = static_cast<systolic::Dataflow>(below(3));
  params.acc_rows = 1 + below(20);
  params.drain = static_cast<systolic::Drain>(below(2));
  params.preload = static_cast<systolic::Preload>(below(2));
  params.pipeline = 1 + below(3);
  if (params.pipeline == 3) {
    params.activation = find_format("fp8_e4m3");
    params.weight = find_format("bf16");
  }
  return params;
}

// Chains of jobs, long and short K, whole and edge tiles; the last job emits.
inline std::vector<Job> random_systolic_jobs(const systolic::Params& params,
                                             std::mt19937_64& random) {
  const TileLimits limits = systolic::tile_limits(params);
  const auto up_to = [&](std::uint32_t most) {
    return 1 + static_cast<std::uint32_t>(random() % most);
  };
  std::vector<Job> jobs;
  const std::size_t chains = 1 + random() % 8;
  const std::uint32_t longest_k = std::min(limits.k, random() % 2 == 0 ? 3U : 60U);
  for (std::size_t i = 0; i < chains; ++i) {
    const bool whole = random() % 2 == 0;
    const std::uint32_t m = whole ? limits.m : up_to(limits.m);
    const std::uint32_t n = whole ? limits.n : up_to(limits.n);
    const std::size_t length = 1 + random() % 3;
    for (std::size_t j = 0; j < length; ++j) {
      jobs.push_back({m, n, up_to(longest_k), j > 0, j + 1 == length});
    }
  }
  return jobs;
}

}  // namespace bitsmith::test
