// The cycle model of the lookup-table units against its Verilated RTL: the paper's 2x64x4.
#include "model_against_rtl.h"
#include "pe/lut_tensor_core/design.h"

namespace bitsmith {
namespace {

using lut_tensor_core::Engine;
using lut_tensor_core::Precompute;
using lut_tensor_core::TableKind;

void lut_tensor_core_against_rtl(benchmark::State& state, Engine engine, const char* activation,
                                 TableKind table, Precompute precompute) {
  lut_tensor_core::Params params;
  params.engine = engine;
  params.activation = find_format(activation);
  params.table = table;
  params.precompute = precompute;
  bench::model_against_rtl<lut_tensor_core::Design>(state, params);
}

BENCHMARK_CAPTURE(lut_tensor_core_against_rtl, int8_lut, Engine::lut, "int8", TableKind::full,
                  Precompute::unit)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(lut_tensor_core_against_rtl, int8_fused, Engine::lut, "int8", TableKind::int8,
                  Precompute::fused)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(lut_tensor_core_against_rtl, int8_mac, Engine::mac, "int8", TableKind::full,
                  Precompute::unit)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bitsmith

BENCHMARK_MAIN();
