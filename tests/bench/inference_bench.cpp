// The FP32 forward pass of the shipped model as a share of OpenBLAS's own rate in the same run, and
// how many tokens per second a quantization takes, without a design and on each. One thread.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <memory>

#include "common/file.h"
#include "inference/design_arithmetic.h"
#include "inference/float_gemm.h"
#include "inference/perplexity.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

constexpr std::size_t kWindow = 256;

std::filesystem::path shipped_model() { return home_folder() / "workloads/trained/bytes-llama"; }

// Of the processor: others may be at work on the machine.
double seconds_of(const std::function<void()>& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

// Multiplications and additions of the linear layers and of lm_head, in 1e9.
double linear_gflop(const Transformer& model, std::size_t tokens) {
  const std::uint64_t h = model.hidden_size;
  const std::uint64_t layer =
      h * (2 * model.query_size() + 2 * model.key_value_size()) + 3 * h * model.intermediate_size;
  const std::uint64_t weights = model.num_hidden_layers * layer + h * model.vocab_size;
  return 2e-9 * static_cast<double>(weights) * static_cast<double>(tokens);
}

// 256 x 512 x 256, as in the model, over and over.
double sgemm_gflop_per_second() {
  constexpr std::size_t kTimes = 200;
  const FloatMatrix a(kWindow, 256), w(512, 256);
  FloatMatrix y(kWindow, 512);
  const double seconds = seconds_of([&] {
    for (std::size_t i = 0; i < kTimes; ++i) {
      multiply_transposed(a.view(), w.view(), y.out());
      benchmark::DoNotOptimize(y.values.data());
    }
  });
  return 2e-9 * kTimes * kWindow * 512 * 256 / seconds;
}

void fp32(benchmark::State& state) {
  const ImportedModel imported = import_model(shipped_model());
  const Llama model(imported);
  const auto tokens = read_bytes(shipped_model() / "held_out.txt", 16 * kWindow);
  const auto windows = cut_windows(tokens.size(), kWindow);
  double gflop = 0, seconds = 0, sgemm = 0;
  for ([[maybe_unused]] const auto iteration : state) {
    seconds += seconds_of([&] { predict(model, tokens, windows, FloatArithmetic(), 1); });
    gflop += linear_gflop(model.shape(), tokens.size());
    state.PauseTiming();
    sgemm = std::max(sgemm, sgemm_gflop_per_second());
    state.ResumeTiming();
  }
  state.counters["linear GFLOP/s"] = gflop / seconds;
  state.counters["sgemm GFLOP/s"] = sgemm;
  state.counters["share"] = gflop / seconds / sgemm;
}
BENCHMARK(fp32)->Unit(benchmark::kMillisecond);

// `design` may be "".
void quantized(benchmark::State& state, const std::string& quantization,
               const std::string& design) {
  const ImportedModel imported = import_model(shipped_model());
  const Llama model(imported);
  const auto tokens = read_bytes(shipped_model() / "held_out.txt", kWindow);
  const auto windows = cut_windows(tokens.size(), kWindow);
  const QuantizationConfig config =
      load_quantization(home_folder() / "configs/quant" / (quantization + ".yaml"));
  std::unique_ptr<const Design> array;
  std::unique_ptr<Arithmetic> arithmetic = std::make_unique<QuantizedArithmetic>(config);
  if (!design.empty()) {
    array = load_design(home_folder() / "configs/designs" / design, {});
    arithmetic = std::make_unique<DesignArithmetic>(config, *array);
  }
  double seconds = 0, count = 0;
  for ([[maybe_unused]] const auto iteration : state) {
    seconds += seconds_of([&] { predict(model, tokens, windows, *arithmetic, 1); });
    count += static_cast<double>(tokens.size());
  }
  state.counters["tokens/s"] = count / seconds;
}
#define QUANTIZED(name, quantization, design) \
  BENCHMARK_CAPTURE(quantized, name, quantization, design)->Unit(benchmark::kMillisecond)
QUANTIZED(w8a8, "w8a8", "");
QUANTIZED(w8a8_systolic, "w8a8", "systolic/int8_16x16.yaml");
QUANTIZED(fp16_systolic, "fp16", "systolic/fp16_16x16.yaml");
QUANTIZED(bitmod_fp4_bit_serial, "bitmod_fp4", "bit_serial/fp4_8x8.yaml");
QUANTIZED(zero_point_mixpe, "w4a16_g128_zero_point", "mixpe/fp16_uint4_16x16.yaml");

}  // namespace
}  // namespace bitsmith

BENCHMARK_MAIN();
