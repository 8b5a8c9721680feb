#include "config/scalar.h"

#include <charconv>
#include <cmath>

#include "common/text.h"

namespace bitsmith {
namespace {

bool is_plain_scalar(const YamlNode& node) {
  return node.kind == YamlNode::Kind::scalar && !node.quoted;
}

void expected(const YamlNode& node, std::string_view key, std::string_view what,
              Diagnostics& diagnostics) {
  diagnostics.add(node.where,
                  fmt::format("'{}': expected {}, found {}", key, what, yaml::describe(node)));
}

// "\0" would cut a path short and "\e" would reach the terminal; lines and tabs are fine.
bool is_readable(std::string_view text) {
  if (text.empty()) return false;
  for (std::size_t length = 0; !text.empty(); text.remove_prefix(length)) {
    length = utf8_length(text);
    const bool is_blank = text[0] == '\n' || text[0] == '\t';
    if (length == 0 || (starts_with_control(text) && !is_blank)) return false;
  }
  return true;
}

}  // namespace

std::string IntegerRange::text() const { return fmt::format("{}..{}", lowest, highest); }
std::string NumberRange::text() const { return fmt::format("{}..{}", lowest, highest); }

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  const bool leading_zero = digits.size() > 1 && digits.front() == '0';
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || leading_zero || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> read_integer(const YamlNode& node, std::string_view key,
                                         IntegerRange range, Diagnostics& diagnostics) {
  const auto value = is_plain_scalar(node) ? parse_integer(node.scalar) : std::nullopt;
  if (!value || !range.contains(*value)) {
    expected(node, key, fmt::format("an integer in {}", range.text()), diagnostics);
    return std::nullopt;
  }
  return value;
}

std::optional<double> read_number(const YamlNode& node, std::string_view key, NumberRange range,
                                  Diagnostics& diagnostics) {
  double value = 0;
  const std::string_view text = node.scalar;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = is_plain_scalar(node) && !text.empty() && error == std::errc() &&
                    end == text.data() + text.size() && std::isfinite(value);
  if (!good || !range.contains(value)) {
    expected(node, key, fmt::format("a number in {}", range.text()), diagnostics);
    return std::nullopt;
  }
  return value;
}

std::optional<bool> read_flag(const YamlNode& node, std::string_view key,
                              Diagnostics& diagnostics) {
  if (is_plain_scalar(node) && node.scalar == "true") return true;
  if (is_plain_scalar(node) && node.scalar == "false") return false;
  expected(node, key, "true or false", diagnostics);
  return std::nullopt;
}

std::optional<std::string> read_text(const YamlNode& node, std::string_view key,
                                     Diagnostics& diagnostics) {
  if (node.kind == YamlNode::Kind::scalar && is_readable(node.scalar)) return node.scalar;
  expected(node, key, "text without control characters", diagnostics);
  return std::nullopt;
}

std::optional<std::size_t> read_choice(const YamlNode& node, std::string_view key,
                                       std::span<const std::string_view> words,
                                       Diagnostics& diagnostics) {
  if (node.kind == YamlNode::Kind::scalar) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] == node.scalar) return i;
    }
  }
  diagnostics.add(node.where, fmt::format("'{}': expected {}, found {}{}", key, list_words(words),
                                          yaml::describe(node), did_you_mean(node.scalar, words)));
  return std::nullopt;
}

std::string list_words(std::span<const std::string_view> words) {
  return fmt::format("{}", fmt::join(words, " | "));
}

std::string unknown_word(std::string_view what, std::string_view word,
                         std::span<const std::string_view> allowed) {
  constexpr std::size_t kShown = 64;
  return fmt::format("unknown {} '{}'{}; allowed: {}", what, printable(word, kShown),
                     did_you_mean(word, allowed), fmt::join(allowed, ", "));
}

}  // namespace bitsmith
