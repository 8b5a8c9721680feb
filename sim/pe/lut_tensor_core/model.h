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
#include <span>
#include <vector>

#include "pe/array_ports.h"
#include "pe/job.h"
#include "pe/lut_tensor_core/params.h"
#include "pe/skid_buffer.h"

namespace bitsmith::lut_tensor_core {

// Rows of numbers, int32 or float: what lanes read, and what they have summed up.
template <class Number>
struct Lanes {
  // [row][address]: an entry with its sign, by the bits that are stored in the weights; `mac`: the
  // activations, [row][j].
  std::vector<Number> table;
  std::vector<Number> weight;       // `mac`: [j][column]
  std::vector<Number> sum;          // SW, [row][column]
  std::vector<Number> sum_of_a;     // SA, [row]
  std::vector<Number> zero, scale;  // z' and scale, [column]
};

// The sums of all lanes and columns. Columns are the vector's dimension. Floating point is the
// host's: every operation rounds as the RTL's does (tests/pe/lut_tensor_core/model_test.cpp).
class Datapath {
 public:
  explicit Datapath(const Params& params);

  // Activations, or tables, at the head of their buffer, for rows 0 .. m - 1.
  void load(const std::uint32_t* a, std::uint32_t m);
  // A token of the plane's bits, or of codes, in rows 0 .. m - 1; `first` of its group.
  void step(const std::uint32_t* w, std::uint32_t plane, std::uint32_t m, bool first);
  // The group's sums, dequantised, go to the open sums, which start with it if `clear`.
  void finish_group(const std::uint32_t* s, std::uint32_t m, bool clear);
  // Row r of Y, zero from column n on.
  void pack_row(std::uint32_t r, std::uint32_t n, std::uint32_t* words) const;

 private:
  template <class Number>
  void load_rows(Lanes<Number>& lanes, const std::uint32_t* a, std::uint32_t m);
  template <class Number>
  void load_table(Lanes<Number>& lanes, std::span<const std::uint32_t> a, std::size_t r);
  template <class Number>
  void step_lanes(Lanes<Number>& lanes, std::uint32_t plane, std::uint32_t m, bool first);
  template <class Number>
  void load_scales(Lanes<Number>& lanes, const std::uint32_t* s);
  template <class Number>
  void read_table(Lanes<Number>& lanes, std::uint32_t plane, std::size_t r);
  template <class Number, std::size_t K>
  void multiply(Lanes<Number>& lanes, std::size_t r);
  void extract_lanes(const std::uint32_t* w);

  Params params_;
  std::size_t cols_;                      // padded to whole vectors
  std::uint32_t lane_bits_;               // of a lane of the `w` channel: an address, or a code
  std::vector<std::int32_t> lane_word_;   // [lane], where it is in a beat
  std::vector<std::int32_t> lane_shift_;  // [lane]
  std::vector<std::uint32_t> w_words_;    // the beat and a word more
  std::vector<std::int32_t> lane_;        // [column] addresses; `mac`: [j][column] codes
  std::vector<float> fp8_value_;          // [code]
  Lanes<std::int32_t> integers_;
  Lanes<float> floats_;
  std::vector<std::int64_t> integer_result_;  // the open sums, [row][column]
  std::vector<float> float_result_;
};

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
