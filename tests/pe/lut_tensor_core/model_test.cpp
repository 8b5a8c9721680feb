// The cycle model by hand-worked cycles, against golden, and its contract with whoever drives it.
#include "pe/lut_tensor_core/model.h"

#include <gtest/gtest.h>

#include "config/yaml.h"
#include "numerics/float_arithmetic.h"
#include "pe/lut_tensor_core/arithmetic.h"
#include "pe/lut_tensor_core/design.h"
#include "support/lut_tensor_core_jobs.h"
#include "support/model_driver.h"

namespace bitsmith::lut_tensor_core {
namespace {

using test::DrivenJob;
using test::DriveResult;

Params small(std::uint32_t m, std::uint32_t n, std::uint32_t group) {
  Params params;
  params.m = m;
  params.n = n;
  params.group = group;
  return params;
}

DriveResult drive(const Params& params, const std::vector<Job>& jobs) {
  const Design design(params);
  std::mt19937_64 random(3);
  std::vector<DrivenJob> driven;
  for (const Job& job : jobs) driven.push_back(test::random_lut_job(design, job, random));
  Model model(params);
  return test::drive(model, design, driven, {}, test::LutTokens{params});
}

// int2, K = 4: four weights in two steps, a group of 16 in eight: cycles 1..8. With a table made in
// the unit L = 2: the first row leaves 7 steps after the last token and is at the port one cycle
// later.
TEST(LutTensorCoreModel, OneGroupByHand) {
  const DriveResult result = drive(small(2, 2, 16), {{2, 2, 16, false, true}});
  EXPECT_EQ(result.jobs[0].start, 1U);
  EXPECT_EQ(result.jobs[0].operands_free, 8U);
  EXPECT_EQ(result.jobs[0].first_y, 8U + 7 + 1);
  EXPECT_EQ(result.jobs[0].last_y, 8U + 8 + 1);
}

// A group of 8 takes four steps; with four rows the last token of the next one waits until six
// steps after its.
TEST(LutTensorCoreModel, AShortGroupWaitsBeforeItsLastToken) {
  const DriveResult result =
      drive(small(4, 2, 8), {{4, 2, 8, false, true}, {4, 2, 8, false, true}});
  EXPECT_EQ(result.jobs[0].operands_free, 4U);
  EXPECT_EQ(result.jobs[1].start, 5U);
  EXPECT_EQ(result.jobs[1].operands_free, 10U);
}

TEST(LutTensorCoreModel, ResultsEqualGoldenThroughAccumulatingJobs) {
  std::mt19937_64 random(5);
  std::size_t results = 0;
  for (int round = 0; round < 1000; ++round) {
    const Params params = test::random_lut_params(random);
    const Design design(params);
    std::vector<DrivenJob> driven;
    for (const Job& job : test::random_lut_jobs(params, random)) {
      driven.push_back(test::random_lut_job(design, job, random));
    }
    Model model(params);
    const DriveResult seen = test::drive(model, design, driven, {}, test::LutTokens{params});
    for (std::size_t i = 0; i < driven.size(); ++i) {
      if (!driven[i].job.emit) continue;
      ASSERT_EQ(seen.jobs[i].y, test::golden_of_chain(design, driven, i))
          << design.resolved().dump() << " job " << i;
      results += seen.jobs[i].y.size();
    }
  }
  EXPECT_GT(results, 50000U);
}

// The paper's unit and a grid of units, whole tiles of long K.
TEST(LutTensorCoreModel, LargeArraysEqualGolden) {
  std::mt19937_64 random(6);
  for (const char* activation : {"int8", "fp16", "fp8_e4m3"}) {
    for (const Engine engine : {Engine::lut, Engine::lut_full, Engine::mac}) {
      for (const std::uint32_t units : {1U, 2U}) {
        Params params;
        params.activation = find_format(activation);
        params.engine = engine;
        params.unit_rows = params.unit_cols = units;
        if (engine == Engine::lut) params.table = TableKind::int8;
        const Design design(params);
        const Job job{rows(params), cols(params), 300, false, true};
        const std::vector<DrivenJob> driven = {test::random_lut_job(design, job, random)};
        Model model(params);
        const DriveResult seen = test::drive(model, design, driven, {}, test::LutTokens{params});
        ASSERT_EQ(seen.jobs[0].y, test::golden_of_chain(design, driven, 0)) << activation;
      }
    }
  }
}

// The same operands, whoever makes the tables.
TEST(LutTensorCoreModel, FusedTablesAreTheUnits) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    Params params = test::random_lut_params(random);
    if (!has_table(params)) continue;
    params.precompute = Precompute::fused;
    const Design fused(params);
    const Job job{rows(params), cols(params), params.group, false, true};
    const DrivenJob driven = test::random_driven_job(fused, job, random);
    Model of_vector_unit(params);
    params.precompute = Precompute::unit;
    const Design unit(params);
    Model of_units(params);
    const test::LutTokens tokens{params};
    ASSERT_EQ(test::drive(of_vector_unit, fused, {driven}, {}, tokens).jobs[0].y,
              test::drive(of_units, unit, {driven}, {}, tokens).jobs[0].y);
  }
}

// A chain is bit-identical to one job with its K put together.
TEST(LutTensorCoreModel, AccumulatingJobsAreOneLongJob) {
  Params params = small(3, 2, 16);
  params.activation = find_format("fp16");
  const Design design(params);
  std::mt19937_64 random(8);
  const DrivenJob whole = test::random_lut_job(design, {3, 2, 52, false, true}, random);
  std::vector<DrivenJob> parts;
  for (std::uint32_t begin : {0U, 32U}) {
    const std::uint32_t k = begin == 0 ? 32 : 20;
    DrivenJob part{{3, 2, k, begin != 0, begin != 0}, {}, {}, {}};
    for (std::size_t m = 0; m < 3; ++m) {
      const auto at = whole.a.begin() + static_cast<std::ptrdiff_t>(m * 52 + begin);
      part.a.insert(part.a.end(), at, at + k);
    }
    part.w.assign(whole.w.begin() + begin * 2, whole.w.begin() + (begin + k) * 2);
    const std::ptrdiff_t row = begin / 16;
    part.s.assign(whole.s.begin() + row * 2, whole.s.begin() + (row + 2) * 2);
    parts.push_back(part);
  }
  Model model(params), other(params);
  const test::LutTokens tokens{params};
  EXPECT_EQ(test::drive(model, design, {whole}, {}, tokens).jobs[0].y,
            test::drive(other, design, parts, {}, tokens).jobs[1].y);
}

// ---- arithmetic of the host against the integers of sim/numerics

TEST(LutTensorCoreModel, HostFloatsAddAsFp16) {
  constexpr FloatLayout kFp16{5, 10, Specials::ieee};
  std::mt19937_64 random(9);
  const auto agrees = [&](std::uint32_t a, std::uint32_t b) {
    const std::uint32_t expected = float_add(kFp16, a, b);
    const float sum = add_entries(value_of_fp16(a), value_of_fp16(b));
    const float right = value_of_fp16(expected);
    if (std::isnan(right)) return std::isnan(sum);
    return std::bit_cast<std::uint32_t>(sum) == std::bit_cast<std::uint32_t>(right);
  };
  for (std::uint32_t a = 0; a < 0x10000; ++a) {
    for (int i = 0; i < 40; ++i) {
      // Any number, or one near a's negative or a's size, where roundings and ties are.
      auto b = static_cast<std::uint32_t>(random() & 0xFFFF);
      if (i % 2 == 1) b = (a ^ (b & 0x8000)) + static_cast<std::uint32_t>(random() % 9) - 4;
      if (i % 4 == 3) b += static_cast<std::uint32_t>(random() % 16) << 10;
      ASSERT_TRUE(agrees(a, b & 0xFFFF)) << a << " " << (b & 0xFFFF);
    }
  }
}

TEST(LutTensorCoreModel, HostFloatsAddAsTf32) {
  constexpr FloatLayout kTf32{8, 10, Specials::ieee};
  std::mt19937_64 random(10);
  for (int i = 0; i < 1000000; ++i) {
    // Sums of a group lie between 2^-30 and 2^31.
    const auto code = [&](std::uint32_t from, std::uint32_t fields) {
      return static_cast<std::uint32_t>((random() & 0x40000) | (from + random() % fields) << 10 |
                                        (random() & 0x3FF));
    };
    const std::uint32_t a = code(97, 60);
    const std::uint32_t b = i % 2 == 0 ? code(97, 60) : code((a >> 10 & 255) - 12, 24);
    const float sum = round_to_tf32(std::bit_cast<float>(a << 13) + std::bit_cast<float>(b << 13));
    ASSERT_EQ(std::bit_cast<std::uint32_t>(sum), float_add(kTf32, a, b) << 13) << a << " " << b;
  }
}

// ---- packing

TEST(LutTensorCoreModel, BeatsArePackedByRowColumnAndPlane) {
  Params params = small(2, 2, 8);
  const Design design(params);
  const Job job{2, 2, 6, false, true};
  EXPECT_EQ(design.beats(job).a, 2U);
  EXPECT_EQ(design.beats(job).w, 4U);
  EXPECT_EQ(design.beats(job).s, 1U);
  EXPECT_EQ(design.beats(job).y, 2U);
  const std::vector<std::uint16_t> a = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};  // [2][6]
  // Column 0: the room card's 1, -2, 0, -1, then 1, 0; column 1: -1 and zeros.
  const std::vector<std::uint16_t> w = {1, 3, 2, 0, 0, 0, 3, 0, 1, 0, 0, 0};  // [6][2]
  std::vector<std::uint32_t> words(2, 0xDEADBEEF);
  design.pack_a(job, {a.data(), 2, 6, 6}, 0, words);
  EXPECT_EQ(words, (std::vector<std::uint32_t>{0x04030201, 0x0A090807}));
  design.pack_a(job, {a.data(), 2, 6, 6}, 1, words);
  EXPECT_EQ(words, (std::vector<std::uint32_t>{0x00000605, 0x00000C0B}));
  const auto w_beat = [&](const Design& of, std::uint64_t beat) {
    words.assign(1, 0xDEADBEEF);
    of.pack_w(job, {w.data(), 6, 2, 2}, beat, words);
    return words[0];
  };
  // Codes q + 2: 3 0 2 1 and 1 2 2 2. Plane 0: 1001 and 0001, stored 1001 and 0110; plane 1: 0101
  // and 1110, stored 0010 and 1110.
  EXPECT_EQ(w_beat(design, 0), 0x69U);
  EXPECT_EQ(w_beat(design, 1), 0xE2U);
  // 3 2 and 2 2 and padding: planes 0001 and 0000, stored 0010 and 0011; 0011 and 0011: 0000.
  EXPECT_EQ(w_beat(design, 2), 0x32U);
  EXPECT_EQ(w_beat(design, 3), 0x00U);
  params.engine = Engine::lut_negate;
  EXPECT_EQ(w_beat(Design(params), 0), 0x19U);
  EXPECT_EQ(w_beat(Design(params), 3), 0x33U);
  params.engine = Engine::add;
  EXPECT_EQ(w_beat(Design(params), 1), 0x1AU);
  params.engine = Engine::mac;
  params.weight = find_format("ternary");
  EXPECT_EQ(w_beat(Design(params), 0), 0x03C1U);  // the second zero is packed as the first
}

TEST(LutTensorCoreModel, ScalesCarryTheirZero) {
  Params params = small(2, 2, 8);
  params.weight = find_format("uint4");
  const Design design(params);
  EXPECT_EQ(design.scale_bits(), 12U);
  const std::vector<std::uint16_t> s = {0xFAB, 0x0CD};
  std::vector<std::uint32_t> words(1, 0xDEADBEEF);
  design.pack_s({2, 2, 6, false, true}, {s.data(), 1, 2, 2}, 0, words);
  EXPECT_EQ(words[0], 0x0CDU << 12 | 0xFABU);
}

// K = 2: tables of two entries of nine bits; 8 bits and a scale of six.
TEST(LutTensorCoreModel, FusedTablesArePackedRowByRow) {
  Params params = small(2, 2, 8);
  params.k = 2;
  params.precompute = Precompute::fused;
  EXPECT_EQ(channel_widths(params).a, 36U);
  const std::vector<std::uint16_t> a = {3, 5};
  const Job job{1, 2, 2, false, true};
  std::vector<std::uint32_t> words(2, 0xDEADBEEF);
  Design(params).pack_a(job, {a.data(), 1, 2, 2}, 0, words);
  EXPECT_EQ(words, (std::vector<std::uint32_t>{8U << 9 | 2U, 0U}));
  params.table = TableKind::int8;
  EXPECT_EQ(channel_widths(params).a, 44U);
  const std::vector<std::uint16_t> large = {0x80, 0x7F};  // -128 + 127, 128 + 127: t = 1
  Design(params).pack_a(job, {large.data(), 1, 2, 2}, 0, words);
  // 255 / 2 + 1/2 is limited to 127; -1 / 2 + 1/2 of the magnitude is one unit.
  EXPECT_EQ(words, (std::vector<std::uint32_t>{1U << 16 | 0x81U << 8 | 0x7FU, 0U}));
  params.engine = Engine::lut_full;
  params.table = TableKind::full;
  EXPECT_EQ(channel_widths(params).a, 54U);
}

TEST(LutTensorCoreModel, RefusesJobsThatBreakTheContract) {
  const Params params = small(2, 2, 8);
  const Job whole{2, 2, 8, false, true}, open{2, 2, 8, false, false}, more{2, 2, 8, true, true};
  EXPECT_NO_THROW(drive(params, {open, more}));
  EXPECT_THROW(drive(params, {more}), InternalError);         // nothing to accumulate on
  EXPECT_THROW(drive(params, {whole, more}), InternalError);  // the sums have left
  EXPECT_THROW(drive(params, {open, {1, 2, 8, true, true}}), InternalError);
  EXPECT_THROW(drive(params, {{2, 2, 7, false, false}, more}), InternalError);  // within a group
}

TEST(LutTensorCoreModel, OutputsAreQuietInResetAndPayloadIsZeroWithoutValid) {
  Model model(small(2, 2, 8));
  ArrayInputs in;
  in.rst_n = false;
  model.step(in);
  EXPECT_TRUE(model.outputs().job_ready && model.outputs().a_ready && model.outputs().w_ready &&
              model.outputs().s_ready);
  EXPECT_FALSE(model.outputs().y_valid);
  EXPECT_EQ(model.outputs().y[0], 0U);
}

TEST(LutTensorCoreParams, RulesAreReported) {
  const auto mistakes = [](const std::string& lines) {
    Diagnostics diagnostics;
    const YamlNode root =
        yaml::parse("design: lut_tensor_core\n" + lines, "test.yaml", diagnostics);
    Design::read(root, diagnostics);
    return diagnostics.size();
  };
  EXPECT_EQ(mistakes(""), 0U);
  EXPECT_EQ(mistakes("k: 5\n"), 1U);  // 128 is no multiple
  EXPECT_EQ(mistakes("k: 6\ngroup: 252\nk_bits: 8\n"), 0U);
  EXPECT_EQ(mistakes("k_bits: 7\n"), 1U);
  EXPECT_EQ(mistakes("m: 16\nunit_rows: 5\n"), 1U);
  EXPECT_EQ(mistakes("unit_cols: 5\n"), 1U);
  EXPECT_EQ(mistakes("engine: mac\nprecompute: fused\n"), 1U);
  EXPECT_EQ(mistakes("engine: add\ntable: int8\n"), 1U);
  EXPECT_EQ(mistakes("engine: lut_negate\ntable: int8\n"), 1U);
  EXPECT_EQ(mistakes("engine: lut_full\nweight: bipolar\n"), 1U);
  EXPECT_EQ(mistakes("engine: lut_negate\nweight: bipolar\n"), 0U);
  EXPECT_EQ(mistakes("accumulator: tf32\n"), 1U);
  EXPECT_EQ(mistakes("accumulator: tf32\nactivation: fp16\nengine: mac\n"), 1U);
  EXPECT_EQ(mistakes("accumulator: tf32\nactivation: fp16\nengine: add\n"), 0U);
  EXPECT_EQ(mistakes("engine: lut_full\nprecompute: fused\n"), 0U);
}

}  // namespace
}  // namespace bitsmith::lut_tensor_core
