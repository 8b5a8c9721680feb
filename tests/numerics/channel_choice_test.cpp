// Which channels get more bits, by hand; and what must hold for random channels.
#include "numerics/channel_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <random>

#include "common/error.h"

namespace bitsmith {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SplitOutliers, AboveTheThresholdAndNotAtIt) {
  const std::vector<float> max_abs = {1, 6, 6.01F, 60, 0};
  const ChannelSplit split = split_outliers(max_abs, 6);
  EXPECT_THAT(split.apart, ElementsAre(2, 3));
  EXPECT_THAT(split.others, ElementsAre(0, 1, 4));
  EXPECT_THAT(split_outliers(max_abs, 1e9).apart, IsEmpty());
  // A channel that is always zero is exact in any format.
  EXPECT_THAT(split_outliers(max_abs, 0).others, ElementsAre(4));
}

// Five features of two linears, 40% of them: the two largest, both of the second linear.
TEST(SplitSalient, RanksAllLinearsTogether) {
  const std::vector<std::vector<double>> salience = {{1, 3}, {4, 0, 5}};
  const std::vector<ChannelSplit> splits = split_salient(salience, 0.4);
  ASSERT_EQ(splits.size(), 2U);
  EXPECT_THAT(splits[0].apart, IsEmpty());
  EXPECT_THAT(splits[0].others, ElementsAre(0, 1));
  EXPECT_THAT(splits[1].apart, ElementsAre(0, 2));
  EXPECT_THAT(splits[1].others, ElementsAre(1));
  // 59% of five are two whole ones; of equals the first wins.
  EXPECT_EQ(split_salient(salience, 0.59), splits);
  EXPECT_THAT(split_salient(std::vector<std::vector<double>>{{2}, {2, 2}}, 0.67)[1].apart,
              ElementsAre(0));
  EXPECT_THAT(split_salient(salience, 1)[1].others, IsEmpty());
  EXPECT_THAT(split_salient(salience, 0)[1].apart, IsEmpty());
  EXPECT_THROW(split_salient(salience, 1.5), InternalError);
  const std::vector<std::vector<double>> no_number = {{std::numeric_limits<double>::quiet_NaN()}};
  EXPECT_THROW(split_salient(no_number, 0.5), InternalError);
}

// Blocks of two channels, sorted: {90, 8} {7, 3} {2, 1}; the median is 3 (of 7 and 3 the lower).
TEST(SplitBlocks, OutliersGatherInTheFirstBlocks) {
  const std::vector<float> max_abs = {1, 90, 2, 7, 3, 8};
  const ChannelSplit two = split_blocks(max_abs, 2, 2);  // above 6: 90, 8 and 7
  EXPECT_THAT(two.apart, ElementsAre(1, 5, 3, 4));
  EXPECT_THAT(two.others, ElementsAre(2, 0));
  const ChannelSplit one = split_blocks(max_abs, 2, 2.5);  // above 7.5: 90 and 8
  EXPECT_THAT(one.apart, ElementsAre(1, 5));
  EXPECT_THAT(one.others, ElementsAre(3, 4, 2, 0));
  EXPECT_THAT(split_blocks(max_abs, 2, 30).apart, IsEmpty());
  EXPECT_THAT(split_blocks(max_abs, 2, 0).others, IsEmpty());
  // A last block of one channel; blocks larger than all channels.
  EXPECT_THAT(split_blocks(max_abs, 5, 2).others, ElementsAre(0));
  EXPECT_EQ(split_blocks(max_abs, 128, 2).apart.size(), 6U);
}

TEST(Splits, HoldEveryChannelOnce) {
  std::mt19937 random(3);
  std::lognormal_distribution<float> magnitudes(0, 2);
  for (const std::size_t channels : {1U, 127U, 300U}) {
    std::vector<float> max_abs(channels);
    for (float& value : max_abs) value = magnitudes(random);
    for (ChannelSplit split : {split_outliers(max_abs, 6), split_blocks(max_abs, 128, 4)}) {
      std::vector<std::uint64_t> all = split.apart;
      all.insert(all.end(), split.others.begin(), split.others.end());
      std::sort(all.begin(), all.end());
      std::vector<std::uint64_t> expected(channels);
      std::iota(expected.begin(), expected.end(), 0);
      EXPECT_EQ(all, expected);
    }
  }
}

}  // namespace
}  // namespace bitsmith
