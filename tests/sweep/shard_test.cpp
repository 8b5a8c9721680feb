#include "sweep/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "common/hash.h"
#include "sweep/slurm.h"

namespace bitsmith {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> keys_of(std::size_t count) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < count; ++i) {
    ContentHash hash;
    hash.add(std::to_string(i % (count - count / 10)));  // some twice
    keys.push_back(hash.hex());
  }
  return keys;
}

TEST(Shard, AllShardsTogetherAreAllPointsOnce) {
  const auto keys = keys_of(500);
  for (const std::uint32_t count : {1U, 2U, 3U, 7U, 64U, 1000U, kMostShards}) {
    std::vector<int> seen(keys.size());
    for (std::uint32_t number = 1; number <= std::min(count, 1000U); ++number) {
      for (const std::size_t point : points_of({number, count}, keys)) {
        ++seen[point];
        EXPECT_EQ(shard_of(keys[point], count), number);
      }
    }
    if (count <= 1000) {
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 500) << count;
    }
    for (const std::string& key : keys) EXPECT_LE(shard_of(key, count), count);
  }
}

TEST(Shard, ShardsAreOfLikeSize) {
  const auto keys = keys_of(8000);
  for (std::uint32_t number = 1; number <= 8; ++number) {
    EXPECT_NEAR(static_cast<double>(points_of({number, 8}, keys).size()), 1000, 150);
  }
}

// Of the key alone: a part of the points is split as they are among all.
TEST(Shard, WhatIsDoneAlreadyMovesNoPointToAnotherShard) {
  auto keys = keys_of(100);
  const std::string key = keys[42];
  const std::uint32_t shard = shard_of(key, 7);
  std::shuffle(keys.begin(), keys.end(), std::mt19937(3));
  keys.resize(60);
  EXPECT_EQ(shard_of(key, 7), shard);
  // The first 16 digits as a number, modulo.
  EXPECT_EQ(shard_of("0000000000000010ffffffffffffffff", 16), 1U);
  EXPECT_EQ(shard_of("ffffffffffffffff0000000000000000", 10), 6U);
  EXPECT_THROW(shard_of("xyz", 3), InternalError);
  EXPECT_THROW(shard_of("00000000000000zz0000000000000000", 3), InternalError);
}

TEST(Slurm, RangesAreWrittenAsSbatchReadsThem) {
  EXPECT_EQ(ranges_text({1}), "1");
  EXPECT_EQ(ranges_text({1, 2}), "1-2");
  EXPECT_EQ(ranges_text({1, 2, 3, 5, 7, 8}), "1-3,5,7-8");
  EXPECT_EQ(ranges_text({2, 4, 6}), "2,4,6");
}

std::string mistakes_of(const std::vector<std::string>& options) {
  Diagnostics diagnostics;
  judge_sbatch_options("--sbatch-option", options, diagnostics);
  try {
    diagnostics.throw_if_any();
  } catch (const UserError& error) {
    std::string text;
    for (const std::string& message : error.messages()) text += message + "\n";
    return text;
  }
  return "";
}

TEST(Slurm, OptionsThatWouldBreakTheJobsAreRefusedAndNoOthers) {
  EXPECT_EQ(mistakes_of({"--partition=long", "-plong", "--account=a", "--time=1:00:00", "--mem=2G",
                         "--exclusive", "-t10", "--wait-all-nodes=1", "--no-requeue",
                         "--dependents-of-nothing", "--hold"}),
            "");
  for (const char* option : {"--array=1-9", "--arr=1", "-a1-9", "--dependency=after:1", "-dafter:1",
                             "--chdir=/", "-D/", "-ox", "--output=x", "--err=x", "--job-name=x",
                             "-Jx", "--parsable", "--wait", "-W", "--test-only", "-Mother"}) {
    EXPECT_THAT(mistakes_of({option}),
                HasSubstr(std::string("--sbatch-option: '") + option + "' cannot be passed on: "));
  }
  for (const char* option : {"", "-", "--", "long", "partition=long", "slurm/other.sh"}) {
    EXPECT_THAT(mistakes_of({option}), HasSubstr("expected an option of sbatch with its value"));
  }
  const std::string both = mistakes_of({"x", "--wrap=y"});
  EXPECT_EQ(std::count(both.begin(), both.end(), '\n'), 2);
}

TEST(Slurm, TheNameOfJobsIsThatOfTheFolder) {
  SlurmRequest request;
  request.folder = "/shared/a";
  request.sweep = "edge.v2,x";
  const std::string name = slurm_job_name(request);
  EXPECT_THAT(name, testing::MatchesRegex("bitsmith-edge_v2_x-[0-9a-f]+"));
  EXPECT_EQ(slurm_job_name(request), name);
  request.folder = "/shared/b";
  EXPECT_NE(slurm_job_name(request), name);
}

TEST(Slurm, ControlCharactersOfPathsCannotReachAScript) {
  SlurmRequest request;
  request.folder = "/tmp/none\n#SBATCH --account=theirs";
  request.sweep = "s";
  request.command = {"bitsmith"};
  request.tasks = {1};
  try {
    submit_to_slurm(request);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("\\x0a#SBATCH --account=theirs: control characters"));
  }
}

}  // namespace
}  // namespace bitsmith
