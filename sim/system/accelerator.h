// An accelerator as configured: a design, its memory, its clock.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/yaml.h"
#include "pe/design.h"

namespace bitsmith {

enum class Memory { none };  // operands always there, results always taken

struct AcceleratorParams {
  std::string design;  // file, relative to the accelerator's
  Memory memory = Memory::none;
  double clock_ghz = 1.0;
};

const ParameterTable<AcceleratorParams>& accelerator_parameters();

struct Accelerator {
  std::string name;  // of its file
  AcceleratorParams params;
  std::unique_ptr<const Design> design;

  nlohmann::ordered_json resolved() const;
};

// Reads the accelerator's file and the design's file it names, with overrides such as
// "design.rows=32" or "clock_ghz=0.5". Throws UserError with all mistakes of both files.
Accelerator load_accelerator(const std::filesystem::path& path,
                             const std::vector<Override>& overrides);

// An accelerator without a file: memory `none`, 1 GHz, around the design of a design file's map.
Accelerator make_accelerator(const std::string& name, YamlNode design,
                             const std::vector<Override>& overrides);

}  // namespace bitsmith
