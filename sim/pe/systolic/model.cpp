#include "pe/systolic/model.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "common/error.h"
#include "numerics/pack.h"

namespace bitsmith::systolic {
namespace {

// Rows are padded to whole vectors of the widest machine (16 sums of 32 bits).
constexpr std::size_t kVectorLanes = 16;
// Steps between two moves of the operand history to the end of its memory.
constexpr std::size_t kHistorySlack = 512;

std::size_t padded(std::size_t lanes) {
  return (lanes + kVectorLanes - 1) / kVectorLanes * kVectorLanes;
}

// Lanes 0 .. used - 1 of a beat as numbers, zero above.
void unpack_lanes(const std::uint32_t* words, int bits, std::size_t used,
                  std::vector<std::int16_t>& lanes) {
  if (bits == 8) {
    const auto* bytes =
        reinterpret_cast<const signed char*>(words);  // little-endian, as the words are
    for (std::size_t i = 0; i < used; ++i) lanes[i] = bytes[i];
  } else if (bits == 16) {
    std::memcpy(lanes.data(), words, used * sizeof(std::int16_t));
  } else {
    const auto width = static_cast<std::size_t>(bits);
    const std::span all(words, words_for_bits(used * width));
    for (std::size_t i = 0; i < used; ++i) {
      lanes[i] = static_cast<std::int16_t>(sign_extend(get_bits(all, i * width, bits), bits));
    }
  }
  std::fill(lanes.begin() + static_cast<std::ptrdiff_t>(used), lanes.end(), std::int16_t{0});
}

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

OperandHistory::OperandHistory(std::uint32_t rows, std::uint32_t cols, std::size_t lanes)
    : rows_(rows),
      cols_(cols),
      lanes_(lanes),
      length_(kHistorySlack + rows + lanes),
      head_(kHistorySlack),
      w_mask_(std::bit_ceil(std::size_t{rows} + cols + 1) - 1),
      a_(rows_ * length_),
      w_((w_mask_ + 1) * lanes_) {}

void OperandHistory::make_room() {
  if (head_ > 0) return;
  const std::size_t kept = rows_ + lanes_;
  for (std::size_t r = 0; r < rows_; ++r) {
    std::int16_t* row = a_.data() + r * length_;
    std::memmove(row + (length_ - kept), row, kept * sizeof(std::int16_t));
  }
  head_ = length_ - kept;
}

void OperandHistory::enter(const std::int16_t* a, const std::int16_t* w) {
  make_room();
  --head_;
  for (std::size_t r = 0; r < rows_; ++r) a_[r * length_ + head_] = a[r];
  for (std::size_t c = 0; c < cols_; ++c) w_[((step_ + c) & w_mask_) * lanes_ + c] = w[c];
  ++step_;
}

void OperandHistory::enter_idle() {
  make_room();
  --head_;
  // A zero activation makes the product zero whatever weight is left in its place.
  for (std::size_t r = 0; r < rows_; ++r) a_[r * length_ + head_] = 0;
  ++step_;
}

// ---- Sums

template <class Product, class Sum, bool kChecked>
Sums<Product, Sum, kChecked>::Sums(const Params& params, std::size_t lanes)
    : params_(params),
      lanes_(lanes),
      acc_q_(params.rows * lanes),
      drain_q_(params.drain == Drain::overlapped ? params.rows * lanes : 0) {}

template <class Product, class Sum, bool kChecked>
Sum Sums<Product, Sum, kChecked>::add(Sum acc, Product product) {
  if constexpr (!kChecked) return acc + product;
  const Sum sum = acc + product;
  const Sum highest = (Sum{1} << (params_.accumulator_bits - 1)) - 1;
  if (sum <= highest && sum >= -highest - 1) return sum;
  ++overflows_;
  if (params_.overflow == Overflow::saturate) return sum > 0 ? highest : -highest - 1;
  return static_cast<Sum>(
      sign_extend(static_cast<std::uint64_t>(sum), static_cast<int>(params_.accumulator_bits)));
}

template <class Product, class Sum, bool kChecked>
void Sums<Product, Sum, kChecked>::step(const OperandHistory& history,
                                        const std::vector<Flight>& flights, std::uint64_t now,
                                        std::size_t rows) {
  for (const Flight& flight : flights) {
    // All of these read the sums as they were before this step.
    if (flight.emit && flight.entered && params_.drain == Drain::overlapped &&
        now >= flight.last_step + 2) {
      for_diagonal(
          now - 2 - flight.last_step, flight.m, flight.n,
          [&](std::size_t r, std::size_t c) { drain_q_[r * lanes_ + c] = acc_q_[r * lanes_ + c]; });
    }
  }
  for (const Flight& flight : flights) {
    if (!flight.clear || now < flight.first_step + 1) continue;
    for_diagonal(now - 1 - flight.first_step, flight.m, flight.n,
                 [&](std::size_t r, std::size_t c) { acc_q_[r * lanes_ + c] = 0; });
  }
  // Whole vectors of lanes, so that the compiler needs no remainder loop.
  const std::size_t lanes = lanes_ / kVectorLanes * kVectorLanes;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::int16_t* __restrict a = history.a_row(r);
    const std::int16_t* __restrict w = history.w_row(r);
    Sum* __restrict acc = acc_q_.data() + r * lanes;
    for (std::size_t c = 0; c < lanes; ++c) {
      acc[c] = add(acc[c], static_cast<Product>(a[c] * w[c]));
    }
  }
}

template <class Product, class Sum, bool kChecked>
void Sums<Product, Sum, kChecked>::pack_row(std::size_t r, std::uint32_t n,
                                            std::vector<std::uint32_t>& words) const {
  const Sum* row = (params_.drain == Drain::overlapped ? drain_q_ : acc_q_).data() + r * lanes_;
  std::fill(words.begin(), words.end(), 0U);
  if (sizeof(Sum) == 4 && params_.accumulator_bits == 32) {
    std::memcpy(words.data(), row, n * sizeof(Sum));
    return;
  }
  for (std::uint32_t c = 0; c < n; ++c) {
    put_bits(words, c * params_.accumulator_bits, static_cast<int>(params_.accumulator_bits),
             static_cast<std::uint64_t>(row[c]));
  }
}

// ---- Model

Model::AnySums Model::make_sums(const Params& params, std::size_t lanes) {
  const int product_bits = params.activation->bits + params.weight->bits;
  if (params.overflow != Overflow::exact) return Checked(params, lanes);
  if (params.accumulator_bits > 32) return Wide(params, lanes);
  if (product_bits > 16) return Medium(params, lanes);
  return Narrow(params, lanes);
}

Model::Model(const Params& params)
    : params_(params),
      layout_(job_layout(params)),
      pes_(std::uint64_t{params.rows} * params.cols),
      u_job_(channel_widths(params).job),
      u_a_(channel_widths(params).a),
      u_w_(channel_widths(params).w),
      u_y_(channel_widths(params).y),
      lanes_(padded(params.cols)),
      history_(params.rows, params.cols, lanes_),
      sums_(make_sums(params, lanes_)),
      a_lanes_(params.rows),
      w_lanes_(params.cols),
      y_row_(words_for_bits(channel_widths(params).y)),
      y_zero_(y_row_.size()) {
  flights_.reserve(std::size_t{params.rows} + params.cols + 4);
  reset();
}

void Model::reset() {
  u_job_.reset();
  u_a_.reset();
  u_w_.reset();
  u_y_.reset();
  job_known_ = false;
  k_count_q_ = 0;
  drain_left_q_ = 0;
  sums_open_ = false;
  flights_.clear();
  // The tokens in the skew become invalid; zero activations say the same.
  for (std::size_t i = 0; i < std::size_t{params_.rows} + params_.cols + 1; ++i) {
    history_.enter_idle();
    ++now_;
  }
  show_outputs();
}

void Model::step(const ArrayInputs& in) {
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
  const bool feed = operands_valid && (in_job || (u_job_.valid_o() && drain_done_in_time));
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
void Model::advance(bool feed, bool drain) {
  if (drain) {
    const std::size_t row = drain_m_q_ - drain_left_q_;
    std::visit([&](const auto& sums) { sums.pack_row(row, drain_n_q_, y_row_); }, sums_);
    ++actions_[kYBeat];
    actions_[kDrainShift] += pes_;
  }
  if (!flights_.empty()) {
    std::uint32_t rows = 0;
    for (const Flight& flight : flights_) rows = std::max(rows, flight.m);
    std::visit([&](auto& sums) { sums.step(history_, flights_, now_, rows); }, sums_);
    std::erase_if(flights_, [&](const Flight& flight) {
      return flight.entered && now_ >= flight.last_step + flight.m + flight.n;
    });
  }
  if (drain_left_q_ != 0) --drain_left_q_;
  if (feed) {
    enter_token();
  } else {
    history_.enter_idle();
  }
  ++now_;
}

void Model::start_job() {
  check(
      job_.m >= 1 && job_.m <= params_.rows && job_.n >= 1 && job_.n <= params_.cols && job_.k >= 1,
      "a job that does not fit the array");
  check(!job_.accumulate || (sums_open_ && open_job_.m == job_.m && open_job_.n == job_.n),
        "a job accumulates without open sums of its shape");
  open_k_ = (job_.accumulate ? open_k_ : 0) + job_.k;
  check(params_.overflow != Overflow::exact || open_k_ <= longest_exact_k(params_),
        "the K of accumulating jobs exceeds what the accumulator holds exactly");
  sums_open_ = !job_.emit;
  open_job_ = job_;
  flights_.push_back({now_, 0, job_.m, job_.n, !job_.accumulate, job_.emit, false});
  ++actions_[kJob];
}

void Model::enter_token() {
  if (k_count_q_ == 0) start_job();
  unpack_lanes(u_a_.data_o(), params_.activation->bits, job_.m, a_lanes_);
  unpack_lanes(u_w_.data_o(), params_.weight->bits, job_.n, w_lanes_);
  history_.enter(a_lanes_.data(), w_lanes_.data());
  ++actions_[kABeat];
  ++actions_[kWBeat];
  if (k_count_q_ != job_.k - 1) {
    ++k_count_q_;
    return;
  }
  k_count_q_ = 0;
  flights_.back().entered = true;
  flights_.back().last_step = now_;
  if (!job_.emit) return;
  drain_left_q_ = drain_steps(params_, job_);
  drain_m_q_ = job_.m;
  drain_n_q_ = job_.n;
  if (params_.drain == Drain::overlapped) actions_[kDrainCopy] += pes_;
}

void Model::count_step(bool advanced, bool fed) {
  if (!advanced) {
    pe_cycles_.stalled += pes_;
  } else if (!fed) {
    pe_cycles_.idle += pes_;
  } else {
    const std::uint64_t useful = std::uint64_t{job_.m} * job_.n;
    pe_cycles_.mac += useful;
    pe_cycles_.pad += pes_ - useful;
    actions_[kMac] += useful;
  }
}

std::uint64_t Model::overflows() const {
  return std::visit([](const auto& sums) { return sums.overflows(); }, sums_);
}

void Model::show_outputs() {
  outputs_.job_ready = u_job_.ready_o();
  outputs_.a_ready = u_a_.ready_o();
  outputs_.w_ready = u_w_.ready_o();
  outputs_.y_valid = u_y_.valid_o();
  outputs_.y = u_y_.valid_o() ? u_y_.data_o() : y_zero_.data();
}

}  // namespace bitsmith::systolic
