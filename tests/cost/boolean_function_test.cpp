#include "cost/boolean_function.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace bitsmith {
namespace {

// The function's values over all values of a, b, c; bit i of the result is the value where the
// variables are the bits of i, a the lowest.
unsigned truth_table(std::string_view text) {
  const BooleanFunction function = BooleanFunction::parse(text);
  unsigned table = 0;
  for (unsigned i = 0; i < 8; ++i) {
    const bool value = function.evaluate(
        [i](const std::string& name) { return (i >> (name[0] - 'a') & 1U) != 0; });
    table |= static_cast<unsigned>(value) << i;
  }
  return table;
}

constexpr unsigned kA = 0xaa;
constexpr unsigned kB = 0xcc;
constexpr unsigned kC = 0xf0;

TEST(BooleanFunction, NotBindsTighterThanXorThanAndThanOr) {
  EXPECT_EQ(truth_table("a b"), kA & kB);
  EXPECT_EQ(truth_table("a*b + c"), (kA & kB) | kC);
  EXPECT_EQ(truth_table("c|a&b"), (kA & kB) | kC);
  EXPECT_EQ(truth_table("a ^ b c"), (kA ^ kB) & kC);
  EXPECT_EQ(truth_table("a b ^ c"), kA & (kB ^ kC));
  EXPECT_EQ(truth_table("!a b'"), ~(kA | kB) & 0xff);
  EXPECT_EQ(truth_table("(a + b)' + !c"), ~((kA | kB) & kC) & 0xff);
  EXPECT_EQ(truth_table("!(a)(b)"), ~kA & kB & 0xff);
  EXPECT_EQ(truth_table("a + 1"), 0xffU);
  EXPECT_EQ(truth_table("0"), 0U);
}

TEST(BooleanFunction, KnowsBuffersAndInverters) {
  EXPECT_TRUE(BooleanFunction::parse("((A))").is_buffer_of("A"));
  EXPECT_TRUE(BooleanFunction::parse("(A)'").is_inverter_of("A"));
  EXPECT_FALSE(BooleanFunction::parse("!A").is_inverter_of("B"));
  EXPECT_FALSE(BooleanFunction::parse("A B").is_buffer_of("A"));
}

TEST(BooleanFunction, IsWrittenAsVerilog) {
  EXPECT_EQ(BooleanFunction::parse("!(A B) ^ C + 0").verilog(), "(((~(A & B)) ^ C) | 1'b0)");
}

TEST(BooleanFunction, RefusesWhatIsNone) {
  for (const char* text : {"", "a +", "(a", "a)", "a ? b", "!", "'a"}) {
    EXPECT_THROW(BooleanFunction::parse(text), std::invalid_argument) << text;
  }
  EXPECT_THROW(BooleanFunction::parse(std::string(100000, '(')), std::invalid_argument);
  EXPECT_THROW(BooleanFunction::parse(std::string(100000, '!')), std::invalid_argument);
}

}  // namespace
}  // namespace bitsmith
