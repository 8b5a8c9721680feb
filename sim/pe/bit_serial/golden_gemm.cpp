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

// Eight columns are one vector, and eight vectors a block: the terms of a group of a block's
// weights stay in a core's cache for all rows.
constexpr std::size_t kColumns = 8;
constexpr std::size_t kVectors = 8;
constexpr std::size_t kBlock = kColumns * kVectors;
using Columns [[gnu::vector_size(4 * kColumns)]] = std::int32_t;
using FloatColumns [[gnu::vector_size(4 * kColumns)]] = float;
using Block = std::array<Columns, kVectors>;

// The exponent of a term that is not there, below all that are: with any activation's it is
// negative, and what it multiplies is shifted out.
constexpr std::int32_t kAbsent = -64;

struct LaneTerms {
  Block exponent, sign;  // sign: 0 or -1
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
  Block mantissa{}, exponent{};
};

inline Columns larger(const Columns& a, const Columns& b) { return a > b ? a : b; }
inline Columns smaller(const Columns& a, const Columns& b) { return a < b ? a : b; }

// A shift by more than any number is long.
inline Columns floor_shift(const Columns& value, const Columns& by) {
  return value >> smaller(by, Columns{} + 31);
}

// Bits of numbers below 2^24 up to their leading one, 1 for 0: by way of floating point, which
// every machine converts in vectors.
inline Columns bit_length(const Columns& value) {
  const FloatColumns converted = __builtin_convertvector(value | 1, FloatColumns);
  return (std::bit_cast<Columns>(converted) >> 23) - 126;
}

// dot() and accumulate() of golden.h for one term of a beat, in the columns of vector v.
template <std::size_t L>
inline void add_step(const std::array<Activation, L>& a, const LaneTerms* terms, std::size_t v,
                     std::int32_t significance, bool skip_zero_terms, GroupSums& sums) {
  constexpr std::int32_t kUp = 5 + static_cast<std::int32_t>(std::bit_width(L));
  constexpr std::int32_t kFrame = 15 + kUp;
  std::array<Columns, L> exponents;
  Columns largest{};
  for (std::size_t l = 0; l < L; ++l) {
    exponents[l] = a[l].exponent + terms[l].exponent[v];
    largest = larger(largest, exponents[l]);
  }
  Columns dot{};
  for (std::size_t l = 0; l < L; ++l) {
    const Columns magnitude = floor_shift(Columns{} + a[l].magnitude, largest - exponents[l]);
    const Columns sign = a[l].sign ^ terms[l].sign[v];
    dot += (magnitude ^ sign) - sign;
  }
  const Columns exponent = larger(sums.exponent[v], largest + kUp);
  const Columns total = floor_shift(dot << significance, exponent - largest - kUp) +
                        floor_shift(sums.mantissa[v] << kUp, exponent - sums.exponent[v]);
  const Columns places = smaller(Columns{} + (kUp + 1), kFrame - bit_length(total ^ (total >> 31)));
  const Columns skipped =
      Columns{} + (skip_zero_terms ? 0 : -1);  // the largest where all are absent
  sums.mantissa[v] = largest == skipped ? sums.mantissa[v] : (total << places) >> (kUp + 1);
  sums.exponent[v] = largest == skipped ? sums.exponent[v] : exponent + 1 - places;
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
        const float total = totals_[m][c / kColumns][c % kColumns];
        y(m, begin_ + c) = std::isnan(total) ? kNan : std::bit_cast<std::int32_t>(total);
      }
    }
  }

 private:
  // The terms of the group's weights, beat after beat, term after term, lane after lane; beyond k
  // and n there are none.
  void encode(std::size_t g, std::size_t begin, std::size_t end) {
    for (LaneTerms& lane : terms_) lane.exponent.fill(Columns{} + kAbsent);
    const std::uint32_t code_mask = code_count(*params_.weight) - 1;
    for (std::size_t k = begin; k < end; ++k) {
      const std::size_t beat = (k - begin) / L, lane = (k - begin) % L;
      for (std::size_t c = 0; c < cols_; ++c) {
        const std::uint32_t select = select_of(params_, x_.s(g, begin_ + c));
        const std::vector<Term>& weight = table_[select][x_.w(k, begin_ + c) & code_mask];
        for (std::size_t i = 0; i < weight.size(); ++i) {
          LaneTerms& terms = terms_[(beat * terms_per_weight_ + i) * L + lane];
          const std::size_t vector = c / kColumns, column = c % kColumns;
          terms.exponent[vector][column] = weight[i].one ? weight[i].exponent : kAbsent;
          terms.sign[vector][column] = weight[i].negative ? -1 : 0;
        }
      }
    }
    for (std::size_t c = 0; c < cols_; ++c) {
      scales_[c / kColumns][c % kColumns] =
          static_cast<std::int32_t>(scale_of(x_.s(g, begin_ + c)));
    }
  }

  void add_group_of_row(std::size_t m, std::size_t begin, std::size_t end) {
    const std::uint16_t* codes = &x_.a(m, 0);
    if (std::any_of(codes + begin, codes + end, is_special)) {
      totals_[m].fill(FloatColumns{} + NAN);
      return;
    }
    GroupSums sums;
    const LaneTerms* terms = terms_.data();
    for (std::size_t beat = begin; beat < end; beat += L) {
      std::array<Activation, L> a{};
      for (std::size_t l = 0; l < L && beat + l < end; ++l) a[l] = unpack(codes[beat + l]);
      for (std::uint32_t i = 0; i < terms_per_weight_; ++i, terms += L) {
        const auto up = static_cast<std::int32_t>(significance(params_, i));
        for (std::size_t v = 0; v < kVectors; ++v) {
          add_step<L>(a, terms, v, up, params_.skip_zero_terms, sums);
        }
      }
    }
    // mantissa * scale * 2^(exponent - 28 - f), exact in FP32.
    const std::int32_t bias = 127 - 28 - static_cast<std::int32_t>(fraction_bits(params_));
    for (std::size_t v = 0; v < kVectors; ++v) {
      const auto unit = std::bit_cast<FloatColumns>((sums.exponent[v] + bias) << 23);
      totals_[m][v] += __builtin_convertvector(sums.mantissa[v] * scales_[v], FloatColumns) * unit;
    }
  }

  const Params& params_;
  const OperandViews& x_;
  std::size_t begin_, cols_, terms_per_weight_;
  std::array<std::vector<std::vector<Term>>, kSelects> table_;
  std::vector<LaneTerms> terms_;
  Block scales_{};
  std::vector<std::array<FloatColumns, kVectors>> totals_;
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
