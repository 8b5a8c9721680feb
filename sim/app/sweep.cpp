#include "sweep/sweep.h"

#include <optional>
#include <set>

#include "app/commands.h"
#include "app/options.h"
#include "app/report.h"
#include "app/sweep_output.h"
#include "app/sweep_points.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/parallel.h"
#include "common/version.h"
#include "sweep/execution.h"
#include "sweep/index.h"
#include "sweep/shard.h"
#include "sweep/slurm.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct Options {
  std::string file, jobs, out, json, html;
  std::string shard;
  bool is_gathering = false;
  std::string expected;
  bool is_slurm = false;
  std::string shards;
  std::vector<std::string> sbatch_options;
};

// ---------------------------------------------------------------------------------- request

constexpr std::uint32_t kDefaultShards = 8;
constexpr std::int64_t kMostJobs = 1024;

struct Request {
  std::optional<unsigned> jobs;
  std::optional<Shard> shard;
  std::uint32_t shards = kDefaultShards;  // to submit
};

std::optional<Shard> shard_option(const std::string& text, Diagnostics& diagnostics) {
  if (text.empty()) return std::nullopt;
  const std::size_t slash = text.find('/');
  const auto number = parse_integer(text.substr(0, slash));
  const auto count =
      slash == std::string::npos ? std::nullopt : parse_integer(text.substr(slash + 1));
  if (number && count && 1 <= *number && *number <= *count && *count <= kMostShards) {
    return Shard{static_cast<std::uint32_t>(*number), static_cast<std::uint32_t>(*count)};
  }
  diagnostics.add({"--shard", 0, 0}, fmt::format("expected I/N with 1 <= I <= N <= {}, found '{}'",
                                                 kMostShards, text));
  return std::nullopt;
}

void judge_modes(const Options& options, Diagnostics& diagnostics) {
  if (int{!options.shard.empty()} + int{options.is_gathering} + int{options.is_slurm} > 1) {
    diagnostics.add({"--shard, --gather, --slurm", 0, 0}, "one of these at a time");
  }
  if (!options.html.empty() && (options.is_slurm || !options.shard.empty())) {
    diagnostics.add({"--html", 0, 0}, "goes with all points: not with --shard or --slurm");
  }
  if (!options.html.empty() && is_same_file(options.html, options.json)) {
    diagnostics.add({"--html, --json", 0, 0},
                    options.html == "-" ? "one of these to standard output" : "are of one file");
  }
  if (options.is_gathering && !options.jobs.empty()) {
    diagnostics.add({"--jobs", 0, 0}, "--gather computes nothing");
  }
  if (options.is_slurm) return;
  if (!options.shards.empty()) diagnostics.add({"--shards", 0, 0}, "goes with --slurm");
  if (!options.sbatch_options.empty()) {
    diagnostics.add({"--sbatch-option", 0, 0}, "goes with --slurm");
  }
}

Request request_of(const Options& options) {
  Diagnostics diagnostics;
  Request request;
  const auto integer = [&](const char* option, const std::string& text, std::int64_t most) {
    return static_cast<std::uint32_t>(integer_option(option, text, {1, most}, diagnostics));
  };
  if (!options.jobs.empty()) request.jobs = integer("--jobs", options.jobs, kMostJobs);
  if (!options.shards.empty()) request.shards = integer("--shards", options.shards, kMostShards);
  request.shard = shard_option(options.shard, diagnostics);
  judge_modes(options, diagnostics);
  judge_sbatch_options("--sbatch-option", options.sbatch_options, diagnostics);
  require_output("--json", options.json, {options.file}, diagnostics);
  require_output("--html", options.html, {options.file}, diagnostics);
  diagnostics.throw_if_any();
  return request;
}

// ---------------------------------------------------------------------------------- the sweep

// A sweep that is read, with its folder.
struct OpenSweep {
  const Options& options;
  const SweepPoints& points;
  const ResultStore& store;
  const std::vector<std::string>& keys;

  const std::string& name() const { return points.sweep().name; }
  std::string folder() const { return store.folder().string(); }
};

// Of this program, and of all that results and index depend on.
std::string identity_of(const OpenSweep& sweep) {
  ContentHash hash;
  const IndexInput input = index_input(sweep.points, sweep.keys);
  for (const std::string& column : input.columns) hash.add(column);
  for (const IndexedPoint& point : input.points) {
    hash.add(point.key);
    for (const std::string& value : point.values) hash.add(value);
  }
  return sweep.points.program_hash() + "-" + hash.hex();
}

// A job that waited must not compute something else than what was submitted.
void require_expected(const OpenSweep& sweep) {
  const std::string& expected = sweep.options.expected;
  if (expected.empty()) return;
  const std::string identity = identity_of(sweep);
  if (identity == expected) return;
  const std::string& program = sweep.points.program_hash();
  if (!expected.starts_with(program)) {
    throw UserError(
        {"--expect", 0, 0},
        fmt::format("this is not the program that the sweep was started with: its hash is "
                    "{}, not {}. Start the sweep again with this one",
                    program, expected.substr(0, program.size())));
  }
  throw UserError({"--expect", 0, 0},
                  fmt::format("{} or a file that it names has changed since the sweep was started. "
                              "Start it again",
                              sweep.options.file));
}

Json summary_json(const OpenSweep& sweep, const ExecutionCounts& counts, std::size_t missing) {
  return {{"schema", "bitsmith.sweep/1"}, {"name", sweep.name()},        {"points", counts.points},
          {"from_before", counts.reused}, {"computed", counts.computed}, {"failed", counts.failed},
          {"missing", missing},           {"folder", sweep.folder()}};
}

// For who meets the folder later: what made it.
Json source_json(const OpenSweep& sweep) {
  const std::optional<Sample>& sample = sweep.points.sweep().sample;
  return {{"schema", "bitsmith.sweep_source/1"},
          {"version", version()},
          {"name", sweep.name()},
          {"file", fs::absolute(sweep.options.file).lexically_normal().string()},
          {"seed", sample ? Json(sample->seed) : Json()}};
}

void write_results(const OpenSweep& sweep, const Json& summary, const std::string& text) {
  const std::string& file = sweep.options.json;
  if (!file.empty()) write_output(file, json_text(summary));
  if (file != "-" && sweep.options.html != "-") write_output("-", text);
}

// Computes what is missing of some points.
ExecutionCounts compute(const OpenSweep& sweep, const std::vector<std::size_t>& part,
                        unsigned jobs) {
  std::vector<std::string> keys;
  for (const std::size_t point : part) keys.push_back(sweep.keys[point]);
  Progress progress;
  ExecutionOptions execution;
  execution.jobs = jobs;
  execution.on_progress = [&progress](const ExecutionCounts& now) { progress.show(now); };
  return execute(
      keys, sweep.store, [&](std::size_t i) { return sweep.points.evaluate(part[i], keys[i]); },
      execution);
}

int run_shard(const OpenSweep& sweep, const Shard& shard, unsigned jobs) {
  const ExecutionCounts counts = compute(sweep, points_of(shard, sweep.keys), jobs);
  Json summary = summary_json(sweep, counts, 0);
  summary["shard"] = fmt::format("{}/{}", shard.number, shard.count);
  write_results(sweep, summary,
                fmt::format("shard {}/{}: {} of {} points, {} computed, {} failed\n"
                            "--gather instead of --shard makes the index of all shards\n",
                            shard.number, shard.count, counts.points, sweep.keys.size(),
                            counts.computed, counts.failed));
  return counts.failed == 0 ? 0 : 2;
}

std::string remarks(const IndexCounts& rows) {
  std::string text;
  if (rows.failed > 0) {
    text += fmt::format("; {} failed: see their column error, the same command tries them again",
                        rows.failed);
  }
  if (rows.missing > 0) {
    text += fmt::format("; {} are missing: start the sweep again to compute them", rows.missing);
  }
  return text;
}

// Makes the index. `counts` is what was computed before that.
int gather(const OpenSweep& sweep, ExecutionCounts counts) {
  const IndexCounts rows = write_index(sweep.store, index_input(sweep.points, sweep.keys));
  const std::string fastest = fastest_points_text(sweep.points, sweep.keys, sweep.store);
  write_file_atomically(sweep.store.folder() / "fastest.txt", fastest);
  write_output((sweep.store.folder() / "sweep.json").string(), json_text(source_json(sweep)));
  counts.failed = rows.failed;
  const std::string& html = sweep.options.html;
  std::string page;
  if (!html.empty() && rows.done > 0) {
    write_report_page(sweep.store.folder(), html);
    page = html + "\n";
  } else if (!html.empty()) {
    print_message("no page: no point is done");
  }
  write_results(sweep, summary_json(sweep, counts, rows.missing),
                fmt::format("{}\n{}{}/index.csv and index.sqlite hold all points{}\n", fastest,
                            page, sweep.folder(), remarks(rows)));
  return rows.failed + rows.missing == 0 ? 0 : 2;
}

// The counts when nothing is computed.
ExecutionCounts counts_of(const OpenSweep& sweep, std::size_t unfinished) {
  ExecutionCounts counts;
  counts.points = sweep.keys.size();
  const std::size_t distinct = std::set<std::string>(sweep.keys.begin(), sweep.keys.end()).size();
  counts.repeated = counts.points - distinct;
  counts.reused = distinct - unfinished;
  return counts;
}

// ---------------------------------------------------------------------------------- SLURM

fs::path program_file() {
  std::error_code error;
  const fs::path file = fs::read_symlink("/proc/self/exe", error);
  if (!error && fs::is_regular_file(file, error)) return file;
  throw UserError({"--slurm", 0, 0},
                  "the file of this program was replaced while it runs: start it again");
}

SlurmRequest slurm_request(const OpenSweep& sweep, const Request& request,
                           const std::vector<std::size_t>& unfinished) {
  SlurmRequest slurm;
  slurm.folder = fs::canonical(sweep.store.folder());
  slurm.started_in = fs::current_path();
  slurm.sweep = sweep.name();
  slurm.command = {program_file().string(),
                   "sweep",
                   fs::absolute(sweep.options.file).string(),
                   "--out",
                   slurm.folder.string(),
                   "--expect",
                   identity_of(sweep)};
  slurm.environment = {{"BITSMITH_HOME", home_folder().string()}};
  slurm.shards = request.shards;
  std::set<std::uint32_t> tasks;
  for (const std::size_t point : unfinished) {
    tasks.insert(shard_of(sweep.keys[point], request.shards));
  }
  slurm.tasks.assign(tasks.begin(), tasks.end());
  slurm.cpus_per_task = request.jobs.value_or(1);
  slurm.sbatch_options = sweep.options.sbatch_options;
  return slurm;
}

void require_no_jobs(const SlurmRequest& slurm) {
  const auto jobs = queued_jobs(slurm_job_name(slurm));
  if (!jobs) {
    print_message(
        "squeue does not answer, so jobs of an earlier start may still work on this folder; "
        "computing a point twice does no harm");
    return;
  }
  if (jobs->empty()) return;
  std::string list;
  for (const std::string& job : *jobs) list += (list.empty() ? "" : ", ") + job;
  const std::string name = slurm_job_name(slurm);
  throw UserError(
      {"--slurm", 0, 0},
      fmt::format("jobs of an earlier start still work on {}: {}. Wait for them (squeue "
                  "--name={}), or end them (scancel --name={}), then start again; "
                  "nothing was submitted",
                  slurm.folder.string(), list, name, name));
}

std::string submitted_text(const SlurmRequest& slurm, const SlurmJobs& jobs,
                           const ExecutionCounts& counts) {
  return fmt::format(
      "{} of {} points are missing; job {} computes them in tasks {} (of {} shards), job {} "
      "gathers\n"
      "  watch   squeue --jobs={},{}\n"
      "  logs    {}/slurm/{}_*.log, {}_gather.log; scripts beside them\n"
      "  end     scancel {} {}\n"
      "Then {}/index.csv and index.sqlite are there; what is still missing the same command "
      "submits "
      "again\n",
      counts.left(), counts.points, jobs.array, jobs.tasks, slurm.shards, jobs.gather, jobs.array,
      jobs.gather, slurm.folder.string(), jobs.array, jobs.gather, jobs.array, jobs.gather,
      slurm.folder.string());
}

int submit(const OpenSweep& sweep, const Request& request) {
  const std::vector<std::size_t> unfinished = unfinished_points(sweep.keys, sweep.store);
  const ExecutionCounts counts = counts_of(sweep, unfinished.size());
  if (unfinished.empty()) {
    if (sweep.options.json != "-") write_output("-", "nothing is missing, nothing was submitted\n");
    return gather(sweep, counts);
  }
  const SlurmRequest slurm = slurm_request(sweep, request, unfinished);
  require_no_jobs(slurm);
  const SlurmJobs jobs = submit_to_slurm(slurm);
  Json summary = summary_json(sweep, counts, unfinished.size());
  summary["slurm"] = {{"array_job", jobs.array},
                      {"gather_job", jobs.gather},
                      {"tasks", jobs.tasks},
                      {"shards", slurm.shards}};
  write_results(sweep, summary, submitted_text(slurm, jobs, counts));
  return 0;
}

// ---------------------------------------------------------------------------------- command

fs::path folder_of(const Options& options, const Sweep& sweep) {
  return options.out.empty() ? sweep.name + ".sweep" : options.out;
}

// Before hours of work.
void require_outputs(const Options& options, const SweepPoints& points) {
  const fs::path folder = folder_of(options, points.sweep());
  Diagnostics diagnostics;
  require_apart_from(folder, "--json", options.json, diagnostics);
  require_apart_from(folder, "--html", options.html, diagnostics);
  if (!options.html.empty() && points.points().size() > kMostReportPoints) {
    diagnostics.add({"--html", 0, 0},
                    fmt::format("a page takes at most {} points, this sweep has {}: leave it out, "
                                "index.csv and index.sqlite have all",
                                kMostReportPoints, points.points().size()));
  }
  diagnostics.throw_if_any();
}

int run_command(const Options& options) {
  const Request request = request_of(options);
  if (options.is_slurm) require_sbatch("--slurm");
  const SweepPoints points(load_sweep(options.file));
  require_outputs(options, points);
  const ResultStore store(folder_of(options, points.sweep()));
  const std::vector<std::string> keys = points.keys();
  const OpenSweep sweep{options, points, store, keys};
  require_expected(sweep);
  if (options.is_slurm) return submit(sweep, request);
  if (options.is_gathering) {
    return gather(sweep, counts_of(sweep, unfinished_points(keys, store).size()));
  }
  const unsigned jobs = request.jobs.value_or(processors());
  if (request.shard) return run_shard(sweep, *request.shard, jobs);
  return gather(sweep, compute(sweep, points_of(Shard{1, 1}, keys), jobs));
}

}  // namespace

Action add_sweep(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "sweep", "many configurations and workloads; the same command again resumes");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command->add_option("sweep", o.file, "sweep file (configs/sweeps)")->required();
  command->add_option("--jobs", o.jobs,
                      "worker processes; by default one per core; with --slurm cores of a task, by "
                      "default 1");
  command->add_option("--out", o.out, "folder of results; by default NAME.sweep");
  command->add_option("--json", o.json, "write a summary as JSON; - is standard output");
  command->add_option("--html", o.html, "the points as one page, as `report` makes it");
  command->add_option("--shard", o.shard,
                      "I/N: only the points of shard I of N, and no index: for schedulers");
  command->add_flag("--gather", o.is_gathering,
                    "make the index of what is there, compute nothing; 2 when points are missing");
  command->add_option("--expect", o.expected,
                      "refuse unless program and points have these hashes; scripts of --slurm do");
  command->add_flag("--slurm", o.is_slurm,
                    "submit what is missing as a SLURM job array, and a job that gathers");
  command->add_option(
      "--shards", o.shards,
      fmt::format("with --slurm: tasks of the array; by default {}", kDefaultShards));
  command
      ->add_option("--sbatch-option", o.sbatch_options,
                   "with --slurm, repeated: passed on, such as --sbatch-option=--partition=long")
      ->allow_extra_args(false);
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
