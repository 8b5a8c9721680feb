#include "pe/bit_serial/model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>

#include "common/error.h"
#include "numerics/pack.h"

namespace bitsmith::bit_serial {
namespace {

constexpr std::size_t kVectorLanes = 16;
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

TermTable::Entry entry(bool one, bool negative, std::uint32_t exponent) {
  return {static_cast<std::int8_t>(one ? -1 : 0), static_cast<std::int8_t>(negative ? -1 : 0),
          static_cast<std::int8_t>(exponent)};
}

TermTable::Entry booth(std::uint32_t code, int bits, std::uint32_t term) {
  const auto extended = static_cast<std::uint64_t>(sign_extend(code, bits)) << 1;
  const auto window = static_cast<std::uint32_t>(extended >> (2 * term) & 7);
  return entry(window != 0 && window != 7, (window & 4) != 0, window == 3 || window == 4 ? 1 : 0);
}

// Sign and magnitude in halves: {sign, 5 bits}.
std::uint32_t half_units(WeightKind kind, std::uint32_t code, std::uint32_t select) {
  constexpr std::array<std::uint32_t, 8> kFp4 = {0, 1, 2, 3, 4, 6, 8, 12};
  constexpr std::array<std::uint32_t, 4> kFp3 = {0, 2, 4, 8};
  constexpr std::array<std::uint32_t, 2> kSpecialFp4 = {10, 16}, kSpecialFp3 = {6, 12};
  const bool is_fp4 = kind == WeightKind::fp4;
  const std::uint32_t sign = is_fp4 ? 8 : 4;
  if (code == sign) {
    const std::uint32_t magnitude = (is_fp4 ? kSpecialFp4 : kSpecialFp3)[select >> 1];
    return ((select & 1) != 0 ? 0U : 32U) | magnitude;
  }
  return ((code & sign) != 0 ? 32U : 0U) | (is_fp4 ? kFp4[code & 7] : kFp3[code & 3]);
}

TermTable::Entry leading_one(std::uint32_t units, std::uint32_t term) {
  const bool negative = (units & 32) != 0;
  const std::uint32_t high = units >> 1 & 15;  // bits 4..1
  const std::uint32_t top = high == 0 ? 0 : std::bit_floor(high);
  if (term == 0) return entry(high != 0, negative, high == 0 ? 0 : std::bit_width(high) - 1U);
  const std::uint32_t rest = (units & 31) & ~(top << 1);
  return entry(rest != 0, negative, rest == 0 ? 0 : std::bit_width(rest) - 1U);
}

}  // namespace

// ---- TermTable

TermTable::TermTable(const Params& params)
    : terms_(term_count(params)), bits_(static_cast<std::uint32_t>(params.weight->bits)) {
  const WeightKind kind = weight_kind(params);
  const std::uint32_t selects = has_special_values(params) ? 4 : 1;
  for (std::uint32_t select = 0; select < selects; ++select) {
    for (std::uint32_t term = 0; term < terms_; ++term) {
      for (std::uint32_t code = 0; code < std::uint32_t{1} << bits_; ++code) {
        if (kind == WeightKind::integer) {
          entries_.push_back(booth(code, params.weight->bits, term));
        } else if (kind == WeightKind::ternary) {
          entries_.push_back(entry((code & 1) != 0, (code & 2) != 0, 0));
        } else {
          entries_.push_back(leading_one(half_units(kind, code, select), term));
        }
      }
    }
  }
}

// ---- Datapath

Datapath::Datapath(const Params& params)
    : params_(params),
      table_(params),
      lanes_(params.lanes),
      cols_(padded(params.cols)),
      up_(5 + static_cast<std::int32_t>(std::bit_width(params.lanes))),
      a_exponent_(params.rows * lanes_),
      a_magnitude_(params.rows * lanes_),
      a_sign_(params.rows * lanes_),
      a_special_(params.rows),
      w_exponent_(lanes_ * cols_),
      w_mask_(lanes_ * cols_),
      w_sign_(lanes_ * cols_),
      mantissa_(params.rows * cols_),
      exponent_(params.rows * cols_),
      largest_(cols_),
      dot_(cols_),
      float_sum_(is_floating_point(params) ? params.rows * cols_ : 0),
      integer_sum_(is_floating_point(params) ? 0 : params.rows * cols_) {}

void Datapath::load_a(const std::uint32_t* a) {
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

void Datapath::encode(std::uint32_t term) {
  const auto bits = static_cast<std::size_t>(params_.weight->bits);
  const std::span w(w_, words_for_bits(params_.cols * lanes_ * bits));
  const std::size_t s_bits = scale_code_bits(params_);
  const std::span s(s_, words_for_bits(params_.cols * s_bits));
  const bool special = has_special_values(params_);
  for (std::size_t c = 0; c < params_.cols; ++c) {
    const auto select =
        static_cast<std::uint32_t>(special ? get_bits(s, c * s_bits + kScaleBits, kSelectBits) : 0);
    for (std::size_t l = 0; l < lanes_; ++l) {
      const auto code =
          static_cast<std::uint32_t>(get_bits(w, (c * lanes_ + l) * bits, static_cast<int>(bits)));
      const TermTable::Entry& found = table_.at(select, term, code);
      w_exponent_[l * cols_ + c] = found.exponent;
      w_mask_[l * cols_ + c] = found.mask;
      w_sign_[l * cols_ + c] = found.sign;
    }
  }
}

void Datapath::step(std::uint32_t term, std::uint32_t m, bool first) {
  if (first) {
    std::fill_n(mantissa_.begin(), m * cols_, 0);
    std::fill_n(exponent_.begin(), m * cols_, 0);
  }
  encode(term);
  const auto shift = static_cast<std::int32_t>(significance(params_, term));
  if (is_floating_point(params_)) {
    step_float(shift, m);
  } else {
    step_integer(shift, m);
  }
}

void Datapath::step_float(std::int32_t significance, std::uint32_t m) {
  const std::size_t cols = cols_ / kVectorLanes * kVectorLanes;
  std::int32_t* __restrict largest = largest_.data();
  std::int32_t* __restrict dot = dot_.data();
  const std::int32_t up = up_;
  const std::int32_t frame = kMantissaBits + up;
  for (std::size_t r = 0; r < m; ++r) {
    std::fill_n(largest, cols, 0);
    std::fill_n(dot, cols, 0);
    for (std::size_t l = 0; l < lanes_; ++l) {
      const std::int32_t a = a_exponent_[r * lanes_ + l];
      const std::int32_t* __restrict exponent = w_exponent_.data() + l * cols;
      const std::int32_t* __restrict mask = w_mask_.data() + l * cols;
      for (std::size_t c = 0; c < cols; ++c) {
        largest[c] = std::max(largest[c], (a + exponent[c]) & mask[c]);
      }
    }
    for (std::size_t l = 0; l < lanes_; ++l) {
      const std::int32_t a = a_exponent_[r * lanes_ + l];
      const std::int32_t magnitude = a_magnitude_[r * lanes_ + l];
      const std::int32_t a_sign = a_sign_[r * lanes_ + l];
      const std::int32_t* __restrict exponent = w_exponent_.data() + l * cols;
      const std::int32_t* __restrict mask = w_mask_.data() + l * cols;
      const std::int32_t* __restrict w_sign = w_sign_.data() + l * cols;
      for (std::size_t c = 0; c < cols; ++c) {
        const std::int32_t delta = largest[c] - ((a + exponent[c]) & mask[c]);
        const std::int32_t product = shift_right(magnitude & mask[c], delta);
        const std::int32_t sign = a_sign ^ w_sign[c];
        dot[c] += (product ^ sign) - sign;
      }
    }
    std::int32_t* __restrict sum = mantissa_.data() + r * cols;
    std::int32_t* __restrict sum_exponent = exponent_.data() + r * cols;
    for (std::size_t c = 0; c < cols; ++c) {
      const std::int32_t of_dot = largest[c] + up;
      const std::int32_t exponent = std::max(sum_exponent[c], of_dot);
      const std::int32_t total = shift_right(dot[c] << significance, exponent - of_dot) +
                                 shift_right(sum[c] << up, exponent - sum_exponent[c]);
      const std::int32_t spare = frame - bit_length(total ^ (total >> 31));
      const std::int32_t places = std::min(spare, up + 1);
      sum[c] = (total << places) >> (up + 1);
      sum_exponent[c] = exponent + 1 - places;
    }
  }
}

void Datapath::step_integer(std::int32_t significance, std::uint32_t m) {
  const std::size_t cols = cols_ / kVectorLanes * kVectorLanes;
  for (std::size_t r = 0; r < m; ++r) {
    std::int32_t* __restrict sum = mantissa_.data() + r * cols;
    for (std::size_t l = 0; l < lanes_; ++l) {
      const std::int32_t a = a_magnitude_[r * lanes_ + l];
      const std::int32_t* __restrict exponent = w_exponent_.data() + l * cols;
      const std::int32_t* __restrict mask = w_mask_.data() + l * cols;
      const std::int32_t* __restrict sign = w_sign_.data() + l * cols;
      for (std::size_t c = 0; c < cols; ++c) {
        const std::int32_t product = (a << (exponent[c] + significance)) & mask[c];
        sum[c] += (product ^ sign[c]) - sign[c];
      }
    }
  }
}

void Datapath::finish_group(std::uint32_t m, bool clear) {
  const std::size_t s_bits = scale_code_bits(params_);
  const std::span s(s_, words_for_bits(params_.cols * s_bits));
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

void Datapath::pack_row(std::uint32_t r, std::uint32_t n, std::uint32_t* words) const {
  const std::size_t bits = sum_bits(params_);
  const std::span all(words, words_for_bits(params_.cols * bits));
  std::fill(all.begin(), all.end(), 0U);
  for (std::size_t c = 0; c < n; ++c) {
    const std::size_t at = r * cols_ + c;
    if (is_floating_point(params_)) {
      words[c] =
          std::isnan(float_sum_[at]) ? kCanonicalNan : std::bit_cast<std::uint32_t>(float_sum_[at]);
    } else {
      put_bits(all, c * bits, static_cast<int>(bits), static_cast<std::uint64_t>(integer_sum_[at]));
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
  for (Leaving& leaving : leaving_) leaving.words.resize(params.rows * y_words_);
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
  const bool last_term = term_q_ == term_count(params_) - 1;
  const bool last_beat = beat_q_ == beat_count(params_, job_.k) - 1;
  const bool group_last =
      last_term && (last_beat || group_beat_q_ == params_.group / params_.lanes - 1);
  const bool operands_valid = u_a_.valid_o() && u_w_.valid_o() && u_s_.valid_o();
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
    if (feed) enter_token(group_last, last_term && last_beat);
    ++now_;
  }
  u_job_.step(in.job_valid, in.job, fed && last_term && last_beat);
  if (fed && last_term && last_beat) job_known_ = false;
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

void Model::enter_token(bool group_last, bool job_last) {
  if (!in_job_q_) start_job();
  in_job_q_ = !job_last;
  if (term_q_ == 0) {
    datapath_.load_a(u_a_.data_o());
    ++actions_[kABeat];
    ++actions_[kWBeat];
  }
  datapath_.load_w(u_w_.data_o());
  datapath_.load_s(u_s_.data_o());
  datapath_.step(term_q_, job_.m, group_beat_q_ == 0 && term_q_ == 0);
  actions_[kDot] += std::uint64_t{job_.m} * job_.n;
  actions_[kEncode] += std::uint64_t{params_.cols} * params_.lanes;
  if (group_last) finish_group(job_last);

  if (++term_q_ < term_count(params_)) return;
  term_q_ = 0;
  beat_q_ = job_last ? 0 : beat_q_ + 1;
  group_beat_q_ = group_last ? 0 : group_beat_q_ + 1;
  if (job_last) ++jobs_entered_;
}

void Model::finish_group(bool job_last) {
  datapath_.finish_group(job_.m, first_group_q_ && !job_.accumulate);
  first_group_q_ = job_last;
  gap_q_ = group_spacing(job_) - 1;
  ++actions_[kSBeat];
  actions_[kDequantise] += pes_;
  actions_[kResultShift] += pes_ * job_.m;
  actions_[kColumnAdd] += std::uint64_t{params_.cols} * job_.m;
  if (!job_last || !job_.emit) return;
  check(leaving_count_ < kMostLeaving, "more results inside than there can be");
  Leaving& leaving = leaving_[(leaving_head_ + leaving_count_++) % kMostLeaving];
  leaving.first_step = now_ + kFirstRowSteps;
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

}  // namespace bitsmith::bit_serial
