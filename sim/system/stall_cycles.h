// From the times of a block to the causes of its stalls: the rules of sim/system/README.md, for
// both engines. All times are edges of the operator.
#pragma once

#include <cstdint>

#include "system/memory_params.h"
#include "system/run_result.h"

namespace bitsmith {

struct GemmBlockTimes {
  std::uint64_t array_ready = 0;  // its first token, had operands never been missing
  std::uint64_t a_resident = 0;   // 0 if an earlier block loaded them
  std::uint64_t w_resident = 0;
  std::uint64_t half_vector_done = 0;  // results of the half's former block are out of the vector
                                       // unit; 0 if there is none or the block does not emit
  std::uint64_t half_free = 0;         // and stored
  std::uint64_t operands_at_ports = 0;
  std::uint64_t first_token = 0;
  std::uint64_t last_token = 0;
  std::uint64_t tokens = 0;
};

struct VectorBlockTimes {
  std::uint64_t resident = 0;
  std::uint64_t half_free = 0;
  std::uint64_t start = 0;  // of the vector unit
  std::uint64_t done = 0;
};

// What ends an operator.
struct TailTimes {
  std::uint64_t last_y = 0;       // taken; GEMMs only
  std::uint64_t vector_done = 0;  // the last results are there, latency included
  std::uint64_t end = 0;
};

// Follows an operator from edge 0 on.
class StallAccount {
 public:
  explicit StallAccount(const MemoryTimes& times) : times_(times) {}

  void gemm_block(const GemmBlockTimes& block);
  void vector_block(const VectorBlockTimes& block);
  // Ends the operator; the next one starts at edge 0 again.
  void gemm_tail(const TailTimes& tail);
  void vector_tail(const TailTimes& tail);

  const StallCycles& stalls() const { return stalls_; }
  // Everything before this edge has a cause.
  std::uint64_t accounted() const { return accounted_; }

 private:
  void until(std::uint64_t edge, std::uint64_t& cause);

  MemoryTimes times_;
  std::uint64_t accounted_ = 0;
  StallCycles stalls_;
};

}  // namespace bitsmith
