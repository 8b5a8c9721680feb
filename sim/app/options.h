// Reading of command-line values with the messages of configuration files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"
#include "config/scalar.h"
#include "config/yaml.h"

namespace bitsmith::app {

// Adds to the diagnostics and returns the range's lower end when `text` is no such integer.
std::uint64_t integer_option(const std::string& option, const std::string& text, IntegerRange range,
                             Diagnostics& diagnostics);

std::vector<Override> override_options(const std::vector<std::string>& options);

// Machine output: to the file, or to standard output when it is "-".
void write_output(const std::string& file, const std::string& text);

}  // namespace bitsmith::app
