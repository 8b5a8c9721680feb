#include "reproduce/area_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/file.h"

namespace bitsmith::reproduce {
namespace {

using testing::HasSubstr;

constexpr std::string_view kCommand = "the command";
const std::vector<std::string_view> kPapers = {"bitmod", "mixpe"};

constexpr std::string_view kTwoUnits = R"(source: a paper
units:
  small:
    design: {design: systolic, rows: 4, cols: 4, activation: int8, weight: int8}
    modules: [{module: systolic_os_pe, count: 2}, {module: systolic_product, count: 0.5, parameters: {ABits: 8}}]
  large:
    sources: [common/lzc.sv]
    modules: [{module: lzc, parameters: {Width: 12}}]
comparisons:
  - {table: t, row: plain, unit: small, over: large, claim: 0.5, note: n}
  - {table: t, row: busy, unit: small, over: large, work: 4, note: n}
  - {table: t, row: slow, unit: small, over: large, quantity: area x critical path, note: n}
  - {table: t, row: whole, unit: small, over: large, quantity: area of all, claim: 0.9, note: n}
)";

AreaComparisons two_units() {
  Diagnostics diagnostics;
  AreaComparisons result =
      read_area_comparisons(yaml::parse(kTwoUnits, "two.yaml", diagnostics), diagnostics);
  diagnostics.throw_if_any();
  return result;
}

SynthesisRecord record_of(const RtlModule& module, double area_um2, std::string_view library) {
  SynthesisRecord record;
  record.module = module.name;
  record.parameters = module.parameters;
  record.area_um2 = area_um2;
  record.critical_path_ps = 10 * area_um2;
  record.rtl_hash = hash_of_rtl(module);
  record.library = library;
  return record;
}

std::vector<SynthesisRecord> invented(const AreaComparisons& comparisons,
                                      std::string_view library) {
  std::vector<SynthesisRecord> records;
  double area = 100;
  for (const RtlModule& module : comparisons.modules()) {
    records.push_back(record_of(module, area, library));
    area += 100;
  }
  return records;
}

TEST(AreaComparison, RatiosAreOfCountedModulesPerWork) {
  const AreaComparisons comparisons = two_units();
  ASSERT_EQ(comparisons.modules().size(), 3U);
  const auto rows =
      area_rows(comparisons, SynthesisRecords(invented(comparisons, kDefaultLibrary)), kCommand);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_DOUBLE_EQ(rows[0].ours.value(), (2 * 100 + 0.5 * 200) / 300);
  EXPECT_DOUBLE_EQ(rows[1].ours.value(), (2 * 100 + 0.5 * 200) / 300 / 4);
  EXPECT_EQ(rows[0].claim, 0.5);
  EXPECT_FALSE(rows[1].claim);
  EXPECT_EQ(rows[0].measured, "300 um2, 2000 ps against 300 um2, 3000 ps");
  EXPECT_EQ(rows[0].technology, kDefaultLibrary);
  EXPECT_DOUBLE_EQ(rows[2].ours.value(), (2 * 100 + 0.5 * 200) / 300 * 2000 / 3000);
  EXPECT_FALSE(rows[3].ours || rows[3].missing || rows[3].stale);
  EXPECT_EQ(rows[3].unit, "ratio of area of all");
  EXPECT_EQ(rows[3].technology, "");
}

TEST(AreaComparison, EveryLibraryHasItsOwnRows) {
  const AreaComparisons comparisons = two_units();
  SynthesisRecords records(invented(comparisons, kDefaultLibrary));
  auto others = invented(comparisons, "another");
  others.back().area_um2 = 600;
  records.replace_library(others);
  const auto rows = area_rows(comparisons, records, kCommand);
  ASSERT_EQ(rows.size(), 7U);  // a claim alone stands once
  EXPECT_EQ(rows[1].technology, "another");
  EXPECT_DOUBLE_EQ(rows[1].ours.value(), 0.5);
  EXPECT_DOUBLE_EQ(rows[0].ours.value(), 1);
}

TEST(AreaComparison, OtherRtlIsStaleAndNoRecordIsNoFigure) {
  const AreaComparisons comparisons = two_units();
  auto records = invented(comparisons, kDefaultLibrary);
  records.front().rtl_hash = "of other sources";
  for (const CostRow& row : area_rows(comparisons, SynthesisRecords(records), kCommand)) {
    const bool is_area = row.unit != "ratio of area of all";
    EXPECT_EQ(row.stale, is_area) << row.row;
    EXPECT_FALSE(row.ours) << row.row;
    EXPECT_EQ(row.measured, "") << row.row;
    EXPECT_EQ(
        row.note.find("stale: the RTL has changed since, run the command") != std::string::npos,
        is_area);
  }
  for (const CostRow& row : area_rows(comparisons, {}, kCommand)) {
    EXPECT_FALSE(row.ours || row.stale) << row.row;
    EXPECT_EQ(row.missing, row.unit != "ratio of area of all") << row.row;
  }
  // In other parameters it is another module.
  records = invented(comparisons, kDefaultLibrary);
  records.back().parameters = {{"Width", 13}};
  EXPECT_TRUE(area_rows(comparisons, SynthesisRecords(records), kCommand).front().missing);
}

TEST(AreaComparison, MistakesAreAllNamed) {
  Diagnostics diagnostics;
  read_area_comparisons(yaml::parse(R"(source: x
units:
  a: {design: {design: systolic, rows: 4, cols: 4}, modules: [{module: no_such_module}], size: 3}
  b: {sources: [common/none.sv], modules: [{module: lzc, count: 0}]}
  c: {modules: 3}
comparisons:
  - {table: t, row: r, unit: a, over: d, note: n}
)",
                                    "paper.yaml"),
                        diagnostics);
  try {
    diagnostics.throw_if_any();
    FAIL() << "no mistake was found";
  } catch (const UserError& error) {
    const std::string text = error.what();
    for (const char* part : {"paper.yaml:3:", "says no parameters of module 'no_such_module'",
                             "unknown key 'size'", "there is no rtl/common/none.sv", "'count'",
                             "'sources': expected a sequence, found nothing", "unknown unit 'd'"}) {
      EXPECT_THAT(text, HasSubstr(part));
    }
  }
}

TEST(AreaComparison, ShippedRecordsAreOfTheRtlInTheTreeInFourLibraries) {
  for (const std::string_view paper : kPapers) {
    const AreaComparisons comparisons = load_area_comparisons(paper);
    const SynthesisRecords records = SynthesisRecords::read(area_records_file(paper));
    const auto modules = comparisons.modules();
    EXPECT_EQ(records.libraries().size(), 4U) << paper;
    EXPECT_EQ(records.all().size(), modules.size() * records.libraries().size()) << paper;
    for (const CostRow& row : area_rows(comparisons, records, kCommand)) {
      EXPECT_FALSE(row.stale || row.missing)
          << row.row << ", " << row.technology << ": make the records of " << paper << " anew";
    }
  }
}

// The claim of a PE's area, made anew from the RTL: Yosys of another version may differ a little.
TEST(AreaComparison, BitmodOverItsBaselineIsWhatSynthesisGives) {
  const AreaComparisons all = load_area_comparisons("bitmod");
  AreaComparisons one{all.source, all.units, {all.comparisons.front()}};
  ASSERT_EQ(one.comparisons.front().claim, 0.7625);
  const auto stored = area_rows(one, SynthesisRecords::read(area_records_file("bitmod")), kCommand);
  std::vector<RtlModule> modules;
  for (const std::size_t unit : {one.comparisons.front().unit, one.comparisons.front().over}) {
    modules.push_back(one.units[unit].parts.front().module);
  }
  const SynthesisRecords made(
      make_records(modules, {default_liberty()}, [](std::size_t, std::size_t, const auto&) {}));
  const auto now = area_rows(one, made, kCommand);
  ASSERT_TRUE(now.front().ours && stored.front().ours);
  EXPECT_NEAR(*now.front().ours / *stored.front().ours, 1, 0.01);
}

}  // namespace
}  // namespace bitsmith::reproduce
