#include "reproduce/lut_tensor_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/file.h"
#include "common/process.h"

namespace bitsmith::reproduce::lut_tensor_core {
namespace {

using testing::HasSubstr;

const Row& find(const std::vector<Row>& rows, std::string_view table, std::string_view name) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) {
    return r.table.starts_with(table) && r.row == name;
  });
  if (row == rows.end()) throw std::runtime_error("no row " + std::string(name));
  return *row;
}

// Every table takes 100, every lane 10, every column 5.
SynthesisRecords invented() {
  const auto designs = all_designs();
  std::vector<SynthesisRecord> records;
  for (const RtlModule& module : recorded_modules(designs)) {
    SynthesisRecord record;
    record.module = module.name;
    record.parameters = module.parameters;
    record.area_um2 = record.module.ends_with("table")  ? 100
                      : record.module.ends_with("lane") ? 10
                                                        : 5;
    record.rtl_hash = hash_of_rtl(module);
    record.library = kDefaultLibrary;
    records.push_back(record);
  }
  records.emplace_back();
  records.back().module = "XNOR2X1";
  records.back().area_um2 = 0.25;
  records.back().library = kDefaultLibrary;
  return SynthesisRecords(records);
}

TEST(LutTensorCorePaper, RecordsAreOfTheRtlInTheTree) {
  const SynthesisRecords records = SynthesisRecords::read(records_file());
  EXPECT_GE(records.libraries().size(), 4U);
  std::size_t needed = 0;
  for (const std::string& library : records.libraries()) {
    const bool is_default = library == kDefaultLibrary;
    const auto modules = recorded_modules(is_default ? all_designs() : ablation_designs());
    needed += modules.size() + 1;
    EXPECT_NE(records.find_cell(library), nullptr) << library;
    for (const RtlModule& module : modules) {
      const SynthesisRecord* record = records.find(module, library);
      ASSERT_NE(record, nullptr) << module.name << " has no record; make them anew: " << kCommand;
      ASSERT_EQ(record->rtl_hash, hash_of_rtl(module))
          << "the RTL has changed since the records were made; make them anew: " << kCommand;
    }
  }
  EXPECT_EQ(records.all().size(), needed) << "make them anew: " << kCommand;
}

// Some small modules of every kind, made anew.
TEST(LutTensorCorePaper, RecordsAreWhatSynthesisGives) {
  const SynthesisRecords records = SynthesisRecords::read(records_file());
  std::vector<RtlModule> modules;
  std::vector<std::unique_ptr<const Design>> designs;
  designs.push_back(design_of({.n = 128, .k = 2, .table = "int8", .precompute = "fused"}));
  designs.push_back(design_of({.engine = "add"}));
  for (const RtlModule& module : recorded_modules(designs)) {
    if (!module.name.ends_with("column")) modules.push_back(module);
  }
  ASSERT_EQ(modules.size(), 5U);  // table, lane and sum lane; table and lane
  const auto made =
      make_records(modules, {default_liberty()}, [](std::size_t, std::size_t, const auto&) {});
  for (std::size_t i = 0; i < modules.size(); ++i) {
    SynthesisRecord now = made[i];
    const SynthesisRecord* stored = records.find(modules[i], kDefaultLibrary);
    ASSERT_NE(stored, nullptr) << "make the records anew: " << kCommand;
    EXPECT_FALSE(now.date.empty());
    now.date = stored->date;
    EXPECT_EQ(now, *stored) << now.module << ": " << now.area_um2 << " and " << stored->area_um2
                            << " um2, " << now.yosys << " and " << stored->yosys
                            << "; make the records anew: " << kCommand;
  }
}

TEST(LutTensorCorePaper, RowsAreRatiosOfAreaPerProduct) {
  const std::vector<Row> all = rows(load_claims(), invented());
  // Two tables, 128 lanes, two sum lanes where bits are -1 and +1, 64 columns.
  constexpr double kHalf = 2 * 100 + 130 * 10;
  constexpr double kFull = 2 * 100 + 128 * 10;
  constexpr double kColumns = 64 * 5;
  const Row& core = find(all, "ablation", "LUT Tensor Core");
  EXPECT_DOUBLE_EQ(core.ours.value(), kFull / kHalf);
  EXPECT_DOUBLE_EQ(core.with_columns.value(), (kFull + kColumns) / (kHalf + kColumns));
  EXPECT_EQ(core.claim, 1.440);
  // Three gates in each column.
  EXPECT_DOUBLE_EQ(find(all, "ablation", "+ weight reinterpretation").ours.value(),
                   kFull / (kHalf + 64 * 3 * 0.25));
  EXPECT_EQ(find(all, "ablation", "UNPU-like").ours, 1);
  // One table less, and a row of 128 lanes with a sum lane; per product.
  EXPECT_DOUBLE_EQ(find(all, "shapes", "1x128x4").ours.value(), (100 + 129 * 10) / kHalf);
  EXPECT_DOUBLE_EQ(find(all, "shapes", "2x51x5").ours.value(),
                   (2 * 100 + 104 * 10) / 510.0 / (kHalf / 512));
  // Planes take a cycle each, a product of multipliers one for all.
  EXPECT_DOUBLE_EQ(find(all, "weight", "W4 ADD over MAC of 8-bit weights").ours.value(), 0.25);
  EXPECT_DOUBLE_EQ(
      find(all, "weight", "W1 conventional LUT over MAC of the same weights").ours.value(), 1);
  EXPECT_EQ(find(all, "weight", "widest weights of ADD over MAC of 8-bit weights").ours, 0);
}

TEST(LutTensorCorePaper, WidestWeightsAreThoseBeforeTheFirstThatLoses) {
  SynthesisRecords records = invented();
  std::vector<SynthesisRecord> changed = records.all();
  for (SynthesisRecord& record : changed) {
    const auto is = [&](std::string_view name, std::int64_t value) {
      return std::find(record.parameters.begin(), record.parameters.end(),
                       std::pair(std::string(name), value)) != record.parameters.end();
    };
    // Multipliers four and a half times larger, and adders that do not grow.
    if (record.module.ends_with("lane") && is("Engine", 4)) record.area_um2 *= 4.5;
  }
  const std::vector<Row> all = rows(load_claims(), SynthesisRecords(changed));
  const Row& widest = find(all, "weight", "widest weights of ADD over MAC of 8-bit weights");
  EXPECT_EQ(widest.ours, 4);          // 5960 / 1480 / 4 = 1.007
  EXPECT_EQ(widest.with_columns, 3);  // 6280 / 1800 / 3 = 1.16
  EXPECT_EQ(widest.claim, 2);
  EXPECT_EQ(widest.unit, "bits");
}

TEST(LutTensorCorePaper, OtherRtlIsStaleAndNoRecordIsNoFigure) {
  std::vector<SynthesisRecord> records = invented().all();
  for (SynthesisRecord& record : records) {
    if (!record.rtl_hash.empty()) record.rtl_hash = "of other sources";
  }
  std::size_t stale = 0;
  for (const Row& row : rows(load_claims(), SynthesisRecords(records))) {
    EXPECT_FALSE(row.ours || row.with_columns) << row.row;
    EXPECT_EQ(row.note.find(kCommand) != std::string::npos, row.stale) << row.row;
    stale += row.stale ? 1 : 0;
  }
  EXPECT_GT(stale, 50U);
  for (const Row& row : rows(load_claims(), SynthesisRecords())) {
    EXPECT_FALSE(row.ours || row.with_columns || row.stale) << row.row;
    EXPECT_EQ(row.note.find(kCommand) != std::string::npos, row.missing) << row.row;
  }
}

TEST(LutTensorCorePaper, AnotherLibraryHasTheAblationAlone) {
  std::vector<SynthesisRecord> both = invented().all();
  const std::size_t of_default = rows(load_claims(), SynthesisRecords(both)).size();
  SynthesisRecords records(both);
  for (SynthesisRecord& record : both) record.library = "another";
  records.replace_library(both);
  EXPECT_EQ(records.libraries(),
            (std::vector<std::string>{std::string(kDefaultLibrary), "another"}));
  const std::vector<Row> all = rows(load_claims(), records);
  ASSERT_EQ(all.size(), of_default + 6);
  EXPECT_EQ(all[11].row, "LUT Tensor Core");
  EXPECT_EQ(all[11].technology, "another");
  EXPECT_EQ(all[11].ours, find(all, "ablation", "LUT Tensor Core").ours);
  // Once more: in the place of the ones before.
  records.replace_library({both.front()});
  EXPECT_EQ(records.all().size(), both.size() + 1);
}

// Every table takes 100 pJ per cycle, every lane 10, every column 5.
Technology with_energies() {
  Technology technology;
  technology.name = "hand";
  technology.source.library = "hand_cells";
  auto designs = ablation_designs();
  designs.push_back(design_of({.engine = "lut_negate"}));
  for (const RtlModule& module : recorded_modules(designs)) {
    ModuleRecord record;
    record.cost.name = module.name;
    record.cost.leakage_uw = 0;
    record.parameters = module.parameters;
    record.operands = "int8 x int2, int8 scales of 128";  // of all of them
    record.rtl_hash = hash_of_rtl(module);
    record.energy_period_ps = 1000;
    EnergyRecord energy;
    energy.switching_pj = module.name.ends_with("table")  ? 100
                          : module.name.ends_with("lane") ? 10
                                                          : 5;
    record.energies.at(OperandClass::llm, PeCycleClass::mac) = energy;
    technology.add(record);
  }
  return technology;
}

TEST(LutTensorCorePaper, EnergyEfficiencyIsOfTheRecords) {
  const std::vector<Row> all = energy_rows(load_claims(), {with_energies()});
  ASSERT_EQ(all.size(), 6U);
  constexpr double kHalf = 2 * 100 + 130 * 10;
  constexpr double kFull = 2 * 100 + 128 * 10;
  constexpr double kColumns = 64 * 5;
  EXPECT_EQ(find(all, "ablation", "UNPU-like").ours, 1);
  for (const auto& [name, claim] : {std::pair("+ weight reinterpretation", 1.301),
                                    {"+ negation elimination", 1.347},
                                    {"LUT Tensor Core", 1.442}}) {
    const Row& row = find(all, "ablation", name);
    EXPECT_EQ(row.claim, claim);
    EXPECT_DOUBLE_EQ(row.ours.value(), kFull / kHalf) << name;
    EXPECT_DOUBLE_EQ(row.with_columns.value(), (kFull + kColumns) / (kHalf + kColumns)) << name;
    EXPECT_EQ(row.technology, "hand_cells");
    EXPECT_TRUE(row.remarks.empty());
  }
  // 512 products of two planes: 256 per cycle.
  EXPECT_THAT(all[0].measured, HasSubstr(fmt::format("{:.4g} + 0 pJ", kFull / 256)));
  EXPECT_FALSE(find(all, "ablation", "+ 8-bit tables alone").claim);
}

TEST(LutTensorCorePaper, EnergyWithoutRecordsIsNoFigure) {
  Technology technology = with_energies();
  for (const Row& row : energy_rows(load_claims(), {})) {
    EXPECT_FALSE(row.ours || row.with_columns) << row.row;
    EXPECT_FALSE(row.remarks.empty());
  }
  // Without the column of LUT Tensor Core only the figure with columns goes.
  Technology less;
  less.name = "less";
  less.source = technology.source;
  const auto core = design_of({.table = "int8", .precompute = "fused"});
  std::string column;
  for (const RtlDescription::Module& module : core->rtl().modules) {
    if (module.name.ends_with("column"))
      column = key_of_record(module.name, module.parameters, module.operands);
  }
  for (const auto& [key, record] : technology.by_key()) {
    if (key != column) less.add(record);
  }
  ASSERT_EQ(less.records() + 1, technology.records());
  const std::vector<Row> rows = energy_rows(load_claims(), {less});
  const Row& row = find(rows, "ablation", "LUT Tensor Core");
  EXPECT_TRUE(row.ours);
  EXPECT_FALSE(row.with_columns);
  EXPECT_THAT(row.remarks.at(0), HasSubstr("less has no record of lut_tensor_core_column"));
  EXPECT_THAT(row.remarks.at(0), HasSubstr("int8_int2_2x64x4.yaml --tech less"));
}

TEST(LutTensorCorePaper, MistakesInItsFilesAreNamed) {
  Diagnostics diagnostics;
  read_claims(yaml::parse("source: x\nwidest_lut: 20\nwidest_ad: 2\n", "paper.yaml"), diagnostics);
  EXPECT_GE(diagnostics.size(), 3U);
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const auto message = [&](std::string_view text) -> std::string {
    const std::filesystem::path file = folder.path() / "records.json";
    write_file_atomically(file, text);
    try {
      SynthesisRecords::read(file);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("{"), HasSubstr("not a file of synthesis records"));
  EXPECT_THAT(message(R"({"schema": "bitsmith.synthesis_records/1", "records": [{}]})"),
              HasSubstr("not a file of synthesis records"));
  EXPECT_THAT(message(R"({"schema": "bitsmith.synthesis_records/2"})"),
              HasSubstr("another schema"));
  EXPECT_EQ(message(invented().text()), "");
  EXPECT_EQ(SynthesisRecords::read(folder.path() / "records.json").all(), invented().all());
}

}  // namespace
}  // namespace bitsmith::reproduce::lut_tensor_core
