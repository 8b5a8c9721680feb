#include "config/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "common/process.h"

namespace bitsmith {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::Not;
using Kind = YamlNode::Kind;

std::vector<std::string> errors_of(std::string_view text) {
  try {
    yaml::parse(text, "f.yaml");
  } catch (const UserError& error) {
    return error.messages();
  }
  return {};
}

MATCHER_P(IsRefusedWith, message, "") {
  const std::vector<std::string> errors = errors_of(arg);
  *result_listener << "says " << testing::PrintToString(errors);
  return errors == std::vector<std::string>{message};
}

std::string repeat(std::string_view unit, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += unit;
  return text;
}

// The only value of "a: ..." as a scalar.
YamlNode value_of_a(std::string_view text) {
  const YamlNode root = yaml::parse(text, "f.yaml");
  const YamlNode* value = root.find("a");
  if (value == nullptr || value->kind != Kind::scalar) throw std::logic_error("no scalar 'a'");
  return *value;
}

Location at(int line, int column) { return {"f.yaml", line, column}; }

// ---- What is accepted

TEST(Yaml, KeepsTheOrderAndThePlaceOfEverything) {
  const YamlNode root = yaml::parse("b: 1\na:\n  - x\n  - {c: y}\n", "f.yaml");
  ASSERT_EQ(root.kind, Kind::map);
  EXPECT_EQ(root.where, at(1, 1));
  ASSERT_EQ(root.entries.size(), 2U);
  EXPECT_EQ(root.entries[0].key, "b");
  EXPECT_EQ(root.entries[0].key_where, at(1, 1));
  EXPECT_EQ(root.entries[0].value.scalar, "1");
  EXPECT_EQ(root.entries[0].value.where, at(1, 4));
  EXPECT_EQ(root.entries[1].key_where, at(2, 1));
  const YamlNode& list = root.entries[1].value;
  ASSERT_EQ(list.kind, Kind::sequence);
  EXPECT_EQ(list.where, at(3, 3));
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[0].scalar, "x");
  EXPECT_EQ(list.items[0].where, at(3, 5));
  ASSERT_EQ(list.items[1].kind, Kind::map);
  EXPECT_EQ(list.items[1].find("c")->where, at(4, 9));
}

TEST(Yaml, FindsOnlyKeysThatAreThere) {
  const YamlNode root = yaml::parse("a: 1", "f.yaml");
  EXPECT_EQ(root.find("a")->scalar, "1");
  EXPECT_EQ(root.find("b"), nullptr);
  EXPECT_EQ(root.find("a")->find("b"), nullptr);
}

TEST(Yaml, TellsQuotedFromPlainScalars) {
  EXPECT_FALSE(value_of_a("a: 16").quoted);
  EXPECT_TRUE(value_of_a("a: \"16\"").quoted);
  EXPECT_TRUE(value_of_a("a: '16'").quoted);
  EXPECT_TRUE(value_of_a("a: |\n  16\n").quoted);
  EXPECT_TRUE(value_of_a("a: >-\n  16\n").quoted);
}

TEST(Yaml, ReadsAllKindsOfScalars) {
  EXPECT_EQ(value_of_a("a: 'it''s'").scalar, "it's");
  EXPECT_EQ(value_of_a("a: \"\\x41\\u00e9\\U0001F600\\n\"").scalar, "A\xC3\xA9\xF0\x9F\x98\x80\n");
  EXPECT_EQ(value_of_a("a: |\n  x\n  y\n").scalar, "x\ny\n");
  EXPECT_EQ(value_of_a("a: >-\n  x\n  y\n").scalar, "x y");
  EXPECT_EQ(value_of_a("a: x # comment").scalar, "x");
  EXPECT_EQ(value_of_a("a: x#y").scalar, "x#y");
  EXPECT_EQ(value_of_a("a:\t1").scalar, "1");
  EXPECT_EQ(value_of_a("a: \xC3\xA9").scalar, "\xC3\xA9");
}

TEST(Yaml, TakesNullForNothingUnlessQuoted) {
  for (const std::string_view text : {"a:", "a: ~", "a: null", "a: Null", "a: NULL", "{a}"}) {
    const YamlNode root = yaml::parse(text, "f.yaml");
    ASSERT_NE(root.find("a"), nullptr) << text;
    EXPECT_EQ(root.find("a")->kind, Kind::empty) << text;
  }
  EXPECT_EQ(value_of_a("a: 'null'").scalar, "null");
  EXPECT_EQ(value_of_a("a: \"~\"").scalar, "~");
}

TEST(Yaml, HasNoMeaningForWordsOfOtherYamlVersions) {
  EXPECT_EQ(value_of_a("a: yes").scalar, "yes");
  EXPECT_EQ(value_of_a("a: 0x10").scalar, "0x10");
  EXPECT_EQ(value_of_a("a: 12:30:45").scalar, "12:30:45");
  EXPECT_EQ(yaml::parse("true: 1", "f").entries[0].key, "true");
  EXPECT_EQ(yaml::parse("1: 1", "f").entries[0].key, "1");
  EXPECT_EQ(yaml::parse("<<: {a: 1}", "f").entries[0].key, "<<");
}

TEST(Yaml, TakesATextWithoutValuesForNothing) {
  for (const std::string_view text : {"", "\n\n", "# only\n# comments\n", "---\n", "~", "...\n"}) {
    const YamlNode root = yaml::parse(text, "f.yaml");
    EXPECT_EQ(root.kind, Kind::empty) << text;
    EXPECT_EQ(root.where.file, "f.yaml") << text;
    EXPECT_GE(root.where.line, 1) << text;
  }
}

TEST(Yaml, ReadsWindowsLineEnds) {
  const YamlNode root = yaml::parse("a: 1\r\nb: |\r\n  x\r\n  y\r\nc: 'd\r\n  e'\r\n", "f.yaml");
  ASSERT_EQ(root.entries.size(), 3U);
  EXPECT_EQ(root.find("a")->scalar, "1");
  EXPECT_EQ(root.find("b")->scalar, "x\ny\n");
  EXPECT_EQ(root.find("c")->scalar, "d e");
  EXPECT_EQ(root.find("c")->where, at(5, 4));
}

TEST(Yaml, IgnoresAByteOrderMark) {
  const YamlNode root = yaml::parse(
      "\xEF\xBB\xBF"
      "a: 1",
      "f.yaml");
  EXPECT_EQ(root.entries.at(0).key, "a");
  EXPECT_EQ(root.entries.at(0).key_where, at(1, 1));
}

TEST(Yaml, AcceptsTheMarkersOfOneDocument) {
  EXPECT_EQ(value_of_a("--- # one\na: 1\n...\n").scalar, "1");
}

TEST(Yaml, PlacesAMissingValueAtItsKey) {
  const YamlNode root = yaml::parse("a:\n\n# comment\nb: {c: , d: 1}\n", "f.yaml");
  EXPECT_EQ(root.find("a")->where, at(1, 1));
  EXPECT_EQ(root.find("b")->find("c")->where, at(4, 5));
}

// ---- What is refused, and where

TEST(Yaml, RefusesARepeatedKeyAndSaysWhereTheFirstIs) {
  EXPECT_THAT("a: 1\nb: 2\na: 3\n",
              IsRefusedWith("f.yaml:3:1: 'a' is given twice, first at line 1"));
  EXPECT_THAT("a: 1\n\"a\": 3\n", IsRefusedWith("f.yaml:2:1: 'a' is given twice, first at line 1"));
  EXPECT_THAT("x: {b: 1, b: 2}", IsRefusedWith("f.yaml:1:11: 'b' is given twice, first at line 1"));
  EXPECT_THAT("\"\\e\": 1\n\"\\e\": 2\n",
              IsRefusedWith("f.yaml:2:1: '\\x1b' is given twice, first at line 1"));
}

TEST(Yaml, AllowsOneKeyInTwoMaps) {
  EXPECT_THAT(errors_of("x: {b: 1}\ny: {b: 2}\n"), ElementsAre());
  EXPECT_THAT(errors_of("- b: 1\n- b: 2\n"), ElementsAre());
}

TEST(Yaml, RefusesAnchorsAndAliases) {
  EXPECT_THAT("a: &x 1",
              IsRefusedWith("f.yaml:1:4: anchors are not supported; write the value out"));
  EXPECT_THAT("a: &x", IsRefusedWith("f.yaml:1:4: anchors are not supported; write the value out"));
  EXPECT_THAT("a: &x {b: 1}",
              IsRefusedWith("f.yaml:1:4: anchors are not supported; write the value out"));
  EXPECT_THAT("a: *x",
              IsRefusedWith("f.yaml:1:4: not valid YAML: the referenced anchor is not defined"));
}

TEST(Yaml, RefusesAnAliasLoop) {
  EXPECT_THAT(errors_of("a: &a [*a]"),
              ElementsAre("f.yaml:1:4: anchors are not supported; write the value out",
                          "f.yaml:1:8: aliases are not supported; write the value out"));
}

TEST(Yaml, RefusesAnAliasAsKeyOnce) {
  EXPECT_THAT(errors_of("a: &x b\n*x : 1\n"),
              ElementsAre("f.yaml:1:4: anchors are not supported; write the value out",
                          "f.yaml:2:1: aliases are not supported; write the value out"));
}

TEST(Yaml, RefusesABillionLaughsWithoutLaughing) {
  std::string bomb = "l0: &l0 lol\n";
  for (int i = 1; i < 30; ++i) {
    bomb += fmt::format("l{}: &l{} [{}]\n", i, i,
                        fmt::join(std::vector<std::string>(9, fmt::format("*l{}", i - 1)), ", "));
  }
  const std::vector<std::string> errors = errors_of(bomb);
  EXPECT_EQ(errors.size(), 30U + 29U * 9U);
  EXPECT_EQ(errors.front(), "f.yaml:1:5: anchors are not supported; write the value out");
}

TEST(Yaml, RefusesEveryTag) {
  for (const std::string_view text : {"a: !!int 3", "a: !!str", "a: !t x", "a: !<x:y> x", "a: ! 16",
                                      "a: !<?> '16'", "a: !<!> 16", "a: !!map {b: 1}"}) {
    EXPECT_THAT(text, IsRefusedWith("f.yaml:1:4: tags are not supported"));
  }
  EXPECT_THAT("a: '!x'", Not(IsRefusedWith("f.yaml:1:4: tags are not supported")));
}

TEST(Yaml, RefusesASecondDocument) {
  const std::string error = "f.yaml:2:1: a second document; one is allowed";
  EXPECT_THAT("a: 1\n---\nb: 2\n", IsRefusedWith(error));
  EXPECT_THAT("---\n---\n---\n", IsRefusedWith(error));
  EXPECT_THAT("[]\n[]\n", IsRefusedWith(error));
}

// yaml-cpp would drop "%rows: 4" without a word.
TEST(Yaml, RefusesDirectives) {
  const std::string error = ":1: directives ('%' at the start of a line) are not supported";
  EXPECT_THAT("%YAML 1.2\n---\na: 1\n", IsRefusedWith("f.yaml:1" + error));
  EXPECT_THAT("%rows: 4\na: 1\n", IsRefusedWith("f.yaml:1" + error));
  EXPECT_THAT("a: 1\n...\n%TAG ! x\n", IsRefusedWith("f.yaml:3" + error));
  EXPECT_THAT(errors_of("a: 5 %\nb: '%'\n"), ElementsAre());
}

TEST(Yaml, RefusesKeysThatAreNoWords) {
  EXPECT_THAT("? [a]\n: 1\n", IsRefusedWith("f.yaml:1:3: a key must be a word, not a sequence"));
  EXPECT_THAT("? {a: 1}\n: 1\n", IsRefusedWith("f.yaml:1:3: a key must be a word, not a map"));
  EXPECT_THAT(": 1\n", IsRefusedWith("f.yaml:1:1: a key must be a word, not nothing"));
  EXPECT_THAT("null: 1\n", IsRefusedWith("f.yaml:1:1: a key must be a word, not nothing"));
}

TEST(Yaml, DoesNotTakeTwoKeysThatAreNoWordsForOneRepeated) {
  EXPECT_THAT(errors_of("? [a]\n: 1\n? [b]\n: 2\n"),
              ElementsAre("f.yaml:1:3: a key must be a word, not a sequence",
                          "f.yaml:3:3: a key must be a word, not a sequence"));
}

TEST(Yaml, ReportsAllMistakesOfATextAtOnceAndInOrder) {
  EXPECT_THAT(errors_of("a: &x 1\nb: !!int 2\na: 3\nc: {d: 1, d: 2}\n"),
              ElementsAre("f.yaml:1:4: anchors are not supported; write the value out",
                          "f.yaml:2:4: tags are not supported",
                          "f.yaml:3:1: 'a' is given twice, first at line 1",
                          "f.yaml:4:11: 'd' is given twice, first at line 4"));
}

TEST(Yaml, ReportsWhatCameBeforeASyntaxErrorToo) {
  EXPECT_THAT(errors_of("a: 1\na: 2\nb: [1, \n"),
              ElementsAre("f.yaml:2:1: 'a' is given twice, first at line 1",
                          "f.yaml:4:1: not valid YAML: end of sequence flow not found"));
}

TEST(Yaml, PlacesSyntaxErrors) {
  EXPECT_THAT("a: b: c", IsRefusedWith("f.yaml:1:5: not valid YAML: illegal map value"));
  EXPECT_THAT("a: @x", IsRefusedWith("f.yaml:1:4: not valid YAML: unknown token"));
  EXPECT_THAT("a: 'x", IsRefusedWith("f.yaml:1:6: not valid YAML: illegal EOF in scalar"));
  EXPECT_THAT("a: \"\\ud800\"",
              IsRefusedWith("f.yaml:1:11: not valid YAML: invalid unicode: 55296"));
}

TEST(Yaml, CountsColumnsInBytes) {
  EXPECT_THAT("\xC3\xA9: {b: 1, b: 2}",
              IsRefusedWith("f.yaml:1:12: 'b' is given twice, first at line 1"));
  EXPECT_THAT("\xC3\xA9: \x01",
              IsRefusedWith("f.yaml:1:5: not a text file (a control character or no UTF-8)"));
}

TEST(Yaml, BlamesTabsForIndentationMadeOfThem) {
  EXPECT_THAT("a:\n\tb: 1\n",
              IsRefusedWith("f.yaml:2:3: not valid YAML: illegal map value (indentation is made of "
                            "spaces, not tabs)"));
  EXPECT_THAT("a:\n  \tb: 1\n",
              IsRefusedWith("f.yaml:2:5: not valid YAML: illegal map value (indentation is made of "
                            "spaces, not tabs)"));
  EXPECT_THAT("a:\n  b: c: 1\t\n", IsRefusedWith("f.yaml:2:7: not valid YAML: illegal map value"));
}

TEST(Yaml, RefusesControlCharactersWhereverTheyAre) {
  std::vector<std::string> forbidden = {"\x7F", "\xC2\x80", "\xC2\x85", "\xC2\x9B"};
  for (char c = 0; c < 0x20; ++c) {
    if (c != '\n' && c != '\t') forbidden.emplace_back(1, c);  // a lone carriage return is one, too
  }
  EXPECT_EQ(forbidden.size(), 34U);
  for (const std::string& character : forbidden) {
    const std::string error = ": not a text file (a control character or no UTF-8)";
    EXPECT_THAT(character, IsRefusedWith("f.yaml:1:1" + error));
    EXPECT_THAT("a: 1\nb: '" + character + "'\n", IsRefusedWith("f.yaml:2:5" + error));
    EXPECT_THAT("# " + character, IsRefusedWith("f.yaml:1:3" + error));
  }
}

TEST(Yaml, RefusesWhatIsNoUtf8) {
  const std::string error = ": not a text file (a control character or no UTF-8)";
  EXPECT_THAT("a: \xFF", IsRefusedWith("f.yaml:1:4" + error));
  EXPECT_THAT("a: caf\xE9\n", IsRefusedWith("f.yaml:1:7" + error));  // Latin-1
  EXPECT_THAT(
      "\xFF\xFE"
      "a\0:\0"s,
      IsRefusedWith("f.yaml:1:1" + error));  // UTF-16
  EXPECT_THAT("\xFE\xFF\0a\0:"s, IsRefusedWith("f.yaml:1:1" + error));
  EXPECT_THAT("a\0\0\0:\0\0\0"s, IsRefusedWith("f.yaml:1:2" + error));  // UTF-32
  EXPECT_THAT("# \xF0\x9F\x98", IsRefusedWith("f.yaml:1:3" + error));   // cut short
}

// ---- Limits: reached, and passed by one

TEST(Yaml, LimitsTheDepth) {
  const std::string error = "nested deeper than 32 levels";
  EXPECT_THAT(errors_of(repeat("[", 32) + repeat("]", 32)), ElementsAre());
  EXPECT_THAT(repeat("[", 33) + repeat("]", 33), IsRefusedWith("f.yaml:1:33: " + error));
  EXPECT_THAT(errors_of(repeat("- ", 32) + "a"), ElementsAre());
  EXPECT_THAT(repeat("- ", 33) + "a", IsRefusedWith("f.yaml:1:65: " + error));
  std::string maps;
  for (std::size_t i = 0; i < 40; ++i) maps += repeat(" ", i) + "a:\n";
  EXPECT_THAT(maps, IsRefusedWith("f.yaml:33:33: " + error));
}

TEST(Yaml, SurvivesNestingAHundredThousandDeep) {
  for (const std::string_view unit : {"[", "{", "- ", "? ", "[{", "{a: ", "{? ", "[? ", "[[],"}) {
    EXPECT_FALSE(errors_of(repeat(unit, 100000)).empty()) << unit;
  }
  EXPECT_FALSE(errors_of(repeat("[", 100000) + repeat("]", 100000)).empty());
}

TEST(Yaml, LimitsTheNumberOfValues) {
  EXPECT_THAT(errors_of("[" + repeat("a,", 99999) + "]"), ElementsAre());
  EXPECT_THAT("[" + repeat("a,", 100000) + "]",
              IsRefusedWith("f.yaml:1:200000: more than 100000 values in one file"));
}

TEST(Yaml, LimitsTheLength) {
  const std::string just_fits = "a: " + std::string(yaml::kByteLimit - 3, 'x');
  EXPECT_EQ(value_of_a(just_fits).scalar.size(), yaml::kByteLimit - 3);
  EXPECT_THAT(just_fits + "x",
              IsRefusedWith("f.yaml: longer than the 1048576 bytes allowed for such a file"));
}

// Whatever the shape, a text at the limits is read in time that grows with its length. Twenty times
// what it takes on a slow machine without optimisation is still far from what squares would take.
TEST(Yaml, ReadsTheLongestTextsInSeconds) {
  std::string keys;
  for (int i = 0; keys.size() < 600000; ++i) keys += fmt::format("k{}: 1\n", i);
  std::vector<std::string> texts = {keys, "\"" + repeat("a\n\n", 300000) + "\"",
                                    repeat("a b\n", 250000), "a: |\n" + repeat(" \n", 500000)};
  for (const std::string_view unit :
       {" ",     "\n", "#\n", "-\n", "a: 1\n", "[",     "[]", "{a: ",         "? a\n", "- &a\n",
        "---\n", ":",  "!",   "'",   "\"\\\n", "a:\n ", ", ", "\xEF\xBB\xBF", "a: \"", "- ? : "}) {
    texts.push_back(repeat(unit, (std::size_t{1} << 20) / unit.size()));
  }
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& text : texts) errors_of(text);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST(Yaml, BoundsTheMessagesOfATextThatIsAllMistakes) {
  const std::vector<std::string> errors = errors_of(repeat("a: 1\n", 5001));
  ASSERT_EQ(errors.size(), 1001U);
  EXPECT_EQ(errors.back(), "f.yaml:1002:1: 4000 more mistakes from here");
}

// ---- Files

class YamlFile : public testing::Test {
 protected:
  std::string path(const std::string& content) const {
    std::ofstream(folder_.path() / "f.yaml", std::ios::binary) << content;
    return (folder_.path() / "f.yaml").string();
  }

 private:
  TemporaryFolder folder_{std::filesystem::temp_directory_path()};
};

std::string error_of_file(const std::string& path) {
  try {
    Diagnostics diagnostics;
    yaml::read(path, diagnostics);
    diagnostics.throw_if_any();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(YamlFile, IsNamedInMessagesAsItWasGiven) {
  const std::string file = path("a: 1\na: 2\n");
  EXPECT_EQ(error_of_file(file), file + ":2:1: 'a' is given twice, first at line 1");
  Diagnostics diagnostics;
  EXPECT_EQ(yaml::read(path("a: 1"), diagnostics).find("a")->where, (Location{file, 1, 4}));
}

TEST_F(YamlFile, MustNotBeEmpty) {
  for (const std::string_view content : {"", "\n", "# only a comment\n", "---\n", "null\n"}) {
    const std::string file = path(std::string(content));
    EXPECT_EQ(error_of_file(file), file + ": the file is empty") << content;
  }
}

TEST_F(YamlFile, IsLimitedToOneMebibyte) {
  const std::string file = path(std::string(yaml::kByteLimit + 1, '#'));
  EXPECT_EQ(error_of_file(file), file + ": longer than the 1048576 bytes allowed for such a file");
  EXPECT_EQ(error_of_file("/dev/zero"),
            "/dev/zero: longer than the 1048576 bytes allowed for such a file");
}

TEST_F(YamlFile, MustExist) {
  EXPECT_EQ(error_of_file("/no/file.yaml"),
            "/no/file.yaml: cannot open: No such file or directory");
}

// ---- Words for messages

TEST(YamlDescribe, NamesTheKindOrShowsTheScalar) {
  EXPECT_EQ(yaml::describe(yaml::parse("", "f")), "nothing");
  EXPECT_EQ(yaml::describe(yaml::parse("[1]", "f")), "a sequence");
  EXPECT_EQ(yaml::describe(yaml::parse("{}", "f")), "a map");
  EXPECT_EQ(yaml::describe(yaml::parse("010", "f")), "'010'");
  EXPECT_EQ(yaml::describe(yaml::parse("'16'", "f")), "the quoted text '16'");
}

TEST(YamlDescribe, ShowsLongAndStrangeScalarsShortAndOnOneLine) {
  EXPECT_EQ(yaml::describe(yaml::parse(std::string(40, 'x'), "f")), "'" + repeat("x", 40) + "'");
  EXPECT_EQ(yaml::describe(yaml::parse(std::string(100000, 'x'), "f")),
            "'" + repeat("x", 40) + "...'");
  EXPECT_EQ(yaml::describe(yaml::parse(repeat("\xC3\xA9", 50), "f")),
            "'" + repeat("\xC3\xA9", 40) + "...'");
  EXPECT_EQ(yaml::describe(yaml::parse("\"a\\nb\\e[31m\\0\"", "f")),
            "the quoted text 'a\\x0ab\\x1b[31m\\x00'");
}

}  // namespace
}  // namespace bitsmith
