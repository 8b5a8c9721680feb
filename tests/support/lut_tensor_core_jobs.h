// What tests of the array of lookup-table units need of its parameters and jobs.
#pragma once

#include <array>
#include <random>
#include <vector>

#include "pe/lut_tensor_core/design.h"
#include "support/model_driver.h"

namespace bitsmith::test {

// Steps in which operands of a job enter.
struct LutTokens {
  lut_tensor_core::Params params;
  std::uint64_t operator()(const DrivenJob& driven) const {
    return lut_tensor_core::token_count(params, driven.job.k);
  }
};

// What the room card refuses does not come out.
inline lut_tensor_core::Params random_lut_params(std::mt19937_64& random) {
  using namespace lut_tensor_core;
  Params params;
  const auto below = [&](std::uint32_t bound) {
    return static_cast<std::uint32_t>(random() % bound);
  };
  constexpr std::array kActivations = {"int8", "int16", "fp16", "fp8_e4m3", "fp8_e5m2"};
  constexpr std::array kWeights = {"int2",  "int3",  "int4",  "int5",    "int6",   "int7",
                                   "int8",  "uint1", "uint2", "uint3",   "uint4",  "uint5",
                                   "uint6", "uint7", "uint8", "bipolar", "ternary"};
  params.m = 1 + below(random() % 4 == 0 ? 9 : 3);
  params.n = 1 + below(9);
  params.k = 2 + below(5);
  params.unit_rows = 1 + below(2);
  params.unit_cols = 1 + below(2);
  params.engine = static_cast<Engine>(below(5));
  params.activation = find_format(kActivations[below(kActivations.size())]);
  do {
    params.weight = find_format(kWeights[below(kWeights.size())]);
  } while (weight_kind(params) == WeightKind::bipolar && !has_half_table(params));
  if (params.engine == Engine::lut) params.table = static_cast<TableKind>(below(2));
  if (has_table(params)) params.precompute = static_cast<Precompute>(below(2));
  if (is_floating_point(params) && params.engine != Engine::mac && below(3) == 0) {
    params.accumulator = Accumulator::tf32;
  }
  params.pipeline = 1 + below(2);
  params.group = params.k * (1 + below(random() % 2 == 0 ? 2 : 8));
  while (params.group < 8) params.group += params.k;
  params.k_bits = 10;
  return params;
}

// Chains of jobs, whole and edge tiles, K of one group and of many; the last job emits.
inline std::vector<Job> random_lut_jobs(const lut_tensor_core::Params& params,
                                        std::mt19937_64& random) {
  const auto up_to = [&](std::uint32_t most) {
    return 1 + static_cast<std::uint32_t>(random() % most);
  };
  std::vector<Job> jobs;
  const std::size_t chains = 1 + random() % 8;
  const std::uint32_t most_groups = random() % 2 == 0 ? 1 : 4;
  for (std::size_t i = 0; i < chains; ++i) {
    const bool whole = random() % 2 == 0;
    const std::uint32_t m = whole ? rows(params) : up_to(rows(params));
    const std::uint32_t n = whole ? cols(params) : up_to(cols(params));
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

// Mostly finite activations around one, so that every bit of a result counts.
inline DrivenJob random_lut_job(const lut_tensor_core::Design& design, const Job& job,
                                std::mt19937_64& random) {
  DrivenJob driven = random_driven_job(design, job, random);
  const Format& format = design.activation_format();
  if (format.kind != FormatKind::minifloat) return driven;
  for (auto& code : driven.a) {
    const double value = std::ldexp(1.0 + static_cast<double>(random() % 1024) / 1024,
                                    static_cast<int>(random() % 8) - 4);
    const double small = random() % 16 == 0 ? 0x1p-16 : 1.0;
    code = static_cast<std::uint16_t>(
        encode(format, random() % 2 == 0 ? small * value : -small * value));
  }
  return driven;
}

}  // namespace bitsmith::test
