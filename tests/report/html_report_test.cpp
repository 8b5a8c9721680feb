#include "report/html_report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kHostile =
    "</script><script>alert('x')</script><!-- \"quoted\" & 名前 \xe2\x80\xa8";

ReportPoint point(const std::string& name, int rows, double cycles) {
  return {name,
          {name, std::to_string(rows)},
          {{"schema", "bitsmith.point/1"},
           {"status", "done"},
           {"version", "1.2.3"},
           {"inputs",
            {{"accelerator", {{"name", name}, {"design", {{"rows", rows}, {"cols", 4}}}}},
             {"workload", "w"},
             {"engine", "tile"}}},
           {"metrics", {{"cycles", cycles}, {"energy_pj", nullptr}}},
           {"operators",
            {{{"name", "up"}, {"cycles", 5}, {"stall_cycles", {{"weights", 2}}}},
             {{"name", "down"}, {"cycles", 6}, {"stall_cycles", json::object()}}}},
           {"tech", nullptr}}};
}

HtmlReportInput two_points(const std::string& name = "second") {
  return {"a & <b>",
          {"accelerator", "axis design.rows"},
          {point("first", 8, 100), point(name, 16, 50.5)},
          {"1 point failed."},
          {{"Sweep file", name}}};
}

// The text of the script element with that id.
std::string element(const std::string& page, const std::string& id) {
  const std::string begin = fmt::format("<script type=\"application/json\" id=\"{}\">", id);
  const std::size_t at = page.find(begin);
  if (at == std::string::npos) return "";
  const std::size_t from = at + begin.size();
  return page.substr(from, page.find("</script>", from) - from);
}

json data_of(const HtmlReportInput& input) {
  return json::parse(element(html_report(input), "data"));
}

TEST(HtmlReport, EveryPointIsInByColumn) {
  const json data = data_of(two_points());
  EXPECT_EQ(data["names"], json({"first", "second"}));
  EXPECT_EQ(data["columns"][1],
            json({{"name", "axis design.rows"}, {"values", {"8", "16"}}, {"index", {0, 1}}}));
  EXPECT_EQ(data["metrics"][0], json({{"name", "cycles"}, {"values", {100.0, 50.5}}}));
  EXPECT_EQ(data["notes"], json({"1 point failed."}));
}

TEST(HtmlReport, AnUnknownMetricIsNullAndNever0) {
  const json data = data_of(two_points());
  EXPECT_EQ(data["metrics"][1], json({{"name", "energy_pj"}, {"values", {nullptr, nullptr}}}));
}

TEST(HtmlReport, AMetricInWordsIsNoAxisButStandsWithTheConfiguration) {
  HtmlReportInput input = two_points();
  input.points[0].record["metrics"]["technology"] = "osu018";
  input.points[1].record["metrics"]["technology"] = nullptr;
  const json data = data_of(input);
  EXPECT_EQ(data["metrics"].size(), 2U);
  EXPECT_THAT(data["configuration"],
              testing::Contains(json(
                  {{"path", "technology"}, {"values", {"osu018", nullptr}}, {"index", {0, 1}}})));
}

TEST(HtmlReport, ProvenanceHasTheTechnologyWithoutItsModules) {
  HtmlReportInput input = two_points();
  input.points[0].record["tech"] = {
      {"array", {{"technology", "osu018"}, {"modules", {{{"module", "pe"}, {"area_um2", 12.5}}}}}}};
  const json provenance = data_of(input)["provenance"];
  EXPECT_THAT(provenance, testing::Contains(json({"Technology: array.technology", "osu018"})));
  EXPECT_THAT(provenance.dump(), Not(HasSubstr("modules")));
}

TEST(HtmlReport, AConfigurationIsStoredOnceWherePointsShareIt) {
  const json data = data_of(two_points());
  const json& configuration = data["configuration"];
  EXPECT_THAT(configuration, testing::Contains(json({{"path", "design.cols"}, {"values", {4}}})));
  EXPECT_THAT(
      configuration,
      testing::Contains(json({{"path", "design.rows"}, {"values", {8, 16}}, {"index", {0, 1}}})));
}

TEST(HtmlReport, APathThatOnlyOnePointHasIsNullElsewhere) {
  HtmlReportInput input = two_points();
  input.points[1].record["inputs"]["accelerator"]["extra"] = 7;
  EXPECT_THAT(
      data_of(input)["configuration"],
      testing::Contains(json({{"path", "extra"}, {"values", {7, nullptr}}, {"index", {1, 0}}})));
}

TEST(HtmlReport, OperatorsAreColumnsOfTheirPoint) {
  const std::string page = html_report(two_points());
  EXPECT_EQ(
      json::parse(element(page, "point-1")),
      json({{"name", {"up", "down"}}, {"cycles", {5, 6}}, {"stall_cycles.weights", {2, nullptr}}}));
  EXPECT_EQ(element(page, "point-2"), "");
}

TEST(HtmlReport, AnyTextComesBackAsItWas) {
  const HtmlReportInput input = two_points(kHostile);
  const std::string page = html_report(input);
  const json data = json::parse(element(page, "data"));
  EXPECT_EQ(data["names"][1], kHostile);
  EXPECT_EQ(data["provenance"][0], json({"Sweep file", kHostile}));
  EXPECT_THAT(page, Not(HasSubstr("alert('x')</script>")));
  EXPECT_THAT(page, HasSubstr("<title>a &amp; &lt;b&gt;</title>"));
  // As many elements as without such a name.
  const auto elements = [](const std::string& text) {
    const std::regex begin("<script|<!--");
    return std::distance(std::sregex_iterator(text.begin(), text.end(), begin), {});
  };
  EXPECT_EQ(elements(page), elements(html_report(two_points())));
}

TEST(HtmlReport, WhatIsNoUtf8IsReplaced) {
  HtmlReportInput input = two_points("\xff\xfe");
  input.title = "\xff";
  const std::string page = html_report(input);
  EXPECT_EQ(json::parse(element(page, "data"))["names"][1], "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_THAT(page, HasSubstr("<title>\xef\xbf\xbd</title>"));
}

TEST(HtmlReport, NothingComesFromTheNetwork) {
  const std::string page = html_report(two_points());
  const std::regex fetched(
      R"((src|href|srcset|action)\s*=\s*["']?\s*(https?:|//)|@import|url\(\s*["']?http)",
      std::regex::icase);
  std::smatch found;
  EXPECT_FALSE(std::regex_search(page, found, fetched)) << found.str();
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST(HtmlReport, ProvenanceNamesVersionAndTechnology) {
  HtmlReportInput input = two_points();
  input.points[1].record["tech"] = {{"liberty", "osu018"}};
  std::vector<std::string> rows;
  const json data = data_of(input);
  for (const json& row : data["provenance"]) rows.push_back(row.dump());
  EXPECT_THAT(rows,
              testing::IsSupersetOf({std::string(R"(["Sweep file","second"])"),
                                     std::string(R"(["Points computed by","bitsmith 1.2.3"])"),
                                     std::string(R"(["Technology: liberty","osu018"])")}));
  EXPECT_EQ(data_of(two_points())["provenance"][2], json({"Technology", "unknown"}));
}

TEST(HtmlReport, TheLicenceOfTheChartLibraryIsIn) {
  const std::string page = html_report(two_points());
  EXPECT_THAT(page, HasSubstr("Permission is hereby granted"));
  EXPECT_THAT(page, HasSubstr("Chart.js Contributors"));
}

}  // namespace
}  // namespace bitsmith
