#include "workload/trace.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/calibrate.h"
#include "app/commands.h"
#include "app/options.h"
#include "app/phase_options.h"
#include "common/parallel.h"
#include "common/table.h"
#include "inference/perplexity.h"
#include "inference/recorded_trace.h"
#include "workload/imported_model.h"

namespace bitsmith::app {
namespace {

struct Options {
  std::string model;
  std::string quantization;
  PhaseText phase;
  std::string seed = "1";
  std::string text;
  std::string calibration;
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
  const auto synthetic = std::ranges::count_if(operands, &TracedOperand::is_synthetic);
  std::string origin = "recorded operands";
  if (synthetic > 0) {
    const bool all = static_cast<std::size_t>(synthetic) == operands.size();
    origin = fmt::format("{}synthetic operands of seed {}",
                         all ? "" : "weights of its first layer and ", request.seed);
  }
  return fmt::format("{} in {}, {}\n\n{}", request.model.model, request.quantization.name, origin,
                     table.text());
}

constexpr std::uint64_t kUsualWindow = 256;  // tokens of a text

void require_recordable(const Options& options, const TraceRequest& request,
                        Diagnostics& diagnostics) {
  if (request.phase.phase != Phase::prefill || request.phase.batch != 1 ||
      request.phase.chunk != 0) {
    diagnostics.add({"--text", 0, 0},
                    "a text is one prefill at once; leave out --phase, --batch and --chunk");
  }
  if (!is_importable(options.model)) {
    diagnostics.add({"--text", 0, 0}, options.model + " has no weights to compute with");
  }
}

std::vector<TracedOperand> record(const Options& options, const TraceRequest& request) {
  const Llama model(*request.imported);
  require_byte_vocabulary(model);
  const std::uint64_t longest = model.longest_window();
  std::uint64_t tokens = request.phase.sequence;
  if (tokens == 0) tokens = longest == 0 ? kUsualWindow : std::min(kUsualWindow, longest);
  if (longest != 0 && tokens > longest) {
    throw UserError(
        fmt::format("--seq {}: {} takes at most {} tokens", tokens, model.shape().model, longest));
  }
  const std::vector<std::uint32_t> bytes = read_bytes(options.text, tokens);
  if (bytes.empty() || (bytes.size() < tokens && request.phase.sequence != 0)) {
    throw UserError(
        fmt::format("{}: has {} bytes, {} are asked for", options.text, bytes.size(), tokens));
  }
  const Window window{0, bytes.size()};
  model.require_memory_of({&window, 1}, 1);
  CalibrationRequest calibration_request;
  calibration_request.file = options.calibration;
  // A window of one token would predict nothing.
  calibration_request.window =
      std::max<std::size_t>(2, longest == 0 ? kUsualWindow : std::min(kUsualWindow, longest));
  calibration_request.measured = bytes;
  const CalibrationResult calibrated_with =
      calibrate(calibration_request, model, {&request.quantization, 1});
  const CalibratedModel calibrated(*request.imported, request.quantization,
                                   calibrated_with.calibration.get(), processors());
  return record_trace(calibrated.llama(), bytes, options.text, request.quantization, options.out,
                      calibrated.splits(), calibrated_with.file);
}

int run_command(const Options& options) {
  Diagnostics diagnostics;
  TraceRequest request;
  request.phase = read_phase(options.phase, diagnostics);
  request.seed = integer_option("--seed", options.seed, {0, std::int64_t{1} << 62}, diagnostics);
  std::vector<std::string> inputs = files_of_model(options.model);
  inputs.push_back(options.quantization);
  inputs.push_back(options.text);
  inputs.push_back(options.calibration);
  require_output("--output", options.out, inputs, diagnostics);
  if (!options.text.empty()) require_recordable(options, request, diagnostics);
  if (options.text.empty() && !options.calibration.empty()) {
    diagnostics.add({"--calibrate", 0, 0}, "only operands of a --text are calibrated");
  }
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
  if (!options.text.empty()) {
    write_output("-", table_text(request, record(options, request)));
    return 0;
  }
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
  command->add_option("--text", o.text,
                      "record the operands of a model over bytes with the first --seq bytes of "
                      "this file (by default 256): every layer and head, all real");
  add_calibrate_option(*command, o.calibration);
  command->add_option("-o,--output", o.out, "file to write")->required();
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
