// An accelerator as configured: a design, its memory system, its clock.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/yaml.h"
#include "pe/design.h"
#include "system/memory_params.h"

namespace bitsmith {

struct AcceleratorParams {
  std::string design;           // file, relative to the accelerator's
  std::string memory = "none";  // file, or none: operands always there, results always taken
  double clock_ghz = 1.0;
};

// What area and energy of the array are read from.
struct TechnologyParams {
  std::string name = "none";
  bool limit_clock = false;
  bool allow_overclock = false;
  bool allow_mixed_nodes = false;
  bool allow_estimate = false;
};

struct Accelerator {
  std::string name;  // of its file
  AcceleratorParams params;
  TechnologyParams technology;
  std::unique_ptr<const Design> design;
  std::optional<MemoryParams> memory;

  nlohmann::ordered_json resolved() const;
};

// Reads the accelerator's file and the files of design and memory it names, with overrides such as
// "design.rows=32", "memory.bandwidth_gb_s=256", "weight_buffer.banks=4" or "clock_ghz=0.5". Throws
// UserError with all mistakes of all files.
Accelerator load_accelerator(const std::filesystem::path& path,
                             const std::vector<Override>& overrides);

// The same, many times: files are read and parsed once, however many configurations they make, so
// that all of them come from one state of the files.
class AcceleratorFiles {
 public:
  Accelerator load(const std::filesystem::path& path, const std::vector<Override>& overrides);

 private:
  YamlNode read(const std::filesystem::path& path, Diagnostics& diagnostics);

  std::map<std::filesystem::path, YamlNode> parsed_;
};

// An accelerator without a file: memory `none`, 1 GHz, around the design of a design file's map.
Accelerator make_accelerator(const std::string& name, YamlNode design,
                             const std::vector<Override>& overrides);

// Parameter tables of an accelerator file and of the maps in it, by key ("" for the file itself),
// and of a memory file: for `describe`.
std::vector<std::pair<std::string, std::vector<ParameterInfo>>> describe_accelerator();

// The constants that follow from design, memory and clock.
MemoryTimes memory_times(const Design& design, const MemoryParams& memory, double clock_ghz);

}  // namespace bitsmith
