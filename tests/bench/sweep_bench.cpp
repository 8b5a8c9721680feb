// Sweeps: points per second of one core, without the disk, and rows per second that the index
// gathers. Rates are of CPU time, so that a busy machine does not change them.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>

#include "app/sweep_points.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/process.h"
#include "sweep/index.h"
#include "sweep/result_store.h"

namespace bitsmith {
namespace {

// A token of Llama-2-7B on two accelerators of closed-form cycles, LPDDR4, 24 configurations.
Sweep sweep_7b(const std::string& axes) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const std::filesystem::path file = folder.path() / "sweep.yaml";
  const std::string home = home_folder().string();
  std::ofstream(file) << fmt::format(
      "name: bench\naccelerators: [{0}/configs/accelerators/systolic_int8_16x16_edge.yaml, "
      "{0}/configs/accelerators/mixpe_int8_uint4_16x16_edge.yaml]\n"
      "axes:\n  - {{set: design.rows, values: [8, 16, 32]}}\n"
      "  - {{set: memory.bandwidth_gb_s, values: [12.8, 25.6, 51.2, 102.4]}}\n{1}"
      "workloads: [{{model: {0}/workloads/models/llama-2-7b.yaml, phase: decode, seq: 2048}}]\n",
      home, axes);
  return load_sweep(file);
}

void points(benchmark::State& state, const std::string& axes) {
  const app::SweepPoints points(sweep_7b(axes));
  const std::vector<std::string> keys = points.keys();
  for ([[maybe_unused]] const auto iteration : state) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      benchmark::DoNotOptimize(points.evaluate(i, keys[i]));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(keys.size()));
}
BENCHMARK_CAPTURE(points, searched_mappings, "")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(points, fixed_mappings,
                  "  - {name: mapping, variants: {fixed: [mapping.block_m=1, mapping.block_n=16, "
                  "mapping.block_k=2048, mapping.loop_order=n_outer]}}\n")
    ->Unit(benchmark::kMillisecond);

// What is done for every point before the first is computed.
void keys(benchmark::State& state) {
  const app::SweepPoints points(sweep_7b(""));
  for ([[maybe_unused]] const auto iteration : state) benchmark::DoNotOptimize(points.keys());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(points.points().size()));
}
BENCHMARK(keys)->Unit(benchmark::kMillisecond);

// Files of true records, without waiting for the disk as ResultStore::write() does.
void gather(benchmark::State& state) {
  constexpr std::size_t kFiles = 10000;
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const ResultStore store(folder.path());
  const app::SweepPoints points(sweep_7b(""));
  const auto record = points.evaluate(0, points.keys()[0]);
  IndexInput input{{"accelerator", "workload"}, {}};
  for (std::size_t i = 0; i < kFiles; ++i) {
    ContentHash of_point;
    of_point.add(std::to_string(i));
    nlohmann::ordered_json keyed = {{"key", of_point.hex()}};
    keyed.update(record);
    const std::string text = keyed.dump();
    ContentHash checksum;
    checksum.add(text);
    std::filesystem::create_directories(store.file_of(of_point.hex()).parent_path());
    std::ofstream(store.file_of(of_point.hex()))
        << "{\"checksum\":\"" << checksum.hex() << "\",\"record\":" << text << "}\n";
    input.points.push_back({of_point.hex(), {"accelerator", "workload"}});
  }
  for ([[maybe_unused]] const auto iteration : state) write_index(store, input);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kFiles));
}
BENCHMARK(gather)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bitsmith

BENCHMARK_MAIN();
