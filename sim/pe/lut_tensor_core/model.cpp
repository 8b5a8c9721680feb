#include "pe/lut_tensor_core/model.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "common/error.h"
#include "numerics/pack.h"
#include "pe/lut_tensor_core/arithmetic.h"

namespace bitsmith::lut_tensor_core {
namespace {

constexpr std::size_t kVectorLanes = 8;
constexpr std::size_t kMostEntries = 64;  // addresses of a table
constexpr std::size_t kMostActivations = 6;

std::size_t padded(std::size_t lanes) {
  return (lanes + kVectorLanes - 1) / kVectorLanes * kVectorLanes;
}

template <class Number>
void resize(Lanes<Number>& lanes, const Params& params, std::size_t cols) {
  const bool is_mac = params.engine == Engine::mac;
  lanes.table.resize(rows(params) * (std::size_t{1} << params.k));
  lanes.weight.resize(is_mac ? params.k * cols : 0);
  lanes.sum.resize(rows(params) * cols);
  lanes.sum_of_a.resize(rows(params));
  lanes.zero.resize(cols);
  lanes.scale.resize(cols);
}

// f of a plane.
std::int32_t factor(const Params& params, std::uint32_t plane) {
  const WeightKind kind = weight_kind(params);
  if (has_half_table(params)) return kind == WeightKind::ternary ? 1 : 1 << plane;
  const bool is_sign = kind != WeightKind::unsigned_integer && plane + 1 == plane_count(params);
  return is_sign ? -(1 << plane) : 1 << plane;
}

// ---- 8-bit tables: entries become multiples of 2^t, of at most 127.

void round_to_eight_bits(std::span<std::int32_t> entries) {
  std::uint32_t all = 1;
  for (const std::int32_t entry : entries) all |= static_cast<std::uint32_t>(std::abs(entry));
  const int t = std::max(0, static_cast<int>(std::bit_width(all)) - 7);
  const std::int32_t half = t == 0 ? 0 : 1 << (t - 1);
  for (std::int32_t& entry : entries) {
    const std::int32_t magnitude = std::min((std::abs(entry) + half) >> t, 127) << t;
    entry = entry < 0 ? -magnitude : magnitude;
  }
}

void round_to_eight_bits(std::span<float> entries) {
  float largest = 0;
  bool special = false;
  for (const float entry : entries) {
    largest = std::max(largest, std::fabs(entry));
    special = special || !std::isfinite(entry);
  }
  if (special) {
    std::fill(entries.begin(), entries.end(), std::bit_cast<float>(kFloatNan));
    return;
  }
  // FP16 numbers and their units are far from subnormal in FP32.
  const auto field = static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(largest) >> 23);
  const std::int32_t t = std::max(field - 127 - 6, -kFloatTableScaleBias);
  const auto unit = std::bit_cast<float>((127 + t) << 23);
  const auto per_unit = std::bit_cast<float>((127 - t) << 23);
  for (float& entry : entries) {
    const float magnitude = std::min(std::floor(std::fabs(entry) * per_unit + 0.5F), 127.0F) * unit;
    entry = std::copysign(magnitude, entry);
  }
}

}  // namespace

// ---- Datapath

Datapath::Datapath(const Params& params)
    : params_(params),
      cols_(padded(cols(params))),
      lane_bits_(params.engine == Engine::mac ? plane_count(params) : params.k) {
  const std::size_t per_col = params.engine == Engine::mac ? params.k : 1;
  const std::size_t lanes = per_col * cols_;
  lane_word_.resize(lanes);
  lane_shift_.resize(lanes);
  lane_.resize(lanes);
  w_words_.resize(words_for_bits(lane_bits_ * lanes) + 1);
  for (std::size_t j = 0; j < per_col; ++j) {
    for (std::size_t c = 0; c < cols_; ++c) {
      const std::size_t at = (c * per_col + j) * lane_bits_;
      lane_word_[j * cols_ + c] = static_cast<std::int32_t>(at / kWordBits);
      lane_shift_[j * cols_ + c] = static_cast<std::int32_t>(at % kWordBits);
    }
  }
  if (is_floating_point(params)) {
    resize(floats_, params, cols_);
    float_result_.resize(rows(params) * cols_);
    if (params.activation->bits == 8) {
      for (std::uint32_t code = 0; code < code_count(*params.activation); ++code) {
        const double value = decode(*params.activation, code);
        fp8_value_.push_back(std::isnan(value) ? std::bit_cast<float>(kFloatNan)
                                               : static_cast<float>(value));
      }
    }
  } else {
    resize(integers_, params, cols_);
    integer_result_.resize(rows(params) * cols_);
  }
}

void Datapath::load(const std::uint32_t* a, std::uint32_t m) {
  if (is_floating_point(params_)) {
    load_rows(floats_, a, m);
  } else {
    load_rows(integers_, a, m);
  }
}

template <class Number>
void Datapath::load_rows(Lanes<Number>& lanes, const std::uint32_t* a, std::uint32_t m) {
  const std::span all(a, words_for_bits(channel_widths(params_).a));
  const std::size_t k = params_.k;
  if (params_.precompute == Precompute::fused) {
    for (std::size_t r = 0; r < m; ++r) load_table(lanes, all, r);
    return;
  }
  const int bits = params_.activation->bits;
  const auto number = [&](std::size_t lane) -> Number {
    const std::uint64_t code = get_bits(all, lane * static_cast<std::size_t>(bits), bits);
    if constexpr (std::is_same_v<Number, float>) {
      return bits == 8 ? fp8_value_[code] : value_of_fp16(static_cast<std::uint32_t>(code));
    } else {
      return static_cast<Number>(sign_extend(code, bits));
    }
  };
  const std::size_t top = std::size_t{1} << (k - 1);
  for (std::size_t r = 0; r < m; ++r) {
    std::array<Number, kMostActivations> set{}, clear{};
    Number* const table = lanes.table.data() + r * 2 * top;
    for (std::size_t j = 0; j < k; ++j) {
      set[j] = number(r * k + j);
      clear[j] = has_half_table(params_) ? -set[j] : Number{0};
    }
    if (params_.engine == Engine::mac) {
      std::copy_n(set.begin(), k, table);
      continue;
    }
    all_sums(set.data(), clear.data(), 0, k, table);
    if (params_.table == TableKind::int8) round_to_eight_bits(std::span(table, 2 * top));
    // Weights for `lut` are packed with their addresses negated where the sign bit is clear.
    if (params_.engine == Engine::lut) {
      for (std::size_t v = 0; v < top; ++v) table[v] = -table[v + top];
    }
  }
}

// Tables that the vector unit has made.
template <class Number>
void Datapath::load_table(Lanes<Number>& lanes, std::span<const std::uint32_t> a, std::size_t r) {
  const std::size_t bits = entry_bits(params_), entries = table_entries(params_);
  const std::size_t begin = r * table_bits(params_);
  Number* const table = lanes.table.data() + (r << params_.k);
  const bool eight_bits = params_.table == TableKind::int8;
  const auto t = static_cast<std::uint32_t>(
      eight_bits ? get_bits(a, begin + entries * bits, kTableScaleBits) : 0);
  const auto number = [&](std::size_t x) -> Number {
    const auto code = static_cast<std::uint32_t>(get_bits(a, begin + x * bits,  //
                                                          static_cast<int>(bits)));
    if constexpr (std::is_same_v<Number, float>) {
      if (!eight_bits) return value_of_fp16(code);
      if (t == kTableScaleNan) return std::bit_cast<float>(kFloatNan);
      const auto magnitude = static_cast<float>(code & 127);
      return std::ldexp((code & 128) != 0 ? -magnitude : magnitude,
                        static_cast<int>(t) - kFloatTableScaleBias);
    } else {
      if (!eight_bits) return static_cast<Number>(sign_extend(code, static_cast<int>(bits)));
      const auto magnitude = static_cast<Number>(code & 127) << t;
      return (code & 128) != 0 ? -magnitude : magnitude;
    }
  };
  if (!has_half_table(params_)) {
    table[0] = 0;
    for (std::size_t x = 0; x < entries; ++x) table[x + 1] = number(x);
    return;
  }
  for (std::size_t x = 0; x < entries; ++x) {
    const Number entry = number(x);
    table[entries + x] = entry;
    table[params_.engine == Engine::lut ? x : entries - 1 - x] = -entry;
  }
}

// The lanes of a beat of weights, whatever word they begin in.
void Datapath::extract_lanes(const std::uint32_t* w) {
  std::copy_n(w, words_for_bits(channel_widths(params_).w), w_words_.begin());
  const std::uint32_t* __restrict words = w_words_.data();
  const std::int32_t* __restrict word = lane_word_.data();
  const std::int32_t* __restrict shift = lane_shift_.data();
  std::int32_t* __restrict lane = lane_.data();
  const std::uint32_t mask = (1U << lane_bits_) - 1;
  for (std::size_t i = 0; i < lane_.size(); ++i) {
    const std::uint32_t low = words[word[i]] >> shift[i];
    const std::uint32_t high = (words[word[i] + 1] << 1) << (31 - shift[i]);
    lane[i] = static_cast<std::int32_t>((low | high) & mask);
  }
}

void Datapath::step(const std::uint32_t* w, std::uint32_t plane, std::uint32_t m, bool first) {
  extract_lanes(w);
  if (is_floating_point(params_)) {
    step_lanes(floats_, plane, m, first);
  } else {
    step_lanes(integers_, plane, m, first);
  }
}

template <class Number>
void Datapath::step_lanes(Lanes<Number>& lanes, std::uint32_t plane, std::uint32_t m, bool first) {
  if (first) {
    std::fill_n(lanes.sum.begin(), m * cols_, Number{0});
    std::fill_n(lanes.sum_of_a.begin(), m, Number{0});
  }
  if (params_.engine != Engine::mac) {
    for (std::size_t r = 0; r < m; ++r) read_table(lanes, plane, r);
    return;
  }
  const int bits = params_.weight->bits;
  const bool is_signed = params_.weight->is_signed;
  for (std::size_t i = 0; i < lane_.size(); ++i) {
    const auto code = static_cast<std::uint32_t>(lane_[i]);
    lanes.weight[i] = static_cast<Number>(is_signed ? sign_extend(code, bits) : std::int64_t{code});
  }
  for (std::size_t r = 0; r < m; ++r) {
    switch (params_.k) {
      case 2:
        multiply<Number, 2>(lanes, r);
        break;
      case 3:
        multiply<Number, 3>(lanes, r);
        break;
      case 4:
        multiply<Number, 4>(lanes, r);
        break;
      case 5:
        multiply<Number, 5>(lanes, r);
        break;
      default:
        multiply<Number, 6>(lanes, r);
        break;
    }
  }
}

// Entries of row r's table, weighted with the plane, are added to its sums.
template <class Number>
void Datapath::read_table(Lanes<Number>& lanes, std::uint32_t plane, std::size_t r) {
  const std::size_t entries = std::size_t{1} << params_.k;
  const Number* const table = lanes.table.data() + r * entries;
  const auto f = static_cast<Number>(factor(params_, plane));
  std::array<Number, kMostEntries> weighted;
  for (std::size_t x = 0; x < entries; ++x) weighted[x] = table[x] * f;  // exact

  const std::size_t cols = cols_ / kVectorLanes * kVectorLanes;
  Number* __restrict sum = lanes.sum.data() + r * cols;
  const std::int32_t* __restrict address = lane_.data();
  const Number* __restrict entry = weighted.data();
  bool is_short = false;
  if constexpr (std::is_same_v<Number, float>) is_short = params_.accumulator == Accumulator::tf32;
  if constexpr (std::is_same_v<Number, float>) {
    if (is_short) {
      for (std::size_t c = 0; c < cols; ++c) sum[c] = round_to_tf32(sum[c] + entry[address[c]]);
    }
  }
  if (!is_short) {
    for (std::size_t c = 0; c < cols; ++c) sum[c] += entry[address[c]];
  }
  if (plane != 0) return;
  Number& sum_of_a = lanes.sum_of_a[r];
  sum_of_a += table[entries - 1];
  if constexpr (std::is_same_v<Number, float>) {
    if (is_short) sum_of_a = round_to_tf32(sum_of_a);
  }
}

template <class Number, std::size_t K>
void Datapath::multiply(Lanes<Number>& lanes, std::size_t r) {
  const std::size_t cols = cols_ / kVectorLanes * kVectorLanes;
  const Number* const a = lanes.table.data() + (r << K);
  Number* __restrict sum = lanes.sum.data() + r * cols;
  const Number* __restrict weight = lanes.weight.data();
  for (std::size_t c = 0; c < cols; ++c) {
    sum[c] += sum_in_order<0, K>([&](std::size_t j) { return a[j] * weight[j * cols + c]; });
  }
  lanes.sum_of_a[r] += sum_in_order<0, K>([&](std::size_t j) { return a[j]; });
}

template <class Number>
void Datapath::load_scales(Lanes<Number>& lanes, const std::uint32_t* s) {
  const std::size_t bits = scale_code_bits(params_);
  const std::span all(s, words_for_bits(cols(params_) * bits));
  const bool half = has_half_table(params_);
  const std::int32_t of_signed = half && weight_kind(params_) == WeightKind::signed_integer ? 1 : 0;
  for (std::size_t c = 0; c < cols(params_); ++c) {
    const std::uint64_t code = get_bits(all, c * bits, static_cast<int>(bits));
    lanes.scale[c] = static_cast<Number>(sign_extend(code, kScaleBits));
    std::int32_t zero = of_signed;
    if (has_zero(params_)) {
      zero = static_cast<std::int32_t>(code >> kScaleBits);
      if (half) zero = 2 * zero + 1 - (1 << params_.weight->bits);
    }
    lanes.zero[c] = static_cast<Number>(zero);
  }
}

void Datapath::finish_group(const std::uint32_t* s, std::uint32_t m, bool clear) {
  const std::size_t cols = cols_ / kVectorLanes * kVectorLanes;
  const std::uint32_t h = halvings(params_);
  if (!is_floating_point(params_)) {
    load_scales(integers_, s);
    for (std::size_t r = 0; r < m; ++r) {
      for (std::size_t c = 0; c < cols; ++c) {
        std::int64_t& y = integer_result_[r * cols + c];
        const std::int64_t doubled = std::int64_t{integers_.sum[r * cols + c]} -
                                     std::int64_t{integers_.zero[c]} * integers_.sum_of_a[r];
        y = (clear ? 0 : y) + (doubled >> h) * integers_.scale[c];
      }
    }
    return;
  }
  load_scales(floats_, s);
  const float half = h == 0 ? 1.0F : 0.5F;
  const bool corrects = has_sum_lane(params_);
  for (std::size_t r = 0; r < m; ++r) {
    for (std::size_t c = 0; c < cols; ++c) {
      float& y = float_result_[r * cols + c];
      float d = floats_.sum[r * cols + c];
      if (corrects) d -= floats_.zero[c] * floats_.sum_of_a[r];
      y = (clear ? 0.0F : y) + d * (floats_.scale[c] * half);
    }
  }
}

void Datapath::pack_row(std::uint32_t r, std::uint32_t n, std::uint32_t* words) const {
  const std::size_t bits = sum_bits(params_);
  const std::span all(words, words_for_bits(cols(params_) * bits));
  std::fill(all.begin(), all.end(), 0U);
  for (std::size_t c = 0; c < n; ++c) {
    const std::size_t at = r * cols_ + c;
    if (is_floating_point(params_)) {
      words[c] = std::isnan(float_result_[at]) ? kFloatNan
                                               : std::bit_cast<std::uint32_t>(float_result_[at]);
    } else {
      put_bits(all, c * bits, static_cast<int>(bits),
               static_cast<std::uint64_t>(integer_result_[at]));
    }
  }
}

// ---- Model

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
