// Causes of stalls by hand: who arrives last is blamed, ties in the order of sim/system/README.md,
// and every cycle has one cause.
#include "system/stall_cycles.h"

#include <gtest/gtest.h>

#include "common/error.h"

namespace bitsmith {
namespace {

// A block of ten tokens that could start at edge 5 and starts at edge 40.
GemmBlockTimes late() {
  GemmBlockTimes block;
  block.array_ready = 5;
  block.w_resident = 20;
  block.a_resident = 20;
  block.half_vector_done = 8;
  block.half_free = 20;
  block.operands_at_ports = 30;
  block.first_token = 40;
  block.last_token = 49;
  block.tokens = 10;
  return block;
}

StallCycles stalls_of(const GemmBlockTimes& block, const MemoryTimes& times = {}) {
  StallAccount account(times);
  account.gemm_block(block);
  EXPECT_EQ(account.accounted(), block.last_token + times.interval);
  EXPECT_EQ(account.stalls().total() + block.tokens, account.accounted());
  return account.stalls();
}

TEST(StallAccount, TheLastToArriveIsBlamedTiesInOrder) {
  GemmBlockTimes block = late();
  // All three at edge 20: weights; then control until the ports have the operands.
  EXPECT_EQ(stalls_of(block).weights, 20U);
  EXPECT_EQ(stalls_of(block).control, 10U);
  EXPECT_EQ(stalls_of(block).fill_drain, 10U);
  block.w_resident = 19;
  EXPECT_EQ(stalls_of(block).activations, 20U);
  block.a_resident = 19;
  EXPECT_EQ(stalls_of(block).vector, 8U);
  EXPECT_EQ(stalls_of(block).results, 12U);
  block.array_ready = 20;
  EXPECT_EQ(stalls_of(block).fill_drain, 20U + 10);
  EXPECT_EQ(stalls_of(block).results, 0U);
}

TEST(StallAccount, OnlyWhatIsWaitedForCounts) {
  StallAccount account(MemoryTimes{});
  GemmBlockTimes first = late();
  account.gemm_block(first);
  // The next block's operands came long ago; its first token follows at once.
  GemmBlockTimes next = late();
  next.array_ready = next.first_token = 50;
  next.last_token = 59;
  account.gemm_block(next);
  EXPECT_EQ(account.stalls(), stalls_of(first));
  account.gemm_tail({70, 75, 90});
  EXPECT_EQ(account.stalls().fill_drain, 10U + 11);  // edges 60..70
  EXPECT_EQ(account.stalls().vector, 4U);            // 71..74
  EXPECT_EQ(account.stalls().results, 15U);
  EXPECT_EQ(account.stalls().total() + 20, 90U);
}

// Three cycles per step: two between tokens belong to the narrowest port.
TEST(StallAccount, PortsBetweenTokens) {
  MemoryTimes times;
  times.interval = 3;
  GemmBlockTimes block = late();
  block.last_token = 40 + 3 * 12;  // two steps without a token among them
  const auto of = [&](std::uint64_t w, std::uint64_t a, std::uint64_t y) {
    times.w_port_cycles = w;
    times.a_port_cycles = a;
    times.y_port_cycles = y;
    return stalls_of(block, times);
  };
  EXPECT_EQ(of(3, 3, 3).weights, 20U + 20);
  EXPECT_EQ(of(1, 3, 3).activations, 20U);
  EXPECT_EQ(of(1, 2, 3).results, 20U);
  EXPECT_EQ(of(1, 2, 3).fill_drain, 10U + 9);
}

TEST(StallAccount, VectorOperators) {
  StallAccount account(MemoryTimes{});
  account.vector_block({10, 0, 13, 20});   // loads until 10, control until 13
  account.vector_block({15, 30, 33, 40});  // waits for the half
  account.vector_block({40, 40, 43, 50});  // no wait: the unit was busy until 40
  account.vector_tail({0, 55, 60});
  EXPECT_EQ(account.stalls().activations, 10U);
  EXPECT_EQ(account.stalls().results, 10U + 5);
  EXPECT_EQ(account.stalls().control, 9U);
  EXPECT_EQ(account.stalls().vector, 7U + 7 + 7 + 5);
  EXPECT_EQ(account.stalls().total(), 60U);
}

TEST(StallAccount, TimesThatContradictThemselvesAreOurBug) {
  GemmBlockTimes block = late();
  block.first_token = 40;
  StallAccount account(MemoryTimes{});
  account.gemm_block(block);
  EXPECT_THROW(account.gemm_block(block), InternalError);  // its tokens again
  StallAccount tail(MemoryTimes{});
  tail.gemm_block(block);
  EXPECT_THROW(tail.gemm_tail({60, 65, 55}), InternalError);
}

}  // namespace
}  // namespace bitsmith
