// Libraries to test with: osu018 always, and those below the folder that $BITSMITH_LIBERTY_DIR
// names (as *.lib, at any depth), which are other people's and not part of Bitsmith.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "cost/synthesis.h"

namespace bitsmith {

inline std::vector<std::filesystem::path> libraries_to_test() {
  std::vector<std::filesystem::path> files = {default_liberty()};
  const char* folder = std::getenv("BITSMITH_LIBERTY_DIR");
  if (folder == nullptr) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".lib") files.push_back(entry.path());
  }
  return files;
}

}  // namespace bitsmith
