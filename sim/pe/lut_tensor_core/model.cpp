#include "pe/lut_tensor_core/model.h"

#include "common/error.h"
#include "numerics/pack.h"

namespace bitsmith::lut_tensor_core {

Model::Model(const Params& params)
    : params_(params),
      widths_(channel_widths(params)),
      layout_(job_layout(params)),
      pes_(std::uint64_t{rows(params)} * cols(params)),
      tables_(std::uint64_t{rows(params)} * params.unit_cols),
      planes_(steps_per_beat(params)),
      group_beats_(params.group / params.k),
      y_words_(words_for_bits(widths_.y)),
      u_job_(widths_.job),
      u_a_(widths_.a),
      u_w_(widths_.w),
      u_s_(widths_.s),
      u_y_(widths_.y),
      datapath_(params),
      y_zero_(y_words_) {
  for (Leaving& leaving : leaving_) leaving.words.resize(rows(params) * y_words_);
  reset();
}

void Model::reset() {
  u_job_.reset();
  u_a_.reset();
  u_w_.reset();
  u_s_.reset();
  u_y_.reset();
  job_known_ = false;
  in_job_q_ = false;
  first_group_q_ = true;
  plane_q_ = beat_q_ = group_beat_q_ = gap_q_ = 0;
  leaving_head_ = leaving_count_ = 0;
  sums_open_ = false;
  show_outputs();
}

void Model::step(const ArrayInputs& in) {
  if (!in.rst_n) {
    pe_cycles_.count_step(false, false, 0, pes_);
    return reset();
  }
  if (u_job_.valid_o() && !job_known_) {
    job_ = layout_.unpack({u_job_.data_o(), words_for_bits(widths_.job)});
    job_beats_ = beat_count(params_, job_.k);
    job_known_ = true;
  }
  const bool operands_valid = u_a_.valid_o() && u_w_.valid_o() && u_s_.valid_o();
  const bool last_plane = plane_q_ == planes_ - 1;
  const bool last_beat = beat_q_ == job_beats_ - 1;
  const bool group_last = last_plane && (last_beat || group_beat_q_ == group_beats_ - 1);
  const bool job_last = last_plane && last_beat;
  const bool feed = u_job_.valid_o() && operands_valid && !(group_last && gap_q_ != 0);
  Leaving& leaving = leaving_[leaving_head_];
  const bool push = leaving_count_ != 0 && now_ >= leaving.first_step;
  const bool advance = in.en && (!in_job_q_ || operands_valid) && (!push || u_y_.ready_o());

  const std::uint32_t* y_row = leaving.words.data() + leaving.row * y_words_;
  const bool fed = advance && feed;
  pe_cycles_.count_step(advance, feed, std::uint64_t{job_.m} * job_.n, pes_);
  if (advance) {
    if (gap_q_ != 0) --gap_q_;
    if (push) {
      ++actions_[kYBeat];
      if (++leaving.row == leaving.rows) {
        leaving_head_ = (leaving_head_ + 1) % kMostLeaving;
        --leaving_count_;
      }
    }
    if (feed) enter_token(last_plane, group_last, job_last);
    ++now_;
  }
  u_job_.step(in.job_valid, in.job, fed && job_last);
  if (fed && job_last) job_known_ = false;
  u_a_.step(in.a_valid, in.a, fed && last_plane);
  u_w_.step(in.w_valid, in.w, fed);
  u_s_.step(in.s_valid, in.s, fed && group_last);
  u_y_.step(advance && push, y_row, in.y_ready);
  show_outputs();
}

// What the producer of jobs owes us.
void Model::start_job() {
  check(job_.m >= 1 && job_.m <= rows(params_) && job_.n >= 1 && job_.n <= cols(params_) &&
            job_.k >= 1,
        "a job that does not fit the array");
  check(!job_.accumulate || (sums_open_ && open_m_ == job_.m && open_n_ == job_.n),
        "a job accumulates without open sums of its shape");
  check(!job_.accumulate || open_k_ % params_.group == 0,
        "a job continues in the middle of a group");
  open_k_ = (job_.accumulate ? open_k_ : 0) + job_.k;
  check(open_k_ <= longest_exact_k(params_),
        "the K of accumulating jobs exceeds what the accumulator holds exactly");
  sums_open_ = !job_.emit;
  open_m_ = job_.m;
  open_n_ = job_.n;
  ++actions_[kJob];
}

void Model::enter_token(bool last_plane, bool group_last, bool job_last) {
  if (!in_job_q_) start_job();
  in_job_q_ = !job_last;
  if (plane_q_ == 0) {
    datapath_.load(u_a_.data_o(), job_.m);
    actions_[kTable] += tables_;
    if (has_sum_lane(params_)) actions_[kSumLane] += tables_;
  }
  datapath_.step(u_w_.data_o(), plane_q_, job_.m, group_beat_q_ == 0 && plane_q_ == 0);
  ++actions_[kWBeat];
  actions_[kLane] += std::uint64_t{job_.m} * job_.n;
  if (group_last) finish_group(job_last);

  ++plane_q_;
  if (!last_plane) return;
  ++actions_[kABeat];
  plane_q_ = 0;
  beat_q_ = job_last ? 0 : beat_q_ + 1;
  group_beat_q_ = group_last ? 0 : group_beat_q_ + 1;
  if (job_last) ++jobs_entered_;
}

void Model::finish_group(bool job_last) {
  datapath_.finish_group(u_s_.data_o(), job_.m, first_group_q_ && !job_.accumulate);
  first_group_q_ = job_last;
  gap_q_ = group_spacing(params_, job_) - 1;
  ++actions_[kSBeat];
  actions_[kResultShift] += pes_ * job_.m;
  actions_[kDequantise] += std::uint64_t{cols(params_)} * job_.m;
  if (!job_last || !job_.emit) return;
  check(leaving_count_ < kMostLeaving, "more results inside than there can be");
  Leaving& leaving = leaving_[(leaving_head_ + leaving_count_++) % kMostLeaving];
  leaving.first_step = now_ + first_row_steps(params_);
  leaving.rows = job_.m;
  leaving.row = 0;
  for (std::uint32_t r = 0; r < job_.m; ++r) {
    datapath_.pack_row(r, job_.n, leaving.words.data() + r * y_words_);
  }
}

void Model::show_outputs() {
  outputs_.job_ready = u_job_.ready_o();
  outputs_.a_ready = u_a_.ready_o();
  outputs_.w_ready = u_w_.ready_o();
  outputs_.s_ready = u_s_.ready_o();
  outputs_.y_valid = u_y_.valid_o();
  outputs_.y = u_y_.valid_o() ? u_y_.data_o() : y_zero_.data();
}

}  // namespace bitsmith::lut_tensor_core
