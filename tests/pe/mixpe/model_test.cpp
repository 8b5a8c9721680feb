// The cycle model by hand-worked cycles, against golden, and its contract with whoever drives it.
#include "pe/mixpe/model.h"

#include <gtest/gtest.h>

#include "pe/mixpe/design.h"
#include "support/mixpe_jobs.h"
#include "support/model_driver.h"

namespace bitsmith::mixpe {
namespace {

using test::DrivenJob;
using test::DriveResult;

Params small(std::uint32_t rows, std::uint32_t cols, const char* weight = "int4") {
  Params params;
  params.rows = rows;
  params.cols = cols;
  params.weight = find_format(weight);
  params.group = 16;
  params.k_bits = 10;
  return params;
}

// Finite activations around one and finite scales, so that every bit of a result counts.
DrivenJob finite_job(const Design& design, const Job& job, std::mt19937_64& random) {
  DrivenJob driven = test::random_driven_job(design, job, random);
  const auto around_one = [&](std::vector<std::uint16_t>& codes) {
    for (auto& code : codes) {
      const std::uint64_t field = random() % 16 == 0 ? random() % 31 : 10 + random() % 8;
      code = static_cast<std::uint16_t>((code & 0x83FF) | field << 10);
    }
  };
  if (sums_are_floating_point(design.params())) around_one(driven.a);
  // Low bits of a zero point stay as they are.
  if (results_are_floating_point(design.params())) around_one(driven.s);
  return driven;
}

DriveResult drive(const Params& params, const std::vector<Job>& jobs) {
  const Design design(params);
  std::mt19937_64 random(4);
  std::vector<DrivenJob> driven;
  for (const Job& job : jobs) driven.push_back(finite_job(design, job, random));
  Model model(params);
  return test::drive(model, design, driven, {}, test::MixpeTokens{params});
}

// 2x3: sixteen tokens in cycles 1..16; the first row leaves 3 + 5 steps after the last one and is
// at the port one cycle later, the second two steps after that.
TEST(MixpeModel, OneGroupByHand) {
  const DriveResult result = drive(small(2, 3), {{2, 3, 16, false, true}});
  EXPECT_EQ(result.jobs[0].start, 1U);
  EXPECT_EQ(result.jobs[0].operands_free, 16U);
  EXPECT_EQ(result.jobs[0].first_y, 16U + 8 + 1);
  EXPECT_EQ(result.jobs[0].last_y, 16U + 10 + 1);
  // A zero point and a register more take a step each.
  Params longer = small(2, 3, "uint4");
  longer.pipeline = 2;
  EXPECT_EQ(drive(longer, {{2, 3, 16, false, true}}).jobs[0].first_y, 16U + 10 + 1);
}

// 4x3, a row in every step: the fourth row is finished first, three steps before the first one,
// which leaves 3 + 5 + 3 steps after the last token.
TEST(MixpeModel, ARowInEveryStepByHand) {
  Params params = small(4, 3);
  params.row_interval = 1;
  const DriveResult result = drive(params, {{3, 3, 16, false, true}, {1, 3, 4, false, true}});
  EXPECT_EQ(result.jobs[0].operands_free, 16U);
  EXPECT_EQ(result.jobs[0].first_y, 16U + 11 + 1);
  EXPECT_EQ(result.jobs[0].last_y, 16U + 13 + 1);
  EXPECT_EQ(result.jobs[1].operands_free, 16U + 7);
  params.rows = 8;
  params.pipeline = 2;
  EXPECT_EQ(drive(params, {{3, 3, 16, false, true}, {1, 3, 4, false, true}}).jobs[1].operands_free,
            16U + 9);
}

// Jobs of four tokens: the last of the next one waits until twice the rows after its.
TEST(MixpeModel, AShortGroupWaitsBeforeItsLastToken) {
  const DriveResult result =
      drive(small(8, 2), {{8, 2, 4, false, true}, {1, 2, 4, false, true}, {1, 2, 4, false, true}});
  EXPECT_EQ(result.jobs[0].operands_free, 4U);
  EXPECT_EQ(result.jobs[1].start, 5U);
  EXPECT_EQ(result.jobs[1].operands_free, 20U);
  EXPECT_EQ(result.jobs[2].start, 21U);
  EXPECT_EQ(result.jobs[2].operands_free, 26U);
}

TEST(MixpeModel, DigitsTakeAStepEach) {
  Params params = small(2, 2, "int5");
  params.digit = Digit::two_bits;
  EXPECT_EQ(drive(params, {{2, 2, 16, false, true}}).jobs[0].operands_free, 48U);
  params.lanes = 4;
  EXPECT_EQ(drive(params, {{2, 2, 16, false, true}}).jobs[0].operands_free, 12U);
}

TEST(MixpeModel, ResultsEqualGoldenThroughAccumulatingJobs) {
  std::mt19937_64 random(5);
  std::size_t results = 0;
  for (int round = 0; round < 600; ++round) {
    const Params params = test::random_mixpe_params(random);
    const Design design(params);
    std::vector<DrivenJob> driven;
    for (const Job& job : test::random_mixpe_jobs(params, random)) {
      driven.push_back(finite_job(design, job, random));
    }
    Model model(params);
    const DriveResult seen = test::drive(model, design, driven, {}, test::MixpeTokens{params});
    for (std::size_t i = 0; i < driven.size(); ++i) {
      if (!driven[i].job.emit) continue;
      ASSERT_EQ(seen.jobs[i].y, test::golden_of_chain(design, driven, i))
          << design.resolved().dump() << " job " << i;
      results += seen.jobs[i].y.size();
    }
  }
  EXPECT_GT(results, 20000U);
}

// Sums that need more than 32 bits: the longest channel that a test can wait for.
TEST(MixpeModel, LongChannelsOfLargeNumbersAreExact) {
  for (const char* weight : {"uint8", "int8"}) {
    Params params = small(1, 9, weight);
    params.activation = find_format("int16");
    params.group = kChannel;
    params.k_bits = 14;
    params.lanes = 4;
    const Design design(params);
    const std::uint32_t k = (1U << 14) - 1;
    std::vector<DrivenJob> driven = {
        {{1, 9, k, false, true},
         std::vector<std::uint16_t>(k, 0x8001),
         std::vector<std::uint16_t>(k * 9, 0x81),
         std::vector<std::uint16_t>(design.scale_rows(k) * 9, 0x3C00)}};
    Model model(params);
    const DriveResult seen = test::drive(model, design, driven, {}, test::MixpeTokens{params});
    EXPECT_EQ(seen.jobs[0].y, test::golden_of_chain(design, driven, 0));
  }
}

// A chain is bit-identical to one job with its K put together.
TEST(MixpeModel, AccumulatingJobsAreOneLongJob) {
  Params params = small(3, 2, "uint4");
  params.activation = find_format("fp16");
  const Design design(params);
  std::mt19937_64 random(6);
  const DrivenJob whole = finite_job(design, {3, 2, 52, false, true}, random);
  std::vector<DrivenJob> parts;
  for (std::uint32_t begin : {0U, 32U}) {
    const std::uint32_t k = begin == 0 ? 32 : 20;
    DrivenJob part{{3, 2, k, begin != 0, begin != 0}, {}, {}, {}};
    for (std::size_t m = 0; m < 3; ++m) {
      const auto at = whole.a.begin() + static_cast<std::ptrdiff_t>(m * 52 + begin);
      part.a.insert(part.a.end(), at, at + k);
    }
    part.w.assign(whole.w.begin() + begin * 2, whole.w.begin() + (begin + k) * 2);
    const std::ptrdiff_t row = begin / 16 * 2;
    part.s.assign(whole.s.begin() + row * 2, whole.s.begin() + (row + 4) * 2);
    parts.push_back(part);
  }
  Model model(params), other(params);
  const test::MixpeTokens tokens{params};
  EXPECT_EQ(test::drive(model, design, {whole}, {}, tokens).jobs[0].y,
            test::drive(other, design, parts, {}, tokens).jobs[1].y);
}

TEST(MixpeModel, BeatsArePackedByPeAndLane) {
  Params params = small(2, 2, "uint4");
  params.lanes = 2;
  const Design design(params);
  const Job job{2, 2, 3, false, true};
  EXPECT_EQ(design.beats(job).a, 2U);
  EXPECT_EQ(design.beats(job).s, 1U);
  EXPECT_EQ(design.scale_rows(17), 4U);
  const std::vector<std::uint16_t> a = {1, 2, 3, 4, 5, 6};  // [2][3]
  const std::vector<std::uint16_t> w = {1, 2, 3, 4, 5, 6};  // [3][2]
  std::vector<std::uint32_t> words(1, 0xDEADBEEF);
  design.pack_a(job, {a.data(), 2, 3, 3}, 0, words);
  EXPECT_EQ(words[0], 0x05040201U);
  design.pack_a(job, {a.data(), 2, 3, 3}, 1, words);
  EXPECT_EQ(words[0], 0x00060003U);
  design.pack_w(job, {w.data(), 3, 2, 2}, 0, words);
  EXPECT_EQ(words[0], 0x4231U);
  design.pack_w(job, {w.data(), 3, 2, 2}, 1, words);
  EXPECT_EQ(words[0], 0x0605U);
  // Scales above zero points, of which four bits count.
  const std::vector<std::uint16_t> s = {0x3C00, 0xABCD, 0xFFF7, 0x0008};
  words.resize(2);
  design.pack_s(job, {s.data(), 2, 2, 2}, 0, words);
  EXPECT_EQ(words, (std::vector<std::uint32_t>{0xBCD73C00, 0x8A}));
}

TEST(MixpeModel, RefusesJobsThatBreakTheContract) {
  const Params params = small(2, 2);
  const Job whole{2, 2, 16, false, true}, open{2, 2, 16, false, false}, more{2, 2, 16, true, true};
  EXPECT_NO_THROW(drive(params, {open, more}));
  EXPECT_THROW(drive(params, {more}), InternalError);         // nothing to accumulate on
  EXPECT_THROW(drive(params, {whole, more}), InternalError);  // the sums have left
  EXPECT_THROW(drive(params, {open, {1, 2, 16, true, true}}), InternalError);
  EXPECT_THROW(drive(params, {{2, 2, 15, false, false}, more}), InternalError);  // within a group
  Params channel = params;
  channel.group = kChannel;
  channel.k_bits = 4;
  EXPECT_NO_THROW(drive(channel, {{2, 2, 15, false, true}}));
  EXPECT_THROW(drive(channel, {{2, 2, 15, false, false}, {2, 2, 1, true, true}}), InternalError);
}

TEST(MixpeModel, OutputsAreQuietInResetAndPayloadIsZeroWithoutValid) {
  Model model(small(2, 2));
  ArrayInputs in;
  in.rst_n = false;
  model.step(in);
  EXPECT_TRUE(model.outputs().job_ready && model.outputs().a_ready && model.outputs().w_ready &&
              model.outputs().s_ready);
  EXPECT_FALSE(model.outputs().y_valid);
  EXPECT_EQ(model.outputs().y[0], 0U);
}

TEST(MixpeParams, RulesAreReported) {
  const auto mistakes = [](const char* text) {
    Diagnostics diagnostics;
    const YamlNode root =
        yaml::parse(fmt::format("design: mixpe\n{}", text), "test.yaml", diagnostics);
    Design::read(root, diagnostics);
    return diagnostics.size();
  };
  EXPECT_EQ(mistakes(""), 0U);
  EXPECT_EQ(mistakes("lanes: 3\n"), 2U);  // the group is no multiple of it either
  EXPECT_EQ(mistakes("scale: int8\n"), 0U);
  EXPECT_EQ(mistakes("scale: int8\nactivation: int16\n"), 1U);
  EXPECT_EQ(mistakes("scale: int8\nactivation: fp16\n"), 1U);
  EXPECT_EQ(mistakes("digit: 1\nweight: fp3\n"), 1U);
  EXPECT_EQ(mistakes("digit: 2\nweight: int2\n"), 1U);
  EXPECT_EQ(mistakes("digit: 2\nweight: int3\n"), 0U);
  EXPECT_EQ(mistakes("digit: 3\n"), 1U);
  EXPECT_EQ(mistakes("group: 18\nlanes: 4\n"), 1U);
  EXPECT_EQ(mistakes("group: 8\n"), 1U);
  EXPECT_EQ(mistakes("group: chanel\n"), 1U);
  EXPECT_EQ(mistakes("k_bits: 7\n"), 1U);
  EXPECT_EQ(mistakes("k_bits: 8\n"), 0U);
  EXPECT_EQ(mistakes("group: channel\nlanes: 4\nk_bits: 24\n"), 0U);
  // 2^13 - 1 = 8191, the longest exact K of uint4.
  EXPECT_EQ(mistakes("group: channel\nscale: int8\nk_bits: 13\n"), 0U);
  EXPECT_EQ(mistakes("group: channel\nscale: int8\nk_bits: 14\n"), 1U);
}

TEST(MixpeParams, ChannelsAreNumbersInTheRtl) {
  Params params;
  params.group = kChannel;
  params.k_bits = 12;
  const Design design(params);
  EXPECT_EQ(design.resolved()["group"], "channel");
  EXPECT_EQ(design.tile_limits().k, 4095U);
  EXPECT_EQ(design.tile_limits().k_total, 4095U);
  const RtlParameters found = design.rtl().parameters;
  const auto value = [&](std::string_view name) {
    return std::find_if(found.begin(), found.end(), [&](auto& p) { return p.first == name; })
        ->second;
  };
  EXPECT_EQ(value("Group"), 4095);
  EXPECT_EQ(value("Digit"), 4);
  EXPECT_EQ(value("WeightKind"), 1);
  EXPECT_EQ(value("Activation"), 0);
  EXPECT_EQ(value("Scale"), 1);
}

TEST(MixpeParams, PeakCountsDigitsAndLanes) {
  Params params;
  EXPECT_EQ(Design(params).peak_macs_per_cycle(), 256U);
  params.lanes = 4;
  EXPECT_EQ(Design(params).peak_macs_per_cycle(), 1024U);
  params.digit = Digit::two_bits;
  EXPECT_EQ(Design(params).peak_macs_per_cycle(), 512U);
}

}  // namespace
}  // namespace bitsmith::mixpe
