#include "app/sweep_output.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/table.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct Ranked {
  std::size_t point = 0;
  Json metrics;
};

}  // namespace

Progress::Progress() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (is_terminal_ && has_line_) std::fputs("\n", stderr);
}

void Progress::show(const ExecutionCounts& counts) {
  if (counts.points == 0) return;  // a shard may be empty
  const std::size_t done = counts.points - counts.left();
  const auto now = Clock::now();
  const std::size_t tenth = 10 * done / counts.points;
  const bool is_last = counts.left() == 0;
  if (is_terminal_ ? (now - shown_ < std::chrono::milliseconds(100) && !is_last)
                   : (tenth == shown_tenth_ && has_line_)) {
    return;
  }
  shown_ = now;
  shown_tenth_ = tenth;
  has_line_ = true;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(counts.computed) / std::max(elapsed, 1e-3);
  std::string line = fmt::format("{} of {} points", done, counts.points);
  if (counts.reused > 0) line += fmt::format(", {} from before", counts.reused);
  if (counts.failed > 0) line += fmt::format(", {} failed", counts.failed);
  if (counts.computed > 0) line += fmt::format(", {:.1f}/s", rate);
  if (!is_last && counts.computed > 0) {
    line += fmt::format(", {:.0f} s left", static_cast<double>(counts.left()) / rate);
  }
  std::fputs((is_terminal_ ? "\r\033[K" + line : line + "\n").c_str(), stderr);
  std::fflush(stderr);
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  if (a.empty() || b.empty()) return false;
  std::error_code error;
  if (fs::equivalent(a, b, error)) return true;
  const fs::path whole_a = fs::weakly_canonical(fs::absolute(a), error);
  if (error) return false;
  const fs::path whole_b = fs::weakly_canonical(fs::absolute(b), error);
  return !error && whole_a == whole_b;
}

void require_apart_from(const fs::path& folder, const std::string& option,
                        const std::string& output, Diagnostics& diagnostics) {
  if (output.empty() || output == "-") return;
  for (const char* own : {"index.sqlite", "index.csv", "sweep.json", "fastest.txt"}) {
    if (!is_same_file(output, folder / own)) continue;
    diagnostics.add({option + " " + output, 0, 0},
                    fmt::format("is {} of the sweep's folder: choose another name", own));
  }
}

IndexInput index_input(const SweepPoints& points, const std::vector<std::string>& keys) {
  const Sweep& sweep = points.sweep();
  IndexInput input{{"accelerator", "workload"}, {}};
  for (const std::string& name : axis_names(sweep)) input.columns.push_back("axis " + name);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const SweepPoint& point = points.points()[i];
    IndexedPoint row{
        keys[i],
        {sweep.accelerator_labels[point.accelerator], sweep.workloads[point.workload].label}};
    for (std::string& label : axis_labels(sweep, point)) row.values.push_back(std::move(label));
    input.points.push_back(std::move(row));
  }
  return input;
}

std::string fastest_points_text(const SweepPoints& points, const std::vector<std::string>& keys,
                                const ResultStore& store) {
  constexpr std::size_t kShown = 5;
  constexpr std::array<std::string_view, 1> kMembers = {"metrics"};
  const Sweep& sweep = points.sweep();
  std::vector<std::vector<Ranked>> fastest(sweep.workloads.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto record = store.read(keys[i], kMembers);
    if (!record || !record->contains("metrics")) continue;
    std::vector<Ranked>& of = fastest[points.points()[i].workload];
    of.push_back({i, record->at("metrics")});
    std::stable_sort(of.begin(), of.end(), [](const Ranked& a, const Ranked& b) {
      return a.metrics.at("seconds").get<double>() < b.metrics.at("seconds").get<double>();
    });
    if (of.size() > kShown) of.pop_back();
  }
  TextTable table({"fastest points", "PEs", "ms", "cycles", "utilization", "DRAM MB"});
  for (const std::vector<Ranked>& of : fastest) {
    if (&of != &fastest.front()) table.add_rule();
    for (const Ranked& row : of) {
      const Json& m = row.metrics;
      const Json& read = m.at("dram_read_bytes");
      table.add_row(
          {label_of(sweep, points.points()[row.point]),
           with_separators(m.at("pes").get<std::uint64_t>()),
           fmt::format("{:.4g}", 1e3 * m.at("seconds").get<double>()),
           with_separators(m.at("cycles").get<std::uint64_t>()),
           fmt::format("{:.2f}%", 100 * m.at("utilization").get<double>()),
           read.is_null()
               ? "-"
               : fmt::format("{:.1f}", 1e-6 * (read.get<double>() +
                                               m.at("dram_written_bytes").get<double>()))});
    }
  }
  return table.text();
}

}  // namespace bitsmith::app
