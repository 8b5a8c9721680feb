#include <algorithm>
#include <array>
#include <filesystem>
#include <span>

#include "app/commands.h"
#include "app/options.h"
#include "app/phase_options.h"
#include "app/pipeline.h"
#include "report/run_report.h"
#include "report/timeline_report.h"

namespace bitsmith::app {
namespace {

struct Options {
  RunRequest request;
  PhaseText phase;
  std::string engine = "tile";
  std::string array = "model";
  std::string seed = "1";
  std::string timeline;
  std::string wave;
  std::string json;
  std::string out;
  bool explain = false;
};

// Of an operator; the about twenty of a model are what Perfetto shows without effort.
constexpr std::uint64_t kTimelineEvents = 20000;

// The engine, the array and the options that only some of them have.
void read_engine(const Options& options, RunRequest& request, Diagnostics& diagnostics) {
  constexpr std::array<std::string_view, 3> kEngines = {"tile", "cycle", "roofline"};
  constexpr std::array<std::string_view, 2> kArrays = {"model", "rtl"};
  const auto index = [&](const char* option, std::string_view what, const std::string& word,
                         std::span<const std::string_view> allowed) {
    const auto found = std::find(allowed.begin(), allowed.end(), word);
    if (found == allowed.end()) {
      diagnostics.add({option, 0, 0}, unknown_word(what, word, allowed));
      return std::size_t{0};
    }
    return static_cast<std::size_t>(found - allowed.begin());
  };
  request.engine = static_cast<Engine>(index("--engine", "engine", options.engine, kEngines));
  request.cycle.array = static_cast<ArrayKind>(index("--array", "array", options.array, kArrays));
  request.cycle.wave = options.wave;
  request.seed = integer_option("--seed", options.seed, {0, INT64_MAX}, diagnostics);
  if (!options.timeline.empty()) request.timeline_events = kTimelineEvents;
  const auto needs_cycle = [&](const char* option) {
    diagnostics.add({option, 0, 0}, "needs --engine cycle: other engines have no signals");
  };
  if (request.engine == Engine::cycle) return;
  if (request.cycle.array == ArrayKind::rtl) needs_cycle("--array rtl");
  if (!options.wave.empty()) needs_cycle("--wave");
  if (request.engine == Engine::roofline && !options.timeline.empty()) {
    diagnostics.add({"--timeline", 0, 0}, "a roofline has no events; use --engine tile or cycle");
  }
}

void require_one_workload(const RunRequest& request) {
  int workloads = 0;
  for (const std::string* one :
       {&request.model, &request.gemm, &request.scale_sim_topology, &request.trace}) {
    workloads += one->empty() ? 0 : 1;
  }
  if (workloads != 1) {
    throw UserError(
        "give one workload: --workload MODEL, --gemm MxNxK, --scale-sim TOPOLOGY.csv or "
        "--trace FILE");
  }
  if (request.accelerator.empty() && request.scale_sim_config.empty()) {
    throw UserError(request.scale_sim_topology.empty()
                        ? "accelerator is required: an accelerator's file"
                        : "without an accelerator, --cfg FILE.cfg must give the array");
  }
}

// Every file is written once, and only JSON goes to standard output.
void require_outputs(const std::vector<std::pair<std::string, std::string>>& outputs,
                     const std::vector<std::string>& inputs, Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto& [option, file] = outputs[i];
    require_output(option, file, inputs, diagnostics);
    if (file == "-" && option != "--json") {
      diagnostics.add({option + " -", 0, 0},
                      "a file is needed; only --json goes to standard output");
    }
    for (std::size_t j = 0; j < i; ++j) {
      std::error_code ignored;
      const bool same = file == outputs[j].second ||
                        std::filesystem::equivalent(file, outputs[j].second, ignored);
      if (!file.empty() && same) {
        diagnostics.add({option + " " + file, 0, 0},
                        "is the file of " + outputs[j].first + ", too");
      }
    }
  }
}

void write_timeline_file(const std::string& file, const RunAnswer& answer) {
  const MemoryTimes times = memory_times(*answer.accelerator.design, *answer.accelerator.memory,
                                         answer.accelerator.params.clock_ghz);
  write_timeline(file, {answer.accelerator.name, answer.workload.name, answer.timeline, answer.plan,
                        answer.result, times.period_ps});
}

int run_command(Options& options) {
  require_one_workload(options.request);
  Diagnostics diagnostics;
  read_engine(options, options.request, diagnostics);
  std::vector<std::string> inputs = files_of_model(options.request.model);
  inputs.insert(inputs.end(), {options.request.accelerator, options.request.scale_sim_topology,
                               options.request.scale_sim_config, options.request.trace});
  const std::string out_file = options.out.empty() ? "" : options.out + "/run.json";
  require_outputs({{"--json", options.json},
                   {"--out", out_file},
                   {"--timeline", options.timeline},
                   {"--wave", options.wave}},
                  inputs, diagnostics);
  options.request.phase = read_phase(options.phase, diagnostics);
  diagnostics.throw_if_any();
  const RunAnswer answer = run(options.request);
  for (const std::string& warning : answer.warnings) print_message(warning);
  const RunReportInput report{answer.accelerator, answer.workload, answer.result,  options.engine,
                              options.array,      answer.cost,     options.explain};
  if (!options.timeline.empty()) write_timeline_file(options.timeline, answer);
  const std::string json = json_text(run_json(report));
  if (!out_file.empty()) write_output(out_file, json);
  if (!options.json.empty()) write_output(options.json, json);
  if (options.json != "-") write_output("-", run_table(report));
  return answer.result.checked && answer.result.checked->mismatches > 0 ? 1 : 0;
}

}  // namespace

Action add_run(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("run", "cycles, utilisation and action counts of a workload");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command->add_option("accelerator", o.request.accelerator,
                      "accelerator file; with --cfg it may be left out");
  command->add_option("--workload", o.request.model,
                      "model file (workloads/models), config.json or its folder, or *.gguf");
  CLI::Option* gemm = command->add_option("--gemm", o.request.gemm, "one GEMM, MxNxK");
  CLI::Option* scale_sim = command->add_option("--scale-sim", o.request.scale_sim_topology,
                                               "topology file of SCALE-Sim");
  command
      ->add_option("--cfg", o.request.scale_sim_config,
                   "configuration of SCALE-Sim: rows, columns and dataflow of the array")
      ->needs(scale_sim);
  CLI::Option* trace = command->add_option("--trace", o.request.trace, "file of `bitsmith trace`");
  for (CLI::Option* option : add_phase_options(*command, o.phase)) {
    for (CLI::Option* other : {gemm, scale_sim, trace}) other->excludes(option);
  }
  command
      ->add_option("--engine", o.engine,
                   "tile: exact and fast; cycle: SystemC, with data; roofline: the optimist")
      ->capture_default_str();
  command->add_option("--array", o.array, "engine cycle: model, or rtl (Verilated, checked)")
      ->capture_default_str();
  command->add_option("--seed", o.seed, "engine cycle: of random operands")->capture_default_str();
  command->add_option("--timeline", o.timeline, "write when what was busy, for Perfetto (JSON)");
  command->add_option("--wave", o.wave, "engine cycle: write the accelerator's signals (FST)");
  command->add_option("--set", o.request.overrides, "path=value: override a configured value")
      ->allow_extra_args(false);
  command->add_option("--tech", o.request.technology,
                      "technology of the array: one of configs/tech, or a file (with a slash)");
  command->add_flag("--allow-estimate", o.request.allow_estimate,
                    "estimate modules of the array that the technology has no record of");
  command->add_flag("--explain", o.explain, "where every figure of the array comes from");
  command->add_option("--json", o.json, "write the result as JSON; - is standard output");
  command->add_option("--out", o.out, "folder for run.json");
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
