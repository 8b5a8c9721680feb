// The Verilated RTL in the place of an array's cycle model: the ports are the RTL's, every one is
// compared with the model's after every clock edge, and what no port shows (PE-cycles, actions,
// jobs that entered) comes from the model, which gets the same inputs.
#pragma once

#include <cstdint>
#include <string>

#include "cosim/lockstep.h"
#include "cosim/verilated_array.h"
#include "pe/job.h"

namespace bitsmith {

template <class Model>
class CheckedRtl {
 public:
  // All must outlive this.
  CheckedRtl(const Design& design, Model& model, VerilatedArray& rtl)
      : widths_(design.channel_widths()), model_(model), rtl_(rtl) {}

  // One rising clock edge.
  void step(const ArrayInputs& in) {
    rtl_.step(in);
    model_.step(in);
    ++cycles_;
    if (!failure_.empty()) return;
    failure_ = compare_ports(model_.outputs(), rtl_.outputs(), widths_);
    if (failure_.empty()) failure_ = rtl_.failure();
    if (!failure_.empty()) failure_ = fmt::format("cycle {}: {}", cycles_ - 1, failure_);
  }
  const ArrayOutputs& outputs() const { return rtl_.outputs(); }

  const PeCycles& pe_cycles() const { return model_.pe_cycles(); }
  const ActionCounts& actions() const { return model_.actions(); }
  std::uint64_t jobs_entered() const { return model_.jobs_entered(); }

  // "" or the first difference, or what the RTL's own assertions found.
  const std::string& failure() const { return failure_; }

 private:
  ChannelWidths widths_;
  Model& model_;
  VerilatedArray& rtl_;
  std::uint64_t cycles_ = 0;
  std::string failure_;
};

}  // namespace bitsmith
