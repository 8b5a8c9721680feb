#include "app/calibrate.h"

#include <algorithm>

#include "common/error.h"
#include "common/file.h"
#include "inference/perplexity.h"

namespace bitsmith::app {
namespace {

std::vector<std::uint32_t> read_calibration(const CalibrationRequest& request,
                                            const std::string& file,
                                            const std::string& quantization) {
  const std::size_t limit = kCalibrationWindows * request.window;
  if (file.empty()) {
    throw UserError(
        fmt::format("quantization '{}' needs a calibration: give a file of tokens, "
                    "other ones than those of --tokens, with --calibrate",
                    quantization));
  }
  if (!request.are_bytes) return read_tokens(file, limit);
  return read_bytes(file, limit);
}

bool contains(std::span<const std::uint32_t> tokens, std::span<const std::uint32_t> part) {
  return std::search(tokens.begin(), tokens.end(), part.begin(), part.end()) != tokens.end();
}

// Fewer measured tokens than this many are found in any text, by chance.
constexpr std::size_t kFewestCopied = 16;

bool share_text(std::span<const std::uint32_t> tokens, std::span<const std::uint32_t> measured) {
  return contains(measured, tokens) ||
         (measured.size() >= kFewestCopied && contains(tokens, measured));
}

}  // namespace

void add_calibrate_option(CLI::App& command, std::string& file) {
  command.add_option("--calibrate", file,
                     fmt::format("text (tokens, with --tokens) whose first {} windows show "
                                 "quantization methods a model's activations; by default, for "
                                 "bytes, workloads/trained/bytes-llama/calibration.txt",
                                 kCalibrationWindows));
}

CalibrationResult calibrate(const CalibrationRequest& request, const Llama& model,
                            std::span<const QuantizationConfig> quantizations) {
  const auto first =
      std::find_if(quantizations.begin(), quantizations.end(),
                   [](const QuantizationConfig& config) { return config.needs_calibration(); });
  if (first == quantizations.end()) {
    if (request.file.empty()) return {};
    throw UserError("--calibrate: no --quant has a method that needs a calibration");
  }
  require_prediction(model);
  CalibrationResult result;
  result.file = request.file;
  if (result.file.empty() && request.are_bytes) {
    result.file = (home_folder() / "workloads/trained/bytes-llama/calibration.txt").string();
  }
  const std::vector<std::uint32_t> tokens = read_calibration(request, result.file, first->name);
  result.tokens = tokens.size();
  const std::vector<Window> windows = cut_windows(tokens.size(), request.window);
  if (share_text(tokens, request.measured)) {
    throw UserError(
        fmt::format("--calibrate: {} and the text that is measured are the same, or one is part "
                    "of the other",
                    result.file));
  }
  const bool with_products =
      std::any_of(quantizations.begin(), quantizations.end(), needs_products);
  result.calibration = std::make_unique<Calibration>(model, tokens, windows, with_products);
  return result;
}

}  // namespace bitsmith::app
