// The cycle model of the shift-and-add array against its Verilated RTL.
#include "model_against_rtl.h"
#include "pe/mixpe/design.h"

namespace bitsmith {
namespace {

void mixpe_against_rtl(benchmark::State& state, const char* activation, std::uint32_t side,
                       mixpe::Digit digit) {
  mixpe::Params params;
  params.rows = params.cols = side;
  params.activation = find_format(activation);
  params.digit = digit;
  bench::model_against_rtl<mixpe::Design>(state, params);
}

using mixpe::Digit;
BENCHMARK_CAPTURE(mixpe_against_rtl, int8_16x16, "int8", 16, Digit::parallel)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mixpe_against_rtl, int8_16x16_two_bits, "int8", 16, Digit::two_bits)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mixpe_against_rtl, fp16_8x8, "fp16", 8, Digit::parallel)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bitsmith

BENCHMARK_MAIN();
