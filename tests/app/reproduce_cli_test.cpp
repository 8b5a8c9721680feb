// `bitsmith reproduce`: the schema that users read, and their mistakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "common/file.h"
#include "common/process.h"
#include "cost/technology.h"

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::HasSubstr;

ProcessResult bitsmith(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), BITSMITH_BINARY);
  return run_process(arguments, std::filesystem::temp_directory_path());
}

TEST(ReproduceCli, RowsExplainTheirDifference) {
  const ProcessResult result = bitsmith({"reproduce", "scale-sim", "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const json report = json::parse(result.output);
  EXPECT_EQ(report["schema"], "bitsmith.reproduce/1");
  ASSERT_EQ(report["rows"].size(), 16U);
  EXPECT_EQ(report["rows"][0]["claim"], 10111);
  EXPECT_EQ(report["rows"][0]["ours"], 64 * (128 + 47) + 2);
  EXPECT_EQ(report["rows"][1]["paper"], "STONNE");
  EXPECT_EQ(report["rows"][1]["claim"], 10432);
  for (const json& row : report["rows"]) {
    std::int64_t sum = row["claim"];
    for (const json& term : row["terms"]) sum += term["cycles"].get<std::int64_t>();
    EXPECT_EQ(row["ours"], sum) << row;
    EXPECT_EQ(row["unit"], "cycles");
    EXPECT_DOUBLE_EQ(
        row["relative_difference"],
        (row["ours"].get<double>() - row["claim"].get<double>()) / row["claim"].get<double>());
    EXPECT_TRUE(row["table"].is_string() && row["row"].is_string() && row["note"].is_string());
  }
}

TEST(ReproduceCli, BitmodMeetsTheTotalsOfItsScript) {
  const ProcessResult result = bitsmith({"reproduce", "bitmod", "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const json report = json::parse(result.output);
  EXPECT_EQ(report["schema"], "bitsmith.reproduce/1");
  const std::size_t costs = 33 + 5 * technology_names().size();  // areas, energies
  ASSERT_EQ(report["rows"].size(), 2U * 6 * 5 + 2 + 2 * 7 + costs);
  EXPECT_EQ(report["rows"][0]["claim"], 669255680);
  EXPECT_EQ(report["rows"][0]["table"], "prefill of 256 tokens");
  EXPECT_EQ(report["rows"][0]["row"], "opt-1.3b, FP16");
  for (const json& row : report["rows"]) {
    EXPECT_EQ(row["paper"], "BitMoD");
    EXPECT_FALSE(row["note"].get<std::string>().empty());
    if (row.contains("technology")) continue;
    const std::string name = row["row"];
    const bool has_array =
        row["unit"] == "cycles" && name.find("ANT") == name.npos && name.find("OliVe") == name.npos;
    EXPECT_EQ(row["exact"].is_number_unsigned(), has_array) << row;
    EXPECT_EQ(row["exact"].is_null(), !has_array) << row;
    if (row["unit"] != "cycles") continue;
    if (has_array) {
      EXPECT_GT(row["exact"], row["claim"]);
    } else {
      EXPECT_THAT(row["note"], HasSubstr("no verified array of this kind"));
    }
    EXPECT_EQ(row["ours"], row["claim"]) << row;
    EXPECT_EQ(row["relative_difference"], 0);
  }
  const json& headline = report["rows"][61];
  EXPECT_EQ(headline["row"], "BitMoD lossy over OliVe, average speedup");
  EXPECT_EQ(headline["claim"], 1.48);
  EXPECT_NEAR(headline["relative_difference"], -0.0041, 1e-4);
  EXPECT_THAT(headline["note"], HasSubstr("does not say"));
  const json& error = report["rows"][report["rows"].size() - costs - 1];
  EXPECT_EQ(error["row"], "ternary, worst result");
  EXPECT_TRUE(error["claim"].is_null() && error["relative_difference"].is_null());
  EXPECT_GT(error["ours"], 1e-5);
  EXPECT_LT(error["ours"], 1e-3);
  EXPECT_GE(report["simplifications"].size(), 10U);
}

bool is_of_energy(const json& row) {
  const std::string unit = row["unit"];
  return unit.find("energy") != unit.npos || unit.find("power") != unit.npos;
}

// In every technology, with a figure or the reason why there is none.
TEST(ReproduceCli, EnergiesOfPesStandBesideTheirClaims) {
  const std::map<std::string, std::size_t> comparisons_of = {
      {"bitmod", 5}, {"mixpe", 12}, {"lut-tensor-core", 6}};
  for (const auto& [paper, comparisons] : comparisons_of) {
    const json report = json::parse(bitsmith({"reproduce", paper, "--json", "-"}).output);
    std::map<std::string, std::size_t> by_library;
    for (const json& row : report["rows"]) {
      if (!row.contains("technology") || !is_of_energy(row)) continue;
      ++by_library[row["technology"]];
      if (row["ours"].is_null()) {
        EXPECT_TRUE(row["measured"].is_null() && row["relative_difference"].is_null()) << row;
        EXPECT_THAT(row["note"], HasSubstr(" has no ")) << row;
        continue;
      }
      EXPECT_GT(row["ours"], 0) << row;
      EXPECT_THAT(row["measured"], HasSubstr(" pJ against "));
      EXPECT_EQ(row["relative_difference"].is_null(), row["claim"].is_null()) << row;
    }
    EXPECT_EQ(by_library.size(), technology_names().size());
    for (const auto& [library, rows] : by_library) EXPECT_EQ(rows, comparisons) << library;
  }
}

// In every library; what is not known is null and says why.
TEST(ReproduceCli, AreasOfPesStandBesideTheirClaims) {
  for (const std::string paper : {"bitmod", "mixpe"}) {
    const json report = json::parse(bitsmith({"reproduce", paper, "--json", "-"}).output);
    std::map<std::string, std::size_t> by_library;
    for (const json& row : report["rows"]) {
      if (!row.contains("technology")) continue;
      EXPECT_EQ(row["stale"], false) << row;
      if (is_of_energy(row)) continue;
      if (row["technology"].is_null()) {
        EXPECT_TRUE(row["ours"].is_null()) << row;
        EXPECT_THAT(row["note"], HasSubstr("ours is not known"));
        continue;
      }
      ++by_library[row["technology"]];
      EXPECT_THAT(row["unit"], HasSubstr("ratio of area"));
      EXPECT_GT(row["ours"], 0.05) << row;
      EXPECT_LT(row["ours"], 2) << row;
      EXPECT_THAT(row["measured"], HasSubstr("um2"));
    }
    EXPECT_EQ(by_library.size(), 4U);
    for (const auto& [library, rows] : by_library)
      EXPECT_EQ(rows, paper == "bitmod" ? 8U : 7U) << library;
  }
}

TEST(ReproduceCli, LutTensorCoreIsRatiosOfArea) {
  const ProcessResult result = bitsmith({"reproduce", "lut-tensor-core", "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const json report = json::parse(result.output);
  EXPECT_EQ(report["schema"], "bitsmith.reproduce/1");
  // Areas of the ablation in four libraries, energies in every technology.
  ASSERT_EQ(report["rows"].size(), 100U + 6 * technology_names().size());
  for (const json& row : report["rows"]) {
    EXPECT_EQ(row["paper"], "LUT Tensor Core");
    EXPECT_FALSE(row["note"].get<std::string>().empty());
    EXPECT_EQ(row["stale"], false) << row;
    // A record of the columns alone may be missing.
    if (row["ours"].is_null() || !is_of_energy(row)) {
      EXPECT_EQ(row["ours"].is_null(), row["with_columns"].is_null());
    }
    if (row["claim"].is_null() || row["ours"].is_null()) {
      EXPECT_TRUE(row["relative_difference"].is_null()) << row;
    } else {
      EXPECT_NEAR(row["relative_difference"],
                  row["ours"].get<double>() / row["claim"].get<double>() - 1, 1e-12);
    }
  }
  EXPECT_EQ(report["rows"][0]["row"], "UNPU-like");
  EXPECT_EQ(report["rows"][0]["relative_difference"], 0);
  EXPECT_EQ(report["rows"][5]["claim"], 1.440);
  const json& energy = report["rows"].back();
  EXPECT_EQ(energy["claim"], 1.442);
  EXPECT_EQ(energy["unit"], "ratio of products per energy");
  const ProcessResult text = bitsmith({"reproduce", "lut-tensor-core"});
  EXPECT_EQ(text.exit_code, 0);
  for (const std::string part : {"2x64x4", "with columns", "Never the edge", "osu018", "Yosys"}) {
    EXPECT_THAT(text.output, HasSubstr(part));
  }
}

TEST(ReproduceCli, MixpeMeetsWhatItsScriptPublishes) {
  const ProcessResult result = bitsmith({"reproduce", "mixpe", "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const json report = json::parse(result.output);
  EXPECT_EQ(report["schema"], "bitsmith.reproduce/1");
  ASSERT_EQ(report["rows"].size(), 4U * 6 + 5 * 5 + 4 * 4 + 28 + 12 * technology_names().size());
  EXPECT_EQ(report["rows"][0]["row"], "vit-b, MixPE W4A8");
  EXPECT_TRUE(report["rows"][0]["claim"].is_null());
  EXPECT_TRUE(report["rows"][0]["relative_difference"].is_null());
  EXPECT_EQ(report["rows"][12]["row"], "opt-6.7b, MixPE W4A8");
  EXPECT_EQ(report["rows"][12]["claim"], 50671104);
  // The dequantiser takes 128 steps for each group of 128 weights of 64 columns.
  EXPECT_EQ(report["rows"][12]["exact"], 32 * 128 * (3 * 2048 + 2048 + 8192 + 8192) + 48768);
  EXPECT_TRUE(report["rows"][13]["exact"].is_null());
  EXPECT_TRUE(report["rows"][14]["exact"].is_null());
  EXPECT_EQ(report["rows"][15]["exact"], 402684800);
  EXPECT_EQ(report["rows"][16]["exact"], 256009600);
  EXPECT_EQ(report["rows"][17]["exact"], 461452928);
  for (const json& row : report["rows"]) {
    EXPECT_EQ(row["paper"], "MixPE");
    if (row.contains("technology")) continue;
    if (row["unit"] == "cycles") {
      EXPECT_TRUE(row["claim"].is_null() || row["ours"] == row["claim"]) << row;
    } else if (!row["claim"].is_null()) {
      EXPECT_EQ(row["table"], "time relative to FP16");
      EXPECT_NEAR(row["ours"], row["claim"], 0.00501) << row;
      EXPECT_THAT(row["note"], HasSubstr("rounds to the same"));
    }
  }
  const json& opt = report["rows"][24 + 25 + 2];
  EXPECT_EQ(opt["row"], "opt-6.7b, W4A16 at the edge: FP16 array with a converter / MixPE");
  EXPECT_EQ(opt["note"], "2,855,965,440 / 2,553,975,424 cycles");
  EXPECT_DOUBLE_EQ(opt["exact"], 2855965440.0 / 2553975424);
  EXPECT_TRUE(opt["ours"].is_null());
  // Whatever keeps up with the DRAM costs nothing: before INT8 arrays, and FP16 ones of the script.
  for (std::size_t row = 24 + 25 + 4; row < 24 + 25 + 16; ++row) {
    EXPECT_NEAR(report["rows"][row]["exact"], 1, 0.0012) << report["rows"][row];
  }
  EXPECT_GE(report["simplifications"].size(), 15U);
  const ProcessResult text = bitsmith({"reproduce", "mixpe"});
  for (const std::string part : {"BitFusion", "357,880,480", "0.6818", "gated one of 13824"}) {
    EXPECT_THAT(text.output, HasSubstr(part));
  }
}

// As the text says: what separates the FP16 array from MixPE is the banks behind its converter.
TEST(ReproduceCli, AConverterThatKeepsUpIsAsFastAsMixpe) {
  const auto cycles = [](const std::string& accelerator, std::vector<std::string> more) {
    std::vector<std::string> arguments{
        "run",    (home_folder() / "configs/accelerators" / accelerator).string(),
        "--gemm", "64x4096x4096",
        "--set",  "technology.name=none",  // one clock for all
        "--json", "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return json::parse(bitsmith(arguments).output)["total"]["cycles"].get<std::uint64_t>();
  };
  const std::uint64_t mixpe = cycles("mixpe_fp16_uint4_16x16_edge.yaml", {});
  const std::string converter = "systolic_fp16_16x16_dequantise_edge.yaml";
  EXPECT_GT(cycles(converter, {}), mixpe * 11 / 10);
  EXPECT_EQ(
      cycles(converter, {"--set", "weight_buffer.banks=16", "--set", "weight_converter.lanes=64"}),
      mixpe);
}

TEST(ReproduceCli, AllPapersButForAGemm) {
  const auto rows = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--json", "-"});
    return json::parse(bitsmith(arguments).output)["rows"].size();
  };
  const std::size_t technologies = technology_names().size();
  const std::size_t bitmod_rows = 76 + 33 + 5 * technologies;  // cycles, areas, energies
  const std::size_t mixpe_rows = 65 + 28 + 12 * technologies;
  const std::size_t lut_rows = 100 + 6 * technologies;
  EXPECT_EQ(rows({"reproduce"}), 16U + bitmod_rows + mixpe_rows + lut_rows);
  EXPECT_EQ(rows({"reproduce", "bitmod", "scale-sim"}), 16U + bitmod_rows);
  EXPECT_EQ(rows({"reproduce", "--gemm", "4x4x4", "--array", "2x2"}), 8U);
  const ProcessResult text = bitsmith({"reproduce", "bitmod"});
  EXPECT_EQ(text.exit_code, 0);
  for (const std::string part : {"llama-3-8b, OliVe", "105,031,744", "1.6914", "dequantisation"}) {
    EXPECT_THAT(text.output, HasSubstr(part));
  }
}

TEST(ReproduceCli, AnyGemmOnAnyArray) {
  const ProcessResult result = bitsmith({"reproduce", "--gemm", "100x70x90", "--array", "16x16"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  for (const std::string cycles : {"4,199", "4,379", "4,871"}) {
    EXPECT_THAT(result.output, HasSubstr(cycles));
  }
  // SCALE-Sim prints 0 here: no relative difference.
  const ProcessResult tiny =
      bitsmith({"reproduce", "--gemm", "1x1x1", "--array", "1x1", "--json", "-"});
  ASSERT_EQ(tiny.exit_code, 0) << tiny.output;
  const json row = json::parse(tiny.output)["rows"][0];
  EXPECT_EQ(row["claim"], 0);
  EXPECT_TRUE(row["relative_difference"].is_null());
}

TEST(ReproduceCli, MistakesAreNamed) {
  struct Case {
    std::vector<std::string> arguments;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{"reproduce", "scalesim"}, "unknown paper 'scalesim' (did you mean 'scale-sim'?)"},
      {{"reproduce", "bitmid"}, "did you mean 'bitmod'?"},
      {{"reproduce", "lut-tensorcore"}, "did you mean 'lut-tensor-core'?"},
      {{"reproduce", "scale-sim", "--synthesise"},
       "--synthesise: is a question to bitmod | mixpe | lut-tensor-core"},
      {{"reproduce", "--synthesise", "--gemm", "1x1x1", "--array", "1x1"},
       "--synthesise: is a question to bitmod | mixpe | lut-tensor-core"},
      {{"reproduce", "bitmod", "--liberty", "x.lib"}, "--liberty requires --synthesise"},
      {{"reproduce", "bitmod", "--synthesise", "--liberty", "x.lib"}, "x.lib"},
      {{"reproduce", "bitmod", "--synthesise", "--period", "0"}, "--period: expected an integer"},
      {{"reproduce", "mixp"}, "did you mean 'mixpe'?"},
      {{"reproduce", "bitmod", "--gemm", "1x1x1", "--array", "1x1"}, "is a question to scale-sim"},
      {{"reproduce", "--gemm", "1x1x1"}, "--gemm requires --array"},
      {{"reproduce", "--array", "1x1"}, "--array requires --gemm"},
      {{"reproduce", "--gemm", "1x0x1", "--array", "1x1"}, "N is '0'"},
      {{"reproduce", "--gemm", "1x1x1", "--array", "16"}, "--array 16: expected RxC"},
      {{"reproduce", "--gemm", "1x1x1", "--array", "0x257"}, "each in 1..256"},
      {{"reproduce", "--gemm", "1x1x1", "--array", "1x1x1"}, "expected RxC"},
      {{"reproduce", "--gemm", "1099511627776x1099511627776x1099511627776", "--array", "1x1"},
       "more PE-cycles than"},
  };
  for (const Case& c : cases) {
    const ProcessResult result = bitsmith(c.arguments);
    EXPECT_EQ(result.exit_code, 2) << testing::PrintToString(c.arguments) << result.output;
    EXPECT_THAT(result.output, HasSubstr(c.message));
  }
}

}  // namespace
}  // namespace bitsmith
