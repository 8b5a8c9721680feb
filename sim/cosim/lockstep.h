// Two forms of one array under the same stimulus: every output port is compared after every clock
// edge, every result with golden.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "common/interrupt.h"
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
  std::uint64_t cycles_after_mismatch = 0;  // stepped without comparing, for a waveform
  const TraceOperands* operands = nullptr;  // of a trace, instead of random ones
};

// "" or what differs between two sets of outputs.
std::string compare_ports(const ArrayOutputs& expected, const ArrayOutputs& actual,
                          const ChannelWidths& widths);
// Ports that compare_ports looks at.
std::uint64_t port_count(const ChannelWidths& widths);

inline constexpr std::uint64_t kCyclesBetweenInterruptChecks = 4096;

// Steps both until they differ, a result is wrong, a protocol rule is broken (Stimulus::observe) or
// the RTL reports a failed check of its own.
template <class Expected, class Actual>
LockstepResult lockstep(const Design& design, Expected& expected, Actual& actual,
                        const LockstepOptions& options) {
  const ChannelWidths widths = design.channel_widths();
  Stimulus stimulus(design, options.seed, options.operands);
  LockstepResult result;
  std::uint64_t last_cycle = options.cycles;
  // The scoreboard judges the y beat of before the edge, so it is copied before the array steps.
  std::vector<std::uint32_t> y(words_for_bits(widths.y));
  for (std::uint64_t cycle = 0; cycle < last_cycle; ++cycle) {
    if (cycle % kCyclesBetweenInterruptChecks == 0) throw_if_interrupted();
    const ArrayInputs& inputs = stimulus.next_inputs();
    ArrayOutputs before = actual.outputs();
    std::copy_n(before.y, y.size(), y.begin());
    before.y = y.data();
    actual.step(inputs);
    if (result.mismatch) {
      // The handshakes are now those of `actual` alone; `expected` would see a broken stream.
      static_cast<void>(stimulus.observe(before));
      continue;
    }
    expected.step(inputs);
    std::string what = compare_ports(expected.outputs(), actual.outputs(), widths);
    ++result.cycles_compared;
    result.ports_compared += port_count(widths);
    if constexpr (requires { actual.failure(); }) {
      if (what.empty()) what = actual.failure();
    }
    if (what.empty()) what = stimulus.observe(before);
    if (what.empty()) continue;
    result.mismatch = Mismatch{cycle, what};
    last_cycle = cycle + 1 + options.cycles_after_mismatch;
  }
  result.values_compared = stimulus.values_compared();
  result.jobs_completed = stimulus.jobs_completed();
  result.resets = stimulus.resets();
  return result;
}

// Cycle model against Verilated RTL. After a mismatch the run is repeated with a waveform up to a
// few cycles beyond it, in verify_<name>_seed<seed>.fst; `wave` chooses the file, and asks for one
// even when all agrees.
LockstepResult verify(const Design& design, const std::string& name, const LockstepOptions& options,
                      const std::filesystem::path& wave = {});

// Verilated RTL against a Verilated netlist of it.
LockstepResult verify_netlist(const Design& design, const std::filesystem::path& netlist,
                              const LockstepOptions& options);

}  // namespace bitsmith
