// Steps per second of a cycle model and of its Verilated RTL (-O3, no trace), on the same stimulus,
// in turns within one run: the counters are millions of cycles per second and their ratio.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "cosim/verilated_array.h"
#include "numerics/pack.h"
#include "pe/design.h"

namespace bitsmith::bench {

inline constexpr std::uint64_t kModelCycles = 20000;
inline constexpr std::uint64_t kRtlCycles = 4000;

// Whole tiles back to back, operands always there, results always taken: k = 512 output stationary,
// 512 results per tile weight and input stationary.
class FullSpeed {
 public:
  explicit FullSpeed(const Design& design) {
    const ChannelWidths widths = design.channel_widths();
    const TileLimits limits = design.tile_limits();
    job_.resize(words_for_bits(widths.job));
    design.pack_job(
        {std::min(limits.m, 512U), std::min(limits.n, 512U), std::min(limits.k, 512U), false, true},
        job_);
    std::mt19937_64 random(1);
    for (std::size_t i = 0; i < kBeats; ++i) {
      a_.push_back(random_lanes(widths.a, design.activation_format(), random));
      w_.push_back(random_lanes(widths.w, design.weight_format(), random));
      s_.push_back(random_lanes(widths.s, *find_format("uint8"), random));
    }
  }

  // Seconds for `cycles` steps.
  template <class Array>
  double run(Array& array, std::uint64_t cycles) const {
    ArrayInputs in;
    in.job_valid = in.a_valid = in.w_valid = in.s_valid = in.y_ready = true;
    in.job = job_.data();
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
      in.a = a_[cycle % kBeats].data();
      in.w = w_[cycle % kBeats].data();
      in.s = s_[cycle % kBeats].data();
      array.step(in);
      benchmark::DoNotOptimize(array.outputs().y[0]);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

 private:
  static constexpr std::size_t kBeats = 64;

  // Numbers around one: a host may be slow on subnormal numbers, which workloads hardly have.
  static std::vector<std::uint32_t> random_lanes(std::uint32_t bits, const Format& format,
                                                 std::mt19937_64& random) {
    std::vector<std::uint32_t> words(words_for_bits(bits));
    const bool is_float = format.kind == FormatKind::minifloat;
    const auto lane = static_cast<std::uint32_t>(format.bits);
    for (std::uint32_t at = 0; at + lane <= bits; at += lane) {
      const std::uint64_t any = random();
      const double value =
          (1.0 + static_cast<double>(any % 1024) / 1024) * (any >> 63 != 0 ? 1 : -1);
      put_bits(words, at, format.bits,
               is_float ? encode(format, value) : any & low_mask(format.bits));
    }
    return words;
  }

  std::vector<std::uint32_t> job_;
  std::vector<std::vector<std::uint32_t>> a_, w_, s_;
};

template <class Design>
void model_against_rtl(benchmark::State& state, const typename Design::Model::Params& params) {
  const Design design(params);
  const FullSpeed stimulus(design);
  typename Design::Model model(params);
  VerilatedArray rtl(build_verilated(rtl_sources(design), false), 1);
  double model_seconds = 0;
  double rtl_seconds = 0;
  double rounds = 0;
  for ([[maybe_unused]] const auto iteration : state) {
    model_seconds += stimulus.run(model, kModelCycles);
    rtl_seconds += stimulus.run(rtl, kRtlCycles);
    ++rounds;
  }
  const double model_rate = rounds * static_cast<double>(kModelCycles) / model_seconds / 1e6;
  const double rtl_rate = rounds * static_cast<double>(kRtlCycles) / rtl_seconds / 1e6;
  state.counters["model_Mcycles/s"] = model_rate;
  state.counters["rtl_Mcycles/s"] = rtl_rate;
  state.counters["ratio"] = model_rate / rtl_rate;
}

}  // namespace bitsmith::bench
