#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>

#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "config/scalar.h"
#include "workload/scale_sim.h"
#include "workload/text_lines.h"

namespace bitsmith {
namespace {

constexpr std::size_t kShownCharacters = 40;
constexpr IntegerRange kSide{1, 65536};
constexpr std::array<std::string_view, 3> kDataflows = {"os", "ws", "is"};

// What a key means here. Both `memory` and `other` have no effect; what sets the memory system
// changes SCALE-Sim's cycles, so the user is told.
enum class Role { used, memory, sparsity, other };

struct KnownKey {
  std::string_view section;
  std::string_view key;
  Role role;
};

constexpr std::array kKnownKeys = {
    KnownKey{"general", "run_name", Role::other},
    KnownKey{"architecture_presets", "ArrayHeight", Role::used},
    KnownKey{"architecture_presets", "ArrayWidth", Role::used},
    KnownKey{"architecture_presets", "Dataflow", Role::used},
    KnownKey{"architecture_presets", "IfmapSramSzkB", Role::memory},
    KnownKey{"architecture_presets", "FilterSramSzkB", Role::memory},
    KnownKey{"architecture_presets", "OfmapSramSzkB", Role::memory},
    KnownKey{"architecture_presets", "IfmapOffset", Role::memory},
    KnownKey{"architecture_presets", "FilterOffset", Role::memory},
    KnownKey{"architecture_presets", "OfmapOffset", Role::memory},
    KnownKey{"architecture_presets", "Bandwidth", Role::memory},
    KnownKey{"architecture_presets", "MemoryBanks", Role::memory},
    KnownKey{"architecture_presets", "ReadRequestBuffer", Role::memory},
    KnownKey{"architecture_presets", "WriteRequestBuffer", Role::memory},
    KnownKey{"layout", "IfmapCustomLayout", Role::memory},
    KnownKey{"layout", "IfmapSRAMBankBandwidth", Role::memory},
    KnownKey{"layout", "IfmapSRAMBankNum", Role::memory},
    KnownKey{"layout", "IfmapSRAMBankPort", Role::memory},
    KnownKey{"layout", "FilterCustomLayout", Role::memory},
    KnownKey{"layout", "FilterSRAMBankBandwidth", Role::memory},
    KnownKey{"layout", "FilterSRAMBankNum", Role::memory},
    KnownKey{"layout", "FilterSRAMBankPort", Role::memory},
    KnownKey{"sparsity", "SparsitySupport", Role::sparsity},
    KnownKey{"sparsity", "SparseRep", Role::other},
    KnownKey{"sparsity", "OptimizedMapping", Role::other},
    KnownKey{"sparsity", "BlockSize", Role::other},
    KnownKey{"sparsity", "RandomNumberGeneratorSeed", Role::other},
    KnownKey{"run_presets", "InterfaceBandwidth", Role::memory},
    KnownKey{"run_presets", "UseRamulatorTrace", Role::memory},
    KnownKey{"network_presets", "TopologyCsvLoc", Role::other},
};

bool is_same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::vector<std::string_view> section_names() {
  std::vector<std::string_view> names;
  for (const KnownKey& known : kKnownKeys) {
    if (names.empty() || names.back() != known.section) names.push_back(known.section);
  }
  return names;
}

std::vector<std::string_view> keys_of(std::string_view section) {
  std::vector<std::string_view> keys;
  for (const KnownKey& known : kKnownKeys) {
    if (known.section == section) keys.push_back(known.key);
  }
  return keys;
}

class ConfigReader {
 public:
  explicit ConfigReader(const std::string& name) : name_(name) {}

  ScaleSimConfig read(std::string_view text) {
    for (const TextLine& line :
         text_lines(text, name_, scale_sim::kByteLimit, scale_sim::kLineLimit)) {
      if (!line.is_blank()) read_line(line);
    }
    config_.rows = side("ArrayHeight", "rows");
    config_.cols = side("ArrayWidth", "cols");
    read_dataflow();
    refuse_sparsity();
    diagnostics_.throw_if_any();
    if (!without_effect_.empty()) {
      config_.warnings.push_back(
          fmt::format("{}: warning: without effect, since this version has no memory system "
                      "(memory: none): {}",
                      name_, fmt::join(without_effect_, ", ")));
    }
    return std::move(config_);
  }

 private:
  struct Value {
    std::string text;
    Location where;
    int key_line = 0;
  };

  void read_line(const TextLine& line) {
    const std::string_view text = trimmed(line.text);
    if (text[0] == '#' || text[0] == ';') return;
    const auto indent = static_cast<int>(line.text.find_first_not_of(" \t"));
    const Location where{name_, line.number, indent + 1};
    if (text[0] == '[') {
      read_section(text, where);
    } else if (!section_) {
      diagnostics_.add(where, "expected a section such as [architecture_presets] first");
    } else if (has_key_ && indent > key_indent_) {
      diagnostics_.add(where,
                       "an indented line continues the value above; write the value in one line");
    } else {
      has_key_ = true;
      key_indent_ = indent;
      read_entry(text, where);
    }
  }

  void read_section(std::string_view text, const Location& where) {
    has_key_ = false;
    section_ = "";  // unknown: its keys cannot be judged
    const std::size_t end = text.find(']');
    if (end != text.size() - 1) {
      diagnostics_.add(where, "expected [section] and nothing else in the line");
      return;
    }
    const std::string_view name = trimmed(text.substr(1, end - 1));
    const std::vector<std::string_view> names = section_names();
    for (const std::string_view known : names) {
      if (is_same_word(known, name)) section_ = known;
    }
    if (section_->empty()) diagnostics_.add(where, unknown_word("section", name, names));
  }

  void read_entry(std::string_view text, const Location& where) {
    const std::size_t delimiter = text.find_first_of("=:");
    if (delimiter == std::string_view::npos || delimiter == 0) {
      diagnostics_.add(where, "expected key = value or key : value");
      return;
    }
    if (section_->empty()) return;
    const std::string_view key = trimmed(text.substr(0, delimiter));
    for (const KnownKey& known : kKnownKeys) {
      if (known.section != *section_ || !is_same_word(known.key, key)) continue;
      const std::string_view value = trimmed(text.substr(delimiter + 1));
      Location value_where = where;
      value_where.column += static_cast<int>(
          value.empty() ? text.size() : static_cast<std::size_t>(value.data() - text.data()));
      keep(known, {std::string(value), value_where, where.line}, where);
      return;
    }
    diagnostics_.add(where, unknown_word("key", key, keys_of(*section_)));
  }

  void keep(const KnownKey& known, Value value, const Location& where) {
    const auto [first, is_new] = values_.emplace(known.key, std::move(value));
    if (!is_new) {
      diagnostics_.add(where, fmt::format("'{}' is given twice, first at line {}", known.key,
                                          first->second.key_line));
    } else if (known.role == Role::memory) {
      without_effect_.push_back(known.key);
    }
  }

  // Null, and said so, when it is missing.
  const Value* require(std::string_view key) {
    const auto found = values_.find(key);
    if (found != values_.end()) return &found->second;
    diagnostics_.add({name_, 0, 0}, fmt::format("'{}' is missing in [architecture_presets]", key));
    return nullptr;
  }

  void override_design(std::string_view parameter, const Value& value) {
    config_.overrides.push_back({{"design", std::string(parameter)}, value.text, value.where});
  }

  std::uint32_t side(std::string_view key, std::string_view parameter) {
    const Value* value = require(key);
    if (value == nullptr) return 0;
    const auto number = parse_integer(value->text);
    if (!number || !kSide.contains(*number)) {
      diagnostics_.add(value->where,
                       fmt::format("'{}': expected an integer in {}, found '{}'", key, kSide.text(),
                                   printable(value->text, kShownCharacters)));
      return 0;
    }
    override_design(parameter, *value);
    return static_cast<std::uint32_t>(*number);
  }

  void read_dataflow() {
    const Value* value = require("Dataflow");
    if (value == nullptr) return;
    config_.dataflow = value->text;
    if (std::find(kDataflows.begin(), kDataflows.end(), value->text) != kDataflows.end()) {
      override_design("dataflow", *value);
    } else {
      diagnostics_.add(value->where, unknown_word("dataflow", value->text, kDataflows));
    }
  }

  void refuse_sparsity() {
    const auto found = values_.find("SparsitySupport");
    if (found == values_.end() || is_same_word(found->second.text, "false")) return;
    diagnostics_.add(found->second.where,
                     "'SparsitySupport': sparsity is not supported: GEMMs are dense; allowed: "
                     "false");
  }

  const std::string& name_;
  std::optional<std::string_view> section_;  // none yet; "" when unknown
  bool has_key_ = false;                     // in this section
  int key_indent_ = 0;
  std::map<std::string_view, Value> values_;
  std::vector<std::string_view> without_effect_;
  ScaleSimConfig config_;
  Diagnostics diagnostics_;
};

}  // namespace

ScaleSimConfig parse_scale_sim_config(std::string_view text, const std::string& name) {
  return ConfigReader(name).read(text);
}

ScaleSimConfig scale_sim_config(const std::filesystem::path& path) {
  return parse_scale_sim_config(read_file(path, scale_sim::kByteLimit), path.string());
}

}  // namespace bitsmith
