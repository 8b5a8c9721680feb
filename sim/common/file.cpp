#include "common/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <random>

#include "common/error.h"

namespace bitsmith {
namespace fs = std::filesystem;
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string reason() { return std::strerror(errno); }

[[noreturn]] void fail_to_write(const fs::path& path, const std::string& why) {
  throw UserError(fmt::format("{}: cannot write: {}", path.string(), why));
}

void write_all(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_to_write(path, reason());
    content.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Pipes and devices take bytes, they are not replaced.
void write_stream(const fs::path& path, std::string_view content) {
  const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd.get() < 0) fail_to_write(path, reason());
  write_all(fd.get(), content, path);
}

// A new file in the folder of `target`, with the permissions that the user's umask leaves (mkstemp
// would leave 0600). Returns its descriptor, or -1 with errno.
int create_beside(const fs::path& target, std::string& name) {
  std::random_device random;
  while (true) {
    name = (target.parent_path() / fmt::format(".bitsmith-{:08x}.tmp", random())).string();
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
}

mode_t mode_bits(const fs::file_status& status) {
  return static_cast<mode_t>(status.permissions() & fs::perms::all);
}

// A rename is durable only once its folder is.
void sync_folder(const fs::path& folder) {
  const FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() >= 0) ::fsync(fd.get());
}

fs::path environment_path(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? fs::path() : fs::path(value);
}

}  // namespace

std::string read_file(const fs::path& path, std::size_t byte_limit) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    throw UserError(fmt::format("{}: cannot open: {}", path.string(), reason()));
  }
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    throw UserError(fmt::format("{}: is a folder, expected a file", path.string()));
  }
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw UserError(fmt::format("{}: cannot read: {}", path.string(), reason()));
    if (count == 0) return content;
    if (content.size() + static_cast<std::size_t>(count) > byte_limit) {
      throw UserError(fmt::format("{}: longer than the {} bytes allowed for such a file",
                                  path.string(), byte_limit));
    }
    content.append(buffer, static_cast<std::size_t>(count));
  }
}

void write_file_atomically(const fs::path& path, std::string_view content) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) fail_to_write(path, "is a folder");
  if (fs::exists(status) && !fs::is_regular_file(status)) return write_stream(path, content);
  // The file that a link names, not the link, is replaced.
  fs::path target = fs::is_symlink(path, error) ? fs::canonical(path, error) : path;
  if (error || target.empty()) target = path;
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  fs::create_directories(folder, error);
  if (error) fail_to_write(path, error.message());

  std::string temporary;
  const FileDescriptor fd(create_beside(target, temporary));
  if (fd.get() < 0) fail_to_write(path, reason());
  try {
    write_all(fd.get(), content, path);
    const bool kept = !fs::exists(status) || ::fchmod(fd.get(), mode_bits(status)) == 0;
    if (!kept || ::fsync(fd.get()) != 0) fail_to_write(path, reason());
    if (::rename(temporary.c_str(), target.c_str()) != 0) fail_to_write(path, reason());
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder(folder);
}

fs::path home_folder() {
  if (const fs::path chosen = environment_path("BITSMITH_HOME"); !chosen.empty()) {
    std::error_code error;
    if (fs::is_directory(chosen / "rtl", error)) return fs::absolute(chosen);
    throw UserError(fmt::format("BITSMITH_HOME is {}, which has no folder rtl", chosen.string()));
  }
  std::error_code error;
  if (fs::is_directory(fs::path(BITSMITH_SOURCE_DIR) / "rtl", error)) return BITSMITH_SOURCE_DIR;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  const fs::path installed = binary.parent_path().parent_path() / "share" / "bitsmith";
  if (!error && fs::is_directory(installed / "rtl", error)) return installed;
  throw UserError(
      fmt::format("Bitsmith's data (rtl/, configs/) is neither in {} nor in {}; set BITSMITH_HOME "
                  "to its folder",
                  BITSMITH_SOURCE_DIR, installed.string()));
}

fs::path cache_folder() {
  fs::path folder = environment_path("BITSMITH_CACHE");
  if (folder.empty()) {
    folder = environment_path("XDG_CACHE_HOME");
    if (folder.empty()) {
      const fs::path home = environment_path("HOME");
      if (home.empty()) throw UserError("no cache folder: set BITSMITH_CACHE (HOME is not set)");
      folder = home / ".cache";
    }
    folder /= "bitsmith";
  }
  folder = fs::absolute(folder);  // programs run in other folders use it too
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw UserError(
        fmt::format("{}: cannot create the cache folder: {} (BITSMITH_CACHE chooses another)",
                    folder.string(), error.message()));
  }
  return folder;
}

}  // namespace bitsmith
