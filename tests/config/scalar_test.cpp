#include "config/scalar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace bitsmith {
namespace {

using testing::ElementsAre;
using testing::Eq;
using testing::Optional;

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
constexpr IntegerRange kAnyInteger{kLowest, kHighest};
constexpr NumberRange kAnyNumber{-std::numeric_limits<double>::max(),
                                 std::numeric_limits<double>::max()};

// What a reader made of "p: <text>": the value, and what it said.
template <class Value>
struct Outcome {
  std::optional<Value> value;
  std::vector<std::string> errors;
};

template <class Reader>
auto read(std::string_view text, Reader reader) {
  const YamlNode root = yaml::parse("p: " + std::string(text), "f");
  Diagnostics diagnostics;
  Outcome<typename decltype(reader(root, diagnostics))::value_type> outcome;
  outcome.value = reader(*root.find("p"), diagnostics);
  try {
    diagnostics.throw_if_any();
  } catch (const UserError& error) {
    outcome.errors = error.messages();
  }
  // A value or a reason, never both, never neither.
  EXPECT_NE(outcome.value.has_value(), !outcome.errors.empty()) << text;
  return outcome;
}

auto integer(std::string_view text, IntegerRange range = kAnyInteger) {
  return read(text, [&](const YamlNode& node, Diagnostics& diagnostics) {
    return read_integer(node, "p", range, diagnostics);
  });
}

auto number(std::string_view text, NumberRange range = kAnyNumber) {
  return read(text, [&](const YamlNode& node, Diagnostics& diagnostics) {
    return read_number(node, "p", range, diagnostics);
  });
}

auto flag(std::string_view text) {
  return read(text, [](const YamlNode& node, Diagnostics& diagnostics) {
    return read_flag(node, "p", diagnostics);
  });
}

auto text_value(std::string_view text) {
  return read(text, [](const YamlNode& node, Diagnostics& diagnostics) {
    return read_text(node, "p", diagnostics);
  });
}

auto choice(std::string_view text, std::vector<std::string_view> words) {
  return read(text, [&](const YamlNode& node, Diagnostics& diagnostics) {
    return read_choice(node, "p", words, diagnostics);
  });
}

// ---- Integers

TEST(ReadInteger, TakesDecimalIntegers) {
  EXPECT_THAT(integer("0").value, Optional(Eq(0)));
  EXPECT_THAT(integer("7").value, Optional(Eq(7)));
  EXPECT_THAT(integer("-5").value, Optional(Eq(-5)));
  EXPECT_THAT(integer("-0").value, Optional(Eq(0)));
  EXPECT_THAT(integer("100").value, Optional(Eq(100)));
}

TEST(ReadInteger, TakesAll64BitsAndNotOneMore) {
  EXPECT_THAT(integer("9223372036854775807").value, Optional(Eq(kHighest)));
  EXPECT_THAT(integer("-9223372036854775808").value, Optional(Eq(kLowest)));
  for (const std::string_view text :
       {"9223372036854775808", "-9223372036854775809", "18446744073709551616",
        "18446744073709551617", "100000000000000000000000000000000000000000"}) {
    EXPECT_FALSE(integer(text).value.has_value()) << text;
  }
}

TEST(ReadInteger, RefusesEveryOtherSpelling) {
  for (const std::string_view text :
       {"010",  "00",  "-01",  "0x10",     "0o17",   "0b1",    "1e3",    "1_000", "1,000",
        "+5",   "1.0", "1.",   "'1'",      "\"16\"", "\" 5\"", "|\n  5", "1 2",   "--1",
        "five", "~",   "true", "\xD9\xA3", "[1]",    "{1: 2}", "1\n  2"}) {
    EXPECT_FALSE(integer(text).value.has_value()) << text;
  }
}

TEST(ReadInteger, TakesBothEndsOfItsRange) {
  EXPECT_THAT(integer("1", {1, 256}).value, Optional(Eq(1)));
  EXPECT_THAT(integer("256", {1, 256}).value, Optional(Eq(256)));
  EXPECT_FALSE(integer("0", {1, 256}).value.has_value());
  EXPECT_FALSE(integer("257", {1, 256}).value.has_value());
}

TEST(ReadInteger, SaysWhatIsAllowedAndWhatWasFound) {
  const auto errors = [](std::string_view text) { return integer(text, {1, 256}).errors; };
  EXPECT_THAT(errors("010"), ElementsAre("f:1:4: 'p': expected an integer in 1..256, found '010'"));
  EXPECT_THAT(errors("257"), ElementsAre("f:1:4: 'p': expected an integer in 1..256, found '257'"));
  EXPECT_THAT(errors("'16'"), ElementsAre("f:1:4: 'p': expected an integer in 1..256, found the "
                                          "quoted text '16'"));
  EXPECT_THAT(errors("[16]"),
              ElementsAre("f:1:4: 'p': expected an integer in 1..256, found a sequence"));
  EXPECT_THAT(errors("{a: 1}"),
              ElementsAre("f:1:4: 'p': expected an integer in 1..256, found a map"));
  EXPECT_THAT(integer("x").errors,
              ElementsAre("f:1:4: 'p': expected an integer in "
                          "-9223372036854775808..9223372036854775807, found 'x'"));
}

TEST(ReadInteger, PlacesAMissingValueAtItsKey) {
  const auto errors = [](std::string_view text) { return integer(text, {1, 256}).errors; };
  const std::string error = "f:1:1: 'p': expected an integer in 1..256, found nothing";
  EXPECT_THAT(errors(""), ElementsAre(error));
  EXPECT_THAT(errors("\n\nq: 1\n"), ElementsAre(error));
  EXPECT_THAT(errors("~"), ElementsAre(error));
}

TEST(ParseInteger, TakesTheWholeTextOrNothing) {
  EXPECT_THAT(parse_integer("12"), Optional(Eq(12)));
  for (const std::string_view text : {"", " ", " 5", "5 ", "5\n", "+5", "-", "01", "5x"}) {
    EXPECT_EQ(parse_integer(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_integer(std::string_view("5\0", 2)), std::nullopt);
}

// ---- Numbers

TEST(ReadNumber, TakesDecimalNumbers) {
  EXPECT_THAT(number("0.1").value, Optional(Eq(0.1)));
  EXPECT_THAT(number("16").value, Optional(Eq(16.0)));
  EXPECT_THAT(number("-2.5e-3").value, Optional(Eq(-0.0025)));
  EXPECT_THAT(number("1E3").value, Optional(Eq(1000.0)));
  EXPECT_THAT(number("1e+3").value, Optional(Eq(1000.0)));
  EXPECT_THAT(number(".5").value, Optional(Eq(0.5)));
  EXPECT_THAT(number("5.").value, Optional(Eq(5.0)));
  EXPECT_THAT(number("1.7976931348623157e308").value, Optional(Eq(kAnyNumber.highest)));
  EXPECT_THAT(number("4.9406564584124654e-324").value,
              Optional(Eq(std::numeric_limits<double>::denorm_min())));
}

TEST(ReadNumber, RoundsToNearestHoweverLongTheText) {
  EXPECT_THAT(number("0.1000000000000000055511151231257827021181583404541015625").value,
              Optional(Eq(0.1)));
  const std::string many_digits = "1." + std::string(10000, '0') + "1";
  EXPECT_THAT(number(many_digits).value, Optional(Eq(1.0)));
}

TEST(ReadNumber, KeepsTheSignOfZero) {
  const auto zero = number("-0").value;
  ASSERT_THAT(zero, Optional(Eq(0.0)));
  EXPECT_TRUE(std::signbit(*zero));
  EXPECT_FALSE(std::signbit(*number("0").value));
}

TEST(ReadNumber, RefusesWhatIsNotFiniteOrNoDecimalNumber) {
  for (const std::string_view text :
       {"nan",    "NaN",   "-nan",   ".nan",   "nan(1)", "inf",   "-inf",  "infinity",
        ".inf",   "1e400", "-1e400", "1e-400", "0x10",   "0x1p3", "1_000", "1,5",
        "+1",     "1.5.2", "1e",     "e5",     ".",      "1 2",   "'1.5'", "\"1\"",
        "|\n  1", "1f",    "1.0GHz", "50%",    "~",      "true",  "[1.5]", "{a: 1}"}) {
    EXPECT_FALSE(number(text).value.has_value()) << text;
  }
}

TEST(ReadNumber, IsFiniteInAnInfiniteRange) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const std::string_view text : {"inf", "-inf", "nan"}) {
    EXPECT_FALSE(number(text, {-kInfinity, kInfinity}).value.has_value()) << text;
  }
}

TEST(ReadNumber, TakesBothEndsOfItsRange) {
  constexpr NumberRange kRange{0.5, 2};
  EXPECT_THAT(number("0.5", kRange).value, Optional(Eq(0.5)));
  EXPECT_THAT(number("2", kRange).value, Optional(Eq(2.0)));
  EXPECT_FALSE(number("0.49999999999999994", kRange).value.has_value());
  EXPECT_FALSE(number("2.0000000000000004", kRange).value.has_value());
}

TEST(ReadNumber, SaysWhatIsAllowedAndWhatWasFound) {
  EXPECT_THAT(number("nan", {0.5, 2}).errors,
              ElementsAre("f:1:4: 'p': expected a number in 0.5..2, found 'nan'"));
  EXPECT_THAT(number("1e400", {0, 1e30}).errors,
              ElementsAre("f:1:4: 'p': expected a number in 0..1e+30, found '1e400'"));
  EXPECT_THAT(number("{}", {0, 1}).errors,
              ElementsAre("f:1:4: 'p': expected a number in 0..1, found a map"));
}

// ---- Flags

TEST(ReadFlag, TakesTrueAndFalse) {
  EXPECT_THAT(flag("true").value, Optional(Eq(true)));
  EXPECT_THAT(flag("false").value, Optional(Eq(false)));
}

TEST(ReadFlag, RefusesEveryOtherSpelling) {
  for (const std::string_view text : {"yes", "no", "on", "off", "y", "n", "True", "TRUE", "False",
                                      "1", "0", "'true'", "\"false\"", "~", "", "[true]", "t"}) {
    EXPECT_FALSE(flag(text).value.has_value()) << text;
  }
  EXPECT_THAT(flag("yes").errors, ElementsAre("f:1:4: 'p': expected true or false, found 'yes'"));
  EXPECT_THAT(flag("'true'").errors,
              ElementsAre("f:1:4: 'p': expected true or false, found the quoted text 'true'"));
}

// ---- Texts

TEST(ReadText, TakesQuotedPlainAndBlockScalars) {
  EXPECT_THAT(text_value("a b").value, Optional(Eq("a b")));
  EXPECT_THAT(text_value("'16'").value, Optional(Eq("16")));
  EXPECT_THAT(text_value("16").value, Optional(Eq("16")));
  EXPECT_THAT(text_value("\"null\"").value, Optional(Eq("null")));
  EXPECT_THAT(text_value("\"a\\tb\\nc\"").value, Optional(Eq("a\tb\nc")));
  EXPECT_THAT(text_value("|\n  a\n  b\n").value, Optional(Eq("a\nb\n")));
  EXPECT_THAT(text_value("\xC3\xA9").value, Optional(Eq("\xC3\xA9")));
}

TEST(ReadText, RefusesNothingAndWhatIsNoScalar) {
  EXPECT_THAT(text_value("''").errors,
              ElementsAre("f:1:4: 'p': expected text without control characters, found the quoted "
                          "text ''"));
  EXPECT_THAT(text_value("~").errors,
              ElementsAre("f:1:1: 'p': expected text without control characters, found nothing"));
  EXPECT_THAT(
      text_value("[a]").errors,
      ElementsAre("f:1:4: 'p': expected text without control characters, found a sequence"));
}

// A NUL cuts a path short, escapes reach terminals, and JSON must be able to hold the text.
TEST(ReadText, RefusesControlCharacters) {
  EXPECT_THAT(text_value("\"a\\0b\"").errors,
              ElementsAre("f:1:4: 'p': expected text without control characters, found the quoted "
                          "text 'a\\x00b'"));
  for (const std::string_view text :
       {"\"\\e[31m\"", "\"\\r\"", "\"\\x7f\"", "\"\\x85\"", "\"\\x9b\"", "\"\\a\"", "\"\\N\""}) {
    EXPECT_FALSE(text_value(text).value.has_value()) << text;
  }
}

// ---- Choices

TEST(ReadChoice, ReturnsTheIndexOfTheWord) {
  EXPECT_THAT(choice("serial", {"serial", "overlapped"}).value, Optional(Eq(0U)));
  EXPECT_THAT(choice("'overlapped'", {"serial", "overlapped"}).value, Optional(Eq(1U)));
}

TEST(ReadChoice, WantsTheExactWord) {
  EXPECT_THAT(choice("Serial", {"serial", "overlapped"}).errors,
              ElementsAre("f:1:4: 'p': expected serial | overlapped, found 'Serial' (did you mean "
                          "'serial'?)"));
  EXPECT_FALSE(choice("serial overlapped", {"serial", "overlapped"}).value.has_value());
  EXPECT_FALSE(choice("''", {"serial", "overlapped"}).value.has_value());
}

TEST(ReadChoice, SuggestsNothingForWhatIsNoWord) {
  EXPECT_THAT(choice("{a: 1}", {"a", "b"}).errors,
              ElementsAre("f:1:4: 'p': expected a | b, found a map"));
  EXPECT_THAT(choice("~", {"a", "b"}).errors,
              ElementsAre("f:1:1: 'p': expected a | b, found nothing"));
}

// ---- Words for messages

TEST(Words, AreListedAndUnknownOnesNamed) {
  const std::vector<std::string_view> words = {"rows", "cols"};
  EXPECT_EQ(list_words(words), "rows | cols");
  EXPECT_EQ(unknown_word("parameter", "row", words),
            "unknown parameter 'row' (did you mean 'rows'?); allowed: rows, cols");
  EXPECT_EQ(unknown_word("design", "zzzz", words), "unknown design 'zzzz'; allowed: rows, cols");
  EXPECT_EQ(unknown_word("key", "a\n\x1B", words),
            "unknown key 'a\\x0a\\x1b'; allowed: rows, cols");
  EXPECT_EQ(unknown_word("key", std::string(1000, 'x'), words),
            "unknown key '" + std::string(64, 'x') + "...'; allowed: rows, cols");
}

}  // namespace
}  // namespace bitsmith
