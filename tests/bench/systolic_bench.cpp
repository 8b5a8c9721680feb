// The systolic cycle model against its Verilated RTL.
#include "model_against_rtl.h"
#include "pe/systolic/design.h"

namespace bitsmith {
namespace {

void systolic_against_rtl(benchmark::State& state, const char* format,
                          std::uint32_t accumulator_bits, systolic::Dataflow dataflow) {
  systolic::Params params;
  params.rows = params.cols = static_cast<std::uint32_t>(state.range(0));
  params.activation = params.weight = find_format(format);
  params.accumulator_bits = accumulator_bits;
  params.dataflow = dataflow;
  bench::model_against_rtl<systolic::Design>(state, params);
}

using systolic::Dataflow;

BENCHMARK_CAPTURE(systolic_against_rtl, os_int8, "int8", 32, Dataflow::output_stationary)
    ->Arg(16)
    ->Arg(32)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_against_rtl, os_int16, "int16", 48, Dataflow::output_stationary)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_against_rtl, ws_int8, "int8", 32, Dataflow::weight_stationary)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_against_rtl, is_int8, "int8", 32, Dataflow::input_stationary)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_against_rtl, os_fp16, "fp16", 32, Dataflow::output_stationary)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_against_rtl, ws_fp16, "fp16", 32, Dataflow::weight_stationary)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bitsmith

BENCHMARK_MAIN();
