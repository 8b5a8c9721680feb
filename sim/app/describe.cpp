#include <algorithm>

#include "app/commands.h"
#include "app/options.h"
#include "common/table.h"
#include "pe/registry.h"
#include "system/accelerator.h"

namespace bitsmith::app {
namespace {

// Too wide for a column of the table.
bool is_long(const ParameterInfo& parameter) {
  constexpr std::size_t kLongest = 40;
  return parameter.allowed.size() > kLongest;
}

std::string parameter_table(const std::vector<ParameterInfo>& parameters) {
  TextTable table({"parameter", "type", "default", "allowed", "unit", "RTL"});
  for (const ParameterInfo& p : parameters) {
    table.add_row({p.name, p.type, p.required ? "(required)" : p.default_value,
                   is_long(p) ? "(below)" : p.allowed, p.unit, p.rtl});
  }
  std::string text = table.text() + "\n";
  for (const ParameterInfo& p : parameters) {
    text += fmt::format("{}: {}{}{}\n", p.name, p.help, is_long(p) ? "; " + p.allowed : "",
                        p.array_size ? "; a size of the array for `compare --iso`" : "");
  }
  return text;
}

std::string designs_text() {
  std::string text = "designs (bitsmith describe DESIGN for the parameters)\n";
  for (const std::string_view id : design_names()) {
    text += fmt::format("  {}: {}\n", id, describe_design(id).title);
  }
  return text +
         "\nfiles\n"
         "  accelerator: design, memory, clock, and what surrounds the array (bitsmith describe "
         "accelerator)\n"
         "  memory: the DRAM (bitsmith describe memory)\n";
}

// The file named by `memory` has a description of its own.
std::string accelerator_text() {
  std::string text;
  for (const auto& [key, parameters] : describe_accelerator()) {
    if (key.starts_with("memory")) continue;
    text += key.empty() ? "accelerator file (configs/accelerators)\n\n"
            : key == "technology"
                ? "\nmap 'technology' of an accelerator file\n\n"
                : fmt::format("\nmap '{}' of an accelerator file with a memory\n\n", key);
    text += parameter_table(parameters);
  }
  return text;
}

std::string memory_text() {
  std::string text;
  for (const auto& [key, parameters] : describe_accelerator()) {
    if (!key.starts_with("memory")) continue;
    text += key == "memory" ? "memory file (configs/memory)\n\n"
                            : "\nits map 'energy', which may be left out\n\n";
    text += parameter_table(parameters);
  }
  return text;
}

std::string design_text(const std::string& name) {
  std::vector<std::string_view> known = design_names();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    known.insert(known.end(), {"accelerator", "memory"});
    throw UserError(unknown_word("design or file", name, known));
  }
  const DesignDescription design = describe_design(name);
  return fmt::format("{}: {}\n\n{}", design.name, design.title, parameter_table(design.parameters));
}

int run_command(const std::string& name) {
  write_output("-", name.empty()            ? designs_text()
                    : name == "accelerator" ? accelerator_text()
                    : name == "memory"      ? memory_text()
                                            : design_text(name));
  return 0;
}

}  // namespace

Action add_describe(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "describe", "designs, accelerator and memory files: parameters, ranges and units");
  const auto name = std::make_shared<std::string>();
  command->add_option("what", *name, "name of a design, 'accelerator' or 'memory'");
  return [name] { return run_command(*name); };
}

}  // namespace bitsmith::app
