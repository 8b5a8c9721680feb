// The DMA's closed forms against the rules of sim/system/README.md written out edge by edge, with
// the event-driven DRAM.
#include "system/dma_fold.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "system/dram.h"

namespace bitsmith {
namespace {

// One descriptor after the other, request by request, edge by edge.
class PlainDma {
 public:
  PlainDma(const MemoryTimes& times, const DmaParams& dma)
      : times_(times), dma_(dma), dram_(times.dram) {}

  DescriptorTimes move(std::uint64_t pick, std::uint64_t setup, std::uint64_t plain,
                       std::uint64_t converted) {
    const std::uint64_t accesses = plain + converted;
    std::uint64_t issued = 0;
    for (std::uint64_t edge = pick;; ++edge) {
      dram_.advance(edge * times_.period_ps);
      while (dram_.take_answer()) --open_;
      if (edge < pick + setup) continue;
      while (issued < accesses && open_ < dma_.outstanding) {
        DramRequest request;
        if (issued >= plain) request.transfer_ps = times_.converted_access_ps;
        dram_.submit(request, edge * times_.period_ps);
        ++open_;
        ++issued;
      }
      if (issued == accesses) return answered(pick, edge);
    }
  }

 private:
  // When the last answer is seen: on a copy, as later descriptors see it, too.
  DescriptorTimes answered(std::uint64_t pick, std::uint64_t last_issue) const {
    DescriptorTimes result;
    result.pick = pick;
    result.last_issue = last_issue;
    IdealDram copy = dram_;
    std::uint64_t open = open_;
    for (std::uint64_t edge = last_issue; open > 0; ++edge) {
      copy.advance(edge * times_.period_ps);
      while (const auto answer = copy.take_answer()) {
        --open;
        result.answered = edge;
        result.transfer_end = answer->time - times_.dram.latency_ps;
      }
    }
    return result;
  }

  MemoryTimes times_;
  DmaParams dma_;
  IdealDram dram_;
  std::uint64_t open_ = 0;  // requests without an answer
};

TEST(DmaFold, EqualsTheRulesWrittenOut) {
  std::mt19937_64 random(5);
  int gapless = 0;
  for (int round = 0; round < 2000; ++round) {
    MemoryTimes times;
    times.period_ps = 1 + random() % 2000;
    times.dram.access_ps = 1 + random() % 3000;
    times.dram.latency_ps = random() % 20000;
    times.converted_access_ps = times.dram.access_ps + (random() % 3 == 0 ? 0 : random() % 6000);
    const DmaParams dma{1 + static_cast<std::uint32_t>(random() % (round % 2 == 0 ? 4 : 40)), 0};
    gapless += dma.outstanding * times.dram.access_ps >=
                       times.dram.access_ps + times.dram.latency_ps + times.period_ps
                   ? 1
                   : 0;
    DmaFold fold(times, dma);
    PlainDma by_edges(times, dma);
    for (int i = 0; i < 12; ++i) {
      const std::uint64_t pick = fold.next_pick() + (random() % 2 == 0 ? 0 : random() % 60);
      const std::uint64_t setup = random() % 5;
      const std::uint64_t accesses = 1 + random() % (random() % 4 == 0 ? 150 : 8);
      const std::uint64_t converted = random() % 2 == 0 ? random() % 90 : 0;
      const std::uint64_t plain = converted > 0 && random() % 2 == 0 ? 0 : accesses;
      SCOPED_TRACE(fmt::format(
          "round {}, descriptor {}: {} accesses, {} converted, period {}, access {}, latency "
          "{}, outstanding {}",
          round, i, plain, converted, times.period_ps, times.dram.access_ps, times.dram.latency_ps,
          dma.outstanding));
      const DescriptorTimes expected = by_edges.move(pick, setup, plain, converted);
      const DescriptorTimes got = fold.move(pick, setup, plain, converted);
      ASSERT_EQ(got.pick, expected.pick);
      ASSERT_EQ(got.last_issue, expected.last_issue);
      ASSERT_EQ(got.answered, expected.answered);
      ASSERT_EQ(got.transfer_end, expected.transfer_end);
      ASSERT_EQ(fold.next_pick(), expected.last_issue);
    }
  }
  EXPECT_GT(gapless, 400);
  EXPECT_LT(gapless, 1600);
}

// Two accesses of 2500 ps, 3000 ps latency, 1000 ps clock, picked at edge 4 with two edges of
// setup: on the bus from 6000 to 11000 ps, answered at 14000 ps, which edge 14 sees and edge 13
// does not.
TEST(DmaFold, ByHand) {
  MemoryTimes times;
  times.dram = {2500, 3000};
  DmaFold fold(times, {64, 0});
  const DescriptorTimes first = fold.move(4, 2, 2);
  EXPECT_EQ(first.transfer_begin, 6000U);
  EXPECT_EQ(first.transfer_end, 11000U);
  EXPECT_EQ(first.last_issue, 6U);
  EXPECT_EQ(first.answered, 14U);
  // The next descriptor may be picked at once; its transfer waits for the bus.
  const DescriptorTimes second = fold.move(6, 0, 1);
  EXPECT_EQ(second.transfer_begin, 11000U);
  EXPECT_EQ(second.answered, 17U);  // 13500 + 3000 = 16500 ps: the edge after it
  // One access, and two of 4000 ps.
  times.converted_access_ps = 4000;
  DmaFold slow(times, {64, 0});
  const DescriptorTimes converted = slow.move(4, 2, 1, 2);
  EXPECT_EQ(converted.transfer_begin, 6000U);
  EXPECT_EQ(converted.transfer_end, 6000U + 2500 + 2 * 4000);
  EXPECT_EQ(slow.move(converted.last_issue, 0, 0, 1).transfer_begin, 16500U);
  // With one request at a time the second waits for the answer of the first, at 11500 ps.
  DmaFold narrow(times, {1, 0});
  EXPECT_EQ(narrow.move(4, 2, 2).last_issue, 12U);
}

}  // namespace
}  // namespace bitsmith
