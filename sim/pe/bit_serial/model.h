// Cycle model of rtl/bit_serial/bit_serial_array.sv: one step() per clock edge, equal to the RTL on
// every output port in every cycle.
//
// The controller follows the RTL register by register. The datapath does not: what a token does to
// the sums is worked out when it enters, a column sum when its group's last token enters; rows of
// results wait in a ring until the step in which the RTL's leave. Sums of padding PEs are not
// modelled where they are whole rows: no port ever shows them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "pe/array_ports.h"
#include "pe/bit_serial/params.h"
#include "pe/bit_serial/term_table.h"
#include "pe/job.h"
#include "pe/skid_buffer.h"

namespace bitsmith::bit_serial {

// The sums of all PEs and columns. Columns are the vector's dimension.
class Datapath {
 public:
  // Numbers of eight columns, as wide as the vectors of common machines.
  static constexpr std::size_t kColumns = 8;
  using Columns [[gnu::vector_size(4 * kColumns)]] = std::int32_t;

  explicit Datapath(const Params& params);

  // The operand beats at the heads of their buffers; returns the steps they take.
  std::uint32_t load(const std::uint32_t* a, const std::uint32_t* w, const std::uint32_t* s);
  // A step of the loaded beats in rows 0 .. m - 1; `first` of its group.
  void step(std::uint32_t step, std::uint32_t m, bool first);
  // The group's sums times their scales go to the column sums, which start with it if `clear`.
  void finish_group(const std::uint32_t* scales, std::uint32_t m, bool clear);
  // No infinity or NaN has been seen in this group.
  void forget_specials();
  // A beat of results of rows below m: a row of every tile; zero from lane n of each on.
  void pack_beat(std::uint32_t beat, std::uint32_t m, std::uint32_t n, std::uint32_t* words) const;

 private:
  void load_activations(const std::uint32_t* a);
  std::uint32_t load_weights(const std::uint32_t* w, const std::uint32_t* s);
  void load_all_terms(std::size_t c, std::uint32_t select);
  std::uint32_t load_present_terms(std::size_t c, std::uint32_t select);
  void step_float(std::size_t step, std::size_t vector, std::uint32_t m);
  void step_integer(std::size_t step, std::size_t vector, std::uint32_t m);

  Params params_;
  TermTable table_;
  bool has_special_values_;
  std::uint32_t terms_per_weight_;
  std::size_t lanes_;
  std::size_t vectors_;                    // of columns
  std::int32_t up_;                        // bits of the frame above a mantissa
  std::vector<std::int32_t> a_exponent_;   // [row][lane]
  std::vector<std::int32_t> a_magnitude_;  // [row][lane], with guard bits; INT8: the number
  std::vector<std::int32_t> a_sign_;       // [row][lane], 0 or -1
  std::vector<std::uint16_t> a_codes_;     // of the loaded beats
  std::vector<std::uint16_t> w_codes_;
  std::vector<std::uint8_t> a_special_;    // [row], in this group
  std::vector<Columns> terms_;             // [step][vector][lane], of the loaded beat
  std::vector<Columns> significance_;      // [step][vector]
  std::vector<Columns> live_;              // [step][vector], 0 where the sum stays as it is
  std::vector<Columns> mantissa_;          // [vector][row], INT8: the group's sum
  std::vector<Columns> exponent_;          // [vector][row]
  std::vector<float> float_sum_;           // [row][column]
  std::vector<std::int64_t> integer_sum_;  // [row][column]
};

class Model {
 public:
  using Params = bit_serial::Params;

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
    std::uint32_t rows = 0;        // of a tile
    std::uint32_t row = 0;         // that leaves next
    std::vector<std::uint32_t> words;
  };
  // Groups are at least as many steps apart as they have rows, and eight: no more can be inside.
  static constexpr std::size_t kMostLeaving = 4;

  void reset();
  void start_job();
  void enter_token(bool last_term, bool group_last, bool job_last);
  void finish_group(bool job_last);
  void show_outputs();

  Params params_;
  ChannelWidths widths_;
  JobLayout layout_;
  std::uint64_t pes_;
  std::size_t y_words_;
  SkidBuffer u_job_, u_a_, u_w_, u_s_, u_y_;
  Datapath datapath_;

  Job job_;  // at the head of u_job_
  bool job_known_ = false;
  bool beat_known_ = false;  // the beats at the heads of their buffers are loaded
  std::uint32_t beat_steps_ = 1;
  bool in_job_q_ = false;
  bool first_group_q_ = true;
  std::uint32_t term_q_ = 0;
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

}  // namespace bitsmith::bit_serial
