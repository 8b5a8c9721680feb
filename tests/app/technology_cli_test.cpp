// Technologies on the command line: records made, kept, found again and used by a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "common/file.h"
#include "common/process.h"
#include "cost/technology.h"

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class TechnologyCli : public testing::Test {
 protected:
  TechnologyCli() : folder_(std::filesystem::temp_directory_path()) {}

  // With a cache of its own.
  ProcessResult bitsmith(std::vector<std::string> arguments, const std::string& path = "") const {
    std::vector<std::string> command = {"/usr/bin/env",
                                        "BITSMITH_CACHE=" + (folder_.path() / "cache").string()};
    if (!path.empty()) command.push_back("PATH=" + path);
    command.emplace_back(BITSMITH_BINARY);
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_process(command, folder_.path());
  }

  // Of 1x1 PEs of 2 bits: a second of synthesis.
  static std::vector<std::string> synth(const std::vector<std::string>& more) {
    std::vector<std::string> command = {
        "synth", (home_folder() / "configs/designs/systolic/int8_4x4.yaml").string()};
    for (const char* change :
         {"rows=1", "cols=1", "activation=int2", "weight=int2", "accumulator_bits=12"}) {
      command.insert(command.end(), {"--set", change});
    }
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  // Though there is nothing to make.
  void expect_other_sources_are_refused(const std::string& file,
                                        const std::vector<std::string>& add) const {
    const auto expect_refused = [&](std::vector<std::string> command, const std::string& what) {
      const ProcessResult refused = bitsmith(std::move(command), "/nowhere");
      EXPECT_EQ(refused.exit_code, 2) << refused.output;
      EXPECT_THAT(refused.output, HasSubstr(what));
    };
    std::vector<std::string> other = add;
    other.insert(other.end(), {"--period", "4000"});
    expect_refused(other, "sized for 5000 ps, not 4000 ps");
    expect_refused(synth({"--tech", file, "--liberty", default_liberty().string(), "--node", "28"}),
                   "is of 180 nm, not of 28 nm");
    const std::string liberty = (folder_.path() / "other.lib").string();
    write_file_atomically(liberty, read_file(default_liberty(), 1 << 28) + "\n");
    expect_refused(synth({"--tech", file, "--liberty", liberty}), "records of two libraries");
  }

  void expect_no_path_of_another_library(const std::string& file) const {
    const auto liberty_of = [&](const std::string& technology) {
      const ProcessResult answer = bitsmith(synth({"--tech", technology, "--json", "-"}));
      EXPECT_EQ(answer.exit_code, 0) << answer.output;
      return json::parse(answer.output)["provenance"]["liberty"];
    };
    EXPECT_EQ(liberty_of(file), default_liberty().string());
    Technology foreign = read_technology(file);
    foreign.source.liberty_hash = "0123";
    const std::string other = (folder_.path() / "foreign.yaml").string();
    write_technology(foreign, other);
    EXPECT_EQ(liberty_of(other), nullptr);
    const ProcessResult check = bitsmith(synth({"--tech", other, "--check", "10"}));
    EXPECT_EQ(check.exit_code, 2);
    EXPECT_THAT(check.output, HasSubstr("--check: needs the library of technology 'foreign'"));
  }

  TemporaryFolder folder_;
};

TEST_F(TechnologyCli, SynthAnswersFromTheCacheWithoutTools) {
  const ProcessResult first = bitsmith(synth({"--json", "-"}));
  ASSERT_EQ(first.exit_code, 0) << first.output;
  const ProcessResult second = bitsmith(synth({"--json", "-"}), "/nowhere");
  ASSERT_EQ(second.exit_code, 0) << second.output;
  EXPECT_EQ(first.output, second.output);
  // Another period, or the wish for new ones, needs the tools.
  EXPECT_EQ(bitsmith(synth({"--period", "4000"}), "/nowhere").exit_code, 2);
  const ProcessResult again = bitsmith(synth({"--again"}), "/nowhere");
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.output, HasSubstr("yosys"));
}

TEST_F(TechnologyCli, SeveralTechnologiesNeedTheirOptionsEach) {
  const auto refused = [&](const std::vector<std::string>& more, const std::string& what) {
    const ProcessResult result = bitsmith(synth(more), "/nowhere");
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, HasSubstr(what));
  };
  const std::string liberty = default_liberty().string();
  refused({"--tech", "./a.yaml", "--tech", "./b.yaml", "--liberty", liberty},
          "--liberty: given 1 times, but --tech 2 times");
  refused({"--tech", "osu018", "--tech", "asap7"}, "--tech: several need a --liberty each");
  refused({"--tech", "./a.yaml", "--liberty", liberty, "--tech", "./b.yaml", "--liberty", liberty,
           "--json", "-"},
          "--json: is of one technology");
  refused({"--liberty", liberty, "--liberty", liberty},
          "--liberty: given 2 times, but --tech 0 times");
}

// The name says Verify so that quick runs leave it out: a PE, six edges and a lane, twice.
TEST_F(TechnologyCli, VerifyTechnologiesMadeTogetherAreThoseMadeAlone) {
  const std::string liberty = default_liberty().string();
  const auto made = [&](const std::vector<std::pair<std::string, std::string>>& wanted) {
    std::vector<std::string> options;
    for (const auto& [name, period] : wanted) {
      const std::string file = (folder_.path() / (name + ".yaml")).string();
      options.insert(options.end(), {"--tech", file, "--liberty", liberty, "--period", period});
    }
    const ProcessResult result = bitsmith(synth(options));
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return result.output;
  };
  const std::string output = made({{"fast", "2000"}, {"slow", "9000"}});
  EXPECT_THAT(output, HasSubstr("fast: 8 of 8: "));
  EXPECT_THAT(output, HasSubstr("slow: 8 of 8: "));
  EXPECT_THAT(output, HasSubstr("technology slow, gates sized for 9000 ps"));
  made({{"alone", "9000"}});
  Technology alone = read_technology(folder_.path() / "alone.yaml");
  const Technology together = read_technology(folder_.path() / "slow.yaml");
  alone.name = together.name;
  EXPECT_EQ(technology_text(alone), technology_text(together));
  const std::string file = (folder_.path() / "slow.yaml").string();
  const ProcessResult twice =
      bitsmith(synth({"--tech", file, "--liberty", liberty, "--tech", file, "--liberty", liberty}));
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_THAT(twice.output, HasSubstr("slow.yaml is named twice"));
}

// The name says Verify so that quick runs leave it out: it synthesises edges of six sizes.
TEST_F(TechnologyCli, VerifyAddedTechnologyServesRuns) {
  const std::string file = (folder_.path() / "my.yaml").string();
  const std::vector<std::string> add =
      synth({"--tech", file, "--liberty", default_liberty().string(), "--node", "180"});
  const ProcessResult made = bitsmith(add);
  ASSERT_EQ(made.exit_code, 0) << made.output;
  EXPECT_THAT(made.output, HasSubstr("8 of 8: "));
  EXPECT_THAT(made.output, HasSubstr("systolic_os_edge is extrapolated beyond the measured sizes"));
  EXPECT_EQ(read_technology(file).records(), 8U);
  // Nothing is left to do, and no tool to do it with.
  const ProcessResult resumed = bitsmith(add, "/nowhere");
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_THAT(resumed.output, Not(HasSubstr(" of 8")));
  expect_other_sources_are_refused(file, add);
  expect_no_path_of_another_library(file);
  // A lone PE is measured among others: it has padding.
  const Technology added = read_technology(file);
  for (const auto& [key, record] : added.by_key()) {
    const bool is_pe = record.cost.name == "systolic_os_pe";
    EXPECT_EQ(record.energies.at(OperandClass::llm, PeCycleClass::pad).has_value(), is_pe) << key;
  }

  std::vector<std::string> run = {
      "run",    (home_folder() / "configs/accelerators/systolic_int8_16x16.yaml").string(),
      "--gemm", "64x64x7",
      "--tech", file,
      "--json", "-",
      "--set",  "clock_ghz=0.1"};
  for (const char* change :
       {"activation=int2", "weight=int2", "accumulator_bits=12", "clock_gating=none"}) {
    run.insert(run.end(), {"--set", std::string("design.") + change});
  }
  const ProcessResult ran = bitsmith(run, "/nowhere");
  ASSERT_EQ(ran.exit_code, 0) << ran.output;
  const json known = json::parse(ran.output);
  const json& array = known["tech"]["array"];
  ASSERT_EQ(array["modules"].size(), 2U) << array;
  EXPECT_EQ(array["modules"][0]["origin"], "measured");
  EXPECT_EQ(array["modules"][1]["origin"], "extrapolated");
  EXPECT_LT(std::abs(array["modules"][1]["held_out_error"]["area"].get<double>()), 0.05);
  EXPECT_EQ(known["tech"]["marks"]["extrapolated"], true);
  EXPECT_EQ(known["tech"]["marks"]["interpolated"], false);
  EXPECT_NEAR(known["area_um2"]["array"].get<double>(),
              256 * array["modules"][0]["area_um2"].get<double>() +
                  array["modules"][1]["area_um2"].get<double>(),
              1e-3);
  EXPECT_NEAR(known["array_efficiency"]["peak_tops_per_mm2"].get<double>(),
              2 * 256 * 1e8 * 1e-12 / (known["area_um2"]["array"].get<double>() * 1e-6), 1e-9);
  double energy_pj = 0;
  for (const json& module : array["modules"]) {
    EXPECT_GE(module["energy"].size(), 2U) << module;  // fed and idle
    for (const json& use : module["energy"]) energy_pj += use["energy_pj"].get<double>();
  }
  EXPECT_GT(energy_pj, 0);
  EXPECT_NEAR(known["energy_pj"]["array"].get<double>(), energy_pj, 1e-6 * energy_pj);
  EXPECT_NEAR(known["array_efficiency"]["pj_per_mac"].get<double>(),
              (energy_pj + known["energy_pj"]["array_leakage"].get<double>()) / (64 * 64 * 7),
              1e-6);
  // `overflow` is a parameter of the PE, and there is no record of such a one.
  run.insert(run.end(), {"--set", "design.overflow=wrap"});
  const json missing = json::parse(bitsmith(run).output);
  EXPECT_TRUE(missing["area_um2"].is_null());
  EXPECT_THAT(missing["tech"]["array"]["notes"][0].get<std::string>(), HasSubstr("Overflow=1"));
}

TEST_F(TechnologyCli, MistakesSayWhatIsAllowed) {
  const std::string accelerator =
      (home_folder() / "configs/accelerators/systolic_int8_16x16.yaml").string();
  const ProcessResult unknown =
      bitsmith({"run", accelerator, "--gemm", "8x8x8", "--tech", "osu081"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.output, HasSubstr("unknown technology 'osu081'"));
  const ProcessResult exact = bitsmith(synth({"--exact"}));
  EXPECT_EQ(exact.exit_code, 2);
  EXPECT_THAT(exact.output, HasSubstr("--exact: needs --tech and --liberty"));
}

}  // namespace
}  // namespace bitsmith
