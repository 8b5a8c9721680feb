// AWQ's search against cases worked by hand, and its error against the outputs themselves.
#include "numerics/awq.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/error.h"
#include "numerics/random_tensor.h"

namespace bitsmith {
namespace {

using testing::ElementsAre;
using testing::FloatEq;

// Rounds to whole numbers: no scale of its own, so that errors can be worked by hand.
void to_integers(std::span<const float> row, std::span<double> result) {
  for (std::size_t i = 0; i < row.size(); ++i) result[i] = std::nearbyint(row[i]);
}

TEST(InputStatistics, OfTwoRows) {
  InputStatistics inputs(2, true);
  inputs.add(std::vector<float>{1, -2, -3, 4});
  EXPECT_EQ(inputs.rows, 2U);
  EXPECT_THAT(inputs.sum_abs, ElementsAre(4, 6));
  EXPECT_THAT(inputs.max_abs, ElementsAre(3, 4));
  EXPECT_THAT(inputs.gram, ElementsAre(10, -14, 0, 20));
  const std::vector<float> bad = {1, std::numeric_limits<float>::infinity()};
  EXPECT_THROW(inputs.add(bad), UserError);
  EXPECT_EQ(inputs.rows, 2U);
  // (1*0.5 - 2*1)^2 + (-3*0.5 + 4*1)^2 = 2.25 + 6.25.
  EXPECT_DOUBLE_EQ(output_error(inputs, std::vector<double>{0.5, 1}), 8.5);
}

// mean|x| = 16 and 1. alpha = 1/2: 4 and 1, divided by sqrt(4) = 2.
TEST(AwqScales, AreNormalisedPowers) {
  InputStatistics inputs(2, false);
  inputs.add(std::vector<float>{-16, 1});
  EXPECT_THAT(awq_scales(inputs, 0), ElementsAre(1, 1));
  EXPECT_THAT(awq_scales(inputs, 0.5), ElementsAre(FloatEq(2), FloatEq(0.5)));
  EXPECT_THAT(awq_scales(inputs, 1), ElementsAre(FloatEq(4), FloatEq(0.25)));
  // A silent channel is limited to 1e-4: sqrt(16 * 1e-4) = 0.04.
  InputStatistics silent(2, false);
  silent.add(std::vector<float>{16, 0});
  EXPECT_THAT(awq_scales(silent, 1), ElementsAre(FloatEq(400), FloatEq(0.0025F)));
}

// One row of weights {0.25, 4}, activations {16, 1}; rounded to integers.
//   alpha 0   {0.25, 4} -> {0, 4}: error (16 * 0.25)^2 = 16
//   alpha 1/2 {0.5, 2} -> {0, 2} (to even): the same
//   alpha 1   {1, 1}: no error
TEST(SearchAwq, TakesTheAlphaThatLosesLeast) {
  InputStatistics inputs(2, true);
  inputs.add(std::vector<float>{16, 1});
  const std::vector<float> weights = {0.25F, 4};
  const std::vector<WeightMatrix> linears = {{weights, 2}};
  const AwqScales found = search_awq(inputs, linears, to_integers, 2);
  EXPECT_DOUBLE_EQ(found.alpha, 1);
  EXPECT_DOUBLE_EQ(found.error_unscaled, 16);
  EXPECT_DOUBLE_EQ(found.error, 0);
  EXPECT_THAT(found.scales, ElementsAre(FloatEq(4), FloatEq(0.25)));
}

// A second linear with {4, 0.25} of the same activations loses 1/16 unscaled and, at alpha 1, which
// makes {16, 0.0625} of it, as much again: 16.0625 against 0.0625.
TEST(SearchAwq, SumsOverLinearsOfTheSameActivations) {
  InputStatistics inputs(2, true);
  inputs.add(std::vector<float>{16, 1});
  const std::vector<float> first = {0.25F, 4};
  const std::vector<float> second = {4, 0.25F};
  const std::vector<WeightMatrix> linears = {{first, 2}, {second, 2}};
  const AwqScales found = search_awq(inputs, linears, to_integers, 1);
  EXPECT_DOUBLE_EQ(found.error_unscaled, 16.0625);
  EXPECT_DOUBLE_EQ(found.error, 0.0625);
}

// Nothing to gain: alpha 0, the smallest of equals.
TEST(SearchAwq, LeavesExactWeightsAlone) {
  InputStatistics inputs(2, true);
  inputs.add(std::vector<float>{1, 1});
  const std::vector<float> weights = {1, 2};
  const std::vector<WeightMatrix> linears = {{weights, 2}};
  EXPECT_DOUBLE_EQ(search_awq(inputs, linears, to_integers, 20).alpha, 0);
}

// The error that the search minimises is that of the outputs of all rows of activations.
TEST(SearchAwq, ErrorIsThatOfTheOutputs) {
  constexpr std::size_t kRows = 40, kK = 24, kN = 8;
  std::vector<float> x(kRows * kK), w(kN * kK);
  RandomTensor activations{Distribution::activations, 5};
  activations.outlier_fraction = 0.2;
  fill_tile(activations, {0, 0, kRows, kK}, x);
  RandomTensor weights;
  weights.seed = 6;
  weights.stddev = 4;
  fill_tile(weights, {0, 0, kN, kK}, w);
  InputStatistics inputs(kK, true);
  inputs.add(x);
  const std::vector<WeightMatrix> linears = {{w, kK}};
  const AwqScales found = search_awq(inputs, linears, to_integers, 20);
  EXPECT_GT(found.alpha, 0);
  double error = 0;
  for (std::size_t t = 0; t < kRows; ++t) {
    for (std::size_t n = 0; n < kN; ++n) {
      double lost = 0;
      for (std::size_t k = 0; k < kK; ++k) {
        const double scale = found.scales[k];
        const float scaled = w[n * kK + k] * found.scales[k];
        lost += x[t * kK + k] * (std::nearbyint(scaled) / scale - w[n * kK + k]);
      }
      error += lost * lost;
    }
  }
  EXPECT_NEAR(found.error, error, 1e-9 * error);
  EXPECT_LT(found.error, found.error_unscaled);
}

}  // namespace
}  // namespace bitsmith
