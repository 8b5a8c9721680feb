#include "app/report.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "app/commands.h"
#include "app/options.h"
#include "app/sweep_output.h"
#include "common/file.h"
#include "common/interrupt.h"
#include "common/table.h"
#include "common/text.h"
#include "report/html_report.h"
#include "sweep/index.h"
#include "sweep/result_store.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct Options {
  std::string folder;
  std::string html;
};

// The points of a sweep that are done; `left_out` says what became of the others.
struct Gathered {
  std::vector<std::string> columns;
  std::vector<ReportPoint> points;
  std::vector<std::string> left_out;
};

// "accelerator axis=value ... workload", as the sweep names it: these columns come in that order
// but for the workload, which is the second. Axes of other accelerators have no value.
std::string name_of(const std::vector<std::string>& columns,
                    const std::vector<std::string>& values) {
  constexpr std::string_view kAxis = "axis ";
  std::string name = values.at(0);
  for (std::size_t i = 2; i < columns.size(); ++i) {
    if (values[i].empty()) continue;
    const bool is_axis = columns[i].starts_with(kAxis);
    name +=
        fmt::format(" {}={}", is_axis ? columns[i].substr(kAxis.size()) : columns[i], values[i]);
  }
  return name + " " + values.at(1);
}

bool is_done(const Json& record) {
  return record.value("status", Json()) == "done" && record.contains("metrics") &&
         record.at("metrics").is_object() && record.contains("inputs") &&
         record.at("inputs").is_object() && record.contains("operators") &&
         record.at("operators").is_array();
}

std::string points_text(std::size_t count) {
  return fmt::format("{} point{}", with_separators(count), count == 1 ? "" : "s");
}

Gathered gather(const fs::path& folder) {
  const IndexInput index = read_index(folder);
  if (index.columns.size() < 2) {
    throw UserError(fmt::format("{}: an index without accelerator and workload", folder.string()));
  }
  if (index.points.size() > kMostReportPoints) {
    throw UserError(fmt::format(
        "{}: {}; a report takes at most {}, index.csv and index.sqlite "
        "have all",
        folder.string(), points_text(index.points.size()), with_separators(kMostReportPoints)));
  }
  const ResultStore store = ResultStore::existing(folder);
  Gathered gathered{index.columns, {}, {}};
  std::size_t failed = 0, unreadable = 0;
  for (const IndexedPoint& point : index.points) {
    throw_if_interrupted();
    std::optional<Json> record = store.read(point.key);
    if (record && is_done(*record)) {
      gathered.points.push_back(
          {name_of(index.columns, point.values), point.values, *std::move(record)});
    } else {
      const bool has_failed = record && record->value("status", Json()) == "failed";
      ++(has_failed ? failed : unreadable);
    }
  }
  if (failed > 0) {
    gathered.left_out.push_back(
        fmt::format("{} failed; column error of index.csv says why.", points_text(failed)));
  }
  if (unreadable > 0) {
    gathered.left_out.push_back(
        fmt::format("{} left out: files missing or damaged; the same `bitsmith sweep` again "
                    "computes them.",
                    points_text(unreadable)));
  }
  return gathered;
}

// ---------------------------------------------------------------------------------- text

double metric(const ReportPoint& point, const char* name) {
  const Json value = point.record.at("metrics").value(name, Json());
  return value.is_number() ? value.get<double>() : 0;
}

// Four significant digits: "0.4473", "166,100".
std::string metric_text(const ReportPoint& point, const char* name, double scale) {
  const Json value = point.record.at("metrics").value(name, Json());
  if (!value.is_number()) return "unknown";
  const double scaled = scale * value.get<double>();
  if (!(scaled >= 1e4 && scaled < 1e18)) return fmt::format("{:.4g}", scaled);
  const double unit = std::pow(10, std::floor(std::log10(scaled)) - 3);
  return with_separators(static_cast<std::uint64_t>(std::round(scaled / unit) * unit));
}

std::string cycles_text(const ReportPoint& point) {
  const Json value = point.record.at("metrics").value("cycles", Json());
  return value.is_number_unsigned() ? with_separators(value.get<std::uint64_t>()) : "unknown";
}

// What is not plainly of the array as it was asked for.
struct Mark {
  char letter;
  const char* metric;
  const char* text;
};
constexpr Mark kMarks[] = {
    {'c', "clock_limited", "clock as fast as the array's critical path allows, not as asked for"},
    {'e', "array_is_estimated", "area or energy of the array estimated: `run` prints the errors"},
    {'n', "mixed_nodes", "array and SRAM of different nodes"},
    {'o', "overclocked", "faster than the array's critical path allows"},
    {'v', "vector_overclocked", "faster than the vector unit's two stages allow"}};

bool has(const ReportPoint& point, const Mark& mark) {
  const Json value = point.record.at("metrics").value(mark.metric, Json());
  return value.is_boolean() && value.get<bool>();
}

std::string marks_text(const ReportPoint& point) {
  std::string text;
  for (const Mark& mark : kMarks)
    if (has(point, mark)) text += mark.letter;
  return text;
}

std::string legend_text(const std::vector<ReportPoint>& points) {
  std::string text;
  for (const Mark& mark : kMarks) {
    const bool occurs = std::any_of(points.begin(), points.end(),
                                    [&](const ReportPoint& point) { return has(point, mark); });
    if (occurs) text += fmt::format("{}: {}\n", mark.letter, mark.text);
  }
  return text;
}

// Points of one workload after another, those with the fewest cycles first.
std::string table_text(const Gathered& gathered) {
  constexpr std::size_t kWorkload = 1;
  std::vector<const ReportPoint*> sorted;
  for (const ReportPoint& point : gathered.points) sorted.push_back(&point);
  std::vector<std::string> workloads;
  for (const ReportPoint* point : sorted) {
    const std::string& workload = point->values[kWorkload];
    if (std::find(workloads.begin(), workloads.end(), workload) == workloads.end()) {
      workloads.push_back(workload);
    }
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const ReportPoint* a, const ReportPoint* b) {
    return metric(*a, "cycles") < metric(*b, "cycles");
  });
  TextTable table(
      {"point", "cycles", "ms", "utilization %", "DRAM MB", "mJ", "TOPS/W", "mm2", "marks"});
  for (const std::string& workload : workloads) {
    if (workload != workloads.front()) table.add_rule();
    for (const ReportPoint* point : sorted) {
      if (point->values[kWorkload] != workload) continue;
      table.add_row(
          {printable(point->name, 200), cycles_text(*point), metric_text(*point, "seconds", 1e3),
           metric_text(*point, "utilization", 100), metric_text(*point, "dram_bytes", 1e-6),
           metric_text(*point, "energy_pj", 1e-9), metric_text(*point, "tops_per_watt", 1),
           metric_text(*point, "area_um2", 1e-6), marks_text(*point)});
    }
  }
  return table.text() + legend_text(gathered.points);
}

// ---------------------------------------------------------------------------------- page

std::vector<std::pair<std::string, std::string>> provenance_of(const fs::path& folder) {
  constexpr std::size_t kByteLimit = std::size_t{1} << 20;
  std::vector<std::pair<std::string, std::string>> rows = {
      {"Folder", fs::weakly_canonical(folder).string()}};
  const fs::path source = folder / "sweep.json";
  if (!fs::is_regular_file(source)) return rows;
  const Json json = Json::parse(read_file(source, kByteLimit), nullptr, false);
  if (!json.is_object()) return rows;
  const auto add = [&](const char* what, const char* key) {
    const Json value = json.value(key, Json());
    if (value.is_null()) return;
    rows.emplace_back(what, value.is_string() ? value.get<std::string>() : value.dump());
  };
  add("Sweep", "name");
  add("Sweep file", "file");
  add("Seed of the sample", "seed");
  return rows;
}

std::string title_of(const fs::path& folder) {
  const fs::path absolute = fs::weakly_canonical(folder);
  const fs::path name =
      absolute.has_filename() ? absolute.filename() : absolute.parent_path().filename();
  return name.string();
}

// With a message for what is left out. Throws UserError when nothing is left.
Gathered gather_and_tell(const fs::path& folder) {
  Gathered gathered = gather(folder);
  for (const std::string& sentence : gathered.left_out) print_message(sentence);
  if (gathered.points.empty()) {
    throw UserError(fmt::format("{}: no point to report", folder.string()));
  }
  return gathered;
}

void write_page(const fs::path& folder, Gathered gathered, const std::string& html) {
  write_output(
      html, html_report({title_of(folder), std::move(gathered.columns), std::move(gathered.points),
                         std::move(gathered.left_out), provenance_of(folder)}));
}

int run_command(const Options& options) {
  const fs::path folder = options.folder;
  const std::string html = options.html.empty() ? (folder / "report.html").string() : options.html;
  Diagnostics diagnostics;
  if (fs::is_directory(folder)) {
    require_output("--html", html, {}, diagnostics);
    require_apart_from(folder, "--html", html, diagnostics);
  }
  diagnostics.throw_if_any();
  Gathered gathered = gather_and_tell(folder);
  const std::string table = table_text(gathered);
  write_page(folder, std::move(gathered), html);
  if (html != "-") write_output("-", fmt::format("{}\n{}\n", table, html));
  return 0;
}

}  // namespace

void write_report_page(const fs::path& folder, const std::string& html) {
  write_page(folder, gather_and_tell(folder), html);
}

Action add_report(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("report", "the points of a sweep as a table and as one HTML file");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command->add_option("folder", o.folder, "folder of a sweep's results")->required();
  command->add_option("--html", o.html, "where the page goes; by default DIR/report.html");
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
