// One declaration per parameter. It drives strict reading of YAML, the checks, `bitsmith describe`,
// the resolved configuration in JSON and the -G parameters of the RTL.
//
//   ParameterTable<Params> table;
//   table.integer("rows", &Params::rows, {1, 256}, "PEs", "rows of the array").rtl("Rows");
//
// The default of a parameter is the member's initialiser in Params. A declaration that cannot work
// (a name twice, a range its member cannot hold, a default not allowed) is an InternalError.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.h"
#include "config/scalar.h"
#include "config/yaml.h"
#include "numerics/format.h"

namespace bitsmith {

// What `describe` shows of a parameter.
struct ParameterInfo {
  std::string name;
  std::string type;     // "integer", "number", "text", "flag", "choice", "format"
  std::string allowed;  // "1..256", "serial | overlapped"
  std::string default_value;
  std::string unit;
  std::string help;
  std::string rtl;  // name of the RTL parameter, "" when it has none
  bool required = false;
  // Of a size of the array: what it may be.
  std::optional<IntegerRange> array_size = std::nullopt;
};

using RtlParameters = std::vector<std::pair<std::string, std::int64_t>>;

template <class Params>
class ParameterTable {
 public:
  template <class Integer>
  ParameterTable& integer(std::string name, Integer Params::*member, IntegerRange range,
                          std::string unit, std::string help) {
    check(std::in_range<Integer>(range.lowest) && std::in_range<Integer>(range.highest),
          "the member of an integer parameter cannot hold its range");
    Parameter& p = add(std::move(name), "integer", range.text(), std::move(unit), std::move(help));
    p.is_default_allowed = range.contains(static_cast<std::int64_t>(Params{}.*member));
    p.read = [member, range](Params& params, const YamlNode& node, std::string_view key,
                             Diagnostics& diagnostics) {
      if (const auto value = read_integer(node, key, range, diagnostics)) {
        params.*member = static_cast<Integer>(*value);
      }
    };
    p.dump = [member](const Params& params) { return Json(params.*member); };
    p.rtl_value = [member](const Params& params) {
      return static_cast<std::int64_t>(params.*member);
    };
    p.range = range;
    return finish(p);
  }

  // An integer in `range`, or a word that stands for a value outside it.
  template <class Integer>
  ParameterTable& integer_or_word(std::string name, Integer Params::*member, IntegerRange range,
                                  std::string_view word, Integer value_of_word, std::string unit,
                                  std::string help) {
    check(!range.contains(static_cast<std::int64_t>(value_of_word)),
          "a word that stands for an integer which can be written");
    integer(std::move(name), member, range, std::move(unit), std::move(help));
    Parameter& p = parameters_.back();
    p.info.allowed = fmt::format("{} | {}", range.text(), word);
    p.is_default_allowed = p.is_default_allowed || Params{}.*member == value_of_word;
    p.read = [member, range, word, value_of_word, of_integer = p.read](
                 Params& params, const YamlNode& node, std::string_view key,
                 Diagnostics& diagnostics) {
      const bool is_scalar = node.kind == YamlNode::Kind::scalar;
      if (is_scalar && node.scalar == word) {
        params.*member = value_of_word;
      } else if (is_scalar && parse_integer(node.scalar)) {
        of_integer(params, node, key, diagnostics);
      } else {
        diagnostics.add(node.where, fmt::format("'{}': expected an integer in {} or {}, found {}{}",
                                                key, range.text(), word, yaml::describe(node),
                                                did_you_mean(node.scalar, std::span(&word, 1))));
      }
    };
    p.dump = [member, word, value_of_word](const Params& params) {
      return params.*member == value_of_word ? Json(word) : Json(params.*member);
    };
    return finish(p);
  }

  ParameterTable& number(std::string name, double Params::*member, NumberRange range,
                         std::string unit, std::string help) {
    Parameter& p = add(std::move(name), "number", range.text(), std::move(unit), std::move(help));
    p.is_default_allowed = range.contains(Params{}.*member);
    p.read = [member, range](Params& params, const YamlNode& node, std::string_view key,
                             Diagnostics& diagnostics) {
      if (const auto value = read_number(node, key, range, diagnostics)) params.*member = *value;
    };
    p.dump = [member](const Params& params) { return Json(params.*member); };
    return finish(p);
  }

  ParameterTable& flag(std::string name, bool Params::*member, std::string help) {
    Parameter& p = add(std::move(name), "flag", "true | false", "", std::move(help));
    p.read = [member](Params& params, const YamlNode& node, std::string_view key,
                      Diagnostics& diagnostics) {
      if (const auto value = read_flag(node, key, diagnostics)) params.*member = *value;
    };
    p.dump = [member](const Params& params) { return Json(params.*member); };
    p.rtl_value = [member](const Params& params) {
      return static_cast<std::int64_t>(params.*member);
    };
    return finish(p);
  }

  ParameterTable& text(std::string name, std::string Params::*member, std::string help) {
    Parameter& p = add(std::move(name), "text", "any text", "", std::move(help));
    p.read = [member](Params& params, const YamlNode& node, std::string_view key,
                      Diagnostics& diagnostics) {
      if (const auto value = read_text(node, key, diagnostics)) params.*member = *value;
    };
    p.dump = [member](const Params& params) { return Json(params.*member); };
    return finish(p);
  }

  template <class Enum>
  ParameterTable& choice(std::string name, Enum Params::*member,
                         std::vector<std::pair<std::string_view, Enum>> choices, std::string help) {
    std::vector<std::string_view> words;
    for (const auto& [word, value] : choices) words.push_back(word);
    Parameter& p = add(std::move(name), "choice", list_words(words), "", std::move(help));
    p.read = [member, choices, words](Params& params, const YamlNode& node, std::string_view key,
                                      Diagnostics& diagnostics) {
      if (const auto index = read_choice(node, key, words, diagnostics)) {
        params.*member = choices[*index].second;
      }
    };
    p.dump = [member, choices](const Params& params) {
      for (const auto& [word, value] : choices) {
        if (value == params.*member) return Json(word);
      }
      throw InternalError("a choice without a word");
    };
    p.rtl_value = [member](const Params& params) {
      return static_cast<std::int64_t>(params.*member);
    };
    return finish(p);
  }

  // The RTL parameter of a format is its width in bits.
  ParameterTable& format(std::string name, const Format* Params::*member,
                         std::vector<std::string_view> allowed, std::string help) {
    const auto is_known = [](std::string_view word) { return find_format(word) != nullptr; };
    check(std::all_of(allowed.begin(), allowed.end(), is_known), "a format that does not exist");
    Parameter& p = add(std::move(name), "format", list_words(allowed), "", std::move(help));
    const Format* const initial = Params{}.*member;  // null where a required one has no initialiser
    p.is_default_allowed = initial != nullptr && std::find(allowed.begin(), allowed.end(),
                                                           initial->name) != allowed.end();
    p.read = [member, allowed](Params& params, const YamlNode& node, std::string_view key,
                               Diagnostics& diagnostics) {
      if (const auto index = read_choice(node, key, allowed, diagnostics)) {
        params.*member = find_format(allowed[*index]);
      }
    };
    p.dump = [member](const Params& params) {
      return params.*member == nullptr ? Json() : Json((params.*member)->name);
    };
    p.rtl_value = [member](const Params& params) {
      return static_cast<std::int64_t>((params.*member)->bits);
    };
    return finish(p);
  }

  // The parameter declared last is the named parameter of the RTL top module.
  ParameterTable& rtl(std::string rtl_name) {
    check(parameters_.back().rtl_value != nullptr, "this type of parameter has no RTL value");
    parameters_.back().info.rtl = std::move(rtl_name);
    return *this;
  }

  // The parameter declared last, an integer, is a size of the array: what it has more of when it
  // grows, PEs in proportion, without another arithmetic.
  ParameterTable& array_size() {
    Parameter& p = parameters_.back();
    check(p.range.has_value(), "a size of an array that is no integer");
    p.info.array_size = p.range;
    return *this;
  }

  // The parameter declared last has no default.
  ParameterTable& required() {
    parameters_.back().info.required = true;
    parameters_.back().info.default_value = "";
    return *this;
  }

  // A combination of parameters that must hold; `violated` returns what is wrong. Reported at
  // `key`.
  ParameterTable& rule(std::string key,
                       std::function<std::optional<std::string>(const Params&)> violated) {
    rules_.push_back({std::move(key), std::move(violated)});
    return *this;
  }

  // Reads a map; `other_keys` belong to somebody else and are skipped. Adds every mistake to
  // `diagnostics`; the result is meaningful only if none was added.
  Params read(const YamlNode& map, Diagnostics& diagnostics,
              const std::vector<std::string_view>& other_keys = {}) const {
    const std::size_t mistakes_before = diagnostics.size();
    Params params;
    if (map.kind != YamlNode::Kind::map) {
      diagnostics.add(map.where, fmt::format("expected a map, found {}", yaml::describe(map)));
      return params;
    }
    check_declarations();
    for (const YamlEntry& entry : map.entries) read_entry(entry, other_keys, params, diagnostics);
    for (const Parameter& p : parameters_) {
      if (p.info.required && map.find(p.info.name) == nullptr) {
        diagnostics.add(map.where, fmt::format("'{}' is missing: {}", p.info.name, p.info.help));
      }
    }
    if (diagnostics.size() == mistakes_before) check_rules(params, map, diagnostics);
    return params;
  }

  nlohmann::ordered_json resolved(const Params& params) const {
    Json result = Json::object();
    for (const Parameter& p : parameters_) result[p.info.name] = p.dump(params);
    return result;
  }

  RtlParameters rtl_parameters(const Params& params) const {
    RtlParameters result;
    for (const Parameter& p : parameters_) {
      if (!p.info.rtl.empty()) result.emplace_back(p.info.rtl, p.rtl_value(params));
    }
    return result;
  }

  std::vector<ParameterInfo> describe() const {
    std::vector<ParameterInfo> result;
    for (const Parameter& p : parameters_) result.push_back(p.info);
    return result;
  }

 private:
  using Json = nlohmann::ordered_json;

  struct Parameter {
    ParameterInfo info;
    std::function<void(Params&, const YamlNode&, std::string_view, Diagnostics&)> read;
    std::function<Json(const Params&)> dump;
    std::function<std::int64_t(const Params&)> rtl_value;
    std::optional<IntegerRange> range;  // of an integer
    bool is_default_allowed = true;
  };
  struct Rule {
    std::string key;
    std::function<std::optional<std::string>(const Params&)> violated;
  };

  Parameter& add(std::string name, std::string type, std::string allowed, std::string unit,
                 std::string help) {
    for (const Parameter& other : parameters_) {
      check(other.info.name != name, "two parameters with one name");
    }
    Parameter p;
    p.info.name = std::move(name);
    p.info.type = std::move(type);
    p.info.allowed = std::move(allowed);
    p.info.unit = std::move(unit);
    p.info.help = std::move(help);
    parameters_.push_back(std::move(p));
    return parameters_.back();
  }

  ParameterTable& finish(Parameter& p) {
    const Json value = p.dump(Params{});
    p.info.default_value = value.is_string() ? value.template get<std::string>() : value.dump();
    return *this;
  }

  // Not while declaring: required() comes after its parameter.
  void check_declarations() const {
    for (const Parameter& p : parameters_) {
      check(p.info.required || p.is_default_allowed,
            fmt::format("the default of '{}' is not allowed", p.info.name));
    }
  }

  void read_entry(const YamlEntry& entry, const std::vector<std::string_view>& other_keys,
                  Params& params, Diagnostics& diagnostics) const {
    for (const Parameter& p : parameters_) {
      if (p.info.name == entry.key) return p.read(params, entry.value, entry.key, diagnostics);
    }
    std::vector<std::string_view> known = other_keys;
    for (const std::string_view key : other_keys) {
      if (key == entry.key) return;
    }
    for (const Parameter& p : parameters_) known.push_back(p.info.name);
    diagnostics.add(entry.key_where, unknown_word("parameter", entry.key, known));
  }

  void check_rules(const Params& params, const YamlNode& map, Diagnostics& diagnostics) const {
    for (const Rule& rule : rules_) {
      const auto problem = rule.violated(params);
      if (!problem) continue;
      const YamlNode* value = map.find(rule.key);
      diagnostics.add(value == nullptr ? map.where : value->where,
                      fmt::format("'{}': {}", rule.key, *problem));
    }
  }

  std::vector<Parameter> parameters_;
  std::vector<Rule> rules_;
};

}  // namespace bitsmith
