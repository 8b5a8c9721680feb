#include "sweep/sweep.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "app/commands.h"
#include "app/options.h"
#include "app/sweep_points.h"
#include "common/file.h"
#include "common/parallel.h"
#include "common/table.h"
#include "common/version.h"
#include "sweep/execution.h"
#include "sweep/index.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string file;
  std::string jobs;
  std::string out;
  std::string json;
};

// One line that is written over on a terminal; elsewhere a line for every tenth of the points.
class Progress {
 public:
  ~Progress() {
    if (is_terminal_ && has_line_) std::fputs("\n", stderr);
  }

  void show(const ExecutionCounts& counts) {
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

 private:
  using Clock = std::chrono::steady_clock;

  const bool is_terminal_ = ::isatty(STDERR_FILENO) == 1;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point shown_{};
  std::size_t shown_tenth_ = 0;
  bool has_line_ = false;
};

IndexInput index_input(const SweepPoints& points, const std::vector<std::string>& keys) {
  const Sweep& sweep = points.sweep();
  IndexInput input{{"accelerator", "workload"}, {}};
  for (const std::string& name : axis_names(sweep)) input.columns.push_back("axis " + name);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const SweepPoint& point = points.points()[i];
    IndexedPoint row{keys[i],
                     {sweep.accelerators[point.accelerator].stem().string(),
                      sweep.workloads[point.workload].label}};
    for (std::string& label : axis_labels(sweep, point)) row.values.push_back(std::move(label));
    input.points.push_back(std::move(row));
  }
  return input;
}

struct Ranked {
  std::size_t point = 0;
  Json metrics;
};

// The fastest points of every workload.
std::string table_text(const SweepPoints& points, const std::vector<std::string>& keys,
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

Json summary_json(const Sweep& sweep, const ExecutionCounts& counts, const ResultStore& store) {
  return {{"schema", "bitsmith.sweep/1"},     {"name", sweep.name},
          {"points", counts.points},          {"from_before", counts.reused},
          {"computed", counts.computed},      {"failed", counts.failed},
          {"folder", store.folder().string()}};
}

// For who meets the folder later: what made it.
Json source_json(const std::string& file, const Sweep& sweep) {
  return {{"schema", "bitsmith.sweep_source/1"},
          {"version", version()},
          {"name", sweep.name},
          {"file", file},
          {"seed", sweep.sample ? Json(sweep.sample->seed) : Json()}};
}

int run_command(const Options& options) {
  Diagnostics diagnostics;
  const unsigned cores = processors();
  ExecutionOptions execution;
  execution.jobs =
      options.jobs.empty()
          ? cores
          : static_cast<unsigned>(integer_option("--jobs", options.jobs, {1, 1024}, diagnostics));
  require_output("--json", options.json, {options.file}, diagnostics);
  diagnostics.throw_if_any();
  const SweepPoints points(load_sweep(options.file));
  const std::string folder = options.out.empty() ? points.sweep().name + ".sweep" : options.out;
  const ResultStore store(folder);
  const std::vector<std::string> keys = points.keys();
  ExecutionCounts counts;
  {
    Progress progress;
    execution.on_progress = [&progress](const ExecutionCounts& now) { progress.show(now); };
    counts = execute(
        keys, store, [&](std::size_t point) { return points.evaluate(point, keys[point]); },
        execution);
  }
  write_index(store, index_input(points, keys));
  const std::string fastest = table_text(points, keys, store);
  write_file_atomically(store.folder() / "fastest.txt", fastest);
  write_output((store.folder() / "sweep.json").string(),
               json_text(source_json(options.file, points.sweep())));
  if (!options.json.empty()) {
    write_output(options.json, json_text(summary_json(points.sweep(), counts, store)));
  }
  if (options.json != "-") {
    write_output(
        "-",
        fmt::format("{}\n{}/index.csv and index.sqlite hold all points{}\n", fastest, folder,
                    counts.failed == 0 ? ""
                                       : fmt::format("; {} failed: see their column error, the "
                                                     "same command tries them again",
                                                     counts.failed)));
  }
  return counts.failed == 0 ? 0 : 2;
}

}  // namespace

Action add_sweep(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "sweep", "many configurations and workloads; the same command again resumes");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command->add_option("sweep", o.file, "sweep file (configs/sweeps)")->required();
  command->add_option("--jobs", o.jobs, "worker processes; by default one per core");
  command->add_option("--out", o.out, "folder of results; by default NAME.sweep");
  command->add_option("--json", o.json, "write a summary as JSON; - is standard output");
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
