#include <algorithm>
#include <array>

#include "app/commands.h"
#include "app/options.h"
#include "app/phase_options.h"
#include "app/pipeline.h"
#include "report/run_report.h"

namespace bitsmith::app {
namespace {

struct Options {
  RunRequest request;
  PhaseText phase;
  std::string engine = "tile";
  std::string array = "model";
  std::string json;
  std::string out;
};

// The words of the command line's contract; what is not built yet is refused, not guessed.
void require_built(const Options& options) {
  constexpr std::array<std::string_view, 3> kEngines = {"tile", "cycle", "roofline"};
  constexpr std::array<std::string_view, 2> kArrays = {"model", "rtl"};
  Diagnostics diagnostics;
  const auto judge = [&](const char* option, const std::string& word, auto allowed,
                         std::string_view what) {
    if (word == allowed[0]) return;
    const bool known = std::find(allowed.begin(), allowed.end(), word) != allowed.end();
    diagnostics.add({option, 0, 0},
                    known ? fmt::format("'{}' needs the accelerator's memory system, which this "
                                        "version does not have yet; use '{}'",
                                        word, allowed[0])
                          : unknown_word(what, word, allowed));
  };
  judge("--engine", options.engine, kEngines, "engine");
  judge("--array", options.array, kArrays, "array");
  diagnostics.throw_if_any();
}

void require_one_workload(const RunRequest& request) {
  int workloads = 0;
  for (const std::string* one :
       {&request.model, &request.gemm, &request.scale_sim_topology, &request.trace}) {
    workloads += one->empty() ? 0 : 1;
  }
  if (workloads != 1) {
    throw UserError(
        "give one workload: --workload MODEL.yaml, --gemm MxNxK, --scale-sim TOPOLOGY.csv or "
        "--trace FILE");
  }
  if (request.accelerator.empty() && request.scale_sim_config.empty()) {
    throw UserError(request.scale_sim_topology.empty()
                        ? "accelerator is required: an accelerator's file"
                        : "without an accelerator, --cfg FILE.cfg must give the array");
  }
}

int run_command(Options& options) {
  require_built(options);
  require_one_workload(options.request);
  Diagnostics diagnostics;
  const std::vector<std::string> inputs = {options.request.accelerator, options.request.model,
                                           options.request.scale_sim_topology,
                                           options.request.scale_sim_config, options.request.trace};
  const std::string out_file = options.out.empty() ? "" : options.out + "/run.json";
  require_output("--json", options.json, inputs, diagnostics);
  require_output("--out", out_file, inputs, diagnostics);
  options.request.phase = read_phase(options.phase, diagnostics);
  diagnostics.throw_if_any();
  const RunAnswer answer = run(options.request);
  for (const std::string& warning : answer.warnings) print_message(warning);
  const RunReportInput report{answer.accelerator, answer.workload, answer.result, options.engine,
                              options.array};
  const std::string json = json_text(run_json(report));
  if (!out_file.empty()) write_output(out_file, json);
  if (!options.json.empty()) write_output(options.json, json);
  if (options.json != "-") write_output("-", run_table(report));
  return 0;
}

}  // namespace

Action add_run(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("run", "cycles, utilisation and action counts of a workload");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command->add_option("accelerator", o.request.accelerator,
                      "accelerator file; with --cfg it may be left out");
  command->add_option("--workload", o.request.model, "model file (workloads/models)");
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
  command->add_option("--engine", o.engine, "tile")->capture_default_str();
  command->add_option("--array", o.array, "model")->capture_default_str();
  command->add_option("--set", o.request.overrides, "path=value: override a configured value")
      ->allow_extra_args(false);
  command->add_option("--json", o.json, "write the result as JSON; - is standard output");
  command->add_option("--out", o.out, "folder for run.json");
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
