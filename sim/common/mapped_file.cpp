#include "common/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "common/error.h"

namespace bitsmith {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& why) {
  throw UserError(Location{path.string()}, why);
}

struct ::stat status_of(int fd, const std::filesystem::path& path) {
  struct ::stat status {};
  if (::fstat(fd, &status) != 0) fail(path, fmt::format("cannot read: {}", std::strerror(errno)));
  return status;
}

}  // namespace

MappedFile::MappedFile(std::filesystem::path path)
    // Without O_NONBLOCK the opening of a pipe that nobody writes to would never return.
    : path_(std::move(path)), fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (!fd_.is_open()) fail(path_, fmt::format("cannot open: {}", std::strerror(errno)));
  const struct ::stat status = status_of(fd_.get(), path_);
  if (S_ISDIR(status.st_mode)) fail(path_, "is a folder, expected a file");
  if (!S_ISREG(status.st_mode)) fail(path_, "is a pipe or device, expected a file");
  if (status.st_size == 0) return;  // nothing to map
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > std::numeric_limits<std::size_t>::max()) fail(path_, "is too large for this machine");
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd_.get(), 0);
  if (start == MAP_FAILED) fail(path_, fmt::format("cannot map: {}", std::strerror(errno)));
  bytes_ = {static_cast<const std::byte*>(start), static_cast<std::size_t>(size)};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::move(other.fd_)),
      bytes_(std::exchange(other.bytes_, {})) {}

void MappedFile::check_size() const {
  const auto size = static_cast<std::uint64_t>(status_of(fd_.get(), path_).st_size);
  if (size < bytes_.size()) {
    fail(path_,
         fmt::format("has shrunk from {} to {} bytes while it was open", bytes_.size(), size));
  }
}

}  // namespace bitsmith
