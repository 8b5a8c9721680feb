// Files: bounded reading of what users hand us, atomic writing of what we hand them, and the place
// where Bitsmith's own data (rtl/, configs/, workloads/) lives.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/file_descriptor.h"

namespace bitsmith {

// The whole file. Throws UserError when it is missing, a folder, unreadable or longer than
// `byte_limit` bytes (pipes and devices are read up to the limit as well).
std::string read_file(const std::filesystem::path& path, std::size_t byte_limit);

// Writes a file piece by piece to a temporary one beside it; finish() flushes that to disk and
// renames it: readers see the old content or the new, never half of it. Missing folders are
// created, links are followed, the permissions of a replaced file stay. Pipes and devices
// (/dev/stdout, /dev/null) cannot be replaced: they are written to.
//
// Every function throws UserError when the disk is full or the folder is not writable. `path` is
// untouched then, the temporary file is gone, and the object takes nothing more. The same holds
// when the object dies without finish(). Small pieces are collected, so a full disk may show only
// at a later piece or at finish().
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  // Once, after the last write().
  void finish();

 private:
  void create_temporary();
  void flush();
  void discard() noexcept;
  [[noreturn]] void fail(const std::string& why);

  std::filesystem::path path_;    // as the user wrote it, for messages
  std::filesystem::path target_;  // what is replaced; empty for pipes and devices
  std::string temporary_;         // "" when there is none
  FileDescriptor fd_;
  std::string buffer_;
};

// AtomicFile with a single piece.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

// The folder that holds rtl/, configs/ and workloads/: $BITSMITH_HOME, else the source tree this
// binary was built from, else <prefix>/share/bitsmith of the installed binary.
std::filesystem::path home_folder();

// Where builds that can be made again are kept: $BITSMITH_CACHE, else $XDG_CACHE_HOME/bitsmith,
// else ~/.cache/bitsmith. Absolute; created when missing.
std::filesystem::path cache_folder();

}  // namespace bitsmith
