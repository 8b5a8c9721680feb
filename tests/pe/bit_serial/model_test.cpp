// The cycle model by hand-worked cycles, against golden, and its contract with whoever drives it.
#include "pe/bit_serial/model.h"

#include <gtest/gtest.h>

#include "pe/bit_serial/design.h"
#include "support/bit_serial_jobs.h"
#include "support/model_driver.h"

namespace bitsmith::bit_serial {
namespace {

using test::DrivenJob;
using test::DriveResult;

Params small(std::uint32_t rows, std::uint32_t cols, std::uint32_t group) {
  Params params;
  params.rows = rows;
  params.cols = cols;
  params.group = group;
  return params;
}

// Finite activations around one, so that every bit of a result counts.
DrivenJob finite_job(const Design& design, const Job& job, std::mt19937_64& random) {
  DrivenJob driven = test::random_driven_job(design, job, random);
  if (!is_floating_point(design.params())) return driven;
  for (auto& code : driven.a) {
    const std::uint64_t field = random() % 16 == 0 ? random() % 31 : 10 + random() % 8;
    code = static_cast<std::uint16_t>((code & 0x83FF) | field << 10);
  }
  return driven;
}

DriveResult drive(const Params& params, const std::vector<Job>& jobs) {
  const Design design(params);
  std::mt19937_64 random(3);
  std::vector<DrivenJob> driven;
  for (const Job& job : jobs) driven.push_back(finite_job(design, job, random));
  Model model(params);
  return test::drive(model, design, driven, {}, test::BitSerialTokens{params});
}

// 2x2, fp4: four weights in two steps, a group of 16 in eight: cycles 1..8. The first row leaves 14
// steps after the last token and is at the port one cycle later.
TEST(BitSerialModel, OneGroupByHand) {
  const DriveResult result = drive(small(2, 2, 16), {{2, 2, 16, false, true}});
  EXPECT_EQ(result.jobs[0].start, 1U);
  EXPECT_EQ(result.jobs[0].operands_free, 8U);
  EXPECT_EQ(result.jobs[0].first_y, 8U + 14 + 1);
  EXPECT_EQ(result.jobs[0].last_y, 8U + 15 + 1);
}

// A group of 8 takes four steps; the last token of the next one waits until eight steps after its.
TEST(BitSerialModel, AShortGroupWaitsBeforeItsLastToken) {
  const DriveResult result =
      drive(small(2, 2, 8), {{2, 2, 8, false, true}, {2, 2, 8, false, true}});
  EXPECT_EQ(result.jobs[0].operands_free, 4U);
  EXPECT_EQ(result.jobs[1].start, 5U);
  EXPECT_EQ(result.jobs[1].operands_free, 12U);
}

TEST(BitSerialModel, ResultsEqualGoldenThroughAccumulatingJobs) {
  std::mt19937_64 random(5);
  std::size_t results = 0;
  for (int round = 0; round < 600; ++round) {
    const Params params = test::random_bit_serial_params(random);
    const Design design(params);
    std::vector<DrivenJob> driven;
    for (const Job& job : test::random_bit_serial_jobs(params, random)) {
      driven.push_back(finite_job(design, job, random));
    }
    Model model(params);
    const DriveResult seen = test::drive(model, design, driven, {}, test::BitSerialTokens{params});
    for (std::size_t i = 0; i < driven.size(); ++i) {
      if (!driven[i].job.emit) continue;
      ASSERT_EQ(seen.jobs[i].y, test::golden_of_chain(design, driven, i))
          << design.resolved().dump() << " job " << i;
      results += seen.jobs[i].y.size();
    }
  }
  EXPECT_GT(results, 20000U);
}

// A chain is bit-identical to one job with its K put together.
TEST(BitSerialModel, AccumulatingJobsAreOneLongJob) {
  const Params params = small(3, 2, 16);
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
    const std::ptrdiff_t row = begin / 16;
    part.s.assign(whole.s.begin() + row * 2, whole.s.begin() + (row + 2) * 2);
    parts.push_back(part);
  }
  Model model(params), other(params);
  const test::BitSerialTokens tokens{params};
  EXPECT_EQ(test::drive(model, design, {whole}, {}, tokens).jobs[0].y,
            test::drive(other, design, parts, {}, tokens).jobs[1].y);
}

TEST(BitSerialModel, BeatsArePackedByPeAndLane) {
  Params params = small(2, 2, 8);
  params.lanes = 2;
  const Design design(params);
  const Job job{2, 2, 3, false, true};
  EXPECT_EQ(design.beats(job).a, 2U);
  EXPECT_EQ(design.beats(job).s, 1U);
  const std::vector<std::uint16_t> a = {1, 2, 3, 4, 5, 6};  // [2][3]
  const std::vector<std::uint16_t> w = {1, 2, 3, 4, 5, 6};  // [3][2]
  const std::vector<std::uint16_t> s = {0x3AB, 0x0CD};
  std::vector<std::uint32_t> words(2, 0xDEADBEEF);
  design.pack_a(job, {a.data(), 2, 3, 3}, 0, words);
  EXPECT_EQ(words, (std::vector<std::uint32_t>{0x00020001, 0x00050004}));
  design.pack_a(job, {a.data(), 2, 3, 3}, 1, words);
  EXPECT_EQ(words, (std::vector<std::uint32_t>{0x00000003, 0x00000006}));
  words.resize(1);
  design.pack_w(job, {w.data(), 3, 2, 2}, 0, words);
  EXPECT_EQ(words[0], 0x4231U);
  design.pack_w(job, {w.data(), 3, 2, 2}, 1, words);
  EXPECT_EQ(words[0], 0x0605U);
  design.pack_s(job, {s.data(), 1, 2, 2}, 0, words);
  EXPECT_EQ(words[0], 0x0CDU << 10 | 0x3ABU);
}

TEST(BitSerialModel, RefusesJobsThatBreakTheContract) {
  const Params params = small(2, 2, 8);
  const Job whole{2, 2, 8, false, true}, open{2, 2, 8, false, false}, more{2, 2, 8, true, true};
  EXPECT_NO_THROW(drive(params, {open, more}));
  EXPECT_THROW(drive(params, {more}), InternalError);         // nothing to accumulate on
  EXPECT_THROW(drive(params, {whole, more}), InternalError);  // the sums have left
  EXPECT_THROW(drive(params, {open, {1, 2, 8, true, true}}), InternalError);
  EXPECT_THROW(drive(params, {{2, 2, 7, false, false}, more}), InternalError);  // within a group
}

TEST(BitSerialModel, OutputsAreQuietInResetAndPayloadIsZeroWithoutValid) {
  Model model(small(2, 2, 8));
  ArrayInputs in;
  in.rst_n = false;
  model.step(in);
  EXPECT_TRUE(model.outputs().job_ready && model.outputs().a_ready && model.outputs().w_ready &&
              model.outputs().s_ready);
  EXPECT_FALSE(model.outputs().y_valid);
  EXPECT_EQ(model.outputs().y[0], 0U);
}

TEST(BitSerialParams, RulesAreReported) {
  const auto mistakes = [](std::uint32_t lanes, std::uint32_t group, std::uint32_t k_bits) {
    const std::string text =
        fmt::format("design: bit_serial\nlanes: {}\ngroup: {}\nk_bits: {}\n", lanes, group, k_bits);
    Diagnostics diagnostics;
    const YamlNode root = yaml::parse(text, "test.yaml", diagnostics);
    Design::read(root, diagnostics);
    return diagnostics.size();
  };
  EXPECT_EQ(mistakes(4, 128, 16), 0U);
  EXPECT_EQ(mistakes(3, 129, 16), 1U);
  EXPECT_EQ(mistakes(8, 12, 16), 1U);
  EXPECT_EQ(mistakes(4, 128, 7), 1U);
  EXPECT_EQ(mistakes(4, 128, 8), 0U);
}

}  // namespace
}  // namespace bitsmith::bit_serial
