#include "workload/trace.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/commands.h"
#include "app/options.h"
#include "app/phase_options.h"
#include "common/table.h"
#include "workload/imported_model.h"

namespace bitsmith::app {
namespace {

struct Options {
  std::string model;
  std::string quantization;
  PhaseText phase;
  std::string seed = "1";
  std::string out;
};

std::string table_text(const TraceRequest& request, const std::vector<TracedOperand>& operands) {
  TextTable table({"operator", "operand", "rows x k", "format", "mean square error", "SQNR dB"});
  for (const TracedOperand& operand : operands) {
    const QuantizationError& error = operand.statistics.error;
    table.add_row({operand.operator_name, std::string(word_of(operand.role)),
                   fmt::format("{}x{}", operand.rows, operand.k), operand.format,
                   fmt::format("{:.3g}", error.mse()), fmt::format("{:.2f}", error.sqnr_db())});
  }
  const bool all_synthetic = std::ranges::all_of(operands, &TracedOperand::is_synthetic);
  return fmt::format("{} in {}, {}synthetic operands of seed {}\n\n{}", request.model.model,
                     request.quantization.name,
                     all_synthetic ? "" : "weights of its first layer and ", request.seed,
                     table.text());
}

int run_command(const Options& options) {
  Diagnostics diagnostics;
  TraceRequest request;
  request.phase = read_phase(options.phase, diagnostics);
  request.seed = integer_option("--seed", options.seed, {0, std::int64_t{1} << 62}, diagnostics);
  std::vector<std::string> inputs = files_of_model(options.model);
  inputs.push_back(options.quantization);
  require_output("--output", options.out, inputs, diagnostics);
  if (options.out == "-") diagnostics.add({"--output", 0, 0}, "a trace needs a file");
  diagnostics.throw_if_any();
  std::vector<std::string> mistakes;  // of both inputs
  const auto read = [&mistakes](const auto& load) {
    try {
      load();
    } catch (const UserError& error) {
      mistakes.insert(mistakes.end(), error.messages().begin(), error.messages().end());
    }
  };
  std::optional<ImportedModel> imported;
  read([&] {
    if (is_importable(options.model)) {
      imported = import_model(options.model);
      request.model = imported->transformer;
      request.imported = &*imported;
    } else {
      request.model = load_model(options.model);
    }
  });
  read([&] { request.quantization = load_quantization(options.quantization); });
  if (!mistakes.empty()) throw UserError(mistakes);
  write_output("-", table_text(request, write_trace(request, options.out)));
  return 0;
}

}  // namespace

Action add_trace(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "trace", "operators of a model's pass with quantized operands, as one safetensors file");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command
      ->add_option("model", o.model,
                   "model file (workloads/models), config.json or its folder, or *.gguf")
      ->required();
  command->add_option("--quant", o.quantization, "quantization file (configs/quant)")->required();
  add_phase_options(*command, o.phase);
  command->add_option("--seed", o.seed, "seed of the operands")->capture_default_str();
  command->add_option("-o,--output", o.out, "file to write")->required();
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
