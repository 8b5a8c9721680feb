// All designs by name, from designs.def.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "config/parameter_table.h"
#include "config/yaml.h"
#include "pe/design.h"
#include "pe/designs.h"

namespace bitsmith {

std::vector<std::string_view> design_names();

// Reads a design file's map: `design: <name>` and that design's parameters. Adds every mistake to
// `diagnostics` and returns null if there is any.
std::unique_ptr<const Design> read_design(const YamlNode& map, Diagnostics& diagnostics);
std::unique_ptr<const Design> load_design(const std::filesystem::path& path,
                                          const std::vector<Override>& overrides = {});

struct DesignDescription {
  std::string name;
  std::string title;
  std::vector<ParameterInfo> parameters;
};
// Throws UserError for an unknown name.
DesignDescription describe_design(std::string_view name);

// Calls `visitor` with the design as its concrete type.
template <class Visitor>
decltype(auto) visit_design(const Design& design, Visitor&& visitor) {
#define PE_DESIGN(name) \
  if (design.id() == name::Design::kId) return visitor(static_cast<const name::Design&>(design));
#include "pe/designs.def"
#undef PE_DESIGN
  throw InternalError("a design that designs.def does not list");
}

}  // namespace bitsmith
