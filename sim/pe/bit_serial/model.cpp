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

constexpr std::size_t kMostLanes = 8;
constexpr std::int32_t kMantissaBits = 15;
constexpr std::uint32_t kCanonicalNan = 0x7FC00000;

using Columns = Datapath::Columns;

inline Columns larger(const Columns& a, const Columns& b) { return a > b ? a : b; }
inline Columns smaller(const Columns& a, const Columns& b) { return a < b ? a : b; }
// A shift by more than any number is long, as the RTL's shifters do it.
inline Columns shift_right(const Columns& value, const Columns& by) {
  return value >> smaller(by, Columns{} + 31);
}
// Bits of numbers below 2^24 up to their leading one; 1 for 0. By way of floating point, which
// every machine converts in vectors.
inline Columns bit_length(const Columns& value) {
  using Floats [[gnu::vector_size(sizeof(Columns))]] = float;
  const Floats converted = __builtin_convertvector(value | 1, Floats);
  return (std::bit_cast<Columns>(converted) >> 23) - 126;
}

// The terms of a step, taken apart.
struct Terms {
  std::array<Columns, kMostLanes> exponent, mask, sign;

  Terms(const Columns* terms, std::size_t lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      exponent[l] = terms[l] & TermTable::kExponent;
      mask[l] = -(terms[l] / TermTable::kPresent & 1);
      sign[l] = -(terms[l] / TermTable::kNegative & 1);
    }
  }
};

}  // namespace

// ---- Datapath

Datapath::Datapath(const Params& params)
    : params_(params),
      table_(params),
      has_special_values_(bit_serial::has_special_values(params)),
      terms_per_weight_(term_count(params)),
      lanes_(params.lanes),
      vectors_((params.cols - 1) / kColumns + 1),
      up_(5 + static_cast<std::int32_t>(std::bit_width(params.lanes))),
      a_exponent_(params.rows * lanes_),
      a_magnitude_(params.rows * lanes_),
      a_sign_(params.rows * lanes_),
      a_codes_(params.rows * lanes_),
      w_codes_(params.cols * lanes_),
      a_special_(params.rows),
      terms_(terms_per_weight_ * vectors_ * lanes_),
      significance_(terms_per_weight_ * vectors_),
      live_(terms_per_weight_ * vectors_),
      mantissa_(vectors_ * params.rows),
      exponent_(vectors_ * params.rows),
      float_sum_(is_floating_point(params) ? params.rows * params.cols : 0),
      integer_sum_(is_floating_point(params) ? 0 : params.rows * params.cols) {
  // Where none are skipped, every step has its term.
  for (std::uint32_t term = 0; term < terms_per_weight_; ++term) {
    for (std::size_t vector = 0; vector < vectors_; ++vector) {
      significance_[term * vectors_ + vector] +=
          static_cast<std::int32_t>(significance(params, term));
      live_[term * vectors_ + vector] -= 1;
    }
  }
}

std::uint32_t Datapath::load(const std::uint32_t* a, const std::uint32_t* w,
                             const std::uint32_t* s) {
  load_activations(a);
  return load_weights(w, s);
}

void Datapath::load_activations(const std::uint32_t* a) {
  const int bits = params_.activation->bits;
  unpack_codes({a, words_for_bits(a_codes_.size() * static_cast<std::size_t>(bits))}, bits,
               a_codes_);
  for (std::size_t i = 0; i < a_codes_.size(); ++i) {
    const std::uint16_t code = a_codes_[i];
    if (!is_floating_point(params_)) {
      a_magnitude_[i] = static_cast<std::int8_t>(code);
      continue;
    }
    const std::int32_t field = code >> 10 & 31;
    a_exponent_[i] = std::max(field, 1);
    a_magnitude_[i] = ((code & 1023) | (field != 0 ? 1024 : 0)) << 3;
    a_sign_[i] = (code >> 15 & 1) != 0 ? -1 : 0;
    if (field == 31) a_special_[i / lanes_] = 1;
  }
}

std::uint32_t Datapath::load_weights(const std::uint32_t* w, const std::uint32_t* s) {
  const int bits = params_.weight->bits;
  unpack_codes({w, words_for_bits(w_codes_.size() * static_cast<std::size_t>(bits))}, bits,
               w_codes_);
  const std::size_t s_bits = scale_code_bits(params_);
  const std::span scales(s, words_for_bits(params_.cols * s_bits));
  std::uint32_t steps = 1;
  for (std::size_t c = 0; c < params_.cols; ++c) {
    std::uint32_t select = 0;
    if (has_special_values_) {
      select = static_cast<std::uint32_t>(get_bits(scales, c * s_bits + kScaleBits, kSelectBits));
    }
    if (params_.skip_zero_terms) {
      steps = std::max(steps, load_present_terms(c, select));
    } else {
      load_all_terms(c, select);
    }
  }
  return params_.skip_zero_terms ? steps : terms_per_weight_;
}

void Datapath::load_all_terms(std::size_t c, std::uint32_t select) {
  const std::size_t stride = vectors_ * lanes_;
  Columns* column = terms_.data() + c / kColumns * lanes_;
  for (std::size_t l = 0; l < lanes_; ++l) {
    const std::int32_t* terms = table_.terms(select, w_codes_[c * lanes_ + l]);
    for (std::size_t step = 0; step < terms_per_weight_; ++step) {
      column[step * stride + l][c % kColumns] = terms[step];
    }
  }
}

// The terms that some lane has, position after position, then none. Returns how many.
std::uint32_t Datapath::load_present_terms(std::size_t c, std::uint32_t select) {
  const std::uint16_t* codes = w_codes_.data() + c * lanes_;
  std::uint32_t present = 0;
  for (std::size_t l = 0; l < lanes_; ++l) present |= table_.present(select, codes[l]);
  const auto steps = static_cast<std::uint32_t>(std::popcount(present));
  for (std::size_t step = 0; step < terms_per_weight_; ++step, present &= present - 1) {
    const bool live = present != 0;
    const auto term = live ? static_cast<std::uint32_t>(std::countr_zero(present)) : 0U;
    const std::size_t at = step * vectors_ + c / kColumns;
    live_[at][c % kColumns] = live ? -1 : 0;
    significance_[at][c % kColumns] = static_cast<std::int32_t>(significance(params_, term));
    for (std::size_t l = 0; l < lanes_; ++l) {
      terms_[at * lanes_ + l][c % kColumns] = live ? table_.terms(select, codes[l])[term] : 0;
    }
  }
  return steps;
}

void Datapath::step(std::uint32_t step, std::uint32_t m, bool first) {
  for (std::size_t vector = 0; vector < vectors_; ++vector) {
    if (first) {
      std::fill_n(mantissa_.begin() + static_cast<std::ptrdiff_t>(vector * params_.rows), m,
                  Columns{});
      std::fill_n(exponent_.begin() + static_cast<std::ptrdiff_t>(vector * params_.rows), m,
                  Columns{});
    }
    if (is_floating_point(params_)) {
      step_float(step, vector, m);
    } else {
      step_integer(step, vector, m);
    }
  }
}

void Datapath::step_float(std::size_t step, std::size_t vector, std::uint32_t m) {
  const std::size_t at = step * vectors_ + vector, lanes = lanes_;
  const Terms w(terms_.data() + at * lanes, lanes);
  const Columns significance = significance_[at], live = live_[at];
  const std::int32_t up = up_;
  const std::int32_t frame = kMantissaBits + up;
  for (std::size_t r = 0; r < m; ++r) {
    const std::int32_t* a_exponent = a_exponent_.data() + r * lanes;
    Columns largest{};
    for (std::size_t l = 0; l < lanes; ++l) {
      largest = larger(largest, (w.exponent[l] + a_exponent[l]) & w.mask[l]);
    }
    Columns dot{};
    for (std::size_t l = 0; l < lanes; ++l) {
      const Columns delta = largest - ((w.exponent[l] + a_exponent[l]) & w.mask[l]);
      const Columns product = shift_right(w.mask[l] & a_magnitude_[r * lanes + l], delta);
      const Columns sign = w.sign[l] ^ a_sign_[r * lanes + l];
      dot += (product ^ sign) - sign;
    }
    Columns& sum = mantissa_[vector * params_.rows + r];
    Columns& sum_exponent = exponent_[vector * params_.rows + r];
    const Columns of_dot = largest + up;
    const Columns exponent = larger(sum_exponent, of_dot);
    const Columns total = shift_right(dot << significance, exponent - of_dot) +
                          shift_right(sum << up, exponent - sum_exponent);
    const Columns spare = frame - bit_length(total ^ (total >> 31));
    const Columns places = smaller(spare, Columns{} + (up + 1));
    sum = (((total << places) >> (up + 1)) & live) | (sum & ~live);
    sum_exponent = ((exponent + 1 - places) & live) | (sum_exponent & ~live);
  }
}

void Datapath::step_integer(std::size_t step, std::size_t vector, std::uint32_t m) {
  const std::size_t at = step * vectors_ + vector, lanes = lanes_;
  const Terms w(terms_.data() + at * lanes, lanes);
  // Signed multiples of an activation.
  std::array<Columns, kMostLanes> factor;
  for (std::size_t l = 0; l < lanes; ++l) {
    const Columns power = (w.mask[l] & 1) << (w.exponent[l] + significance_[at]);
    factor[l] = (power ^ w.sign[l]) - w.sign[l];
  }
  for (std::size_t r = 0; r < m; ++r) {
    Columns sum = mantissa_[vector * params_.rows + r];
    for (std::size_t l = 0; l < lanes; ++l) sum += factor[l] * a_magnitude_[r * lanes + l];
    mantissa_[vector * params_.rows + r] = sum;
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
      const std::size_t vector = c / kColumns * params_.rows + r;
      const std::int32_t mantissa = mantissa_[vector][c % kColumns];
      const std::size_t at = r * params_.cols + c;
      if (is_floating_point(params_)) {
        // All exact but the addition.
        const auto unit = std::bit_cast<float>((exponent_[vector][c % kColumns] + bias) << 23);
        float addend = static_cast<float>(mantissa * scale) * unit;
        if (a_special_[r] != 0) addend = std::bit_cast<float>(kCanonicalNan);
        float_sum_[at] = (clear ? 0.0F : float_sum_[at]) + addend;
      } else {
        integer_sum_[at] = (clear ? 0 : integer_sum_[at]) + std::int64_t{mantissa} * scale;
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
      const std::size_t at = r * params_.cols + c;
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
