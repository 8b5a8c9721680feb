#include "numerics/random_tensor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include "common/error.h"

namespace bitsmith {
namespace {

std::vector<float> tile(const RandomTensor& tensor, const TileArea& area) {
  std::vector<float> values(area.rows * area.columns, std::numeric_limits<float>::quiet_NaN());
  fill_tile(tensor, area, values);
  return values;
}

std::vector<std::uint16_t> code_tile(const Format& f, std::uint64_t seed, const TileArea& area) {
  std::vector<std::uint16_t> codes(area.rows * area.columns, 0xFFFF);
  fill_codes(f, seed, area, codes);
  return codes;
}

RandomTensor tensor_of(Distribution distribution, std::uint64_t seed) {
  RandomTensor tensor;
  tensor.distribution = distribution;
  tensor.seed = seed;
  return tensor;
}

constexpr std::array kDistributions{Distribution::uniform, Distribution::normal,
                                    Distribution::activations};

struct Moments {
  double mean = 0, variance = 0, skewness = 0, kurtosis = 0, least = 0, greatest = 0;
};

Moments moments_of(std::span<const float> values) {
  Moments m;
  m.least = *std::min_element(values.begin(), values.end());
  m.greatest = *std::max_element(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  for (const double v : values) m.mean += v / n;
  double third = 0;
  double fourth = 0;
  for (const double v : values) {
    const double d = v - m.mean;
    m.variance += d * d / n;
    third += d * d * d / n;
    fourth += d * d * d * d / n;
  }
  m.skewness = third / std::pow(m.variance, 1.5);
  m.kurtosis = fourth / (m.variance * m.variance);
  return m;
}

TEST(FillTile, DoesNotDependOnTheTiling) {
  constexpr std::size_t kRows = 37;
  constexpr std::size_t kColumns = 101;
  constexpr std::uint64_t kRow = 1'000'003;
  constexpr std::uint64_t kColumn = 4'999;
  for (const Distribution distribution : kDistributions) {
    RandomTensor tensor = tensor_of(distribution, 5);
    tensor.outlier_fraction = 0.1;
    const std::vector<float> whole = tile(tensor, {kRow, kColumn, kRows, kColumns});
    // Tiles of odd shapes, visited from the last to the first.
    for (const auto [tile_rows, tile_columns] :
         {std::array<std::size_t, 2>{1, 1}, {5, 7}, {37, 16}, {8, 101}}) {
      std::size_t compared = 0;
      for (std::size_t r = (kRows - 1) / tile_rows * tile_rows + tile_rows; r >= tile_rows;) {
        r -= tile_rows;
        for (std::size_t c = 0; c < kColumns; c += tile_columns) {
          const std::size_t rows = std::min(tile_rows, kRows - r);
          const std::size_t columns = std::min(tile_columns, kColumns - c);
          const std::vector<float> part = tile(tensor, {kRow + r, kColumn + c, rows, columns});
          for (std::size_t i = 0; i < part.size(); ++i) {
            ASSERT_EQ(part[i], whole[(r + i / columns) * kColumns + c + i % columns]);
            ++compared;
          }
        }
      }
      ASSERT_EQ(compared, whole.size());
    }
  }
}

TEST(FillTile, SeedRowAndColumnAllMatter) {
  for (const Distribution distribution : kDistributions) {
    const TileArea area{0, 0, 64, 64};
    const std::vector<float> a = tile(tensor_of(distribution, 1), area);
    const std::vector<float> b = tile(tensor_of(distribution, 2), area);
    std::size_t equal = 0;
    for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
    EXPECT_LT(equal, 3U);
    std::vector<float> sorted = a;
    std::sort(sorted.begin(), sorted.end());
    const auto distinct = std::unique(sorted.begin(), sorted.end()) - sorted.begin();
    EXPECT_GT(distinct, 4090) << "rows or columns repeat";
  }
}

// Correlation of neighbours in both directions: independent values have one of about 1/sqrt(n) =
// 0.001.
TEST(FillTile, NeighboursAreUncorrelated) {
  constexpr std::size_t kSize = 1024;
  const std::vector<float> x = tile(tensor_of(Distribution::normal, 3), {0, 0, kSize, kSize});
  for (const std::size_t distance : {std::size_t{1}, std::size_t{2}, kSize, kSize + 1}) {
    double sum = 0;
    for (std::size_t i = 0; i + distance < x.size(); ++i) {
      sum += static_cast<double>(x[i]) * static_cast<double>(x[i + distance]);
    }
    EXPECT_LT(std::fabs(sum / static_cast<double>(x.size())), 0.005) << distance;
  }
}

TEST(FillTile, MomentsOfTheUniformDistribution) {
  RandomTensor tensor = tensor_of(Distribution::uniform, 11);
  tensor.low = -2;
  tensor.high = 4;
  const Moments m = moments_of(tile(tensor, {0, 0, 1000, 1000}));
  EXPECT_NEAR(m.mean, 1, 0.01);
  EXPECT_NEAR(m.variance, 3, 0.02);
  EXPECT_NEAR(m.skewness, 0, 0.01);
  EXPECT_NEAR(m.kurtosis, 1.8, 0.01);
  EXPECT_GE(m.least, -2);
  EXPECT_LT(m.least, -1.999);
  EXPECT_LE(m.greatest, 4);
  EXPECT_GT(m.greatest, 3.999);
}

TEST(FillTile, MomentsOfTheNormalDistribution) {
  RandomTensor tensor = tensor_of(Distribution::normal, 12);
  tensor.mean = 0.5;
  tensor.stddev = 2;
  const std::vector<float> values = tile(tensor, {0, 0, 1000, 1000});
  const Moments m = moments_of(values);
  EXPECT_NEAR(m.mean, 0.5, 0.01);
  EXPECT_NEAR(m.variance, 4, 0.03);
  EXPECT_NEAR(m.skewness, 0, 0.015);
  EXPECT_NEAR(m.kurtosis, 3, 0.03);
  EXPECT_GT(m.greatest, 0.5 + 2 * 4);
  EXPECT_LT(m.greatest, 0.5 + 2 * 6);
  EXPECT_LT(m.least, 0.5 - 2 * 4);
}

// The empirical distribution against the exact one (Kolmogorov-Smirnov; 1.95 is the 0.1% point).
TEST(FillTile, NormalDistributionFunction) {
  std::vector<float> x = tile(tensor_of(Distribution::normal, 13), {0, 0, 1000, 1000});
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size());
  double distance = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = 0.5 * std::erfc(-static_cast<double>(x[i]) / std::sqrt(2.0));
    distance = std::max({distance, std::fabs(exact - static_cast<double>(i) / n),
                         std::fabs(exact - static_cast<double>(i + 1) / n)});
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(n));
  EXPECT_GT(distance, 0.01 / std::sqrt(n));
}

// The hash of a position, written a second time from the description in the header.
std::uint64_t splitmix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}
std::uint64_t value_bits(std::uint64_t seed, std::uint64_t row, std::uint64_t column) {
  constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15;
  return splitmix(splitmix(splitmix(seed + kStep) + kStep * (row + 1)) + kStep * (column + 1));
}

// Each normal number has, in the library's erfc, just the tail probability its random bits ask for.
// The documented error is 1e-6; rounding to float adds 2^-24 of the value.
TEST(FillTile, NormalNumbersAreAccurateInverses) {
  constexpr std::size_t kCount = 200'000;
  const std::vector<float> x = tile(tensor_of(Distribution::normal, 14), {3, 0, 1, kCount});
  double worst = 0;
  for (std::size_t c = 0; c < kCount; ++c) {
    const std::uint64_t bits = value_bits(14, 3, c);
    const double v = (2 * static_cast<double>(bits >> 12) + 1) * 0x1p-53;
    ASSERT_EQ(std::signbit(x[c]), (bits & 1) != 0);
    const double magnitude = std::fabs(static_cast<double>(x[c]));
    const double tail = std::erfc(magnitude / std::sqrt(2.0));
    const double density = std::sqrt(2 / std::numbers::pi) * std::exp(-magnitude * magnitude / 2);
    worst = std::max(worst, std::fabs(tail - v) / density - magnitude * 0x1p-24);
  }
  EXPECT_LT(worst, 1e-6);
  EXPECT_GT(worst, 1e-8) << "the comparison is not vacuous";
}

TEST(ChannelGain, ActivationsHaveFixedOutlierChannels) {
  constexpr std::size_t kChannels = 4096;
  constexpr std::size_t kTokens = 256;
  RandomTensor tensor = tensor_of(Distribution::activations, 21);
  tensor.outlier_fraction = 0.01;
  const RandomTensor plain = [&] {
    RandomTensor t = tensor;
    t.distribution = Distribution::normal;
    return t;
  }();
  const TileArea area{0, 0, kTokens, kChannels};
  const std::vector<float> x = tile(tensor, area);
  const std::vector<float> base = tile(plain, area);
  std::size_t outliers = 0;
  double least_gain = 1e9;
  double greatest_gain = 0;
  for (std::size_t c = 0; c < kChannels; ++c) {
    const float gain = channel_gain(tensor, c);
    EXPECT_EQ(channel_gain(plain, c), 1);
    if (gain != 1) {
      ++outliers;
      least_gain = std::min<double>(least_gain, gain);
      greatest_gain = std::max<double>(greatest_gain, gain);
    }
    double square = 0;
    for (std::size_t t = 0; t < kTokens; ++t) {
      const float v = x[t * kChannels + c];
      ASSERT_EQ(v, base[t * kChannels + c] * gain);
      square += static_cast<double>(v) * static_cast<double>(v) / kTokens;
    }
    ASSERT_NEAR(std::sqrt(square) / static_cast<double>(gain), 1, 0.25) << "channel " << c;
  }
  EXPECT_NEAR(static_cast<double>(outliers), 0.01 * kChannels, 4 * std::sqrt(0.01 * kChannels));
  EXPECT_GE(least_gain, 20);
  EXPECT_LT(least_gain, 35);
  EXPECT_LE(greatest_gain, 100);
  EXPECT_GT(greatest_gain, 85);
}

TEST(ChannelGain, FractionZeroAndOne) {
  RandomTensor tensor = tensor_of(Distribution::activations, 22);
  for (std::uint64_t c = 0; c < 1000; ++c) {
    tensor.outlier_fraction = 0;
    ASSERT_EQ(channel_gain(tensor, c), 1);
    tensor.outlier_fraction = 1;
    ASSERT_GE(channel_gain(tensor, c), 20);
  }
}

// Pinned for ever: a change of these numbers changes every published result.
TEST(FillTile, GoldenValues) {
  const TileArea area{0, 0, 2, 3};
  EXPECT_EQ(tile(tensor_of(Distribution::uniform, 1), area),
            (std::vector<float>{0.387024283F, 0.943533659F, -0.146862373F, 0.241086215F,
                                -0.0190916248F, -0.0711844712F}));
  EXPECT_EQ(tile(tensor_of(Distribution::normal, 1), area),
            (std::vector<float>{-0.394093603F, 0.0353919566F, -0.795076489F, -0.49508062F,
                                -0.689586103F, -0.731607735F}));
  RandomTensor activations = tensor_of(Distribution::activations, 1);
  activations.outlier_fraction = 0.5;
  EXPECT_EQ(tile(activations, area),
            (std::vector<float>{-35.5766754F, 3.3109386F, -68.9919434F, -44.6932449F, -64.5111923F,
                                -63.4845085F}));
}

// A sum over the bit patterns of a million numbers finds a difference in any vector lane or
// rounding.
TEST(FillTile, GoldenChecksum) {
  const std::vector<float> x = tile(tensor_of(Distribution::normal, 77), {12, 34, 1000, 1001});
  std::uint64_t sum = 0;
  for (const float v : x) sum = sum * 31 + std::bit_cast<std::uint32_t>(v);
  EXPECT_EQ(sum, 16951441853286729057U);
}

TEST(FillTile, WrongArgumentsAreOurBug) {
  std::vector<float> out(6);
  RandomTensor tensor;
  EXPECT_NO_THROW(fill_tile(tensor, {0, 0, 2, 3}, out));
  EXPECT_THROW(fill_tile(tensor, {0, 0, 2, 4}, out), InternalError);
  tensor.stddev = -1;
  EXPECT_THROW(fill_tile(tensor, {0, 0, 2, 3}, out), InternalError);
  tensor = {};
  tensor.low = 2;
  EXPECT_THROW(fill_tile(tensor, {0, 0, 2, 3}, out), InternalError);
  tensor = {};
  tensor.outlier_fraction = 1.5;
  EXPECT_THROW(fill_tile(tensor, {0, 0, 2, 3}, out), InternalError);
}

TEST(FillCodes, DoesNotDependOnTheTiling) {
  constexpr std::size_t kRows = 9;
  constexpr std::size_t kColumns = 67;
  for (const char* name : {"int4", "ternary", "uint16", "bipolar", "fp4_m5"}) {
    const Format& f = format(name);
    const std::vector<std::uint16_t> whole = code_tile(f, 8, {5, 1, kRows, kColumns});
    for (std::size_t width = 1; width <= 9; ++width) {
      for (std::size_t c = 0; c < kColumns; c += width) {
        const std::size_t columns = std::min(width, kColumns - c);
        const std::vector<std::uint16_t> part = code_tile(f, 8, {5, 1 + c, kRows, columns});
        for (std::size_t i = 0; i < part.size(); ++i) {
          ASSERT_EQ(part[i], whole[i / columns * kColumns + c + i % columns]) << name;
        }
      }
    }
  }
}

TEST(FillCodes, AllCodesAreEquallyLikely) {
  constexpr std::size_t kCount = 1'000'000;
  for (const Format& f : all_formats()) {
    if (has_nan(f) || f.bits > 8) continue;
    const std::vector<std::uint16_t> codes = code_tile(f, 9, {0, 0, 1000, 1000});
    std::vector<std::size_t> counts(code_count(f));
    for (const std::uint16_t code : codes) {
      ASSERT_LT(code, counts.size()) << f.name;
      ++counts[code];
    }
    const bool ternary = f.name == "ternary";
    const double expected = static_cast<double>(kCount) / (ternary ? 3 : code_count(f));
    for (std::size_t code = 0; code < counts.size(); ++code) {
      if (ternary && code == 2) {
        EXPECT_EQ(counts[code], 0U);
      } else {
        EXPECT_NEAR(static_cast<double>(counts[code]), expected, 5 * std::sqrt(expected))
            << f.name << " code " << code;
      }
    }
  }
}

TEST(FillCodes, GoldenCodes) {
  const TileArea area{0, 0, 1, 8};
  EXPECT_EQ(code_tile(format("int4"), 1, area),
            (std::vector<std::uint16_t>{13, 6, 9, 11, 15, 6, 12, 7}));
  EXPECT_EQ(code_tile(format("int8"), 1, area),
            (std::vector<std::uint16_t>{253, 86, 9, 91, 175, 54, 12, 55}));
  EXPECT_EQ(code_tile(format("ternary"), 1, area),
            (std::vector<std::uint16_t>{0, 1, 1, 1, 1, 0, 3, 3}));
}

TEST(FillCodes, WrongArgumentsAreOurBug) {
  std::vector<std::uint16_t> out(6);
  EXPECT_THROW(fill_codes(format("int4"), 0, {0, 0, 2, 4}, out), InternalError);
  EXPECT_THROW(fill_codes(format("fp16"), 0, {0, 0, 2, 3}, out), InternalError);
}

}  // namespace
}  // namespace bitsmith
