#include "sweep/execution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "common/error.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/interrupt.h"
#include "common/process.h"
#include "sweep/index.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;

std::vector<std::string> keys_of(std::size_t count) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < count; ++i) {
    ContentHash hash;
    hash.add(std::to_string(i));
    keys.push_back(hash.hex());
  }
  return keys;
}

Json record_of(std::size_t point) {
  return {{"status", "done"}, {"metrics", {{"square", point * point}, {"none", nullptr}}}};
}

IndexInput index_of(const std::vector<std::string>& keys) {
  IndexInput input{{"name"}, {}};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    input.points.push_back({keys[i], {"point, " + std::to_string(i)}});
  }
  return input;
}

class Execution : public testing::Test {
 protected:
  fs::path folder(const std::string& name) const { return folder_.path() / name; }
  static std::string index_text(const ResultStore& store, const std::vector<std::string>& keys) {
    write_index(store, index_of(keys));
    return read_file(store.folder() / "index.csv", 1 << 24);
  }
  void expect_all(const ResultStore& store, const std::vector<std::string>& keys) const {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto record = store.read(keys[i]);
      ASSERT_TRUE(record) << i;
      EXPECT_EQ(record->at("metrics").at("square"), i * i);
    }
  }
  std::size_t calls() const {
    std::error_code ignored;
    const auto size = fs::file_size(folder("calls"), ignored);
    return ignored ? 0 : size;
  }
  // Counts in a file: workers are other processes.
  std::function<Json(std::size_t)> counted() const {
    return [file = folder("calls")](std::size_t point) {
      std::ofstream(file, std::ios::app) << '.';
      return record_of(point);
    };
  }

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

TEST_F(Execution, ComputesWhatIsMissingAndNothingElse) {
  const auto keys = keys_of(40);
  const ResultStore store(folder("out"));
  const ExecutionCounts first = execute(keys, store, counted(), {.jobs = 3});
  EXPECT_EQ(first.computed, 40U);
  EXPECT_EQ(first.reused, 0U);
  EXPECT_EQ(calls(), 40U);
  expect_all(store, keys);
  fs::remove(store.file_of(keys[7]));
  const ExecutionCounts second = execute(keys, store, counted(), {.jobs = 3});
  EXPECT_EQ(second.reused, 39U);
  EXPECT_EQ(second.computed, 1U);
  EXPECT_EQ(calls(), 41U);
  expect_all(store, keys);
}

TEST_F(Execution, TheSameBytesWithAnyNumberOfWorkers) {
  const auto keys = keys_of(60);
  std::string expected;
  for (const unsigned jobs : {1U, 2U, 7U}) {
    const ResultStore store(folder("out" + std::to_string(jobs)));
    execute(keys, store, [](std::size_t point) { return record_of(point); }, {.jobs = jobs});
    const std::string csv = index_text(store, keys);
    const std::string all = csv + read_file(store.folder() / "index.sqlite", 1 << 24) +
                            read_file(store.file_of(keys[3]), 1 << 24);
    if (expected.empty()) expected = all;
    EXPECT_EQ(all, expected);
    EXPECT_THAT(csv, HasSubstr("point,name,status,square,none,error,key\n"
                               "0,\"point, 0\",done,0,,," +
                               keys[0] + "\n"));
  }
}

TEST_F(Execution, AFailedPointIsRecordedTheOthersGoOnAndItIsTriedAgain) {
  const auto keys = keys_of(20);
  const ResultStore store(folder("out"));
  const auto failing = [](std::size_t point) -> Json {
    if (point == 5) throw UserError("a.yaml:1:1: five is wrong");
    if (point == 6) throw std::runtime_error("broken");
    return record_of(point);
  };
  const ExecutionCounts counts = execute(keys, store, failing, {.jobs = 2});
  EXPECT_EQ(counts.failed, 2U);
  EXPECT_EQ(counts.computed, 20U);
  const std::string csv = index_text(store, keys);
  EXPECT_THAT(csv, HasSubstr("5,\"point, 5\",failed,,,a.yaml:1:1: five is wrong," + keys[5]));
  EXPECT_THAT(csv, HasSubstr("internal error: broken"));
  const ExecutionCounts again =
      execute(keys, store, [](std::size_t point) { return record_of(point); }, {.jobs = 2});
  EXPECT_EQ(again.computed, 2U);
  EXPECT_EQ(again.failed, 0U);
  expect_all(store, keys);
}

TEST_F(Execution, AWorkerThatDiesIsReplacedAndItsPointTriedOnceMore) {
  const auto keys = keys_of(30);
  const ResultStore store(folder("out"));
  const auto deadly = [this](std::size_t point) -> Json {
    const fs::path mark = folder("died" + std::to_string(point));
    if (point % 7 == 3 && !fs::exists(mark)) {
      std::ofstream(mark) << 'x';
      ::raise(SIGKILL);
    }
    if (point == 20) ::raise(SIGSEGV);  // every time
    return record_of(point);
  };
  const ExecutionCounts counts = execute(keys, store, deadly, {.jobs = 3});
  EXPECT_EQ(counts.computed, 30U);
  EXPECT_EQ(counts.failed, 1U);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(store.read(keys[i])->at("status"), i == 20 ? "failed" : "done") << i;
  }
}

TEST_F(Execution, AFileThatIsNotWhatWasWrittenIsComputedAgain) {
  const auto keys = keys_of(6);
  const ResultStore store(folder("out"));
  execute(keys, store, counted(), {.jobs = 1});
  const auto damage = [&](std::size_t point, const std::function<void(std::string&)>& change) {
    std::string text = read_file(store.file_of(keys[point]), 1 << 20);
    change(text);
    std::ofstream(store.file_of(keys[point]), std::ios::trunc) << text;
  };
  damage(0, [](std::string& text) { text.resize(text.size() / 2); });
  damage(1, [](std::string& text) { text.clear(); });
  damage(2, [](std::string& text) { text[text.find("square\":") + 8] = '9'; });
  fs::copy_file(store.file_of(keys[4]), store.file_of(keys[3]),
                fs::copy_options::overwrite_existing);  // of another point
  const ExecutionCounts counts = execute(keys, store, counted(), {.jobs = 1});
  EXPECT_EQ(counts.computed, 4U);
  EXPECT_EQ(counts.reused, 2U);
  expect_all(store, keys);
}

// The whole program is killed at a random moment, workers too, a hundred times.
TEST_F(Execution, KillingItAtAnyMomentLosesAtMostThePointsInFlight) {
  const auto keys = keys_of(300);
  const fs::path out = folder("out");
  std::mt19937_64 random(11);
  std::size_t done_before = 0;
  std::uint64_t longest_us = 12000;
  for (int kill = 0; kill < 100; ++kill) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      ::setpgid(0, 0);
      try {
        const ResultStore store(out);
        execute(keys, store,
                [](std::size_t point) {
                  ::usleep(1000);
                  return record_of(point);
                },
                {.jobs = 2});
      } catch (...) {
        _exit(1);
      }
      _exit(0);
    }
    ::setpgid(pid, pid);
    ::usleep(static_cast<useconds_t>(random() % longest_us));
    ::kill(-pid, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    const ResultStore store(out);
    std::size_t done = 0;
    for (const std::string& key : keys) {
      if (!fs::exists(store.file_of(key))) continue;
      ASSERT_TRUE(store.read(key)) << "half a file";
      ++done;
    }
    EXPECT_GE(done, done_before);
    // Where it takes longer to start (sanitizers, a busy machine) it is given longer.
    if (done == done_before) longest_us += 4000;
    done_before = done;
  }
  const ResultStore store(out);
  const ExecutionCounts counts =
      execute(keys, store, [](std::size_t point) { return record_of(point); }, {.jobs = 2});
  EXPECT_EQ(counts.reused, done_before);
  EXPECT_GT(counts.reused, 0U);
  expect_all(store, keys);
}

TEST_F(Execution, TwoAtOnceOnOneFolder) {
  const auto keys = keys_of(120);
  const fs::path out = folder("out");
  std::vector<pid_t> children;
  for (int i = 0; i < 2; ++i) {
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      try {
        const ResultStore store(out);
        execute(keys, store, [](std::size_t point) { return record_of(point); }, {.jobs = 2});
        write_index(store, index_of(keys));
      } catch (...) {
        _exit(1);
      }
      _exit(0);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = 1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
  }
  const ResultStore store(out);
  expect_all(store, keys);
  const std::string csv = read_file(out / "index.csv", 1 << 24);
  EXPECT_EQ(csv, index_text(store, keys));
}

// A limit on the size of files stands for a full disk: write() fails with EFBIG instead of ENOSPC.
TEST_F(Execution, WhatCannotBeWrittenStopsTheSweepAndKeepsTheRest) {
  const auto keys = keys_of(10);
  const fs::path out = folder("out");
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto large_sixth = [](std::size_t point) {
      Json record = record_of(point);
      if (point == 5) record["text"] = std::string(8192, 'x');
      return record;
    };
    try {
      const ResultStore store(out);
      execute(keys, store, large_sixth, {.jobs = 1});
    } catch (const UserError& error) {
      _exit(std::string(error.what()).find("results") != std::string::npos ? 3 : 4);
    } catch (...) {
      _exit(5);
    }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WEXITSTATUS(status), 3);
  const ResultStore store(out);
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(store.read(keys[i]).has_value(), i < 5);
  execute(keys, store, [](std::size_t point) { return record_of(point); }, {.jobs = 1});
  expect_all(store, keys);
}

TEST_F(Execution, AFolderThatCannotBeWrittenIsRefusedAtOnce) {
  std::ofstream(folder("file")) << "x";
  EXPECT_THROW(ResultStore{folder("file")}, UserError);
  EXPECT_THROW(ResultStore{"/proc/none"}, UserError);
}

// Only what writers leave behind, and only where they write: the folder may be anybody's.
TEST_F(Execution, OldTemporaryFilesOfOursGoAndNothingElse) {
  const auto keys = keys_of(1);
  const fs::path out = folder("out");
  const std::string results = "results/" + keys[0].substr(0, 2);
  fs::create_directories(out / results);
  fs::create_directories(out / "mine");
  const auto make = [&](const std::string& name, int hours) {
    std::ofstream(out / name) << 'x';
    fs::last_write_time(out / name, fs::file_time_type::clock::now() - std::chrono::hours(hours));
  };
  const std::vector<std::string> old = {".bitsmith-00000001.tmp", "results/.bitsmith-00000001.tmp",
                                        results + "/.bitsmith-00000001.tmp"};
  const std::vector<std::string> others = {"notes.tmp", results + "/notes.tmp",
                                           "mine/.bitsmith-00000001.tmp", ".bitsmith-2.txt"};
  for (const std::string& name : old) make(name, 2);
  for (const std::string& name : others) make(name, 2);
  make(results + "/.bitsmith-00000002.tmp", 0);  // of a writer at work
  const ResultStore store(out);
  for (const std::string& name : old) EXPECT_FALSE(fs::exists(out / name)) << name;
  for (const std::string& name : others) EXPECT_TRUE(fs::exists(out / name)) << name;
  EXPECT_TRUE(fs::exists(out / results / ".bitsmith-00000002.tmp"));
  EXPECT_FALSE(fs::exists(out / "results/.writable"));
}

TEST_F(Execution, AFailureDoesNotReplaceWhatAnotherProcessComputedMeanwhile) {
  const auto keys = keys_of(1);
  const ResultStore store(folder("out"));
  const auto failing = [&](std::size_t point) -> Json {
    store.write(keys[point], record_of(point));  // as another process would
    throw std::bad_alloc();
  };
  EXPECT_EQ(execute(keys, store, failing, {.jobs = 1}).failed, 0U);
  expect_all(store, keys);
}

// Writers' temporary files are none.
std::size_t results_in(const fs::path& folder) {
  std::size_t files = 0;
  std::error_code ignored;
  for (fs::recursive_directory_iterator entry(folder, ignored), end; entry != end;
       entry.increment(ignored)) {
    files += entry->path().extension() == ".json" ? 1 : 0;
  }
  return files;
}

bool has_more_results_soon(const fs::path& folder, std::size_t before) {
  constexpr int kMilliseconds = 60'000;
  for (int i = 0; i < kMilliseconds; ++i) {
    if (results_in(folder) > before) return true;
    ::usleep(1000);
  }
  return false;
}

// A scheduler ends all processes at once: that is no failure of the points.
TEST_F(Execution, ASignalToAllProcessesFailsNoPoint) {
  const auto keys = keys_of(20'000);
  const fs::path out = folder("out");
  for (int round = 0; round < 5; ++round) {
    const std::size_t before = results_in(out);
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      ::setpgid(0, 0);
      catch_interrupts();
      try {
        const ResultStore store(out);
        execute(keys, store,
                [](std::size_t point) {
                  ::usleep(2000);
                  throw_if_interrupted();
                  return record_of(point);
                },
                {.jobs = 4});
      } catch (const Interrupted&) {
        _exit(130);
      } catch (...) {
        _exit(1);
      }
      _exit(0);
    }
    ::setpgid(pid, pid);
    // Then it has its handlers, and far from all results.
    const bool has_begun = has_more_results_soon(out, before);
    ::kill(-pid, SIGTERM);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(has_begun);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 130);
  }
  const ResultStore store(out);
  std::size_t done = 0;
  for (const std::string& key : keys) {
    const auto record = store.read(key);
    if (!record) continue;
    EXPECT_EQ(record->at("status"), "done");
    ++done;
  }
  EXPECT_GT(done, 0U);
  EXPECT_LT(done, keys.size());
}

TEST_F(Execution, TheIndexIsATableOfSqlite) {
  const auto keys = keys_of(5);
  const ResultStore store(folder("out"));
  execute({keys.begin(), keys.begin() + 4}, store,
          [](std::size_t point) { return record_of(point); }, {.jobs = 1});
  write_index(store, index_of(keys));
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((store.folder() / "index.sqlite").c_str(), &database), SQLITE_OK);
  std::string rows;
  const auto add = [](void* to, int count, char** values, char**) {
    for (int i = 0; i < count; ++i) {
      *static_cast<std::string*>(to) +=
          std::string(values[i] == nullptr ? "NULL" : values[i]) + "|";
    }
    return 0;
  };
  ASSERT_EQ(
      sqlite3_exec(database,
                   "SELECT name, status, square, none FROM points WHERE point >= 3 ORDER BY point",
                   add, &rows, nullptr),
      SQLITE_OK);
  sqlite3_close(database);
  EXPECT_EQ(rows, "point, 3|done|9|NULL|point, 4|missing|NULL|NULL|");
}

}  // namespace
}  // namespace bitsmith
