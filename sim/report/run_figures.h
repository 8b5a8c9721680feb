// What JSON and tables of a run have in common.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "report/run_report.h"
#include "system/roofline.h"

namespace bitsmith {

// MACs of those the array could have done.
double utilization(const RunCounts& counts, const Design& design);

double seconds(const RunCounts& counts, const Accelerator& accelerator);

// null where there is none.
nlohmann::ordered_json number_json(const std::optional<double>& number);

// "energy_pj" and "area_um2" of a run, by component; null where no component is known.
nlohmann::ordered_json energy_json(const RunEnergy& energy);
nlohmann::ordered_json area_json(const RunArea& area);

// "tech" of a run: what its figures come from; null where none is known.
nlohmann::ordered_json tech_json(const RunReportInput& input);

// Whether it knows PE-cycles, actions, buffers and blocks.
bool knows_actions(const RunReportInput& input);

std::string_view word_of(RooflineBound bound);

struct StallCause {
  const char* name;
  std::uint64_t StallCycles::*cycles;
};
inline constexpr std::array<StallCause, 7> kStallCauses = {{
    {"fill_drain", &StallCycles::fill_drain},
    {"weights", &StallCycles::weights},
    {"activations", &StallCycles::activations},
    {"results", &StallCycles::results},
    {"vector", &StallCycles::vector},
    {"control", &StallCycles::control},
    {"refresh", &StallCycles::refresh},
}};

struct SystemAction {
  const char* name;
  std::uint64_t SystemCounts::*count;
  bool is_dram_access;
};
inline constexpr std::array<SystemAction, 15> kSystemActions = {{
    {"blocks", &SystemCounts::blocks, false},
    {"descriptors", &SystemCounts::descriptors, false},
    {"weight_reads", &SystemCounts::weight_reads, true},
    {"kv_cache_reads", &SystemCounts::kv_cache_reads, true},
    {"activation_reads", &SystemCounts::activation_reads, true},
    {"kv_cache_writes", &SystemCounts::kv_cache_writes, true},
    {"result_writes", &SystemCounts::result_writes, true},
    {"activation_buffer_writes", &SystemCounts::activation_buffer_writes, false},
    {"activation_buffer_reads", &SystemCounts::activation_buffer_reads, false},
    {"weight_buffer_writes", &SystemCounts::weight_buffer_writes, false},
    {"weight_buffer_reads", &SystemCounts::weight_buffer_reads, false},
    {"result_buffer_writes", &SystemCounts::result_buffer_writes, false},
    {"result_buffer_reads", &SystemCounts::result_buffer_reads, false},
    {"weight_conversions", &SystemCounts::weight_conversions, false},
    {"vector_operations", &SystemCounts::vector_operations, false},
}};

// Bytes between DRAM and DMA, whole accesses.
struct DramBytes {
  std::uint64_t weights_read = 0;
  std::uint64_t kv_cache_read = 0;
  std::uint64_t activations_read = 0;
  std::uint64_t kv_cache_written = 0;
  std::uint64_t results_written = 0;

  std::uint64_t read() const { return weights_read + kv_cache_read + activations_read; }
  std::uint64_t written() const { return kv_cache_written + results_written; }
};
DramBytes dram_bytes(const RunCounts& counts, const MemoryParams& memory);

}  // namespace bitsmith
