#include "pe/registry.h"

namespace bitsmith {

std::vector<std::string_view> design_names() {
  return {
#define PE_DESIGN(name) name::Design::kId,
#include "pe/designs.def"
#undef PE_DESIGN
  };
}

std::unique_ptr<const Design> read_design(const YamlNode& map, Diagnostics& diagnostics) {
  const YamlNode* word = map.find("design");
  if (word == nullptr) {
    diagnostics.add(map.where, fmt::format("'design' is missing: the design's name; allowed: {}",
                                           fmt::join(design_names(), ", ")));
    return nullptr;
  }
  if (word->scalar.ends_with(".yaml")) {
    diagnostics.add(word->where, fmt::format("this is an accelerator's file; the design's is {}",
                                             yaml::describe(*word)));
    return nullptr;
  }
  const auto chosen = read_choice(*word, "design", design_names(), diagnostics);
  if (!chosen) return nullptr;
  const std::string_view id = design_names()[*chosen];
#define PE_DESIGN(name) \
  if (id == name::Design::kId) return name::Design::read(map, diagnostics);
#include "pe/designs.def"
#undef PE_DESIGN
  throw InternalError("a design that designs.def does not list");
}

std::unique_ptr<const Design> load_design(const std::filesystem::path& path,
                                          const std::vector<Override>& overrides) {
  Diagnostics diagnostics;
  YamlNode root = yaml::read(path, diagnostics);
  for (const Override& change : overrides) apply(change, root);
  std::unique_ptr<const Design> design = read_design(root, diagnostics);
  diagnostics.throw_if_any();
  return design;
}

DesignDescription describe_design(std::string_view id) {
#define PE_DESIGN(name)                                                                         \
  if (id == name::Design::kId) {                                                                \
    return {std::string(id), std::string(name::Design::kTitle), name::parameters().describe()}; \
  }
#include "pe/designs.def"
#undef PE_DESIGN
  throw UserError(unknown_word("design", id, design_names()));
}

}  // namespace bitsmith
