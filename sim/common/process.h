// Running other programs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace bitsmith {

struct ProcessResult {
  int exit_code = 0;   // 128 + signal when it was killed
  std::string output;  // stdout and stderr together
};

// Runs `arguments` (the program is looked up in PATH; no shell) in `folder`, with nothing to read
// on stdin, and waits until it and all that hold its output ended. Throws UserError when the
// program is not installed or `folder` does not exist.
ProcessResult run_process(const std::vector<std::string>& arguments,
                          const std::filesystem::path& folder);

// Whether PATH has such a program.
bool is_installed(const std::string& program);

// The first line a tool prints, for its version.
std::string first_line_of(const std::vector<std::string>& arguments);

// Removes a folder and all that is in it at the end of its life.
class TemporaryFolder {
 public:
  // A new folder below `parent`, which must exist.
  explicit TemporaryFolder(const std::filesystem::path& parent);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace bitsmith
