// Two forms of one array under the same stimulus: every output port is compared after every clock
// edge, every result with golden.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cosim/stimulus.h"
#include "cosim/verilated_array.h"
#include "numerics/pack.h"
#include "pe/design.h"

namespace bitsmith {

struct Mismatch {
  std::uint64_t cycle;
  std::string what;  // port and both values, or the wrong result
};

struct LockstepResult {
  std::uint64_t cycles_compared = 0;
  std::uint64_t ports_compared = 0;   // port values, over all cycles
  std::uint64_t values_compared = 0;  // results against golden
  std::uint64_t jobs_completed = 0;
  std::uint64_t resets = 0;
  std::optional<Mismatch> mismatch;
  std::filesystem::path wave;  // of the run that mismatched, or that was asked for

  // Nothing compared is a failure too.
  bool passed() const { return !mismatch && cycles_compared > 0 && values_compared > 0; }
};

struct LockstepOptions {
  std::uint64_t cycles = 100000;
  std::uint64_t seed = 1;
};

// "" or what differs between two sets of outputs.
std::string compare_ports(const ArrayOutputs& expected, const ArrayOutputs& actual,
                          const ChannelWidths& widths);
// Ports that compare_ports looks at.
std::uint64_t port_count(const ChannelWidths& widths);

// Stops at the first mismatch.
template <class Expected, class Actual>
LockstepResult lockstep(const Design& design, Expected& expected, Actual& actual,
                        const LockstepOptions& options) {
  const ChannelWidths widths = design.channel_widths();
  Stimulus stimulus(design, options.seed);
  LockstepResult result;
  // The y payload of the cycle before is compared while the next inputs are applied, so the beat
  // the scoreboard takes is copied out of the array first.
  std::vector<std::uint32_t> y(words_for_bits(widths.y));
  for (std::uint64_t cycle = 0; cycle < options.cycles && !result.mismatch; ++cycle) {
    const ArrayInputs& inputs = stimulus.next_inputs();
    ArrayOutputs before = actual.outputs();
    std::copy_n(before.y, y.size(), y.begin());
    before.y = y.data();
    expected.step(inputs);
    actual.step(inputs);
    std::string what = compare_ports(expected.outputs(), actual.outputs(), widths);
    ++result.cycles_compared;
    result.ports_compared += port_count(widths);
    if (what.empty()) what = stimulus.observe(before);
    if (!what.empty()) result.mismatch = Mismatch{cycle, what};
  }
  result.values_compared = stimulus.values_compared();
  result.jobs_completed = stimulus.jobs_completed();
  result.resets = stimulus.resets();
  return result;
}

// Cycle model against Verilated RTL. After a mismatch the run is repeated with a waveform up to a
// few cycles beyond it; `wave` chooses the file, and asks for one even when all agrees.
LockstepResult verify(const Design& design, const LockstepOptions& options,
                      const std::filesystem::path& wave = {});

// Verilated RTL against a Verilated netlist of it.
LockstepResult verify_netlist(const Design& design, const std::filesystem::path& netlist,
                              const LockstepOptions& options);

}  // namespace bitsmith
