#include <algorithm>
#include <filesystem>
#include <memory>

#include "app/accuracy.h"
#include "app/commands.h"
#include "app/options.h"
#include "app/phase_options.h"
#include "app/pipeline.h"
#include "app/sweep_output.h"
#include "pe/registry.h"
#include "report/comparison.h"
#include "report/html_report.h"
#include "report/point_record.h"
#include "sweep/array_size.h"

namespace bitsmith::app {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> accelerators;
  RunRequest request;  // the workload and the overrides
  PhaseText phase;
  std::string engine = "tile";
  std::string baseline = "1";
  std::string iso;
  std::string area;
  bool accuracy = false;
  std::string accuracy_tokens;
  std::string json;
  std::string html;
};

struct Entry {
  std::string name;  // tells it apart from the others
  std::string file;
  Accelerator accelerator;
};

// ---------------------------------------------------------------------------------- options

void read_engine(const Options& options, RunRequest& request, Diagnostics& diagnostics) {
  constexpr std::array<std::string_view, 2> kEngines = {"tile", "roofline"};
  if (options.engine == kEngines[1]) {
    request.engine = Engine::roofline;
  } else if (options.engine != kEngines[0]) {
    diagnostics.add({"--engine", 0, 0}, unknown_word("engine", options.engine, kEngines));
  }
}

// Kind and, of --area, the size.
std::optional<IsoSize> read_iso(const Options& options, Diagnostics& diagnostics) {
  constexpr std::array<std::string_view, 2> kKinds = {"pes", "area"};
  constexpr NumberRange kAreas{1, 1e12};
  IsoSize iso;
  if (!options.area.empty()) {
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.where = {"--area", 0, 0};
    node.scalar = options.area;
    iso.wanted = read_number(node, "um2", kAreas, diagnostics).value_or(0);
    if (options.iso != kKinds[1]) diagnostics.add({"--area", 0, 0}, "needs --iso area");
  }
  if (options.iso.empty()) return std::nullopt;
  if (std::find(kKinds.begin(), kKinds.end(), options.iso) == kKinds.end()) {
    diagnostics.add({"--iso", 0, 0}, unknown_word("size", options.iso, kKinds));
  }
  iso.kind = options.iso == kKinds[0] ? IsoSize::Kind::pes : IsoSize::Kind::area;
  return iso;
}

void require_workload(const RunRequest& request) {
  int workloads = 0;
  for (const std::string* one :
       {&request.model, &request.gemm, &request.scale_sim_topology, &request.trace}) {
    workloads += one->empty() ? 0 : 1;
  }
  if (workloads == 1) return;
  throw UserError(
      "give one workload: --workload MODEL, --gemm MxNxK, --scale-sim TOPOLOGY.csv or --trace "
      "FILE");
}

// Two files of one name go by their paths.
std::vector<std::string> names_of(const std::vector<std::string>& files) {
  std::vector<std::string> mistakes, names;
  if (files.size() < 2) {
    throw UserError("compare takes at least two accelerators; one alone is for `bitsmith run`");
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string stem = fs::path(files[i]).stem().string();
    bool is_alone = true;
    for (std::size_t j = 0; j < files.size(); ++j) {
      if (i == j) continue;
      std::error_code ignored;
      if (files[i] == files[j] || fs::equivalent(files[i], files[j], ignored)) {
        if (j < i) mistakes.push_back(fmt::format("{}: this accelerator is given twice", files[i]));
      }
      is_alone = is_alone && fs::path(files[j]).stem() != stem;
    }
    names.push_back(is_alone ? stem : files[i]);
  }
  if (!mistakes.empty()) throw UserError(mistakes);
  return names;
}

// A name, a file as it was given, or a position from 1 on.
std::size_t baseline_of(const Options& options, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (options.baseline == names[i] || options.baseline == options.accelerators[i]) return i;
  }
  const auto number = parse_integer(options.baseline);
  if (number && *number >= 1 && std::cmp_less_equal(*number, names.size())) {
    return static_cast<std::size_t>(*number) - 1;
  }
  std::vector<std::string_view> known(names.begin(), names.end());
  throw UserError(fmt::format("--baseline: {}, or its number, 1 to {}",
                              unknown_word("accelerator", options.baseline, known), names.size()));
}

// ---------------------------------------------------------------------------------- sizes

// Of its array, as the design's parameters call them.
std::string sizes_text(const Design& design) {
  std::string text;
  const nlohmann::ordered_json resolved = design.resolved();
  for (const ParameterInfo& parameter : describe_design(design.id()).parameters) {
    if (!parameter.array_size) continue;
    text += fmt::format("{}{}", text.empty() ? "" : "x", resolved.at(parameter.name).dump());
  }
  return text.empty() ? "-" : text;
}

double known_area(const Accelerator& accelerator) {
  const RunCost cost = cost_without_run(accelerator);
  if (const auto area = array_and_buffers_um2(cost.area_um2)) return *area;
  throw UserError(fmt::format(
      "--iso area: accelerator {}: the area of its array and buffers is unknown: {}; give it what "
      "is missing, or compare with --iso pes",
      accelerator.name, fmt::join(missing_area(accelerator, cost), "; ")));
}

// Resizes all arrays; sets what is wanted where that is the baseline's.
void resize(std::vector<Entry>& entries, std::size_t baseline, IsoSize& iso,
            AcceleratorFiles& files, const std::vector<Override>& overrides) {
  const Accelerator& base = entries[baseline].accelerator;
  const bool is_pes = iso.kind == IsoSize::Kind::pes;
  if (is_pes) iso.wanted = static_cast<double>(base.design->pe_count());
  if (!is_pes) {
    for (const Entry& entry : entries) known_area(entry.accelerator);
    if (iso.wanted == 0) iso.wanted = known_area(base);
  }
  const std::uint64_t pes = base.design->pe_count();
  std::vector<std::string> mistakes;
  for (Entry& entry : entries) {
    const ArraySizes sizes([&](const std::vector<Override>& of_size) {
      std::vector<Override> all = overrides;
      all.insert(all.end(), of_size.begin(), of_size.end());
      return files.load(entry.file, all);
    });
    try {
      entry.accelerator = is_pes ? sizes.with_pes(pes)
                                 : sizes.within_area(iso.wanted, [](const Accelerator& sized) {
                                     return array_and_buffers_um2(cost_without_run(sized).area_um2);
                                   });
    } catch (const UserError& error) {
      mistakes.insert(mistakes.end(), error.messages().begin(), error.messages().end());
    }
  }
  if (!mistakes.empty()) throw UserError(mistakes);
}

// ---------------------------------------------------------------------------------- the command

std::vector<Entry> load_all(const std::vector<std::string>& accelerators,
                            const std::vector<std::string>& names,
                            const std::vector<Override>& overrides, AcceleratorFiles& files) {
  std::vector<Entry> entries;
  std::vector<std::string> mistakes;
  for (std::size_t i = 0; i < accelerators.size(); ++i) {
    try {
      entries.push_back({names[i], accelerators[i], files.load(accelerators[i], overrides)});
    } catch (const UserError& error) {
      for (const std::string& message : error.messages()) {
        // A mistake of --set, for example, does not say whose it is.
        const bool says_file = message.starts_with(accelerators[i]);
        mistakes.push_back(says_file ? message : accelerators[i] + ": " + message);
      }
    }
  }
  if (!mistakes.empty()) throw UserError(mistakes);
  return entries;
}

// Adds a point for the page of --html.
Compared compute(const Options& options, Entry& entry, const Workload& workload,
                 std::vector<ReportPoint>& points) {
  Compared design;
  RunAnswer answer;
  answer.accelerator = std::move(entry.accelerator);
  answer.workload = workload;
  try {
    simulate(options.request, answer);
    const RunReportInput input{answer.accelerator, answer.workload, answer.result,
                               options.engine,     "model",         answer.cost};
    design = compared_of(input);
    points.push_back({entry.name, {entry.name, workload.name}, point_record(input)});
  } catch (const UserError& error) {
    design.errors = error.messages();
  }
  design.name = entry.name;
  design.file = entry.file;
  design.array = sizes_text(*answer.accelerator.design);
  if (design.errors.empty() && options.accuracy) {
    const std::uint64_t tokens =
        options.accuracy_tokens.empty() ? kAccuracyTokens : std::stoull(options.accuracy_tokens);
    try {
      design.accuracy = accuracy_of(answer.accelerator, tokens);
    } catch (const UserError& error) {
      design.missing.push_back(fmt::format("perplexity: {}", error.what()));
    }
  }
  return design;
}

// Without it there is nothing to compare with.
void require_baseline(const Compared& baseline) {
  if (baseline.errors.empty()) return;
  std::vector<std::string> messages;
  for (const std::string& error : baseline.errors) {
    messages.push_back(
        fmt::format("{}: the baseline cannot run this workload: {}", baseline.file, error));
  }
  messages.emplace_back("choose another baseline with --baseline");
  throw UserError(messages);
}

// Of the page: what it does not show.
std::vector<std::string> notes_of(const Comparison& comparison) {
  std::vector<std::string> notes;
  for (const Compared& design : comparison.designs) {
    for (const std::string& error : design.errors) {
      notes.push_back(fmt::format("{} cannot run this workload: {}", design.name, error));
    }
  }
  if (comparison.iso) {
    notes.push_back(fmt::format(
        "Arrays were resized to {:.6g} {}; figures are those of the arrays as they are.",
        comparison.iso->wanted,
        comparison.iso->kind == IsoSize::Kind::pes ? "PEs" : "um2 of array and buffers"));
  }
  return notes;
}

void require_outputs(const Options& options, Diagnostics& diagnostics) {
  std::vector<std::string> inputs = files_of_model(options.request.model);
  inputs.insert(inputs.end(), options.accelerators.begin(), options.accelerators.end());
  inputs.insert(inputs.end(), {options.request.scale_sim_topology, options.request.trace});
  require_output("--json", options.json, inputs, diagnostics);
  require_output("--html", options.html, inputs, diagnostics);
  if (options.html == "-") {
    diagnostics.add({"--html -", 0, 0}, "a file is needed; only --json goes to standard output");
  } else if (!options.html.empty() && is_same_file(options.html, options.json)) {
    diagnostics.add({"--html " + options.html, 0, 0}, "is the file of --json, too");
  }
}

void write_results(const Options& options, const Comparison& comparison,
                   std::vector<ReportPoint> points) {
  if (!options.json.empty()) write_output(options.json, json_text(comparison_json(comparison)));
  if (!options.html.empty()) {
    write_output(options.html, html_report({"Comparison: " + comparison.workload,
                                            {"accelerator", "workload"},
                                            std::move(points),
                                            notes_of(comparison),
                                            {}}));
  }
  if (options.json != "-") write_output("-", comparison_table(comparison));
}

int run_command(Options& options) {
  require_workload(options.request);
  const std::vector<std::string> names = names_of(options.accelerators);
  Diagnostics diagnostics;
  read_engine(options, options.request, diagnostics);
  Comparison comparison;
  comparison.iso = read_iso(options, diagnostics);
  options.request.phase = read_phase(options.phase, diagnostics);
  if (!options.accuracy_tokens.empty()) {
    if (!options.accuracy) diagnostics.add({"--accuracy-tokens", 0, 0}, "needs --accuracy");
    integer_option("--accuracy-tokens", options.accuracy_tokens, {2, 1 << 20}, diagnostics);
  }
  require_outputs(options, diagnostics);
  diagnostics.throw_if_any();
  comparison.baseline = baseline_of(options, names);

  AcceleratorFiles files;
  const std::vector<Override> overrides = override_options(options.request.overrides);
  std::vector<Entry> entries = load_all(options.accelerators, names, overrides, files);
  std::vector<std::string> warnings;
  const Workload workload = read_workload(options.request, warnings);
  for (const std::string& warning : warnings) print_message(warning);
  if (comparison.iso) {
    resize(entries, comparison.baseline, *comparison.iso, files, overrides);
  }
  comparison.workload = workload.name;
  comparison.engine = options.engine;
  std::vector<ReportPoint> points;
  for (Entry& entry : entries) {
    comparison.designs.push_back(compute(options, entry, workload, points));
  }
  require_baseline(comparison.designs[comparison.baseline]);
  write_results(options, comparison, std::move(points));
  const bool all_ran = std::ranges::all_of(
      comparison.designs, [](const Compared& design) { return design.errors.empty(); });
  return all_ran ? 0 : 2;
}

}  // namespace

Action add_compare(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "compare", "accelerators side by side on one workload, and what makes the difference");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command->add_option("accelerators", o.accelerators, "accelerator files, two or more")->required();
  command->add_option("--workload", o.request.model,
                      "model file (workloads/models), config.json or its folder, or *.gguf");
  CLI::Option* gemm = command->add_option("--gemm", o.request.gemm, "one GEMM, MxNxK");
  CLI::Option* scale_sim = command->add_option("--scale-sim", o.request.scale_sim_topology,
                                               "topology file of SCALE-Sim");
  CLI::Option* trace = command->add_option("--trace", o.request.trace, "file of `bitsmith trace`");
  for (CLI::Option* option : add_phase_options(*command, o.phase)) {
    for (CLI::Option* other : {gemm, scale_sim, trace}) other->excludes(option);
  }
  command
      ->add_option("--baseline", o.baseline, "name or number of the accelerator that ratios are to")
      ->capture_default_str();
  command->add_option("--iso", o.iso,
                      "resize the arrays to the baseline's PEs (pes) or to an area of array and "
                      "buffers (area; the vector unit does not grow with the array)");
  command->add_option("--area", o.area,
                      "um2 of array and buffers for --iso area; by default the baseline's");
  command->add_flag(
      "--accuracy", o.accuracy,
      "also the perplexity of workloads/trained/bytes-llama in each design's formats");
  command->add_option(
      "--accuracy-tokens", o.accuracy_tokens,
      fmt::format("of the text, the first so many; by default {}", kAccuracyTokens));
  command->add_option("--engine", o.engine, "tile: exact and fast; roofline: the optimist")
      ->capture_default_str();
  command
      ->add_option("--set", o.request.overrides,
                   "path=value: override a configured value of all accelerators")
      ->allow_extra_args(false);
  command->add_option("--json", o.json, "write the result as JSON; - is standard output");
  command->add_option("--html", o.html,
                      "write a page of charts and tables, which needs no network");
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
