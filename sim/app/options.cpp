#include "app/options.h"

#include <cstdio>

#include "common/file.h"

namespace bitsmith::app {

std::uint64_t integer_option(const std::string& option, const std::string& text, IntegerRange range,
                             Diagnostics& diagnostics) {
  const auto value = parse_integer(text);
  if (value && *value >= range.lowest && *value <= range.highest) {
    return static_cast<std::uint64_t>(*value);
  }
  diagnostics.add({option, 0, 0},
                  fmt::format("expected an integer in {}, found '{}'", range.text(), text));
  return static_cast<std::uint64_t>(range.lowest);
}

std::vector<Override> override_options(const std::vector<std::string>& options) {
  std::vector<Override> overrides;
  std::vector<std::string> problems;
  for (const std::string& option : options) {
    try {
      overrides.push_back(parse_override(option));
    } catch (const UserError& error) {
      problems.insert(problems.end(), error.messages().begin(), error.messages().end());
    }
  }
  if (!problems.empty()) throw UserError(problems);
  return overrides;
}

void write_output(const std::string& file, const std::string& text) {
  if (file != "-") return write_file_atomically(file, text);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw UserError("standard output: cannot write");
  }
}

}  // namespace bitsmith::app
