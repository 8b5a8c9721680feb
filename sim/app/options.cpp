#include "app/options.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "common/file.h"
#include "common/text.h"

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

std::vector<std::string> files_of_model(const std::string& model) {
  std::vector<std::string> files = {model};
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(model, ignored)) {
    const std::filesystem::path extension = entry.path().extension();
    if (extension == ".json" || extension == ".safetensors") files.push_back(entry.path().string());
  }
  return files;
}

void require_output(const std::string& option, const std::string& file,
                    const std::vector<std::string>& inputs, Diagnostics& diagnostics) {
  namespace fs = std::filesystem;
  if (file.empty() || file == "-") return;
  const auto refuse = [&](std::string_view why) {
    diagnostics.add({option + " " + file, 0, 0}, why);
  };
  std::error_code ignored;
  const fs::path path(file);
  if (!path.has_filename() || fs::is_directory(path, ignored)) return refuse("is a folder");
  for (const std::string& input : inputs) {
    if (fs::equivalent(path, input, ignored)) return refuse("is a file that this command reads");
  }
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) return;  // /dev/stderr
  fs::path folder = fs::absolute(path, ignored).parent_path();
  while (!fs::exists(folder, ignored) && folder.has_relative_path()) folder = folder.parent_path();
  if (!fs::is_directory(folder, ignored)) {
    return refuse(fmt::format("{} is no folder", folder.string()));
  }
  if (::access(folder.c_str(), W_OK) != 0) {
    refuse(fmt::format("cannot write into {}", folder.string()));
  }
}

void print_message(std::string_view message) {
  constexpr std::size_t kLongestLine = 4000;
  while (true) {
    const std::size_t end = message.find('\n');
    fmt::print(stderr, "{}\n", printable(message.substr(0, end), kLongestLine));
    if (end == std::string_view::npos) return;
    message.remove_prefix(end + 1);
  }
}

std::string json_text(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void write_output(const std::string& file, const std::string& text) {
  if (file != "-") return write_file_atomically(file, text);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw UserError("standard output: cannot write");
  }
}

}  // namespace bitsmith::app
