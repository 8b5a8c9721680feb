// Strict JSON as the tree that YAML makes, with a place for every node, so that values are read and
// refused alike in both.
//
// Maps and sequences are objects and arrays; strings are quoted scalars, numbers and truth values
// plain ones; null is an empty node. Refused: repeated keys, zero bytes, what RFC 8259 does not
// allow (comments, trailing commas, NaN), numbers beyond a double, more than the limits and more
// than yaml::kDepthLimit levels. Columns count bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "config/yaml.h"

namespace bitsmith {

struct JsonLimits {
  std::size_t bytes = yaml::kByteLimit;
  std::size_t nodes = yaml::kNodeLimit;
};

// An object with all that is in it. Throws UserError at the first mistake; `name` stands for the
// file.
YamlNode parse_json(std::string_view text, const std::string& name, JsonLimits limits = {});
// Also throws UserError when the file cannot be read.
YamlNode read_json(const std::filesystem::path& path, JsonLimits limits = {});

}  // namespace bitsmith
