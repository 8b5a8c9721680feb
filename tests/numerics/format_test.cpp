#include "numerics/format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/error.h"

namespace bitsmith {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::array kRoundings{Rounding::nearest_even, Rounding::nearest_away,
                                Rounding::toward_zero, Rounding::down, Rounding::up};
constexpr std::array kOverflows{Overflow::saturate, Overflow::ieee};

bool same_number(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b && std::signbit(a) == std::signbit(b);
}

// ---- Independent values of all codes: hand-written tables, integer arithmetic, or the compiler's
// own types.

using Values = std::vector<double>;

Values integers(int bits, bool is_signed) {
  Values values;
  for (int code = 0; code < (1 << bits); ++code) {
    values.push_back(is_signed && code >= (1 << (bits - 1)) ? code - (1 << bits) : code);
  }
  return values;
}

// Codes of sign and magnitude: first the magnitudes in units of `unit`, then their negatives.
Values mirrored(const std::vector<int>& magnitudes, double unit) {
  Values values;
  for (const int m : magnitudes) values.push_back(m * unit);
  for (const int m : magnitudes) values.push_back(-(m * unit));
  return values;
}

Values counted(int magnitudes) {
  std::vector<int> m;
  for (int i = 0; i < magnitudes; ++i) m.push_back(i);
  return mirrored(m, 1);
}

#ifdef __clang__  // clang 14, which clang-tidy comes with, has no _Float16 on x86
using Half = __fp16;
#else
__extension__ typedef _Float16 Half;
#endif

// memcpy, because clang's __fp16 cannot be returned from std::bit_cast.
double half_value(std::uint32_t code) {
  const auto bits = static_cast<std::uint16_t>(code);
  Half half;
  std::memcpy(&half, &bits, sizeof half);
  return static_cast<double>(half);
}
std::uint32_t half_code(double value) {
  const auto half = static_cast<Half>(value);
  std::uint16_t bits = 0;
  std::memcpy(&bits, &half, sizeof bits);
  return bits;
}

Values halves() {
  Values values;
  for (std::uint32_t c = 0; c < 65536; ++c) {
    values.push_back(half_value(c));
  }
  return values;
}

// Formats that are the upper bits of a wider one of the compiler.
Values upper_byte_of_half() {
  Values values;
  for (std::uint32_t c = 0; c < 256; ++c) {
    values.push_back(half_value(c << 8));
  }
  return values;
}
Values upper_half_of_float() {
  Values values;
  for (std::uint32_t c = 0; c < 65536; ++c) {
    values.push_back(static_cast<double>(std::bit_cast<float>(c << 16)));
  }
  return values;
}

// OFP8 1.0, counted in units of the smallest number 2^-9: 16 steps of one unit, then eight
// steps of each power of two; the last code of either sign is NaN.
Values e4m3() {
  Values values;
  int magnitude = 0;
  int step = 1;
  for (int code = 0; code < 127; ++code) {
    if (code >= 16 && code % 8 == 0) step *= 2;
    values.push_back(magnitude / 512.0);
    magnitude += step;
  }
  values.push_back(kNan);
  for (int code = 0; code < 128; ++code) {
    const double positive = values[static_cast<std::size_t>(code)];
    values.push_back(-positive);
  }
  return values;
}

Values powers_of_two() {
  Values values;
  for (int code = 0; code < 255; ++code) values.push_back(std::pow(2.0, code - 127));
  values.push_back(kNan);
  return values;
}

std::map<std::string, Values> expected_values() {
  std::map<std::string, Values> table;
  for (int bits = 1; bits <= 16; ++bits) {
    table["int" + std::to_string(bits)] = integers(bits, true);
    table["uint" + std::to_string(bits)] = integers(bits, false);
  }
  table["bipolar"] = {-1, 1};
  table["ternary"] = {0, 1, 0, -1};
  table["fp16"] = halves();
  table["bf16"] = upper_half_of_float();
  table["fp8_e5m2"] = upper_byte_of_half();
  table["fp8_e4m3"] = e4m3();
  // MX 1.0: E3M2 has bias 3, so its smallest number is 2^-4; E2M3 and E2M1 have bias 1.
  table["fp6_e3m2"] =
      mirrored({0,  1,  2,  3,  4,  5,  6,  7,   8,   10,  12,  14,  16,  20,  24,  28,
                32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448},
               1.0 / 16);
  table["fp6_e2m3"] = mirrored({0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                16, 18, 20, 22, 24, 26, 28, 30, 32, 36, 40, 44, 48, 52, 56, 60},
                               1.0 / 8);
  table["fp4_e2m1"] = mirrored({0, 1, 2, 3, 4, 6, 8, 12}, 0.5);
  table["fp4_e3m0"] = mirrored({0, 1, 2, 4, 8, 16, 32, 64}, 1);
  table["fp3"] = mirrored({0, 1, 2, 4}, 1);
  table["fp3_m3"] = {0, 1, 2, 4, -3, -1, -2, -4};
  table["fp3_p3"] = {0, 1, 2, 4, 3, -1, -2, -4};
  table["fp3_m6"] = {0, 1, 2, 4, -6, -1, -2, -4};
  table["fp3_p6"] = {0, 1, 2, 4, 6, -1, -2, -4};
  table["fp4_m5"] = {0, .5, 1, 1.5, 2, 3, 4, 6, -5, -.5, -1, -1.5, -2, -3, -4, -6};
  table["fp4_p5"] = {0, .5, 1, 1.5, 2, 3, 4, 6, 5, -.5, -1, -1.5, -2, -3, -4, -6};
  table["fp4_m8"] = {0, .5, 1, 1.5, 2, 3, 4, 6, -8, -.5, -1, -1.5, -2, -3, -4, -6};
  table["fp4_p8"] = {0, .5, 1, 1.5, 2, 3, 4, 6, 8, -.5, -1, -1.5, -2, -3, -4, -6};
  table["e8m0"] = powers_of_two();
  for (const int bits : {4, 8, 12, 16}) {
    table["sm" + std::to_string(bits)] = counted(1 << (bits - 1));
  }
  return table;
}

const std::map<std::string, Values>& expected() {
  static const std::map<std::string, Values> table = expected_values();
  return table;
}

TEST(FormatTable, HasExactlyTheFormatsThatAreTestedHere) {
  std::set<std::string> names;
  for (const Format& f : all_formats()) {
    EXPECT_TRUE(names.insert(std::string(f.name)).second) << f.name << " appears twice";
    EXPECT_TRUE(expected().contains(std::string(f.name))) << f.name << " has no expected values";
    EXPECT_EQ(find_format(f.name), &f);
    EXPECT_EQ(&format(f.name), &f);
  }
  EXPECT_EQ(names.size(), expected().size());
}

TEST(FormatTable, UnknownNameIsTheUsersMistake) {
  EXPECT_EQ(find_format("int17"), nullptr);
  EXPECT_EQ(find_format(""), nullptr);
  try {
    format("fp8_e4m4");
    FAIL() << "no error";
  } catch (const UserError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("unknown number format 'fp8_e4m4' (did you mean 'fp8_e4m3'?)"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("bf16"), std::string::npos) << text;
  }
}

TEST(Decode, EveryCodeOfEveryFormat) {
  for (const Format& f : all_formats()) {
    const Values& values = expected().at(std::string(f.name));
    ASSERT_EQ(values.size(), code_count(f)) << f.name;
    for (std::uint32_t code = 0; code < values.size(); ++code) {
      ASSERT_TRUE(same_number(decode(f, code), values[code]))
          << f.name << " code " << code << ": " << decode(f, code) << ", not " << values[code];
      ASSERT_EQ(is_nan(f, code), std::isnan(values[code])) << f.name << " code " << code;
      ASSERT_EQ(is_inf(f, code), std::isinf(values[code])) << f.name << " code " << code;
      // Bits above the format are ignored.
      ASSERT_TRUE(
          same_number(decode(f, code | (0xA5A50000U << (f.bits == 16 ? 0 : 1))), values[code]))
          << f.name << " code " << code;
    }
  }
}

TEST(Decode, RangesAndSpecialsFollowFromTheCodes) {
  for (const Format& f : all_formats()) {
    double low = kInf;
    double high = -kInf;
    bool nan = false;
    bool inf = false;
    for (const double v : expected().at(std::string(f.name))) {
      nan = nan || std::isnan(v);
      inf = inf || std::isinf(v);
      if (!std::isfinite(v)) continue;
      low = std::min(low, v);
      high = std::max(high, v);
    }
    EXPECT_EQ(min_finite(f), low) << f.name;
    EXPECT_EQ(max_finite(f), high) << f.name;
    EXPECT_EQ(has_nan(f), nan) << f.name;
    EXPECT_EQ(has_inf(f), inf) << f.name;
    if (high > 0) {
      EXPECT_EQ(max_exponent(f), std::ilogb(high)) << f.name;
    } else {
      EXPECT_THROW(max_exponent(f), InternalError) << f.name;
    }
  }
}

TEST(Decode, PublishedFacts) {
  EXPECT_EQ(max_finite(format("fp16")), 65504);
  EXPECT_EQ(decode(format("fp16"), 1), std::ldexp(1, -24));
  EXPECT_EQ(max_finite(format("bf16")), std::ldexp(255, 120));
  EXPECT_EQ(max_finite(format("fp8_e4m3")), 448);
  EXPECT_EQ(decode(format("fp8_e4m3"), 1), std::ldexp(1, -9));
  EXPECT_EQ(decode(format("fp8_e4m3"), 0x08), std::ldexp(1, -6));
  EXPECT_TRUE(is_nan(format("fp8_e4m3"), 0x7F) && is_nan(format("fp8_e4m3"), 0xFF));
  EXPECT_EQ(max_finite(format("fp8_e5m2")), 57344);
  EXPECT_EQ(decode(format("fp8_e5m2"), 1), std::ldexp(1, -16));
  EXPECT_EQ(decode(format("fp8_e5m2"), 0x7C), kInf);
  EXPECT_EQ(max_finite(format("fp6_e3m2")), 28);
  EXPECT_EQ(decode(format("fp6_e3m2"), 1), 0.0625);
  EXPECT_EQ(max_finite(format("fp6_e2m3")), 7.5);
  EXPECT_EQ(decode(format("fp6_e2m3"), 1), 0.125);
  EXPECT_EQ(max_finite(format("fp4_e2m1")), 6);
  EXPECT_EQ(max_finite(format("fp4_e3m0")), 64);
  EXPECT_EQ(max_finite(format("fp3")), 4);
  EXPECT_EQ(decode(format("e8m0"), 0), std::ldexp(1, -127));
  EXPECT_EQ(decode(format("e8m0"), 127), 1);
  EXPECT_EQ(decode(format("e8m0"), 254), std::ldexp(1, 127));
  EXPECT_EQ(min_finite(format("int1")), -1);
  EXPECT_EQ(max_finite(format("int1")), 0);
}

// ---- Encoding, against a search over the sorted values.

struct Number {
  double value;
  std::uint32_t code;
};

// What encode() must give, found by search and independent of the fields of Format.
class Reference {
 public:
  explicit Reference(const std::string& name) : name_(name), values_(expected().at(name)) {
    for (std::uint32_t c = 0; c < values_.size(); ++c) {
      const double v = values_[c];
      if (std::isnan(v)) {
        nans_ = true;
      } else if (std::isinf(v)) {
        infinities_ = true;
      } else if (v != 0) {
        numbers_.push_back({v, c});
      } else if (!std::signbit(v)) {
        if (!zero_) numbers_.push_back({v, c});
        zero_ = true;
      } else {
        negative_zero_code_ = c;
      }
    }
    std::sort(numbers_.begin(), numbers_.end(),
              [](const Number& a, const Number& b) { return a.value < b.value; });
  }

  const std::vector<Number>& numbers() const { return numbers_; }
  double max() const { return numbers_.back().value; }
  double min() const { return numbers_.front().value; }

  // The number after the largest one if the range went on: one more step of the last binade.
  double beyond() const {
    if (name_ == "e8m0") return std::ldexp(1, 128);
    return numbers_.size() < 2 ? max() + 1 : 2 * max() - numbers_[numbers_.size() - 2].value;
  }

  std::uint32_t encode(double v, Rounding rounding, Overflow overflow) const {
    const bool ieee = overflow == Overflow::ieee;
    if (std::isnan(v)) return nans_ ? canonical_nan() : name_ == "bipolar" ? 1 : 0;
    if (v == 0) return zero_code(std::signbit(v), rounding);
    if (name_ == "e8m0" && v < 0) return ieee ? 255 : 0;
    if (v > max() || v < min()) return outside(v, rounding, ieee);
    const auto above =
        std::lower_bound(numbers_.begin(), numbers_.end(), v,
                         [](const Number& n, double value) { return n.value < value; });
    if (above->value == v) return above->code;
    const Number chosen = choose(above[-1], above[0], v, rounding);
    return chosen.value == 0 ? zero_code(v < 0, rounding) : chosen.code;
  }

 private:
  std::uint32_t zero_code(bool negative, Rounding rounding) const {
    if (name_ == "e8m0") return 0;
    if (name_ == "bipolar") return rounding == Rounding::down ? 0 : 1;
    return negative && negative_zero_code_ != 0 ? negative_zero_code_ : 0;
  }

  std::uint32_t canonical_nan() const {
    return std::map<std::string, std::uint32_t>{
        {"fp16", 0x7E00}, {"bf16", 0x7FC0}, {"fp8_e4m3", 0x7F}, {"fp8_e5m2", 0x7E}, {"e8m0", 0xFF}}
        .at(name_);
  }

  std::uint32_t outside(double v, Rounding rounding, bool ieee) const {
    const Number& end = v > max() ? numbers_.back() : numbers_.front();
    if (!ieee || !nans_ || (name_ == "e8m0" && v < 1)) return end.code;
    const double size = std::fabs(v);
    const double middle = (max() + beyond()) / 2;
    bool leaves = false;
    switch (rounding) {
      // The largest number has odd rank except in E4M3 and E8M0, where a tie stays.
      case Rounding::nearest_even:
        leaves = infinities_ ? size >= middle : size > middle;
        break;
      case Rounding::nearest_away:
        leaves = size >= middle;
        break;
      case Rounding::toward_zero:
        break;
      case Rounding::down:
        leaves = v < 0;
        break;
      case Rounding::up:
        leaves = v > 0;
        break;
    }
    if (std::isinf(v)) leaves = true;
    if (!leaves) return end.code;
    if (!infinities_) return canonical_nan();
    for (std::uint32_t c = 0; c < values_.size(); ++c) {
      if (values_[c] == std::copysign(kInf, v)) return c;
    }
    return ~std::uint32_t{0};
  }

  // How many numbers lie between this one and zero, zero included: what "even" means in the header.
  std::ptrdiff_t rank(double value) const {
    const auto position = [this](double v) {
      return std::lower_bound(numbers_.begin(), numbers_.end(), v,
                              [](const Number& n, double limit) { return n.value < limit; });
    };
    const auto first_not_negative = position(0);
    if (value >= 0) return position(value) - first_not_negative;
    const auto last_not_positive = zero_ ? first_not_negative : first_not_negative - 1;
    return last_not_positive - position(value);
  }

  Number choose(Number low, Number high, double v, Rounding rounding) const {
    const Number nearer_zero = std::fabs(low.value) < std::fabs(high.value) ? low : high;
    const Number farther = nearer_zero.value == low.value ? high : low;
    const bool bipolar = low.value == -high.value;
    switch (rounding) {
      case Rounding::down:
        return low;
      case Rounding::up:
        return high;
      case Rounding::toward_zero:
        return bipolar ? (v < 0 ? low : high) : nearer_zero;
      case Rounding::nearest_even:
      case Rounding::nearest_away:
        break;
    }
    // Long double: the comparison with the middle is exact here.
    const long double twice = 2 * static_cast<long double>(v);
    const long double sum = static_cast<long double>(low.value) + high.value;
    if (twice < sum) return low;
    if (twice > sum) return high;
    if (bipolar) return high;
    if (rounding == Rounding::nearest_away) return farther;
    return rank(low.value) % 2 == 0 ? low : high;
  }

  std::string name_;
  Values values_;
  std::vector<Number> numbers_;
  bool zero_ = false;
  bool nans_ = false;
  bool infinities_ = false;
  std::uint32_t negative_zero_code_ = 0;
};

// The value itself and the doubles just beside it.
void add_with_neighbours(double v, std::vector<double>* points) {
  points->push_back(v);
  points->push_back(std::nextafter(v, -kInf));
  points->push_back(std::nextafter(v, kInf));
}

std::vector<double> interesting_points(const Reference& reference) {
  std::vector<double> points;
  const std::vector<Number>& numbers = reference.numbers();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    add_with_neighbours(numbers[i].value, &points);
    if (i > 0) add_with_neighbours((numbers[i - 1].value + numbers[i].value) / 2, &points);
  }
  const double beyond = reference.beyond();
  const double middle = (reference.max() + beyond) / 2;
  for (const double v : {beyond, middle, 2 * beyond, 1e30, 1e300, 5e-324, 1e-310, 1e-40, 0.0,
                         std::numeric_limits<double>::max()}) {
    for (const double signed_v : {v, -v}) add_with_neighbours(signed_v, &points);
  }
  for (const double v : {kInf, -kInf, kNan, -kNan, reference.min() - 1, reference.min() - 0.5}) {
    points.push_back(v);
  }
  return points;
}

TEST(Encode, EveryCodeMidpointAndNeighbourInEveryMode) {
  std::size_t compared = 0;
  for (const Format& f : all_formats()) {
    const Reference reference{std::string(f.name)};
    for (const double v : interesting_points(reference)) {
      for (const Rounding rounding : kRoundings) {
        for (const Overflow overflow : kOverflows) {
          ASSERT_EQ(encode(f, v, rounding, overflow), reference.encode(v, rounding, overflow))
              << f.name << " value " << v << " (" << std::hexfloat << v << ") rounding "
              << static_cast<int>(rounding) << " overflow " << static_cast<int>(overflow);
          ++compared;
        }
      }
    }
  }
  EXPECT_GT(compared, 10'000'000U);
}

TEST(Encode, AgreesWithTheCompilersHalfOnRandomDoubles) {
  const Format& fp16 = format("fp16");
  std::uint64_t state = 1;
  for (int i = 0; i < 1'000'000; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    // Exponents from far below the subnormals to far above the largest number.
    const double v = std::ldexp(static_cast<double>(static_cast<std::int64_t>(state)) / 0x1p63,
                                static_cast<int>(state % 48) - 28);
    ASSERT_EQ(encode(fp16, v, Rounding::nearest_even, Overflow::ieee), half_code(v))
        << std::hexfloat << v;
  }
}

TEST(Encode, HandWorkedCases) {
  const auto ieee = [](std::string_view name, double v) {
    return encode(format(name), v, Rounding::nearest_even, Overflow::ieee);
  };
  EXPECT_EQ(ieee("fp8_e4m3", 448), 0x7EU);
  EXPECT_EQ(ieee("fp8_e4m3", 464), 0x7EU) << "half way to 480: the even code 0x7E";
  EXPECT_EQ(ieee("fp8_e4m3", 465), 0x7FU) << "OFP8 without saturation: NaN";
  EXPECT_EQ(encode(format("fp8_e4m3"), 465), 0x7EU);
  EXPECT_EQ(encode(format("fp8_e4m3"), -kInf), 0xFEU);
  EXPECT_EQ(ieee("fp8_e4m3", -kInf), 0x7FU) << "canonical";
  EXPECT_EQ(ieee("fp8_e5m2", 61439), 0x7BU);
  EXPECT_EQ(ieee("fp8_e5m2", 61440), 0x7CU);
  EXPECT_EQ(encode(format("fp8_e5m2"), kInf), 0x7BU);
  EXPECT_EQ(ieee("fp16", 65520), 0x7C00U);
  EXPECT_EQ(encode(format("fp4_e2m1"), 5), 6U) << "half way between 4 and 6";
  EXPECT_EQ(encode(format("fp4_e2m1"), 2.5), 4U) << "half way between 2 and 3";
  EXPECT_EQ(encode(format("fp4_e2m1"), -100), 15U);
  EXPECT_EQ(encode(format("fp4_e2m1"), -0.1), 8U) << "negative zero";
  EXPECT_EQ(encode(format("fp4_e3m0"), 48), 6U) << "half way between 32 and 64: rank of 32 is even";
  EXPECT_EQ(encode(format("fp4_e3m0"), 0.5), 0U);
  EXPECT_EQ(encode(format("fp4_e3m0"), -1000), 15U);
  EXPECT_EQ(encode(format("fp3"), 3), 2U) << "half way between 2 and 4: rank of 2 is even";
  EXPECT_EQ(encode(format("fp3_m3"), -3.5), 7U) << "half way between -3 and -4: rank of -4 is 4";
  EXPECT_EQ(encode(format("fp3_m3"), -2.6), 4U);
  EXPECT_EQ(encode(format("fp3_m3"), 2.6), 2U) << "there is no +3, and 2 is nearer than 4";
  EXPECT_EQ(encode(format("fp4_p8"), 7), 8U) << "6 has rank 7, 8 has rank 8";
  EXPECT_EQ(encode(format("fp4_p8"), -7), 15U);
  EXPECT_EQ(encode(format("fp4_m5"), -0.0), 0U) << "the code of negative zero is -5";
  EXPECT_EQ(encode(format("ternary"), -0.75), 3U);
  EXPECT_EQ(encode(format("ternary"), 0.5), 0U);
  EXPECT_EQ(encode(format("ternary"), 0.5, Rounding::nearest_away), 1U);
  EXPECT_EQ(encode(format("bipolar"), -0.001), 0U);
  EXPECT_EQ(encode(format("bipolar"), 0), 1U);
  EXPECT_EQ(encode(format("int4"), -8.5), 8U);
  EXPECT_EQ(encode(format("int4"), -1), 15U);
  EXPECT_EQ(encode(format("int8"), 2.5), 2U);
  EXPECT_EQ(encode(format("int8"), 2.5, Rounding::nearest_away), 3U);
  EXPECT_EQ(encode(format("int8"), -2.5, Rounding::up), 0xFEU);
  EXPECT_EQ(encode(format("int8"), -1e-300, Rounding::down), 0xFFU);
  EXPECT_EQ(encode(format("int16"), 1e300), 0x7FFFU);
  EXPECT_EQ(encode(format("uint8"), -3), 0U);
  EXPECT_EQ(encode(format("e8m0"), 1.5), 128U) << "half way: even code";
  EXPECT_EQ(encode(format("e8m0"), 3), 128U);
  EXPECT_EQ(encode(format("e8m0"), 0), 0U);
}

TEST(Convert, AllPairsOfFormatsUpToEightBits) {
  std::size_t compared = 0;
  std::size_t exact = 0;
  for (const Format& to : all_formats()) {
    if (to.bits > 8) continue;
    const Reference reference{std::string(to.name)};
    for (const Format& from : all_formats()) {
      if (from.bits > 8) continue;
      const Values& values = expected().at(std::string(from.name));
      for (std::uint32_t code = 0; code < values.size(); ++code) {
        for (const Rounding rounding : kRoundings) {
          for (const Overflow overflow : kOverflows) {
            const std::uint32_t got = convert(from, to, code, rounding, overflow);
            ASSERT_EQ(got, reference.encode(values[code], rounding, overflow))
                << from.name << " -> " << to.name << " code " << code;
            ++compared;
            if (decode(to, got) == values[code]) ++exact;
          }
        }
      }
    }
  }
  EXPECT_GT(compared, 500'000U);
  EXPECT_GT(exact, 50'000U);
}

TEST(Convert, ToItselfKeepsEveryNumber) {
  std::size_t kept = 0;
  for (const Format& f : all_formats()) {
    for (std::uint32_t code = 0; code < code_count(f); ++code) {
      const std::uint32_t again = convert(f, f, code, Rounding::nearest_even, Overflow::ieee);
      if (is_nan(f, code)) {
        ASSERT_TRUE(is_nan(f, again)) << f.name << " code " << code;
      } else if (f.name == "ternary" && code == 2) {
        ASSERT_EQ(again, 0U) << "the second zero is never made";
      } else {
        ASSERT_EQ(again, code) << f.name;
        ++kept;
      }
    }
  }
  EXPECT_GT(kept, 400'000U);
}

}  // namespace
}  // namespace bitsmith
