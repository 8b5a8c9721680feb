#include "pe/bit_serial/golden_gemm.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "common/error.h"
#include "numerics/pack.h"
#include "pe/bit_serial/golden.h"

namespace bitsmith::bit_serial {
namespace {

constexpr std::uint32_t kSelects = 4;
constexpr std::size_t kMostCodes = 256;

std::int64_t scale_of(std::uint32_t code) { return sign_extend(code, kScaleBits); }
std::uint32_t selects(const Params& params) { return has_special_values(params) ? kSelects : 1; }
std::uint32_t select_of(const Params& params, std::uint32_t code) {
  return code >> kScaleBits & (selects(params) - 1);
}

// ---- INT8 activations

// Values of all codes in units of 2^-f.
using WeightValues = std::array<std::array<std::int32_t, kMostCodes>, kSelects>;

WeightValues weight_values(const Params& params) {
  WeightValues values{};
  for (std::uint32_t select = 0; select < selects(params); ++select) {
    for (std::uint32_t code = 0; code < code_count(*params.weight); ++code) {
      for (const Term& term : terms_of(params, code, select)) {
        const std::int32_t magnitude = term.one ? 1 << (term.exponent + term.significance) : 0;
        values[select][code] += term.negative ? -magnitude : magnitude;
      }
    }
  }
  return values;
}

void integer_gemm(const Params& params, const OperandViews& x, MatrixView<std::int64_t> y) {
  const std::size_t depth = x.a.cols, cols = x.w.cols;
  const WeightValues values = weight_values(params);
  const std::uint32_t code_mask = code_count(*params.weight) - 1;
  std::vector<std::int32_t> weights(depth * cols);
  for (std::size_t k = 0; k < depth; ++k) {
    for (std::size_t n = 0; n < cols; ++n) {
      weights[k * cols + n] =
          values[select_of(params, x.s(k / params.group, n))][x.w(k, n) & code_mask];
    }
  }
  for (std::size_t m = 0; m < y.rows; ++m) {
    std::vector<std::int64_t> totals(cols);
    for (std::size_t begin = 0; begin < depth; begin += params.group) {
      std::vector<std::int32_t> sums(cols);
      for (std::size_t k = begin; k < std::min(begin + params.group, depth); ++k) {
        const auto a = static_cast<std::int32_t>(sign_extend(x.a(m, k), 8));
        for (std::size_t n = 0; n < cols; ++n) sums[n] += a * weights[k * cols + n];
      }
      for (std::size_t n = 0; n < cols; ++n) {
        totals[n] += sums[n] * scale_of(x.s(begin / params.group, n));
      }
    }
    const std::int64_t half = std::int64_t{1} << (kIntegerSumBits - 1);
    for (std::size_t n = 0; n < cols; ++n) {
      check(totals[n] >= -half && totals[n] < half, "a sum does not fit the accumulator");
      y(m, n) = totals[n];
    }
  }
}

// ---- FP16 activations

// Columns that are computed together. Their terms of a group stay in a core's cache for all rows.
constexpr std::size_t kBlock = 64;
// The exponent of a term that is not there, below all that are: with any activation's it is
// negative, and what it multiplies is shifted out.
constexpr std::int32_t kAbsent = -64;

using Lane = std::array<std::int32_t, kBlock>;
struct LaneTerms {
  Lane exponent, sign;  // sign: 0 or -1
};

// An activation: 8 sig and what a sum takes of its sign and exponent.
struct Activation {
  std::int32_t exponent, magnitude, sign;
};

Activation unpack(std::uint16_t code) {
  const std::int32_t field = code >> 10 & 31;
  return {std::max(field, 1), ((code & 1023) + (field == 0 ? 0 : 1024)) * 8,
          (code >> 15 & 1) != 0 ? -1 : 0};
}
bool is_special(std::uint16_t code) { return (code >> 10 & 31) == 31; }

// The block's sums of one group.
struct GroupSums {
  Lane mantissa{}, exponent{};
};

// A shift by more than any number is long.
std::int32_t floor_shift(std::int32_t value, std::int32_t by) {
  return value >> std::min(by, 31);
}

// Bits of a number below 2^24 up to its leading one, 1 for 0: by way of floating point, which
// every machine converts in vectors.
std::int32_t bit_length(std::int32_t value) {
  return (std::bit_cast<std::int32_t>(static_cast<float>(value | 1)) >> 23) - 126;
}

// dot() and accumulate() of golden.h for one term of a beat, in all columns of the block.
template <std::size_t L>
void add_step(const std::array<Activation, L>& a, const LaneTerms* terms, std::int32_t significance,
              bool skip_zero_terms, GroupSums& sums) {
  constexpr std::int32_t kUp = 5 + static_cast<std::int32_t>(std::bit_width(L));
  constexpr std::int32_t kFrame = 15 + kUp;
  const std::int32_t skipped = skip_zero_terms ? 0 : -1;  // largest exponent of what is left out
  for (std::size_t c = 0; c < kBlock; ++c) {
    std::array<std::int32_t, L> exponents;
    std::int32_t largest = 0;
    for (std::size_t l = 0; l < L; ++l) {
      exponents[l] = a[l].exponent + terms[l].exponent[c];
      largest = std::max(largest, exponents[l]);
    }
    std::int32_t dot = 0;
    for (std::size_t l = 0; l < L; ++l) {
      const std::int32_t magnitude = floor_shift(a[l].magnitude, largest - exponents[l]);
      const std::int32_t sign = a[l].sign ^ terms[l].sign[c];
      dot += (magnitude ^ sign) - sign;
    }
    const std::int32_t exponent = std::max(sums.exponent[c], largest + kUp);
    const std::int32_t total = floor_shift(dot << significance, exponent - largest - kUp) +
                               floor_shift(sums.mantissa[c] << kUp, exponent - sums.exponent[c]);
    const std::int32_t places = std::min(kUp + 1, kFrame - bit_length(total ^ (total >> 31)));
    const bool keeps = largest == skipped;
    sums.mantissa[c] = keeps ? sums.mantissa[c] : (total << places) >> (kUp + 1);
    sums.exponent[c] = keeps ? sums.exponent[c] : exponent + 1 - places;
  }
}

// A block of columns of Y, all rows of them, group after group.
template <std::size_t L>
class FloatBlock {
 public:
  FloatBlock(const Params& params, const OperandViews& x, std::size_t begin)
      : params_(params),
        x_(x),
        begin_(begin),
        cols_(std::min(kBlock, x.w.cols - begin)),
        terms_per_weight_(term_count(params)),
        terms_(terms_per_weight_ * params.group),
        totals_(x.a.rows) {
    for (std::uint32_t select = 0; select < selects(params); ++select) {
      for (std::uint32_t code = 0; code < code_count(*params.weight); ++code) {
        table_[select].push_back(terms_of(params, code, select));
      }
    }
  }

  void add_group(std::size_t g) {
    const std::size_t begin = g * params_.group;
    const std::size_t end = std::min<std::size_t>(begin + params_.group, x_.a.cols);
    encode(g, begin, end);
    for (std::size_t m = 0; m < totals_.size(); ++m) add_group_of_row(m, begin, end);
  }

  void write(MatrixView<std::int64_t> y) const {
    constexpr std::int32_t kNan = 0x7FC00000;
    for (std::size_t m = 0; m < y.rows; ++m) {
      for (std::size_t c = 0; c < cols_; ++c) {
        const float total = totals_[m][c];
        y(m, begin_ + c) = std::isnan(total) ? kNan : std::bit_cast<std::int32_t>(total);
      }
    }
  }

 private:
  // The terms of the group's weights, beat after beat, term after term, lane after lane; beyond k
  // and n there are none.
  void encode(std::size_t g, std::size_t begin, std::size_t end) {
    for (LaneTerms& lane : terms_) lane.exponent.fill(kAbsent);
    const std::uint32_t code_mask = code_count(*params_.weight) - 1;
    for (std::size_t k = begin; k < end; ++k) {
      const std::size_t beat = (k - begin) / L, lane = (k - begin) % L;
      for (std::size_t c = 0; c < cols_; ++c) {
        const std::uint32_t select = select_of(params_, x_.s(g, begin_ + c));
        const std::vector<Term>& weight = table_[select][x_.w(k, begin_ + c) & code_mask];
        for (std::size_t i = 0; i < weight.size(); ++i) {
          LaneTerms& terms = terms_[(beat * terms_per_weight_ + i) * L + lane];
          terms.exponent[c] = weight[i].one ? weight[i].exponent : kAbsent;
          terms.sign[c] = weight[i].negative ? -1 : 0;
        }
      }
    }
    for (std::size_t c = 0; c < cols_; ++c) {
      scales_[c] = static_cast<std::int32_t>(scale_of(x_.s(g, begin_ + c)));
    }
  }

  void add_group_of_row(std::size_t m, std::size_t begin, std::size_t end) {
    const std::uint16_t* codes = &x_.a(m, 0);
    if (std::any_of(codes + begin, codes + end, is_special)) {
      totals_[m].fill(NAN);
      return;
    }
    GroupSums sums;
    const LaneTerms* terms = terms_.data();
    for (std::size_t beat = begin; beat < end; beat += L) {
      std::array<Activation, L> a{};
      for (std::size_t l = 0; l < L && beat + l < end; ++l) a[l] = unpack(codes[beat + l]);
      for (std::uint32_t i = 0; i < terms_per_weight_; ++i, terms += L) {
        add_step<L>(a, terms, static_cast<std::int32_t>(significance(params_, i)),
                    params_.skip_zero_terms, sums);
      }
    }
    // mantissa * scale * 2^(exponent - 28 - f), exact in FP32.
    const std::int32_t bias = 127 - 28 - static_cast<std::int32_t>(fraction_bits(params_));
    for (std::size_t c = 0; c < kBlock; ++c) {
      const auto unit = std::bit_cast<float>((sums.exponent[c] + bias) << 23);
      totals_[m][c] += static_cast<float>(sums.mantissa[c] * scales_[c]) * unit;
    }
  }

  const Params& params_;
  const OperandViews& x_;
  std::size_t begin_, cols_, terms_per_weight_;
  std::array<std::vector<std::vector<Term>>, kSelects> table_;
  std::vector<LaneTerms> terms_;
  Lane scales_{};
  std::vector<std::array<float, kBlock>> totals_;
};

template <std::size_t L>
void float_gemm(const Params& params, const OperandViews& x, MatrixView<std::int64_t> y) {
  for (std::size_t n = 0; n < x.w.cols; n += kBlock) {
    FloatBlock<L> block(params, x, n);
    for (std::size_t g = 0; g < x.s.rows; ++g) block.add_group(g);
    block.write(y);
  }
}

}  // namespace

void golden_gemm(const Params& params, const OperandViews& x, MatrixView<std::int64_t> y) {
  check(x.a.cols == x.w.rows && y.rows == x.a.rows && y.cols == x.w.cols && x.s.cols == x.w.cols &&
            x.s.rows == group_count(params, x.a.cols),
        "shapes of a GEMM do not agree");
  if (!is_floating_point(params)) return integer_gemm(params, x, y);
  switch (params.lanes) {
    case 1:
      return float_gemm<1>(params, x, y);
    case 2:
      return float_gemm<2>(params, x, y);
    case 4:
      return float_gemm<4>(params, x, y);
    default:
      check(params.lanes == 8, "no array has so many lanes");
      return float_gemm<8>(params, x, y);
  }
}

}  // namespace bitsmith::bit_serial
