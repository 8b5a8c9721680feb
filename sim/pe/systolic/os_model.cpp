#include "pe/systolic/os_model.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/error.h"

namespace bitsmith::systolic {
namespace {

// Steps between two moves of the operand history to the end of its memory.
constexpr std::size_t kHistorySlack = 512;

// The PEs (r, c) with r + c == diagonal among the first m rows and n columns.
template <class Visit>
void for_diagonal(std::uint64_t diagonal, std::uint32_t m, std::uint32_t n, Visit visit) {
  if (diagonal > m + n - 2) return;
  const std::uint64_t first = diagonal < n ? 0 : diagonal - (n - 1);
  const std::uint64_t last = std::min<std::uint64_t>(diagonal, m - 1);
  for (std::uint64_t r = first; r <= last; ++r) visit(r, diagonal - r);
}

}  // namespace

// ---- OperandHistory

template <class Lane>
OperandHistory<Lane>::OperandHistory(std::uint32_t rows, std::uint32_t cols, std::size_t lanes)
    : rows_(rows),
      cols_(cols),
      lanes_(lanes),
      length_(kHistorySlack + rows + lanes),
      head_(kHistorySlack),
      w_mask_(std::bit_ceil(std::size_t{rows} + cols + 1) - 1),
      a_(rows_ * length_),
      is_token_(length_),
      w_((w_mask_ + 1) * lanes_) {}

template <class Lane>
void OperandHistory<Lane>::make_room() {
  if (head_ > 0) return;
  const std::size_t kept = rows_ + lanes_;
  for (std::size_t r = 0; r < rows_; ++r) {
    Lane* row = a_.data() + r * length_;
    std::memmove(row + (length_ - kept), row, kept * sizeof(Lane));
  }
  std::memmove(is_token_.data() + (length_ - kept), is_token_.data(), kept * sizeof(is_token_[0]));
  head_ = length_ - kept;
}

template <class Lane>
void OperandHistory<Lane>::enter(const Lane* a, const Lane* w) {
  make_room();
  --head_;
  for (std::size_t r = 0; r < rows_; ++r) a_[r * length_ + head_] = a[r];
  for (std::size_t c = 0; c < cols_; ++c) w_[((step_ + c) & w_mask_) * lanes_ + c] = w[c];
  is_token_[head_] = 1;
  ++step_;
}

template <class Lane>
void OperandHistory<Lane>::enter_idle() {
  make_room();
  --head_;
  for (std::size_t r = 0; r < rows_; ++r) a_[r * length_ + head_] = 0;
  // Zero times a weight left in its place is zero, unless that is an infinity.
  if constexpr (std::is_floating_point_v<Lane>) {
    for (std::size_t c = 0; c < cols_; ++c) w_[((step_ + c) & w_mask_) * lanes_ + c] = 0;
  }
  is_token_[head_] = 0;
  ++step_;
}

// ---- OsDatapath

template <class Arithmetic, bool kTwoSums>
OsDatapath<Arithmetic, kTwoSums>::OsDatapath(const Params& params)
    : params_(params),
      arithmetic_(params),
      lanes_(padded_lanes(params.cols)),
      a_reader_(*params.activation),
      w_reader_(*params.weight),
      a_lanes_(params.rows),
      w_lanes_(params.cols),
      history_(params.rows, params.cols, lanes_),
      acc_q_(params.rows * lanes_),
      newest_q_(kTwoSums ? params.rows * lanes_ : 0),
      drain_q_(params.drain == Drain::overlapped ? params.rows * lanes_ : 0),
      row_(lanes_) {}

template <class Arithmetic, bool kTwoSums>
void OsDatapath<Arithmetic, kTwoSums>::enter(const std::uint32_t* a, const std::uint32_t* w,
                                             const Job& job) {
  a_reader_.read(a, job.m, a_lanes_);
  w_reader_.read(w, job.n, w_lanes_);
  history_.enter(a_lanes_.data(), w_lanes_.data());
}

template <class Arithmetic, bool kTwoSums>
auto OsDatapath<Arithmetic, kTwoSums>::finished(std::size_t pe) const -> Sum {
  if constexpr (kTwoSums) return acc_q_[pe] + newest_q_[pe];
  return acc_q_[pe];
}

template <class Arithmetic, bool kTwoSums>
void OsDatapath<Arithmetic, kTwoSums>::step(const std::vector<Flight>& flights, std::uint64_t now,
                                            std::size_t rows) {
  for (const Flight& flight : flights) {
    // All of these read the sums as they were before this step. A pipelined PE copies later, but
    // nothing that it copies changes until then.
    if (flight.emit && flight.entered && params_.drain == Drain::overlapped &&
        now >= flight.last_step + 2) {
      for_diagonal(now - 2 - flight.last_step, flight.m, flight.n,
                   [&](std::size_t r, std::size_t c) {
                     drain_q_[r * lanes_ + c] = finished(r * lanes_ + c);
                   });
    }
  }
  for (const Flight& flight : flights) {
    if (!flight.clear || now < flight.first_step + 1) continue;
    for_diagonal(now - 1 - flight.first_step, flight.m, flight.n,
                 [&](std::size_t r, std::size_t c) {
                   acc_q_[r * lanes_ + c] = 0;
                   if constexpr (kTwoSums) newest_q_[r * lanes_ + c] = 0;
                 });
  }
  add_products(rows);
}

template <class Arithmetic, bool kTwoSums>
void OsDatapath<Arithmetic, kTwoSums>::add_products(std::size_t rows) {
  // Whole vectors of lanes, so that the compiler needs no remainder loop.
  const std::size_t lanes = lanes_ / kVectorLanes * kVectorLanes;
  for (std::size_t r = 0; r < rows; ++r) {
    const Lane* __restrict a = history_.a_row(r);
    const Lane* __restrict w = history_.w_row(r);
    Sum* __restrict acc = acc_q_.data() + r * lanes;
    if constexpr (kTwoSums) {
      // The two sums change places with every token, and only then.
      const std::int32_t* __restrict is_token = history_.is_token_row(r);
      Sum* __restrict newest = newest_q_.data() + r * lanes;
      for (std::size_t c = 0; c < lanes; ++c) {
        const Sum sum = arithmetic_.add(acc[c], a[c], w[c]);
        acc[c] = is_token[c] != 0 ? newest[c] : acc[c];
        newest[c] = is_token[c] != 0 ? sum : newest[c];
      }
    } else {
      for (std::size_t c = 0; c < lanes; ++c) acc[c] = arithmetic_.add(acc[c], a[c], w[c]);
    }
  }
}

template <class Arithmetic, bool kTwoSums>
void OsDatapath<Arithmetic, kTwoSums>::pack_row(std::size_t r, std::uint32_t n,
                                                std::vector<std::uint32_t>& words) {
  for (std::size_t c = 0; c < n; ++c) {
    const std::size_t pe = r * lanes_ + c;
    row_[c] = params_.drain == Drain::overlapped ? drain_q_[pe] : finished(pe);
  }
  pack_sums(row_.data(), n, params_.accumulator_bits, words);
}

// ---- OsModel

OsModel::AnyDatapath OsModel::make_datapath(const Params& params) {
  if (partial_sums(params) == 2) return OsDatapath<Float32, true>(params);
  return with_arithmetic(params, [&]<class Arithmetic>() -> AnyDatapath {
    return OsDatapath<Arithmetic, false>(params);
  });
}

OsModel::OsModel(const Params& params)
    : params_(params),
      layout_(job_layout(params)),
      pes_(std::uint64_t{params.rows} * params.cols),
      u_job_(channel_widths(params).job),
      u_a_(channel_widths(params).a),
      u_w_(channel_widths(params).w),
      u_y_(channel_widths(params).y),
      datapath_(make_datapath(params)),
      y_row_(words_for_bits(channel_widths(params).y)),
      y_zero_(y_row_.size()) {
  flights_.reserve(std::size_t{params.rows} + params.cols + 4);
  reset();
}

void OsModel::reset() {
  u_job_.reset();
  u_a_.reset();
  u_w_.reset();
  u_y_.reset();
  job_known_ = false;
  k_count_q_ = 0;
  drain_left_q_ = 0;
  adding_left_q_ = 0;
  open_sums_.reset();
  flights_.clear();
  // The tokens in the skew become invalid; zero activations say the same.
  for (std::size_t i = 0; i < std::size_t{params_.rows} + params_.cols + 1; ++i) {
    std::visit([](auto& datapath) { datapath.enter_idle(); }, datapath_);
    ++now_;
  }
  show_outputs();
}

void OsModel::step(const ArrayInputs& in) {
  if (!in.rst_n) {
    count_step(false, false);
    return reset();
  }
  if (u_job_.valid_o() && !job_known_) {
    job_ = layout_.unpack({u_job_.data_o(), words_for_bits(layout_.bits())});
    job_known_ = true;
  }
  const bool in_job = k_count_q_ != 0;
  const bool operands_valid = u_a_.valid_o() && u_w_.valid_o();
  const bool drain_done_in_time =
      params_.drain == Drain::serial ? drain_left_q_ == 0 : !job_.emit || drain_left_q_ <= job_.k;
  const bool feed =
      operands_valid && (in_job || (u_job_.valid_o() && drain_done_in_time && adding_left_q_ == 0));
  const bool last = k_count_q_ == job_.k - 1;
  const bool drain = drain_left_q_ != 0 && drain_left_q_ <= drain_m_q_;
  const bool advance_now = in.en && (!in_job || operands_valid) && (!drain || u_y_.ready_o());

  if (advance_now) advance(feed, drain);
  count_step(advance_now, feed);

  const bool pop = advance_now && feed;
  u_job_.step(in.job_valid, in.job, pop && last);
  if (pop && last) job_known_ = false;
  u_a_.step(in.a_valid, in.a, pop);
  u_w_.step(in.w_valid, in.w, pop);
  u_y_.step(advance_now && drain, y_row_.data(), in.y_ready);
  show_outputs();
}

// One step of the whole array.
void OsModel::advance(bool feed, bool drain) {
  if (drain) {
    const std::size_t row = drain_m_q_ - drain_left_q_;
    std::visit([&](auto& datapath) { datapath.pack_row(row, drain_n_q_, y_row_); }, datapath_);
    ++actions_[kYBeat];
    actions_[kDrainShift] += pes_;
  }
  if (!flights_.empty()) {
    std::uint32_t rows = 0;
    for (const Flight& flight : flights_) rows = std::max(rows, flight.m);
    std::visit([&](auto& datapath) { datapath.step(flights_, now_, rows); }, datapath_);
    std::erase_if(flights_, [&](const Flight& flight) {
      return flight.entered && now_ >= flight.last_step + flight.m + flight.n;
    });
  }
  if (drain_left_q_ != 0) --drain_left_q_;
  if (adding_left_q_ != 0) --adding_left_q_;
  if (feed) {
    enter_token();
  } else {
    std::visit([](auto& datapath) { datapath.enter_idle(); }, datapath_);
  }
  ++now_;
}

void OsModel::start_job() {
  check(
      job_.m >= 1 && job_.m <= params_.rows && job_.n >= 1 && job_.n <= params_.cols && job_.k >= 1,
      "a job that does not fit the array");
  open_sums_.begin(params_, job_);
  flights_.push_back({now_, 0, job_.m, job_.n, !job_.accumulate, job_.emit, false});
  ++actions_[kJob];
}

void OsModel::enter_token() {
  if (k_count_q_ == 0) start_job();
  std::visit([&](auto& datapath) { datapath.enter(u_a_.data_o(), u_w_.data_o(), job_); },
             datapath_);
  ++actions_[kABeat];
  ++actions_[kWBeat];
  if (k_count_q_ != job_.k - 1) {
    ++k_count_q_;
    return;
  }
  k_count_q_ = 0;
  ++jobs_entered_;
  flights_.back().entered = true;
  flights_.back().last_step = now_;
  if (!job_.emit) return;
  drain_left_q_ = os_drain_steps(params_, job_);
  adding_left_q_ = os_adding_steps(params_);
  drain_m_q_ = job_.m;
  drain_n_q_ = job_.n;
  if (partial_sums(params_) == 2) actions_[kAddPartialSums] += pes_;
  if (params_.drain == Drain::overlapped) actions_[kDrainCopy] += pes_;
}

void OsModel::count_step(bool advanced, bool fed) {
  const std::uint64_t useful = std::uint64_t{job_.m} * job_.n;
  pe_cycles_.count_step(advanced, fed, useful, pes_);
  if (advanced && fed) actions_[kMac] += useful;
}

std::uint64_t OsModel::overflows() const {
  return std::visit([](const auto& datapath) { return datapath.overflows(); }, datapath_);
}

void OsModel::show_outputs() {
  outputs_.job_ready = u_job_.ready_o();
  outputs_.a_ready = u_a_.ready_o();
  outputs_.w_ready = u_w_.ready_o();
  outputs_.y_valid = u_y_.valid_o();
  outputs_.y = u_y_.valid_o() ? u_y_.data_o() : y_zero_.data();
}

}  // namespace bitsmith::systolic
