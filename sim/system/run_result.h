// What a run says, for one operator and in total. Two identities always hold:
//   cycles == array_cycles + the sum of stall_cycles
//   pe_cycles.total() == PEs x cycles
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
  bool operator==(const StallCycles&) const = default;
};

struct RunCounts {
  std::uint64_t cycles = 0;
  std::uint64_t array_cycles = 0;  // tokens enter the array
  StallCycles stall_cycles;
  std::uint64_t macs = 0;
  std::uint64_t jobs = 0;
  PeCycles pe_cycles;
  ActionCounts actions;

  void add(const RunCounts& other, std::uint64_t times);
  bool operator==(const RunCounts&) const = default;
};

struct OperatorResult {
  Operator op;
  RunCounts counts;  // of all its occurrences
};

struct RunResult {
  RunCounts total;
  std::vector<OperatorResult> operators;
};

}  // namespace bitsmith
