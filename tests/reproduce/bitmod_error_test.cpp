// The error of BitMoD's arithmetic per format, between what truncation must and what it may lose.
#include "reproduce/bitmod_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace bitsmith::reproduce::bitmod {
namespace {

const std::map<std::string, int> kTerms = {{"int8", 4},     {"int6", 3}, {"int5", 3},   {"int4", 2},
                                           {"fp4_e2m1", 2}, {"fp3", 2},  {"ternary", 1}};

// Per step a sum loses less than 2^-13 of the magnitude of its terms in the accumulator, and a lane
// less than 2^-13 of the largest in the multiplier: of 32 beats per group less than 32 P 5 2^-13.
// That nothing is lost would need terms that are never shifted against each other.
TEST(BitmodError, IsBoundedOnBothSides) {
  const auto errors = arithmetic_errors();
  ASSERT_EQ(errors.size(), kTerms.size());
  for (const ArithmeticError& error : errors) {
    const double step = 0x1p-13;
    EXPECT_EQ(error.results, 64U);
    EXPECT_GT(error.worst, step / 8) << error.weight;
    EXPECT_LT(error.worst, 32 * kTerms.at(error.weight) * 5 * step) << error.weight;
    EXPECT_GT(error.relative, error.worst) << error.weight;
    EXPECT_LT(error.relative, 0.02) << error.weight;
  }
}

// More terms are more steps that cut: the order of the formats is that of their terms.
TEST(BitmodError, GrowsWithTheTermsOfAWeight) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    std::map<std::string, double> relative;
    for (const ArithmeticError& error : arithmetic_errors({8, 8, 2048, seed})) {
      relative[error.weight] = error.relative;
    }
    EXPECT_GT(relative["int8"], 1.2 * relative["int6"]);
    EXPECT_GT(relative["int6"], 1.2 * relative["int4"]);
    EXPECT_GT(relative["int4"], 1.2 * relative["ternary"]);
    EXPECT_GT(relative["fp4_e2m1"], 1.2 * relative["fp3"]);
  }
}

TEST(BitmodError, IsTheSameEveryTime) {
  const auto one = arithmetic_errors({2, 3, 256, 5});
  const auto two = arithmetic_errors({2, 3, 256, 5});
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].results, 6U);
    EXPECT_EQ(one[i].relative, two[i].relative);
    EXPECT_EQ(one[i].worst, two[i].worst);
  }
}

}  // namespace
}  // namespace bitsmith::reproduce::bitmod
