// Recorded traces: every operator of every layer and head, with what the model computed with.
#include "inference/recorded_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/process.h"
#include "inference/quantized_arithmetic.h"
#include "support/hand_made_llama.h"

namespace bitsmith {
namespace {

using testing::ElementsAre;

class RecordedTrace : public testing::Test {
 protected:
  static QuantizationConfig quantization(const std::string& text) {
    Diagnostics diagnostics;
    const QuantizationConfig config =
        read_quantization(yaml::parse("name: test\n" + text, "test.yaml"), diagnostics);
    diagnostics.throw_if_any();
    return config;
  }
  Trace record(const QuantizationConfig& config) const {
    const auto file = folder_.path() / "t";
    record_trace(model_, tokens_, "the text", config, file);
    return Trace(file);
  }
  static std::vector<std::string> gemms(const Trace& trace, const std::string& prefix) {
    std::vector<std::string> names;
    for (const Operator& op : trace.workload().operators) {
      if (op.is_gemm() && op.name.starts_with(prefix))
        names.push_back(op.name.substr(prefix.size()));
    }
    return names;
  }
  static std::size_t number_of(const Trace& trace, const std::string& name) {
    const auto& operators = trace.workload().operators;
    const auto found = std::ranges::find(operators, name, &Operator::name);
    check(found != operators.end(), "no such operator");
    return static_cast<std::size_t>(found - operators.begin());
  }
  // Values of an operand in a plain format.
  static FloatMatrix values(const Trace& trace, const std::string& name, OperandRole role) {
    const std::size_t op = number_of(trace, name);
    const GemmShape gemm = trace.workload().operators[op].gemm;
    FloatMatrix result(role == OperandRole::activation ? gemm.m : gemm.n, gemm.k);
    std::vector<std::uint16_t> codes(gemm.k);
    for (std::size_t row = 0; row < result.rows; ++row) {
      trace.read(op, role, row, 0, codes);
      for (std::size_t i = 0; i < gemm.k; ++i) {
        result.out()(row, i) = static_cast<float>(decode(trace.format(op, role), codes[i]));
      }
    }
    return result;
  }

  TemporaryFolder folder_{std::filesystem::temp_directory_path()};
  const std::vector<std::uint32_t> tokens_ = {'B', 'i', 't', 's', 'm'};
  const ImportedModel imported_ = [this] {
    random_byte_model().write(folder_.path());
    return import_model(folder_.path());
  }();
  const Llama model_{imported_};
};

TEST_F(RecordedTrace, EveryOperatorOfEveryLayerAndHead) {
  const Trace trace = record(quantization("linear: {}"));
  const std::vector<std::string> layer = {"q_proj",
                                          "k_proj",
                                          "v_proj",
                                          "head.0.attention_qk",
                                          "head.1.attention_qk",
                                          "head.0.attention_pv",
                                          "head.1.attention_pv",
                                          "o_proj",
                                          "gate_proj",
                                          "up_proj",
                                          "down_proj"};
  EXPECT_EQ(gemms(trace, "layer.0."), layer);
  EXPECT_EQ(gemms(trace, "layer.1."), layer);
  EXPECT_EQ(gemms(trace, "").size(), 2 * layer.size() + 1);
  std::uint64_t macs = 0;
  for (const Operator& op : trace.workload().operators) {
    EXPECT_EQ(op.count, 1U);
    EXPECT_EQ(op.repeat, 1U);
    macs += op.is_gemm() ? op.gemm.m * op.gemm.n * op.gemm.k : 0;
  }
  // The same work as the model's own prefill, vector operators included.
  PhaseOptions phase;
  phase.sequence = 5;
  std::uint64_t wanted = 0, wanted_elements = 0, elements = 0;
  for (const Operator& op : transformer_workload(model_.shape(), phase).operators) {
    wanted += op.is_gemm() ? op.gemm.m * op.gemm.n * op.gemm.k * op.count * op.repeat : 0;
    wanted_elements += op.elements * op.repeat;
  }
  for (const Operator& op : trace.workload().operators) elements += op.elements;
  EXPECT_EQ(macs, wanted);
  EXPECT_EQ(elements, wanted_elements);
  const SafetensorsFile file(folder_.path() / "t");
  EXPECT_EQ(file.metadata().at("operands"), "recorded");
  EXPECT_EQ(file.metadata().at("text"), "the text");
}

// What one operator makes is what the next one gets: of the last operator the logits.
TEST_F(RecordedTrace, OperandsAreThoseOfThePass) {
  const QuantizationConfig fp16 = quantization("linear: {}");
  const Trace trace = record(fp16);
  const FloatMatrix a = values(trace, "lm_head", OperandRole::activation);
  const FloatMatrix w = values(trace, "lm_head", OperandRole::weight);
  const QuantizedArithmetic arithmetic(fp16);
  FloatMatrix hidden = model_.embed(tokens_);
  const Window window{0, tokens_.size()};
  model_.run_layer(0, {&window, 1}, arithmetic, 1, hidden);
  model_.run_layer(1, {&window, 1}, arithmetic, 1, hidden);
  const FloatMatrix logits = model_.head(arithmetic).logits(hidden.part(4, 1), arithmetic);
  ASSERT_EQ(a.rows, 1U);
  ASSERT_EQ(w.rows, 256U);
  for (std::size_t token = 0; token < 256; ++token) {
    double sum = 0;
    for (std::size_t i = 0; i < a.cols; ++i) sum += double{a.view()(0, i)} * w.view()(token, i);
    EXPECT_NEAR(sum, logits.view()(0, token), 1e-5);
  }
  // Probabilities: of every token over those up to it.
  const FloatMatrix p = values(trace, "layer.1.head.1.attention_pv", OperandRole::activation);
  ASSERT_EQ(p.rows, 10U);
  for (std::size_t row = 0; row < p.rows; ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      sum += p.view()(row, i);
      EXPECT_EQ(p.view()(row, i) > 0, i <= row % 5);
    }
    EXPECT_NEAR(sum, 1, 1e-3);
  }
}

TEST_F(RecordedTrace, RecentTokensAreOperatorsOfTheirOwn) {
  const Trace trace = record(
      quantization("linear: {}\nattention_qk: {weight: {format: uint2, method: zero_point, "
                   "granularity: channel, "
                   "recent_tokens: 2}}\nattention_pv: {weight: {format: fp16, recent_tokens: 2}}"));
  EXPECT_THAT(gemms(trace, "layer.1.head.1."), ElementsAre("attention_qk", "attention_qk_recent",
                                                           "attention_pv", "attention_pv_recent"));
  EXPECT_EQ(gemms(trace, "layer.0.head.").front(), "0.attention_qk");
  const std::size_t recent = number_of(trace, "layer.1.head.1.attention_qk_recent");
  EXPECT_EQ(trace.workload().operators[recent].gemm, (GemmShape{10, 2, 2}));
  EXPECT_EQ(trace.format(recent, OperandRole::weight).name, "fp16");
}

}  // namespace
}  // namespace bitsmith
