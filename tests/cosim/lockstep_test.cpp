// The checker checked: faults that a model and an RTL could share, or that one of them alone could
// have, must be found by lockstep itself.
#include "cosim/lockstep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "pe/systolic/design.h"

namespace bitsmith {
namespace {

using systolic::Model;
using testing::HasSubstr;

systolic::Params params() {
  systolic::Params result;
  result.rows = 3;
  result.cols = 2;
  return result;
}

// A model whose outputs a test may spoil after every step.
class Spoiled {
 public:
  using Spoil =
      std::function<void(std::uint64_t cycle, ArrayOutputs& out, std::vector<std::uint32_t>& y)>;
  explicit Spoiled(Spoil spoil) : model_(params()), spoil_(std::move(spoil)) { show(); }

  void step(const ArrayInputs& in) {
    model_.step(in);
    ++cycle_;
    show();
  }
  const ArrayOutputs& outputs() const { return outputs_; }

 private:
  void show() {
    outputs_ = model_.outputs();
    y_.assign(outputs_.y, outputs_.y + 2);
    spoil_(cycle_, outputs_, y_);
    outputs_.y = y_.data();
  }

  Model model_;
  Spoil spoil_;
  ArrayOutputs outputs_;
  std::vector<std::uint32_t> y_;
  std::uint64_t cycle_ = 0;
};

// Both sides have the same fault, so no port differs.
std::string found_when_shared(const Spoiled::Spoil& spoil, std::uint64_t cycles = 20000) {
  const systolic::Design design(params());
  Spoiled expected(spoil);
  Spoiled actual(spoil);
  const LockstepResult result = lockstep(design, expected, actual, {cycles, 3});
  return result.mismatch ? result.mismatch->what : result.passed() ? "passed" : "nothing compared";
}

TEST(Lockstep, PassesWhatIsRight) {
  EXPECT_EQ(found_when_shared([](auto, auto&, auto&) {}), "passed");
}

TEST(Lockstep, EveryPortIsCompared) {
  const systolic::Design design(params());
  const std::vector<std::pair<std::string, Spoiled::Spoil>> faults = {
      {"job_ready_o", [](auto c, auto& out, auto&) { out.job_ready ^= c == 500; }},
      {"a_ready_o", [](auto c, auto& out, auto&) { out.a_ready ^= c == 500; }},
      {"w_ready_o", [](auto c, auto& out, auto&) { out.w_ready ^= c == 500; }},
      {"y_valid_o", [](auto c, auto& out, auto&) { out.y_valid ^= c == 500; }},
      {"y_o", [](auto c, auto&, auto& y) { y[1] ^= c == 500 ? 0x80000000U : 0U; }}};
  for (const auto& [port, spoil] : faults) {
    Model expected(params());
    Spoiled actual(spoil);
    const LockstepResult result = lockstep(design, expected, actual, {2000, 3});
    ASSERT_TRUE(result.mismatch) << port;
    EXPECT_EQ(result.mismatch->cycle, 499U) << port;
    EXPECT_THAT(result.mismatch->what, HasSubstr(port + ":"));
    EXPECT_FALSE(result.passed());
  }
}

TEST(Lockstep, SharedWrongResultIsFoundByGolden) {
  EXPECT_THAT(found_when_shared(
                  [](auto c, auto& out, auto& y) { y[0] ^= out.y_valid && c > 300 ? 1U : 0U; }),
              HasSubstr("golden says"));
}

// Withdraws every result that was not taken at once.
class Withdrawing {
 public:
  Withdrawing() : model_(params()) {}
  void step(const ArrayInputs& in) {
    const bool held = outputs().y_valid && !in.y_ready;
    model_.step(in);
    withdrawn_ = held;
  }
  ArrayOutputs outputs() const {
    ArrayOutputs out = model_.outputs();
    if (!withdrawn_) return out;
    out.y_valid = false;
    out.y = zero_.data();
    return out;
  }

 private:
  Model model_;
  bool withdrawn_ = false;
  std::vector<std::uint32_t> zero_ = {0, 0};
};

TEST(Lockstep, SharedWithdrawalOfAResultIsFound) {
  const systolic::Design design(params());
  Withdrawing expected, actual;
  const LockstepResult result = lockstep(design, expected, actual, {20000, 3});
  ASSERT_TRUE(result.mismatch);
  EXPECT_THAT(result.mismatch->what, HasSubstr("y_valid_o fell before the beat was taken"));
}

TEST(Lockstep, SharedPayloadWithoutValidIsFound) {
  EXPECT_THAT(found_when_shared(
                  [](auto c, auto& out, auto& y) { y[0] |= !out.y_valid && c > 300 ? 1U : 0U; }),
              HasSubstr("y_o is not zero while y_valid_o is low"));
}

// Both stop taking anything after a while: equal on every port, and dead.
TEST(Lockstep, SharedDeadlockIsFound) {
  const auto die = [](auto c, ArrayOutputs& out, std::vector<std::uint32_t>& y) {
    if (c < 1000) return;
    out.job_ready = out.a_ready = out.w_ready = out.y_valid = false;
    y.assign(y.size(), 0);
  };
  const std::string found = found_when_shared(die);
  EXPECT_TRUE(found.find("no progress") != std::string::npos ||
              found.find("fell before") != std::string::npos)
      << found;
}

// Takes operands for ever and never answers.
class Silent {
 public:
  void step(const ArrayInputs&) {}
  ArrayOutputs outputs() const { return {true, true, true, false, false, zero_.data()}; }

 private:
  std::vector<std::uint32_t> zero_ = {0, 0};
};

TEST(Lockstep, SharedSilenceIsFound) {
  const systolic::Design design(params());
  Silent expected, actual;
  const LockstepResult result = lockstep(design, expected, actual, {20000, 3});
  ASSERT_TRUE(result.mismatch);
  EXPECT_THAT(result.mismatch->what, HasSubstr("results are missing"));
}

TEST(Lockstep, StepsOnAfterAMismatchForTheWaveform) {
  const systolic::Design design(params());
  Model expected(params());
  std::uint64_t last_cycle = 0;
  Spoiled actual([&](auto c, auto& out, auto&) {
    last_cycle = c;
    out.a_ready ^= c == 500;
  });
  LockstepOptions options{2000, 3, 7};
  const LockstepResult result = lockstep(design, expected, actual, options);
  EXPECT_EQ(result.cycles_compared, 500U);
  EXPECT_EQ(last_cycle, 507U);
}

TEST(Stimulus, SameSeedSameStream) {
  const systolic::Design design(params());
  Model a(params()), b(params());
  Stimulus first(design, 11), second(design, 11), other(design, 12);
  bool differs = false;
  for (int cycle = 0; cycle < 2000; ++cycle) {
    const ArrayInputs x = first.next_inputs();
    const ArrayInputs y = second.next_inputs();
    const ArrayInputs z = other.next_inputs();
    ASSERT_TRUE(x.rst_n == y.rst_n && x.en == y.en && x.job_valid == y.job_valid &&
                x.a_valid == y.a_valid && x.w_valid == y.w_valid && x.y_ready == y.y_ready &&
                *x.job == *y.job && *x.a == *y.a && *x.w == *y.w);
    differs = differs || *x.a != *z.a;
    const ArrayOutputs before_a = a.outputs(), before_b = b.outputs();
    const std::vector<std::uint32_t> y_a(before_a.y, before_a.y + 2);
    ASSERT_EQ(first.observe(before_a), second.observe(before_b));
    a.step(x);
    b.step(y);
  }
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace bitsmith
