// The options that say which pass of a model is meant: --phase, --seq, --batch, --chunk.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "common/error.h"
#include "workload/transformer.h"

namespace bitsmith::app {

// As typed.
struct PhaseText {
  std::string phase = "prefill";
  std::string sequence;
  std::string batch = "1";
  std::string chunk;
};

std::vector<CLI::Option*> add_phase_options(CLI::App& command, PhaseText& text);

// Adds every mistake to `diagnostics`.
PhaseOptions read_phase(const PhaseText& text, Diagnostics& diagnostics);

}  // namespace bitsmith::app
