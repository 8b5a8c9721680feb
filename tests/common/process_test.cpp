#include "common/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "common/error.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;

ProcessResult shell(const std::string& script, const fs::path& folder = "/") {
  return run_process({"sh", "-c", script}, folder);
}

// In a forked child, so that the tests' own signals and descriptors stay. Returns the child's exit
// code.
template <class Action>
int in_child(Action action) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(action());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string error_of_running(const std::vector<std::string>& arguments, const fs::path& folder) {
  try {
    run_process(arguments, folder);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(RunProcess, ReturnsTheExitCode) {
  EXPECT_EQ(run_process({"true"}, "/").exit_code, 0);
  EXPECT_EQ(run_process({"false"}, "/").exit_code, 1);
  EXPECT_EQ(shell("exit 42").exit_code, 42);
  EXPECT_EQ(shell("exit 255").exit_code, 255);
}

TEST(RunProcess, Returns128PlusTheSignalThatKilled) {
  EXPECT_EQ(shell("kill -KILL $$").exit_code, 128 + SIGKILL);
  EXPECT_EQ(shell("echo before; kill -SEGV $$").exit_code, 128 + SIGSEGV);
}

TEST(RunProcess, ReturnsOutputAndErrorsInTheOrderWritten) {
  EXPECT_EQ(shell("echo one; echo two >&2; echo three").output, "one\ntwo\nthree\n");
  EXPECT_EQ(shell(":").output, "");
}

TEST(RunProcess, KeepsTheOutputOfAProcessThatFails) {
  const ProcessResult result = shell("echo why >&2; exit 3");
  EXPECT_EQ(result.output, "why\n");
  EXPECT_EQ(result.exit_code, 3);
}

TEST(RunProcess, TakesMuchMoreOutputThanAPipeHolds) {
  const ProcessResult result = shell("head -c 10000000 /dev/zero; head -c 1000000 /dev/zero >&2");
  EXPECT_EQ(result.output.size(), 11000000U);
  EXPECT_EQ(result.exit_code, 0);
}

TEST(RunProcess, PassesArgumentsUntouchedByAShell) {
  EXPECT_EQ(run_process({"printf", "%s|", "a b", "$HOME", "", "*", "'\""}, "/").output,
            "a b|$HOME||*|'\"|");
}

TEST(RunProcess, RunsInTheFolder) {
  const TemporaryFolder folder(fs::temp_directory_path());
  EXPECT_EQ(shell("pwd -P", folder.path()).output, fs::canonical(folder.path()).string() + "\n");
  shell("echo x > made", folder.path());
  EXPECT_TRUE(fs::exists(folder.path() / "made"));
}

TEST(RunProcess, GivesNothingToRead) { EXPECT_EQ(shell("cat; echo end").output, "end\n"); }

TEST(RunProcess, LeaksNoDescriptorsInEitherDirection) {
  const auto count = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  const auto before = count();
  for (int i = 0; i < 10; ++i) {
    run_process({"true"}, "/");
    error_of_running({"no-such-program"}, "/");
  }
  EXPECT_EQ(count(), before);
  const int only_its_own = in_child([] {
    for (int fd = 3; fd < 1024; ++fd) ::close(fd);
    // stdin, stdout, stderr and the descriptor of the listing itself
    return run_process({"ls", "/proc/self/fd"}, "/").output == "0\n1\n2\n3\n" ? 7 : 1;
  });
  EXPECT_EQ(only_its_own, 7);
}

TEST(RunProcess, NamesAMissingProgram) {
  EXPECT_EQ(error_of_running({"no-such-program", "x"}, "/"),
            "cannot run 'no-such-program': No such file or directory (scripts/setup installs what "
            "Bitsmith needs)");
}

TEST(RunProcess, NamesAProgramThatIsNone) {
  const TemporaryFolder folder(fs::temp_directory_path());
  const std::string plain = (folder.path() / "plain").string();
  std::ofstream(plain) << "no program";
  EXPECT_EQ(
      error_of_running({plain}, "/"),
      "cannot run '" + plain + "': Permission denied (scripts/setup installs what Bitsmith needs)");
}

TEST(RunProcess, NamesAMissingFolderAndDoesNotBlameTheProgram) {
  EXPECT_EQ(error_of_running({"true"}, "/no/such/folder"),
            "/no/such/folder: is not a folder, cannot run 'true' in it");
}

TEST(RunProcess, WithoutAProgramIsABugOfOurs) { EXPECT_THROW(run_process({}, "/"), InternalError); }

// The kernel then throws exit codes away; a failed build must not look like a good one.
TEST(RunProcess, DoesNotInventAnExitCodeWhenItsParentIgnoresChildren) {
  const int said_so = in_child([] {
    std::signal(SIGCHLD, SIG_IGN);
    const std::string error = error_of_running({"false"}, "/");
    return error == "cannot learn how 'false' ended: No child processes (is SIGCHLD ignored?)" ? 7
                                                                                               : 1;
  });
  EXPECT_EQ(said_so, 7);
}

TEST(RunProcess, WorksWhenStartedWithClosedStandardStreams) {
  const int worked = in_child([] {
    for (int fd = 0; fd < 3; ++fd) ::close(fd);
    const ProcessResult result = shell("echo out; echo err >&2; cat; exit 5");
    return result.output == "out\nerr\n" && result.exit_code == 5 ? 7 : 1;
  });
  EXPECT_EQ(worked, 7);
}

TEST(TemporaryFolder, IsNewEmptyAndBelowItsParent) {
  const TemporaryFolder parent(fs::temp_directory_path());
  const TemporaryFolder one(parent.path());
  const TemporaryFolder two(parent.path());
  EXPECT_EQ(one.path().parent_path(), parent.path());
  EXPECT_NE(one.path(), two.path());
  EXPECT_TRUE(fs::is_empty(one.path()));
}

TEST(TemporaryFolder, TakesEverythingWithIt) {
  fs::path path;
  {
    const TemporaryFolder folder(fs::temp_directory_path());
    path = folder.path();
    fs::create_directories(path / "a/b");
    std::ofstream(path / "a/b/file") << "x";
    fs::create_symlink("/", path / "root");
  }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_TRUE(fs::exists("/"));
}

TEST(TemporaryFolder, ToleratesThatItIsGoneAlready) {
  const TemporaryFolder folder(fs::temp_directory_path());
  fs::remove(folder.path());
}

TEST(TemporaryFolder, NeedsItsParent) {
  try {
    const TemporaryFolder folder("/no/such/folder");
    FAIL() << "made " << folder.path();
  } catch (const UserError& error) {
    EXPECT_STREQ(error.what(),
                 "/no/such/folder: cannot make a folder in it: No such file or directory");
  }
}

}  // namespace
}  // namespace bitsmith
