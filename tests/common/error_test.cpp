#include "common/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace bitsmith {
namespace {

using testing::ElementsAre;

std::string suggestion(std::string_view word, std::vector<std::string_view> allowed) {
  return did_you_mean(word, allowed);
}

TEST(DidYouMean, FindsOneMissingExtraWrongOrSwappedLetter) {
  EXPECT_EQ(suggestion("row", {"cols", "rows"}), " (did you mean 'rows'?)");
  EXPECT_EQ(suggestion("rowss", {"cols", "rows"}), " (did you mean 'rows'?)");
  EXPECT_EQ(suggestion("rovs", {"cols", "rows"}), " (did you mean 'rows'?)");
  EXPECT_EQ(suggestion("activatoin", {"weight", "activation"}), " (did you mean 'activation'?)");
}

TEST(DidYouMean, TakesTheClosestAndOfEquallyCloseTheFirst) {
  EXPECT_EQ(suggestion("int44", {"int8", "int4"}), " (did you mean 'int4'?)");
  EXPECT_EQ(suggestion("int0", {"int8", "int4"}), " (did you mean 'int8'?)");
  EXPECT_EQ(suggestion("accumulator_bit", {"accumulator", "accumulator_bits"}),
            " (did you mean 'accumulator_bits'?)");
}

TEST(DidYouMean, AllowsOneMistakeInThreeLettersAndNoMore) {
  EXPECT_EQ(suggestion("abcdef", {"abcdxy"}), " (did you mean 'abcdxy'?)");
  EXPECT_EQ(suggestion("abcdef", {"abcxyz"}), "");
  EXPECT_EQ(suggestion("abc", {"axy"}), "");
}

TEST(DidYouMean, DoesNotMindCase) {
  EXPECT_EQ(suggestion("INT8", {"fp16", "int8"}), " (did you mean 'int8'?)");
  EXPECT_EQ(suggestion("Serial", {"serial"}), " (did you mean 'serial'?)");
}

TEST(DidYouMean, IsSilentWithoutAnythingInCommon) {
  EXPECT_EQ(suggestion("q", {"m", "n", "k"}), "");
  EXPECT_EQ(suggestion("", {"m"}), "");
  EXPECT_EQ(suggestion("rows", {}), "");
  EXPECT_EQ(suggestion("rows", {""}), "");
}

TEST(DidYouMean, IsSilentAboutWordsLongerThan64Bytes) {
  const std::string long_word(64, 'a');
  EXPECT_NE(suggestion(long_word, {long_word.substr(1)}), "");
  EXPECT_EQ(suggestion(long_word + "a", {long_word}), "");
}

TEST(Location, NamesFileLineAndColumn) {
  EXPECT_EQ((Location{"dir/a.yaml", 3, 14}).text(), "dir/a.yaml:3:14");
}

TEST(Location, NamesOnlyTheOptionWhereThereIsNoLine) {
  EXPECT_EQ((Location{"--set rows=4", 0, 0}).text(), "--set rows=4");
  EXPECT_EQ((Location{"a.yaml", -1, 5}).text(), "a.yaml");
}

TEST(UserError, HasOneLinePerMistake) {
  EXPECT_THAT(UserError("one").messages(), ElementsAre("one"));
  EXPECT_THAT(UserError(Location{"f", 1, 2}, "bad").messages(), ElementsAre("f:1:2: bad"));
  const UserError two(std::vector<std::string>{"one", "two"});
  EXPECT_THAT(two.messages(), ElementsAre("one", "two"));
  EXPECT_STREQ(two.what(), "one\ntwo");
}

TEST(Diagnostics, ThrowsNothingWhenNothingWasAdded) {
  const Diagnostics diagnostics;
  EXPECT_TRUE(diagnostics.empty());
  EXPECT_EQ(diagnostics.size(), 0U);
  EXPECT_NO_THROW(diagnostics.throw_if_any());
}

std::vector<std::string> messages_of(const Diagnostics& diagnostics) {
  try {
    diagnostics.throw_if_any();
  } catch (const UserError& error) {
    return error.messages();
  }
  return {};
}

TEST(Diagnostics, ThrowsEverythingAtOnceInTheOrderAdded) {
  Diagnostics diagnostics;
  diagnostics.add({"b.yaml", 9, 1}, "last line first");
  diagnostics.add({"a.yaml", 1, 1}, "second");
  diagnostics.add({"--set x", 0, 0}, "third");
  EXPECT_FALSE(diagnostics.empty());
  EXPECT_EQ(diagnostics.size(), 3U);
  EXPECT_THAT(messages_of(diagnostics),
              ElementsAre("b.yaml:9:1: last line first", "a.yaml:1:1: second", "--set x: third"));
}

TEST(Diagnostics, KeepsAThousandMistakesAndCountsTheRest) {
  Diagnostics diagnostics;
  for (int line = 1; line <= 1000; ++line) diagnostics.add({"f", line, 1}, "bad");
  EXPECT_EQ(messages_of(diagnostics).size(), 1000U);
  EXPECT_EQ(messages_of(diagnostics).back(), "f:1000:1: bad");
  for (int line = 1001; line <= 1500; ++line) diagnostics.add({"f", line, 1}, "bad");
  EXPECT_EQ(diagnostics.size(), 1500U);
  EXPECT_EQ(messages_of(diagnostics).size(), 1001U);
  EXPECT_EQ(messages_of(diagnostics).back(), "f:1001:1: 500 more mistakes from here");
}

TEST(Check, ThrowsAnInternalErrorThatIsNoUserError) {
  EXPECT_NO_THROW(check(true, "fine"));
  try {
    check(false, "broken");
    FAIL() << "nothing was thrown";
  } catch (const UserError&) {
    FAIL() << "blamed the user";
  } catch (const InternalError& error) {
    EXPECT_STREQ(error.what(), "broken");
  }
}

}  // namespace
}  // namespace bitsmith
