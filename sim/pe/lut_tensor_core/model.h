// Cycle model of rtl/lut_tensor_core/lut_tensor_core_array.sv: one step() per clock edge, equal to
// the RTL on every output port in every cycle.
//
// The controller follows the RTL register by register. The datapath does not: what a token does to
// the sums is worked out when it enters, a column sum when its group's last token enters; rows of
// results wait in a ring until the step in which the RTL's leave. Sums of padding rows are not
// modelled: no port ever shows them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "pe/array_ports.h"
#include "pe/job.h"
#include "pe/lut_tensor_core/datapath.h"
#include "pe/lut_tensor_core/params.h"
#include "pe/skid_buffer.h"

namespace bitsmith::lut_tensor_core {

class Model {
 public:
  using Params = lut_tensor_core::Params;

  explicit Model(const Params& params);

  // One rising clock edge.
  void step(const ArrayInputs& in);
  // The ports after the last edge.
  const ArrayOutputs& outputs() const { return outputs_; }

  const PeCycles& pe_cycles() const { return pe_cycles_; }
  // What a group causes later is counted when its last token enters.
  const ActionCounts& actions() const { return actions_; }
  // Jobs whose last token has entered the array since construction; a reset leaves it as it is.
  std::uint64_t jobs_entered() const { return jobs_entered_; }

 private:
  // Rows of an emitting job on their way out.
  struct Leaving {
    std::uint64_t first_step = 0;  // in which row 0 leaves
    std::uint32_t rows = 0;
    std::uint32_t row = 0;  // that leaves next
    std::vector<std::uint32_t> words;
  };
  // Last tokens of groups are max(m + 2, L + 1) steps apart, and a group's last row leaves m + L +
  // 4 steps after its last token: no more can be inside.
  static constexpr std::size_t kMostLeaving = 4;

  void reset();
  void start_job();
  void enter_token(bool last_plane, bool group_last, bool job_last);
  void finish_group(bool job_last);
  void show_outputs();

  Params params_;
  ChannelWidths widths_;
  JobLayout layout_;
  std::uint64_t pes_, tables_;
  std::uint32_t planes_, group_beats_;
  std::size_t y_words_;
  SkidBuffer u_job_, u_a_, u_w_, u_s_, u_y_;
  Datapath datapath_;

  Job job_;  // at the head of u_job_
  bool job_known_ = false;
  std::uint32_t job_beats_ = 1;
  bool in_job_q_ = false;
  bool first_group_q_ = true;
  std::uint32_t plane_q_ = 0;
  std::uint32_t beat_q_ = 0;        // of the job
  std::uint32_t group_beat_q_ = 0;  // of the group
  std::uint32_t gap_q_ = 0;         // steps until the last token of a group may enter

  std::uint64_t now_ = 0;  // steps taken
  std::array<Leaving, kMostLeaving> leaving_;
  std::size_t leaving_head_ = 0, leaving_count_ = 0;

  bool sums_open_ = false;  // the next job may accumulate
  std::uint32_t open_m_ = 0, open_n_ = 0;
  std::uint64_t open_k_ = 0;
  std::vector<std::uint32_t> y_zero_;

  ArrayOutputs outputs_;
  PeCycles pe_cycles_;
  ActionCounts actions_;
  std::uint64_t jobs_entered_ = 0;
};

}  // namespace bitsmith::lut_tensor_core
