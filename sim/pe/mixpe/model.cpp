#include "pe/mixpe/model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <type_traits>

#include "common/error.h"
#include "numerics/pack.h"

namespace bitsmith::mixpe {
namespace {

constexpr std::uint32_t kCanonicalNan = 0x7FC00000;
constexpr std::uint32_t kIntegerBits = 32;  // of a sum that needs no long integers

using Integers = Datapath::Integers;
using LongIntegers = Datapath::LongIntegers;
using Floats = Datapath::Floats;

// Exact: infinities and NaN keep their field full, all others move up to FP32's bias.
inline float float_of_half(std::uint32_t code) {
  const std::uint32_t shifted = (code & 0x7FFF) << 13;
  const float finite = std::bit_cast<float>(shifted) * 0x1p112F;
  const std::uint32_t special = (code & 0x7C00) == 0x7C00 ? 0x7F800000U : 0U;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(finite) | special |
                              (code & 0x8000) << 16);
}

// The sum of a token's products, in the order of the RTL's adders.
template <std::size_t kLanes, class Vector, class Scalar>
inline Vector sum_of_lanes(const Scalar* a, const Vector* w, std::size_t stride) {
  if constexpr (kLanes == 1) {
    return w[0] * a[0];
  } else if constexpr (kLanes == 2) {
    return w[stride] * a[1] + w[0] * a[0];
  } else {
    return (w[3 * stride] * a[3] + w[2 * stride] * a[2]) + (w[stride] * a[1] + w[0] * a[0]);
  }
}
template <class Scalar>
inline Scalar sum_of_lanes(const Scalar* a, std::size_t lanes) {
  if (lanes == 1) return a[0];
  if (lanes == 2) return a[1] + a[0];
  return (a[3] + a[2]) + (a[1] + a[0]);
}

}  // namespace

// ---- Datapath

Datapath::Datapath(const Params& params)
    : params_(params),
      kind_(sums_are_floating_point(params)          ? Sums::floats
            : exact_sum_bits(params) <= kIntegerBits ? Sums::integers
                                                     : Sums::long_integers),
      has_zero_points_(has_zero_points(params)),
      results_are_floating_point_(results_are_floating_point(params)),
      lanes_(params.lanes),
      vectors_((params.cols - 1) / kColumns + 1),
      a_codes_(params.rows * lanes_),
      w_codes_(params.cols * lanes_),
      a_integers_(params.rows * lanes_),
      a_floats_(params.rows * lanes_),
      w_integers_(lanes_ * vectors_),
      w_floats_(lanes_ * vectors_),
      integer_sums_(params.rows * vectors_),
      long_sums_(params.rows * vectors_),
      float_sums_(params.rows * vectors_),
      integer_row_sums_(params.rows),
      float_row_sums_(params.rows),
      zeros_(vectors_),
      float_zeros_(vectors_),
      float_scales_(vectors_),
      integer_scales_(params.cols),
      float_open_(params.rows * vectors_),
      integer_open_(params.rows * params.cols) {
  for (std::uint32_t code = 0; code < code_count(*params.weight); ++code) {
    integers_.push_back(static_cast<std::int32_t>(decode(*params.weight, code)));
    floats_.push_back(static_cast<float>(integers_.back()));
  }
}

void Datapath::load_activations(const std::uint32_t* a) {
  const int bits = params_.activation->bits;
  unpack_codes({a, words_for_bits(a_codes_.size() * static_cast<std::size_t>(bits))}, bits,
               a_codes_);
  for (std::size_t i = 0; i < a_codes_.size(); ++i) {
    const std::uint16_t code = a_codes_[i];
    if (kind_ == Sums::floats) {
      a_floats_[i] = float_of_half(code);
    } else if (bits == 8) {
      a_integers_[i] = static_cast<std::int8_t>(code);
    } else {
      a_integers_[i] = static_cast<std::int16_t>(code);
    }
  }
}

void Datapath::load_weights(const std::uint32_t* w) {
  const int bits = params_.weight->bits;
  unpack_codes({w, words_for_bits(w_codes_.size() * static_cast<std::size_t>(bits))}, bits,
               w_codes_);
  const std::uint16_t* code = w_codes_.data();
  for (std::size_t c = 0; c < params_.cols; ++c) {
    for (std::size_t l = 0; l < lanes_; ++l, ++code) {
      const std::size_t at = l * vectors_ + c / kColumns;
      if (kind_ == Sums::floats) {
        w_floats_[at][c % kColumns] = floats_[*code];
      } else {
        w_integers_[at][c % kColumns] = integers_[*code];
      }
    }
  }
}

template <class Vector, std::size_t kLanes>
void Datapath::add_products(std::span<Vector> sums, std::uint32_t m) const {
  Vector* sum = sums.data();
  for (std::size_t r = 0; r < m; ++r) {
    for (std::size_t v = 0; v < vectors_; ++v, ++sum) {
      if constexpr (std::is_same_v<Vector, Floats>) {
        *sum += sum_of_lanes<kLanes>(a_floats_.data() + r * kLanes, w_floats_.data() + v, vectors_);
      } else {
        const Integers products =
            sum_of_lanes<kLanes>(a_integers_.data() + r * kLanes, w_integers_.data() + v, vectors_);
        if constexpr (std::is_same_v<Vector, Integers>) {
          *sum += products;
        } else {
          *sum += __builtin_convertvector(products, LongIntegers);
        }
      }
    }
  }
}

template <class Vector>
void Datapath::add_products(std::span<Vector> sums, std::uint32_t m) const {
  if (lanes_ == 1) return add_products<Vector, 1>(sums, m);
  if (lanes_ == 2) return add_products<Vector, 2>(sums, m);
  add_products<Vector, 4>(sums, m);
}

void Datapath::add_row_sums(std::uint32_t m) {
  for (std::size_t r = 0; r < m; ++r) {
    if (kind_ == Sums::floats) {
      float_row_sums_[r] += sum_of_lanes(a_floats_.data() + r * lanes_, lanes_);
    } else {
      integer_row_sums_[r] += sum_of_lanes(a_integers_.data() + r * lanes_, lanes_);
    }
  }
}

void Datapath::add_beat(const std::uint32_t* a, const std::uint32_t* w, std::uint32_t m,
                        bool first) {
  load_activations(a);
  load_weights(w);
  const auto start = [&](auto& sums) {
    if (first)
      std::fill_n(sums.begin(), m * vectors_, typename std::decay_t<decltype(sums)>::value_type{});
  };
  switch (kind_) {
    case Sums::integers:
      start(integer_sums_);
      add_products<Integers>(integer_sums_, m);
      break;
    case Sums::long_integers:
      start(long_sums_);
      add_products<LongIntegers>(long_sums_, m);
      break;
    case Sums::floats:
      start(float_sums_);
      add_products<Floats>(float_sums_, m);
      break;
  }
  if (!has_zero_points_) return;
  if (first) {
    std::fill(integer_row_sums_.begin(), integer_row_sums_.end(), 0);
    std::fill(float_row_sums_.begin(), float_row_sums_.end(), 0.0F);
  }
  add_row_sums(m);
}

void Datapath::load_scales(const std::uint32_t* s) {
  const std::size_t lane = scale_lane_bits(params_);
  const auto bits = static_cast<int>(scale_code_bits(params_));
  const std::span words(s, words_for_bits(params_.cols * lane));
  for (std::size_t c = 0; c < params_.cols; ++c) {
    const std::uint64_t scale = get_bits(words, c * lane, bits);
    integer_scales_[c] = static_cast<std::int32_t>(sign_extend(scale, bits));
    float_scales_[c / kColumns][c % kColumns] = float_of_half(static_cast<std::uint32_t>(scale));
    if (!has_zero_points_) continue;
    const auto zero = static_cast<std::int32_t>(
        get_bits(words, c * lane + scale_code_bits(params_), params_.weight->bits));
    zeros_[c / kColumns][c % kColumns] = zero;
    float_zeros_[c / kColumns][c % kColumns] = static_cast<float>(zero);
  }
}

// Without zero points both factors of C are +0, and D is SW.
void Datapath::finish_float_row(std::size_t r, bool clear) {
  for (std::size_t v = 0; v < vectors_; ++v) {
    const Floats d = float_sums_[r * vectors_ + v] - float_zeros_[v] * float_row_sums_[r];
    Floats& open = float_open_[r * vectors_ + v];
    open = (clear ? Floats{} : open) + d * float_scales_[v];
  }
}

std::int64_t Datapath::integer_sum(std::size_t r, std::size_t c) const {
  const std::size_t at = r * vectors_ + c / kColumns;
  const std::int64_t sum = kind_ == Sums::integers ? std::int64_t{integer_sums_[at][c % kColumns]}
                                                   : std::int64_t{long_sums_[at][c % kColumns]};
  return sum - integer_row_sums_[r] * zeros_[c / kColumns][c % kColumns];
}

void Datapath::finish_integer_row(std::size_t r, bool clear) {
  for (std::size_t c = 0; c < params_.cols; ++c) {
    const std::int64_t d = integer_sum(r, c);
    if (results_are_floating_point_) {
      Floats& open = float_open_[r * vectors_ + c / kColumns];
      const float before = clear ? 0.0F : open[c % kColumns];
      const float scale = float_scales_[c / kColumns][c % kColumns];
      open[c % kColumns] = before + static_cast<float>(d) * scale;
    } else {
      std::uint32_t& open = integer_open_[r * params_.cols + c];
      open = (clear ? 0 : open) + static_cast<std::uint32_t>(d * integer_scales_[c]);
    }
  }
}

void Datapath::finish_group(const std::uint32_t* s, std::uint32_t m, bool clear) {
  load_scales(s);
  for (std::size_t r = 0; r < m; ++r) {
    if (kind_ == Sums::floats) {
      finish_float_row(r, clear);
    } else {
      finish_integer_row(r, clear);
    }
  }
}

void Datapath::pack_row(std::uint32_t row, std::uint32_t n, std::uint32_t* words) const {
  std::fill(words + n, words + params_.cols, 0U);
  for (std::size_t c = 0; c < n; ++c) {
    if (results_are_floating_point_) {
      const float sum = float_open_[row * vectors_ + c / kColumns][c % kColumns];
      words[c] = std::isnan(sum) ? kCanonicalNan : std::bit_cast<std::uint32_t>(sum);
    } else {
      words[c] = integer_open_[row * params_.cols + c];
    }
  }
}

// ---- Model

Model::Model(const Params& params)
    : params_(params),
      widths_(channel_widths(params)),
      layout_(job_layout(params)),
      pes_(std::uint64_t{params.rows} * params.cols),
      digits_(digit_count(params)),
      beats_per_group_(beat_count(params, group_size(params))),
      first_row_steps_(mixpe::first_row_steps(params)),
      limits_(tile_limits(params)),
      u_job_(widths_.job),
      u_a_(widths_.a),
      u_w_(widths_.w),
      u_s_(widths_.s),
      u_y_(widths_.y),
      datapath_(params),
      y_zero_(params.cols) {
  for (Leaving& leaving : leaving_) leaving.words.resize(params.rows * params.cols);
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
  digit_q_ = beat_q_ = group_beat_q_ = gap_q_ = 0;
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
  const bool ready = u_a_.valid_o() && u_w_.valid_o() && u_s_.valid_o();
  const bool last_digit = digit_q_ == digits_ - 1;
  const bool job_last = last_digit && beat_q_ == job_beats_ - 1;
  const bool group_last = job_last || (last_digit && group_beat_q_ == beats_per_group_ - 1);
  const bool feed = u_job_.valid_o() && ready && !(group_last && gap_q_ != 0);
  Leaving& leaving = leaving_[leaving_head_];
  const bool push = leaving_count_ != 0 && now_ == leaving.next_step;
  const bool advance = in.en && (!in_job_q_ || ready) && (!push || u_y_.ready_o());

  const std::uint32_t* y_row = leaving.words.data() + leaving.row * params_.cols;
  const bool fed = advance && feed;
  pe_cycles_.count_step(advance, feed, std::uint64_t{job_.m} * job_.n, pes_);
  if (advance) {
    if (gap_q_ != 0) --gap_q_;
    if (push) {
      ++actions_[kYBeat];
      leaving.next_step += params_.row_interval;
      if (++leaving.row == leaving.rows) {
        leaving_head_ = (leaving_head_ + 1) % kMostLeaving;
        --leaving_count_;
      }
    }
    if (feed) enter_token(last_digit, group_last, job_last);
    ++now_;
  }
  if (fed && job_last) job_known_ = false;
  u_job_.step(in.job_valid, in.job, fed && job_last);
  u_a_.step(in.a_valid, in.a, fed && last_digit);
  u_w_.step(in.w_valid, in.w, fed && last_digit);
  u_s_.step(in.s_valid, in.s, fed && group_last);
  u_y_.step(advance && push, y_row, in.y_ready);
  show_outputs();
}

// What the producer of jobs owes us.
void Model::start_job() {
  check(job_.m >= 1 && job_.m <= limits_.m && job_.n >= 1 && job_.n <= limits_.n && job_.k >= 1 &&
            job_.k <= limits_.k,
        "a job that does not fit the array");
  check(!job_.accumulate || (sums_open_ && open_m_ == job_.m && open_n_ == job_.n),
        "a job accumulates without open sums of its shape");
  check(!job_.accumulate || open_k_ % limits_.k_step == 0,
        "a job continues in the middle of a group");
  open_k_ = (job_.accumulate ? open_k_ : 0) + job_.k;
  check(open_k_ <= limits_.k_total,
        "the K of accumulating jobs exceeds what the accumulator holds exactly");
  sums_open_ = !job_.emit;
  open_m_ = job_.m;
  open_n_ = job_.n;
}

void Model::enter_token(bool last_digit, bool group_last, bool job_last) {
  if (!in_job_q_) start_job();
  in_job_q_ = !job_last;
  actions_[kShiftAdd] += std::uint64_t{job_.m} * job_.n;
  if (!last_digit) {
    ++digit_q_;
    return;
  }
  digit_q_ = 0;
  ++actions_[kABeat];
  ++actions_[kWBeat];
  if (has_zero_points(params_)) actions_[kRowSum] += params_.rows;
  datapath_.add_beat(u_a_.data_o(), u_w_.data_o(), job_.m, group_beat_q_ == 0);
  if (group_last) finish_group(job_last);
  beat_q_ = job_last ? 0 : beat_q_ + 1;
  group_beat_q_ = group_last ? 0 : group_beat_q_ + 1;
  if (!job_last) return;
  ++actions_[kJob];
  ++jobs_entered_;
}

void Model::finish_group(bool job_last) {
  datapath_.finish_group(u_s_.data_o(), job_.m, first_group_q_ && !job_.accumulate);
  first_group_q_ = job_last;
  gap_q_ = group_spacing(params_, job_.m) - 1;
  ++actions_[kSBeat];
  actions_[kResult] += pes_;
  actions_[kDequantise] += std::uint64_t{params_.cols} * job_.m;
  if (!job_last || !job_.emit) return;
  check(leaving_count_ < kMostLeaving, "more results inside than there can be");
  Leaving& leaving = leaving_[(leaving_head_ + leaving_count_++) % kMostLeaving];
  leaving.next_step = now_ + first_row_steps_;
  leaving.rows = job_.m;
  leaving.row = 0;
  for (std::uint32_t r = 0; r < job_.m; ++r) {
    datapath_.pack_row(r, job_.n, leaving.words.data() + r * params_.cols);
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

}  // namespace bitsmith::mixpe
