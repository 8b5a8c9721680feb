// Cycle model of rtl/systolic/systolic_os.sv, the output-stationary dataflow: one step() per clock
// edge, equal to the RTL on every output port in every cycle.
//
// The controller follows the RTL register by register. The operand registers of the skew and of the
// PEs are not shifted: a history of the tokens that entered stands for all of them, because PE (r,
// c) sees in step t the token that entered in step t - 1 - r - c. A whole row of PEs is then one
// vector multiply-add. Sums of padding PEs are not modelled: no port ever shows them.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "pe/array_ports.h"
#include "pe/job.h"
#include "pe/skid_buffer.h"
#include "pe/systolic/arithmetic.h"
#include "pe/systolic/open_sums.h"
#include "pe/systolic/params.h"

namespace bitsmith::systolic {

// The operands of the last steps, laid out so that every row of PEs reads contiguous lanes.
template <class Lane>
class OperandHistory {
 public:
  OperandHistory(std::uint32_t rows, std::uint32_t cols, std::size_t lanes);

  // Enters one token per row and column: lanes beyond m and n, and all lanes of an idle step, are
  // 0.
  void enter(const Lane* a, const Lane* w);
  void enter_idle();

  // What row r of PEs sees in the step before the next enter(): element c belongs to PE (r, c).
  const Lane* a_row(std::size_t r) const { return a_.data() + r * length_ + head_ + r; }
  const Lane* w_row(std::size_t r) const {
    return w_.data() + ((step_ - 1 - r) & w_mask_) * lanes_;
  }
  const std::int32_t* is_token_row(std::size_t r) const { return is_token_.data() + head_ + r; }

 private:
  void make_room();

  std::size_t rows_, cols_, lanes_;
  std::size_t length_;  // of a row's history, newest token first
  std::size_t head_;    // where the newest token is
  std::size_t w_mask_;
  std::uint64_t step_ = 0;              // tokens entered so far
  std::vector<Lane> a_;                 // [rows][length]
  std::vector<std::int32_t> is_token_;  // [length], 0 for an idle step
  std::vector<Lane> w_;                 // [w_mask + 1][lanes], column c delayed by c
};

// A job whose tokens are in the array.
struct Flight {
  std::uint64_t first_step;
  std::uint64_t last_step;  // meaningful once `entered`
  std::uint32_t m;
  std::uint32_t n;
  bool clear;
  bool emit;
  bool entered;  // its last token is in
};

// The operands, the sums of all PEs and the registers they leave through. With two sums per PE,
// tokens alternate between them.
template <class Arithmetic, bool kTwoSums>
class OsDatapath {
 public:
  explicit OsDatapath(const Params& params);

  // A token, or a step without one.
  void enter(const std::uint32_t* a, const std::uint32_t* w, const Job& job);
  void enter_idle() { history_.enter_idle(); }
  // One step: copy finished sums, clear new ones, add one product to every sum of the first `rows`.
  void step(const std::vector<Flight>& flights, std::uint64_t now, std::size_t rows);
  // Row r on its way out, lanes below n; the others are zero.
  void pack_row(std::size_t r, std::uint32_t n, std::vector<std::uint32_t>& words);
  std::uint64_t overflows() const { return arithmetic_.overflows(); }

 private:
  using Lane = typename Arithmetic::Lane;
  using Sum = typename Arithmetic::Sum;

  void add_products(std::size_t rows);
  Sum finished(std::size_t pe) const;

  Params params_;
  Arithmetic arithmetic_;
  std::size_t lanes_;
  LaneReader a_reader_, w_reader_;
  std::vector<Lane> a_lanes_, w_lanes_;
  OperandHistory<Lane> history_;
  std::vector<Sum> acc_q_;     // [rows][lanes]; of two sums the one the next token goes to
  std::vector<Sum> newest_q_;  // [rows][lanes], of two sums the one the last token went to
  std::vector<Sum> drain_q_;   // [rows][lanes], overlapped drain only
  std::vector<Sum> row_;
};

class OsModel {
 public:
  explicit OsModel(const Params& params);

  // One rising clock edge.
  void step(const ArrayInputs& in);
  // The ports after the last edge.
  const ArrayOutputs& outputs() const { return outputs_; }

  const PeCycles& pe_cycles() const { return pe_cycles_; }
  const ActionCounts& actions() const { return actions_; }
  // Jobs whose last token has entered the array since construction; a reset leaves it as it is.
  std::uint64_t jobs_entered() const { return jobs_entered_; }
  // Additions that left the accumulator's range (Overflow::wrap and saturate).
  std::uint64_t overflows() const;

 private:
  void reset();
  void advance(bool feed, bool drain);
  void start_job();
  void enter_token();
  void count_step(bool advanced, bool fed);
  void show_outputs();

  using AnyDatapath = std::variant<OsDatapath<Narrow, false>, OsDatapath<Medium, false>,
                                   OsDatapath<Wide, false>, OsDatapath<LimitedIntegers, false>,
                                   OsDatapath<Float32, false>, OsDatapath<Float32, true>>;
  static AnyDatapath make_datapath(const Params& params);

  Params params_;
  JobLayout layout_;
  std::uint64_t pes_;
  SkidBuffer u_job_, u_a_, u_w_, u_y_;

  Job job_;                          // at the head of u_job_
  bool job_known_ = false;           // job_ has been unpacked
  std::uint32_t k_count_q_ = 0;      // tokens of the current job that have entered
  std::uint32_t drain_left_q_ = 0;   // steps until the last row of an emitting job has left
  std::uint32_t adding_left_q_ = 0;  // steps until its two partial sums are added
  std::uint32_t drain_m_q_ = 0;
  std::uint32_t drain_n_q_ = 0;

  OpenSums open_sums_;

  std::uint64_t now_ = 0;  // steps taken
  AnyDatapath datapath_;
  std::vector<Flight> flights_;
  std::vector<std::uint32_t> y_row_, y_zero_;

  ArrayOutputs outputs_;
  PeCycles pe_cycles_;
  ActionCounts actions_;
  std::uint64_t jobs_entered_ = 0;
};

}  // namespace bitsmith::systolic
