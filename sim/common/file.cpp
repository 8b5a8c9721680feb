#include "common/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <random>
#include <utility>

#include "common/error.h"

namespace bitsmith {
namespace fs = std::filesystem;
namespace {

// Pieces are collected up to this many bytes: a system call per number would be slow.
constexpr std::size_t kBufferBytes = std::size_t{1} << 16;

std::string reason() { return std::strerror(errno); }

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

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
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

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  std::error_code error;
  const fs::file_status status = fs::status(path_, error);
  if (fs::is_directory(status)) fail("is a folder");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    fd_ = FileDescriptor(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd_.is_open()) fail(reason());
  } else {
    create_temporary();
  }
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::create_temporary() {
  std::error_code error;
  // The file that a link names, not the link, is replaced.
  target_ = fs::is_symlink(path_, error) ? fs::canonical(path_, error) : path_;
  if (error || target_.empty()) target_ = path_;
  fs::create_directories(folder_of(target_), error);
  if (error) fail(error.message());
  std::string name;
  fd_ = FileDescriptor(create_beside(target_, name));
  if (!fd_.is_open()) fail(reason());
  temporary_ = std::move(name);
}

void AtomicFile::write(std::string_view bytes) {
  check(fd_.is_open(), "a file that was finished or has failed takes no more bytes");
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kBufferBytes - buffer_.size());
    buffer_ += piece;
    bytes.remove_prefix(piece.size());
    if (buffer_.size() == kBufferBytes) flush();
  }
}

void AtomicFile::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(reason());
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
}

void AtomicFile::finish() {
  check(fd_.is_open(), "a file is finished once, and not after it has failed");
  flush();
  if (!temporary_.empty()) {
    std::error_code error;
    const fs::file_status status = fs::status(target_, error);
    const bool kept = !fs::exists(status) || ::fchmod(fd_.get(), mode_bits(status)) == 0;
    if (!kept || ::fsync(fd_.get()) != 0) fail(reason());
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(reason());
    temporary_.clear();
    sync_folder(folder_of(target_));
  }
  fd_.reset();
}

void AtomicFile::discard() noexcept {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
  fd_.reset();
}

void AtomicFile::fail(const std::string& why) {
  discard();
  throw UserError(fmt::format("{}: cannot write: {}", path_.string(), why));
}

void write_file_atomically(const fs::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.finish();
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
