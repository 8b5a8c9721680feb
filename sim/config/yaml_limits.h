// Strict YAML of files that tools write and that are longer than what people write by hand.
#pragma once

#include "config/yaml.h"

namespace bitsmith::yaml {

struct Limits {
  std::size_t bytes = kByteLimit;
  std::size_t nodes = kNodeLimit;
};

// As parse() of config/yaml.h, with other limits.
YamlNode parse(std::string_view text, const std::string& name, Diagnostics& diagnostics,
               Limits limits);

}  // namespace bitsmith::yaml
