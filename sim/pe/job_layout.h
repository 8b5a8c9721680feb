// The payload of the job channel, the same for every array (rtl/README.md):
//   {emit, accumulate, k, n, m}, m in the low bits.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "numerics/pack.h"
#include "pe/job.h"

namespace bitsmith {

struct JobLayout {
  std::uint32_t m_bits;
  std::uint32_t n_bits;
  std::uint32_t k_bits;

  // Fields just wide enough for m up to `most_m` and n up to `most_n`.
  static JobLayout of(std::uint32_t most_m, std::uint32_t most_n, std::uint32_t k_bits) {
    return {static_cast<std::uint32_t>(std::bit_width(most_m)),
            static_cast<std::uint32_t>(std::bit_width(most_n)), k_bits};
  }

  std::uint32_t bits() const { return m_bits + n_bits + k_bits + 2; }

  void pack(const Job& job, std::span<std::uint32_t> words) const {
    std::uint32_t at = 0;
    const auto put = [&](std::uint32_t bits, std::uint32_t value) {
      put_bits(words, at, static_cast<int>(bits), value);
      at += bits;
    };
    put(m_bits, job.m);
    put(n_bits, job.n);
    put(k_bits, job.k);
    put(1, job.accumulate ? 1 : 0);
    put(1, job.emit ? 1 : 0);
  }

  Job unpack(std::span<const std::uint32_t> words) const {
    std::uint32_t at = 0;
    const auto get = [&](std::uint32_t bits) {
      const std::uint64_t value = get_bits(words, at, static_cast<int>(bits));
      at += bits;
      return static_cast<std::uint32_t>(value);
    };
    Job job;
    job.m = get(m_bits);
    job.n = get(n_bits);
    job.k = get(k_bits);
    job.accumulate = get(1) != 0;
    job.emit = get(1) != 0;
    return job;
  }
};

}  // namespace bitsmith
