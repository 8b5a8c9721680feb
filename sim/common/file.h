// Files: bounded reading of what users hand us, atomic writing of what we hand them, and the place
// where Bitsmith's own data (rtl/, configs/, workloads/) lives.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace bitsmith {

// The whole file. Throws UserError when it is missing, a folder, unreadable or longer than
// `byte_limit` bytes (pipes and devices are read up to the limit as well).
std::string read_file(const std::filesystem::path& path, std::size_t byte_limit);

// Writes to a temporary file beside `path`, flushes it to disk and renames it: readers see the old
// content or the new, never half of it. Missing folders are created, links are followed, the
// permissions of a replaced file stay. Pipes and devices (/dev/stdout, /dev/null) cannot be
// replaced: they are written to. Throws UserError when the disk is full or the folder is not
// writable; `path` is untouched then.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

// The folder that holds rtl/, configs/ and workloads/: $BITSMITH_HOME, else the source tree this
// binary was built from, else <prefix>/share/bitsmith of the installed binary.
std::filesystem::path home_folder();

// Where builds that can be made again are kept: $BITSMITH_CACHE, else $XDG_CACHE_HOME/bitsmith,
// else ~/.cache/bitsmith. Absolute; created when missing.
std::filesystem::path cache_folder();

}  // namespace bitsmith
