// What a run says, for one operator and in total. Two identities always hold:
//   cycles == array_cycles + the sum of stall_cycles
//   pe_cycles.total() == PEs x cycles
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mapping/blocks.h"
#include "pe/job.h"
#include "workload/operator.h"

namespace bitsmith {

// Cycles in which no token enters the array, by what arrives last.
struct StallCycles {
  std::uint64_t fill_drain = 0;
  std::uint64_t weights = 0;
  std::uint64_t activations = 0;
  std::uint64_t results = 0;
  std::uint64_t vector = 0;
  std::uint64_t control = 0;
  std::uint64_t refresh = 0;

  std::uint64_t total() const {
    return fill_drain + weights + activations + results + vector + control + refresh;
  }
  void add(const StallCycles& other, std::uint64_t times);
  bool operator==(const StallCycles&) const = default;
};

// What happened around the array. Words of a buffer are as wide as its banks together; DRAM
// accesses are whole ones, by the tensor they belong to.
struct SystemCounts {
  std::uint64_t blocks = 0;
  std::uint64_t descriptors = 0;
  std::uint64_t weight_reads = 0;  // DRAM accesses
  std::uint64_t kv_cache_reads = 0;
  std::uint64_t activation_reads = 0;
  std::uint64_t kv_cache_writes = 0;
  std::uint64_t result_writes = 0;
  std::uint64_t activation_buffer_writes = 0;  // words, by the DMA
  std::uint64_t activation_buffer_reads = 0;   // by the array or the vector unit
  std::uint64_t weight_buffer_writes = 0;
  std::uint64_t weight_buffer_reads = 0;
  std::uint64_t result_buffer_writes = 0;  // by the array and the vector unit
  std::uint64_t result_buffer_reads = 0;   // by the vector unit and the DMA
  std::uint64_t weight_conversions = 0;    // weights that went through a converter
  std::uint64_t vector_operations = 0;     // elements x passes

  std::uint64_t dram_reads() const { return weight_reads + kv_cache_reads + activation_reads; }
  std::uint64_t dram_writes() const { return kv_cache_writes + result_writes; }
  void add(const SystemCounts& other, std::uint64_t times);
  bool operator==(const SystemCounts&) const = default;
};

struct RunCounts {
  std::uint64_t cycles = 0;
  std::uint64_t array_cycles = 0;  // tokens enter the array
  StallCycles stall_cycles;
  std::uint64_t macs = 0;
  std::uint64_t jobs = 0;
  PeCycles pe_cycles;
  ActionCounts actions;
  SystemCounts system;  // zeros without a memory system

  void add(const RunCounts& other, std::uint64_t times);
  bool operator==(const RunCounts&) const = default;
};

struct OperatorResult {
  Operator op;
  RunCounts counts;                 // of all its occurrences
  std::optional<Mapping> mapping;   // of a GEMM in a memory system
  std::uint64_t mappings_seen = 0;  // candidates that were compared
};

// Values that left the accelerator and were compared with golden ones.
struct ValueCheck {
  std::uint64_t values_compared = 0;
  std::uint64_t mismatches = 0;
  std::string first_mismatch;
};

struct RunResult {
  RunCounts total;
  std::vector<OperatorResult> operators;
  std::optional<ValueCheck> checked;  // engine `cycle`
};

}  // namespace bitsmith
