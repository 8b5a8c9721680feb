#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>
#include <map>
#include <set>

#include "common/text.h"
#include "config/parameter_table.h"
#include "sweep/sweep.h"

namespace bitsmith {
namespace {

// ---------------------------------------------------------------------------------- scalars

struct SweepText {
  std::string name;
  SweepEngine engine = SweepEngine::tile;
};

const ParameterTable<SweepText>& sweep_table() {
  static const ParameterTable<SweepText> table = [] {
    ParameterTable<SweepText> t;
    t.text("name", &SweepText::name, "of the sweep").required();
    t.choice("engine", &SweepText::engine,
             {{"tile", SweepEngine::tile}, {"roofline", SweepEngine::roofline}},
             "what computes a point");
    return t;
  }();
  return table;
}

const ParameterTable<Sample>& sample_table() {
  static const ParameterTable<Sample> table = [] {
    ParameterTable<Sample> t;
    t.integer("points", &Sample::points, {1, static_cast<std::int64_t>(kMostPoints)}, "points",
              "of those that hold the constraints")
        .required();
    t.integer("seed", &Sample::seed, {0, std::int64_t{1} << 62}, "", "of the choice");
    return t;
  }();
  return table;
}

struct WorkloadText {
  std::string model;
  std::string gemm;
  Phase phase = Phase::prefill;
  std::uint64_t sequence = 0;
  std::uint64_t batch = 1;
  std::uint64_t chunk = 0;
};

const ParameterTable<WorkloadText>& workload_table() {
  using W = WorkloadText;
  static const ParameterTable<W> table = [] {
    ParameterTable<W> t;
    t.text("model", &W::model, "file of a model, relative to this file");
    t.text("gemm", &W::gemm, "one GEMM, MxNxK");
    t.choice("phase", &W::phase, {{"prefill", Phase::prefill}, {"decode", Phase::decode}},
             "of the model");
    t.integer("seq", &W::sequence, {0, 1 << 24}, "tokens",
              "of the prompt, in decode of the context; 0: 2048, or as many as the model takes");
    t.integer("batch", &W::batch, {1, 1 << 20}, "", "sequences");
    t.integer("chunk", &W::chunk, {0, 1 << 24}, "tokens", "prefill: at a time; 0: all");
    return t;
  }();
  return table;
}

// ---------------------------------------------------------------------------------- lists

const std::vector<YamlNode>* items_of(const YamlNode& map, std::string_view key, bool is_required,
                                      Diagnostics& diagnostics) {
  const YamlNode* node = map.find(key);
  if (node == nullptr) {
    if (is_required) diagnostics.add(map.where, fmt::format("'{}' is missing: a list", key));
    return nullptr;
  }
  if (node->kind == YamlNode::Kind::sequence && !node->items.empty()) return &node->items;
  diagnostics.add(
      node->where,
      fmt::format("'{}': expected a list, found {}", key,
                  node->kind == YamlNode::Kind::sequence ? "an empty one" : yaml::describe(*node)));
  return nullptr;
}

// Every key of `map` is one of `allowed`.
bool has_only(const YamlNode& map, const std::vector<std::string_view>& allowed,
              Diagnostics& diagnostics) {
  if (map.kind != YamlNode::Kind::map) {
    diagnostics.add(map.where, fmt::format("expected a map, found {}", yaml::describe(map)));
    return false;
  }
  bool is_clean = true;
  for (const YamlEntry& entry : map.entries) {
    if (std::find(allowed.begin(), allowed.end(), entry.key) != allowed.end()) continue;
    diagnostics.add(entry.key_where, unknown_word("key", entry.key, allowed));
    is_clean = false;
  }
  return is_clean;
}

// ---------------------------------------------------------------------------------- labels

// An accelerator or a workload.
struct Listed {
  std::string name;
  std::string path_name;  // for those that share a name
  std::string identity;   // the same for the same
  Location where;
};

// What results are told apart by.
std::vector<std::string> labels_of(const std::vector<Listed>& list, Diagnostics& diagnostics) {
  std::set<std::string> seen;
  std::map<std::string, int> sharing;
  for (const Listed& one : list) {
    ++sharing[one.name];
    if (!seen.insert(one.identity).second) {
      diagnostics.add(one.where, fmt::format("'{}' is listed twice", printable(one.name, 60)));
    }
  }
  std::vector<std::string> labels;
  for (const Listed& one : list) {
    labels.push_back(sharing.at(one.name) == 1 ? one.name : one.path_name);
  }
  return labels;
}

// However the path is written.
std::string identity_of(const std::filesystem::path& file) {
  std::error_code error;
  const auto whole = std::filesystem::weakly_canonical(std::filesystem::absolute(file), error);
  return (error ? file : whole).string();
}

// A model is a file of its own, config.json in its folder, or that folder, whose name may hold
// dots.
std::filesystem::path without_config_json(const std::filesystem::path& model) {
  std::filesystem::path path = std::filesystem::absolute(model).lexically_normal();
  if (path.filename() == "config.json" || !path.has_filename()) path = path.parent_path();
  return path;
}

std::string name_of_model(const std::filesystem::path& model) {
  const std::filesystem::path path = without_config_json(model);
  const std::string extension = path.extension().string();
  const bool is_file = extension == ".yaml" || extension == ".yml" || extension == ".gguf";
  return (is_file ? path.stem() : path.filename()).string();
}

// ---------------------------------------------------------------------------------- axes

class AxisReader {
 public:
  AxisReader(const std::vector<std::string>& accelerators, Diagnostics& diagnostics)
      : diagnostics_(diagnostics), names_(accelerators) {}

  std::optional<Axis> read(const YamlNode& node) {
    auto axis = node.find("zip") != nullptr        ? read_zip(node)
                : node.find("variants") != nullptr ? read_variants(node)
                                                   : read_set(node, Place::axis);
    if (!axis || node.find("for") == nullptr) return axis;
    const std::size_t before = diagnostics_.size();
    axis->accelerators = read_for(node);
    return diagnostics_.size() > before ? std::nullopt : axis;
  }

 private:
  enum class Place { axis, zip };  // where a {set: ...} stands

  // {for: [NAME, ...]}
  std::vector<std::size_t> read_for(const YamlNode& node) {
    std::vector<std::size_t> numbers;
    const auto* items = items_of(node, "for", true, diagnostics_);
    if (items == nullptr) return numbers;
    for (const YamlNode& item : *items) {
      const auto name = read_text(item, "for", diagnostics_);
      if (!name) continue;
      const auto found = std::find(names_.begin(), names_.end(), *name);
      const auto number = static_cast<std::size_t>(found - names_.begin());
      if (found == names_.end()) {
        const std::vector<std::string_view> known(names_.begin(), names_.end());
        diagnostics_.add(item.where, "'for': " + unknown_word("accelerator", *name, known));
      } else if (std::find(numbers.begin(), numbers.end(), number) != numbers.end()) {
        diagnostics_.add(item.where, fmt::format("'for': '{}' twice", printable(*name, 60)));
      } else {
        numbers.push_back(number);
      }
    }
    return numbers;
  }

  std::optional<Axis> refuse(const Location& where, std::string_view problem) {
    diagnostics_.add(where, problem);
    return std::nullopt;
  }

  std::optional<std::string> text_of(const YamlNode& map, std::string_view key) {
    const YamlNode* node = map.find(key);
    if (node != nullptr) return read_text(*node, key, diagnostics_);
    diagnostics_.add(map.where, fmt::format("'{}' is missing", key));
    return std::nullopt;
  }

  std::optional<Override> override_of(const std::string& text, const Location& where) {
    try {
      Override change = parse_override(text);
      change.where = where;
      return change;
    } catch (const UserError& error) {
      diagnostics_.add(where, error.what());
      return std::nullopt;
    }
  }

  // {set: PATH, values | range | log_range}
  std::optional<Axis> read_set(const YamlNode& node, Place place) {
    std::vector<std::string_view> keys = {"name", "set", "values", "range", "log_range"};
    if (place == Place::axis) keys.emplace_back("for");
    if (!has_only(node, keys, diagnostics_)) return {};
    const auto path = text_of(node, "set");
    if (!path) return std::nullopt;
    Axis axis{*path, node.where, {}};
    if (const YamlNode* name = node.find("name")) {
      const auto text = read_text(*name, "name", diagnostics_);
      if (!text) return std::nullopt;
      axis.name = *text;
    }
    std::vector<std::string> values;
    const YamlNode* list = node.find("values");
    const YamlNode* range = node.find("range");
    const YamlNode* log_range = node.find("log_range");
    if ((list != nullptr) + (range != nullptr) + (log_range != nullptr) != 1) {
      return refuse(node.where, "an axis has one of 'values', 'range' and 'log_range'");
    }
    if (list != nullptr) values = read_values(node);
    if (range != nullptr) values = read_range(*range, false);
    if (log_range != nullptr) values = read_range(*log_range, true);
    for (const std::string& value : values) {
      const auto change = override_of(*path + "=" + value, node.where);
      if (!change) return std::nullopt;
      axis.values.push_back({value, {*change}});
    }
    return axis.values.empty() ? std::nullopt : std::optional(axis);
  }

  std::vector<std::string> read_values(const YamlNode& node) {
    std::vector<std::string> values;
    const auto* items = items_of(node, "values", true, diagnostics_);
    if (items == nullptr) return values;
    if (items->size() > kMostAxisValues) {
      diagnostics_.add(node.where, fmt::format("more than {} values", kMostAxisValues));
      return {};
    }
    for (const YamlNode& item : *items) {
      if (const auto text = read_text(item, "values", diagnostics_)) values.push_back(*text);
    }
    if (values.size() != items->size()) values.clear();
    return values;
  }

  // Both ends included. What is written as integers stays integers.
  std::vector<std::string> read_range(const YamlNode& node, bool is_log) {
    const std::string_view step_key = is_log ? "factor" : "step";
    if (!has_only(node, {"from", "to", step_key}, diagnostics_)) return {};
    const std::size_t before = diagnostics_.size();
    double numbers[3] = {};
    bool are_integers = true;
    const std::string_view keys[3] = {"from", "to", step_key};
    for (int i = 0; i < 3; ++i) {
      const YamlNode* item = node.find(keys[i]);
      if (item == nullptr) {
        diagnostics_.add(node.where, fmt::format("'{}' is missing", keys[i]));
      } else if (const auto value = read_number(*item, keys[i], {-1e15, 1e15}, diagnostics_)) {
        numbers[i] = *value;
        are_integers = are_integers && parse_integer(item->scalar).has_value();
      }
    }
    if (diagnostics_.size() > before) return {};
    const auto [from, to, step] = numbers;
    if (from > to || step <= (is_log ? 1 : 0) || (is_log && from <= 0)) {
      diagnostics_.add(node.where, is_log ? "a log_range needs 0 < from <= to and factor > 1"
                                          : "a range needs from <= to and step > 0");
      return {};
    }
    return numbers_of(node.where, from, to, step, is_log, are_integers);
  }

  std::vector<std::string> numbers_of(const Location& where, double from, double to, double step,
                                      bool is_log, bool are_integers) {
    // A last value that rounding alone puts beyond `to` belongs to the range.
    const double limit = is_log ? to * (1 + 1e-9) : to + step * 1e-9;
    std::vector<std::string> values;
    for (int i = 0;; ++i) {
      const double value = is_log ? from * std::pow(step, i) : from + step * i;
      if (value > limit) return values;
      if (values.size() == kMostAxisValues) {
        diagnostics_.add(where, fmt::format("more than {} values", kMostAxisValues));
        return {};
      }
      values.push_back(are_integers ? fmt::format("{}", std::llround(value))
                                    : fmt::format("{:.12g}", value));
    }
  }

  // {name, zip: [axes of equal length]}
  std::optional<Axis> read_zip(const YamlNode& node) {
    if (!has_only(node, {"name", "zip", "for"}, diagnostics_)) return std::nullopt;
    const auto* items = items_of(node, "zip", true, diagnostics_);
    if (items == nullptr) return std::nullopt;
    Axis result{"", node.where, {}};
    for (const YamlNode& item : *items) {
      const auto axis = read_set(item, Place::zip);
      if (!axis) return std::nullopt;
      if (result.values.empty()) result.values.resize(axis->values.size());
      if (axis->values.size() != result.values.size()) {
        return refuse(item.where, fmt::format("{} values, but the axes of a zip before have {}",
                                              axis->values.size(), result.values.size()));
      }
      const char* comma = result.name.empty() ? "" : ",";
      result.name += comma + axis->name;
      for (std::size_t i = 0; i < result.values.size(); ++i) {
        AxisValue& value = result.values[i];
        value.label += comma + axis->values[i].label;
        value.overrides.push_back(axis->values[i].overrides.front());
      }
    }
    if (const YamlNode* name = node.find("name")) {
      const auto text = read_text(*name, "name", diagnostics_);
      if (text) result.name = *text;
    }
    return result;
  }

  // {name, variants: {label: [PATH=VALUE, ...]}}
  std::optional<Axis> read_variants(const YamlNode& node) {
    if (!has_only(node, {"name", "variants", "for"}, diagnostics_)) return std::nullopt;
    const auto name = text_of(node, "name");
    const YamlNode& variants = *node.find("variants");
    if (variants.kind != YamlNode::Kind::map || variants.entries.empty()) {
      return refuse(variants.where, "'variants': expected a map of lists of PATH=VALUE");
    }
    const std::size_t before = diagnostics_.size();
    Axis axis{name.value_or(""), node.where, {}};
    for (const YamlEntry& variant : variants.entries) {
      AxisValue value{variant.key, {}};
      if (variant.value.kind != YamlNode::Kind::sequence) {
        diagnostics_.add(variant.value.where, "a variant is a list of PATH=VALUE, maybe empty");
        continue;
      }
      for (const YamlNode& item : variant.value.items) {
        const auto text = read_text(item, variant.key, diagnostics_);
        const auto change = text ? override_of(*text, item.where) : std::nullopt;
        if (change) value.overrides.push_back(*change);
      }
      axis.values.push_back(std::move(value));
    }
    return diagnostics_.size() > before ? std::nullopt : std::optional(axis);
  }

  Diagnostics& diagnostics_;
  std::vector<std::string> names_;  // of the accelerators
};

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Whether an accelerator has both.
bool meet(const Axis& a, const Axis& b) {
  return a.accelerators.empty() || b.accelerators.empty() ||
         std::any_of(a.accelerators.begin(), a.accelerators.end(),
                     [&](std::size_t accelerator) { return b.is_for(accelerator); });
}

// The paths that the values of an axis set, each value every one once.
std::set<std::vector<std::string>> paths_of(const Axis& axis, Diagnostics& diagnostics) {
  std::set<std::vector<std::string>> paths;
  for (const AxisValue& value : axis.values) {
    std::set<std::vector<std::string>> of_value;
    for (const Override& change : value.overrides) {
      if (!of_value.insert(change.path).second) {
        diagnostics.add(change.where,
                        fmt::format("'{}' is set twice", fmt::join(change.path, ".")));
      }
    }
    paths.merge(of_value);
  }
  return paths;
}

// No two axes of an accelerator may have one name and no path may be set by two: the later would
// win in silence. Databases take upper and lower case for the same, so that names of axes of
// different accelerators are the same or differ in more.
void require_apart(const std::vector<Axis>& axes, Diagnostics& diagnostics) {
  std::vector<std::set<std::vector<std::string>>> paths;
  for (const Axis& axis : axes) {
    paths.push_back(paths_of(axis, diagnostics));
    std::set<std::vector<std::string>> common;
    bool has_name = false;
    for (std::size_t i = 0; i + 1 < paths.size(); ++i) {
      const bool have_both = meet(axes[i], axis);
      has_name |= lower_case(axes[i].name) == lower_case(axis.name) &&
                  (have_both || axes[i].name != axis.name);
      if (!have_both) continue;
      std::set_intersection(paths[i].begin(), paths[i].end(), paths.back().begin(),
                            paths.back().end(), std::inserter(common, common.end()));
    }
    if (has_name) {
      diagnostics.add(axis.where, fmt::format("a second axis '{}'", printable(axis.name, 60)));
    }
    for (const auto& path : common) {
      diagnostics.add(axis.where, fmt::format("'{}' is set by two axes", fmt::join(path, ".")));
    }
  }
}

// ---------------------------------------------------------------------------------- workloads

// " decode 2048 x4".
std::string phase_text(const PhaseOptions& phase) {
  std::string text = phase.phase == Phase::decode ? " decode" : " prefill";
  if (phase.sequence != 0) text += fmt::format(" {}", phase.sequence);
  if (phase.batch != 1) text += fmt::format(" x{}", phase.batch);
  if (phase.chunk != 0) text += fmt::format(" by {}", phase.chunk);
  return text;
}

// Its label is left to labels_of().
std::optional<SweepWorkload> read_workload(const YamlNode& node,
                                           const std::filesystem::path& folder,
                                           std::vector<Listed>& listed, Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.size();
  const WorkloadText text = workload_table().read(node, diagnostics);
  if (diagnostics.size() > before) return std::nullopt;
  if (text.model.empty() == text.gemm.empty()) {
    diagnostics.add(node.where, "a workload is a 'model' or a 'gemm'");
    return std::nullopt;
  }
  SweepWorkload workload{{}, node.where, {}, text.gemm, {}};
  if (!text.gemm.empty()) {
    for (const std::string_view key : {"phase", "seq", "batch", "chunk"}) {
      if (const YamlNode* value = node.find(key)) {
        diagnostics.add(value->where, fmt::format("'{}' is for a model", key));
      }
    }
    try {
      gemm_workload(text.gemm);
    } catch (const UserError& error) {
      diagnostics.add(node.where, error.what());
    }
    listed.push_back({text.gemm, text.gemm, text.gemm, node.where});
    return workload;
  }
  workload.model = folder / text.model;
  workload.phase = {text.phase, text.sequence, text.batch, text.chunk};
  const std::string phase = phase_text(workload.phase);
  listed.push_back({name_of_model(workload.model) + phase, text.model + phase,
                    identity_of(without_config_json(workload.model)) + phase, node.where});
  return workload;
}

// Results go into a folder of that name.
bool is_file_name(const std::string& name) {
  return !name.starts_with('.') && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
}

}  // namespace

Sweep load_sweep(const std::filesystem::path& path) {
  Diagnostics diagnostics;
  const YamlNode root = yaml::read(path, diagnostics);
  const std::filesystem::path folder = path.parent_path();
  const SweepText text = sweep_table().read(
      root, diagnostics, {"accelerators", "axes", "constraints", "workloads", "sample"});
  Sweep sweep;
  sweep.name = text.name;
  if (!is_file_name(text.name)) {
    const YamlNode* name = root.find("name");
    diagnostics.add(name == nullptr ? root.where : name->where,
                    "'name': letters, digits, '_', '-' and '.', the first no '.'");
  }
  sweep.engine = text.engine;
  const auto for_each = [&](std::string_view key, bool is_required, const auto& read) {
    if (const auto* items = items_of(root, key, is_required, diagnostics)) {
      for (const YamlNode& item : *items) read(item);
    }
  };
  if (root.kind != YamlNode::Kind::map) diagnostics.throw_if_any();
  std::vector<Listed> accelerators, workloads;
  for_each("accelerators", true, [&](const YamlNode& item) {
    if (const auto file = read_text(item, "accelerators", diagnostics)) {
      sweep.accelerators.push_back(folder / *file);
      const std::filesystem::path& whole = sweep.accelerators.back();
      accelerators.push_back({whole.stem().string(), *file, identity_of(whole), item.where});
    }
  });
  sweep.accelerator_labels = labels_of(accelerators, diagnostics);
  AxisReader axes(sweep.accelerator_labels, diagnostics);
  for_each("axes", false, [&](const YamlNode& item) {
    if (auto axis = axes.read(item)) sweep.axes.push_back(std::move(*axis));
  });
  require_apart(sweep.axes, diagnostics);
  for_each("constraints", false, [&](const YamlNode& item) {
    const auto expression = read_text(item, "constraints", diagnostics);
    if (!expression) return;
    try {
      sweep.constraints.emplace_back(*expression, item.where);
    } catch (const UserError& error) {
      diagnostics.add(item.where, error.what());
    }
  });
  for_each("workloads", true, [&](const YamlNode& item) {
    if (auto workload = read_workload(item, folder, workloads, diagnostics)) {
      sweep.workloads.push_back(std::move(*workload));
    }
  });
  const std::vector<std::string> labels = labels_of(workloads, diagnostics);
  for (std::size_t i = 0; i < labels.size(); ++i) sweep.workloads[i].label = labels[i];
  if (const YamlNode* sample = root.find("sample")) {
    sweep.sample = sample_table().read(*sample, diagnostics);
  }
  diagnostics.throw_if_any();
  return sweep;
}

}  // namespace bitsmith
