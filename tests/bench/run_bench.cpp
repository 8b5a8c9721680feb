// All of Llama-2-7B, prefill 2048, as `bitsmith run` computes it: files read, operators scheduled,
// cycles and actions counted. Beside it the unavoidable part: reading the same files.
#include <benchmark/benchmark.h>

#include "app/pipeline.h"
#include "common/file.h"

namespace bitsmith {
namespace {

app::RunRequest request() {
  app::RunRequest result;
  result.accelerator = (home_folder() / "configs/accelerators/systolic_int8_16x16.yaml").string();
  result.model = (home_folder() / "workloads/models/llama-2-7b.yaml").string();
  return result;
}

void llama_2_7b_prefill(benchmark::State& state) {
  for ([[maybe_unused]] const auto iteration : state) {
    benchmark::DoNotOptimize(app::run(request()).result.total.cycles);
  }
}
BENCHMARK(llama_2_7b_prefill)->Unit(benchmark::kMicrosecond);

void configuration_alone(benchmark::State& state) {
  for ([[maybe_unused]] const auto iteration : state) {
    benchmark::DoNotOptimize(load_accelerator(request().accelerator, {}).params.clock_ghz);
    benchmark::DoNotOptimize(load_transformer(request().model).hidden_size);
  }
}
BENCHMARK(configuration_alone)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace bitsmith

BENCHMARK_MAIN();
