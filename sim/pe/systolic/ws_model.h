// Cycle model of rtl/systolic/systolic_ws.sv, the weight- and input-stationary dataflows: one
// step() per clock edge, equal to the RTL on every output port in every cycle.
//
// The controller follows the RTL register by register. Operands and sums are not moved from PE to
// PE: the whole result of a token is worked out when the token enters, row of PEs by row of PEs,
// and leaves when the RTL's would. What it reads then, no step in between can change: the
// stationary operands of its job are all in, and open sums are read back only after they were
// written (reuse_left_q).
//
// `mov` and `sta` are the channels of the moving and of the stationary operand: a and w in weight
// stationary, w and a in input stationary.
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

// The stationary operands, the accumulator banks and the results on their way out.
template <class Arithmetic>
class WsDatapath {
 public:
  // `results` is how many results may be on their way at once.
  WsDatapath(const Params& params, std::size_t results);

  // Beat `row` of the stationary operands of the next job.
  void load(const std::uint32_t* words, std::uint32_t row, std::uint32_t lanes);
  // The next job's operands become the current ones.
  void use_loaded() { stationary_.swap(loading_); }
  // A token: adds its products with k rows to sum `index` (or to zero) in the accumulator banks or,
  // if it emits, to result `slot`.
  struct Token {
    std::uint32_t k;
    std::uint32_t lanes;
    std::uint32_t index;
    bool accumulate;
    bool emit;
    std::size_t slot;
  };
  void enter(const std::uint32_t* words, const Token& token);
  void pack_result(std::size_t slot, std::uint32_t lanes, std::vector<std::uint32_t>& words) const {
    pack_sums(results_.data() + slot * lanes_, lanes, accumulator_bits_, words);
  }
  std::uint64_t overflows() const { return arithmetic_.overflows(); }

 private:
  using Lane = typename Arithmetic::Lane;
  using Sum = typename Arithmetic::Sum;

  Arithmetic arithmetic_;
  std::uint32_t accumulator_bits_;
  std::size_t lanes_;
  LaneReader mov_reader_, sta_reader_;
  std::vector<Lane> mov_lanes_, sta_lanes_;
  std::vector<Lane> stationary_, loading_;  // [rows][lanes]
  std::vector<Sum> acc_;                    // [acc_rows][lanes]
  std::vector<Sum> results_;                // [results][lanes]
};

class WsModel {
 public:
  explicit WsModel(const Params& params);

  // One rising clock edge.
  void step(const ArrayInputs& in);
  // The ports after the last edge.
  const ArrayOutputs& outputs() const { return outputs_; }

  const PeCycles& pe_cycles() const { return pe_cycles_; }
  const ActionCounts& actions() const { return actions_; }
  // Jobs whose last token has entered the array since construction; a reset leaves it as it is.
  std::uint64_t jobs_entered() const { return jobs_entered_; }
  std::uint64_t overflows() const;

 private:
  // A result on its way out, by the step it leaves in.
  struct Due {
    bool valid = false;
    std::uint32_t lanes = 0;
  };

  void reset();
  bool advance();
  bool load_beat(bool feed);
  void enter_token();
  void start_job();
  void count_step(bool advanced, bool fed);
  void show_outputs();
  const Job& loading_job();

  using AnyDatapath = std::variant<WsDatapath<Narrow>, WsDatapath<Medium>, WsDatapath<Wide>,
                                   WsDatapath<LimitedIntegers>, WsDatapath<Float32>>;
  static AnyDatapath make_datapath(const Params& params, std::size_t results);

  Params params_;
  JobLayout layout_;
  std::uint64_t pes_;
  bool swapped_;  // input stationary
  SkidBuffer u_job_, u_mov_, u_sta_, u_y_;

  Job head_;  // at the head of u_job_, the one that loads
  bool head_known_ = false;
  Job job_;                 // the one that streams
  StreamShape shape_ = {};  // of job_
  std::uint32_t sta_count_q_ = 0;
  bool streaming_q_ = false;
  std::uint32_t token_count_q_ = 0;
  std::uint32_t reuse_left_q_ = 0;
  std::uint32_t drain_left_q_ = 0;

  OpenSums open_sums_;

  std::uint64_t now_ = 0;  // steps taken
  std::vector<Due> due_;   // by step, a power of two of them
  AnyDatapath datapath_;
  std::vector<std::uint32_t> y_row_, y_zero_;

  ArrayOutputs outputs_;
  PeCycles pe_cycles_;
  ActionCounts actions_;
  std::uint64_t jobs_entered_ = 0;
};

}  // namespace bitsmith::systolic
