#include "inference/perplexity.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/calibrate.h"
#include "app/commands.h"
#include "app/options.h"
#include "common/parallel.h"
#include "common/table.h"
#include "inference/activation_statistics.h"
#include "inference/design_arithmetic.h"
#include "pe/registry.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::string text;
  std::string tokens;
  std::vector<std::string> quantizations;
  std::vector<std::string> designs;
  std::vector<std::string> overrides;
  std::string window;
  std::string limit;
  std::string calibration;
  std::string json;
  bool statistics = false;
};

// What is predicted, and in which pieces.
struct Text {
  std::vector<std::uint32_t> tokens;
  bool are_bytes = false;
  std::size_t window = 0;
  std::vector<Window> windows;
};

constexpr std::uint64_t kUsualWindow = 256;

std::size_t window_of(const Options& options, const Llama& model) {
  require_prediction(model);
  const std::uint64_t longest = model.longest_window();
  if (options.window.empty()) {
    return longest == 0 ? kUsualWindow : std::min(kUsualWindow, longest);
  }
  constexpr std::int64_t kLongest = 1 << 20;
  Diagnostics diagnostics;
  const std::uint64_t window = integer_option(
      "--window", options.window, {2, longest == 0 ? kLongest : static_cast<std::int64_t>(longest)},
      diagnostics);
  diagnostics.throw_if_any();
  return window;
}

Text read_text(const Options& options, std::uint64_t limit, const Llama& model) {
  Text text;
  text.are_bytes = !options.text.empty();
  if (text.are_bytes) require_byte_vocabulary(model);
  text.tokens =
      text.are_bytes ? read_bytes(options.text, limit) : read_tokens(options.tokens, limit);
  text.window = window_of(options, model);
  text.windows = cut_windows(text.tokens.size(), text.window);
  model.require_memory_of(text.windows, processors());
  return text;
}

// One line on a terminal, which the next one overwrites.
class Progress {
 public:
  explicit Progress(std::string what) : what_(std::move(what)) {}
  ~Progress() {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::size_t layer, std::size_t layers) {
    if (::isatty(STDERR_FILENO) == 0) return;
    shown_ = true;
    fmt::print(stderr, "\r\x1b[K{}: layer {} of {}", what_, layer, layers);
  }

 private:
  std::string what_;
  bool shown_ = false;
};

struct Row {
  std::string quantization = "fp32";
  std::string design;  // file, or none
  PredictionLoss loss;
  std::map<std::string, std::string> coverage;  // DesignArithmetic
  std::vector<std::string> not_quantized;       // classes of operators
};

// The KV caches that a prefill at once attends to before they are quantized.
std::vector<std::string> stored_only(const QuantizationConfig& config) {
  std::vector<std::string> classes;
  for (const OperatorClass one : {OperatorClass::attention_qk, OperatorClass::attention_pv}) {
    if (config.of(one).weight.stored_only) classes.emplace_back(word_of(one));
  }
  return classes;
}

// Of the operators' names, how many the design computes.
std::string coverage_text(const Row& row) {
  if (row.design.empty()) return "-";
  const auto computed =
      std::ranges::count_if(row.coverage, [](const auto& entry) { return entry.second.empty(); });
  return fmt::format("{} of {}", computed, row.coverage.size());
}

Row measure(Row row, const Llama& model, const Text& text, const Arithmetic& arithmetic,
            unsigned threads = processors()) {
  Progress progress(row.design.empty() ? row.quantization : row.quantization + ", " + row.design);
  const std::size_t layers = model.shape().num_hidden_layers;
  row.loss = predict(model, text.tokens, text.windows, arithmetic, threads,
                     [&](std::size_t layer) { progress.show(layer, layers); });
  return row;
}

struct NamedDesign {
  std::string file;
  std::unique_ptr<const Design> design;
};

std::vector<Row> measure_all(const ImportedModel& imported, const Llama& model, const Text& text,
                             const std::vector<QuantizationConfig>& quantizations,
                             const Calibration* calibration,
                             const std::vector<NamedDesign>& designs,
                             const std::optional<MeasuringArithmetic>& measuring) {
  std::vector<Row> rows = {measuring ? measure({}, model, text, *measuring, 1)
                                     : measure({}, model, text, FloatArithmetic())};
  for (const QuantizationConfig& quantization : quantizations) {
    Row row;
    row.quantization = quantization.name;
    row.not_quantized = stored_only(quantization);
    const CalibratedModel calibrated(imported, quantization, calibration, processors());
    rows.push_back(measure(row, calibrated.llama(), text,
                           QuantizedArithmetic(quantization, calibrated.splits())));
    for (const NamedDesign& named : designs) {
      row.design = named.file;
      const DesignArithmetic arithmetic(quantization, *named.design, calibrated.splits());
      rows.push_back(measure(row, calibrated.llama(), text, arithmetic));
      rows.back().coverage = arithmetic.coverage();
    }
  }
  return rows;
}

// What is not quantized; what the designs do not compute, and why, operators of the same reason
// together.
std::string notes_text(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) {
    if (!row.not_quantized.empty() && row.design.empty()) {
      text += fmt::format("\n{}: {}: stored_only, in fp16 here", row.quantization,
                          fmt::join(row.not_quantized, ", "));
    }
    std::map<std::string, std::vector<std::string>> by_reason;
    for (const auto& [name, reason] : row.coverage) {
      if (!reason.empty()) by_reason[reason].push_back(name);
    }
    for (const auto& [reason, names] : by_reason) {
      text += fmt::format("\n{} on {}: dequantized, in FP32: {}: {}", row.quantization, row.design,
                          fmt::join(names, ", "), reason);
    }
  }
  return text.empty() ? text : text + "\n";
}

std::string statistics_text(const std::vector<ActivationStatistics>& statistics) {
  if (statistics.empty()) return "";
  TextTable table({"activations of", "excess kurtosis", "largest / RMS"});
  for (const ActivationStatistics& one : statistics) {
    table.add_row({one.name, fmt::format("{:.2f}", one.excess_kurtosis()),
                   fmt::format("{:.2f}", one.largest_over_rms())});
  }
  return "\n" + table.text();
}

std::string table_text(const Llama& model, const Text& text, const std::vector<Row>& rows) {
  std::vector<std::string> header = {"quantization", "design", "operators by the design",
                                     "perplexity", "minus FP32's"};
  if (text.are_bytes) header.emplace_back("bits per byte");
  TextTable table(header);
  const double fp32 = rows.front().loss.perplexity();
  for (const Row& row : rows) {
    const double perplexity = row.loss.perplexity();
    std::vector<std::string> cells = {row.quantization, row.design.empty() ? "-" : row.design,
                                      coverage_text(row), fmt::format("{:.4f}", perplexity),
                                      fmt::format("{:+.4f}", perplexity - fp32)};
    if (text.are_bytes) cells.push_back(fmt::format("{:.4f}", row.loss.bits_per_byte()));
    table.add_row(cells);
  }
  return fmt::format("{}: {} of {} tokens predicted in {} windows of {}\n\n{}{}",
                     model.shape().model, with_separators(rows.front().loss.predicted),
                     with_separators(text.tokens.size()), with_separators(text.windows.size()),
                     text.window, table.text(), notes_text(rows));
}

Json json_of(const Options& options, const Llama& model, const Text& text,
             const CalibrationResult& calibration, const std::vector<Row>& rows,
             const std::vector<ActivationStatistics>& statistics) {
  Json json = {{"schema", "bitsmith.perplexity/1"},
               {"model", model.shape().model},
               {"file", text.are_bytes ? options.text : options.tokens},
               {"bytes", text.are_bytes},
               {"tokens", text.tokens.size()},
               {"window", text.window},
               {"windows", text.windows.size()},
               {"predicted", rows.front().loss.predicted},
               {"calibration", nullptr}};
  if (calibration.calibration) {
    json["calibration"] = {{"file", calibration.file}, {"tokens", calibration.tokens}};
  }
  const double fp32 = rows.front().loss.perplexity();
  for (const Row& row : rows) {
    Json result = {{"quantization", row.quantization},
                   {"design", row.design.empty() ? Json(nullptr) : Json(row.design)},
                   {"perplexity", row.loss.perplexity()},
                   {"difference", row.loss.perplexity() - fp32}};
    if (text.are_bytes) result["bits_per_byte"] = row.loss.bits_per_byte();
    if (!row.not_quantized.empty()) result["stored_only"] = row.not_quantized;
    for (const auto& [name, reason] : row.coverage) {
      result["gemms"].push_back({{"operator", name},
                                 {"by_design", reason.empty()},
                                 {"why_not", reason.empty() ? Json(nullptr) : Json(reason)}});
    }
    json["results"].push_back(result);
  }
  for (const ActivationStatistics& one : statistics) {
    json["activations"].push_back({{"operator", one.name},
                                   {"count", one.count},
                                   {"excess_kurtosis", one.excess_kurtosis()},
                                   {"largest_over_rms", one.largest_over_rms()}});
  }
  return json;
}

int run_command(const Options& options) {
  Diagnostics diagnostics;
  if (options.text.empty() == options.tokens.empty()) {
    diagnostics.add({"perplexity", 0, 0}, "give either --text FILE or --tokens FILE");
  }
  if (!options.designs.empty() && options.quantizations.empty()) {
    diagnostics.add({"--design", 0, 0}, "a design computes with quantized operands: add --quant");
  }
  if (!options.overrides.empty() && options.designs.empty()) {
    diagnostics.add({"--set", 0, 0}, "a parameter of designs: add --design");
  }
  constexpr IntegerRange kLimits{2, INT64_MAX};
  const std::uint64_t limit = options.limit.empty()
                                  ? UINT64_MAX
                                  : integer_option("--limit", options.limit, kLimits, diagnostics);
  std::vector<std::string> inputs = files_of_model(options.model);
  inputs.insert(inputs.end(), {options.text, options.tokens});
  inputs.insert(inputs.end(), options.quantizations.begin(), options.quantizations.end());
  inputs.insert(inputs.end(), options.designs.begin(), options.designs.end());
  inputs.push_back(options.calibration);
  require_output("--json", options.json, inputs, diagnostics);
  diagnostics.throw_if_any();

  std::vector<QuantizationConfig> quantizations;
  for (const std::string& file : options.quantizations) {
    quantizations.push_back(load_quantization(file));
  }
  const std::vector<Override> overrides = override_options(options.overrides);
  std::vector<NamedDesign> designs;
  for (const std::string& file : options.designs) {
    designs.push_back({file, load_design(file, overrides)});
  }
  const ImportedModel imported = import_model(options.model);
  const Llama model(imported);
  const Text text = read_text(options, limit, model);
  const CalibrationResult calibration = calibrate(
      {options.calibration, text.are_bytes, text.window, text.tokens}, model, quantizations);
  std::optional<MeasuringArithmetic> measuring;
  if (options.statistics) measuring.emplace();
  const std::vector<Row> rows = measure_all(imported, model, text, quantizations,
                                            calibration.calibration.get(), designs, measuring);
  const std::vector<ActivationStatistics> statistics =
      measuring ? measuring->statistics() : std::vector<ActivationStatistics>();
  if (!options.json.empty())
    write_output(options.json,
                 json_text(json_of(options, model, text, calibration, rows, statistics)));
  if (options.json != "-") {
    write_output("-", table_text(model, text, rows) + statistics_text(statistics));
  }
  return 0;
}

}  // namespace

Action add_perplexity(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "perplexity", "how well a model predicts a text, in FP32, quantized and on an array");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command->add_option("model", o.model, "folder with config.json and safetensors, or *.gguf")
      ->required();
  command->add_option("--text", o.text, "file whose bytes are the tokens of a model over bytes");
  command->add_option("--tokens", o.tokens, "file of tokens: numbers between white space");
  command->add_option("--quant", o.quantizations, "quantization files (configs/quant)");
  command->add_option("--design", o.designs,
                      "design files: every quantization on every design, too");
  command->add_option("--set", o.overrides, "path=value: override a parameter of the designs")
      ->allow_extra_args(false);
  command->add_option("--window", o.window,
                      "tokens that see each other; by default 256, or as many as the model takes");
  command->add_option("--limit", o.limit, "only the file's first tokens, so many");
  add_calibrate_option(*command, o.calibration);
  command->add_flag("--statistics", o.statistics,
                    "also the spread of every operator's activations in FP32");
  command->add_option("--json", o.json, "write the result as JSON; - is standard output");
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
