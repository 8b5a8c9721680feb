// Properties of the quantizers on seeded tensors: nearest codes, streaming, BitMoD's choice, and
// signal-to-noise ratios against closed formulas.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"
#include "numerics/quantizer.h"
#include "numerics/random_tensor.h"
#include "numerics/staircase.h"

namespace bitsmith {
namespace {

using Codes = std::vector<std::uint16_t>;
using Doubles = std::vector<double>;
using Floats = std::vector<float>;

constexpr std::size_t kRows = 64;
constexpr std::size_t kColumns = 1024;

Quantizer quantizer(QuantMethod method, std::string_view name, std::string_view scale = {}) {
  Quantizer q;
  q.method = method;
  q.format = &format(name);
  if (!scale.empty()) q.scale_format = &format(scale);
  return q;
}

Quantizer bitmod(const std::vector<const Format*>& candidates, std::string_view scale = {}) {
  Quantizer q;
  q.method = QuantMethod::bitmod;
  q.candidates = candidates;
  if (!scale.empty()) q.scale_format = &format(scale);
  return q;
}

Floats tensor(Distribution distribution, float stddev = 1) {
  RandomTensor t;
  t.distribution = distribution;
  t.seed = 20;
  t.stddev = stddev;
  Floats values(kRows * kColumns);
  fill_tile(t, {0, 0, kRows, kColumns}, values);
  return values;
}

double squared_error(const Quantizer& q, std::span<const float> group, float channel = 0) {
  Codes codes(group.size());
  Doubles values(group.size());
  dequantize(q, quantize(q, group, codes, channel), codes, values);
  QuantizationError e;
  e.add(group, values);
  return e.squared_error;
}

// The error of a tensor in groups of `size` consecutive values.
QuantizationError error_of(const Quantizer& q, std::span<const float> values, std::size_t size) {
  QuantizationError e;
  Codes codes(size);
  Doubles result(size);
  for (std::size_t i = 0; i < values.size(); i += size) {
    const std::span<const float> group = values.subspan(i, size);
    dequantize(q, quantize(q, group, codes), codes, result);
    e.add(group, result);
  }
  return e;
}

std::span<const float> group_at(const Floats& values, std::size_t start, std::size_t size) {
  return std::span<const float>(values).subspan(start, size);
}

// No code that the method may use is nearer than the one it took; for integers the error is at
// most half a step. The slack is what the rounding of the FP32 scale moves the maximum.
TEST(QuantizerProperty, SymmetricCodesAreTheNearest) {
  const Floats values = tensor(Distribution::normal);
  for (const char* name :
       {"int2", "int3", "int4", "int5", "int8", "fp3", "fp4_e2m1", "fp6_e2m3", "fp6_e3m2",
        "fp8_e4m3", "fp8_e5m2", "fp3_m3", "fp4_p8", "sm4", "ternary"}) {
    const Quantizer q = quantizer(QuantMethod::absmax, name);
    for (std::size_t start = 0; start < 20 * 100; start += 100) {
      const std::span<const float> group = group_at(values, start, 100);
      Codes codes(group.size());
      const GroupParameters p = quantize(q, group, codes);
      for (std::size_t i = 0; i < group.size(); ++i) {
        const double error = std::fabs(group[i] - dequantize(q, p, codes[i]));
        const double slack = 1e-7 * std::fabs(group[i]);
        double nearest = std::numeric_limits<double>::infinity();
        for (std::uint32_t code = 0; code < code_count(*q.format); ++code) {
          const double v = decode(*q.format, code) * p.scale;
          if (std::isfinite(v)) nearest = std::min(nearest, std::fabs(group[i] - v));
        }
        ASSERT_LE(error, nearest + slack) << name;
        if (q.format->kind == FormatKind::integer) {
          ASSERT_LE(error, 0.5 * p.scale + slack) << name;
        }
      }
    }
  }
}

// Every number, every middle between two of them (a tie) and both neighbours of these, against
// encode() of format.h, which rounds one number by its definition.
TEST(QuantizerProperty, KnownScaleGivesTheCodesOfTheFormat) {
  for (const char* name :
       {"int2", "int3", "int4", "int7", "int12", "fp3", "fp4_e2m1", "fp6_e2m3", "fp8_e4m3", "sm8",
        "fp3_m3", "fp3_p3", "fp3_m6", "fp3_p6", "fp4_m5", "fp4_p5", "fp4_m8", "fp4_p8"}) {
    const Format& f = format(name);
    Doubles numbers;
    for (std::uint32_t code = 0; code < code_count(f); ++code) {
      const double v = decode(f, code);
      if (std::isfinite(v)) numbers.push_back(v);
    }
    std::sort(numbers.begin(), numbers.end());
    Floats values{1e30F, -1e30F, 1e-40F, -1e-40F, -0.0F};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const double next = i + 1 < numbers.size() ? numbers[i + 1] : numbers[i] + 1;
      for (const double v : {numbers[i], (numbers[i] + next) / 2}) {
        const auto value = static_cast<float>(v);
        ASSERT_EQ(value, v);
        for (const float to : {-HUGE_VALF, HUGE_VALF}) {
          values.push_back(value);
          values.push_back(std::nextafter(value, to));
        }
      }
    }
    const double lowest = f.kind == FormatKind::integer ? -max_finite(f) : min_finite(f);
    for (const float scale : {1.0F, 0.25F}) {
      GroupParameters p;
      p.scale = scale;
      Codes codes(values.size());
      encode(quantizer(QuantMethod::absmax, name), p, values, codes);
      for (std::size_t i = 0; i < values.size(); ++i) {
        ASSERT_EQ(codes[i], encode(f, std::max<double>(values[i] / scale, lowest)))
            << name << " " << values[i];
      }
    }
  }
  GroupParameters p;
  Codes codes(5);
  encode(quantizer(QuantMethod::absmean, "ternary"), p, Floats{0.5F, -0.5F, 0.51F, -0.51F, -9},
         codes);
  EXPECT_EQ(codes, (Codes{0, 0, 1, 3, 3}));
}

// A codebook that is not in the table of formats has no staircase; the codes are the same.
TEST(QuantizerProperty, CodebooksOfOnesOwn) {
  const Floats values = tensor(Distribution::normal);
  const Format copy = format("fp4_m5");
  Quantizer own = quantizer(QuantMethod::absmax, "fp4_m5");
  Codes expected(100);
  const GroupParameters p = quantize(own, group_at(values, 0, 100), expected);
  own.format = &copy;
  Codes codes(100);
  EXPECT_EQ(quantize(own, group_at(values, 0, 100), codes), p);
  EXPECT_EQ(codes, expected);
  EXPECT_EQ(find_staircase(copy), nullptr);
  EXPECT_NE(find_staircase(format("fp4_m5")), nullptr);
  EXPECT_THROW(Staircase(format("int4")), InternalError);
  EXPECT_THROW(Staircase(copy).encode(1, group_at(values, 0, 99), codes), InternalError);
}

TEST(QuantizerProperty, ZeroPointIsWithinHalfAStep) {
  Floats values = tensor(Distribution::normal);
  for (const char* name : {"uint1", "uint2", "uint3", "uint4", "uint8", "uint12", "uint16"}) {
    const Quantizer q = quantizer(QuantMethod::zero_point, name);
    for (std::size_t start = 0; start < 50 * 100; start += 100) {
      Floats group(values.begin() + static_cast<std::ptrdiff_t>(start),
                   values.begin() + static_cast<std::ptrdiff_t>(start) + 100);
      // Also groups with one sign only.
      for (float& v : group) v += static_cast<float>(start % 700) / 100 - 3;
      Codes codes(group.size());
      const GroupParameters p = quantize(q, group, codes);
      for (std::size_t i = 0; i < group.size(); ++i) {
        ASSERT_LE(codes[i], max_finite(*q.format));
        ASSERT_LE(std::fabs(group[i] - dequantize(q, p, codes[i])), 0.500001 * p.scale) << name;
      }
      EXPECT_EQ(dequantize(q, p, p.zero_point), 0);
    }
  }
}

// The maximum takes the largest code, and its value is right to the 24 bits of the scale.
TEST(QuantizerProperty, AbsmaxIsExactAtTheMaximum) {
  const Floats values = tensor(Distribution::normal);
  for (const char* name : {"int4", "int8", "int16", "fp8_e4m3", "fp4_e2m1", "ternary"}) {
    const Quantizer q = quantizer(QuantMethod::absmax, name);
    for (std::size_t start = 0; start < 100 * 128; start += 128) {
      const std::span<const float> group = group_at(values, start, 128);
      const auto at = static_cast<std::size_t>(
          std::max_element(group.begin(), group.end(),
                           [](float a, float b) { return std::fabs(a) < std::fabs(b); }) -
          group.begin());
      Codes codes(group.size());
      const GroupParameters p = quantize(q, group, codes);
      const double top = max_finite(*q.format);
      EXPECT_EQ(std::fabs(decode(*q.format, codes[at])), top) << name;
      EXPECT_NEAR(dequantize(q, p, codes[at]) / group[at], 1, 6e-8) << name;
    }
  }
}

TEST(QuantizerProperty, ZeroStaysZero) {
  Floats values = tensor(Distribution::normal);
  std::vector<Quantizer> all{quantizer(QuantMethod::none, "bf16"),
                             quantizer(QuantMethod::absmax, "int4"),
                             quantizer(QuantMethod::absmax, "fp8_e5m2", "e8m0"),
                             quantizer(QuantMethod::zero_point, "uint4", "fp16"),
                             quantizer(QuantMethod::zero_point, "uint8"),
                             quantizer(QuantMethod::absmean, "ternary"),
                             bitmod(bitmod_fp3()),
                             bitmod(bitmod_fp4(), "bf16")};
  for (const BlockFormat& block : all_block_formats()) {
    Quantizer q;
    q.method = QuantMethod::mx;
    q.block = &block;
    all.push_back(q);
  }
  for (const Quantizer& q : all) {
    for (std::size_t start = 0; start < 100 * 16; start += 16) {
      values[start + 5] = 0;
      Codes codes(16);
      const GroupParameters p = quantize(q, group_at(values, start, 16), codes);
      ASSERT_EQ(dequantize(q, p, codes[5]), 0) << method_name(q.method);
    }
  }
}

TEST(QuantizerProperty, PiecesGiveWhatOneGoGives) {
  const Floats values = tensor(Distribution::activations);
  for (const Quantizer& q :
       {quantizer(QuantMethod::none, "fp16"), quantizer(QuantMethod::absmax, "int8"),
        quantizer(QuantMethod::absmax, "int4", "fp16"),
        quantizer(QuantMethod::zero_point, "uint4", "bf16"),
        quantizer(QuantMethod::absmean, "ternary"),
        quantizer(QuantMethod::absmean, "ternary", "int8")}) {
    const float channel = has_two_levels(q) ? 1.0F / 64 : 0;
    Codes whole(values.size());
    const GroupParameters expected = quantize(q, values, whole, channel);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, std::size_t{65535}}) {
      GroupStatistics s;
      for (std::size_t i = 0; i < values.size(); i += piece) {
        s.add(group_at(values, i, std::min(piece, values.size() - i)));
      }
      const GroupParameters p = choose(q, s, channel);
      EXPECT_EQ(p, expected) << method_name(q.method);
      Codes codes(values.size());
      for (std::size_t i = 0; i < values.size(); i += piece) {
        const std::size_t size = std::min(piece, values.size() - i);
        encode(q, p, group_at(values, i, size), std::span(codes).subspan(i, size));
      }
      EXPECT_EQ(codes, whole) << method_name(q.method);
    }
  }
}

// A tensor in parts that are counted apart: extremes are exact, the sum nearly.
TEST(QuantizerProperty, MergedPartsAgree) {
  const Floats values = tensor(Distribution::normal);
  GroupStatistics whole;
  whole.add(values);
  GroupStatistics merged;
  for (std::size_t row = 0; row < kRows; ++row) {
    GroupStatistics part;
    part.add(group_at(values, row * kColumns, kColumns));
    merged.merge(part);
  }
  EXPECT_EQ(merged.min, whole.min);
  EXPECT_EQ(merged.max, whole.max);
  EXPECT_EQ(merged.absmax, whole.absmax);
  EXPECT_EQ(merged.count, whole.count);
  EXPECT_NEAR(merged.sum_abs / whole.sum_abs, 1, 1e-12);
}

TEST(QuantizerProperty, BlocksAreThoseOfEncodeBlock) {
  const Floats values = tensor(Distribution::activations);
  for (const BlockFormat& block : all_block_formats()) {
    Quantizer q;
    q.method = QuantMethod::mx;
    q.block = &block;
    for (std::size_t start = 0; start < 10 * 1024; start += 1024) {
      const auto size = static_cast<std::size_t>(block.block_size) - (start == 0 ? 3 : 0);
      const std::span<const float> group = group_at(values, start, size);
      Codes expected(size);
      const std::uint32_t scale = encode_block(block, group, expected);
      Doubles expected_values(size);
      decode_block(block, scale, expected, expected_values);
      Codes codes(size);
      Doubles result(size);
      const GroupParameters p = quantize(q, group, codes);
      dequantize(q, p, codes, result);
      EXPECT_EQ(p.scale_code, scale);
      EXPECT_EQ(p.scale, decode(*block.scale, scale));
      EXPECT_EQ(codes, expected);
      EXPECT_EQ(result, expected_values);
    }
  }
}

// BitMoD against each of its candidates alone, with absmax, which shares no search with it.
TEST(QuantizerProperty, BitmodTakesTheBestCandidate) {
  const Floats values = tensor(Distribution::normal, 0.02F);
  for (const auto& candidates : {bitmod_fp3(), bitmod_fp4()}) {
    for (const char* scale : {"", "fp16", "e8m0", "int8", "uint8"}) {
      const Quantizer q = bitmod(candidates, scale);
      std::vector<int> taken(candidates.size());
      for (std::size_t start = 0; start < 200 * 64; start += 64) {
        const std::span<const float> group = group_at(values, start, 64);
        const float channel = has_two_levels(q) ? channel_scale(q, 0.02) : 0;
        Codes codes(group.size());
        const GroupParameters p = quantize(q, group, codes, channel);
        ++taken[p.select];
        const double error = squared_error(q, group, channel);
        for (std::size_t i = 0; i < candidates.size(); ++i) {
          const Quantizer single = quantizer(QuantMethod::absmax, candidates[i]->name, scale);
          const double other = squared_error(single, group, channel);
          ASSERT_LE(error, other) << candidates[i]->name << " " << scale;
          if (i < p.select) {
            ASSERT_LT(error, other) << "the first of equals";
          } else if (i == p.select) {
            ASSERT_EQ(error, other);
          }
        }
      }
      for (const int n : taken) EXPECT_GT(n, 0) << "every special value is of use somewhere";
    }
  }
}

// A scale of two levels differs from the wanted one by at most half a channel scale.
TEST(QuantizerProperty, TwoLevelScalesAreNear) {
  const Floats values = tensor(Distribution::normal, 0.02F);
  for (const char* scale : {"int8", "uint8"}) {
    const Quantizer q = quantizer(QuantMethod::absmax, "int4", scale);
    for (std::size_t row = 0; row < kRows; ++row) {
      double largest = 0;
      Doubles wanted;
      for (std::size_t i = 0; i < kColumns; i += 128) {
        GroupStatistics s;
        s.add(group_at(values, row * kColumns + i, 128));
        wanted.push_back(wanted_scale(q, s));
        largest = std::max(largest, wanted.back());
      }
      const float channel = channel_scale(q, largest);
      EXPECT_GE(channel * max_finite(*q.scale_format), largest);
      for (std::size_t g = 0; g < wanted.size(); ++g) {
        Codes codes(128);
        const GroupParameters p =
            quantize(q, group_at(values, row * kColumns + g * 128, 128), codes, channel);
        EXPECT_LE(std::fabs(p.scale - wanted[g]), 0.5 * channel);
        EXPECT_EQ(p.scale, static_cast<double>(p.scale_code) * channel) << "exact in float";
      }
    }
  }
}

// ---------------------------------------------------------------------- signal-to-noise ratios

// Uniform in [-1, 1]: signal 1/3, error step^2 / 12.
TEST(QuantizerNoise, UniformFollowsTheFormula) {
  const Floats values = tensor(Distribution::uniform);
  const auto sqnr = [&](QuantMethod method, const char* name) {
    return error_of(quantizer(method, name), values, values.size()).sqnr_db();
  };
  EXPECT_NEAR(sqnr(QuantMethod::absmax, "int8"), 10 * std::log10(4 * 127.0 * 127), 0.05);
  EXPECT_NEAR(sqnr(QuantMethod::absmax, "int4"), 10 * std::log10(4 * 7.0 * 7), 0.1);
  EXPECT_NEAR(sqnr(QuantMethod::zero_point, "uint8"), 20 * std::log10(255.0), 0.05);
  EXPECT_NEAR(sqnr(QuantMethod::zero_point, "uint4"), 20 * std::log10(15.0), 0.1);
}

// Standard normal, ternary by absmean: c = sqrt(2/pi) = 0.79788, threshold t = c/2, error
// 1 - 4 c phi(t) + 2 c^2 Q(t) with phi(t) = 0.36843, Q(t) = 0.34497: 0.26340, so 5.794 dB.
TEST(QuantizerNoise, TernaryOfNormalFollowsTheFormula) {
  const Floats values = tensor(Distribution::normal);
  const Quantizer q = quantizer(QuantMethod::absmean, "ternary");
  EXPECT_NEAR(error_of(q, values, values.size()).sqnr_db(), 5.794, 0.05);
}

TEST(QuantizerNoise, OrderOfFormatsAndGroups) {
  const Floats values = tensor(Distribution::normal);
  const auto sqnr = [&](const Quantizer& q, std::size_t size) {
    return error_of(q, values, size).sqnr_db();
  };
  const double int8 = sqnr(quantizer(QuantMethod::absmax, "int8"), kColumns);
  const double int4 = sqnr(quantizer(QuantMethod::absmax, "int4"), kColumns);
  const double ternary = sqnr(quantizer(QuantMethod::absmean, "ternary"), kColumns);
  EXPECT_GT(int8, int4 + 20) << "four bits are 24 dB";
  EXPECT_GT(int4, ternary + 5);
  const double grouped = sqnr(quantizer(QuantMethod::absmax, "int4"), 128);
  EXPECT_GT(grouped, int4 + 1) << "groups of 128 against whole channels";
  EXPECT_GT(sqnr(bitmod(bitmod_fp4()), 128), sqnr(quantizer(QuantMethod::absmax, "fp4_e2m1"), 128));
  EXPECT_GT(sqnr(bitmod(bitmod_fp3()), 128), sqnr(quantizer(QuantMethod::absmax, "fp3"), 128));
  EXPECT_GT(sqnr(quantizer(QuantMethod::absmax, "int4"), 128),
            sqnr(quantizer(QuantMethod::absmax, "int4", "e8m0"), 128));
  // 8-bit scales cost next to nothing (BitMoD's argument for them); here one channel scale for all.
  const Quantizer two = bitmod(bitmod_fp4(), "uint8");
  QuantizationError e;
  for (std::size_t i = 0; i < values.size(); i += 128) {
    e.squared_error += squared_error(two, group_at(values, i, 128), channel_scale(two, 1));
  }
  const double loss = e.squared_error / error_of(bitmod(bitmod_fp4()), values, 128).squared_error;
  EXPECT_LT(loss, 1.02);
}

}  // namespace
}  // namespace bitsmith
