// Golden results of the array of lookup-table units: the room card's vectors by hand, every code of
// every format, all addresses and all K against exact sums, and the bound of 8-bit tables.
#include "pe/lut_tensor_core/golden.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "numerics/pack.h"
#include "pe/lut_tensor_core/design.h"

namespace bitsmith::lut_tensor_core {
namespace {

constexpr std::array kWeights = {"int2",  "int3",  "int4",  "int5",    "int6",   "int7",
                                 "int8",  "uint1", "uint2", "uint3",   "uint4",  "uint5",
                                 "uint6", "uint7", "uint8", "bipolar", "ternary"};
constexpr std::array kEngines = {Engine::lut, Engine::lut_negate, Engine::lut_full, Engine::add,
                                 Engine::mac};

Params params_of(Engine engine, const char* activation, const char* weight, std::uint32_t k = 4) {
  Params params;
  params.engine = engine;
  params.activation = find_format(activation);
  params.weight = find_format(weight);
  params.k = k;
  params.group = k * 8;
  return params;
}
bool is_refused(const Params& params) {
  return weight_kind(params) == WeightKind::bipolar && !has_half_table(params);
}

std::uint32_t code_of(const Params& params, std::int64_t value) {
  return encode(*params.activation, static_cast<double>(value));
}
std::vector<std::uint32_t> codes_of(const Params& params,
                                    std::initializer_list<std::int64_t> values) {
  std::vector<std::uint32_t> codes;
  for (const std::int64_t value : values) codes.push_back(code_of(params, value));
  return codes;
}

// ---- planes

std::uint32_t zero_count(const Params& params) {
  return has_zero(params) ? code_count(*params.weight) : 1;
}

// (sum f p - z') / 2^h = q - zero, p of every plane as the engine takes it.
TEST(LutTensorCoreGolden, PlanesOfEveryCodeAddUpToItsValue) {
  for (const Engine engine : kEngines) {
    for (const char* weight : kWeights) {
      const Params params = params_of(engine, "int8", weight);
      if (is_refused(params) || engine == Engine::mac) continue;
      for (std::uint32_t code = 0; code < code_count(*params.weight); ++code) {
        std::int64_t sum = 0;
        for (std::uint32_t i = 0; i < plane_count(params); ++i) {
          const std::int64_t bit = plane_bit(params, code, i);
          sum += plane_factor(params, i) * (has_half_table(params) ? 2 * bit - 1 : bit);
        }
        for (std::uint32_t zero = 0; zero < zero_count(params); ++zero) {
          const double exact = decode(*params.weight, code) - zero;
          const std::int64_t doubled = sum - zero_term(params, zero);
          EXPECT_EQ(static_cast<double>(doubled), std::ldexp(exact, halvings(params) != 0 ? 1 : 0))
              << weight << " " << code << " " << zero;
        }
      }
    }
  }
}

TEST(LutTensorCoreGolden, StepsPerBeatAreTheRoomCards) {
  const auto steps = [](Engine engine, const char* weight) {
    return steps_per_beat(params_of(engine, "int8", weight));
  };
  EXPECT_EQ(steps(Engine::lut, "int2"), 2U);
  EXPECT_EQ(steps(Engine::lut_full, "uint7"), 7U);
  EXPECT_EQ(steps(Engine::lut, "bipolar"), 1U);
  EXPECT_EQ(steps(Engine::add, "ternary"), 2U);
  EXPECT_EQ(steps(Engine::mac, "int8"), 1U);
}

// ---- tables

TEST(LutTensorCoreGolden, HalfTableByHand) {
  const Params params = params_of(Engine::lut, "int8", "int2");
  const Table table = precompute(params, codes_of(params, {3, -5, 7, 2}));
  std::vector<std::int32_t> entries(table.entries.begin(), table.entries.end());
  EXPECT_EQ(entries, (std::vector<std::int32_t>{-3, 3, -13, -7, 11, 17, 1, 7}));
  EXPECT_EQ(read(params, table, 0b1001).value, 3);
  EXPECT_EQ(read(params, table, 0b0101).value, 13);  // -H[2]
  const Params full = params_of(Engine::lut_full, "int8", "int2");
  const Table zero_one = precompute(full, codes_of(full, {3, -5, 7, 2}));
  EXPECT_EQ(read(full, zero_one, 0b1001).value, 5);
  EXPECT_EQ(read(full, zero_one, 0b1010).value, -3);
  EXPECT_EQ(read(full, zero_one, 0).value, 0);
}

TEST(LutTensorCoreGolden, EightBitTableByHand) {
  Params params = params_of(Engine::lut, "int8", "ternary");
  params.table = TableKind::int8;
  const Table table = precompute(params, codes_of(params, {100, -37, 90, 60}));
  EXPECT_EQ(table.scale_code, 2U);
  constexpr std::array kUnits = {-23, 27, -42, 8, 22, 72, 3, 53};
  for (std::size_t x = 0; x < kUnits.size(); ++x) {
    const auto magnitude = static_cast<std::uint32_t>(std::abs(kUnits[x]));
    EXPECT_EQ(table.entries[x], magnitude | (kUnits[x] < 0 ? 128U : 0U));
    const Entry entry = read(params, table, static_cast<std::uint32_t>(x | 8));
    EXPECT_EQ(entry.value, kUnits[x]);
    EXPECT_EQ(entry.exponent, 2);
  }
}

// All addresses of all K: sums of integers, and of FP16 numbers that add without rounding.
TEST(LutTensorCoreGolden, EntriesOfAllAddressesAreExactSums) {
  std::mt19937_64 random(1);
  for (const char* activation : {"int8", "int16", "fp16", "fp8_e4m3", "fp8_e5m2"}) {
    for (const Engine engine : {Engine::lut, Engine::lut_negate, Engine::lut_full, Engine::add}) {
      for (std::uint32_t round = 0; round < 100; ++round) {
        const Params params = params_of(engine, activation, "int2", 2 + round % 5);
        std::vector<std::uint32_t> codes;
        for (std::uint32_t j = 0; j < params.k; ++j) {
          const bool is_float = is_floating_point(params);
          codes.push_back(
              is_float ? code_of(params, static_cast<std::int64_t>(random() % 9) - 4)
                       : static_cast<std::uint32_t>(random() & low_mask(params.activation->bits)));
        }
        const Table table = precompute(params, codes);
        ASSERT_EQ(table.entries.size(), table_entries(params));
        for (std::uint32_t w = 0; w < 1U << params.k; ++w) {
          double exact = 0;
          for (std::uint32_t j = 0; j < params.k; ++j) {
            const double a = decode(*params.activation, codes[j]);
            exact += (w >> j & 1) != 0 ? a : has_half_table(params) ? -a : 0.0;
          }
          const std::int64_t value = read(params, table, w).value;
          ASSERT_EQ(is_floating_point(params)
                        ? decode(format("fp16"), static_cast<std::uint32_t>(value))
                        : static_cast<double>(value),
                    exact)
              << activation << " " << w;
        }
      }
    }
  }
}

// (a4 + a3) + a2 and a1 + a0 first: 2048 + 1 is 2048 in FP16, 1 + 1 before 2048 is 2050.
TEST(LutTensorCoreGolden, FloatingPointSumsKeepTheirOrder) {
  const auto all_plus = [](std::uint32_t k, std::initializer_list<std::int64_t> values) {
    const Params params = params_of(Engine::lut, "fp16", "int2", k);
    const Table table = precompute(params, codes_of(params, values));
    return decode(format("fp16"), table.entries.back());
  };
  EXPECT_EQ(all_plus(4, {1, 1, 2048, 0}), 2050);
  EXPECT_EQ(all_plus(4, {2048, 1, 1, 0}), 2048);
  EXPECT_EQ(all_plus(3, {2048, 1, 1}), 2050);
  EXPECT_EQ(all_plus(3, {1, 1, 2048}), 2048);
  EXPECT_EQ(all_plus(5, {2048, 0, 2, 1, 1}), 2052);
  EXPECT_EQ(all_plus(5, {0, 0, 1, 2048, 1}), 2048);
  EXPECT_EQ(all_plus(6, {1, 1, 0, 2048, 0, 0}), 2050);
}

TEST(LutTensorCoreGolden, SpecialNumbersSpoilTheirTable) {
  const Params full = params_of(Engine::lut, "fp16", "int2");
  std::vector<std::uint32_t> codes = codes_of(full, {1, 2, 3, 4});
  codes[0] = 0x7C00;
  EXPECT_EQ(precompute(full, codes).entries[1], 0x7C00U);
  EXPECT_EQ(precompute(full, codes).entries[0], 0xFC00U);
  codes[1] = 0x7C00;
  EXPECT_EQ(precompute(full, codes).entries[1], 0x7E00U);
  Params rounded = full;
  rounded.table = TableKind::int8;
  const Table table = precompute(rounded, codes);
  EXPECT_EQ(table.scale_code, 63U);
  EXPECT_TRUE(read(rounded, table, 5).is_nan);
  const Params e4m3 = params_of(Engine::lut, "fp8_e4m3", "int2");
  EXPECT_EQ(precompute(e4m3, std::vector<std::uint32_t>{0xFF, 0, 0, 0}).entries[3], 0x7E00U);
}

// Of what a table may hold, t keeps the largest entry below 128 units and, above the lowest t, at
// least at 63.5.
TEST(LutTensorCoreGolden, EightBitEntriesAreNearTheirValues) {
  std::mt19937_64 random(2);
  double worst = 0;
  for (std::uint32_t round = 0; round < 20000; ++round) {
    constexpr std::array kActivations = {"int8", "int16", "fp16", "fp8_e4m3", "fp8_e5m2"};
    Params full = params_of(Engine::lut, kActivations[round % 5], "int2", 2 + round / 5 % 5);
    Params rounded = full;
    rounded.table = TableKind::int8;
    std::vector<std::uint32_t> codes;
    const int unused = static_cast<int>(random() % 6);
    for (std::uint32_t j = 0; j < full.k; ++j) {
      std::uint32_t code = 0;
      do {
        code = static_cast<std::uint32_t>(random() & low_mask(full.activation->bits));
        if (!is_floating_point(full)) {
          code = static_cast<std::uint32_t>(sign_extend(code, full.activation->bits) >> unused);
        }
      } while (!std::isfinite(decode(*full.activation, code)));
      codes.push_back(code);
    }
    const Table exact = precompute(full, codes), table = precompute(rounded, codes);
    if (table.scale_code == kTableScaleNan) continue;  // a sum overflowed
    double largest = 0, error = 0;
    double unit = 0;
    for (std::uint32_t w = 0; w < 1U << full.k; ++w) {
      const std::int64_t held = read(full, exact, w).value;
      const double value = is_floating_point(full)
                               ? decode(format("fp16"), static_cast<std::uint32_t>(held))
                               : static_cast<double>(held);
      const Entry entry = read(rounded, table, w);
      unit = std::ldexp(1.0, entry.exponent);
      const double difference =
          std::fabs(value - std::ldexp(static_cast<double>(entry.value), entry.exponent));
      ASSERT_LE(difference, std::abs(entry.value) == 127 ? unit : 0.5 * unit);
      largest = std::max(largest, std::fabs(value));
      error = std::max(error, difference);
    }
    if (table.scale_code != 0) {
      ASSERT_GE(largest, 64 * unit);
    }
    ASSERT_LT(largest, 128 * unit);
    ASSERT_LE(error, largest / 64);
    if (largest > 0) worst = std::max(worst, error / largest);
  }
  EXPECT_GT(worst, 1.0 / 140);
  RecordProperty("worst", fmt::format("{:.6f}", worst));
}

// ---- whole results

struct Operands {
  std::size_t m, n, k;
  std::vector<std::uint16_t> a, w, s;
};

std::vector<std::int64_t> compute(const Params& params, const Operands& x,
                                  double* error = nullptr) {
  std::vector<std::int64_t> y(x.m * x.n);
  const double largest = golden(params,
                                {{x.a.data(), x.m, x.k, x.k},
                                 {x.w.data(), x.k, x.n, x.n},
                                 {x.s.data(), x.s.size() / x.n, x.n, x.n}},
                                {y.data(), x.m, x.n, x.n});
  if (error != nullptr) *error = largest;
  return y;
}

Operands random_operands(const Params& params, std::mt19937_64& random) {
  Operands x{1 + random() % 3, 1 + random() % 3, 1 + random() % 100, {}, {}, {}};
  const auto fill = [&](std::vector<std::uint16_t>& codes, std::size_t size, int bits) {
    for (std::size_t i = 0; i < size; ++i) {
      codes.push_back(static_cast<std::uint16_t>(random() & low_mask(bits)));
    }
  };
  fill(x.a, x.m * x.k, params.activation->bits);
  fill(x.w, x.k * x.n, params.weight->bits);
  fill(x.s, group_count(params, x.k) * x.n, static_cast<int>(scale_code_bits(params)));
  return x;
}

std::uint16_t narrow(std::uint32_t code) { return static_cast<std::uint16_t>(code); }
std::uint16_t fp16(double value) { return narrow(encode(format("fp16"), value)); }
std::int64_t y_of(float value) { return std::bit_cast<std::int32_t>(value); }

TEST(LutTensorCoreGolden, FirstVectorByHand) {
  for (const Engine engine : kEngines) {
    const Params params = params_of(engine, "int8", "int2");
    const Operands x{1, 1, 4, {3, narrow(code_of(params, -5)), 7, 2}, {1, 2, 0, 3}, {3}};
    EXPECT_EQ(compute(params, x)[0], 33);
  }
}

TEST(LutTensorCoreGolden, SecondVectorByHand) {
  Params ternary = params_of(Engine::lut, "int8", "ternary");
  ternary.table = TableKind::int8;
  const std::vector<std::uint16_t> a = {100, narrow(code_of(ternary, -37)), 90, 60};
  double error = 0;
  EXPECT_EQ(compute(ternary, {1, 1, 4, a, {1, 0, 3, 1}, {1}}, &error)[0], 70);
  EXPECT_DOUBLE_EQ(error, 1.0 / 287);  // -167 became -168
  Params zero_one = params_of(Engine::lut, "int8", "uint2");
  zero_one.table = TableKind::int8;
  EXPECT_EQ(compute(zero_one, {1, 1, 4, a, {2, 1, 0, 2}, {1 << 8 | 1}})[0], 70);
}

// Group 0: (1 x 5 + 2 x (0 - 3)) x 2 = -2; group 1: 0.5 x (15 - 8) x -1 = -3.5.
TEST(LutTensorCoreGolden, TwoFloatingPointGroupsByHand) {
  for (const Engine engine : kEngines) {
    Params params = params_of(engine, "fp16", "uint4");
    params.group = 8;
    Operands x{1, 1, 9, std::vector<std::uint16_t>(9), std::vector<std::uint16_t>(9), {}};
    x.a[0] = fp16(1);
    x.a[1] = fp16(2);
    x.a[8] = fp16(0.5);
    x.w[0] = 8;
    x.w[8] = 15;
    x.s = {3 << 8 | 2, 8 << 8 | 0xFF};
    EXPECT_EQ(compute(params, x)[0], y_of(-5.5F));
  }
}

// 2^11 + 2^-2 needs 14 bits: TF32 has 11.
TEST(LutTensorCoreGolden, GroupsAreSummedInTheirAccumulator) {
  Params params = params_of(Engine::lut, "fp16", "bipolar", 2);
  params.group = 8;
  const Operands x{1, 1, 4, {fp16(2048), fp16(0), fp16(0.25), fp16(0)}, {1, 1, 1, 1}, {1}};
  EXPECT_EQ(compute(params, x)[0], y_of(2048.25F));
  params.accumulator = Accumulator::tf32;
  EXPECT_EQ(compute(params, x)[0], y_of(2048));
}

TEST(LutTensorCoreGolden, InfinitiesAndNan) {
  const Params params = params_of(Engine::lut, "fp16", "bipolar");
  const Operands x{2, 1, 2, {0x7C00, fp16(1), 0x7E01, fp16(2)}, {0, 1}, {1}};
  EXPECT_EQ(compute(params, x), (std::vector<std::int64_t>{y_of(-INFINITY), 0x7FC00000}));
}

// Every code of every format, all K, edge tiles: full tables of integers are exact.
TEST(LutTensorCoreGolden, IntegersOfAllEnginesAreExact) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 1000; ++round) {
    const char* weight = kWeights[random() % kWeights.size()];
    const char* activation = random() % 2 == 0 ? "int8" : "int16";
    const auto k = static_cast<std::uint32_t>(2 + random() % 5);
    Params params = params_of(Engine::lut, activation, weight, k);
    params.group = k * static_cast<std::uint32_t>(4 + random() % 6);
    const Operands x = random_operands(params, random);
    std::vector<std::int64_t> exact;
    for (std::size_t i = 0; i < x.m * x.n; ++i) {
      double sum = 0;  // of integers far below 2^53
      for (std::size_t at = 0; at < x.k; ++at) {
        const std::uint16_t s = x.s[at / params.group * x.n + i % x.n];
        sum += decode(*params.activation, x.a[i / x.n * x.k + at]) *
               static_cast<double>(static_cast<std::int8_t>(s & 0xFF)) *
               (decode(*params.weight, x.w[at * x.n + i % x.n]) - (s >> 8));
      }
      exact.push_back(static_cast<std::int64_t>(sum));
    }
    for (const Engine engine : kEngines) {
      params.engine = engine;
      if (is_refused(params)) continue;
      ASSERT_EQ(compute(params, x), exact) << weight << " engine " << static_cast<int>(engine);
    }
  }
}

// Zero weights give 0 from 8-bit tables of integers, and the error of others keeps its bound: per
// table 2^t (sum |f| + |z'|) / 2^h, times a scale of 1.
TEST(LutTensorCoreGolden, ErrorOfEightBitTablesKeepsItsBound) {
  std::mt19937_64 random(4);
  double worst = 0;
  for (int round = 0; round < 1000; ++round) {
    const char* weight = kWeights[random() % kWeights.size()];
    const auto k = static_cast<std::uint32_t>(2 + random() % 5);
    Params params = params_of(Engine::lut, random() % 2 == 0 ? "int8" : "int16", weight, k);
    Operands x = random_operands(params, random);
    x.m = x.n = 1;
    x.k = std::min<std::size_t>(x.k, params.group);
    const std::uint16_t zero = narrow(x.s[0] >> 8);
    x.s = {narrow(zero << 8 | 1)};
    const std::int64_t exact = compute(params, x)[0];
    params.table = TableKind::int8;
    const std::int64_t rounded = compute(params, x)[0];
    double bound = 0;
    std::int64_t factors = std::abs(zero_term(params, zero));
    for (std::uint32_t i = 0; i < plane_count(params); ++i) factors += plane_factor(params, i);
    for (std::size_t begin = 0; begin < x.k; begin += k) {
      std::vector<std::uint32_t> codes(k);
      for (std::size_t j = 0; j < k && begin + j < x.k; ++j) codes[j] = x.a[begin + j];
      bound += std::ldexp(static_cast<double>(factors),
                          static_cast<int>(precompute(params, codes).scale_code) -
                              static_cast<int>(halvings(params)));
    }
    const auto error = static_cast<double>(std::abs(exact - rounded));
    ASSERT_LE(error, bound);
    worst = std::max(worst, error / bound);
    if (weight_kind(params) == WeightKind::bipolar) continue;
    for (auto& code : x.w) code = has_zero(params) ? zero : 0;
    ASSERT_EQ(compute(params, x)[0], 0) << weight;
  }
  EXPECT_GT(worst, 0.2);
  RecordProperty("worst", fmt::format("{:.6f}", worst));
}

// What 8-bit tables cost in results: INT8 activations, INT2 weights, groups of 128, relative to the
// root of the mean square of the results.
TEST(LutTensorCoreGolden, EightBitTablesLoseLittle) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal(0, 40);
  Params full = params_of(Engine::lut, "int8", "int2");
  full.group = 128;
  Params rounded = full;
  rounded.table = TableKind::int8;
  double errors = 0, squares = 0, of_entries = 0;
  for (int round = 0; round < 200; ++round) {
    Operands x{1, 4, 128, {}, {}, std::vector<std::uint16_t>(4, 1)};
    for (std::size_t k = 0; k < x.k; ++k) {
      x.a.push_back(narrow(encode(format("int8"), normal(random))));
    }
    for (std::size_t i = 0; i < x.k * x.n; ++i) x.w.push_back(narrow(random() & 3));
    const std::vector<std::int64_t> exact = compute(full, x);
    double error = 0;
    const std::vector<std::int64_t> y = compute(rounded, x, &error);
    of_entries = std::max(of_entries, error);
    for (std::size_t i = 0; i < y.size(); ++i) {
      errors += std::pow(static_cast<double>(y[i] - exact[i]), 2);
      squares += std::pow(static_cast<double>(exact[i]), 2);
    }
  }
  const double relative = std::sqrt(errors / squares);
  RecordProperty("relative", fmt::format("{:.6f}", relative));
  EXPECT_LT(relative, 0.01);
  EXPECT_GT(relative, 0.002);
  EXPECT_LE(of_entries, 1.0 / 64);
  EXPECT_GT(of_entries, 1.0 / 160);
}

TEST(LutTensorCoreGolden, LongestExactKIsTight) {
  EXPECT_EQ(longest_exact_k(params_of(Engine::lut, "int8", "int2")), (std::uint64_t{1} << 32) - 1);
  EXPECT_EQ(longest_exact_k(params_of(Engine::lut, "int16", "uint8")),
            (std::uint64_t{1} << 17) - 1);
  EXPECT_EQ(longest_exact_k(params_of(Engine::lut, "int8", "bipolar")),
            (std::uint64_t{1} << 33) - 1);
  EXPECT_EQ(longest_exact_k(params_of(Engine::lut, "fp16", "int8")), ~std::uint64_t{0});
}

}  // namespace
}  // namespace bitsmith::lut_tensor_core
