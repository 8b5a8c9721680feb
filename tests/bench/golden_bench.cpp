// Golden of every shipped design, in multiply-accumulates per second of one core: what a whole
// model's GEMMs take to be computed bit for bit. A 256 x 512, W 512 x 256, and the shape of an
// attention head, A 256 x 64, W 64 x 256.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "common/file.h"
#include "mapping/operand_source.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

void golden(benchmark::State& state, const std::filesystem::path& config, std::uint64_t k) {
  constexpr std::uint64_t kRows = 256, kCols = 256;
  const auto design = load_design(config);
  const OperandSource operands(*design, 1);
  const std::uint64_t scale_rows = design->scale_rows(k);
  std::vector<std::uint16_t> a(kRows * k), w(k * kCols), s(scale_rows * kCols);
  operands.read_a(0, 0, 0, kRows, 0, k, a);
  operands.read_w(0, 0, 0, k, 0, kCols, w);
  if (scale_rows > 0) operands.read_s(0, 0, 0, scale_rows, 0, kCols, s);
  const OperandViews views = {
      {a.data(), kRows, k, k}, {w.data(), k, kCols, kCols}, {s.data(), scale_rows, kCols, kCols}};
  std::vector<std::int64_t> y(kRows * kCols);
  for ([[maybe_unused]] const auto iteration : state) {
    design->golden(views, {y.data(), kRows, kCols, kCols});
    benchmark::DoNotOptimize(y.data());
  }
  state.counters["MAC/s"] = benchmark::Counter(static_cast<double>(kRows * kCols * k),
                                               benchmark::Counter::kIsIterationInvariantRate);
}

void register_all() {
  std::vector<std::filesystem::path> configs;
  const auto folder = home_folder() / "configs/designs";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") configs.push_back(entry.path());
  }
  std::sort(configs.begin(), configs.end());
  for (const auto& config : configs) {
    for (const std::uint64_t k : {std::uint64_t{512}, std::uint64_t{64}}) {
      const std::string name = "golden/" + config.lexically_relative(folder).string();
      benchmark::RegisterBenchmark((name + "/k:" + std::to_string(k)).c_str(), golden, config, k)
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace
}  // namespace bitsmith

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  bitsmith::register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
