// `bitsmith sweep` in parts: --shard, --gather, --expect, and --slurm against an sbatch of the
// test.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "common/file.h"
#include "common/process.h"
#include "sweep/shard.h"
#include "sweep/slurm.h"

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

// Writes its arguments to `calls`, makes a job of the number of calls, and runs it at once: of an
// array every task, as SLURM would. Tasks in a file `skip` are cancelled. With a file `broken` it
// fails, or where arguments hold the text of that file.
constexpr const char* kSbatch = R"sh(#!/bin/bash
here=$(dirname "$0")
echo "$PWD: sbatch $*" >> "$here/calls"
if [[ -e $here/broken && "$*" == *"$(cat "$here/broken")"* ]]; then
  echo "sbatch: error: Batch job submission failed: Invalid account" >&2
  exit 1
fi
export SLURM_CPUS_PER_TASK=2
tasks=
for argument; do
  if [[ $argument == --array=* ]]; then tasks=${argument#--array=}; fi
  script=$argument
done
if [[ -n $tasks ]]; then
  for range in ${tasks//,/ }; do
    for ((task = ${range%-*}; task <= ${range#*-}; ++task)); do
      grep -qx "$task" "$here/skip" 2> /dev/null && continue
      SLURM_ARRAY_TASK_ID=$task sh "$script" >> "$here/tasks" 2>&1
    done
  done
else
  sh "$script" > "$here/gather" 2>&1
fi
echo "sbatch: lua: welcome to the cluster" >&2
echo "$((100 + $(wc -l < "$here/calls")));main"
)sh";

constexpr const char* kSqueue = R"sh(#!/bin/bash
echo "squeue $*" >> "$(dirname "$0")/calls_of_squeue"
cat "$(dirname "$0")/queue" 2> /dev/null
true
)sh";

class SweepParts : public testing::Test {
 protected:
  SweepParts() {
    write_sweep("[4, 8, 12, 16, 20, 24]");
    fs::create_directories(tools());
    write_tool("sbatch", kSbatch);
    write_tool("squeue", kSqueue);
  }
  ~SweepParts() override { ::setenv("PATH", path_.c_str(), 1); }

  void write_sweep(const std::string& rows) {
    write("sweep.yaml",
          fmt::format("name: parts\naccelerators: [{}]\naxes: [{{set: design.rows, values: {}}}]\n"
                      "workloads: [{{gemm: 40x50x60}}, {{gemm: 8x8x8}}]\n",
                      accelerator_, rows));
  }
  ProcessResult run(std::vector<std::string> arguments, const std::string& path) {
    ::setenv("PATH", path.c_str(), 1);
    const ProcessResult result = run_process(arguments, folder_.path());
    ::setenv("PATH", path_.c_str(), 1);
    return result;
  }
  ProcessResult sweep(std::vector<std::string> arguments, const std::string& out = "out") {
    arguments.insert(arguments.begin(), {BITSMITH_BINARY, "sweep", "sweep.yaml", "--out", out});
    return run(std::move(arguments), path_);
  }
  ProcessResult slurm(std::vector<std::string> arguments, const std::string& out = "out") {
    arguments.insert(arguments.begin(),
                     {BITSMITH_BINARY, "sweep", "sweep.yaml", "--slurm", "--out", out});
    return run(std::move(arguments), tools().string() + ":" + path_);
  }
  void write(const fs::path& name, const std::string& content) {
    std::ofstream(folder() / name, std::ios::binary) << content;
  }
  void write_tool(const std::string& name, const std::string& content) {
    write(tools() / name, content);
    fs::permissions(tools() / name, fs::perms::owner_all);
  }
  std::string read(const fs::path& name) { return read_file(folder() / name, 1 << 24); }
  // Every file of results and index by its path.
  std::map<std::string, std::string> results(const std::string& out) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder() / out)) {
      const std::string name = fs::relative(entry.path(), folder() / out);
      if (entry.is_regular_file() && !name.starts_with("slurm/")) files[name] = read(entry.path());
    }
    return files;
  }
  // Keys hash the program's version too, so which shards have points is no constant.
  std::vector<std::uint32_t> shards_with_points(const std::string& out, std::uint32_t count) {
    std::set<std::uint32_t> shards;
    for (const auto& [name, content] : results(out)) {
      if (name.starts_with("results/")) shards.insert(shard_of(fs::path(name).stem(), count));
    }
    return {shards.begin(), shards.end()};
  }
  std::size_t computed_points(const std::string& out) {
    const auto files = results(out);
    return static_cast<std::size_t>(std::ranges::count_if(
        files, [](const auto& file) { return file.first.starts_with("results/"); }));
  }
  const fs::path& folder() const { return folder_.path(); }
  fs::path tools() const { return folder() / "tools"; }

 private:
  const std::string accelerator_ =
      (home_folder() / "configs/accelerators/systolic_int8_16x16_edge.yaml").string();
  const std::string path_ = std::getenv("PATH");
  TemporaryFolder folder_{fs::temp_directory_path()};
};

TEST_F(SweepParts, ShardsInAnyOrderAreTheWholeSweep) {
  ASSERT_EQ(sweep({}, "whole").exit_code, 0);
  std::size_t points = 0;
  for (const int shard : {3, 1, 5, 2, 4}) {
    const ProcessResult result =
        sweep({"--shard", fmt::format("{}/5", shard), "--json", "one.json"});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const json summary = json::parse(read("one.json"));
    EXPECT_EQ(summary["shard"], fmt::format("{}/5", shard));
    EXPECT_EQ(summary["computed"], summary["points"]);
    points += summary["points"].get<std::size_t>();
    EXPECT_FALSE(fs::exists(folder() / "out/index.csv"));
  }
  EXPECT_EQ(points, 12U);
  ASSERT_EQ(sweep({"--gather"}).exit_code, 0);
  EXPECT_EQ(results("out"), results("whole"));
}

TEST_F(SweepParts, GatheringComputesNothingAndSaysWhatIsMissing) {
  ASSERT_EQ(sweep({}, "whole").exit_code, 0);
  const std::uint32_t shard = shards_with_points("whole", 12).front();
  ASSERT_EQ(sweep({"--shard", fmt::format("{}/12", shard)}).exit_code, 0);
  const std::size_t done = computed_points("out");
  ASSERT_GT(done, 0U);
  ASSERT_LT(done, 12U);
  const ProcessResult result = sweep({"--gather", "--json", "g.json"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr(fmt::format("; {} are missing: start", 12 - done)));
  const json summary = json::parse(read("g.json"));
  EXPECT_EQ(summary["missing"], 12 - done);
  EXPECT_EQ(summary["from_before"], done);
  EXPECT_EQ(summary["computed"], 0);
  EXPECT_THAT(read("out/index.csv"), HasSubstr(",missing,"));
}

TEST_F(SweepParts, ABadPartIsRefused) {
  for (const char* shard : {"0/4", "5/4", "1", "/", "1/", "a/b", "1/0", "-1/4", "1/100001"}) {
    const ProcessResult result = sweep({"--shard", shard});
    EXPECT_EQ(result.exit_code, 2) << shard;
    EXPECT_THAT(result.output, HasSubstr("--shard: expected I/N with 1 <= I <= N <= 100000"));
  }
  EXPECT_THAT(sweep({"--shard", "1/2", "--gather"}).output, HasSubstr("one of these at a time"));
  EXPECT_THAT(sweep({"--gather", "--jobs", "2"}).output,
              HasSubstr("--jobs: --gather computes nothing"));
  const ProcessResult stray = sweep({"--shards", "2", "--sbatch-option=--time=1"});
  EXPECT_EQ(stray.exit_code, 2);
  EXPECT_THAT(stray.output, HasSubstr("--shards: goes with --slurm"));
  EXPECT_THAT(stray.output, HasSubstr("--sbatch-option: goes with --slurm"));
  EXPECT_FALSE(fs::exists(folder() / "out"));
}

// A word of a script's last line.
std::string argument_of(const std::string& script, const std::string& option) {
  const std::size_t begin = script.find(option + " ") + option.size() + 1;
  return script.substr(begin, script.find(' ', begin) - begin);
}

TEST_F(SweepParts, AnotherProgramOrChangedInputIsRefused) {
  ASSERT_EQ(slurm({"--shards", "2"}).exit_code, 0);
  const std::string expected = argument_of(read("out/slurm/shards.sh"), "--expect");
  ASSERT_EQ(sweep({"--gather", "--expect", expected}).exit_code, 0);

  fs::copy_file(BITSMITH_BINARY, folder() / "other");
  std::ofstream(folder() / "other", std::ios::app) << 'x';
  const ProcessResult other = run(
      {"./other", "sweep", "sweep.yaml", "--out", "fresh", "--shard", "1/2", "--expect", expected},
      std::getenv("PATH"));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.output,
              HasSubstr("--expect: this is not the program that the sweep was started"));
  EXPECT_THAT(other.output, HasSubstr(expected.substr(0, 32)));

  write_sweep("[4, 8, 12, 16, 20, 28]");
  const ProcessResult changed = sweep({"--shard", "1/2", "--expect", expected}, "fresh");
  EXPECT_EQ(changed.exit_code, 2);
  EXPECT_THAT(changed.output, HasSubstr("sweep.yaml or a file that it names has changed"));
  EXPECT_EQ(results("fresh").size(), 0U);
}

TEST_F(SweepParts, SlurmComputesTheSameBytes) {
  ASSERT_EQ(sweep({}, "whole").exit_code, 0);
  const std::string tasks = ranges_text(shards_with_points("whole", 3));
  const std::string out = "out of the lab's";
  const ProcessResult result =
      slurm({"--shards", "3", "--jobs", "2", "--sbatch-option=--partition=long",
             "--sbatch-option=--comment=two words", "--json", "s.json"},
            out);
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(results(out), results("whole"));
  const std::string calls = read("tools/calls");
  const std::string where = fs::canonical(folder() / out).string();
  EXPECT_EQ(calls,
            fmt::format("{0}: sbatch --parsable --array={1} --partition=long --comment=two words "
                        "slurm/shards.sh\n"
                        "{0}: sbatch --parsable --dependency=afterany:101 --partition=long "
                        "--comment=two words --cpus-per-task=1 slurm/gather.sh\n",
                        where, tasks));
  const std::string script = read(out + "/slurm/shards.sh");
  for (const std::string& line : std::vector<std::string>{
           "#!/bin/sh\n", "\n#SBATCH --requeue\n", "\n#SBATCH --output=slurm/%A_%a.log\n",
           "\n#SBATCH --open-mode=append\n", "\n#SBATCH --cpus-per-task=2\n",
           fmt::format("#   sbatch --parsable --array={} --partition=long '--comment=two words' "
                       "slurm/shards.sh\n",
                       tasks),
           " --shard \"$SLURM_ARRAY_TASK_ID/3\" --jobs \"${SLURM_CPUS_PER_TASK:-1}\"\n"}) {
    EXPECT_THAT(script, HasSubstr(line));
  }
  EXPECT_THAT(script, HasSubstr("\nexport BITSMITH_HOME=" + home_folder().string()));
  // sbatch starts scripts in the folder of results; relative paths are not relative to that.
  const std::string start = "\ncd " + fs::canonical(folder()).string() + " || exit 1\n";
  EXPECT_THAT(script, HasSubstr(start));
  const std::string gather = read(out + "/slurm/gather.sh");
  EXPECT_THAT(gather, HasSubstr(start));
  EXPECT_THAT(gather, HasSubstr(" --gather\n"));
  EXPECT_THAT(read("tools/gather"), HasSubstr("index.sqlite hold all points\n"));
  for (const std::string& text : std::vector<std::string>{
           fmt::format("12 of 12 points are missing; job 101 computes them in tasks {} (of 3 "
                       "shards), job 102 gathers",
                       tasks),
           "squeue --jobs=101,102", "scancel 101 102"}) {
    EXPECT_THAT(result.output, HasSubstr(text));
  }
  const json summary = json::parse(read("s.json"));
  EXPECT_EQ(summary["missing"], 12);
  EXPECT_EQ(summary["slurm"],
            json({{"array_job", "101"}, {"gather_job", "102"}, {"tasks", tasks}, {"shards", 3}}));
}

TEST_F(SweepParts, ASecondStartSubmitsOnlyWhatIsMissing) {
  ASSERT_EQ(sweep({}, "whole").exit_code, 0);
  const std::vector<std::uint32_t> shards = shards_with_points("whole", 4);
  ASSERT_GE(shards.size(), 2U);
  write("tools/skip", fmt::format("{}\n", shards.back()));  // cancelled
  ASSERT_EQ(slurm({"--shards", "4"}).exit_code, 0);
  const std::size_t done = computed_points("out");
  EXPECT_GT(done, 0U);
  EXPECT_LT(done, 12U);
  EXPECT_THAT(read("tools/gather"), HasSubstr("are missing: start the sweep again"));
  fs::remove(tools() / "skip");
  const ProcessResult second = slurm({"--shards", "4"});
  ASSERT_EQ(second.exit_code, 0) << second.output;
  EXPECT_THAT(second.output, HasSubstr(fmt::format("{} of 12 points are missing", 12 - done)));
  EXPECT_THAT(read("tools/calls"), HasSubstr(fmt::format("--array={} ", shards.back())));
  EXPECT_EQ(results("out"), results("whole"));
  // Nothing is left to submit: no call of sbatch.
  const std::string calls = read("tools/calls");
  fs::remove(folder() / "out/index.csv");
  const ProcessResult third = slurm({});
  EXPECT_EQ(third.exit_code, 0);
  EXPECT_THAT(third.output, HasSubstr("nothing is missing, nothing was submitted\n"));
  EXPECT_EQ(read("tools/calls"), calls);
  EXPECT_EQ(results("out"), results("whole"));
}

TEST_F(SweepParts, JobsInTheQueueAreNoticed) {
  write("tools/queue", "101_2 RUNNING\n102 PENDING\n");
  const ProcessResult result = slurm({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("--slurm: jobs of an earlier start still work on "));
  EXPECT_THAT(
      result.output,
      HasSubstr("101_2 RUNNING, 102 PENDING. Wait for them (squeue --name=bitsmith-parts-"));
  EXPECT_FALSE(fs::exists(tools() / "calls"));
  // It asks for the name that the jobs have.
  fs::remove(tools() / "queue");
  ASSERT_EQ(slurm({}).exit_code, 0);
  const std::string script = read("out/slurm/shards.sh");
  const std::size_t begin = script.find("--job-name=") + 11;
  const std::string name = script.substr(begin, script.find('\n', begin) - begin);
  EXPECT_THAT(read("tools/calls_of_squeue"), HasSubstr("--name=" + name + " "));
  // Without an answer it goes on and says so.
  fs::remove_all(folder() / "out");
  write_tool("squeue", "#!/bin/sh\nexit 1\n");
  const ProcessResult deaf = slurm({});
  EXPECT_EQ(deaf.exit_code, 0);
  EXPECT_THAT(deaf.output, HasSubstr("computing a point twice does no harm"));
}

TEST_F(SweepParts, WhatSbatchSaysIsShown) {
  write("tools/broken", "");
  const ProcessResult result = slurm({"--sbatch-option=--account=nobody"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output,
              HasSubstr("sbatch: error: Batch job submission failed: Invalid account"));
  EXPECT_THAT(result.output, HasSubstr("--account=nobody slurm/shards.sh` in "));
  EXPECT_THAT(result.output, Not(HasSubstr("points are missing")));
  // The array is in, the job that gathers is not.
  write("tools/broken", "--dependency");
  const ProcessResult half = slurm({});
  EXPECT_EQ(half.exit_code, 2);
  EXPECT_THAT(half.output, HasSubstr("The array was submitted before that, as job 102"));
  fs::remove(tools() / "broken");
  EXPECT_THAT(slurm({}).output, HasSubstr("nothing is missing"));
}

TEST_F(SweepParts, WithoutSbatchItSaysWhereToStart) {
  const ProcessResult result =
      run({BITSMITH_BINARY, "sweep", "sweep.yaml", "--out", "out", "--slurm"}, "/nowhere");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("--slurm: there is no sbatch in PATH: start this where jobs "
                                       "are submitted"));
  EXPECT_FALSE(fs::exists(folder() / "out"));
}

// SLURM would replace them in the names of logs.
TEST_F(SweepParts, AFolderThatSlurmMisreadsIsRefused) {
  for (const char* out : {"100%A", "back\\slash"}) {
    const ProcessResult result = slurm({}, out);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.output,
                HasSubstr("SLURM gives '%' and '\\' in the names of folders a meaning"));
    EXPECT_FALSE(fs::exists(tools() / "calls"));
  }
}

TEST_F(SweepParts, AllPointsAreCheckedBeforeAnythingIsSubmitted) {
  write_sweep("[4, 999]");
  const ProcessResult result = slurm({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("expected an integer in 1..256, found '999'"));
  EXPECT_FALSE(fs::exists(tools() / "calls"));
  EXPECT_FALSE(fs::exists(folder() / "out"));
}

}  // namespace
}  // namespace bitsmith
