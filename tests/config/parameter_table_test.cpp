#include "config/parameter_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace bitsmith {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

enum class Drain { serial = 0, overlapped = 3 };

struct Params {
  std::uint16_t rows = 16;
  std::int64_t offset = -3;
  double clock_ghz = 1.5;
  bool gated = true;
  std::string title = "untitled";
  Drain drain = Drain::overlapped;
  const Format* weight = find_format("int8");
  bool operator==(const Params&) const = default;
};

ParameterTable<Params> make_table() {
  ParameterTable<Params> table;
  table.integer("rows", &Params::rows, {1, 256}, "PEs", "rows of the array").rtl("Rows");
  table.integer("offset", &Params::offset, {-5, 5}, "", "an offset");
  table.number("clock_ghz", &Params::clock_ghz, {0.1, 5}, "GHz", "clock of the array");
  table.flag("gated", &Params::gated, "whether clocks are gated").rtl("Gated");
  table.text("title", &Params::title, "what to call it");
  table
      .choice("drain", &Params::drain,
              {{"serial", Drain::serial}, {"overlapped", Drain::overlapped}}, "how to drain")
      .rtl("Drain");
  table.format("weight", &Params::weight, {"int4", "int8", "fp16"}, "format of the weights")
      .rtl("WBits");
  table.rule("rows", [](const Params& p) -> std::optional<std::string> {
    if (!p.gated || p.rows % 2 == 0) return std::nullopt;
    return fmt::format("{} is odd, which gating does not allow", p.rows);
  });
  table.rule("clock_ghz", [](const Params& p) -> std::optional<std::string> {
    if (p.rows <= 128 || p.clock_ghz <= 2) return std::nullopt;
    return "too fast for so many rows";
  });
  return table;
}

constexpr std::string_view kAllowed = "rows, offset, clock_ghz, gated, title, drain, weight";

struct Outcome {
  Params params;
  std::vector<std::string> errors;
};

template <class Table>
Outcome read_with(const Table& table, const YamlNode& map,
                  const std::vector<std::string_view>& other_keys = {}) {
  Diagnostics diagnostics;
  Outcome outcome;
  outcome.params = table.read(map, diagnostics, other_keys);
  try {
    diagnostics.throw_if_any();
  } catch (const UserError& error) {
    outcome.errors = error.messages();
  }
  return outcome;
}

Outcome read(std::string_view text, const std::vector<std::string_view>& other_keys = {}) {
  return read_with(make_table(), yaml::parse(text, "d.yaml"), other_keys);
}

// ---- Reading

TEST(ParameterTable, ReadsEveryKindOfParameter) {
  const Outcome outcome = read(
      "rows: 32\noffset: -5\nclock_ghz: 0.25\ngated: false\ntitle: 'a b'\ndrain: serial\n"
      "weight: fp16\n");
  EXPECT_THAT(outcome.errors, IsEmpty());
  const Params expected{32, -5, 0.25, false, "a b", Drain::serial, find_format("fp16")};
  EXPECT_EQ(outcome.params, expected);
}

TEST(ParameterTable, TakesDefaultsForWhatIsNotGiven) {
  const Outcome outcome = read("{}");
  EXPECT_THAT(outcome.errors, IsEmpty());
  EXPECT_EQ(outcome.params, Params{});
  EXPECT_EQ(read("rows: 4").params.rows, 4);
  EXPECT_EQ(read("rows: 4").params.title, "untitled");
}

TEST(ParameterTable, LeavesTheKeysOfOthersAlone) {
  EXPECT_THAT(read("design: [x]\nrows: 4\n", {"design"}).errors, IsEmpty());
  EXPECT_EQ(read("design: [x]\nrows: 4\n", {"design"}).params.rows, 4);
}

TEST(ParameterTable, NamesAnUnknownKeyTheClosestAndAllAllowedOnes) {
  EXPECT_THAT(read("row: 4").errors,
              ElementsAre("d.yaml:1:1: unknown parameter 'row' (did you mean 'rows'?); allowed: " +
                          std::string(kAllowed)));
  EXPECT_THAT(
      read("rows: 4\n\nvoltage: 1\n").errors,
      ElementsAre("d.yaml:3:1: unknown parameter 'voltage'; allowed: " + std::string(kAllowed)));
  EXPECT_THAT(read("desing: x", {"design"}).errors,
              ElementsAre("d.yaml:1:1: unknown parameter 'desing' (did you mean 'design'?); "
                          "allowed: design, " +
                          std::string(kAllowed)));
}

TEST(ParameterTable, ReportsAllMistakesOfAMapAtOnceInTheOrderOfTheFile) {
  EXPECT_THAT(
      read(
          "rows: 010\noffset: 6\nclock_ghz: nan\ngated: yes\ntitle:\ndrain: seriall\nweight: int5\n"
          "colour: red\n")
          .errors,
      ElementsAre(
          "d.yaml:1:7: 'rows': expected an integer in 1..256, found '010'",
          "d.yaml:2:9: 'offset': expected an integer in -5..5, found '6'",
          "d.yaml:3:12: 'clock_ghz': expected a number in 0.1..5, found 'nan'",
          "d.yaml:4:8: 'gated': expected true or false, found 'yes'",
          "d.yaml:5:1: 'title': expected text without control characters, found nothing",
          "d.yaml:6:8: 'drain': expected serial | overlapped, found 'seriall' (did you mean "
          "'serial'?)",
          "d.yaml:7:9: 'weight': expected int4 | int8 | fp16, found 'int5' (did you mean 'int4'?)",
          "d.yaml:8:1: unknown parameter 'colour'; allowed: " + std::string(kAllowed)));
}

TEST(ParameterTable, NeedsAMap) {
  EXPECT_THAT(read("[rows, 4]").errors,
              ElementsAre("d.yaml:1:1: expected a map, found a sequence"));
  EXPECT_THAT(read("rows").errors, ElementsAre("d.yaml:1:1: expected a map, found 'rows'"));
  EXPECT_THAT(read("").errors, ElementsAre("d.yaml:1:1: expected a map, found nothing"));
}

TEST(ParameterTable, ReportsAViolatedRuleAtItsKey) {
  EXPECT_THAT(read("gated: true\nrows: 3\n").errors,
              ElementsAre("d.yaml:2:7: 'rows': 3 is odd, which gating does not allow"));
  EXPECT_THAT(read("rows: 3\ngated: false\n").errors, IsEmpty());
}

TEST(ParameterTable, ReportsARuleWithoutItsKeyAtTheMap) {
  ParameterTable<Params> table = make_table();
  table.rule("offset", [](const Params& p) -> std::optional<std::string> {
    return p.offset < 0 ? std::optional<std::string>("negative") : std::nullopt;
  });
  EXPECT_THAT(read_with(table, yaml::parse("\n  rows: 4", "d.yaml")).errors,
              ElementsAre("d.yaml:2:3: 'offset': negative"));
}

TEST(ParameterTable, ReportsAllViolatedRules) {
  EXPECT_THAT(read("rows: 255\nclock_ghz: 2.5\n").errors,
              ElementsAre("d.yaml:1:7: 'rows': 255 is odd, which gating does not allow",
                          "d.yaml:2:12: 'clock_ghz': too fast for so many rows"));
}

TEST(ParameterTable, AsksNoRuleAboutValuesThatCouldNotBeRead) {
  ParameterTable<Params> table = make_table();
  int asked = 0;
  table.rule("rows", [&asked](const Params&) -> std::optional<std::string> {
    ++asked;
    return std::nullopt;
  });
  EXPECT_EQ(read_with(table, yaml::parse("rows: x\n", "d.yaml")).errors.size(), 1U);
  EXPECT_EQ(asked, 0);
  EXPECT_THAT(read_with(table, yaml::parse("rows: 2\n", "d.yaml")).errors, IsEmpty());
  EXPECT_EQ(asked, 1);
}

TEST(ParameterTable, ChecksItsRulesInSpiteOfMistakesElsewhere) {
  Diagnostics diagnostics;
  diagnostics.add({"other.yaml", 1, 1}, "of somebody else");
  make_table().read(yaml::parse("rows: 3", "d.yaml"), diagnostics);
  EXPECT_EQ(diagnostics.size(), 2U);
}

TEST(ParameterTable, NamesMissingRequiredParameters) {
  ParameterTable<Params> table;
  table.integer("rows", &Params::rows, {1, 256}, "PEs", "rows of the array").required();
  table.text("title", &Params::title, "what to call it").required();
  table.flag("gated", &Params::gated, "whether clocks are gated");
  EXPECT_THAT(read_with(table, yaml::parse("gated: true", "d.yaml")).errors,
              ElementsAre("d.yaml:1:1: 'rows' is missing: rows of the array",
                          "d.yaml:1:1: 'title' is missing: what to call it"));
  EXPECT_THAT(read_with(table, yaml::parse("title: x\nrows: 4\n", "d.yaml")).errors, IsEmpty());
}

TEST(ParameterTable, DoesNotCallAParameterMissingThatIsThereButWrong) {
  ParameterTable<Params> table;
  table.integer("rows", &Params::rows, {1, 256}, "PEs", "rows of the array").required();
  EXPECT_THAT(read_with(table, yaml::parse("rows:", "d.yaml")).errors,
              ElementsAre("d.yaml:1:1: 'rows': expected an integer in 1..256, found nothing"));
}

// ---- Overrides

Outcome read_with_override(std::string_view text, const std::string& option) {
  YamlNode root = yaml::parse(text, "d.yaml");
  apply(parse_override(option), root);
  return read_with(make_table(), root);
}

TEST(ParameterTable, JudgesAnOverrideLikeTheFileAndNamesTheOption) {
  EXPECT_EQ(read_with_override("rows: 4", "rows=8").params.rows, 8);
  EXPECT_EQ(read_with_override("rows: 4", "title=16").params.title, "16");
  EXPECT_EQ(read_with_override("rows: 4", "weight=int4").params.weight, find_format("int4"));
  EXPECT_THAT(read_with_override("rows: 4", "rows=0").errors,
              ElementsAre("--set rows=0: 'rows': expected an integer in 1..256, found '0'"));
  EXPECT_THAT(read_with_override("rows: 4", "rows=").errors,
              ElementsAre("--set rows=: 'rows': expected an integer in 1..256, found ''"));
  EXPECT_THAT(read_with_override("rows: 4", "row=8").errors,
              ElementsAre("--set row=8: unknown parameter 'row' (did you mean 'rows'?); allowed: " +
                          std::string(kAllowed)));
  EXPECT_THAT(read_with_override("rows: 4", "drain.x=1").errors,
              ElementsAre("--set drain.x=1: 'drain': expected serial | overlapped, found a map"));
}

// ---- One declaration drives everything else

TEST(ParameterTable, DescribesWhatWasDeclared) {
  const std::vector<ParameterInfo> infos = make_table().describe();
  std::vector<std::string> lines;
  for (const ParameterInfo& p : infos) {
    lines.push_back(fmt::format("{} | {} | {} | {} | {} | {} | {} | {}", p.name, p.type, p.allowed,
                                p.default_value, p.unit, p.help, p.rtl, p.required));
  }
  EXPECT_THAT(
      lines,
      ElementsAre(
          "rows | integer | 1..256 | 16 | PEs | rows of the array | Rows | false",
          "offset | integer | -5..5 | -3 |  | an offset |  | false",
          "clock_ghz | number | 0.1..5 | 1.5 | GHz | clock of the array |  | false",
          "gated | flag | true | false | true |  | whether clocks are gated | Gated | false",
          "title | text | any text | untitled |  | what to call it |  | false",
          "drain | choice | serial | overlapped | overlapped |  | how to drain | Drain | false",
          "weight | format | int4 | int8 | fp16 | int8 |  | format of the weights | WBits | "
          "false"));
}

TEST(ParameterTable, DescribesARequiredParameterWithoutADefault) {
  ParameterTable<Params> table;
  table.integer("rows", &Params::rows, {1, 256}, "PEs", "rows").required();
  EXPECT_TRUE(table.describe().at(0).required);
  EXPECT_EQ(table.describe().at(0).default_value, "");
}

TEST(ParameterTable, ResolvesToEveryValueInTheOrderDeclared) {
  EXPECT_EQ(make_table().resolved(read("rows: 4\ndrain: serial\nweight: fp16").params).dump(),
            R"({"rows":4,"offset":-3,"clock_ghz":1.5,"gated":true,"title":"untitled",)"
            R"("drain":"serial","weight":"fp16"})");
}

TEST(ParameterTable, ReadsBackWhatItResolved) {
  const Params params{256,
                      5,
                      0.1 + 0.2,
                      false,
                      "quote \" \\ \n\t\xC3\xA9 # : {",
                      Drain::serial,
                      find_format("int4")};
  const auto json = make_table().resolved(params);
  for (const int indent : {-1, 2}) {
    const Outcome outcome = read(json.dump(indent));
    EXPECT_THAT(outcome.errors, IsEmpty());
    EXPECT_EQ(outcome.params, params);
  }
}

TEST(ParameterTable, GivesTheRtlWhatHasAnRtlName) {
  EXPECT_THAT(make_table().rtl_parameters(Params{}),
              ElementsAre(Pair("Rows", 16), Pair("Gated", 1), Pair("Drain", 3), Pair("WBits", 8)));
  const Params other = read("rows: 2\ngated: false\ndrain: serial\nweight: fp16").params;
  EXPECT_THAT(make_table().rtl_parameters(other),
              ElementsAre(Pair("Rows", 2), Pair("Gated", 0), Pair("Drain", 0), Pair("WBits", 16)));
}

// ---- Declarations that cannot work are bugs of ours

TEST(ParameterTable, RefusesOneNameTwice) {
  ParameterTable<Params> table;
  table.flag("gated", &Params::gated, "first");
  EXPECT_THROW(table.text("gated", &Params::title, "second"), InternalError);
}

TEST(ParameterTable, RefusesARangeThatItsMemberCannotHold) {
  ParameterTable<Params> table;
  EXPECT_THROW(table.integer("rows", &Params::rows, {0, 65536}, "", ""), InternalError);
  EXPECT_THROW(table.integer("rows", &Params::rows, {-1, 10}, "", ""), InternalError);
  EXPECT_NO_THROW(table.integer("rows", &Params::rows, {0, 65535}, "", ""));
}

TEST(ParameterTable, RefusesAnRtlNameForWhatHasNoRtlValue) {
  ParameterTable<Params> table;
  EXPECT_THROW(table.text("title", &Params::title, "").rtl("Title"), InternalError);
  EXPECT_THROW(table.number("clock_ghz", &Params::clock_ghz, {0, 5}, "", "").rtl("Clock"),
               InternalError);
}

TEST(ParameterTable, RefusesAFormatThatDoesNotExist) {
  ParameterTable<Params> table;
  EXPECT_THROW(table.format("weight", &Params::weight, {"int8", "int88"}, ""), InternalError);
}

TEST(ParameterTable, RefusesAChoiceWithoutItsDefault) {
  ParameterTable<Params> table;
  EXPECT_THROW(table.choice("drain", &Params::drain, {{"serial", Drain::serial}}, ""),
               InternalError);
}

TEST(ParameterTable, RefusesToReadWithADefaultThatIsNotAllowed) {
  const YamlNode nothing = yaml::parse("{}", "d.yaml");
  Diagnostics diagnostics;
  ParameterTable<Params> integer;
  integer.integer("rows", &Params::rows, {17, 256}, "", "");
  EXPECT_THROW(integer.read(nothing, diagnostics), InternalError);
  ParameterTable<Params> number;
  number.number("clock_ghz", &Params::clock_ghz, {2, 5}, "", "");
  EXPECT_THROW(number.read(nothing, diagnostics), InternalError);
  ParameterTable<Params> format;
  format.format("weight", &Params::weight, {"int4"}, "");
  EXPECT_THROW(format.read(nothing, diagnostics), InternalError);
}

struct NoDefaults {
  std::uint32_t rows = 0;
  const Format* weight = nullptr;
};

TEST(ParameterTable, NeedsNoDefaultOfWhatIsRequired) {
  ParameterTable<NoDefaults> table;
  table.integer("rows", &NoDefaults::rows, {1, 256}, "", "rows").required();
  table.format("weight", &NoDefaults::weight, {"int4"}, "weights").required();
  EXPECT_EQ(table.describe().at(1).default_value, "");
  Diagnostics diagnostics;
  const NoDefaults read = table.read(yaml::parse("rows: 1\nweight: int4", "d"), diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  EXPECT_EQ(read.weight, find_format("int4"));
}

// ---- An integer or a word

TEST(ParameterTable, AWordStandsForAnInteger) {
  ParameterTable<Params> table;
  table.integer_or_word("rows", &Params::rows, {8, 256}, "all", std::uint16_t{0}, "PEs", "rows");
  const auto read_rows = [&](std::string_view text) {
    return read_with(table, yaml::parse(text, "d.yaml"));
  };
  EXPECT_EQ(read_rows("{}").params.rows, 16);
  EXPECT_EQ(read_rows("rows: all").params.rows, 0);
  EXPECT_EQ(read_rows("rows: 64").params.rows, 64);
  EXPECT_EQ(table.resolved(read_rows("rows: all").params).dump(), R"({"rows":"all"})");
  EXPECT_EQ(table.resolved(Params{}).dump(), R"({"rows":16})");
  EXPECT_EQ(table.describe()[0].allowed, "8..256 | all");
  EXPECT_EQ(table.describe()[0].default_value, "16");
  EXPECT_THAT(read_rows("rows: 0").errors,
              ElementsAre("d.yaml:1:7: 'rows': expected an integer in 8..256, found '0'"));
  EXPECT_THAT(read_rows("rows: al").errors,
              ElementsAre("d.yaml:1:7: 'rows': expected an integer in 8..256 or all, found 'al' "
                          "(did you mean 'all'?)"));
  EXPECT_THAT(read_rows("rows: [64]").errors,
              ElementsAre("d.yaml:1:7: 'rows': expected an integer in 8..256 or all, found a "
                          "sequence"));
}

TEST(ParameterTable, SizesOfAnArraySayTheirRange) {
  ParameterTable<Params> table;
  table.integer("rows", &Params::rows, {1, 256}, "PEs", "rows").rtl("Rows").array_size();
  table.integer("offset", &Params::offset, {-5, 5}, "", "an offset");
  const std::vector<ParameterInfo> infos = table.describe();
  ASSERT_TRUE(infos[0].array_size.has_value());
  EXPECT_EQ(infos[0].array_size->highest, 256);
  EXPECT_FALSE(infos[1].array_size.has_value());
  table.flag("gated", &Params::gated, "whether clocks are gated");
  EXPECT_THROW(table.array_size(), InternalError);
}

}  // namespace
}  // namespace bitsmith
