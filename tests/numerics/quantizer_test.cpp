#include "numerics/quantizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "common/error.h"

namespace bitsmith {
namespace {

using Codes = std::vector<std::uint16_t>;
using Doubles = std::vector<double>;
using Floats = std::vector<float>;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Quantizer quantizer(QuantMethod method, std::string_view name = {}, std::string_view scale = {}) {
  Quantizer q;
  q.method = method;
  if (!name.empty()) q.format = &format(name);
  if (!scale.empty()) q.scale_format = &format(scale);
  return q;
}

Quantizer mx(std::string_view name) {
  Quantizer q;
  q.method = QuantMethod::mx;
  q.block = &block_format(name);
  return q;
}

Quantizer bitmod(const std::vector<const Format*>& candidates, std::string_view scale = {}) {
  Quantizer q = quantizer(QuantMethod::bitmod, {}, scale);
  q.candidates = candidates;
  return q;
}

struct Group {
  GroupParameters parameters;
  Codes codes;
  Doubles values;
};

Group round_trip(const Quantizer& q, const Floats& values, float channel = 0) {
  Group group{{}, Codes(values.size(), 0xDEAD), Doubles(values.size())};
  group.parameters = quantize(q, values, group.codes, channel);
  dequantize(q, group.parameters, group.codes, group.values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double one = dequantize(q, group.parameters, group.codes[i]);
    if (!std::isnan(one)) {
      EXPECT_EQ(one, group.values[i]);
    }
  }
  return group;
}

GroupStatistics statistics(const Floats& values) {
  GroupStatistics s;
  s.add(values);
  return s;
}

std::string reason(const Quantizer& q) { return invalid(q).value_or(""); }

// ------------------------------------------------------------------------- vectors worked by hand

TEST(QuantizerAbsmax, Integers) {
  // max 7, M = 7: scale 1. Ties to even: 3.5 -> 4, 0.5 -> 0, -1.5 -> -2, 2.5 -> 2.
  Group g = round_trip(quantizer(QuantMethod::absmax, "int4"), {7, -7, 3.5F, 0.5F, -1.5F, 2.5F, 0});
  EXPECT_EQ(g.parameters.scale, 1);
  EXPECT_EQ(g.parameters.scale_code, 0x3F800000U) << "the bits of FP32 1.0";
  EXPECT_EQ(g.codes, (Codes{7, 0x9, 4, 0, 0xE, 2, 0}));
  EXPECT_EQ(g.values, (Doubles{7, -7, 4, 0, -2, 2, 0}));
  // max |-254|, M = 127: scale 2. 3 / 2 = 1.5 -> 2, -5 / 2 = -2.5 -> -2, 9.1 / 2 = 4.55 -> 5.
  g = round_trip(quantizer(QuantMethod::absmax, "int8"), {-254, 3, -5, 9.1F});
  EXPECT_EQ(g.parameters.scale, 2);
  EXPECT_EQ(g.codes, (Codes{0x81, 2, 0xFE, 5}));
  EXPECT_EQ(g.values, (Doubles{-254, 4, -4, 10}));
  // int2: M = 1, so -1, 0, 1.
  EXPECT_EQ(round_trip(quantizer(QuantMethod::absmax, "int2"), {-3, 2, 1}).values,
            (Doubles{-3, 3, 0}));
  // A scale that is no binary fraction: 0.7F / 7 to the nearest float.
  EXPECT_EQ(round_trip(quantizer(QuantMethod::absmax, "int4"), {0.7F}).parameters.scale, 0.1F);
}

TEST(QuantizerAbsmax, FloatingPointAndCodebooks) {
  // E4M3: M = 448, scale 2. 1 is exponent field 7: 0x38; -0.5 is 6 with sign: 0xB0.
  Group g = round_trip(quantizer(QuantMethod::absmax, "fp8_e4m3"), {896, 2, -1});
  EXPECT_EQ(g.parameters.scale, 2);
  EXPECT_EQ(g.codes, (Codes{0x7E, 0x38, 0xB0}));
  // E2M1: M = 6, scale 2. -2.5 is half way between 2 (code 4) and 3 (code 5): even is 2.
  g = round_trip(quantizer(QuantMethod::absmax, "fp4_e2m1"), {12, -5, 0.4F});
  EXPECT_EQ(g.codes, (Codes{7, 0xC, 0}));
  EXPECT_EQ(g.values, (Doubles{12, -4, 0}));
  // fp3_p6: M = 6, scale 2. -6 saturates at -4; 3 is half way between 2 (rank 2) and 4 (rank 3).
  g = round_trip(quantizer(QuantMethod::absmax, "fp3_p6"), {-12, 6});
  EXPECT_EQ(g.codes, (Codes{7, 2}));
  EXPECT_EQ(g.values, (Doubles{-8, 4}));
}

TEST(QuantizerAbsmax, KnownScaleSaturatesOnBothSidesAlike) {
  const Quantizer q = quantizer(QuantMethod::absmax, "int4");
  GroupParameters p;
  p.scale = 0.5F;
  Codes codes(4);
  encode(q, p, Floats{100, -100, 3.9F, -3.9F}, codes);
  EXPECT_EQ(codes, (Codes{7, 0x9, 7, 0x9})) << "never -8";
}

TEST(QuantizerZeroPoint, HandWorkedVectors) {
  const auto coded = [](std::string_view name, const Floats& values) {
    return round_trip(quantizer(QuantMethod::zero_point, name), values);
  };
  // (14 - -1) / 15 = 1, z = 1.
  Group g = coded("uint4", {-1, 0, 14, 0.5F, 1.5F});
  EXPECT_EQ(g.parameters.scale, 1);
  EXPECT_EQ(g.parameters.zero_point, 1);
  EXPECT_EQ(g.codes, (Codes{0, 1, 15, 1, 3}));
  EXPECT_EQ(g.values, (Doubles{-1, 0, 14, 0, 2}));
  // Positive only: low is 0, scale 30 / 15, z = 0.
  g = coded("uint4", {2, 30});
  EXPECT_EQ(g.parameters.scale, 2);
  EXPECT_EQ(g.parameters.zero_point, 0);
  EXPECT_EQ(g.codes, (Codes{1, 15}));
  // Negative only: high is 0, z = 15.
  g = coded("uint4", {-30, -2});
  EXPECT_EQ(g.parameters.zero_point, 15);
  EXPECT_EQ(g.codes, (Codes{0, 14}));
  EXPECT_EQ(g.values, (Doubles{-30, -2}));
  // z = 1.5 -> 2 (even); 1.5 -> 2, and 2 + 2 is limited to 3.
  g = coded("uint2", {-1.5F, 1.5F, 0.5F});
  EXPECT_EQ(g.parameters.scale, 1);
  EXPECT_EQ(g.parameters.zero_point, 2);
  EXPECT_EQ(g.codes, (Codes{0, 3, 2}));
  EXPECT_EQ(g.values, (Doubles{-2, 1, 0}));
  // One bit: scale 3, z = round(1 / 3) = 0.
  EXPECT_EQ(coded("uint1", {-1, 2}).values, (Doubles{0, 3}));
  // Sixteen bits: scale 65535 / 65535, z = 65535.
  g = coded("uint16", {-65535, -3});
  EXPECT_EQ(g.parameters.zero_point, 65535);
  EXPECT_EQ(g.codes, (Codes{0, 65532}));
}

TEST(QuantizerAbsmean, HandWorkedVectors) {
  const Quantizer q = quantizer(QuantMethod::absmean, "ternary");
  // mean (3 + 1 + 0.5 + 0.25 + 0.25) / 5 = 1. 0.5 is a tie: even is 0. Codes: +1 = 1, -1 = 3.
  Group g = round_trip(q, {3, -1, 0.5F, -0.25F, 0.25F});
  EXPECT_EQ(g.parameters.scale, 1);
  EXPECT_EQ(g.codes, (Codes{1, 3, 0, 0, 0}));
  EXPECT_EQ(g.values, (Doubles{1, -1, 0, 0, 0}));
  // mean (4 + 2 + 1.5 + 0.5) / 4 = 2: 2, -1, 0.75, -0.25.
  g = round_trip(q, {4, -2, 1.5F, -0.5F});
  EXPECT_EQ(g.parameters.scale, 2);
  EXPECT_EQ(g.codes, (Codes{1, 3, 1, 0}));
}

TEST(QuantizerMx, HandWorkedVector) {
  // MX 1.0, section 6.3: max 6 = 1.5 * 2^2, emax of E2M1 is 2, so the scale is 2^0.
  const Group g = round_trip(mx("mxfp4"), {6, -3, 0.5F, 0.25F, -0.75F, 0});
  EXPECT_EQ(g.parameters.scale_code, 127U);
  EXPECT_EQ(g.parameters.scale, 1);
  EXPECT_EQ(g.codes, (Codes{7, 13, 1, 0, 10, 0}));
  EXPECT_EQ(g.values, (Doubles{6, -3, 0.5, 0, -1, 0}));
}

TEST(QuantizerBitmod, ExactGroupsNameTheirSpecialValue) {
  struct Row {
    std::vector<const Format*> candidates;
    Floats values;
    int select;
    Codes codes;
  };
  for (const Row& row : {Row{bitmod_fp3(), {4, -4, -3, 1, 2, 0}, 0, {3, 7, 4, 1, 2, 0}},
                         Row{bitmod_fp3(), {4, -4, 3, 1, 2, 0}, 1, {3, 7, 4, 1, 2, 0}},
                         Row{bitmod_fp3(), {-6, 4, -2, 1}, 2, {4, 3, 6, 1}},
                         Row{bitmod_fp3(), {6, 4, -2, 1}, 3, {4, 3, 6, 1}},
                         Row{bitmod_fp4(), {-5, 6, 3, 0.5F}, 0, {8, 7, 5, 1}},
                         Row{bitmod_fp4(), {5, -6, 3, 0.5F}, 1, {8, 15, 5, 1}},
                         Row{bitmod_fp4(), {-8, 6, 0.5F, -4}, 2, {8, 7, 1, 14}},
                         Row{bitmod_fp4(), {8, -6, 1.5F, -4}, 3, {8, 15, 3, 14}}}) {
    const Group g = round_trip(bitmod(row.candidates), row.values);
    EXPECT_EQ(g.parameters.select, row.select);
    EXPECT_EQ(g.parameters.scale, 1);
    EXPECT_EQ(g.codes, row.codes);
    EXPECT_EQ(g.values, Doubles(row.values.begin(), row.values.end()));
  }
}

TEST(QuantizerBitmod, LeastSquaredErrorByHand) {
  // {4, 3, -3}, squared errors:
  //   -3: scale 1; 3 is half way between 2 (rank 2) and 4 (rank 3), 2 is taken: 1
  //   +3: scale 1; the same for -3: 1
  //   -6: scale 2/3; 4 is 6 and saturates at 4: (2 * 2/3)^2 = 1.8 at least
  //   +6: scale 2/3; 6, 4.5 -> 4, -4.5 -> -4: 2 * (0.5 * 2/3)^2 = 2/9, the least
  Group g = round_trip(bitmod(bitmod_fp3()), {4, 3, -3});
  EXPECT_EQ(g.parameters.select, 3);
  EXPECT_EQ(g.parameters.scale, 2.0F / 3);
  EXPECT_EQ(g.codes, (Codes{4, 3, 7}));
  // Without special values the first two are equal, and +-6 cannot be better: the first is taken.
  g = round_trip(bitmod(bitmod_fp3()), {4, -4, 2, 1});
  EXPECT_EQ(g.parameters.select, 0);
  g = round_trip(bitmod({&format("fp3_p3"), &format("fp3_m3")}), {4, -4, 2, 1});
  EXPECT_EQ(g.parameters.select, 0) << "first of the list, not of the table";
}

// ------------------------------------------------------------------------------- kinds of scales

TEST(QuantizerScale, HalfPrecision) {
  // 0.7 / 7 = 0.1: fp16 1638 * 2^-14 = 0x2E66, bf16 205 * 2^-11 = 0x3DCD.
  Group g = round_trip(quantizer(QuantMethod::absmax, "int4", "fp16"), {0.7F, -0.26F});
  EXPECT_EQ(g.parameters.scale_code, 0x2E66U);
  EXPECT_EQ(g.parameters.scale, 1638.0F / 16384);
  EXPECT_EQ(g.values, (Doubles{7 * 1638.0 / 16384, -3 * 1638.0 / 16384}));
  g = round_trip(quantizer(QuantMethod::absmax, "int4", "bf16"), {0.7F});
  EXPECT_EQ(g.parameters.scale_code, 0x3DCDU);
  EXPECT_EQ(g.parameters.scale, 205.0F / 2048);
  // Elements see the rounded scale: fp16 turns 2049 into 2048, so 5122.5 / 2048 = 2.501 -> 3 where
  // 5122.5 / 2049 = 2.5 would give 2.
  g = round_trip(quantizer(QuantMethod::absmax, "int4", "fp16"), {7 * 2049, 5122.5F});
  EXPECT_EQ(g.parameters.scale, 2048);
  EXPECT_EQ(g.codes, (Codes{7, 3}));
  // The zero point as well: 4098 / 2 = 2049 -> 2048; 1024.25 / 2048 = 0.5001 -> 1.
  const Quantizer q = quantizer(QuantMethod::zero_point, "uint2", "fp16");
  g = round_trip(q, {-1024.25F, 3 * 2049 - 1024.25F});
  EXPECT_EQ(g.parameters.scale, 2048);
  EXPECT_EQ(g.parameters.zero_point, 1);
}

TEST(QuantizerScale, PowersOfTwoRoundUp) {
  const Quantizer q = quantizer(QuantMethod::absmax, "int4", "e8m0");
  Group g = round_trip(q, {10, -3});  // 10 / 7 -> 2; 5, -1.5 -> -2
  EXPECT_EQ(g.parameters.scale_code, 128U);
  EXPECT_EQ(g.codes, (Codes{5, 0xE}));
  g = round_trip(q, {7});  // already a power of two
  EXPECT_EQ(g.parameters.scale_code, 127U);
  // A mean goes to the nearest one: 1.25 -> 1, 1.75 -> 2.
  const Quantizer mean = quantizer(QuantMethod::absmean, "ternary", "e8m0");
  EXPECT_EQ(round_trip(mean, {1, -1.5F}).parameters.scale_code, 127U);
  EXPECT_EQ(round_trip(mean, {2, -1.5F}).parameters.scale_code, 128U);
}

TEST(QuantizerScale, LimitsOfTheFormats) {
  const float huge = std::numeric_limits<float>::max();
  const float tiny = std::numeric_limits<float>::denorm_min();
  const auto scale_of = [](std::string_view scale, float value) {
    return round_trip(quantizer(QuantMethod::absmax, "int8", scale), {value}).parameters.scale;
  };
  EXPECT_EQ(scale_of("", tiny), tiny);
  EXPECT_EQ(scale_of("fp16", tiny), std::ldexp(1.0F, -24));
  EXPECT_EQ(scale_of("bf16", tiny), std::ldexp(1.0F, -133));
  EXPECT_EQ(scale_of("e8m0", tiny), std::ldexp(1.0F, -127));
  EXPECT_EQ(scale_of("fp16", huge), 65504);
  EXPECT_EQ(scale_of("e8m0", huge), std::ldexp(1.0F, 122)) << "2^128 / 127 -> 2^122 > 2^121.01";
  // (max - min) / 1 is more than a float holds.
  const Group g = round_trip(quantizer(QuantMethod::zero_point, "uint1"), {huge, -huge});
  EXPECT_EQ(g.parameters.scale, huge);
}

TEST(QuantizerScale, TwoLevels) {
  // int8: M = 127. Groups that want 889 / 7 = 127 and 70 / 7 = 10: c = 1.
  Quantizer q = quantizer(QuantMethod::absmax, "int4", "int8");
  EXPECT_TRUE(has_two_levels(q));
  EXPECT_EQ(wanted_scale(q, statistics({889, -3})), 127);
  EXPECT_EQ(channel_scale(q, 127), 1);
  EXPECT_EQ(round_trip(q, {889, -3}, 1).parameters.scale_code, 127U);
  EXPECT_EQ(round_trip(q, {-70, 3}, 1).parameters.scale_code, 10U);
  EXPECT_EQ(round_trip(q, {0.7F}, 1).parameters.scale_code, 1U) << "never 0";
  // 1 / 127 = 1032.06 * 2^-17, up to 1033: fp16 exponent field 8, fraction 9.
  EXPECT_EQ(channel_scale(q, 1), 1033.0F / 131072);
  EXPECT_EQ(round_trip(q, {7}, channel_scale(q, 1)).parameters.scale_code, 127U) << "126.9";
  // uint8: M = 255, c = 127.5 / 255 = 0.5. 72.1 / 7 = 10.3 = 20.6 c -> 21, scale 10.5.
  q = quantizer(QuantMethod::absmax, "int4", "uint8");
  EXPECT_EQ(channel_scale(q, 127.5), 0.5F);
  const Group g = round_trip(q, {72.1F, -26}, 0.5F);
  EXPECT_EQ(g.parameters.scale_code, 21U);
  EXPECT_EQ(g.parameters.scale, 10.5F);
  EXPECT_EQ(g.codes, (Codes{7, 0xE})) << "6.87 -> 7, -2.48 -> -2";
  EXPECT_EQ(channel_scale(q, 0), 1) << "a channel of zeros";
  EXPECT_EQ(channel_scale(q, 1e-30), std::ldexp(1.0F, -24));
  EXPECT_EQ(channel_scale(q, 1e30), 65504);
  EXPECT_FALSE(has_two_levels(quantizer(QuantMethod::absmax, "int4", "fp16")));
}

TEST(QuantizerScale, TwoLevelsOfBitmod) {
  const Quantizer q = bitmod(bitmod_fp3(), "uint8");
  EXPECT_EQ(wanted_scale(q, statistics({6, -1})), 1.5) << "fp3_m3 asks for most: 6 / 4";
  const Quantizer wide = bitmod({&format("fp3_m6"), &format("fp3_p6")}, "uint8");
  EXPECT_EQ(wanted_scale(wide, statistics({6, -1})), 1) << "the special value counts";
  // c = 1: +6 with scale 120 / 6 = 20 is exact.
  const Group g = round_trip(q, {120, 80, -40, 20}, 1);
  EXPECT_EQ(g.parameters.select, 3);
  EXPECT_EQ(g.parameters.scale_code, 20U);
  EXPECT_EQ(g.values, (Doubles{120, 80, -40, 20}));
  // Candidates are compared after rounding: {10, -10} wants 2.5 (-3, +3) -> 2, error 2 * 2^2 = 8,
  // or 1.67 (-6, +6) -> 2: 5 -> 4 or 6 (ranks 3, 4) takes 6 or saturates at -4: 4 + 4 = 8. All
  // equal, so the first; unrounded, -3 and +3 would be exact.
  EXPECT_EQ(round_trip(q, {10, -10}, 1).parameters.select, 0);
}

// ------------------------------------------------------------------------------- special numbers

std::vector<Quantizer> one_of_each() {
  return {quantizer(QuantMethod::none, "fp16"),
          quantizer(QuantMethod::absmax, "int8"),
          quantizer(QuantMethod::absmax, "fp8_e4m3", "fp16"),
          quantizer(QuantMethod::absmax, "int4", "uint8"),
          quantizer(QuantMethod::zero_point, "uint4"),
          quantizer(QuantMethod::zero_point, "uint8", "e8m0"),
          quantizer(QuantMethod::zero_point, "uint3", "int8"),
          quantizer(QuantMethod::absmean, "ternary", "bf16"),
          bitmod(bitmod_fp3()),
          bitmod(bitmod_fp4(), "int8"),
          mx("mxfp4"),
          mx("mxint8")};
}

float channel_for(const Quantizer& q) { return has_two_levels(q) ? 0.25F : 0; }

TEST(Quantizer, GroupsOfZeros) {
  for (const Quantizer& q : one_of_each()) {
    const std::string_view name = method_name(q.method);
    const Group g = round_trip(q, {0, 0, 0}, channel_for(q));
    EXPECT_EQ(g.codes, (Codes{0, 0, 0})) << name;
    EXPECT_EQ(g.values, (Doubles{0, 0, 0})) << name;
    EXPECT_EQ(round_trip(q, {-0.0F}, channel_for(q)).values, (Doubles{0})) << name;
    if (q.method == QuantMethod::mx) {
      EXPECT_EQ(g.parameters.scale_code, 0U);
    } else if (has_two_levels(q)) {
      EXPECT_EQ(g.parameters.scale_code, 1U);
      EXPECT_EQ(g.parameters.scale, 0.25F);
    } else {
      EXPECT_EQ(g.parameters.scale, 1) << name;
    }
    EXPECT_EQ(g.parameters.zero_point, 0);
    EXPECT_EQ(g.parameters.select, 0);
  }
  // The stored form of scale 1 in each format.
  const auto code_of = [](std::string_view scale) {
    return round_trip(quantizer(QuantMethod::absmax, "int4", scale), {0}).parameters.scale_code;
  };
  EXPECT_EQ(code_of("fp16"), 0x3C00U);
  EXPECT_EQ(code_of("bf16"), 0x3F80U);
  EXPECT_EQ(code_of("e8m0"), 127U);
}

TEST(Quantizer, NanAndInfinity) {
  for (const Quantizer& q : one_of_each()) {
    const float channel = channel_for(q);
    Codes codes(3);
    for (const float bad : {kNan, kInf, -kInf}) {
      const Floats values{1, bad, 3};
      if (q.method == QuantMethod::mx) {
        const Group g = round_trip(q, values);
        EXPECT_EQ(g.parameters.scale_code, 255U);
        EXPECT_TRUE(std::isnan(g.parameters.scale));
        for (const double v : g.values) EXPECT_TRUE(std::isnan(v));
      } else if (q.method != QuantMethod::none) {
        EXPECT_THROW(quantize(q, values, codes, channel), UserError) << method_name(q.method);
        EXPECT_THROW(encode(q, {}, values, codes), UserError) << method_name(q.method);
      }
    }
  }
  GroupStatistics s = statistics({1, 2});
  try {
    s.add(Floats{3, kNan});
    FAIL() << "no error";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("value 3 of a group is NaN"), std::string::npos);
  }
  EXPECT_EQ(s.count, 2U) << "nothing was added";
  EXPECT_EQ(s.max, 2);
}

TEST(QuantizerNone, StoresValuesAsTheyAre) {
  // fp16: 1 = 0x3C00, 2049 -> 2048 (even) = 0x6800; 1e6 saturates, infinity stays.
  const Group g =
      round_trip(quantizer(QuantMethod::none, "fp16"), {1, 2049, 1e6F, -kInf, -0.0F, kNan});
  EXPECT_EQ(g.codes, (Codes{0x3C00, 0x6800, 0x7BFF, 0xFC00, 0x8000, 0x7E00}));
  EXPECT_EQ(g.parameters, GroupParameters{});
  const Group bf16 = round_trip(quantizer(QuantMethod::none, "bf16"), {1, -2});
  EXPECT_EQ(bf16.codes, (Codes{0x3F80, 0xC000}));
  // E4M3 has no infinity: NaN. Formats without NaN refuse both.
  EXPECT_EQ(round_trip(quantizer(QuantMethod::none, "fp8_e4m3"), {kInf}).codes, (Codes{0x7F}));
  const Quantizer integer = quantizer(QuantMethod::none, "int8");
  EXPECT_EQ(round_trip(integer, {-200, 2.5F}).values, (Doubles{-128, 2}));
  Codes codes(1);
  EXPECT_THROW(quantize(integer, Floats{kNan}, codes), UserError);
  EXPECT_THROW(quantize(integer, Floats{kInf}, codes), UserError);
}

// ----------------------------------------------------------------------- statistics, error sums

TEST(GroupStatistics, SumsAndMerge) {
  const GroupStatistics s = statistics({3, -5, 0.5F});
  EXPECT_EQ(s.min, -5);
  EXPECT_EQ(s.max, 3);
  EXPECT_EQ(s.absmax, 5);
  EXPECT_EQ(s.sum_abs, 8.5);
  EXPECT_EQ(s.count, 3U);
  GroupStatistics sum;
  sum.merge(s);
  sum.merge(statistics({-1, 7}));
  sum.merge(GroupStatistics{});
  EXPECT_EQ(sum.min, -5);
  EXPECT_EQ(sum.max, 7);
  EXPECT_EQ(sum.absmax, 7);
  EXPECT_EQ(sum.sum_abs, 16.5);
  EXPECT_EQ(sum.count, 5U);
  sum.add({});
  EXPECT_EQ(sum.absmax, 7);
  GroupStatistics empty;
  empty.add({});
  EXPECT_EQ(empty.absmax, 0);
}

TEST(QuantizationError, ByHand) {
  QuantizationError e;
  EXPECT_EQ(e.mse(), 0);
  EXPECT_EQ(e.sqnr_db(), std::numeric_limits<double>::infinity());
  e.add(3, 3);
  EXPECT_EQ(e.sqnr_db(), std::numeric_limits<double>::infinity());
  e.add(Floats{4, -1}, Doubles{4.5, -1});
  EXPECT_EQ(e.count, 3U);
  EXPECT_EQ(e.squared_signal, 26);
  EXPECT_EQ(e.squared_error, 0.25);
  EXPECT_EQ(e.mse(), 0.25 / 3);
  EXPECT_NEAR(e.sqnr_db(), 20.1703, 1e-4) << "10 log10(104)";
  EXPECT_THROW(e.add(Floats{1}, Doubles{}), InternalError);
}

// ----------------------------------------------------------------------------- what cannot work

TEST(Quantizer, CombinationsThatCannotWorkAreNamed) {
  const auto says = [](const Quantizer& q, std::string_view text) {
    EXPECT_NE(reason(q).find(text), std::string::npos) << reason(q);
    Codes codes(1);
    EXPECT_THROW(quantize(q, Floats{1}, codes), InternalError);
    EXPECT_THROW(dequantize(q, {}, 0), InternalError);
  };
  says(quantizer(QuantMethod::absmax), "method 'absmax' needs a number format");
  says(quantizer(QuantMethod::none), "method 'none' needs a number format");
  says(quantizer(QuantMethod::absmax, "uint4"), "'uint4' has no negative numbers");
  says(quantizer(QuantMethod::absmax, "e8m0"), "'e8m0' has no negative numbers");
  says(quantizer(QuantMethod::absmax, "bipolar"), "'bipolar' has no zero");
  says(quantizer(QuantMethod::absmax, "int1"), "'int1' has no positive numbers");
  says(quantizer(QuantMethod::zero_point, "int4"), "unsigned integer format");
  says(quantizer(QuantMethod::zero_point, "fp8_e4m3"), "unsigned integer format");
  says(quantizer(QuantMethod::absmean, "int2"), "its format is 'ternary', not 'int2'");
  says(quantizer(QuantMethod::absmax, "int4", "fp8_e4m3"), "allowed: fp16, bf16, e8m0, int8");
  says(quantizer(QuantMethod::none, "fp16", "fp16"), "method 'none' has no scale");
  says(quantizer(QuantMethod::mx), "method 'mx' needs a block format");
  says(bitmod({}), "needs 1 to 256 candidates, not 0");
  says(bitmod(std::vector<const Format*>(257, &format("fp3_m3"))), "not 257");
  says(bitmod({nullptr}), "no number format");
  says(bitmod({&format("fp3_m3"), &format("fp4_m5")}), "same width: 'fp4_m5' has 4 bits");
  says(bitmod({&format("uint4")}), "no negative numbers");
  Quantizer q = mx("mxfp4");
  q.scale_format = &format("e8m0");
  says(q, "the scale of its block format");
  q = mx("mxfp4");
  q.format = &format("int4");
  says(q, "method 'mx' takes no number format");
  q = quantizer(QuantMethod::absmax, "int4");
  q.block = &block_format("mxfp4");
  says(q, "method 'absmax' takes no block format");
  q = quantizer(QuantMethod::absmax, "int4");
  q.candidates = bitmod_fp3();
  says(q, "method 'absmax' takes no list of candidates");
  for (const Quantizer& good : one_of_each()) EXPECT_EQ(reason(good), "");
}

TEST(Quantizer, WrongArgumentsAreOurBug) {
  const Quantizer q = quantizer(QuantMethod::absmax, "int4");
  const Quantizer two = quantizer(QuantMethod::absmax, "int4", "int8");
  Codes codes(3);
  Doubles values(3);
  for (const Quantizer& any : one_of_each()) {
    const float channel = channel_for(any);
    EXPECT_THROW(quantize(any, {}, std::span(codes).first(0), channel), InternalError);
    EXPECT_THROW(quantize(any, Floats{1, 2}, codes, channel), InternalError);
    EXPECT_THROW(quantize(any, Floats{1, 2, 3}, codes, channel == 0 ? 1.0F : 0), InternalError);
    EXPECT_THROW(encode(any, {}, Floats{1, 2}, codes), InternalError);
    EXPECT_THROW(dequantize(any, {}, std::span(codes).first(2), values), InternalError);
    EXPECT_THROW(choose(any, GroupStatistics{}, channel), InternalError);
  }
  for (const float channel : {-1.0F, kNan, kInf, 0.1F}) {  // 0.1F is no fp16 number
    EXPECT_THROW(quantize(two, Floats{1, 2, 3}, codes, channel), InternalError);
    EXPECT_THROW(quantize(q, Floats{1, 2, 3}, codes, channel), InternalError);
  }
  EXPECT_THROW(choose(bitmod(bitmod_fp3()), statistics({1}), 0), InternalError);
  EXPECT_THROW(choose(mx("mxfp4"), statistics({1}), 0), InternalError);
  EXPECT_THROW(wanted_scale(mx("mxfp4"), statistics({1})), InternalError);
  EXPECT_THROW(wanted_scale(quantizer(QuantMethod::none, "fp16"), statistics({1})), InternalError);
  EXPECT_THROW(channel_scale(q, 1), InternalError);
  EXPECT_THROW(channel_scale(two, -1), InternalError);
  EXPECT_THROW(channel_scale(two, kNan), InternalError);
  Codes too_many(33);
  EXPECT_THROW(quantize(mx("mxfp4"), Floats(33, 1.0F), too_many), InternalError);
  GroupParameters p;
  for (const float scale : {0.0F, -1.0F, kNan, kInf}) {
    p.scale = scale;
    EXPECT_THROW(encode(q, p, Floats{1, 2, 3}, codes), InternalError);
  }
  p = {};
  p.select = 4;
  EXPECT_THROW(encode(bitmod(bitmod_fp3()), p, Floats{1, 2, 3}, codes), InternalError);
  EXPECT_THROW(dequantize(bitmod(bitmod_fp3()), p, 0), InternalError);
  p = {};
  p.zero_point = 16;
  const Quantizer asymmetric = quantizer(QuantMethod::zero_point, "uint4");
  EXPECT_THROW(encode(asymmetric, p, Floats{1, 2, 3}, codes), InternalError);
}

}  // namespace
}  // namespace bitsmith
