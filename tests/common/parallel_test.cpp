#include "common/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace bitsmith {
namespace {

TEST(ParallelFor, EveryPieceOnce) {
  for (const unsigned threads : {0U, 1U, 2U, 9U}) {
    for (const std::size_t count : {0U, 1U, 5U, 1000U}) {
      std::vector<std::atomic<int>> calls(count);
      parallel_for(count, threads, [&](std::size_t i) { ++calls.at(i); });
      for (const auto& called : calls) EXPECT_EQ(called, 1);
    }
  }
}

TEST(ParallelFor, AnExceptionArrivesAndNothingNewIsBegun) {
  std::atomic<std::size_t> begun = 0;
  const auto work = [&](std::size_t i) {
    ++begun;
    if (i == 3) throw std::runtime_error("three");
  };
  EXPECT_THROW(parallel_for(1'000'000, 1, work), std::runtime_error);
  EXPECT_EQ(begun, 4U);
  EXPECT_THROW(parallel_for(1'000'000, 3, work), std::runtime_error);
}

TEST(Processors, AtLeastOne) { EXPECT_GE(processors(), 1U); }

}  // namespace
}  // namespace bitsmith
