#include "system/accelerator.h"

#include "common/file.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

ParameterTable<AcceleratorParams> make_table() {
  using A = AcceleratorParams;
  ParameterTable<A> table;
  table.text("design", &A::design, "file of the design, relative to this file").required();
  table.choice("memory", &A::memory, {{"none", Memory::none}},
               "none: operands are always there and results always taken");
  table.number("clock_ghz", &A::clock_ghz, {0.001, 100.0}, "GHz", "clock of the accelerator");
  return table;
}

// The overrides below "design.", without that step; or all others.
std::vector<Override> overrides_of(const std::vector<Override>& all, bool of_the_design) {
  std::vector<Override> chosen;
  for (Override change : all) {
    const bool nested = change.path.size() > 1 && change.path.front() == "design";
    if (nested != of_the_design) continue;
    if (nested) change.path.erase(change.path.begin());
    chosen.push_back(std::move(change));
  }
  return chosen;
}

// Reads the design that `root` names, if it names one; the accelerator's own reader judges the
// rest.
std::unique_ptr<const Design> read_named_design(const YamlNode& root,
                                                const std::filesystem::path& folder,
                                                const std::vector<Override>& overrides,
                                                Diagnostics& diagnostics) {
  const YamlNode* name = root.find("design");
  if (name == nullptr || name->kind != YamlNode::Kind::scalar) return nullptr;
  const std::filesystem::path file = folder / name->scalar;
  std::string text;
  try {
    text = read_file(file, yaml::kByteLimit);
  } catch (const UserError& error) {
    diagnostics.add(name->where, error.what());
    return nullptr;
  }
  YamlNode design = yaml::parse(text, file.string(), diagnostics);
  for (const Override& change : overrides) apply(change, design);
  return read_design(design, diagnostics);
}

}  // namespace

const ParameterTable<AcceleratorParams>& accelerator_parameters() {
  static const ParameterTable<AcceleratorParams> table = make_table();
  return table;
}

nlohmann::ordered_json Accelerator::resolved() const {
  nlohmann::ordered_json result = accelerator_parameters().resolved(params);
  result["design"] = design->resolved();
  return result;
}

Accelerator load_accelerator(const std::filesystem::path& path,
                             const std::vector<Override>& overrides) {
  Diagnostics diagnostics;
  YamlNode root = yaml::read(path, diagnostics);
  for (const Override& change : overrides_of(overrides, false)) apply(change, root);
  Accelerator accelerator;
  accelerator.name = path.stem().string();
  accelerator.params = accelerator_parameters().read(root, diagnostics);
  accelerator.design =
      read_named_design(root, path.parent_path(), overrides_of(overrides, true), diagnostics);
  diagnostics.throw_if_any();
  return accelerator;
}

Accelerator make_accelerator(const std::string& name, YamlNode design,
                             const std::vector<Override>& overrides) {
  Diagnostics diagnostics;
  YamlNode root = yaml::parse("memory: none\nclock_ghz: 1.0\n", name);
  apply({{"design"}, name, {name, 0, 0}}, root);
  for (const Override& change : overrides_of(overrides, false)) {
    if (change.path.front() == "design") {
      diagnostics.add(change.where, "no accelerator file that could name another design");
    } else {
      apply(change, root);
    }
  }
  for (const Override& change : overrides_of(overrides, true)) apply(change, design);
  Accelerator accelerator;
  accelerator.name = name;
  accelerator.params = accelerator_parameters().read(root, diagnostics);
  accelerator.design = read_design(design, diagnostics);
  diagnostics.throw_if_any();
  return accelerator;
}

}  // namespace bitsmith
