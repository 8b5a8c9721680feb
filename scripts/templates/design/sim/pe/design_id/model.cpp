#include "pe/design_id/model.h"

#include <algorithm>
#include <span>

#include "common/error.h"
#include "numerics/pack.h"

namespace bitsmith::design_id {

Model::Model(const Params& params)
    : params_(params),
      widths_(channel_widths(params)),
      layout_(job_layout(params)),
      u_job_(widths_.job),
      u_a_(widths_.a),
      u_w_(widths_.w),
      u_y_(widths_.y),
      y_beat_(words_for_bits(widths_.y)),
      y_zero_(words_for_bits(widths_.y)) {
  reset();
}

// Only what the RTL resets: the data registers keep their values, nothing can see them.
void Model::reset() {
  u_job_.reset();
  u_a_.reset();
  u_w_.reset();
  u_y_.reset();
  k_done_q_ = 0;
  valid_q_ = false;
  y_valid_q_ = false;
  sums_open_ = false;
  show_outputs();
}

void Model::step(const ArrayInputs& in) {
  if (!in.rst_n) {
    count_step(false, false);
    return reset();
  }
  if (u_job_.valid_o()) job_ = layout_.unpack({u_job_.data_o(), words_for_bits(widths_.job)});

  // REPLACE: the controller, line by line the assignments of the edge's RTL.
  const bool in_job = k_done_q_ != 0;
  const bool feed = u_job_.valid_o() && u_a_.valid_o() && u_w_.valid_o();
  const bool last = job_.k - k_done_q_ <= params_.lanes;
  const bool drain = y_valid_q_;
  const bool advance_now = in.en && (!in_job || feed) && (!drain || u_y_.ready_o());

  if (advance_now) advance(feed, last);
  count_step(advance_now, feed);

  const bool pop = advance_now && feed;
  u_job_.step(in.job_valid, in.job, pop && last);
  u_a_.step(in.a_valid, in.a, pop);
  u_w_.step(in.w_valid, in.w, pop);
  u_y_.step(advance_now && drain, y_beat_.data(), in.y_ready);
  show_outputs();
}

// One step of the whole array, from the last register to the first, so that each reads what the one
// before it held. The buffers still show the beats of this step.
void Model::advance(bool feed, bool last) {
  if (y_valid_q_) {
    put_bits(y_beat_, 0, static_cast<int>(params_.accumulator_bits),
             static_cast<std::uint64_t>(acc_q_));
    ++actions_[kYBeat];
  }
  if (valid_q_) acc_q_ = (clear_q_ ? 0 : acc_q_) + dot_q_;
  y_valid_q_ = valid_q_ && emit_q_;
  valid_q_ = feed;
  if (feed) enter_token(last);
}

// What the producer of jobs owes us.
void Model::start_job() {
  check(job_.m == 1 && job_.n == 1 && job_.k >= 1, "a job that does not fit the array");
  check(!job_.accumulate || sums_open_, "a job accumulates without an open sum");
  open_k_ = (job_.accumulate ? open_k_ : 0) + job_.k;
  check(open_k_ <= longest_exact_k(params_),
        "the K of accumulating jobs exceeds what the accumulator holds exactly");
  sums_open_ = !job_.emit;
  ++actions_[kJob];
}

void Model::enter_token(bool last) {
  if (k_done_q_ == 0) start_job();
  clear_q_ = k_done_q_ == 0 && !job_.accumulate;
  emit_q_ = last && job_.emit;
  dot_q_ = dot();
  ++actions_[kABeat];
  ++actions_[kWBeat];
  actions_[kMac] += std::min(params_.lanes, job_.k - k_done_q_);
  k_done_q_ = last ? 0 : k_done_q_ + params_.lanes;
  if (last) ++jobs_entered_;
}

// REPLACE: the arithmetic of your PE, as the hardware does it. All lanes, as in the RTL: those
// beyond k are zero because the producer packs them so.
std::int64_t Model::dot() const {
  const int a_bits = params_.activation->bits;
  const int w_bits = params_.weight->bits;
  const std::span a(u_a_.data_o(), words_for_bits(widths_.a));
  const std::span w(u_w_.data_o(), words_for_bits(widths_.w));
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < params_.lanes; ++i) {
    sum += sign_extend(get_bits(a, i * static_cast<std::size_t>(a_bits), a_bits), a_bits) *
           sign_extend(get_bits(w, i * static_cast<std::size_t>(w_bits), w_bits), w_bits);
  }
  return sum;
}

// REPLACE: every PE-cycle is exactly one of the four. Here a beat has at least one useful lane, so
// the one PE has no pure padding cycle; kMac counts the useful lanes.
void Model::count_step(bool advanced, bool fed) {
  if (!advanced) {
    ++pe_cycles_.stalled;
  } else if (fed) {
    ++pe_cycles_.mac;
  } else {
    ++pe_cycles_.idle;
  }
}

void Model::show_outputs() {
  outputs_.job_ready = u_job_.ready_o();
  outputs_.a_ready = u_a_.ready_o();
  outputs_.w_ready = u_w_.ready_o();
  outputs_.y_valid = u_y_.valid_o();
  outputs_.y = u_y_.valid_o() ? u_y_.data_o() : y_zero_.data();
}

}  // namespace bitsmith::design_id
