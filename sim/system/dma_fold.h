// The DMA and an ideal DRAM, descriptor by descriptor: which descriptor is picked when, when its
// requests are issued and when its last answer is seen (sim/system/README.md).
#pragma once

#include <cstdint>
#include <vector>

#include "system/memory_params.h"

namespace bitsmith {

// Edges and picoseconds of the operator.
struct DescriptorTimes {
  std::uint64_t pick = 0;  // edges
  std::uint64_t last_issue = 0;
  std::uint64_t answered = 0;        // its last answer is seen
  std::uint64_t transfer_begin = 0;  // ps
  std::uint64_t transfer_end = 0;
};

class DmaFold {
 public:
  DmaFold(const MemoryTimes& times, const DmaParams& dma);

  // The first edge at which another descriptor can be picked.
  std::uint64_t next_pick() const { return next_pick_; }

  // Moves `accesses`, and after them `converted` ones with codes of converted weights, at least one
  // in all, picked at edge `pick` >= next_pick(), the first one issued `setup` edges after that at
  // the earliest. Throws UserError when the operator lasts longer than picoseconds in 64 bits can
  // tell.
  DescriptorTimes move(std::uint64_t pick, std::uint64_t setup, std::uint64_t accesses,
                       std::uint64_t converted = 0);

  // Appends what has a say in later moves, times relative to next_pick().
  void write_state(std::vector<std::int64_t>& numbers) const;

 private:
  void write_state(std::vector<std::int64_t>& numbers, std::uint64_t edge) const;
  // `step`: ps of each transfer.
  void issue_one(std::uint64_t& issue, std::uint64_t step);
  void issue_in_windows(std::uint64_t& issue, std::uint64_t accesses, std::uint64_t step);
  void shift(std::uint64_t edges);
  void issue_many(std::uint64_t& issue, std::uint64_t accesses, std::uint64_t step);

  MemoryTimes times_;
  // Enough requests may be open for transfers to follow each other without a gap.
  bool gapless_;
  std::uint64_t next_pick_ = 0;
  std::uint64_t bus_free_ = 0;          // ps
  std::vector<std::uint64_t> answers_;  // ps, of the last `outstanding` requests, as a ring
  std::size_t oldest_ = 0;
};

}  // namespace bitsmith
