// One HTML file that shows and compares points: Pareto front, breakdowns, roofline, heat map,
// tables. It needs no network: data, script, style and chart library are inside.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace bitsmith {

struct ReportPoint {
  std::string name;                 // "systolic_int8_16x16_edge design.rows=8 llama-2-7b decode"
  std::vector<std::string> values;  // by HtmlReportInput::columns
  nlohmann::ordered_json record;    // as point_record() makes it (bitsmith.point/1), status "done"
};

// Texts may hold anything; what is no UTF-8 is shown as U+FFFD.
struct HtmlReportInput {
  std::string title;
  std::vector<std::string> columns;  // what tells points apart: accelerator, workload, axes
  std::vector<ReportPoint> points;
  std::vector<std::string> notes;  // sentences for the reader: "2 points failed."
  // Rows of a table: what, value. Version, technologies of the records, time, host and chart
  // library are added.
  std::vector<std::pair<std::string, std::string>> provenance;
};

// The points' metrics are whatever numbers their records' "metrics" have; a name the page does not
// know is shown as it is, lower is better. Throws UserError when the chart library or the page's
// own files are not installed.
std::string html_report(const HtmlReportInput& input);

}  // namespace bitsmith
