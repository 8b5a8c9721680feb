#include "app/calibrate.h"

#include <algorithm>

#include "common/error.h"
#include "common/file.h"
#include "inference/perplexity.h"

namespace bitsmith::app {
namespace {

std::vector<std::uint32_t> read_calibration(const CalibrationRequest& request,
                                            const std::string& quantization) {
  const std::size_t limit = kCalibrationWindows * request.window;
  if (!request.are_bytes && request.file.empty()) {
    throw UserError(
        fmt::format("quantization '{}' needs a calibration: give a file of tokens, "
                    "other ones than those of --tokens, with --calibrate",
                    quantization));
  }
  if (!request.are_bytes) return read_tokens(request.file, limit);
  return read_bytes(
      request.file.empty() ? home_folder() / "README.md" : std::filesystem::path(request.file),
      limit);
}

}  // namespace

void add_calibrate_option(CLI::App& command, std::string& file) {
  command.add_option("--calibrate", file,
                     fmt::format("text (tokens, with --tokens) whose first {} windows show "
                                 "quantization methods a model's activations; by default, for "
                                 "bytes, README.md of Bitsmith",
                                 kCalibrationWindows));
}

std::unique_ptr<const Calibration> calibrate(const CalibrationRequest& request, const Llama& model,
                                             std::span<const QuantizationConfig> quantizations) {
  const auto first =
      std::find_if(quantizations.begin(), quantizations.end(),
                   [](const QuantizationConfig& config) { return config.needs_calibration(); });
  if (first == quantizations.end()) {
    if (request.file.empty()) return nullptr;
    throw UserError("--calibrate: no --quant has a method that needs a calibration");
  }
  const std::vector<std::uint32_t> tokens = read_calibration(request, first->name);
  const auto copy =
      std::search(request.measured.begin(), request.measured.end(), tokens.begin(), tokens.end());
  if (copy != request.measured.end()) {
    throw UserError("--calibrate: this text is part of the one that is measured");
  }
  const bool with_products =
      std::any_of(quantizations.begin(), quantizations.end(), needs_products);
  return std::make_unique<Calibration>(model, tokens, cut_windows(tokens.size(), request.window),
                                       with_products);
}

}  // namespace bitsmith::app
