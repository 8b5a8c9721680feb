// What tests of the bit-serial array need of its jobs.
#pragma once

#include <numeric>
#include <random>
#include <vector>

#include "pe/bit_serial/design.h"
#include "support/model_driver.h"

namespace bitsmith::test {

// Steps of a job's groups, where zero terms are skipped: what timing asks for.
inline std::vector<std::uint32_t> bit_serial_steps(const bit_serial::Params& params,
                                                   const DrivenJob& driven) {
  if (!params.skip_zero_terms) return {};
  const Job& job = driven.job;
  std::vector<std::uint32_t> steps(driven.s.size() / job.n);
  bit_serial::Design(params).weight_steps({driven.w.data(), job.k, job.n, job.n},
                                          {driven.s.data(), steps.size(), job.n, job.n}, steps);
  return steps;
}

// Steps in which operands of a job enter.
struct BitSerialTokens {
  bit_serial::Params params;
  std::uint64_t operator()(const DrivenJob& driven) const {
    if (!params.skip_zero_terms) return bit_serial::token_count(params, driven.job.k);
    const std::vector<std::uint32_t> steps = bit_serial_steps(params, driven);
    return std::accumulate(steps.begin(), steps.end(), std::uint64_t{0});
  }
};

inline bit_serial::Params random_bit_serial_params(std::mt19937_64& random) {
  bit_serial::Params params;
  const auto below = [&](std::uint32_t bound) {
    return static_cast<std::uint32_t>(random() % bound);
  };
  constexpr std::array kWeights = {"int8", "int6", "int5", "int4", "fp4_e2m1", "fp3", "ternary"};
  params.rows = 1 + below(random() % 4 == 0 ? 20 : 9);
  params.cols = 1 + below(9);
  params.lanes = 1U << below(4);
  params.activation = find_format(below(2) == 0 ? "fp16" : "int8");
  params.weight = find_format(kWeights[below(kWeights.size())]);
  params.group = 8 * (1 + below(random() % 2 == 0 ? 2 : 8));
  params.k_bits = 10;
  const bool few_weights = below(2) == 0;  // zero terms in all lanes of all columns are rare
  params.skip_zero_terms = bit_serial::term_count(params) > 1 && below(2) == 0;
  if (params.skip_zero_terms && few_weights) {
    params.cols = 1 + below(3);
    params.lanes = 1 + below(2);
  }
  if (bit_serial::is_integer(params) && below(2) == 0) {
    params.recoding = bit_serial::Recoding::canonical;
  }
  params.row_tiles = 1 + below(4);
  params.rows = params.row_tiles * ((params.rows - 1) / params.row_tiles + 1);
  return params;
}

// Chains of jobs, whole and edge tiles, K of one group and of many; the last job emits.
inline std::vector<Job> random_bit_serial_jobs(const bit_serial::Params& params,
                                               std::mt19937_64& random) {
  const auto up_to = [&](std::uint32_t most) {
    return 1 + static_cast<std::uint32_t>(random() % most);
  };
  std::vector<Job> jobs;
  const std::size_t chains = 1 + random() % 8;
  const std::uint32_t most_groups = random() % 2 == 0 ? 1 : 4;
  for (std::size_t i = 0; i < chains; ++i) {
    const bool whole = random() % 2 == 0;
    const std::uint32_t m = whole ? params.rows : up_to(params.rows);
    const std::uint32_t n = whole ? params.cols : up_to(params.cols);
    const std::size_t length = random() % 2 == 0 ? 1 : up_to(3);
    for (std::size_t j = 0; j < length; ++j) {
      const bool last = j + 1 == length;
      const std::uint32_t groups = up_to(most_groups);
      const std::uint32_t k = last ? up_to(groups * params.group) : groups * params.group;
      jobs.push_back({m, n, k, j > 0, last});
    }
  }
  return jobs;
}

}  // namespace bitsmith::test
