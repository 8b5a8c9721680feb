// Steps per second of the systolic cycle model and of its Verilated RTL (-O3, no trace), on the
// same stimulus, in turns within one run: the counters are millions of cycles per second and their
// ratio.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "cosim/verilated_array.h"
#include "numerics/pack.h"
#include "pe/systolic/design.h"

namespace bitsmith {
namespace {

constexpr std::uint64_t kModelCycles = 20000;
constexpr std::uint64_t kRtlCycles = 4000;

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
    }
  }

  // Seconds for `cycles` steps.
  template <class Array>
  double run(Array& array, std::uint64_t cycles) const {
    ArrayInputs in;
    in.job_valid = in.a_valid = in.w_valid = in.y_ready = true;
    in.job = job_.data();
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
      in.a = a_[cycle % kBeats].data();
      in.w = w_[cycle % kBeats].data();
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
    for (std::uint32_t at = 0; at < bits; at += static_cast<std::uint32_t>(format.bits)) {
      const std::uint64_t any = random();
      const double value =
          (1.0 + static_cast<double>(any % 1024) / 1024) * (any >> 63 != 0 ? 1 : -1);
      put_bits(words, at, format.bits,
               is_float ? encode(format, value) : any & low_mask(format.bits));
    }
    return words;
  }

  std::vector<std::uint32_t> job_;
  std::vector<std::vector<std::uint32_t>> a_, w_;
};

void model_against_rtl(benchmark::State& state, const char* format, std::uint32_t accumulator_bits,
                       systolic::Dataflow dataflow) {
  systolic::Params params;
  params.rows = params.cols = static_cast<std::uint32_t>(state.range(0));
  params.activation = params.weight = find_format(format);
  params.accumulator_bits = accumulator_bits;
  params.dataflow = dataflow;
  const systolic::Design design(params);
  const FullSpeed stimulus(design);
  systolic::Model model(params);
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

using systolic::Dataflow;

BENCHMARK_CAPTURE(model_against_rtl, os_int8, "int8", 32, Dataflow::output_stationary)
    ->Arg(16)
    ->Arg(32)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(model_against_rtl, os_int16, "int16", 48, Dataflow::output_stationary)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(model_against_rtl, ws_int8, "int8", 32, Dataflow::weight_stationary)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(model_against_rtl, is_int8, "int8", 32, Dataflow::input_stationary)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(model_against_rtl, os_fp16, "fp16", 32, Dataflow::output_stationary)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(model_against_rtl, ws_fp16, "fp16", 32, Dataflow::weight_stationary)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bitsmith

BENCHMARK_MAIN();
