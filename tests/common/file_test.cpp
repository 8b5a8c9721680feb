#include "common/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>

#include "common/error.h"
#include "common/mapped_file.h"
#include "common/process.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class FileTest : public testing::Test {
 protected:
  fs::path in_folder(const std::string& name) const { return folder_.path() / name; }

  fs::path with_content(const std::string& name, const std::string& content) const {
    std::ofstream(in_folder(name), std::ios::binary) << content;
    return in_folder(name);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      found.push_back(entry.path().filename().string());
    }
    return found;
  }

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

// Read by other means than the code under test.
std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <class Action>
std::string user_error(Action action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

std::string error_of_reading(const fs::path& path, std::size_t limit = 100) {
  return user_error([&] { read_file(path, limit); });
}

std::string error_of_writing(const fs::path& path, std::string_view content = "new") {
  return user_error([&] { write_file_atomically(path, content); });
}

// error_of_writing() of a child process whose rights or limits `prepare` takes away.
template <class Prepare>
std::string error_of_writing_in_child(Prepare prepare, const fs::path& path,
                                      const std::string& text) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string error = prepare() ? error_of_writing(path, text) : "not prepared";
    ::_exit(::write(ends[1], error.data(), error.size()) < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  std::string error(1000, '\0');
  const ssize_t count = ::read(ends[0], error.data(), error.size());
  error.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return error;
}

constexpr uid_t kNobody = 65534;  // a user without rights, for tests that run as root

class ReadFile : public FileTest {};

TEST_F(ReadFile, ReturnsEveryByte) {
  std::string bytes;
  for (int i = 0; i < 200000; ++i) bytes += static_cast<char>(i % 256);
  EXPECT_EQ(read_file(with_content("f", bytes), bytes.size()), bytes);
}

TEST_F(ReadFile, ReturnsNothingOfAnEmptyFile) {
  EXPECT_EQ(read_file(with_content("f", ""), 0), "");
}

TEST_F(ReadFile, NamesAMissingFile) {
  const fs::path path = in_folder("missing.yaml");
  EXPECT_EQ(error_of_reading(path), path.string() + ": cannot open: No such file or directory");
  EXPECT_EQ(error_of_reading(""), ": cannot open: No such file or directory");
}

TEST_F(ReadFile, NamesAFileUsedAsFolder) {
  const fs::path path = with_content("f", "x") / "below";
  EXPECT_EQ(error_of_reading(path), path.string() + ": cannot open: Not a directory");
}

TEST_F(ReadFile, RefusesAFolder) {
  const fs::path path = in_folder("folder");
  fs::create_directory(path);
  EXPECT_EQ(error_of_reading(path), path.string() + ": is a folder, expected a file");
}

TEST_F(ReadFile, TakesTheLimitAndNotOneByteMore) {
  const fs::path path = with_content("f", "12345");
  EXPECT_EQ(read_file(path, 5), "12345");
  EXPECT_EQ(error_of_reading(path, 4),
            path.string() + ": longer than the 4 bytes allowed for such a file");
}

TEST_F(ReadFile, StopsReadingAnEndlessDevice) {
  EXPECT_EQ(error_of_reading("/dev/zero", 1 << 20),
            "/dev/zero: longer than the 1048576 bytes allowed for such a file");
}

TEST_F(ReadFile, ReadsWhatItsSizeDoesNotTell) {
  ASSERT_EQ(fs::file_size("/proc/self/cmdline"), 0U);
  EXPECT_NE(read_file("/proc/self/cmdline", 1 << 20), "");
}

TEST_F(ReadFile, ReadsAPipeUntilItIsClosed) {
  const fs::path path = in_folder("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string text(300000, 'p');  // more than a pipe holds
  std::thread writer([&] { std::ofstream(path) << text; });
  EXPECT_EQ(read_file(path, text.size()), text);
  writer.join();
}

TEST_F(ReadFile, BoundsAPipe) {
  const fs::path path = in_folder("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(path) << "12345"; });
  EXPECT_EQ(error_of_reading(path, 4),
            path.string() + ": longer than the 4 bytes allowed for such a file");
  writer.join();
}

class WriteFile : public FileTest {};

TEST_F(WriteFile, MakesANewFileAndLeavesNothingElse) {
  write_file_atomically(in_folder("out.json"), std::string_view("a\0b\n", 4));
  EXPECT_EQ(content_of(in_folder("out.json")), std::string("a\0b\n", 4));
  EXPECT_THAT(names(), ElementsAre("out.json"));
}

TEST_F(WriteFile, ReplacesAllOfALongerFile) {
  const fs::path path = with_content("out.json", "old and long");
  write_file_atomically(path, "new");
  EXPECT_EQ(content_of(path), "new");
  EXPECT_THAT(names(), ElementsAre("out.json"));
}

TEST_F(WriteFile, LeavesTheOldFileToWhoeverReadsIt) {
  const fs::path path = with_content("out.json", "old");
  std::ifstream reader(path);
  write_file_atomically(path, "new");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(reader), {}), "old");
}

TEST_F(WriteFile, WritesNothingAndMuch) {
  write_file_atomically(in_folder("empty"), "");
  EXPECT_EQ(content_of(in_folder("empty")), "");
  const std::string much(5000000, 'x');
  write_file_atomically(in_folder("much"), much);
  EXPECT_EQ(content_of(in_folder("much")), much);
}

TEST_F(WriteFile, CreatesMissingFolders) {
  const fs::path path = in_folder("a/b/out.json");
  write_file_atomically(path, "x");
  EXPECT_EQ(content_of(path), "x");
}

TEST_F(WriteFile, WritesIntoTheWorkingFolder) {
  const fs::path before = fs::current_path();
  fs::current_path(in_folder(""));
  write_file_atomically("plain", "x");
  fs::current_path(before);
  EXPECT_EQ(content_of(in_folder("plain")), "x");
  EXPECT_THAT(names(), ElementsAre("plain"));
}

TEST_F(WriteFile, TakesTheLongestNameThereIs) {
  const fs::path path = in_folder(std::string(NAME_MAX, 'n'));
  write_file_atomically(path, "x");
  EXPECT_EQ(content_of(path), "x");
  const fs::path longer = in_folder(std::string(NAME_MAX + 1, 'n'));
  EXPECT_EQ(error_of_writing(longer), longer.string() + ": cannot write: File name too long");
  EXPECT_EQ(names().size(), 1U);
}

TEST_F(WriteFile, RefusesAFolder) {
  fs::create_directory(in_folder("folder"));
  EXPECT_EQ(error_of_writing(in_folder("folder")),
            in_folder("folder").string() + ": cannot write: is a folder");
  EXPECT_THAT(names(), ElementsAre("folder"));
}

TEST_F(WriteFile, SaysWhyThereCannotBeSuchAFolder) {
  const fs::path below_file = with_content("f", "x") / "out.json";
  EXPECT_EQ(error_of_writing(below_file), below_file.string() + ": cannot write: Not a directory");
  EXPECT_EQ(content_of(in_folder("f")), "x");
  const std::string error = error_of_writing("/proc/bitsmith/out.json");
  EXPECT_EQ(error, "/proc/bitsmith/out.json: cannot write: No such file or directory");
}

TEST_F(WriteFile, RefusesAFolderThatTakesNoFiles) {
  EXPECT_EQ(error_of_writing("/proc/out.json"),
            "/proc/out.json: cannot write: No such file or directory");
}

TEST_F(WriteFile, SaysWhenAFolderIsReadOnlyAndLeavesTheOldContent) {
  const fs::path path = with_content("f", "old");
  const bool is_root = ::geteuid() == 0;
  ASSERT_TRUE(!is_root || ::chown(in_folder("").c_str(), kNobody, kNobody) == 0);
  fs::permissions(in_folder(""), fs::perms::owner_read | fs::perms::owner_exec);
  const auto without_rights = [=] { return !is_root || ::setuid(kNobody) == 0; };
  const std::string error = error_of_writing_in_child(without_rights, path, "new");
  fs::permissions(in_folder(""), fs::perms::owner_all);
  EXPECT_EQ(error, path.string() + ": cannot write: Permission denied");
  EXPECT_EQ(content_of(path), "old");
  EXPECT_THAT(names(), ElementsAre("f"));
}

TEST_F(WriteFile, ReplacesTheFileALinkNames) {
  const fs::path target = with_content("target", "old");
  fs::create_symlink("target", in_folder("link"));
  write_file_atomically(in_folder("link"), "new");
  EXPECT_TRUE(fs::is_symlink(in_folder("link")));
  EXPECT_EQ(content_of(target), "new");
  EXPECT_THAT(names(), UnorderedElementsAre("link", "target"));
}

TEST_F(WriteFile, RepairsALinkToNowhere) {
  fs::create_symlink("nowhere", in_folder("link"));
  write_file_atomically(in_folder("link"), "new");
  EXPECT_EQ(content_of(in_folder("link")), "new");
}

mode_t permissions_of(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

TEST_F(WriteFile, ObeysTheUmaskAndKeepsThePermissionsOfAReplacedFile) {
  const mode_t before = ::umask(077);
  write_file_atomically(in_folder("secret"), "x");
  ::umask(022);
  write_file_atomically(in_folder("public"), "x");
  write_file_atomically(in_folder("secret"), "y");
  ::umask(before);
  EXPECT_EQ(permissions_of(in_folder("secret")), 0600U);
  EXPECT_EQ(permissions_of(in_folder("public")), 0644U);
}

// As root, a rename would put a plain file in the place of /dev/null.
TEST_F(WriteFile, WritesToADeviceInsteadOfReplacingIt) {
  write_file_atomically("/dev/null", "gone");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(WriteFile, WritesToAPipeInsteadOfReplacingIt) {
  const fs::path path = in_folder("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::string received;
  std::thread reader([&] { received = content_of(path); });
  write_file_atomically(path, "through");
  reader.join();
  EXPECT_EQ(received, "through");
  EXPECT_TRUE(fs::is_fifo(path));
}

TEST_F(WriteFile, ReportsAFullDevice) {
  EXPECT_EQ(error_of_writing("/dev/full"), "/dev/full: cannot write: No space left on device");
}

// Like a full disk, without one: write() fails after `bytes`.
std::string error_of_writing_at_most(rlim_t bytes, const fs::path& path, const std::string& text) {
  const auto limit_files = [bytes] {
    std::signal(SIGXFSZ, SIG_IGN);  // the error instead of the signal
    const rlimit limit{bytes, bytes};
    return ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
  };
  return error_of_writing_in_child(limit_files, path, text);
}

TEST_F(WriteFile, LeavesTheOldContentAndNoRubbishOnAFullDisk) {
  const fs::path path = with_content("out.json", "old");
  EXPECT_EQ(error_of_writing_at_most(100000, path, std::string(100001, 'x')),
            path.string() + ": cannot write: File too large");
  EXPECT_EQ(content_of(path), "old");
  EXPECT_THAT(names(), ElementsAre("out.json"));
  EXPECT_EQ(error_of_writing_at_most(100000, path, std::string(100000, 'x')), "no error");
  EXPECT_EQ(content_of(path).size(), 100000U);
}

TEST_F(WriteFile, LeavesNoNewFileOnAFullDisk) {
  EXPECT_EQ(error_of_writing_at_most(0, in_folder("f"), "x"),
            in_folder("f").string() + ": cannot write: File too large");
  EXPECT_THAT(names(), IsEmpty());
}

class AtomicFileTest : public FileTest {};

TEST_F(AtomicFileTest, ShowsNothingBeforeItIsFinished) {
  const fs::path path = with_content("f", "old");
  std::string expected;
  AtomicFile file(path);
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
    file.write(piece);
    expected += piece;
  }
  EXPECT_EQ(content_of(path), "old");
  file.finish();
  EXPECT_TRUE(content_of(path) == expected);
  EXPECT_THAT(names(), ElementsAre("f"));
}

TEST_F(AtomicFileTest, LeavesNothingWhenItIsNotFinished) {
  const fs::path path = with_content("f", "old");
  {
    AtomicFile file(path);
    file.write(std::string(200000, 'x'));
    EXPECT_EQ(names().size(), 2U);
  }
  EXPECT_EQ(content_of(path), "old");
  EXPECT_THAT(names(), ElementsAre("f"));
}

TEST_F(AtomicFileTest, TakesNothingAfterItsEnd) {
  AtomicFile file(in_folder("f"));
  file.finish();
  EXPECT_THROW(file.write("x"), InternalError);
  EXPECT_THROW(file.finish(), InternalError);
  EXPECT_EQ(content_of(in_folder("f")), "");
}

TEST_F(AtomicFileTest, TakesNothingAfterAFailure) {
  AtomicFile file("/dev/full");
  const std::string much(100000, 'x');
  EXPECT_EQ(user_error([&] { file.write(much); }),
            "/dev/full: cannot write: No space left on device");
  EXPECT_THROW(file.finish(), InternalError);
}

TEST_F(AtomicFileTest, IsReplacedWholeByTheLastToFinish) {
  AtomicFile first(in_folder("f"));
  AtomicFile second(in_folder("f"));
  first.write("first");
  second.write("second, longer");
  second.finish();
  first.finish();
  EXPECT_EQ(content_of(in_folder("f")), "first");
  EXPECT_THAT(names(), ElementsAre("f"));
}

class MappedFileTest : public FileTest {
 protected:
  static std::string text_of(const MappedFile& file) {
    return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
  }
  static std::string error_of_mapping(const fs::path& path) {
    return user_error([&] { const MappedFile file(path); });
  }
};

TEST_F(MappedFileTest, ShowsEveryByteAndLivesThroughAMove) {
  MappedFile file(with_content("f", "content"));
  EXPECT_EQ(text_of(file), "content");
  const MappedFile moved = std::move(file);
  EXPECT_EQ(text_of(moved), "content");
  EXPECT_EQ(moved.path(), in_folder("f"));
  EXPECT_TRUE(MappedFile(with_content("empty", "")).bytes().empty());
}

TEST_F(MappedFileTest, KeepsTheOldContentOfAFileThatIsReplaced) {
  const MappedFile file(with_content("f", "old"));
  write_file_atomically(in_folder("f"), "n");
  EXPECT_EQ(text_of(file), "old");
  file.check_size();
}

TEST_F(MappedFileTest, SeesThatItWasTruncated) {
  const fs::path path = with_content("f", "content");
  const MappedFile file(path);
  file.check_size();
  fs::resize_file(path, 9);
  file.check_size();
  fs::resize_file(path, 3);
  EXPECT_EQ(user_error([&] { file.check_size(); }),
            path.string() + ": has shrunk from 7 to 3 bytes while it was open");
}

TEST_F(MappedFileTest, RefusesWhatIsNoFile) {
  const fs::path missing = in_folder("missing");
  EXPECT_EQ(error_of_mapping(missing),
            missing.string() + ": cannot open: No such file or directory");
  const fs::path folder = in_folder("folder");
  fs::create_directory(folder);
  EXPECT_EQ(error_of_mapping(folder), folder.string() + ": is a folder, expected a file");
  const fs::path pipe = in_folder("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(error_of_mapping(pipe), pipe.string() + ": is a pipe or device, expected a file");
  EXPECT_EQ(error_of_mapping("/dev/zero"), "/dev/zero: is a pipe or device, expected a file");
}

// Sets an environment variable (null: unsets it) for the life of the object.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name); before != nullptr) before_ = before;
    set(value);
  }
  ~Environment() { set(before_ ? before_->c_str() : nullptr); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void set(const char* value) const {
    if (value == nullptr) {
      ::unsetenv(name_);
    } else {
      ::setenv(name_, value, 1);
    }
  }

  const char* name_;
  std::optional<std::string> before_;
};

class Folders : public FileTest {
 private:
  Environment home_{"HOME", "/nonexistent"};
  Environment xdg_{"XDG_CACHE_HOME", nullptr};
  Environment cache_{"BITSMITH_CACHE", nullptr};
  Environment data_{"BITSMITH_HOME", nullptr};
};

TEST_F(Folders, CacheIsCreatedWhereTheEnvironmentSays) {
  const Environment home("HOME", in_folder("home").c_str());
  EXPECT_EQ(cache_folder(), in_folder("home/.cache/bitsmith"));
  const Environment xdg("XDG_CACHE_HOME", in_folder("xdg").c_str());
  EXPECT_EQ(cache_folder(), in_folder("xdg/bitsmith"));
  const Environment chosen("BITSMITH_CACHE", in_folder("chosen").c_str());
  EXPECT_EQ(cache_folder(), in_folder("chosen"));
  EXPECT_TRUE(fs::is_directory(in_folder("home/.cache/bitsmith")));
  EXPECT_TRUE(fs::is_directory(in_folder("xdg/bitsmith")));
  EXPECT_TRUE(fs::is_directory(in_folder("chosen")));
}

TEST_F(Folders, CacheIsAbsoluteForPrograms) {
  const fs::path before = fs::current_path();
  fs::current_path(in_folder(""));
  const Environment chosen("BITSMITH_CACHE", "relative");
  const fs::path cache = cache_folder();
  fs::current_path(before);
  EXPECT_TRUE(cache.is_absolute());
  EXPECT_TRUE(fs::is_directory(in_folder("relative")));
}

TEST_F(Folders, CacheNeverGoesToTheWorkingFolderForWantOfAHome) {
  const Environment home("HOME", nullptr);
  EXPECT_EQ(user_error([] { cache_folder(); }),
            "no cache folder: set BITSMITH_CACHE (HOME is not set)");
}

TEST_F(Folders, CacheThatCannotBeCreatedIsAUserError) {
  const std::string below_file = (with_content("f", "x") / "cache").string();
  const Environment chosen("BITSMITH_CACHE", below_file.c_str());
  EXPECT_EQ(user_error([] { cache_folder(); }),
            below_file +
                ": cannot create the cache folder: Not a directory (BITSMITH_CACHE "
                "chooses another)");
}

TEST_F(Folders, HomeIsTheChosenFolderElseTheSourceTree) {
  EXPECT_TRUE(fs::is_directory(home_folder() / "rtl"));
  EXPECT_TRUE(fs::is_directory(home_folder() / "configs"));
  const std::string copy = in_folder("copy");
  fs::create_directories(fs::path(copy) / "rtl");
  const Environment chosen("BITSMITH_HOME", copy.c_str());
  EXPECT_EQ(home_folder(), copy);
}

TEST_F(Folders, HomeWithoutRtlIsAUserErrorThatNamesTheVariable) {
  const Environment chosen("BITSMITH_HOME", "/some/where");
  EXPECT_THROW(home_folder(), UserError);
}

}  // namespace
}  // namespace bitsmith
