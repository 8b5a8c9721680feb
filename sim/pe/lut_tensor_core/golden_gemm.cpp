#include "pe/lut_tensor_core/golden_gemm.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <span>
#include <type_traits>
#include <vector>

#include "common/error.h"
#include "numerics/float_values.h"
#include "numerics/pack.h"
#include "pe/lut_tensor_core/golden.h"

namespace bitsmith::lut_tensor_core {
namespace {

template <class Number>
constexpr bool kIsFloat = std::is_same_v<Number, float>;

std::size_t beats_of(const Params& params, std::size_t k) { return (k + params.k - 1) / params.k; }

using Codes = std::span<const std::uint16_t>;
void load_activations(const Params& params, Codes codes, std::span<float> numbers) {
  float_values(*params.activation, codes, numbers.first(codes.size()));
}
template <class Integer>
void load_activations(const Params& params, Codes codes, std::span<Integer> numbers) {
  for (std::size_t k = 0; k < codes.size(); ++k) {
    numbers[k] = static_cast<Integer>(sign_extend(codes[k], params.activation->bits));
  }
}

// ---- what a group sums up

// Products of activations and weights in S's order: those of `mac`, and of all engines whose
// integers are exact, since their sums are those of the products.
template <std::size_t K, class N>
class Products {
 public:
  using Number = N;

  Products(const Params& params, const OperandViews& x)
      : params_(params),
        x_(x),
        activations_(beats_of(params, x.a.cols) * K),
        weights_(activations_.size() * x.w.cols) {
    std::vector<Number> values(code_count(*params.weight));
    for (std::uint32_t code = 0; code < values.size(); ++code) {
      values[code] = static_cast<Number>(weight_value(params, code));
    }
    for (std::size_t k = 0; k < x.w.rows; ++k) {
      for (std::size_t n = 0; n < x.w.cols; ++n) {
        weights_[k * x.w.cols + n] = values[x.w(k, n) & (values.size() - 1)];
      }
    }
  }

  // D is SW - zero x SA.
  std::int64_t zero_of(std::uint32_t zero) const { return has_zero(params_) ? zero : 0; }
  std::uint32_t halvings() const { return 0; }

  void load_row(std::size_t m) {
    load_activations(params_, {&x_.a(m, 0), x_.a.cols}, std::span<Number>(activations_));
  }

  // SW of every column; returns SA.
  Number add_beats(std::size_t begin, std::size_t end, std::span<Number> sums) const {
    const std::size_t cols = sums.size();
    std::array<Number, K> ones;
    ones.fill(1);
    Number of_activations = 0;
    for (std::size_t beat = begin; beat < end; ++beat) {
      const Number* a = &activations_[beat * K];
      const Number* w = &weights_[beat * K * cols];
      for (std::size_t n = 0; n < cols; ++n) sums[n] += sum_of<K>(a, w + n, cols);
      of_activations += sum_of<K>(a, ones.data(), 1);
    }
    return of_activations;
  }

 private:
  // S; rows of weights are `cols` apart.
  template <std::size_t Count>
  static Number sum_of(const Number* a, const Number* w, std::size_t cols) {
    if constexpr (Count == 1) {
      return a[0] * w[0];
    } else {
      constexpr std::size_t kLower = Count / 2;
      return sum_of<Count - kLower>(a + kLower, w + kLower * cols, cols) +
             sum_of<kLower>(a, w, cols);
    }
  }

  const Params& params_;
  const OperandViews& x_;
  std::vector<Number> activations_;  // of a row
  std::vector<Number> weights_;      // zeros beyond the end
};

// To 11 significant bits, nearest even. FP32's 24 are more than twice as many, so a sum of two
// numbers of 11 bits that FP32 rounded first becomes what one rounding makes.
float round_to_11_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return std::bit_cast<float>((bits + 0xFFF + (bits >> 13 & 1)) & ~std::uint32_t{0x1FFF});
}

// Sums of entries: exact, or each rounded to the accumulator.
struct Integers {
  using Number = std::int64_t;
  static Number add(Number a, Number b) { return a + b; }
};
struct Fp32 {
  using Number = float;
  static Number add(Number a, Number b) { return a + b; }
};
struct Tf32 {
  using Number = float;
  static Number add(Number a, Number b) { return round_to_11_bits(a + b); }
};

// An addition in a table: exact, or of FP16, where sums below 2^-14 are exact with fewer bits.
std::int64_t add_entries(std::int64_t a, std::int64_t b) { return a + b; }
float add_entries(float a, float b) {
  const float rounded = round_to_11_bits(a + b);
  return std::fabs(rounded) >= 0x1p16F ? std::copysign(INFINITY, rounded) : rounded;
}

// The sums S of all choices: sums[x] takes set[j] where bit j of x is one, else clear[j].
template <class Number>
void all_sums(std::span<const Number> set, std::span<const Number> clear, std::span<Number> sums) {
  if (set.size() == 1) {
    sums[0] = clear[0];
    sums[1] = set[0];
    return;
  }
  const std::size_t lower = set.size() / 2, upper = set.size() - lower;
  std::array<Number, 8> above, below;
  all_sums<Number>(set.first(lower), clear.first(lower), below);
  all_sums<Number>(set.last(upper), clear.last(upper), above);
  for (std::size_t x = 0; x < std::size_t{1} << set.size(); ++x) {
    sums[x] = add_entries(above[x >> lower], below[x & ((std::size_t{1} << lower) - 1)]);
  }
}

// Entries in 8 bits: magnitudes up to 127 in units of 2^t.
void round_to_eight_bits(std::span<std::int64_t> entries) {
  std::int64_t largest = 0;
  for (const std::int64_t v : entries) largest = std::max(largest, std::abs(v));
  const int t =
      std::max(0, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(largest))) - 7);
  for (std::int64_t& v : entries) {
    const std::int64_t magnitude =
        std::min<std::int64_t>(127, (2 * std::abs(v) + (std::int64_t{1} << t)) >> (t + 1));
    v = (v < 0 ? -magnitude : magnitude) << t;
  }
}
void round_to_eight_bits(std::span<float> entries) {
  float largest = 0;
  for (const float v : entries) {
    if (!std::isfinite(v)) {
      std::fill(entries.begin(), entries.end(), NAN);
      return;
    }
    largest = std::max(largest, std::fabs(v));
  }
  const int t = largest == 0 ? 0 : std::ilogb(largest) - 6;
  const float unit = std::ldexp(1.0F, t), per_unit = std::ldexp(1.0F, -t);
  for (float& v : entries) {  // 11 significant bits and a half: exact, or below the half
    const float magnitude = std::min(127.0F, std::floor(std::fabs(v) * per_unit + 0.5F));
    v = std::copysign(magnitude * unit, v);
  }
}

// Tables' entries, each times the factor of its plane.
template <class Arithmetic>
class Tables {
 public:
  using Number = typename Arithmetic::Number;

  Tables(const Params& params, const OperandViews& x)
      : params_(params),
        x_(x),
        planes_(plane_count(params)),
        activations_(beats_of(params, x.a.cols) * params.k),
        addresses_(beats_of(params, x.w.rows) * planes_ * x.w.cols),
        entries_(beats_of(params, x.w.rows) * planes_ << params.k) {
    std::vector<std::uint32_t> bits(code_count(*params.weight));  // of all planes
    for (std::uint32_t code = 0; code < bits.size(); ++code) {
      for (std::uint32_t i = 0; i < planes_; ++i) bits[code] |= plane_bit(params, code, i) << i;
    }
    for (std::size_t k = 0; k < x.w.rows; ++k) {
      std::uint8_t* addresses = &addresses_[k / params.k * planes_ * x.w.cols];
      for (std::size_t n = 0; n < x.w.cols; ++n) {
        const std::uint32_t of_weight = bits[x.w(k, n) & (bits.size() - 1)];
        for (std::size_t i = 0; i < planes_; ++i) {
          addresses[i * x.w.cols + n] |=
              static_cast<std::uint8_t>((of_weight >> i & 1) << k % params.k);
        }
      }
    }
  }

  // 2^h D is SW - z' x SA.
  std::int64_t zero_of(std::uint32_t zero) const { return zero_term(params_, zero); }
  std::uint32_t halvings() const { return lut_tensor_core::halvings(params_); }

  void load_row(std::size_t m) {
    load_activations(params_, {&x_.a(m, 0), x_.a.cols}, std::span<Number>(activations_));
    for (std::size_t beat = 0; beat * params_.k < x_.a.cols; ++beat) load_table(beat);
  }

  Number add_beats(std::size_t begin, std::size_t end, std::span<Number> sums) const {
    const std::size_t all = (std::size_t{1} << params_.k) - 1;
    Number of_activations = 0;
    for (std::size_t token = begin * planes_; token < end * planes_; ++token) {
      const Number* entries = &entries_[token << params_.k];
      const std::uint8_t* addresses = &addresses_[token * sums.size()];
      for (std::size_t n = 0; n < sums.size(); ++n) {
        sums[n] = Arithmetic::add(sums[n], entries[addresses[n]]);
      }
      // Plane 0 has factor 1.
      if (token % planes_ == 0) of_activations = Arithmetic::add(of_activations, entries[all]);
    }
    return of_activations;
  }

 private:
  void load_table(std::size_t beat) {
    const std::span<const Number> set(&activations_[beat * params_.k], params_.k);
    std::array<Number, 6> clear{};
    for (std::size_t j = 0; j < params_.k && has_half_table(params_); ++j) clear[j] = -set[j];
    std::array<Number, 64> table;
    const std::span<Number> entries = std::span(table).first(std::size_t{1} << params_.k);
    all_sums<Number>(set, std::span(clear).first(params_.k), entries);
    if (params_.table == TableKind::int8) round_to_eight_bits(entries);
    for (std::uint32_t i = 0; i < planes_; ++i) {
      const auto factor = static_cast<Number>(plane_factor(params_, i));
      Number* scaled = &entries_[(beat * planes_ + i) << params_.k];
      for (std::size_t w = 0; w < entries.size(); ++w) scaled[w] = entries[w] * factor;
    }
  }

  const Params& params_;
  const OperandViews& x_;
  std::size_t planes_;
  std::vector<Number> activations_;      // of a row, zeros beyond the end
  std::vector<std::uint8_t> addresses_;  // of every beat, plane and column
  std::vector<Number> entries_;          // of a row: of every beat, plane and address
};

// ---- the whole

// 32-bit patterns of FP32, whose NaNs on the host are of any kind, or numbers of 48 bits.
void write_results(std::span<const float> sums, std::int64_t* y) {
  constexpr std::int32_t kNan = 0x7FC00000;
  for (std::size_t n = 0; n < sums.size(); ++n) {
    y[n] = std::isnan(sums[n]) ? kNan : std::bit_cast<std::int32_t>(sums[n]);
  }
}
void write_results(std::span<const std::int64_t> sums, std::int64_t* y) {
  constexpr std::int64_t kHalf = std::int64_t{1} << (kIntegerSumBits - 1);
  for (std::size_t n = 0; n < sums.size(); ++n) {
    check(sums[n] >= -kHalf && sums[n] < kHalf, "a sum does not fit the accumulator");
    y[n] = sums[n];
  }
}

template <class Sums>
class Gemm {
 public:
  Gemm(const Params& params, const OperandViews& x)
      : params_(params),
        x_(x),
        sums_(params, x),
        scales_(x.s.rows * x.s.cols),
        zeros_(scales_.size()) {
    const std::uint64_t zero_mask = low_mask(params.weight->bits);
    for (std::size_t i = 0; i < scales_.size(); ++i) {
      const std::uint32_t code = x.s(i / x.s.cols, i % x.s.cols);
      scales_[i] = static_cast<Total>(sign_extend(code, kScaleBits));
      if constexpr (kIsFloat<Number>) scales_[i] /= static_cast<float>(1U << sums_.halvings());
      zeros_[i] = static_cast<Number>(
          sums_.zero_of(static_cast<std::uint32_t>(code >> kScaleBits & zero_mask)));
    }
  }

  void run(MatrixView<std::int64_t> y) {
    for (std::size_t m = 0; m < y.rows; ++m) {
      sums_.load_row(m);
      std::vector<Total> totals(y.cols);
      for (std::size_t g = 0; g < x_.s.rows; ++g) add_group(g, totals);
      write_results(totals, &y(m, 0));
    }
  }

 private:
  using Number = typename Sums::Number;
  using Total = std::conditional_t<kIsFloat<Number>, float, std::int64_t>;

  void add_group(std::size_t g, std::span<Total> totals) const {
    std::vector<Number> sums(totals.size());
    const std::size_t begin = g * params_.group;
    const std::size_t end = std::min<std::size_t>(begin + params_.group, x_.a.cols);
    const Number of_activations = sums_.add_beats(begin / params_.k, beats_of(params_, end), sums);
    const Number* zeros = &zeros_[g * totals.size()];
    const Total* scales = &scales_[g * totals.size()];
    for (std::size_t n = 0; n < totals.size(); ++n) {
      Number d = sums[n];
      if (has_sum_lane(params_)) d -= zeros[n] * of_activations;
      if constexpr (!kIsFloat<Number>) d >>= sums_.halvings();
      totals[n] += static_cast<Total>(d) * scales[n];
    }
  }

  const Params& params_;
  const OperandViews& x_;
  Sums sums_;
  std::vector<Total> scales_;
  std::vector<Number> zeros_;
};

template <class Number>
void products_gemm(const Params& params, const OperandViews& x, MatrixView<std::int64_t> y) {
  switch (params.k) {
    case 2:
      return Gemm<Products<2, Number>>(params, x).run(y);
    case 3:
      return Gemm<Products<3, Number>>(params, x).run(y);
    case 4:
      return Gemm<Products<4, Number>>(params, x).run(y);
    case 5:
      return Gemm<Products<5, Number>>(params, x).run(y);
    default:
      check(params.k == 6, "no array has so many activations in a beat");
      return Gemm<Products<6, Number>>(params, x).run(y);
  }
}

}  // namespace

void golden_gemm(const Params& params, const OperandViews& x, MatrixView<std::int64_t> y) {
  check(x.a.cols == x.w.rows && y.rows == x.a.rows && y.cols == x.w.cols && x.s.cols == x.w.cols &&
            x.s.rows == group_count(params, x.a.cols),
        "shapes of a GEMM do not agree");
  if (is_floating_point(params)) {
    if (params.engine == Engine::mac) return products_gemm<float>(params, x, y);
    if (params.accumulator == Accumulator::tf32) return Gemm<Tables<Tf32>>(params, x).run(y);
    return Gemm<Tables<Fp32>>(params, x).run(y);
  }
  if (params.table == TableKind::int8) return Gemm<Tables<Integers>>(params, x).run(y);
  // Sums of a group of 256 products of 16 and 8 bits, and what is left of them without the zero.
  products_gemm<std::int32_t>(params, x, y);
}

}  // namespace bitsmith::lut_tensor_core
