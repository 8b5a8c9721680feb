// The option --calibrate: a text from which quantization methods learn of a model.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "inference/calibration.h"

namespace bitsmith::app {

inline constexpr std::size_t kCalibrationWindows = 8;

void add_calibrate_option(CLI::App& command, std::string& file);

struct CalibrationRequest {
  std::string file;          // of --calibrate; "": calibration.txt of bytes-llama, for bytes
  bool are_bytes = true;     // of the file, tokens otherwise
  std::size_t window = 256;  // the first kCalibrationWindows windows are taken
  std::span<const std::uint32_t> measured;  // tokens that must not be the calibration's
};

struct CalibrationResult {
  std::string file;
  std::size_t tokens = 0;
  std::unique_ptr<const Calibration> calibration;
};

// All empty when no configuration needs a calibration. Throws UserError when one does and there is
// no text, or one of this text and the measured one is part of the other; when there is a text and
// none needs it; and when a token of the model sees only itself.
CalibrationResult calibrate(const CalibrationRequest& request, const Llama& model,
                            std::span<const QuantizationConfig> quantizations);

}  // namespace bitsmith::app
