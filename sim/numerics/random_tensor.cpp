#include "numerics/random_tensor.h"

#include <algorithm>
#include <array>
#include <bit>

#include "common/error.h"

namespace bitsmith {
namespace {

constexpr std::uint64_t kGolden =
    0x9E3779B97F4A7C15;  // 2^64 / golden ratio, odd: SplitMix64's step

// One stream of hashes for each purpose, so that values, outlier channels and codes are
// independent.
enum class Stream : std::uint64_t { kValues = 1, kChannels = 2, kCodes = 3 };

// The output function of SplitMix64.
constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

// Where the hashes of a row start; hash(start, column) is the column-th output of SplitMix64 from
// there.
constexpr std::uint64_t row_start(std::uint64_t seed, Stream stream, std::uint64_t row) {
  const std::uint64_t stream_seed = mix(seed + kGolden * static_cast<std::uint64_t>(stream));
  return mix(stream_seed + kGolden * (row + 1));
}
constexpr std::uint64_t hash(std::uint64_t start, std::uint64_t column) {
  return mix(start + kGolden * (column + 1));
}

// The helpers below are branch-free and avoid integer-to-double conversions, which have no vector
// form before AVX-512: they write bit patterns instead.
constexpr std::uint64_t kExponentOfOne = 0x3FF0000000000000;
constexpr double kTwo52 = 4503599627370496.0;

// 52 bits m -> (2m + 1) * 2^-53, in (0, 1) and exact.
inline double open_unit(std::uint64_t bits) {
  constexpr double kOneMinusHalfStep = 1 - 0.5 / kTwo52;
  return std::bit_cast<double>((bits >> 12) | kExponentOfOne) - kOneMinusHalfStep;
}

// Natural logarithm of v in (0, 1): v = 2^e * f with f in [1, 2), ln f = ln sqrt(2) + 2 atanh(z)
// with z = (f - sqrt 2) / (f + sqrt 2), |z| < 0.172, five terms of the series: absolute error below
// 1e-9.
inline double logarithm(double v) {
  constexpr double kLn2 = 0.69314718055994531;
  constexpr double kSqrt2 = 1.4142135623730951;
  const auto bits = std::bit_cast<std::uint64_t>(v);
  // The exponent field as the low bits of 2^52 + field.
  const double field = std::bit_cast<double>((bits >> 52) | std::bit_cast<std::uint64_t>(kTwo52));
  const double e = field - (kTwo52 + 1023);
  const double f = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFF) | kExponentOfOne);
  const double z = (f - kSqrt2) / (f + kSqrt2);
  const double z2 = z * z;
  const double series = 1 + z2 * (1.0 / 3 + z2 * (1.0 / 5 + z2 * (1.0 / 7 + z2 * (1.0 / 9))));
  return (e + 0.5) * kLn2 + 2 * z * series;
}

template <std::size_t kTerms>
inline double polynomial(const std::array<double, kTerms>& coefficients, double x) {
  double sum = coefficients[kTerms - 1];
  for (std::size_t i = kTerms - 1; i-- > 0;) sum = sum * x + coefficients[i];
  return sum;
}

// The x > 0 that a standard normal number exceeds in magnitude with probability v. The fit was made
// with 40 digits over s in (0, 37]; its greatest error is 5.2e-7. All coefficients are positive:
// nothing cancels. s is positive even for v next to 1, where the cut series makes -ln v too large.
inline double normal_magnitude(double v) {
  constexpr std::array kNumerator{1.2532881043500261,    1.7455892025684754,
                                  0.59412718030961015,   0.053381994130679521,
                                  0.0010458921852004446, 2.0124915955691626e-6};
  constexpr std::array kDenominator{1.0,
                                    1.8924723498896071,
                                    0.99342091684741855,
                                    0.1580895208598997,
                                    0.006636322504611869,
                                    4.8818102973382423e-5};
  const double s = -logarithm(v);
  return s * (polynomial(kNumerator, s) / polynomial(kDenominator, s));
}

// Bit 0 of the hash is the sign (open_unit leaves it unused).
inline double standard_normal(std::uint64_t bits) {
  const double magnitude = normal_magnitude(open_unit(bits));
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(magnitude) | (bits << 63));
}

void fill_normal_row(std::uint64_t start, std::uint64_t column, double mean, double stddev,
                     std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(mean + stddev * standard_normal(hash(start, column + i)));
  }
}

void fill_uniform_row(std::uint64_t start, std::uint64_t column, double low, double high,
                      std::span<float> out) {
  const double width = high - low;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(low + width * open_unit(hash(start, column + i)));
  }
}

void check_parameters(const RandomTensor& t) {
  check(t.low <= t.high, "random tensor: low > high");
  check(t.stddev >= 0 && t.mean == t.mean, "random tensor: stddev < 0, or NaN");
  check(t.outlier_fraction >= 0 && t.outlier_fraction <= 1, "random tensor: outlier_fraction");
  check(t.outlier_gain_low <= t.outlier_gain_high, "random tensor: outlier_gain_low > _high");
}

struct Outlier {
  std::size_t column;  // in the tile
  float gain;
};

std::vector<Outlier> outliers_of(const RandomTensor& tensor, const TileArea& area) {
  std::vector<Outlier> outliers;
  for (std::size_t i = 0; i < area.columns; ++i) {
    const float gain = channel_gain(tensor, area.column + i);
    if (gain != 1) outliers.push_back({i, gain});
  }
  return outliers;
}

// Codes have at most 16 bits, so one hash serves four columns that are aligned to four.
constexpr std::uint64_t kCodesPerHash = 4;

template <typename ToCode>
void fill_code_row(std::uint64_t start, std::uint64_t column, std::span<std::uint16_t> out,
                   ToCode to_code) {
  const auto code_at = [&](std::uint64_t c) {
    const std::uint64_t bits = hash(start, c / kCodesPerHash) >> (16 * (c % kCodesPerHash));
    return to_code(static_cast<std::uint32_t>(bits & 0xFFFF));
  };
  std::size_t i = 0;
  for (; i < out.size() && (column + i) % kCodesPerHash != 0; ++i) out[i] = code_at(column + i);
  for (; i + kCodesPerHash <= out.size(); i += kCodesPerHash) {
    const std::uint64_t bits = hash(start, (column + i) / kCodesPerHash);
    for (std::size_t lane = 0; lane < kCodesPerHash; ++lane) {
      out[i + lane] = to_code(static_cast<std::uint32_t>((bits >> (16 * lane)) & 0xFFFF));
    }
  }
  for (; i < out.size(); ++i) out[i] = code_at(column + i);
}

}  // namespace

float channel_gain(const RandomTensor& tensor, std::uint64_t column) {
  if (tensor.distribution != Distribution::activations) return 1;
  const std::uint64_t start = row_start(tensor.seed, Stream::kChannels, 0);
  if (open_unit(hash(start, 2 * column)) >= tensor.outlier_fraction) return 1;
  const double low = tensor.outlier_gain_low;
  const double high = tensor.outlier_gain_high;
  return static_cast<float>(low + (high - low) * open_unit(hash(start, 2 * column + 1)));
}

void fill_tile(const RandomTensor& tensor, const TileArea& area, std::span<float> out) {
  check(out.size() == area.rows * area.columns, "fill_tile: the tile has another size");
  check_parameters(tensor);
  const std::vector<Outlier> outliers = tensor.distribution == Distribution::activations
                                            ? outliers_of(tensor, area)
                                            : std::vector<Outlier>{};
  for (std::size_t r = 0; r < area.rows; ++r) {
    const std::uint64_t start = row_start(tensor.seed, Stream::kValues, area.row + r);
    const std::span<float> row = out.subspan(r * area.columns, area.columns);
    if (tensor.distribution == Distribution::uniform) {
      fill_uniform_row(start, area.column, tensor.low, tensor.high, row);
    } else {
      fill_normal_row(start, area.column, tensor.mean, tensor.stddev, row);
    }
    for (const Outlier& outlier : outliers) row[outlier.column] *= outlier.gain;
  }
}

void fill_codes(const Format& f, std::uint64_t seed, const TileArea& area,
                std::span<std::uint16_t> out) {
  check(out.size() == area.rows * area.columns, "fill_codes: the tile has another size");
  check(!has_nan(f), "fill_codes: a format whose codes are all numbers");
  const std::uint32_t mask = code_count(f) - 1;
  for (std::size_t r = 0; r < area.rows; ++r) {
    const std::uint64_t start = row_start(seed, Stream::kCodes, area.row + r);
    const std::span<std::uint16_t> row = out.subspan(r * area.columns, area.columns);
    if (f.name == "ternary") {
      fill_code_row(start, area.column, row, [](std::uint32_t bits) {
        const std::uint32_t third = bits * 3 >> 16;  // 0, 1, 2 -> codes 0, 1, 3
        return static_cast<std::uint16_t>(third + (third >> 1));
      });
    } else {
      fill_code_row(start, area.column, row,
                    [mask](std::uint32_t bits) { return static_cast<std::uint16_t>(bits & mask); });
    }
  }
}

}  // namespace bitsmith
