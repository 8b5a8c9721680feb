// Reading of command-line values with the messages of configuration files.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "config/scalar.h"
#include "config/yaml.h"

namespace bitsmith::app {

// Adds to the diagnostics and returns the range's lower end when `text` is no such integer.
std::uint64_t integer_option(const std::string& option, const std::string& text, IntegerRange range,
                             Diagnostics& diagnostics);

std::vector<Override> override_options(const std::vector<std::string>& options);

// What an import of this model may read, for require_output(): of a folder its *.json and
// *.safetensors, else the file itself.
std::vector<std::string> files_of_model(const std::string& model);

// Judges where an option wants its output before any work is done: not a folder, not below
// something unwritable, not one of the files that are read. "" and "-" are no files.
void require_output(const std::string& option, const std::string& file,
                    const std::vector<std::string>& inputs, Diagnostics& diagnostics);

// To the file, or to standard output when it is "-".
void write_output(const std::string& file, const std::string& text);

// To standard error, line by line, without the control characters that a file name or a value may
// carry.
void print_message(std::string_view message);

// Indented, with a line end; file names that are no UTF-8 do not stop it.
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace bitsmith::app
