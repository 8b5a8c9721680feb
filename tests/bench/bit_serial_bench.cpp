// The bit-serial cycle model against its Verilated RTL, and the scan that finds the steps of
// weights whose zero terms are skipped: its bytes are those of the codes in memory, 16 bits each.
#include "mapping/operand_source.h"
#include "model_against_rtl.h"
#include "pe/bit_serial/design.h"

namespace bitsmith {
namespace {

bit_serial::Params tile(const char* activation, const char* weight) {
  bit_serial::Params params;
  params.activation = find_format(activation);
  params.weight = find_format(weight);
  return params;
}

void bit_serial_against_rtl(benchmark::State& state, const char* activation, const char* weight) {
  bench::model_against_rtl<bit_serial::Design>(state, tile(activation, weight));
}

BENCHMARK_CAPTURE(bit_serial_against_rtl, fp16_fp4, "fp16", "fp4_e2m1")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(bit_serial_against_rtl, fp16_int8, "fp16", "int8")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(bit_serial_against_rtl, int8_int4, "int8", "int4")->Unit(benchmark::kMillisecond);

void scan_of_weights(benchmark::State& state, const char* weight) {
  bit_serial::Params params = tile("fp16", weight);
  params.skip_zero_terms = true;
  const bit_serial::Design design(params);
  const OperandSource operands(design, 1);
  constexpr std::uint64_t kRows = 4096, kColumns = 1024;
  std::vector<std::uint16_t> w(kRows * kColumns), s(design.scale_rows(kRows) * kColumns);
  operands.read_w(0, 0, 0, kRows, 0, kColumns, w);
  operands.read_s(0, 0, 0, design.scale_rows(kRows), 0, kColumns, s);
  std::vector<std::uint32_t> steps(kColumns / params.cols * design.scale_rows(kRows));
  for ([[maybe_unused]] const auto iteration : state) {
    design.weight_steps({w.data(), kRows, kColumns, kColumns},
                        {s.data(), design.scale_rows(kRows), kColumns, kColumns}, steps);
    benchmark::DoNotOptimize(steps.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * w.size() * sizeof(w[0])));
}

BENCHMARK_CAPTURE(scan_of_weights, fp4, "fp4_e2m1")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(scan_of_weights, int8, "int8")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bitsmith

BENCHMARK_MAIN();
