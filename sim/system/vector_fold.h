// An operator of the vector unit, block by block (sim/system/README.md). Repetitions are skipped as
// in GemmFold.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "system/dma_fold.h"
#include "system/program.h"
#include "system/repetition.h"
#include "system/run_result.h"
#include "system/stall_cycles.h"
#include "system/timeline.h"

namespace bitsmith {

class VectorFold {
 public:
  VectorFold(const MemoryParams& memory, const MemoryTimes& times, const ProgramOperator& program,
             Timeline* timeline, std::size_t number, bool skip = true);

  // PE-cycles are not filled in: the array is idle.
  RunCounts run();

 private:
  // Of a block of a number of elements.
  struct Kind {
    std::uint64_t load_accesses = 0;
    std::uint64_t store_accesses = 0;
    std::uint64_t cycles = 0;
    SystemCounts counts;
  };
  struct BlockState {
    std::uint64_t resident = 0;
    std::uint64_t done = 0;      // the vector unit is
    std::uint64_t eligible = 0;  // its store
    std::uint64_t half_free = 0;
  };
  struct Sums {
    StallCycles stalls;
    SystemCounts system;
  };

  Kind kind_of(std::uint64_t elements) const;
  const Kind& kind(std::uint64_t block) const { return block + 1 == blocks_ ? last_ : whole_; }
  BlockState& state(std::uint64_t block) { return states_[block % states_.size()]; }
  void pass(std::uint64_t block);
  void load(std::uint64_t eligible);
  void store();
  void look_for_repetition();
  std::vector<std::int64_t> relative_state();
  void show(TimelineRow row, const char* what, std::uint64_t block, std::uint64_t begin_ps,
            std::uint64_t end_ps);
  void show(const DescriptorTimes& moved, const char* what, std::uint64_t block);

  const MemoryParams& memory_;
  const MemoryTimes& times_;
  const ProgramOperator& program_;
  std::uint64_t block_elements_;
  std::uint64_t blocks_;
  Kind whole_, last_;
  DmaFold dma_;
  StallAccount account_;
  Timeline* timeline_;
  std::size_t number_;
  bool skip_;

  // Blocks are numbered without the skipped ones; blocks_ shrinks instead.
  std::array<BlockState, 4> states_;
  std::uint64_t loaded_ = 0;
  std::uint64_t passed_ = 0;
  std::uint64_t stored_ = 0;
  std::uint64_t last_dispatch_ = 0;
  std::uint64_t last_answer_ = 0;

  RepetitionFinder<std::vector<std::int64_t>, Sums> finder_;
  std::uint64_t looked_at_ = 0;
  std::uint64_t skipped_edges_ = 0;
  Sums skipped_;
  RunCounts counts_;
};

}  // namespace bitsmith
