// Strict reading of one scalar: what is wrong and what is allowed goes to the diagnostics.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/error.h"
#include "config/yaml.h"

namespace bitsmith {

// Both ends are allowed values.
struct IntegerRange {
  std::int64_t lowest;
  std::int64_t highest;
  bool contains(std::int64_t value) const { return lowest <= value && value <= highest; }
  std::string text() const;
};

struct NumberRange {
  double lowest;
  double highest;
  bool contains(double value) const { return lowest <= value && value <= highest; }
  std::string text() const;
};

// Each returns nothing, and says why, when the node is not such a value. `key` names it in
// messages. Integers are decimal without leading zeros (010 is an error, not 8); numbers are
// finite.
std::optional<std::int64_t> read_integer(const YamlNode& node, std::string_view key,
                                         IntegerRange range, Diagnostics& diagnostics);
std::optional<double> read_number(const YamlNode& node, std::string_view key, NumberRange range,
                                  Diagnostics& diagnostics);
std::optional<bool> read_flag(const YamlNode& node, std::string_view key, Diagnostics& diagnostics);
// Not empty; no control characters but line ends and tabs.
std::optional<std::string> read_text(const YamlNode& node, std::string_view key,
                                     Diagnostics& diagnostics);
// The index of the word in `words`.
std::optional<std::size_t> read_choice(const YamlNode& node, std::string_view key,
                                       std::span<const std::string_view> words,
                                       Diagnostics& diagnostics);

// A decimal integer in `text` and nothing else; nothing when it is malformed or does not fit.
std::optional<std::int64_t> parse_integer(std::string_view text);

// "a | b | c"; int2 .. int16 and the like are not abbreviated: the list is what users may type.
std::string list_words(std::span<const std::string_view> words);
std::string unknown_word(std::string_view what, std::string_view word,
                         std::span<const std::string_view> allowed);

}  // namespace bitsmith
