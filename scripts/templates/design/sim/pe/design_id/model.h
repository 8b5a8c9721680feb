// Cycle model of design_id_array.sv: one step() per clock edge, equal to the RTL on every
// output port in every cycle. A register `x_q` of the RTL is the member `x_q_` here.
#pragma once

#include <cstdint>
#include <vector>

#include "pe/array_ports.h"
#include "pe/design_id/params.h"
#include "pe/job.h"
#include "pe/skid_buffer.h"

namespace bitsmith::design_id {

class Model {
 public:
  using Params = design_id::Params;

  explicit Model(const Params& params);

  // One rising clock edge.
  void step(const ArrayInputs& in);
  // The ports after the last edge.
  const ArrayOutputs& outputs() const { return outputs_; }

  const PeCycles& pe_cycles() const { return pe_cycles_; }
  const ActionCounts& actions() const { return actions_; }
  // Jobs whose last token has entered the array since construction; a reset leaves it as it is.
  std::uint64_t jobs_entered() const { return jobs_entered_; }

 private:
  void reset();
  void advance(bool feed, bool last);
  void start_job();
  void enter_token(bool last);
  std::int64_t dot() const;
  void count_step(bool advanced, bool fed);
  void show_outputs();

  Params params_;
  ChannelWidths widths_;
  JobLayout layout_;

  // The edge: design_id_edge.sv.
  SkidBuffer u_job_, u_a_, u_w_, u_y_;
  std::uint32_t k_done_q_ = 0;  // elements of the current job that have entered

  // REPLACE: the registers of your PE. The PE: design_id_pe.sv.
  bool valid_q_ = false;
  bool clear_q_ = false;
  bool emit_q_ = false;
  std::int64_t dot_q_ = 0;
  bool y_valid_q_ = false;
  std::int64_t acc_q_ = 0;

  // No registers: what the model keeps to check whoever drives it, and scratch memory.
  Job job_;                 // at the head of u_job_
  bool sums_open_ = false;  // the next job may accumulate
  std::uint64_t open_k_ = 0;
  std::vector<std::uint32_t> y_beat_, y_zero_;

  ArrayOutputs outputs_;
  PeCycles pe_cycles_;
  ActionCounts actions_;
  std::uint64_t jobs_entered_ = 0;
};

}  // namespace bitsmith::design_id
