#include "app/phase_options.h"

#include <array>

#include "app/options.h"

namespace bitsmith::app {

std::vector<CLI::Option*> add_phase_options(CLI::App& command, PhaseText& text) {
  return {command.add_option("--phase", text.phase, "prefill or decode")->capture_default_str(),
          command.add_option(
              "--seq", text.sequence,
              "tokens of the prompt; in decode the context's length; by default 2048, or "
              "as many as the model takes"),
          command.add_option("--batch", text.batch, "sequences")->capture_default_str(),
          command.add_option("--chunk", text.chunk, "prefill: tokens at a time; by default all")};
}

PhaseOptions read_phase(const PhaseText& text, Diagnostics& diagnostics) {
  constexpr std::array<std::string_view, 2> kPhases = {"prefill", "decode"};
  constexpr IntegerRange kTokens{1, 1 << 24};
  constexpr IntegerRange kBatch{1, 1 << 20};
  PhaseOptions phase;
  if (text.phase == kPhases[1]) {
    phase.phase = Phase::decode;
  } else if (text.phase != kPhases[0]) {
    diagnostics.add({"--phase", 0, 0}, unknown_word("phase", text.phase, kPhases));
  }
  if (!text.sequence.empty()) {
    phase.sequence = integer_option("--seq", text.sequence, kTokens, diagnostics);
  }
  phase.batch = integer_option("--batch", text.batch, kBatch, diagnostics);
  if (!text.chunk.empty()) {
    phase.chunk = integer_option("--chunk", text.chunk, kTokens, diagnostics);
  }
  return phase;
}

}  // namespace bitsmith::app
