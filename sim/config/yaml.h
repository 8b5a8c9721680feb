// Strict YAML: the subset that configurations need, with a place for every node.
//
// Accepted: one document of maps, sequences and scalars in UTF-8. Refused with file:line:column:
// anchors and aliases (so no bombs and no loops), tags, repeated keys, keys that are no words,
// several documents, directives, control characters, more than kByteLimit bytes, kNodeLimit nodes
// or kDepthLimit levels. Columns count bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace bitsmith {

struct YamlEntry;

struct YamlNode {
  enum class Kind { empty, scalar, sequence, map };

  Kind kind = Kind::empty;
  Location where;
  std::string scalar;              // Kind::scalar
  bool quoted = false;             // "16" is text, 16 is a number
  std::vector<YamlNode> items;     // Kind::sequence
  std::vector<YamlEntry> entries;  // Kind::map, in file order

  // The value of `key` in a map; null when absent or when this is no map.
  const YamlNode* find(std::string_view key) const;
  YamlNode* find(std::string_view key);
};

struct YamlEntry {
  std::string key;
  Location key_where;
  YamlNode value;
};

namespace yaml {
inline constexpr std::size_t kByteLimit = std::size_t{1} << 20;
inline constexpr std::size_t kNodeLimit = 100000;
inline constexpr int kDepthLimit = 32;

// `name` stands for the file in messages. Mistakes that leave the rest readable (a repeated key, an
// alias) go to `diagnostics`; where the text cannot be read on, all that was collected is thrown as
// a UserError.
YamlNode parse(std::string_view text, const std::string& name, Diagnostics& diagnostics);
// Throws whatever mistake there is.
YamlNode parse(std::string_view text, const std::string& name);
// Also throws UserError when the file cannot be read or is empty.
YamlNode read(const std::filesystem::path& path, Diagnostics& diagnostics);

// "a map", "a sequence", "nothing", "'3'", "the quoted text '3'": for messages.
std::string describe(const YamlNode& node);
}  // namespace yaml

// One `--set path=value` of the command line.
struct Override {
  std::vector<std::string> path;
  std::string value;
  Location where;  // file is the option as the user typed it, shortened when very long
};

// Parses "a.b=value"; throws UserError when it is not of that form (at most kDepthLimit steps).
Override parse_override(const std::string& option);

// Sets the scalar at `path`, adding the key when it is not there (the reader of the map then judges
// it). Throws UserError when a step of the path is not a map.
void apply(const Override& change, YamlNode& root);

}  // namespace bitsmith
