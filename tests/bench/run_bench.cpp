// Engines as `bitsmith run` uses them: files read, mappings chosen, cycles and actions counted.
//
// Llama-2 7B, 13B and 70B show what time grows with: operators and blocks, not MACs. Engine `cycle`
// is timed in millions of accelerator cycles per second, values checked, beside the array's model
// alone in the same run.
#include <benchmark/benchmark.h>

#include <chrono>

#include "app/pipeline.h"
#include "common/file.h"
#include "pe/systolic/design.h"

namespace bitsmith {
namespace {

app::RunRequest request(const char* accelerator, const char* model, Phase phase) {
  app::RunRequest result;
  result.accelerator = (home_folder() / "configs/accelerators" / accelerator).string();
  result.model = (home_folder() / "workloads/models" / model).string();
  result.phase.phase = phase;
  return result;
}

// Prefill of 2048 tokens and one decode token with a context of 2048.
void tile(benchmark::State& state, const char* accelerator, const char* model) {
  RunCounts counts;
  for ([[maybe_unused]] const auto iteration : state) {
    counts = {};
    for (const Phase phase : {Phase::prefill, Phase::decode}) {
      counts.add(app::run(request(accelerator, model, phase)).result.total, 1);
    }
  }
  state.counters["GMACs"] = static_cast<double>(counts.macs) / 1e9;
  state.counters["Gcycles"] = static_cast<double>(counts.cycles) / 1e9;
  state.counters["Mblocks"] = static_cast<double>(counts.system.blocks) / 1e6;
}
BENCHMARK_CAPTURE(tile, array_alone_7b, "systolic_int8_16x16.yaml", "llama-2-7b.yaml")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(tile, edge_7b, "systolic_int8_16x16_edge.yaml", "llama-2-7b.yaml")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(tile, edge_13b, "systolic_int8_16x16_edge.yaml", "llama-2-13b.yaml")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(tile, edge_70b, "systolic_int8_16x16_edge.yaml", "llama-2-70b.yaml")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(tile, mixpe_edge_13b, "mixpe_int8_uint4_16x16_edge.yaml", "llama-2-13b.yaml")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(tile, dequantise_edge_13b, "systolic_int8_16x16_dequantise_edge.yaml",
                  "llama-2-13b.yaml")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(tile, cloud_7b, "systolic_int8_128x128_cloud.yaml", "llama-2-7b.yaml")
    ->Unit(benchmark::kMillisecond);

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The array's model with a token in every step.
double model_cycles_per_second(const systolic::Design& design) {
  constexpr std::uint64_t kCycles = 1000000;
  systolic::Model model(design.params());
  std::vector<std::uint32_t> job(words_for_bits(design.channel_widths().job));
  design.pack_job({16, 16, 2048, false, true}, job);
  const std::vector<std::uint32_t> beat(words_for_bits(design.channel_widths().a), 0x01020304);
  ArrayInputs in;
  in.job_valid = in.a_valid = in.w_valid = in.y_ready = true;
  in.job = job.data();
  in.a = in.w = beat.data();
  return kCycles / seconds_of([&] {
           for (std::uint64_t cycle = 0; cycle < kCycles; ++cycle) {
             model.step(in);
             benchmark::DoNotOptimize(model.outputs().y[0]);
           }
         });
}

// Once: SystemC elaborates once per process.
void cycle_int8_16x16(benchmark::State& state) {
  app::RunRequest edge = request("systolic_int8_16x16_edge.yaml", "", Phase::prefill);
  edge.model.clear();
  edge.gemm = "512x512x4096";
  edge.engine = app::Engine::cycle;
  for ([[maybe_unused]] const auto iteration : state) {
    RunResult result;
    const double seconds = seconds_of([&] { result = app::run(edge).result; });
    const double rate = static_cast<double>(result.total.cycles) / seconds;
    const double model = model_cycles_per_second(systolic::Design(systolic::Params{}));
    state.counters["Mcycles/s"] = rate / 1e6;
    state.counters["model_alone_Mcycles/s"] = model / 1e6;
    state.counters["ratio"] = model / rate;
    state.counters["values"] = static_cast<double>(result.checked->values_compared);
  }
}
BENCHMARK(cycle_int8_16x16)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bitsmith

BENCHMARK_MAIN();
