#include "cost/liberty.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "common/error.h"
#include "common/file.h"

namespace bitsmith {
namespace {

constexpr std::size_t kByteLimit = std::size_t{256} << 20;
constexpr int kDepthLimit = 16;

// `type(arguments) { attributes and groups }`
struct Group {
  std::string type;
  std::string arguments;
  std::map<std::string, std::string> attributes;  // the last of a repeated one
  std::vector<Group> groups;

  const Group* find(std::string_view wanted) const {
    for (const Group& group : groups) {
      if (group.type == wanted) return &group;
    }
    return nullptr;
  }
  std::string text(const std::string& attribute) const {
    const auto found = attributes.find(attribute);
    return found == attributes.end() ? "" : found->second;
  }
};

// Recursive descent over the text.
class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Group parse() {
    skip_space();
    Group root = parse_statement_as_group();
    return root;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw UserError(Location{name_, line_, column_}, fmt::format("not a Liberty file: {}", what));
  }

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void next() {
    column_ = peek() == '\n' ? 1 : column_ + 1;
    if (peek() == '\n') ++line_;
    ++at_;
  }
  bool starts(std::string_view word) const { return text_.substr(at_).starts_with(word); }

  void skip_comment() {
    while (!at_end() && !starts("*/")) next();
    if (at_end()) fail("a comment does not end");
    next();
    next();
  }

  // Space, comments and line continuations; `;` too, since it may be missing or doubled.
  void skip_space() {
    while (!at_end()) {
      if (starts("/*"))
        skip_comment();
      else if (starts("//"))
        while (!at_end() && peek() != '\n') next();
      else if (std::isspace(static_cast<unsigned char>(peek())) || peek() == ';' || peek() == '\\')
        next();
      else
        return;
    }
  }

  std::string word() {
    std::string result;
    while (!at_end() && (std::isalnum(static_cast<unsigned char>(peek())) || peek() == '_')) {
      result += peek();
      next();
    }
    if (result.empty()) fail(fmt::format("unexpected character '{}'", at_end() ? ' ' : peek()));
    return result;
  }

  std::string quoted() {
    std::string result;
    next();
    while (!at_end() && peek() != '"') {
      if (peek() != '\\' && peek() != '\n') result += peek();
      next();
    }
    if (at_end()) fail("a string does not end");
    next();
    return result;
  }

  std::string arguments() {
    std::string result;
    next();
    while (!at_end() && peek() != ')') {
      if (peek() == '"') {
        result += quoted();
      } else {
        if (!std::isspace(static_cast<unsigned char>(peek()))) result += peek();
        next();
      }
    }
    if (at_end()) fail("'(' without ')'");
    next();
    return result;
  }

  // An attribute's value ends at ';' or at the end of its line.
  std::string value() {
    while (peek() == ' ' || peek() == '\t') next();
    if (peek() == '"') return quoted();
    std::string result;
    while (!at_end() && peek() != ';' && peek() != '\n' && peek() != '}') {
      result += peek();
      next();
    }
    while (!result.empty() && std::isspace(static_cast<unsigned char>(result.back())))
      result.pop_back();
    return result;
  }

  Group parse_statement_as_group() {
    Group holder;
    parse_statement(holder, 0);
    if (holder.groups.size() != 1 || holder.groups[0].type != "library") fail("no library group");
    return std::move(holder.groups[0]);
  }

  void parse_statement(Group& parent, int depth) {
    if (depth > kDepthLimit) fail("groups nested too deeply");
    const std::string name = word();
    while (peek() == ' ' || peek() == '\t') next();
    if (peek() == ':') {
      next();
      parent.attributes[name] = value();
      return;
    }
    if (peek() != '(') fail(fmt::format("'{}' is followed by neither ':' nor '('", name));
    Group group;
    group.type = name;
    group.arguments = arguments();
    skip_space();
    if (peek() != '{') {  // a complex attribute
      parent.attributes[name] = group.arguments;
      return;
    }
    next();
    for (skip_space(); peek() != '}'; skip_space()) {
      if (at_end()) fail("'{' without '}'");
      parse_statement(group, depth + 1);
    }
    next();
    parent.groups.push_back(std::move(group));
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
};

std::optional<double> number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "1nW" and the like, in uW.
double leakage_unit_uw(const std::string& unit) {
  double scale = 1;
  const auto [end, error] = std::from_chars(unit.data(), unit.data() + unit.size(), scale);
  if (error != std::errc()) scale = 1;
  const std::string suffix(end, unit.data() + unit.size());
  if (suffix == "pW") return scale * 1e-6;
  if (suffix == "nW") return scale * 1e-3;
  if (suffix == "uW") return scale;
  if (suffix == "mW") return scale * 1e3;
  return scale * 1e-3;  // Liberty's default is 1nW
}

// "1,pf" or "1.0,ff", in fF.
double capacitance_unit_ff(const std::string& arguments) {
  const std::size_t comma = arguments.find(',');
  if (comma == std::string::npos) return 1000;
  const double scale = number(arguments.substr(0, comma)).value_or(1);
  const char unit = arguments[comma + 1];
  return scale * (unit == 'f' || unit == 'F' ? 1 : 1000);
}

std::string without_parentheses(std::string function) {
  std::erase_if(function, [](char c) { return c == '(' || c == ')' || c == ' '; });
  return function;
}

LibertyCell read_cell(const Group& group, double leakage_unit, double capacitance_unit) {
  LibertyCell cell;
  cell.area_um2 = number(group.text("area")).value_or(0);
  cell.leakage_uw = number(group.text("cell_leakage_power")).value_or(0) * leakage_unit;
  cell.sequential = group.find("ff") != nullptr || group.find("latch") != nullptr ||
                    group.find("statetable") != nullptr;
  std::string input;
  std::string function;
  int inputs = 0;
  for (const Group& pin : group.groups) {
    if (pin.type != "pin") continue;
    if (pin.text("direction") == "input") {
      ++inputs;
      input = pin.arguments;
      cell.input_capacitance_ff =
          std::max(cell.input_capacitance_ff,
                   number(pin.text("capacitance")).value_or(0) * capacitance_unit);
    } else if (function.empty()) {
      function = without_parentheses(pin.text("function"));
    }
  }
  if (inputs == 1 && !cell.sequential) {
    cell.buffer = function == input;
    cell.inverter = function == "!" + input || function == input + "'";
  }
  return cell;
}

}  // namespace

const std::string& LibertyLibrary::smallest_inverter() const {
  const std::pair<const std::string, LibertyCell>* best = nullptr;
  for (const auto& entry : cells) {
    if (!entry.second.inverter) continue;
    if (best == nullptr || entry.second.area_um2 < best->second.area_um2) best = &entry;
  }
  if (best == nullptr) throw UserError(fmt::format("library '{}' has no inverter", name));
  return best->first;
}

LibertyLibrary parse_liberty(std::string_view text, const std::string& file) {
  const Group root = Parser(text, file).parse();
  const double leakage_unit = leakage_unit_uw(root.text("leakage_power_unit"));
  const double capacitance_unit = capacitance_unit_ff(root.text("capacitive_load_unit"));
  LibertyLibrary library;
  library.name = root.arguments;
  for (const Group& group : root.groups) {
    if (group.type != "cell") continue;
    const LibertyCell cell = read_cell(group, leakage_unit, capacitance_unit);
    library.has_leakage = library.has_leakage || cell.leakage_uw > 0;
    library.cells[group.arguments] = cell;
  }
  if (library.cells.empty()) throw UserError(fmt::format("{}: the library has no cells", file));
  return library;
}

LibertyLibrary read_liberty(const std::filesystem::path& path) {
  return parse_liberty(read_file(path, kByteLimit), path.string());
}

}  // namespace bitsmith
