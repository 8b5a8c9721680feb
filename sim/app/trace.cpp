#include "workload/trace.h"

#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/options.h"
#include "app/phase_options.h"
#include "common/table.h"

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
  return fmt::format("{} in {}, synthetic operands of seed {}\n\n{}", request.model.model,
                     request.quantization.name, request.seed, table.text());
}

int run_command(const Options& options) {
  Diagnostics diagnostics;
  TraceRequest request;
  request.phase = read_phase(options.phase, diagnostics);
  request.seed = integer_option("--seed", options.seed, {0, std::int64_t{1} << 62}, diagnostics);
  require_output("--output", options.out, {options.model, options.quantization}, diagnostics);
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
  read([&] { request.model = load_transformer(options.model); });
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
  command->add_option("model", o.model, "model file (workloads/models)")->required();
  command->add_option("--quant", o.quantization, "quantization file (configs/quant)")->required();
  add_phase_options(*command, o.phase);
  command->add_option("--seed", o.seed, "seed of the operands")->capture_default_str();
  command->add_option("-o,--output", o.out, "file to write")->required();
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
