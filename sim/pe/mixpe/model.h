// Cycle model of rtl/mixpe/mixpe_array.sv: one step() per clock edge, equal to the RTL on every
// output port in every cycle.
//
// The controller follows the RTL register by register. The datapath does not: a beat's products are
// added to the sums when its last digit enters, a group goes to the open sums when its last token
// enters; rows of results wait in a ring until the steps in which the RTL's leave. There is no
// skew, and rows of padding are not modelled: no port ever shows them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "pe/array_ports.h"
#include "pe/job.h"
#include "pe/mixpe/params.h"
#include "pe/skid_buffer.h"

namespace bitsmith::mixpe {

// The sums of all PEs, rows and columns. Columns are the vector's dimension.
class Datapath {
 public:
  // Numbers of eight columns, as wide as the vectors of common machines.
  static constexpr std::size_t kColumns = 8;
  using Integers [[gnu::vector_size(4 * kColumns)]] = std::int32_t;
  using LongIntegers [[gnu::vector_size(8 * kColumns)]] = std::int64_t;
  using Floats [[gnu::vector_size(4 * kColumns)]] = float;

  explicit Datapath(const Params& params);

  // The products of a beat in rows 0 .. m - 1; `first` of its group.
  void add_beat(const std::uint32_t* a, const std::uint32_t* w, std::uint32_t m, bool first);
  // The dequantised sums of the group go to the open sums, which start with it if `clear`.
  void finish_group(const std::uint32_t* s, std::uint32_t m, bool clear);
  // A row of results, zero from lane n on.
  void pack_row(std::uint32_t row, std::uint32_t n, std::uint32_t* words) const;

 private:
  enum class Sums { integers, long_integers, floats };

  template <class Vector, std::size_t kLanes>
  void add_products(std::span<Vector> sums, std::uint32_t m) const;
  template <class Vector>
  void add_products(std::span<Vector> sums, std::uint32_t m) const;
  void load_activations(const std::uint32_t* a);
  void load_weights(const std::uint32_t* w);
  void load_scales(const std::uint32_t* s);
  void add_row_sums(std::uint32_t m);
  void finish_float_row(std::size_t r, bool clear);
  void finish_integer_row(std::size_t r, bool clear);
  std::int64_t integer_sum(std::size_t r, std::size_t c) const;

  Params params_;
  Sums kind_;
  bool has_zero_points_;
  bool results_are_floating_point_;
  std::size_t lanes_;
  std::size_t vectors_;                 // of columns
  std::vector<std::int32_t> integers_;  // values of the weights' codes
  std::vector<float> floats_;
  std::vector<std::uint16_t> a_codes_, w_codes_;
  std::vector<std::int32_t> a_integers_;  // [row][lane]
  std::vector<float> a_floats_;
  std::vector<Integers> w_integers_;  // [lane][vector]
  std::vector<Floats> w_floats_;
  std::vector<Integers> integer_sums_;  // [row][vector], of the group
  std::vector<LongIntegers> long_sums_;
  std::vector<Floats> float_sums_;
  std::vector<std::int64_t> integer_row_sums_;  // [row], of activations
  std::vector<float> float_row_sums_;
  std::vector<Integers> zeros_;  // [vector]
  std::vector<Floats> float_zeros_, float_scales_;
  std::vector<std::int32_t> integer_scales_;  // [column]
  std::vector<Floats> float_open_;            // [row][vector], sums over groups
  std::vector<std::uint32_t> integer_open_;   // [row][column]
};

class Model {
 public:
  using Params = mixpe::Params;

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
    std::uint64_t next_step = 0;  // in which the next row leaves
    std::uint32_t rows = 0;
    std::uint32_t row = 0;  // that leaves next
    std::vector<std::uint32_t> words;
  };
  // From a group's last token until its last row has left it takes less than three times what keeps
  // groups apart.
  static constexpr std::size_t kMostLeaving = 4;

  void reset();
  void start_job();
  void enter_token(bool last_digit, bool group_last, bool job_last);
  void finish_group(bool job_last);
  void show_outputs();

  Params params_;
  ChannelWidths widths_;
  JobLayout layout_;
  std::uint64_t pes_;
  std::uint32_t digits_;  // of a weight
  std::uint32_t beats_per_group_;
  std::uint32_t first_row_steps_;
  TileLimits limits_;
  SkidBuffer u_job_, u_a_, u_w_, u_s_, u_y_;
  Datapath datapath_;

  Job job_;  // at the head of u_job_
  std::uint32_t job_beats_ = 1;
  bool job_known_ = false;
  bool in_job_q_ = false;
  bool first_group_q_ = true;
  std::uint32_t digit_q_ = 0;
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

}  // namespace bitsmith::mixpe
