#include "pe/lut_tensor_core/golden.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/error.h"
#include "numerics/float_arithmetic.h"
#include "numerics/pack.h"

namespace bitsmith::lut_tensor_core {
namespace {

constexpr FloatLayout kFp16{5, 10, Specials::ieee};
constexpr FloatLayout kTf32{8, 10, Specials::ieee};
constexpr std::uint32_t kFp16Sign = 0x8000;
constexpr std::uint32_t kFp16Infinity = 0x7C00;
constexpr int kFp16LastPlace = -24;  // all FP16 numbers are multiples of 2^-24
constexpr std::int64_t kLargestMagnitude = 127;

std::int64_t power_of_two(int exponent) { return std::int64_t{1} << exponent; }

FloatLayout accumulator(const Params& params) {
  return params.accumulator == Accumulator::tf32 ? kTf32 : kFloat32;
}

// An integer of at most 24 significant bits times 2^exponent, which FP32 holds exactly.
std::uint32_t float32_of(std::int64_t value, int exponent) {
  if (value == 0) return 0;
  const auto magnitude = static_cast<std::uint64_t>(value < 0 ? -value : value);
  const int top = static_cast<int>(std::bit_width(magnitude)) - 1;
  check(top <= kFloat32.mantissa_bits, "a number is not exact in FP32");
  const std::uint64_t fraction = (magnitude - static_cast<std::uint64_t>(power_of_two(top)))
                                 << (kFloat32.mantissa_bits - top);
  const auto field = static_cast<std::uint64_t>(top + exponent + kFloat32.bias());
  return static_cast<std::uint32_t>((value < 0 ? std::uint64_t{1} << 31 : 0U) |
                                    field << kFloat32.mantissa_bits | fraction);
}

// ---- numbers of one kind, for sums in one order

struct Integers {
  static std::int64_t add(std::int64_t a, std::int64_t b) { return a + b; }
};
struct Fp16 {
  static std::int64_t add(std::int64_t a, std::int64_t b) {
    return float_add(kFp16, static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b));
  }
};
struct Fp32 {
  static std::int64_t add(std::int64_t a, std::int64_t b) {
    return float_add(kFloat32, static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b));
  }
};

// S: the sum of the upper ceil(n/2) terms and that of the lower floor(n/2); terms[0] is lowest.
template <class Numbers>
std::int64_t sum_of(std::span<const std::int64_t> terms) {
  if (terms.size() == 1) return terms[0];
  const std::size_t lower = terms.size() / 2;
  return Numbers::add(sum_of<Numbers>(terms.subspan(lower)),
                      sum_of<Numbers>(terms.subspan(0, lower)));
}

// An activation as a number or as an FP16 code.
std::int64_t activation(const Params& params, std::uint32_t code) {
  if (!is_floating_point(params)) return sign_extend(code, params.activation->bits);
  return convert(*params.activation, format("fp16"), code, Rounding::nearest_even, Overflow::ieee);
}

std::int64_t negated(const Params& params, std::int64_t number) {
  return is_floating_point(params) ? number ^ kFp16Sign : -number;
}

// The sum of +a_j where bit j of w is set, and of -a_j or +0 where it is not.
std::int64_t entry_of(const Params& params, std::span<const std::uint32_t> activations,
                      std::uint32_t w) {
  std::vector<std::int64_t> terms;
  for (std::size_t j = 0; j < activations.size(); ++j) {
    const std::int64_t a = activation(params, activations[j]);
    const bool set = (w >> j & 1) != 0;
    terms.push_back(set ? a : has_half_table(params) ? negated(params, a) : 0);
  }
  return is_floating_point(params) ? sum_of<Fp16>(terms) : sum_of<Integers>(terms);
}

// ---- tables in 8 bits

// An entry as an integer, in units of its last place.
struct Exact {
  std::int64_t value;
  bool special;
};
Exact exact(const Params& params, std::uint32_t entry) {
  if (!is_floating_point(params)) return {static_cast<std::int32_t>(entry), false};
  if ((entry & kFp16Infinity) == kFp16Infinity) return {0, true};
  const int field = static_cast<int>(entry >> kFp16.mantissa_bits & 31);
  const std::int64_t significand =
      static_cast<std::int64_t>(entry & low_mask(kFp16.mantissa_bits)) +
      (field == 0 ? 0 : power_of_two(kFp16.mantissa_bits));
  const std::int64_t magnitude = significand * power_of_two(std::max(field, 1) - 1);
  return {(entry & kFp16Sign) != 0 ? -magnitude : magnitude, false};
}
int last_place(const Params& params) { return is_floating_point(params) ? kFp16LastPlace : 0; }

// floor(magnitude / 2^shift + 1/2).
std::int64_t round_half_up(std::int64_t magnitude, int shift) {
  if (shift <= 0) return magnitude * power_of_two(-shift);
  return (magnitude + power_of_two(shift - 1)) / power_of_two(shift);
}

Table in_eight_bits(const Params& params, const Table& table) {
  Table result;
  std::int64_t largest = 0;
  bool special = false;
  for (const std::uint32_t entry : table.entries) {
    const Exact number = exact(params, entry);
    largest = std::max(largest, std::abs(number.value));
    special = special || number.special;
  }
  if (special) {
    result.entries.assign(table.entries.size(), 0);
    result.scale_code = kTableScaleNan;
    return result;
  }
  const int lowest = is_floating_point(params) ? -kFloatTableScaleBias : 0;
  const int top = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(largest))) - 1 +
                  last_place(params);  // e; what it is for zeros does not matter
  const int t = largest == 0 ? lowest : std::max(lowest, top - 6);
  result.scale_code = static_cast<std::uint32_t>(t - lowest);
  for (const std::uint32_t entry : table.entries) {
    const std::int64_t value = exact(params, entry).value;
    const std::int64_t magnitude =
        std::min(kLargestMagnitude, round_half_up(std::abs(value), t - last_place(params)));
    result.entries.push_back((value < 0 ? 128U : 0U) | static_cast<std::uint32_t>(magnitude));
  }
  return result;
}

Table full_table(const Params& params, std::span<const std::uint32_t> activations) {
  Table table;
  const std::uint32_t first = has_half_table(params) ? 1U << (params.k - 1) : 1;
  for (std::uint32_t w = first; w < 1U << params.k; ++w) {
    table.entries.push_back(static_cast<std::uint32_t>(entry_of(params, activations, w)));
  }
  return table;
}

// Largest error of an entry, as a share of the largest entry.
double error_of(const Params& params, const Table& full, const Table& rounded) {
  if (rounded.scale_code == kTableScaleNan) return 0;
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < full.entries.size(); ++i) {
    const double value =
        std::ldexp(static_cast<double>(exact(params, full.entries[i]).value), last_place(params));
    const Entry entry = read(params, rounded, static_cast<std::uint32_t>(i) | 1U << (params.k - 1));
    const double held = std::ldexp(static_cast<double>(entry.value), entry.exponent);
    largest = std::max(largest, std::fabs(value));
    worst = std::max(worst, std::fabs(value - held));
  }
  return largest == 0 ? 0 : worst / largest;
}

// ---- one result

// Row m of A: the activations of every beat, and their tables.
struct Row {
  std::vector<std::vector<std::uint32_t>> activations;
  std::vector<Table> tables;
  double error = 0;
};

Row row_of(const Params& params, CodeView a, std::size_t m) {
  Row row;
  for (std::size_t begin = 0; begin < a.cols; begin += params.k) {
    std::vector<std::uint32_t> codes(params.k);  // +0 beyond the end
    for (std::size_t j = 0; j < params.k && begin + j < a.cols; ++j) codes[j] = a(m, begin + j);
    if (params.engine != Engine::mac) {
      row.tables.push_back(precompute(params, codes));
      if (params.table == TableKind::int8) {
        row.error =
            std::max(row.error, error_of(params, full_table(params, codes), row.tables.back()));
      }
    }
    row.activations.push_back(std::move(codes));
  }
  return row;
}

// A group's SW or SA: a number, or a code of the accumulator.
class GroupSum {
 public:
  explicit GroupSum(const Params& params) : params_(params), layout_(accumulator(params)) {}

  // An entry times f (stage 2).
  void add(const Entry& entry, std::int64_t factor) {
    if (!is_floating_point(params_)) {
      sum_ += entry.value * power_of_two(entry.exponent) * factor;
    } else if (params_.table == TableKind::int8) {
      const std::uint32_t unit = float32_of(factor, entry.exponent);
      add(entry.is_nan
              ? nan()
              : float_multiply(kFloat32, float32_of(entry.value, 0), kFloat32, unit, layout_));
    } else {
      add(float_multiply(kFp16, static_cast<std::uint32_t>(entry.value), kFloat32,
                         float32_of(factor, 0), layout_));
    }
  }
  // K products of activations and weights (`mac`).
  void add(std::span<const std::uint32_t> activations, std::span<const std::int64_t> weights) {
    std::vector<std::int64_t> products;
    for (std::size_t j = 0; j < activations.size(); ++j) {
      const std::int64_t a = activation(params_, activations[j]);
      products.push_back(is_floating_point(params_)
                             ? float_multiply(kFp16, static_cast<std::uint32_t>(a), kFloat32,
                                              float32_of(weights[j], 0), kFloat32)
                             : a * weights[j]);
    }
    if (is_floating_point(params_)) {
      add(static_cast<std::uint32_t>(sum_of<Fp32>(products)));
    } else {
      sum_ += sum_of<Integers>(products);
    }
  }

  std::int64_t number() const { return sum_; }
  std::uint32_t float32() const {
    return static_cast<std::uint32_t>(sum_) << (kFloat32.mantissa_bits - layout_.mantissa_bits);
  }

 private:
  void add(std::uint32_t term) {
    sum_ = float_add(layout_, static_cast<std::uint32_t>(sum_), term);
  }
  std::uint32_t nan() const { return float_multiply(kFp16, 0x7E00, kFp16, 0, layout_); }

  const Params& params_;
  FloatLayout layout_;
  std::int64_t sum_ = 0;
};

// Operands of one result in one group.
struct Group {
  const Params& params;
  const Row& row;
  CodeView w;
  std::size_t n;
  std::size_t begin, end;  // of k

  std::vector<std::int64_t> weights(std::size_t beat) const {
    std::vector<std::int64_t> values(params.k);
    for (std::size_t j = 0; j < params.k; ++j) {
      const std::size_t k = beat * params.k + j;
      if (k < end) values[j] = weight_value(params, w(k, n));
    }
    return values;
  }
  // 0 in every plane beyond the end.
  std::uint32_t plane(std::size_t beat, std::uint32_t i) const {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < params.k; ++j) {
      const std::size_t k = beat * params.k + j;
      if (k < end) bits |= plane_bit(params, w(k, n), i) << j;
    }
    return bits;
  }
};

struct Sums {
  GroupSum sw, sa;
};

Sums sums_of(const Group& group) {
  const Params& params = group.params;
  Sums sums{GroupSum(params), GroupSum(params)};
  const std::uint32_t all = (1U << params.k) - 1;
  for (std::size_t beat = group.begin / params.k; beat * params.k < group.end; ++beat) {
    if (params.engine == Engine::mac) {
      const std::vector<std::uint32_t>& a = group.row.activations[beat];
      sums.sw.add(a, group.weights(beat));
      sums.sa.add(a, std::vector<std::int64_t>(params.k, 1));
      continue;
    }
    const Table& table = group.row.tables[beat];
    for (std::uint32_t i = 0; i < plane_count(params); ++i) {
      sums.sw.add(read(params, table, group.plane(beat, i)), plane_factor(params, i));
    }
    sums.sa.add(read(params, table, all), 1);
  }
  return sums;
}

// scale * D in integers (stage 3).
std::int64_t dequantised(const Params& params, const Sums& sums, std::int64_t z,
                         std::int64_t scale) {
  const std::int64_t doubled = sums.sw.number() - z * sums.sa.number();
  const std::int64_t divisor = power_of_two(static_cast<int>(halvings(params)));
  check(doubled % divisor == 0, "a sum of products is no integer");
  return doubled / divisor * scale;
}

// The same in FP32.
std::uint32_t dequantised_float(const Params& params, const Sums& sums, std::int64_t z,
                                std::int64_t scale) {
  std::uint32_t d = sums.sw.float32();
  if (has_sum_lane(params)) {
    const std::uint32_t c =
        float_multiply(kFloat32, float32_of(z, 0), kFloat32, sums.sa.float32(), kFloat32);
    d = float_add(kFloat32, d, c ^ 0x80000000);
  }
  return float_multiply(kFloat32, d, kFloat32,
                        float32_of(scale, -static_cast<int>(halvings(params))), kFloat32);
}

std::int64_t result(const Params& params, const Row& row, const OperandViews& x, std::size_t n) {
  std::uint32_t float_total = 0;
  std::int64_t integer_total = 0;
  for (std::size_t g = 0; g < x.s.rows; ++g) {
    const std::uint32_t code = x.s(g, n);
    const std::int64_t scale = sign_extend(code, kScaleBits);
    const std::int64_t z = zero_term(
        params, code >> kScaleBits & static_cast<std::uint32_t>(low_mask(params.weight->bits)));
    const std::size_t begin = g * params.group;
    const Sums sums =
        sums_of({params, row, x.w, n, begin, std::min(begin + params.group, x.a.cols)});
    if (is_floating_point(params)) {
      float_total = float_add(kFloat32, float_total, dequantised_float(params, sums, z, scale));
    } else {
      integer_total += dequantised(params, sums, z, scale);
    }
  }
  if (is_floating_point(params)) return sign_extend(float_total, kFloatSumBits);
  const std::int64_t half = power_of_two(kIntegerSumBits - 1);
  check(integer_total >= -half && integer_total < half, "a sum does not fit the accumulator");
  return integer_total;
}

}  // namespace

// ---- planes

std::uint32_t plane_bit(const Params& params, std::uint32_t code, std::uint32_t plane) {
  const std::int64_t q = weight_value(params, code);
  if (has_half_table(params)) {
    switch (weight_kind(params)) {
      case WeightKind::bipolar:
        return q == 1 ? 1 : 0;
      case WeightKind::ternary:
        return (plane == 0 ? q == 1 : q != -1) ? 1 : 0;
      case WeightKind::signed_integer:
        return static_cast<std::uint32_t>((q + power_of_two(params.weight->bits - 1)) >> plane) & 1;
      case WeightKind::unsigned_integer:
        break;
    }
  }
  return static_cast<std::uint32_t>(q >> plane) & 1;
}

std::int64_t plane_factor(const Params& params, std::uint32_t plane) {
  const WeightKind kind = weight_kind(params);
  if (has_half_table(params) && kind == WeightKind::ternary) return 1;
  const bool is_sign = !has_half_table(params) && kind != WeightKind::unsigned_integer &&
                       plane + 1 == plane_count(params);
  return is_sign ? -power_of_two(static_cast<int>(plane)) : power_of_two(static_cast<int>(plane));
}

std::int64_t weight_value(const Params& params, std::uint32_t code) {
  return static_cast<std::int64_t>(decode(*params.weight, code));
}

std::int64_t zero_term(const Params& params, std::uint32_t zero) {
  switch (weight_kind(params)) {
    case WeightKind::unsigned_integer:
      return has_half_table(params) ? 2 * std::int64_t{zero} + 1 - power_of_two(params.weight->bits)
                                    : std::int64_t{zero};
    case WeightKind::signed_integer:
      return has_half_table(params) ? 1 : 0;
    default:
      return 0;
  }
}

// ---- stage 1

Table precompute(const Params& params, std::span<const std::uint32_t> activations) {
  check(activations.size() == params.k, "a table of another number of activations");
  const Table full = full_table(params, activations);
  return params.table == TableKind::int8 ? in_eight_bits(params, full) : full;
}

Entry read(const Params& params, const Table& table, std::uint32_t w) {
  Entry entry;
  bool negative = false;
  std::uint32_t stored = 0;
  if (has_half_table(params)) {
    const std::uint32_t top = 1U << (params.k - 1);
    negative = (w & top) == 0;
    stored = table.entries[(negative ? ~w : w) & (top - 1)];
  } else {
    stored = w == 0 ? 0 : table.entries[w - 1];
  }
  if (params.table == TableKind::int8) {
    entry.is_nan = table.scale_code == kTableScaleNan;
    entry.exponent =
        static_cast<int>(table.scale_code) - (is_floating_point(params) ? kFloatTableScaleBias : 0);
    entry.value = (stored & 128) != 0 ? -std::int64_t{stored & 127} : std::int64_t{stored & 127};
    if (negative) entry.value = -entry.value;
    return entry;
  }
  entry.value =
      is_floating_point(params) ? std::int64_t{stored} : static_cast<std::int32_t>(stored);
  if (negative) entry.value = negated(params, entry.value);
  return entry;
}

// ---- the whole

double golden(const Params& params, const OperandViews& x, MatrixView<std::int64_t> y) {
  check(x.a.cols == x.w.rows && y.rows == x.a.rows && y.cols == x.w.cols && x.s.cols == x.w.cols &&
            x.s.rows == group_count(params, x.a.cols),
        "shapes of a GEMM do not agree");
  double error = 0;
  for (std::size_t m = 0; m < y.rows; ++m) {
    const Row row = row_of(params, x.a, m);
    error = std::max(error, row.error);
    for (std::size_t n = 0; n < y.cols; ++n) y(m, n) = result(params, row, x, n);
  }
  return error;
}

}  // namespace bitsmith::lut_tensor_core
