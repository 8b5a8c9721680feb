#include "pe/systolic/ws_model.h"

#include <algorithm>
#include <bit>

#include "common/error.h"

namespace bitsmith::systolic {

// ---- WsDatapath

template <class Arithmetic>
WsDatapath<Arithmetic>::WsDatapath(const Params& params, std::size_t results)
    : arithmetic_(params),
      accumulator_bits_(params.accumulator_bits),
      lanes_(padded_lanes(params.cols)),
      mov_reader_(params.dataflow == Dataflow::input_stationary ? *params.weight
                                                                : *params.activation),
      sta_reader_(params.dataflow == Dataflow::input_stationary ? *params.activation
                                                                : *params.weight),
      mov_lanes_(params.rows),
      sta_lanes_(lanes_),
      stationary_(params.rows * lanes_),
      loading_(params.rows * lanes_),
      acc_(params.acc_rows * lanes_),
      results_(results * lanes_) {}

template <class Arithmetic>
void WsDatapath<Arithmetic>::load(const std::uint32_t* words, std::uint32_t row,
                                  std::uint32_t lanes) {
  sta_reader_.read(words, lanes, sta_lanes_);
  std::copy(sta_lanes_.begin(), sta_lanes_.end(),
            loading_.begin() + static_cast<std::ptrdiff_t>(row * lanes_));
}

template <class Arithmetic>
void WsDatapath<Arithmetic>::enter(const std::uint32_t* words, const Token& token) {
  mov_reader_.read(words, token.k, mov_lanes_);
  const std::size_t lanes = lanes_ / kVectorLanes * kVectorLanes;
  Sum* open = acc_.data() + token.index * lanes;
  Sum* __restrict sums = token.emit ? results_.data() + token.slot * lanes : open;
  if (!token.accumulate) {
    std::fill_n(sums, lanes, Sum{0});
  } else if (token.emit) {
    std::copy_n(open, lanes, sums);
  }
  for (std::size_t r = 0; r < token.k; ++r) {
    const Lane a = mov_lanes_[r];
    const Lane* __restrict w = stationary_.data() + r * lanes;
    for (std::size_t c = 0; c < lanes; ++c) sums[c] = arithmetic_.add(sums[c], a, w[c]);
  }
}

// ---- WsModel

WsModel::AnyDatapath WsModel::make_datapath(const Params& params, std::size_t results) {
  return with_arithmetic(params, [&]<class Arithmetic>() -> AnyDatapath {
    return WsDatapath<Arithmetic>(params, results);
  });
}

WsModel::WsModel(const Params& params)
    : params_(params),
      layout_(job_layout(params)),
      pes_(std::uint64_t{params.rows} * params.cols),
      swapped_(params.dataflow == Dataflow::input_stationary),
      u_job_(channel_widths(params).job),
      u_mov_(swapped_ ? channel_widths(params).w : channel_widths(params).a),
      u_sta_(swapped_ ? channel_widths(params).a : channel_widths(params).w),
      u_y_(channel_widths(params).y),
      due_(std::bit_ceil(ws_drain_steps(params) + std::size_t{1})),
      datapath_(make_datapath(params, due_.size())),
      y_row_(words_for_bits(channel_widths(params).y)),
      y_zero_(y_row_.size()) {
  reset();
}

void WsModel::reset() {
  u_job_.reset();
  u_mov_.reset();
  u_sta_.reset();
  u_y_.reset();
  head_known_ = false;
  sta_count_q_ = 0;
  streaming_q_ = false;
  token_count_q_ = 0;
  reuse_left_q_ = 0;
  drain_left_q_ = 0;
  open_sums_.reset();
  std::fill(due_.begin(), due_.end(), Due{});
  show_outputs();
}

const Job& WsModel::loading_job() {
  if (!head_known_) {
    head_ = layout_.unpack({u_job_.data_o(), words_for_bits(layout_.bits())});
    head_known_ = true;
    check(head_.m >= 1 && head_.m <= tile_limits(params_).m && head_.n >= 1 &&
              head_.n <= tile_limits(params_).n && head_.k >= 1 && head_.k <= params_.rows,
          "a job that does not fit the array");
  }
  return head_;
}

void WsModel::step(const ArrayInputs& in) {
  if (!in.rst_n) {
    count_step(false, false);
    return reset();
  }
  const bool in_job = token_count_q_ != 0;
  const Due due = due_[now_ & (due_.size() - 1)];
  const bool drained = drain_left_q_ == 0;
  const bool start = drained && (!job_.accumulate || reuse_left_q_ == 0);
  const bool feed = streaming_q_ && u_mov_.valid_o() && (in_job || start);
  const bool last = token_count_q_ + 1 == shape_.tokens;
  const bool advance = in.en && (!in_job || u_mov_.valid_o()) && (!due.valid || u_y_.ready_o());

  bool sta_pop = false;
  bool load_next = false;
  if (advance) {
    const bool sta_allowed = params_.preload == Preload::overlapped
                                 ? !streaming_q_ || in_job || feed
                                 : !streaming_q_ && drained;
    if (u_job_.valid_o()) {
      const std::uint32_t load_k = loading_job().k;
      sta_pop = u_sta_.valid_o() && sta_allowed && sta_count_q_ != load_k;
      load_next = sta_count_q_ + (sta_pop ? 1 : 0) == load_k && (!streaming_q_ || (feed && last));
    }
    if (due.valid) {
      std::visit(
          [&](const auto& datapath) {
            datapath.pack_result(now_ & (due_.size() - 1), due.lanes, y_row_);
          },
          datapath_);
      due_[now_ & (due_.size() - 1)].valid = false;
      ++actions_[kYBeat];
    }
    if (reuse_left_q_ != 0) --reuse_left_q_;
    if (drain_left_q_ != 0) --drain_left_q_;
    if (feed) enter_token();
    count_step(true, feed);
    if (sta_pop) {
      const std::uint32_t lanes = stream_shape(params_, head_).lanes;
      std::visit([&](auto& datapath) { datapath.load(u_sta_.data_o(), sta_count_q_, lanes); },
                 datapath_);
      ++sta_count_q_;
      ++actions_[swapped_ ? kABeat : kWBeat];
    }
    if (load_next) start_job();
    ++now_;
  } else {
    count_step(false, false);
  }

  u_job_.step(in.job_valid, in.job, load_next);
  if (load_next) head_known_ = false;
  u_mov_.step(swapped_ ? in.w_valid : in.a_valid, swapped_ ? in.w : in.a, advance && feed);
  u_sta_.step(swapped_ ? in.a_valid : in.w_valid, swapped_ ? in.a : in.w, sta_pop);
  u_y_.step(advance && due.valid, y_row_.data(), in.y_ready);
  show_outputs();
}

// The loaded job takes over the stream registers.
void WsModel::start_job() {
  job_ = head_;
  shape_ = stream_shape(params_, job_);
  sta_count_q_ = 0;
  streaming_q_ = true;
  open_sums_.begin(params_, job_);
  ++actions_[kJob];
}

void WsModel::enter_token() {
  const bool first = token_count_q_ == 0;
  const std::size_t leaves = (now_ + ws_drain_steps(params_)) & (due_.size() - 1);
  std::visit(
      [&](auto& datapath) {
        if (first) datapath.use_loaded();
        datapath.enter(u_mov_.data_o(),
                       {job_.k, shape_.lanes, token_count_q_, job_.accumulate, job_.emit, leaves});
      },
      datapath_);
  if (job_.emit) due_[leaves] = {true, shape_.lanes};
  if (job_.accumulate) actions_[kAccRead] += params_.cols;
  if (!job_.emit) actions_[kAccWrite] += params_.cols;
  ++actions_[swapped_ ? kWBeat : kABeat];

  if (first) reuse_left_q_ = ws_reuse_steps(params_) - 1;
  if (++token_count_q_ != shape_.tokens) return;
  token_count_q_ = 0;
  streaming_q_ = false;
  ++jobs_entered_;
  if (params_.drain == Drain::serial) drain_left_q_ = ws_drain_steps(params_);
}

void WsModel::count_step(bool advanced, bool fed) {
  const std::uint64_t useful = std::uint64_t{job_.k} * shape_.lanes;
  pe_cycles_.count_step(advanced, fed, useful, pes_);
  if (advanced && fed) actions_[kMac] += useful;
}

std::uint64_t WsModel::overflows() const {
  return std::visit([](const auto& datapath) { return datapath.overflows(); }, datapath_);
}

void WsModel::show_outputs() {
  outputs_.job_ready = u_job_.ready_o();
  outputs_.a_ready = (swapped_ ? u_sta_ : u_mov_).ready_o();
  outputs_.w_ready = (swapped_ ? u_mov_ : u_sta_).ready_o();
  outputs_.y_valid = u_y_.valid_o();
  outputs_.y = u_y_.valid_o() ? u_y_.data_o() : y_zero_.data();
}

}  // namespace bitsmith::systolic
