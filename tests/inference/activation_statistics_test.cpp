#include "inference/activation_statistics.h"

#include <gtest/gtest.h>

namespace bitsmith {
namespace {

ActivationStatistics of(const std::vector<float>& values) {
  ActivationStatistics statistics;
  FloatMatrix matrix(1, values.size());
  matrix.values = values;
  statistics.add(matrix.view());
  return statistics;
}

TEST(ActivationStatistics, ByHand) {
  EXPECT_DOUBLE_EQ(of({1, 1, -1, -1}).excess_kurtosis(), -2);
  EXPECT_DOUBLE_EQ(of({1, 1, -1, -1}).largest_over_rms(), 1);
  // Mean 1/2, variance 3/4, fourth central moment 21/16.
  EXPECT_DOUBLE_EQ(of({0, 0, 0, 2}).excess_kurtosis(), 21.0 / 16 / (9.0 / 16) - 3);
  EXPECT_DOUBLE_EQ(of({0, 0, 0, -2}).largest_over_rms(), 2);
  EXPECT_EQ(of({5, 5}).excess_kurtosis(), 0);
  EXPECT_EQ(of({0, 0}).largest_over_rms(), 0);
  // One of a hundred: variance 0.01 x 0.99, fourth moment 0.01 x 0.99 (0.99^3 + 0.01^3).
  std::vector<float> outlier(100);
  outlier[7] = 1;
  EXPECT_NEAR(of(outlier).excess_kurtosis(), 0.970300 / 0.0099 - 3, 1e-9);
  EXPECT_DOUBLE_EQ(of(outlier).largest_over_rms(), 10);
}

TEST(MeasuringArithmetic, HeadsOfALayerAreOneOperator) {
  const MeasuringArithmetic arithmetic;
  FloatMatrix a(1, 2), w(1, 2), y(1, 1);
  a.values = {3, 4};
  w.values = {1, 10};
  const auto multiply = [&](const GemmSite& site) {
    arithmetic.multiply(site, a.view(), *arithmetic.prepare(site, w), y.out());
  };
  multiply({1, "attention_qk", OperatorClass::attention_qk, 0});
  multiply({1, "attention_qk", OperatorClass::attention_qk, 1});
  multiply({0, "lm_head", OperatorClass::lm_head, 0});
  EXPECT_EQ(y.values[0], 43);
  ASSERT_EQ(arithmetic.statistics().size(), 2U);
  EXPECT_EQ(arithmetic.statistics()[0].name, "layer.1.attention_qk");
  EXPECT_EQ(arithmetic.statistics()[0].count, 4U);
  EXPECT_EQ(arithmetic.statistics()[1].name, "lm_head");
  EXPECT_EQ(arithmetic.statistics()[1].sums[1], 25);
}

}  // namespace
}  // namespace bitsmith
