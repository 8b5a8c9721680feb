#include "sweep/constraint.h"

#include <muParser.h>

#include <cmath>
#include <optional>

#include "common/text.h"

namespace bitsmith {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLengthLimit = 1000;
constexpr const char* kNameCharacters =
    "0123456789_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

mu::Parser parser_of(const std::string& text) {
  mu::Parser parser;
  parser.DefineNameChars(kNameCharacters);
  parser.SetExpr(text);
  return parser;
}

// muParser would take `a = b`, += and the like as assignments, which always hold.
bool assigns(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') continue;
    const bool is_double = i + 1 < text.size() && text[i + 1] == '=';
    const bool follows = i > 0 && std::string_view("<>!").find(text[i - 1]) != text.npos;
    if (!is_double && !follows) return true;
    i += is_double ? 1 : 0;
  }
  return false;
}

// Where the dots of `path` lead; null when they lead nowhere.
const Json* find(const Json& json, std::string_view path) {
  const Json* at = &json;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    if (!at->is_object()) return nullptr;
    const auto next = at->find(std::string(path.substr(0, dot)));
    if (next == at->end()) return nullptr;
    at = &*next;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return at;
}

void add_numbers(const Json& json, const std::string& prefix, std::vector<std::string>& names) {
  for (const auto& [key, value] : json.items()) {
    if (value.is_object()) add_numbers(value, prefix + key + ".", names);
    if (value.is_number()) names.push_back(prefix + key);
  }
}

std::string suggestion(const std::string& name, const Json& resolved) {
  std::vector<std::string> names = {"pes"};
  add_numbers(resolved, "", names);
  const std::vector<std::string_view> views(names.begin(), names.end());
  return did_you_mean(name, views);
}

}  // namespace

Constraint::Constraint(std::string text, Location where)
    : text_(std::move(text)), where_(std::move(where)) {
  if (text_.size() > kLengthLimit) {
    throw UserError(where_, fmt::format("a constraint of more than {} characters", kLengthLimit));
  }
  if (assigns(text_)) {
    throw UserError(where_, fmt::format("constraint '{}': '=' alone compares nothing; write '=='",
                                        printable(text_, 80)));
  }
  try {
    mu::Parser parser = parser_of(text_);
    for (const auto& [name, address] : parser.GetUsedVar()) names_.push_back(name);
    double any = 1;
    for (const std::string& name : names_) parser.DefineVar(name, &any);
    int results = 0;
    parser.Eval(results);
    if (results != 1) throw UserError(where_, "a constraint is one expression, without commas");
  } catch (const mu::Parser::exception_type& error) {
    throw UserError(where_, fmt::format("constraint '{}': {}", printable(text_, 80),
                                        printable(error.GetMsg(), 200)));
  }
}

bool Constraint::holds(const Accelerator& accelerator, const Json& resolved) const {
  mu::Parser parser = parser_of(text_);
  std::vector<double> values(names_.size());
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const Json* value = find(resolved, names_[i]);
    if (names_[i] == "pes") {
      values[i] = static_cast<double>(accelerator.design->pe_count());
    } else if (value != nullptr && value->is_number()) {
      values[i] = value->get<double>();
    } else {
      throw UserError(where_, fmt::format("constraint: '{}' is no number of {}'s configuration{}",
                                          printable(names_[i], 60), accelerator.name,
                                          suggestion(names_[i], resolved)));
    }
    parser.DefineVar(names_[i], &values[i]);
  }
  const double result = parser.Eval();
  if (std::isnan(result)) {
    throw UserError(where_, fmt::format("constraint '{}' is not a number for {}",
                                        printable(text_, 80), accelerator.name));
  }
  return result != 0;
}

}  // namespace bitsmith
