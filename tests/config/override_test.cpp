#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "config/yaml.h"

namespace bitsmith {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;

std::string error_of_option(const std::string& option) {
  try {
    parse_override(option);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

YamlNode with(std::string_view text, const std::string& option) {
  YamlNode root = yaml::parse(text, "f");
  apply(parse_override(option), root);
  return root;
}

std::string error_of_applying(std::string_view text, const std::string& option) {
  try {
    with(text, option);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ParseOverride, SplitsPathAndValueAtTheFirstEqualsSign) {
  const Override change = parse_override("memory.banks=a=b");
  EXPECT_THAT(change.path, ElementsAre("memory", "banks"));
  EXPECT_EQ(change.value, "a=b");
  EXPECT_EQ(change.where, (Location{"--set memory.banks=a=b", 0, 0}));
}

TEST(ParseOverride, LeavesDotsAndEmptinessOfTheValueAlone) {
  EXPECT_EQ(parse_override("clock=1.5").value, "1.5");
  EXPECT_THAT(parse_override("clock=1.5").path, ElementsAre("clock"));
  EXPECT_EQ(parse_override("clock=").value, "");
}

TEST(ParseOverride, RefusesMalformedOptions) {
  EXPECT_EQ(error_of_option("rows"), "--set rows: expected path=value");
  EXPECT_EQ(error_of_option(""), "--set : expected path=value");
  for (const std::string option : {"=4", ".=4", ".a=4", "a.=4", "a..b=4"}) {
    EXPECT_EQ(error_of_option(option), "--set " + option + ": the path has an empty step");
  }
}

TEST(ParseOverride, RefusesControlCharactersAndShowsThemHarmlessly) {
  EXPECT_EQ(error_of_option("a=\x1B[31m"), "--set a=\\x1b[31m: a control character or no UTF-8");
  EXPECT_EQ(error_of_option("a=1\nb=2"), "--set a=1\\x0ab=2: a control character or no UTF-8");
  EXPECT_EQ(error_of_option("a=\xFF"), "--set a=\\xff: a control character or no UTF-8");
  EXPECT_EQ(error_of_option("a=\0"s), "--set a=\\x00: a control character or no UTF-8");
}

// Maps as deep as a path is long would overflow the stack when destroyed.
TEST(ParseOverride, LimitsThePathLikeAFile) {
  std::string path = "a";
  for (int i = 1; i < yaml::kDepthLimit; ++i) path += ".a";
  EXPECT_EQ(parse_override(path + "=1").path.size(), 32U);
  EXPECT_EQ(error_of_option(path + ".a=1"), "--set " + path + ".a=1: nested deeper than 32 levels");
  for (int i = 0; i < 16; ++i) path += "." + path;
  EXPECT_THAT(error_of_option(path + "=1"), testing::EndsWith("...: nested deeper than 32 levels"));
  EXPECT_LT(error_of_option(path + "=1").size(), 300U);
}

TEST(ApplyOverride, ReplacesAValueInItsPlace) {
  const YamlNode root = with("rows: 4\ncols: 5\n", "rows=8");
  ASSERT_EQ(root.entries.size(), 2U);
  EXPECT_EQ(root.entries[0].key, "rows");
  EXPECT_EQ(root.entries[0].key_where, (Location{"f", 1, 1}));
  EXPECT_EQ(root.entries[0].value.scalar, "8");
  EXPECT_EQ(root.entries[0].value.where, (Location{"--set rows=8", 0, 0}));
  EXPECT_EQ(root.entries[1].value.scalar, "5");
}

TEST(ApplyOverride, IsAPlainScalarWhateverItReplaces) {
  for (const std::string_view text : {"a: '4'", "a: [1, 2]", "a: {b: 1}", "a:"}) {
    const YamlNode root = with(text, "a=8");
    ASSERT_EQ(root.entries.size(), 1U) << text;
    const YamlNode& value = root.entries[0].value;
    EXPECT_EQ(value.kind, YamlNode::Kind::scalar) << text;
    EXPECT_FALSE(value.quoted) << text;
    EXPECT_EQ(value.scalar, "8") << text;
    EXPECT_TRUE(value.items.empty() && value.entries.empty()) << text;
  }
}

TEST(ApplyOverride, AddsAKeyAtTheEndForTheReaderToJudge) {
  const YamlNode root = with("rows: 4", "colls=8");
  ASSERT_EQ(root.entries.size(), 2U);
  EXPECT_EQ(root.entries[1].key, "colls");
  EXPECT_EQ(root.entries[1].key_where, (Location{"--set colls=8", 0, 0}));
  EXPECT_EQ(root.entries[1].value.scalar, "8");
}

TEST(ApplyOverride, ReachesIntoNestedMaps) {
  const YamlNode root = with("a: {b: {c: 1, d: 2}}", "a.b.c=9");
  EXPECT_EQ(root.find("a")->find("b")->find("c")->scalar, "9");
  EXPECT_EQ(root.find("a")->find("b")->find("d")->scalar, "2");
}

TEST(ApplyOverride, MakesTheMapsOnItsWayWithAPlace) {
  const YamlNode root = with("a: 1", "b.c.d=9");
  const YamlNode* made = root.find("b");
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->kind, YamlNode::Kind::map);
  EXPECT_EQ(made->where, (Location{"--set b.c.d=9", 0, 0}));
  EXPECT_EQ(made->find("c")->where, (Location{"--set b.c.d=9", 0, 0}));
  EXPECT_EQ(made->find("c")->find("d")->scalar, "9");
}

TEST(ApplyOverride, SeesWhatEarlierOnesDid) {
  YamlNode root = yaml::parse("a: 1", "f");
  apply(parse_override("b.c=1"), root);
  apply(parse_override("b.d=2"), root);
  apply(parse_override("b.c=3"), root);
  ASSERT_EQ(root.find("b")->entries.size(), 2U);
  EXPECT_EQ(root.find("b")->find("c")->scalar, "3");
  EXPECT_EQ(root.find("b")->find("d")->scalar, "2");
}

TEST(ApplyOverride, RefusesAPathThroughWhatIsNoMap) {
  EXPECT_EQ(error_of_applying("a: 1", "a.b=2"), "--set a.b=2: 'b' is below '1', which has no keys");
  EXPECT_EQ(error_of_applying("a: [1]", "a.0=2"),
            "--set a.0=2: '0' is below a sequence, which has no keys");
  EXPECT_EQ(error_of_applying("a:", "a.b=2"),
            "--set a.b=2: 'b' is below nothing, which has no keys");
  EXPECT_EQ(error_of_applying("[1]", "a=2"),
            "--set a=2: 'a' is below a sequence, which has no keys");
}

TEST(ApplyOverride, LeavesTheTreeAloneWhenItCannotBeApplied) {
  YamlNode root = yaml::parse("a: {b: 1}", "f");
  EXPECT_THROW(apply(parse_override("a.b.c.d=2"), root), UserError);
  ASSERT_EQ(root.find("a")->entries.size(), 1U);
  EXPECT_EQ(root.find("a")->find("b")->scalar, "1");
}

}  // namespace
}  // namespace bitsmith
