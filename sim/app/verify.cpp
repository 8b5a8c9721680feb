#include <nlohmann/json.hpp>
#include <optional>

#include "app/commands.h"
#include "app/options.h"
#include "common/table.h"
#include "cosim/lockstep.h"
#include "mapping/trace_operands.h"
#include "pe/registry.h"
#include "workload/trace.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> designs;
  std::vector<std::string> overrides;
  std::string cycles = "100000";
  std::string seed = "1";
  std::string trace;
  std::string wave;
  std::string json;
};

Json result_json(const std::string& file, const LockstepResult& result, std::uint64_t seed) {
  Json json = {{"config", file},
               {"cycles_compared", result.cycles_compared},
               {"ports_compared", result.ports_compared},
               {"values_compared", result.values_compared},
               {"mismatches", result.mismatch ? 1 : 0},
               {"seed", seed}};
  json["first_mismatch"] = nullptr;
  if (result.mismatch) {
    json["first_mismatch"] = {{"cycle", result.mismatch->cycle}, {"what", result.mismatch->what}};
  }
  json["wave"] = result.wave.empty() ? Json(nullptr) : Json(result.wave.string());
  return json;
}

std::string verdict(const LockstepResult& result) {
  if (result.mismatch) return "MISMATCH";
  return result.passed() ? "equal" : "NOTHING COMPARED";
}

// What to tell beside the table about one that did not pass.
void explain(const std::string& file, const LockstepResult& result) {
  if (result.mismatch) {
    fmt::print(stderr, "{}: first mismatch in cycle {}: {} (expected: model, found: RTL){}\n", file,
               result.mismatch->cycle, result.mismatch->what,
               result.wave.empty() ? "" : fmt::format("; waveform: {}", result.wave.string()));
  } else if (!result.passed()) {
    fmt::print(stderr, "{}: no result was compared; ask for more --cycles\n", file);
  }
}

int run_command(const Options& options) {
  LockstepOptions lockstep;
  Diagnostics diagnostics;
  lockstep.cycles =
      integer_option("--cycles", options.cycles, {1, std::int64_t{1} << 40}, diagnostics);
  lockstep.seed = integer_option("--seed", options.seed, {0, std::int64_t{1} << 62}, diagnostics);
  if (!options.wave.empty() && options.designs.size() > 1) {
    diagnostics.add({"--wave", 0, 0}, "a waveform is of one design; name one");
  }
  std::vector<std::string> inputs = options.designs;
  inputs.push_back(options.trace);
  require_output("--json", options.json, inputs, diagnostics);
  require_output("--wave", options.wave, inputs, diagnostics);
  diagnostics.throw_if_any();
  const std::vector<Override> overrides = override_options(options.overrides);
  std::vector<std::unique_ptr<const Design>> designs;
  for (const std::string& file : options.designs) designs.push_back(load_design(file, overrides));

  std::optional<Trace> trace;
  if (!options.trace.empty()) trace.emplace(options.trace);
  // Before the first is built: a design that the trace does not fit is the user's mistake.
  std::vector<std::optional<TraceOperands>> operands(designs.size());
  for (std::size_t i = 0; trace && i < designs.size(); ++i) {
    operands[i].emplace(*trace, *designs[i], true);
  }

  bool all_passed = true;
  Json json = {{"schema", "bitsmith.verify/1"}, {"designs", Json::array()}};
  TextTable table({"design", "cycles", "ports compared", "results compared", "model and RTL"});
  for (std::size_t i = 0; i < designs.size(); ++i) {
    lockstep.operands = operands[i] ? &*operands[i] : nullptr;
    const LockstepResult result =
        verify(*designs[i], std::filesystem::path(options.designs[i]).stem().string(), lockstep,
               options.wave);
    all_passed = all_passed && result.passed();
    json["designs"].push_back(result_json(options.designs[i], result, lockstep.seed));
    table.add_row({options.designs[i], with_separators(result.cycles_compared),
                   with_separators(result.ports_compared), with_separators(result.values_compared),
                   verdict(result)});
    explain(options.designs[i], result);
  }
  if (!options.json.empty()) write_output(options.json, json_text(json));
  if (options.json != "-") write_output("-", table.text());
  return all_passed ? 0 : 1;
}

}  // namespace

Action add_verify(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "verify", "compare the cycle model with the Verilated RTL on every port in every cycle");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command->add_option("designs", o.designs, "design files")->required();
  command->add_option("--cycles", o.cycles, "clock cycles per design")->capture_default_str();
  command->add_option("--seed", o.seed, "seed of the stimulus")->capture_default_str();
  command->add_option("--set", o.overrides, "path=value: override a parameter")
      ->allow_extra_args(false);
  command->add_option(
      "--trace", o.trace,
      "operands of `bitsmith trace` instead of random ones: the GEMMs whose formats "
      "the design holds");
  command->add_option("--wave", o.wave, "write a waveform (FST)");
  command->add_option("--json", o.json, "write the result as JSON; - is standard output");
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
