#include "pe/bit_serial/model.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <span>

#include "common/error.h"
#include "numerics/pack.h"

namespace bitsmith::bit_serial {
namespace {

constexpr std::size_t kVectorLanes = 8;
constexpr std::size_t kMostLanes = 8;
constexpr std::int32_t kMantissaBits = 15;
constexpr std::uint32_t kCanonicalNan = 0x7FC00000;

std::size_t padded(std::size_t cols) {
  return (cols + kVectorLanes - 1) / kVectorLanes * kVectorLanes;
}

// A shift by more than any number is long, as the RTL's shifters do it.
inline std::int32_t shift_right(std::int32_t value, std::int32_t by) {
  return value >> std::min(by, 31);
}

// Bits of a number below 2^24 up to its leading one; 1 for 0. By way of floating point, which
// every machine converts in vectors.
inline std::int32_t bit_length(std::int32_t value) {
  return (std::bit_cast<std::int32_t>(static_cast<float>(value | 1)) >> 23) - 126;
}

}  // namespace

// ---- Datapath

Datapath::Datapath(const Params& params)
    : params_(params),
      table_(params),
      terms_(term_count(params)),
      lanes_(params.lanes),
      cols_(padded(params.cols)),
      up_(5 + static_cast<std::int32_t>(std::bit_width(params.lanes))),
      a_exponent_(params.rows * lanes_),
      a_magnitude_(params.rows * lanes_),
      a_sign_(params.rows * lanes_),
      a_special_(params.rows),
      w_exponent_(terms_ * lanes_ * cols_),
      w_mask_(terms_ * lanes_ * cols_),
      w_sign_(terms_ * lanes_ * cols_),
      significance_(terms_ * cols_),
      live_(terms_ * cols_),
      mantissa_(params.rows * cols_),
      exponent_(params.rows * cols_),
      largest_(cols_),
      dot_(cols_),
      float_sum_(is_floating_point(params) ? params.rows * cols_ : 0),
      integer_sum_(is_floating_point(params) ? 0 : params.rows * cols_) {}

std::uint32_t Datapath::load(const std::uint32_t* a, const std::uint32_t* w,
                             const std::uint32_t* s) {
  load_activations(a);
  return load_weights(w, s);
}

void Datapath::load_activations(const std::uint32_t* a) {
  const auto bits = static_cast<std::size_t>(params_.activation->bits);
  const std::span all(a, words_for_bits(a_sign_.size() * bits));
  for (std::size_t i = 0; i < a_sign_.size(); ++i) {
    const auto code = static_cast<std::uint32_t>(get_bits(all, i * bits, static_cast<int>(bits)));
    if (!is_floating_point(params_)) {
      a_magnitude_[i] = static_cast<std::int32_t>(sign_extend(code, 8));
      continue;
    }
    const auto field = static_cast<std::int32_t>(code >> 10 & 31);
    a_exponent_[i] = std::max(field, 1);
    a_magnitude_[i] = (static_cast<std::int32_t>(code & 1023) | (field != 0 ? 1024 : 0)) << 3;
    a_sign_[i] = (code >> 15 & 1) != 0 ? -1 : 0;
    if (field == 31) a_special_[i / lanes_] = 1;
  }
}

std::uint32_t Datapath::load_weights(const std::uint32_t* w, const std::uint32_t* s) {
  const auto bits = static_cast<std::size_t>(params_.weight->bits);
  const std::span all(w, words_for_bits(params_.cols * lanes_ * bits));
  const std::size_t s_bits = scale_code_bits(params_);
  const std::span scales(s, words_for_bits(params_.cols * s_bits));
  const bool special = has_special_values(params_);
  std::array<std::uint32_t, kMostLanes> codes{};
  std::uint32_t steps = 1;
  for (std::size_t c = 0; c < params_.cols; ++c) {
    const auto select = static_cast<std::uint32_t>(
        special ? get_bits(scales, c * s_bits + kScaleBits, kSelectBits) : 0);
    std::uint32_t present = 0;
    for (std::size_t l = 0; l < lanes_; ++l) {
      codes[l] = static_cast<std::uint32_t>(
          get_bits(all, (c * lanes_ + l) * bits, static_cast<int>(bits)));
      present |= table_.present(select, codes[l]);
    }
    if (!params_.skip_zero_terms) present = (1U << term_count(params_)) - 1;
    steps = std::max(steps, static_cast<std::uint32_t>(std::popcount(present)));
    load_column(c, select, present, codes);
  }
  return steps;
}

// The terms at the positions in `present`, one after the other, then none.
void Datapath::load_column(std::size_t c, std::uint32_t select, std::uint32_t present,
                           std::span<const std::uint32_t> codes) {
  for (std::size_t step = 0; step < terms_; ++step, present &= present - 1) {
    const bool live = present != 0;
    const auto term = live ? static_cast<std::uint32_t>(std::countr_zero(present)) : 0U;
    live_[step * cols_ + c] = live ? -1 : 0;
    significance_[step * cols_ + c] = static_cast<std::int32_t>(significance(params_, term));
    for (std::size_t l = 0; l < lanes_; ++l) {
      const TermTable::Entry found = table_.terms(select, codes[l])[term];
      const std::size_t at = (step * lanes_ + l) * cols_ + c;
      w_exponent_[at] = found.exponent;
      w_mask_[at] = live ? found.mask : 0;
      w_sign_[at] = found.sign;
    }
  }
}

void Datapath::step(std::uint32_t step, std::uint32_t m, bool first) {
  if (first) {
    std::fill_n(mantissa_.begin(), m * cols_, 0);
    std::fill_n(exponent_.begin(), m * cols_, 0);
  }
  if (is_floating_point(params_)) {
    step_float(step, m);
  } else {
    step_integer(step, m);
  }
}

void Datapath::step_float(std::size_t step, std::uint32_t m) {
  const std::size_t cols = cols_ / kVectorLanes * kVectorLanes;
  const std::size_t lanes = lanes_;
  std::int32_t* __restrict largest = largest_.data();
  std::int32_t* __restrict dot = dot_.data();
  const std::int32_t* __restrict w_exponent = w_exponent_.data() + step * lanes * cols;
  const std::int32_t* __restrict w_mask = w_mask_.data() + step * lanes * cols;
  const std::int32_t* __restrict w_sign = w_sign_.data() + step * lanes * cols;
  const std::int32_t* __restrict significance = significance_.data() + step * cols;
  const std::int32_t* __restrict live = live_.data() + step * cols;
  const std::int32_t up = up_;
  const std::int32_t frame = kMantissaBits + up;
  for (std::size_t r = 0; r < m; ++r) {
    for (std::size_t c = 0; c < cols; ++c) largest[c] = dot[c] = 0;
    for (std::size_t l = 0; l < lanes; ++l) {
      const std::int32_t a = a_exponent_[r * lanes + l];
      for (std::size_t c = 0; c < cols; ++c) {
        largest[c] = std::max(largest[c], (a + w_exponent[l * cols + c]) & w_mask[l * cols + c]);
      }
    }
    for (std::size_t l = 0; l < lanes; ++l) {
      const std::int32_t a = a_exponent_[r * lanes + l];
      const std::int32_t magnitude = a_magnitude_[r * lanes + l];
      const std::int32_t a_sign = a_sign_[r * lanes + l];
      for (std::size_t c = 0; c < cols; ++c) {
        const std::int32_t mask = w_mask[l * cols + c];
        const std::int32_t delta = largest[c] - ((a + w_exponent[l * cols + c]) & mask);
        const std::int32_t product = shift_right(magnitude & mask, delta);
        const std::int32_t sign = a_sign ^ w_sign[l * cols + c];
        dot[c] += (product ^ sign) - sign;
      }
    }
    std::int32_t* __restrict sum = mantissa_.data() + r * cols;
    std::int32_t* __restrict sum_exponent = exponent_.data() + r * cols;
    for (std::size_t c = 0; c < cols; ++c) {
      const std::int32_t of_dot = largest[c] + up;
      const std::int32_t exponent = std::max(sum_exponent[c], of_dot);
      const std::int32_t total = shift_right(dot[c] << significance[c], exponent - of_dot) +
                                 shift_right(sum[c] << up, exponent - sum_exponent[c]);
      const std::int32_t spare = frame - bit_length(total ^ (total >> 31));
      const std::int32_t places = std::min(spare, up + 1);
      const std::int32_t mantissa = (total << places) >> (up + 1);
      sum[c] = (mantissa & live[c]) | (sum[c] & ~live[c]);
      sum_exponent[c] = ((exponent + 1 - places) & live[c]) | (sum_exponent[c] & ~live[c]);
    }
  }
}

void Datapath::step_integer(std::size_t step, std::uint32_t m) {
  const std::size_t cols = cols_ / kVectorLanes * kVectorLanes;
  const std::int32_t* __restrict significance = significance_.data() + step * cols;
  for (std::size_t r = 0; r < m; ++r) {
    std::int32_t* __restrict sum = mantissa_.data() + r * cols;
    for (std::size_t l = 0; l < lanes_; ++l) {
      const std::int32_t a = a_magnitude_[r * lanes_ + l];
      const std::size_t at = (step * lanes_ + l) * cols;
      const std::int32_t* __restrict exponent = w_exponent_.data() + at;
      const std::int32_t* __restrict mask = w_mask_.data() + at;
      const std::int32_t* __restrict sign = w_sign_.data() + at;
      for (std::size_t c = 0; c < cols; ++c) {
        const std::int32_t product = (a << (exponent[c] + significance[c])) & mask[c];
        sum[c] += (product ^ sign[c]) - sign[c];
      }
    }
  }
}

void Datapath::finish_group(const std::uint32_t* scales, std::uint32_t m, bool clear) {
  const std::size_t s_bits = scale_code_bits(params_);
  const std::span s(scales, words_for_bits(params_.cols * s_bits));
  const std::int32_t bias = 127 - 28 - static_cast<std::int32_t>(fraction_bits(params_));
  for (std::size_t c = 0; c < params_.cols; ++c) {
    const auto scale =
        static_cast<std::int32_t>(sign_extend(get_bits(s, c * s_bits, kScaleBits), kScaleBits));
    for (std::size_t r = 0; r < m; ++r) {
      const std::size_t at = r * cols_ + c;
      if (is_floating_point(params_)) {
        // All exact but the addition.
        const auto unit = std::bit_cast<float>((exponent_[at] + bias) << 23);
        float addend = static_cast<float>(mantissa_[at] * scale) * unit;
        if (a_special_[r] != 0) addend = std::bit_cast<float>(kCanonicalNan);
        float_sum_[at] = (clear ? 0.0F : float_sum_[at]) + addend;
      } else {
        integer_sum_[at] = (clear ? 0 : integer_sum_[at]) + std::int64_t{mantissa_[at]} * scale;
      }
    }
  }
  forget_specials();
}

void Datapath::forget_specials() {
  std::fill(a_special_.begin(), a_special_.end(), std::uint8_t{0});
}

void Datapath::pack_beat(std::uint32_t beat, std::uint32_t m, std::uint32_t n,
                         std::uint32_t* words) const {
  const std::size_t bits = sum_bits(params_);
  const std::span all(words, words_for_bits(params_.row_tiles * params_.cols * bits));
  std::fill(all.begin(), all.end(), 0U);
  std::size_t lane = 0;
  for (std::size_t r = beat; r < m; r += tile_rows(params_), lane += params_.cols) {
    for (std::size_t c = 0; c < n; ++c) {
      const std::size_t at = r * cols_ + c;
      if (is_floating_point(params_)) {
        words[lane + c] = std::isnan(float_sum_[at]) ? kCanonicalNan
                                                     : std::bit_cast<std::uint32_t>(float_sum_[at]);
      } else {
        put_bits(all, (lane + c) * bits, static_cast<int>(bits),
                 static_cast<std::uint64_t>(integer_sum_[at]));
      }
    }
  }
}

// ---- Model

Model::Model(const Params& params)
    : params_(params),
      widths_(channel_widths(params)),
      layout_(job_layout(params)),
      pes_(std::uint64_t{params.rows} * params.cols),
      y_words_(words_for_bits(widths_.y)),
      u_job_(widths_.job),
      u_a_(widths_.a),
      u_w_(widths_.w),
      u_s_(widths_.s),
      u_y_(widths_.y),
      datapath_(params),
      y_zero_(y_words_) {
  for (Leaving& leaving : leaving_) leaving.words.resize(tile_rows(params) * y_words_);
  reset();
}

void Model::reset() {
  u_job_.reset();
  u_a_.reset();
  u_w_.reset();
  u_s_.reset();
  u_y_.reset();
  datapath_.forget_specials();  // an interrupted group is no part of the next one
  job_known_ = false;
  beat_known_ = false;
  in_job_q_ = false;
  first_group_q_ = true;
  term_q_ = beat_q_ = group_beat_q_ = gap_q_ = 0;
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
    job_known_ = true;
  }
  const bool operands_valid = u_a_.valid_o() && u_w_.valid_o() && u_s_.valid_o();
  if (operands_valid && !beat_known_) {
    beat_steps_ = datapath_.load(u_a_.data_o(), u_w_.data_o(), u_s_.data_o());
    beat_known_ = true;
  }
  const bool last_term = term_q_ == beat_steps_ - 1;
  const bool last_beat = beat_q_ == beat_count(params_, job_.k) - 1;
  const bool group_last =
      last_term && (last_beat || group_beat_q_ == params_.group / params_.lanes - 1);
  const bool feed = u_job_.valid_o() && operands_valid && !(group_last && gap_q_ != 0);
  Leaving& leaving = leaving_[leaving_head_];
  const bool push = leaving_count_ != 0 && now_ >= leaving.first_step;
  const bool advance = in.en && (!in_job_q_ || operands_valid) && (!push || u_y_.ready_o());

  const std::uint32_t* y_row = leaving.words.data() + leaving.row * y_words_;
  const bool fed = advance && feed;
  const std::uint64_t useful = std::uint64_t{job_.m} * job_.n;
  pe_cycles_.count_step(advance, feed, useful, pes_);
  if (advance) {
    if (gap_q_ != 0) --gap_q_;
    if (push) {
      ++actions_[kYBeat];
      if (++leaving.row == leaving.rows) {
        leaving_head_ = (leaving_head_ + 1) % kMostLeaving;
        --leaving_count_;
      }
    }
    if (feed) enter_token(last_term, group_last, last_term && last_beat);
    ++now_;
  }
  u_job_.step(in.job_valid, in.job, fed && last_term && last_beat);
  if (fed && last_term && last_beat) job_known_ = false;
  if (fed && last_term) beat_known_ = false;
  u_a_.step(in.a_valid, in.a, fed && last_term);
  u_w_.step(in.w_valid, in.w, fed && last_term);
  u_s_.step(in.s_valid, in.s, fed && group_last);
  u_y_.step(advance && push, y_row, in.y_ready);
  show_outputs();
}

// What the producer of jobs owes us.
void Model::start_job() {
  check(
      job_.m >= 1 && job_.m <= params_.rows && job_.n >= 1 && job_.n <= params_.cols && job_.k >= 1,
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

void Model::enter_token(bool last_term, bool group_last, bool job_last) {
  if (!in_job_q_) start_job();
  in_job_q_ = !job_last;
  if (term_q_ == 0) {
    ++actions_[kABeat];
    ++actions_[kWBeat];
  }
  datapath_.step(term_q_, job_.m, group_beat_q_ == 0 && term_q_ == 0);
  actions_[kDot] += std::uint64_t{job_.m} * job_.n;
  actions_[kEncode] += std::uint64_t{params_.row_tiles} * params_.cols * params_.lanes;
  if (group_last) finish_group(job_last);

  ++term_q_;
  if (!last_term) return;
  term_q_ = 0;
  beat_q_ = job_last ? 0 : beat_q_ + 1;
  group_beat_q_ = group_last ? 0 : group_beat_q_ + 1;
  if (job_last) ++jobs_entered_;
}

void Model::finish_group(bool job_last) {
  datapath_.finish_group(u_s_.data_o(), job_.m, first_group_q_ && !job_.accumulate);
  first_group_q_ = job_last;
  gap_q_ = group_spacing(params_, job_) - 1;
  ++actions_[kSBeat];
  actions_[kDequantise] += pes_;
  const std::uint32_t beats = result_beats(params_, job_.m);
  actions_[kResultShift] += pes_ * beats;
  actions_[kColumnAdd] += std::uint64_t{params_.cols} * params_.row_tiles * beats;
  if (!job_last || !job_.emit) return;
  check(leaving_count_ < kMostLeaving, "more results inside than there can be");
  Leaving& leaving = leaving_[(leaving_head_ + leaving_count_++) % kMostLeaving];
  leaving.first_step = now_ + kFirstRowSteps;
  leaving.rows = beats;
  leaving.row = 0;
  for (std::uint32_t r = 0; r < beats; ++r) {
    datapath_.pack_beat(r, job_.m, job_.n, leaving.words.data() + r * y_words_);
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

}  // namespace bitsmith::bit_serial
