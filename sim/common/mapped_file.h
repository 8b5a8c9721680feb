// A file as read-only memory: pages are loaded when they are touched, so a file larger than the
// memory of the machine can be read.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "common/file_descriptor.h"

namespace bitsmith {

// The mapping lasts as long as the object. The file should not change meanwhile: where it is
// overwritten in place the new bytes show, and a touch beyond the end of a file that was truncated
// raises SIGBUS, which ends the process. check_size() turns a truncation that has already happened
// into a UserError; one that happens while the bytes are in use cannot be caught. A file that is
// replaced by a rename (as AtomicFile does) is no danger: the old content stays mapped.
class MappedFile {
 public:
  // Throws UserError when the file is missing, a folder, unreadable or no regular file.
  explicit MappedFile(std::filesystem::path path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;

  // The whole file; the span is valid as long as this object or the one it was moved to.
  std::span<const std::byte> bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }
  // Throws UserError when the file is now shorter than bytes().
  void check_size() const;

 private:
  std::filesystem::path path_;
  FileDescriptor fd_;
  std::span<const std::byte> bytes_;
};

}  // namespace bitsmith
