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
    text += fmt::format("{}: {}{}\n", p.name, p.help, is_long(p) ? "; " + p.allowed : "");
  }
  return text;
}

int run_command(const std::string& name) {
  std::string text;
  if (name.empty()) {
    text = "designs (bitsmith describe DESIGN for the parameters)\n";
    for (const std::string_view id : design_names()) {
      text += fmt::format("  {}: {}\n", id, describe_design(id).title);
    }
    for (const auto& [key, parameters] : describe_accelerator()) {
      text += fmt::format("\naccelerator files{}{}\n", key.empty() ? "" : ": ", key) +
              parameter_table(parameters);
    }
  } else {
    const DesignDescription design = describe_design(name);
    text =
        fmt::format("{}: {}\n\n{}", design.name, design.title, parameter_table(design.parameters));
  }
  write_output("-", text);
  return 0;
}

}  // namespace

Action add_describe(CLI::App& app) {
  CLI::App* command = app.add_subcommand("describe", "designs, their parameters, ranges and units");
  const auto name = std::make_shared<std::string>();
  command->add_option("design", *name, "name of a design");
  return [name] { return run_command(*name); };
}

}  // namespace bitsmith::app
