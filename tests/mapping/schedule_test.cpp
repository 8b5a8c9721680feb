#include "mapping/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "common/error.h"

namespace bitsmith {
namespace {

using testing::HasSubstr;

constexpr TileLimits kLimits{4, 8, 10, 1000};

// Every job in order, with the part of Y and K it covers.
void walk(const Schedule& schedule, std::vector<Job>& jobs) {
  for (std::uint64_t i = 0; i < schedule.repeat; ++i) {
    if (schedule.is_leaf()) jobs.push_back(schedule.job);
    for (const Schedule& child : schedule.children) walk(child, jobs);
  }
}

TEST(Schedule, CoversTheGemmOnceInOrder) {
  for (const GemmShape gemm :
       {GemmShape{1, 1, 1}, {4, 8, 10}, {5, 9, 11}, {13, 31, 47}, {8, 16, 20}}) {
    std::vector<Job> jobs;
    const Schedule schedule = schedule_operator({"g", gemm, 2, 1}, kLimits);
    walk(schedule, jobs);
    EXPECT_EQ(jobs.size(), job_count(schedule));
    std::size_t at = 0;
    for (int copy = 0; copy < 2; ++copy) {
      for (std::uint64_t m = 0; m < gemm.m; m += 4) {
        for (std::uint64_t n = 0; n < gemm.n; n += 8) {
          for (std::uint64_t k = 0; k < gemm.k; k += 10) {
            ASSERT_LT(at, jobs.size());
            const Job expected{static_cast<std::uint32_t>(std::min<std::uint64_t>(4, gemm.m - m)),
                               static_cast<std::uint32_t>(std::min<std::uint64_t>(8, gemm.n - n)),
                               static_cast<std::uint32_t>(std::min<std::uint64_t>(10, gemm.k - k)),
                               k > 0, k + 10 >= gemm.k};
            EXPECT_EQ(jobs[at++], expected);
          }
        }
      }
    }
    EXPECT_EQ(at, jobs.size());
  }
}

TEST(Schedule, SizeDoesNotGrowWithTheGemm) {
  const auto nodes = [](const Schedule& schedule, const auto& self) -> std::size_t {
    std::size_t count = 1;
    for (const Schedule& child : schedule.children) count += self(child, self);
    return count;
  };
  const std::uint64_t huge = (std::uint64_t{1} << 20) + 1;
  const Schedule schedule = schedule_operator({"g", {huge, huge, 999}, 7, 1}, kLimits);
  EXPECT_LT(nodes(schedule, nodes), 30U);
  EXPECT_EQ(job_count(schedule), 7 * ((huge + 3) / 4) * ((huge + 7) / 8) * 100);
}

TEST(Schedule, KBeyondTheExactAccumulatorIsTheUsersMistake) {
  EXPECT_NO_THROW(schedule_operator({"g", {1, 1, 1000}, 1, 1}, kLimits));
  try {
    schedule_operator({"down_proj", {1, 1, 1001}, 1, 1}, kLimits);
    FAIL() << "K = 1001 was accepted";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'down_proj': K = 1001"));
    EXPECT_THAT(error.what(), HasSubstr("exact up to K = 1000"));
  }
}

TEST(Schedule, CountsThatNoCounterHoldsAreTheUsersMistake) {
  const std::uint64_t most = kLargestDimension;
  const TileLimits limits{4, 8, 10, ~std::uint64_t{0}};
  for (const Operator& op :
       {Operator{"g", {most, most, most}, 1, 1}, Operator{"g", {most, most, 1}, 1, 1},
        Operator{"g", {1, 1, most}, most, most}}) {
    EXPECT_THROW(schedule_operator(op, limits), UserError);
  }
  EXPECT_NO_THROW(schedule_operator({"g", {most, 1, 1}, 1, 1}, limits));
}

}  // namespace
}  // namespace bitsmith
