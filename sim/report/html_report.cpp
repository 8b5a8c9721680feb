#include "report/html_report.h"

#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>

#include "common/error.h"
#include "common/file.h"
#include "common/version.h"

namespace bitsmith {
namespace {

using Json = nlohmann::ordered_json;

// Of Debian's package libjs-chart.js.
constexpr const char* kChartLibrary = "/usr/share/javascript/chart.js/Chart.min.js";
#ifdef __clang__
constexpr const char* kCompiler = __VERSION__;
#else
constexpr const char* kCompiler = "GCC " __VERSION__;
#endif
constexpr std::size_t kByteLimit = std::size_t{4} << 20;
// In this order: each uses names of those before it.
constexpr const char* kScripts[] = {"metrics.js",  "data.js",     "elements.js",
                                    "scatter.js",  "roofline.js", "point.js",
                                    "heat_map.js", "table.js",    "page.js"};

// ---------------------------------------------------------------------------------- text

// JSON within a script element: no character of it can end the element or open a comment.
std::string embedded(const Json& json) {
  const std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    switch (c) {  // within strings only: JSON itself has none of them
      case '<':
        result += "\\u003c";
        break;
      case '>':
        result += "\\u003e";
        break;
      case '&':
        result += "\\u0026";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string html_text(const std::string& text) {
  // A detour through JSON makes it UTF-8.
  const std::string valid =
      Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace))
          .get<std::string>();
  std::string result;
  for (const char c : valid) {
    switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '&':
        result += "&amp;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

// The page with every {{name}} replaced by that part; parts are not looked into.
std::string filled(std::string_view page, const std::map<std::string_view, std::string>& parts) {
  std::string result;
  while (true) {
    const std::size_t begin = page.find("{{");
    result += page.substr(0, begin);
    if (begin == std::string_view::npos) return result;
    const std::size_t end = page.find("}}", begin);
    check(end != std::string_view::npos, "page.html: a {{ without }}");
    const auto part = parts.find(page.substr(begin + 2, end - begin - 2));
    check(part != parts.end(), "page.html: an unknown part");
    result += part->second;
    page.remove_prefix(end + 2);
  }
}

std::string page_file(const std::string& name) {
  return read_file(home_folder() / "sim/report/html" / name, kByteLimit);
}

std::string scripts() {
  std::string text;
  for (const char* name : kScripts) text += page_file(name) + "\n";
  return text;
}

std::string chart_library() {
  if (!std::filesystem::exists(kChartLibrary)) {
    throw UserError(fmt::format("{}: not found; scripts/setup installs it (package libjs-chart.js)",
                                kChartLibrary));
  }
  const std::string text = read_file(kChartLibrary, kByteLimit);
  check(text.find("</script") == std::string::npos, "a chart library that ends its script element");
  return page_file("chart_license.txt") + text;
}

// ---------------------------------------------------------------------------------- columns

// Values of all points: each distinct one once, and which of them a point has. Without "index" all
// points have the first.
class Column {
 public:
  void add(std::size_t point, const Json& value) {
    const auto [found, is_new] = numbers_.emplace(
        value.dump(-1, ' ', false, Json::error_handler_t::replace), values_.size());
    if (is_new) values_.push_back(value);
    if (index_.size() <= point) index_.resize(point + 1, kAbsent);
    index_[point] = found->second;
  }
  Json json(const char* key, const std::string& name, std::size_t points, bool needs_index) {
    index_.resize(points, kAbsent);
    for (std::size_t point = 0; point < points; ++point) {
      if (index_[point] == kAbsent) add(point, nullptr);
    }
    Json json = {{key, name}, {"values", values_}};
    if (needs_index || values_.size() > 1) json["index"] = index_;
    return json;
  }

 private:
  static constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

  std::map<std::string, std::size_t> numbers_;
  std::vector<Json> values_;
  std::vector<std::size_t> index_;
};

Json identity_columns(const HtmlReportInput& input) {
  Json columns = Json::array();
  for (std::size_t i = 0; i < input.columns.size(); ++i) {
    Column column;
    for (std::size_t point = 0; point < input.points.size(); ++point) {
      column.add(point, input.points[point].values[i]);
    }
    columns.push_back(column.json("name", input.columns[i], input.points.size(), true));
  }
  return columns;
}

// Names in the order of their first appearance.
class Names {
 public:
  std::size_t number_of(const std::string& name) {
    const auto [found, is_new] = numbers_.emplace(name, names_.size());
    if (is_new) names_.push_back(name);
    return found->second;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::map<std::string, std::size_t> numbers_;
  std::vector<std::string> names_;
};

// Words and flags stand among the metrics, but have no axis.
bool is_word(const Json& value) { return !value.is_null() && !value.is_number(); }

std::set<std::string> words_among_metrics(const HtmlReportInput& input) {
  std::set<std::string> names;
  for (const ReportPoint& point : input.points) {
    for (const auto& [name, value] : point.record.at("metrics").items()) {
      if (is_word(value)) names.insert(name);
    }
  }
  return names;
}

Json metric_columns(const HtmlReportInput& input) {
  const std::set<std::string> words = words_among_metrics(input);
  Names names;
  std::vector<Json> values;
  for (std::size_t point = 0; point < input.points.size(); ++point) {
    for (const auto& [name, value] : input.points[point].record.at("metrics").items()) {
      if (words.contains(name)) continue;
      const std::size_t metric = names.number_of(name);
      if (metric == values.size()) values.push_back(Json(input.points.size(), nullptr));
      if (value.is_number()) values[metric][point] = value;
    }
  }
  Json metrics = Json::array();
  for (std::size_t i = 0; i < values.size(); ++i) {
    metrics.push_back({{"name", names.names()[i]}, {"values", values[i]}});
  }
  return metrics;
}

void flatten(const std::string& path, const Json& value,
             std::vector<std::pair<std::string, Json>>& leaves) {
  if (!value.is_object()) {
    leaves.emplace_back(path, value);
    return;
  }
  for (const auto& [key, member] : value.items()) {
    flatten(path.empty() ? key : path + "." + key, member, leaves);
  }
}

std::vector<std::pair<std::string, Json>> leaves_of(const Json& value) {
  std::vector<std::pair<std::string, Json>> leaves;
  flatten("", value, leaves);
  return leaves;
}

// The accelerator's values by the paths that --set takes, what else the point was made of, and what
// its metrics say in words.
std::vector<std::pair<std::string, Json>> inputs_of(const Json& record) {
  Json inputs = record.at("inputs");
  const Json accelerator = inputs.value("accelerator", Json::object());
  inputs.erase("accelerator");
  std::vector<std::pair<std::string, Json>> leaves = leaves_of(inputs);
  flatten("", accelerator, leaves);
  for (const auto& [name, value] : record.at("metrics").items()) {
    if (is_word(value)) leaves.emplace_back(name, value);
  }
  return leaves;
}

Json configuration_columns(const HtmlReportInput& input) {
  Names paths;
  std::vector<Column> columns;
  for (std::size_t point = 0; point < input.points.size(); ++point) {
    for (const auto& [path, value] : inputs_of(input.points[point].record)) {
      const std::size_t number = paths.number_of(path);
      if (number == columns.size()) columns.emplace_back();
      columns[number].add(point, value);
    }
  }
  Json json = Json::array();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    json.push_back(columns[i].json("path", paths.names()[i], input.points.size(), false));
  }
  return json;
}

// {"name": [...], "cycles": [...], "stall_cycles.weights": [...]}: null where an operator has none.
Json operator_columns(const Json& record) {
  Json columns = Json::object();
  const Json operators = record.value("operators", Json::array());
  for (std::size_t row = 0; row < operators.size(); ++row) {
    for (const auto& [path, value] : leaves_of(operators[row])) {
      if (!columns.contains(path)) columns[path] = Json(operators.size(), nullptr);
      columns[path][row] = value;
    }
  }
  return columns;
}

// ---------------------------------------------------------------------------------- provenance

std::string now_text() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc);
  return text;
}

std::string host_text() {
  utsname name{};
  check(::uname(&name) == 0, "uname");
  return fmt::format("{} {}, {}", name.sysname, name.release, name.machine);
}

// "Chart.js v3.9.1", from the library's first lines.
std::string chart_version() {
  const std::string library = chart_library();
  const std::size_t begin = library.find("Chart.js v");
  return begin == std::string::npos
             ? "Chart.js"
             : library.substr(begin, library.find_first_of(" \n\r", begin + 10) - begin);
}

// "8, 16, 32", at most ten.
std::string list_text(const std::vector<std::string>& texts) {
  constexpr std::size_t kMost = 10;
  std::string list;
  for (std::size_t i = 0; i < std::min(texts.size(), kMost); ++i) {
    list += (i == 0 ? "" : ", ") + texts[i];
  }
  return texts.size() <= kMost ? list : fmt::format("{} and {} others", list, texts.size() - kMost);
}

// What a member of the records says: for each path within it, its values over all points.
std::vector<std::pair<std::string, std::string>> values_of(const HtmlReportInput& input,
                                                           const std::string& member) {
  Names paths;
  std::vector<Names> values;
  for (const ReportPoint& point : input.points) {
    if (!point.record.contains(member)) continue;
    for (const auto& [path, value] : leaves_of(point.record.at(member))) {
      if (value.is_null()) continue;
      const std::size_t number = paths.number_of(path);
      if (number == values.size()) values.emplace_back();
      values[number].number_of(value.is_string()
                                   ? value.get<std::string>()
                                   : value.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
  }
  std::vector<std::pair<std::string, std::string>> rows;
  for (std::size_t i = 0; i < values.size(); ++i) {
    rows.emplace_back(paths.names()[i], list_text(values[i].names()));
  }
  return rows;
}

Json provenance(const HtmlReportInput& input) {
  Json rows = Json::array();
  for (const auto& [what, value] : input.provenance) rows.push_back({what, value});
  for (const auto& [path, value] : values_of(input, "version")) {
    rows.push_back({"Points computed by", "bitsmith " + value});
  }
  const auto technology = values_of(input, "tech");
  if (technology.empty()) rows.push_back({"Technology", "unknown"});
  for (const auto& [path, value] : technology) {
    // Figures of modules are a point's own, not where all come from.
    if (!path.starts_with("array.modules")) rows.push_back({"Technology: " + path, value});
  }
  rows.push_back({"Page written", now_text()});
  rows.push_back(
      {"Page written by", fmt::format("bitsmith {}, compiled by {}", version(), kCompiler)});
  rows.push_back({"Charts", chart_version()});
  rows.push_back({"Host", host_text()});
  return rows;
}

void check_points(const HtmlReportInput& input) {
  check(!input.points.empty(), "a page without points");
  for (const ReportPoint& point : input.points) {
    check(point.values.size() == input.columns.size(), "a point with more or fewer values");
  }
}

Json page_data(const HtmlReportInput& input) {
  Json names = Json::array();
  for (const ReportPoint& point : input.points) names.push_back(point.name);
  return {{"names", names},
          {"columns", identity_columns(input)},
          {"metrics", metric_columns(input)},
          {"configuration", configuration_columns(input)},
          {"notes", input.notes},
          {"provenance", provenance(input)}};
}

}  // namespace

std::string html_report(const HtmlReportInput& input) {
  check_points(input);
  std::string points;
  for (std::size_t i = 0; i < input.points.size(); ++i) {
    points += fmt::format("<script type=\"application/json\" id=\"point-{}\">{}</script>\n", i,
                          embedded(operator_columns(input.points[i].record)));
  }
  return filled(page_file("page.html"), {{"title", html_text(input.title)},
                                         {"style", page_file("style.css")},
                                         {"data", embedded(page_data(input))},
                                         {"points", points},
                                         {"chart_library", chart_library()},
                                         {"script", scripts()}});
}

}  // namespace bitsmith
