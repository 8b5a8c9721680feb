#include "numerics/format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "common/error.h"

namespace bitsmith {
namespace {

// ---------------------------------------------------------------------------------- the tables

// Code 10 is a second zero that encode() never makes: bit 0 says "not zero", bit 1 "negative", so
// the codes of -1, 0, +1 are at once two's complement and sign and magnitude.
constexpr std::array kTernary{0.0, 1.0, 0.0, -1.0};
constexpr std::array kBipolar{-1.0, 1.0};

// BitMoD: the code of negative zero (sign set, magnitude 0) holds the special value.
constexpr std::array<double, 8> fp3_with(double special) {
  return {0, 1, 2, 4, special, -1, -2, -4};
}
constexpr std::array<double, 16> fp4_with(double special) {
  return {0, 0.5, 1, 1.5, 2, 3, 4, 6, special, -0.5, -1, -1.5, -2, -3, -4, -6};
}
constexpr auto kFp3M3 = fp3_with(-3), kFp3P3 = fp3_with(3);
constexpr auto kFp3M6 = fp3_with(-6), kFp3P6 = fp3_with(6);
constexpr auto kFp4M5 = fp4_with(-5), kFp4P5 = fp4_with(5);
constexpr auto kFp4M8 = fp4_with(-8), kFp4P8 = fp4_with(8);

constexpr Format signed_integer(std::string_view name, int bits) {
  return {name, FormatKind::integer, Specials::none, true, bits, 0, 0, 0, {}};
}
constexpr Format unsigned_integer(std::string_view name, int bits) {
  return {name, FormatKind::integer, Specials::none, false, bits, 0, 0, 0, {}};
}
constexpr Format minifloat(std::string_view name, int exponent_bits, int mantissa_bits, int bias,
                           Specials specials) {
  const int bits = 1 + exponent_bits + mantissa_bits;
  return {name,          FormatKind::minifloat, specials, true, bits,
          exponent_bits, mantissa_bits,         bias,     {}};
}
// A minifloat without exponent: everything is subnormal, and this bias gives the lowest bit the
// weight 1.
constexpr Format sign_magnitude(std::string_view name, int bits) {
  return minifloat(name, 0, bits - 1, 2 - bits, Specials::none);
}
constexpr Format codebook(std::string_view name, std::span<const double> values) {
  const int bits = std::countr_zero(values.size());
  return {name, FormatKind::codebook, Specials::none, true, bits, 0, 0, 0, values};
}

constexpr std::array kFormats{
    signed_integer("int1", 1),  // 0 and -1
    signed_integer("int2", 2),
    signed_integer("int3", 3),
    signed_integer("int4", 4),
    signed_integer("int5", 5),
    signed_integer("int6", 6),
    signed_integer("int7", 7),
    signed_integer("int8", 8),
    signed_integer("int9", 9),
    signed_integer("int10", 10),
    signed_integer("int11", 11),
    signed_integer("int12", 12),
    signed_integer("int13", 13),
    signed_integer("int14", 14),
    signed_integer("int15", 15),
    signed_integer("int16", 16),
    unsigned_integer("uint1", 1),
    unsigned_integer("uint2", 2),
    unsigned_integer("uint3", 3),
    unsigned_integer("uint4", 4),
    unsigned_integer("uint5", 5),
    unsigned_integer("uint6", 6),
    unsigned_integer("uint7", 7),
    unsigned_integer("uint8", 8),
    unsigned_integer("uint9", 9),
    unsigned_integer("uint10", 10),
    unsigned_integer("uint11", 11),
    unsigned_integer("uint12", 12),
    unsigned_integer("uint13", 13),
    unsigned_integer("uint14", 14),
    unsigned_integer("uint15", 15),
    unsigned_integer("uint16", 16),
    codebook("bipolar", kBipolar),
    codebook("ternary", kTernary),
    minifloat("fp16", 5, 10, 15, Specials::ieee),
    minifloat("bf16", 8, 7, 127, Specials::ieee),
    minifloat("fp8_e4m3", 4, 3, 7, Specials::nan_only),
    minifloat("fp8_e5m2", 5, 2, 15, Specials::ieee),
    minifloat("fp6_e3m2", 3, 2, 3, Specials::none),
    minifloat("fp6_e2m3", 2, 3, 1, Specials::none),
    minifloat("fp4_e2m1", 2, 1, 1, Specials::none),
    minifloat("fp4_e3m0", 3, 0, 1, Specials::none),  // powers of two: 0 1 2 4 .. 64
    minifloat("fp3", 2, 0, 1, Specials::none),       // BitMoD: 0 1 2 4, no mantissa
    codebook("fp3_m3", kFp3M3),
    codebook("fp3_p3", kFp3P3),
    codebook("fp3_m6", kFp3M6),
    codebook("fp3_p6", kFp3P6),
    codebook("fp4_m5", kFp4M5),
    codebook("fp4_p5", kFp4P5),
    codebook("fp4_m8", kFp4M8),
    codebook("fp4_p8", kFp4P8),
    Format{"e8m0", FormatKind::power_of_two, Specials::nan_only, false, 8, 8, 0, 127, {}},
    sign_magnitude("sm4", 4),  // elements of the bfp rows below
    sign_magnitude("sm8", 8),
    sign_magnitude("sm12", 12),
    sign_magnitude("sm16", 16),
};

// An unknown name does not compile: it would read past the table.
consteval const Format* row(std::string_view name) {
  std::size_t i = 0;
  while (kFormats[i].name != name) ++i;
  return &kFormats[i];
}

constexpr int kMxBlock = 32;    // MX 1.0, table 1
constexpr int kMsfpBlock = 16;  // the "bounding box" of MSFP

// The implied scale of sign and magnitude elements gives the top magnitude bit the weight 1.
constexpr std::array kBlockFormats{
    BlockFormat{"mxfp8_e4m3", row("fp8_e4m3"), row("e8m0"), kMxBlock, 0, false},
    BlockFormat{"mxfp8_e5m2", row("fp8_e5m2"), row("e8m0"), kMxBlock, 0, false},
    BlockFormat{"mxfp6_e3m2", row("fp6_e3m2"), row("e8m0"), kMxBlock, 0, false},
    BlockFormat{"mxfp6_e2m3", row("fp6_e2m3"), row("e8m0"), kMxBlock, 0, false},
    BlockFormat{"mxfp4", row("fp4_e2m1"), row("e8m0"), kMxBlock, 0, false},
    BlockFormat{"mxint8", row("int8"), row("e8m0"), kMxBlock, -6, true},
    BlockFormat{"bfp4", row("sm4"), row("e8m0"), kMsfpBlock, -2, false},
    BlockFormat{"bfp8", row("sm8"), row("e8m0"), kMsfpBlock, -6, false},
    BlockFormat{"bfp12", row("sm12"), row("e8m0"), kMsfpBlock, -10, false},
    BlockFormat{"bfp16", row("sm16"), row("e8m0"), kMsfpBlock, -14, false},
    BlockFormat{"msfp12", row("sm4"), row("e8m0"), kMsfpBlock, -2, false},
    BlockFormat{"msfp16", row("sm8"), row("e8m0"), kMsfpBlock, -6, false},
};

template <typename Row>
const Row* find_row(std::span<const Row> rows, std::string_view name) {
  const auto it = std::find_if(rows.begin(), rows.end(),
                               [name](const Row& candidate) { return candidate.name == name; });
  return it == rows.end() ? nullptr : &*it;
}

template <typename Row>
const Row& row_or_user_error(std::span<const Row> rows, std::string_view name,
                             std::string_view what) {
  if (const Row* found = find_row(rows, name)) return *found;
  std::vector<std::string_view> names;
  for (const Row& r : rows) names.push_back(r.name);
  throw UserError(fmt::format("unknown {} '{}'{}; allowed: {}", what, name,
                              did_you_mean(name, names), fmt::join(names, ", ")));
}

// ------------------------------------------------------------------------------ small arithmetic

constexpr int kDoubleBias = 1023;
constexpr int kDoubleMantissaBits = 52;

// 2^exponent for a normal double; exact, and much faster than ldexp.
double power_of_two(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + kDoubleBias)
                               << kDoubleMantissaBits);
}

// floor(log2(magnitude)) of a positive normal double; less than -1022 for a subnormal one, which
// every format treats as far below its smallest number.
int floor_log2(double magnitude) {
  return static_cast<int>(std::bit_cast<std::uint64_t>(magnitude) >> kDoubleMantissaBits) -
         kDoubleBias;
}

std::uint32_t code_mask(const Format& f) { return code_count(f) - 1; }
std::uint32_t sign_mask(const Format& f) {
  return f.is_signed ? std::uint32_t{1} << (f.bits - 1) : 0;
}
std::uint32_t magnitude_mask(const Format& f) { return code_mask(f) & ~sign_mask(f); }

// Code of the largest finite magnitude of a minifloat or power of two.
std::uint32_t max_magnitude_code(const Format& f) {
  switch (f.specials) {
    case Specials::none:
      return magnitude_mask(f);
    case Specials::nan_only:
      return magnitude_mask(f) - 1;
    case Specials::ieee:
      break;
  }
  return (((std::uint32_t{1} << f.exponent_bits) - 1) << f.mantissa_bits) - 1;
}

std::uint32_t nan_code(const Format& f) {
  if (f.specials == Specials::nan_only) return magnitude_mask(f);
  const std::uint32_t quiet_bit = std::uint32_t{1} << (f.mantissa_bits - 1);
  return (max_magnitude_code(f) + 1) | quiet_bit;
}

// Whether a magnitude n + fraction (0 <= fraction < 1) goes to n + 1.
bool rounds_up(double fraction, bool n_is_odd, bool negative, Rounding rounding) {
  switch (rounding) {
    case Rounding::nearest_even:
      return fraction > 0.5 || (fraction == 0.5 && n_is_odd);
    case Rounding::nearest_away:
      return fraction >= 0.5;
    case Rounding::toward_zero:
      return false;
    case Rounding::down:
      return fraction > 0 && negative;
    case Rounding::up:
      return fraction > 0 && !negative;
  }
  return false;
}

bool rounds_to_zero(bool negative, Rounding rounding) {
  return rounding == Rounding::toward_zero || (rounding == Rounding::down && !negative) ||
         (rounding == Rounding::up && negative);
}

// --------------------------------------------------------------------------------------- decode

double decode_integer(const Format& f, std::uint32_t code) {
  const auto value = static_cast<std::int32_t>(code);
  const bool negative = (code & sign_mask(f)) != 0;
  return negative ? value - static_cast<std::int32_t>(code_count(f)) : value;
}

double decode_minifloat(const Format& f, std::uint32_t code) {
  if (is_nan(f, code)) return std::numeric_limits<double>::quiet_NaN();
  const double sign = (code & sign_mask(f)) != 0 ? -1.0 : 1.0;
  if (is_inf(f, code)) return sign * std::numeric_limits<double>::infinity();
  const std::uint32_t magnitude = code & magnitude_mask(f);
  const std::uint32_t hidden_bit = std::uint32_t{1} << f.mantissa_bits;
  const std::uint32_t mantissa = magnitude & (hidden_bit - 1);
  const auto exponent = static_cast<int>(magnitude >> f.mantissa_bits);
  const bool subnormal = exponent == 0;
  const double significand = subnormal ? mantissa : mantissa | hidden_bit;
  return sign * significand * power_of_two((subnormal ? 1 : exponent) - f.bias - f.mantissa_bits);
}

double decode_power_of_two(const Format& f, std::uint32_t code) {
  if (is_nan(f, code)) return std::numeric_limits<double>::quiet_NaN();
  return power_of_two(static_cast<int>(code) - f.bias);
}

// --------------------------------------------------------------------------------------- encode

std::uint32_t encode_integer(const Format& f, double value, Rounding rounding) {
  const bool negative = std::signbit(value);
  // Far outside the range all values saturate alike; the limit keeps the conversion below defined.
  const double magnitude = std::min(std::fabs(value), 65537.0);
  auto n = static_cast<std::int32_t>(magnitude);
  if (rounds_up(magnitude - n, (n & 1) != 0, negative, rounding)) ++n;
  const std::int32_t low = f.is_signed ? -(std::int32_t{1} << (f.bits - 1)) : 0;
  const std::int32_t high = low + static_cast<std::int32_t>(code_count(f)) - 1;
  return static_cast<std::uint32_t>(std::clamp(negative ? -n : n, low, high)) & code_mask(f);
}

std::uint32_t minifloat_overflow(const Format& f, bool negative, bool infinite, Rounding rounding,
                                 Overflow overflow) {
  const std::uint32_t sign = negative ? sign_mask(f) : 0;
  const bool stays_finite = overflow == Overflow::saturate || f.specials == Specials::none ||
                            (!infinite && rounds_to_zero(negative, rounding));
  if (stays_finite) return sign | max_magnitude_code(f);
  if (f.specials == Specials::nan_only) return nan_code(f);
  return sign | (max_magnitude_code(f) + 1);
}

// Counts the magnitude in units of the last place, rounds, and lets a carry run into the exponent
// field, where it gives the next number. The parity of the magnitude code is that of its rank, also
// without mantissa bits.
std::uint32_t encode_minifloat(const Format& f, double value, Rounding rounding,
                               Overflow overflow) {
  const bool negative = std::signbit(value);
  if (std::isinf(value)) return minifloat_overflow(f, negative, true, rounding, overflow);
  const int min_exponent = 1 - f.bias;
  const int overflow_exponent = (1 << f.exponent_bits) - f.bias + 1;
  const double magnitude = std::min(std::fabs(value), power_of_two(overflow_exponent));
  const int exponent = std::max(floor_log2(magnitude), min_exponent);
  const double units = magnitude * power_of_two(f.mantissa_bits - exponent);
  const auto whole = static_cast<std::uint32_t>(units);
  std::uint32_t code =
      (static_cast<std::uint32_t>(exponent - min_exponent) << f.mantissa_bits) + whole;
  if (rounds_up(units - whole, (code & 1) != 0, negative, rounding)) ++code;
  if (code > max_magnitude_code(f)) {
    return minifloat_overflow(f, negative, false, rounding, overflow);
  }
  return code | (negative ? sign_mask(f) : 0);
}

std::uint32_t encode_power_of_two(const Format& f, double value, Rounding rounding,
                                  Overflow overflow) {
  if (value < 0) return overflow == Overflow::saturate ? 0 : nan_code(f);
  if (std::isinf(value)) return minifloat_overflow(f, false, true, rounding, overflow);
  if (value <= power_of_two(-f.bias)) return 0;
  const double magnitude = std::min(value, power_of_two(static_cast<int>(code_count(f))));
  const int exponent = floor_log2(magnitude);
  auto code = static_cast<std::uint32_t>(exponent + f.bias);
  const double fraction = magnitude * power_of_two(-exponent) - 1;
  if (rounds_up(fraction, (code & 1) != 0, false, rounding)) ++code;
  if (code > max_magnitude_code(f)) return minifloat_overflow(f, false, false, rounding, overflow);
  return code;
}

// How many numbers of a codebook lie between `value` and zero, zero included (and counted once).
int rank(std::span<const double> codebook, double value) {
  bool has_zero = false;
  int between = 0;
  for (const double v : codebook) {
    if (v == 0) {
      has_zero = true;
    } else if ((v < 0) == (value < 0) && std::fabs(v) < std::fabs(value)) {
      ++between;
    }
  }
  return between + (has_zero && value != 0 ? 1 : 0);
}

// Which of two neighbours low < value < high a codebook takes.
bool takes_high(std::span<const double> codebook, double value, double low, double high,
                Rounding rounding) {
  const double middle = (low + high) / 2;  // exact: codebook values have a few bits
  const bool symmetric = low == -high;
  switch (rounding) {
    case Rounding::down:
      return false;
    case Rounding::up:
      return true;
    case Rounding::toward_zero:
      return symmetric ? value >= 0 : std::fabs(high) < std::fabs(low);
    case Rounding::nearest_even:
    case Rounding::nearest_away:
      break;
  }
  if (value != middle) return value > middle;
  if (symmetric) return true;
  if (rounding == Rounding::nearest_away) return std::fabs(high) > std::fabs(low);
  return rank(codebook, high) % 2 == 0;
}

// The codebooks have at most 16 values: looking at all of them is as fast as a sorted table.
std::uint32_t encode_codebook(const Format& f, double value, Rounding rounding) {
  constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  const std::span<const double> values = f.codebook;
  std::size_t low = none;   // code of the largest number <= value
  std::size_t high = none;  // code of the smallest number >= value
  for (std::size_t i = 0; i < values.size(); ++i) {
    // Strict comparisons: of two codes of one number (ternary zero) the lower wins.
    if (values[i] <= value && (low == none || values[i] > values[low])) low = i;
    if (values[i] >= value && (high == none || values[i] < values[high])) high = i;
  }
  if (low == none) return static_cast<std::uint32_t>(high);
  if (high == none || low == high) return static_cast<std::uint32_t>(low);
  const bool up = takes_high(values, value, values[low], values[high], rounding);
  return static_cast<std::uint32_t>(up ? high : low);
}

}  // namespace

// -------------------------------------------------------------------------------------- lookups

std::span<const Format> all_formats() { return kFormats; }
const Format* find_format(std::string_view name) { return find_row(all_formats(), name); }
const Format& format(std::string_view name) {
  return row_or_user_error(all_formats(), name, "number format");
}

std::span<const BlockFormat> all_block_formats() { return kBlockFormats; }
const BlockFormat* find_block_format(std::string_view name) {
  return find_row(all_block_formats(), name);
}
const BlockFormat& block_format(std::string_view name) {
  return row_or_user_error(all_block_formats(), name, "block format");
}

// ------------------------------------------------------------------------------- single numbers

bool has_nan(const Format& f) { return f.specials != Specials::none; }
bool has_inf(const Format& f) { return f.specials == Specials::ieee; }

bool is_nan(const Format& f, std::uint32_t code) {
  const std::uint32_t first_nan = max_magnitude_code(f) + (has_inf(f) ? 2 : 1);
  return has_nan(f) && (code & magnitude_mask(f)) >= first_nan;
}

bool is_inf(const Format& f, std::uint32_t code) {
  return has_inf(f) && (code & magnitude_mask(f)) == max_magnitude_code(f) + 1;
}

double decode(const Format& f, std::uint32_t code) {
  code &= code_mask(f);
  switch (f.kind) {
    case FormatKind::integer:
      return decode_integer(f, code);
    case FormatKind::minifloat:
      return decode_minifloat(f, code);
    case FormatKind::power_of_two:
      return decode_power_of_two(f, code);
    case FormatKind::codebook:
      break;
  }
  return f.codebook[code];
}

std::uint32_t encode(const Format& f, double value, Rounding rounding, Overflow overflow) {
  if (std::isnan(value)) {
    if (has_nan(f)) return nan_code(f);
    // Away from zero, so that bipolar, which has no zero, takes +1.
    return encode(f, 0.0, Rounding::nearest_away, Overflow::saturate);
  }
  switch (f.kind) {
    case FormatKind::integer:
      return encode_integer(f, value, rounding);
    case FormatKind::minifloat:
      return encode_minifloat(f, value, rounding, overflow);
    case FormatKind::power_of_two:
      return encode_power_of_two(f, value, rounding, overflow);
    case FormatKind::codebook:
      break;
  }
  return encode_codebook(f, value, rounding);
}

std::uint32_t convert(const Format& from, const Format& to, std::uint32_t code, Rounding rounding,
                      Overflow overflow) {
  return encode(to, decode(from, code), rounding, overflow);
}

double max_finite(const Format& f) {
  switch (f.kind) {
    case FormatKind::integer:
      return decode(f, magnitude_mask(f));
    case FormatKind::minifloat:
    case FormatKind::power_of_two:
      return decode(f, max_magnitude_code(f));
    case FormatKind::codebook:
      break;
  }
  return *std::max_element(f.codebook.begin(), f.codebook.end());
}

double min_finite(const Format& f) {
  switch (f.kind) {
    case FormatKind::integer:
      return decode(f, sign_mask(f));
    case FormatKind::minifloat:
      return -max_finite(f);
    case FormatKind::power_of_two:
      return decode(f, 0);
    case FormatKind::codebook:
      break;
  }
  return *std::min_element(f.codebook.begin(), f.codebook.end());
}

int max_exponent(const Format& f) {
  const double largest = max_finite(f);
  check(largest > 0, "max_exponent of a format without positive numbers");
  return floor_log2(largest);
}

// --------------------------------------------------------------------------------------- blocks

double bits_per_value(const BlockFormat& f) {
  return f.element->bits + static_cast<double>(f.scale->bits) / f.block_size;
}

std::uint32_t encode_block(const BlockFormat& f, std::span<const float> values,
                           std::span<std::uint16_t> codes, Rounding rounding) {
  check(!values.empty() && values.size() <= static_cast<std::size_t>(f.block_size),
        "encode_block: wrong number of values");
  check(codes.size() == values.size(), "encode_block: as many codes as values");
  bool finite = true;
  double largest = 0;
  for (const double v : values) {
    finite = finite && std::isfinite(v);
    largest = std::max(largest, std::fabs(v));
  }
  if (!finite) {
    std::fill(codes.begin(), codes.end(), std::uint16_t{0});
    return nan_code(*f.scale);
  }
  // floor_log2 of zero is far below every scale, so a block of zeros takes the smallest one. A
  // subnormal float is a normal double.
  const int emax = max_exponent(*f.element) + f.element_exponent;
  const std::uint32_t scale_code =
      encode(*f.scale,
             power_of_two(std::clamp(floor_log2(largest) - emax, -kDoubleBias + 1, kDoubleBias)));
  const int scale_exponent = floor_log2(decode(*f.scale, scale_code));
  const double inverse = power_of_two(-(scale_exponent + f.element_exponent));
  const double lowest = min_finite(*f.element) + (f.symmetric ? 1 : 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double scaled = std::max(values[i] * inverse, lowest);
    codes[i] = static_cast<std::uint16_t>(encode(*f.element, scaled, rounding));
  }
  return scale_code;
}

double decode_element(const BlockFormat& f, std::uint32_t scale_code, std::uint32_t code) {
  return decode(*f.element, code) * decode(*f.scale, scale_code) * power_of_two(f.element_exponent);
}

void decode_block(const BlockFormat& f, std::uint32_t scale_code,
                  std::span<const std::uint16_t> codes, std::span<double> values) {
  check(!codes.empty() && codes.size() <= static_cast<std::size_t>(f.block_size),
        "decode_block: wrong number of codes");
  check(values.size() == codes.size(), "decode_block: as many values as codes");
  const double scale = decode(*f.scale, scale_code) * power_of_two(f.element_exponent);
  for (std::size_t i = 0; i < codes.size(); ++i) values[i] = decode(*f.element, codes[i]) * scale;
}

}  // namespace bitsmith
