// Quantized GEMMs of a forward pass: dequantized in FP32, and as a design computes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "common/process.h"
#include "inference/design_arithmetic.h"
#include "inference/perplexity.h"
#include "pe/registry.h"
#include "support/hand_made_llama.h"

namespace bitsmith {
namespace {

using testing::HasSubstr;

QuantizationConfig quantization(const std::string& activation, const std::string& weight,
                                const std::vector<const char*>& classes = {
                                    "linear", "attention_qk", "attention_pv", "lm_head"}) {
  std::string text = "name: test\n";
  if (classes.front() != std::string_view("linear")) text += "linear: {}\n";
  for (const char* word : classes) {
    text += fmt::format("{}: {{activation: {{{}}}, weight: {{{}}}}}\n", word, activation, weight);
  }
  Diagnostics diagnostics;
  const QuantizationConfig config = read_quantization(yaml::parse(text, "test.yaml"), diagnostics);
  diagnostics.throw_if_any();
  return config;
}

FloatMatrix random_matrix(std::size_t rows, std::size_t cols, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  FloatMatrix matrix(rows, cols);
  for (float& value : matrix.values) value = normal(generator);
  return matrix;
}

constexpr GemmSite kLinear{0, "q_proj", OperatorClass::linear, 0};

FloatMatrix product(const Arithmetic& arithmetic, const GemmSite& site, const FloatMatrix& a,
                    const FloatMatrix& w) {
  FloatMatrix y(a.rows, w.rows);
  arithmetic.multiply(site, a.view(), *arithmetic.prepare(site, w), y.out());
  return y;
}

double rms(const FloatMatrix& matrix) {
  double squares = 0;
  for (const double value : matrix.values) squares += value * value;
  return std::sqrt(squares / static_cast<double>(matrix.values.size()));
}

double largest_difference(const FloatMatrix& a, const FloatMatrix& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    largest = std::max(largest, std::fabs(double{a.values[i]} - double{b.values[i]}));
  }
  return largest;
}

// ---- a whole model

// All that is computed of the tokens 0 1 and 0 0, each a window, is exact in fp16: attention is
// even, its results are added to both features, and the gate is shut.
TEST(QuantizedPass, WhatLosesNothingGivesTheLossOfFp32) {
  HandMadeModel exact = two_feature_model();
  exact.tensors["model.layers.0.self_attn.q_proj.weight"].values = {0, 0, 0, 0};
  exact.tensors["model.layers.0.self_attn.o_proj.weight"].values = {0, 1, 0, 1};
  exact.tensors["model.layers.0.mlp.gate_proj.weight"].values = {0, 0};
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  exact.write(folder.path());
  const ImportedModel imported = import_model(folder.path());
  const Llama model(imported);
  const std::vector<std::uint32_t> tokens = {0, 1, 0, 0};
  const auto loss = [&](const Arithmetic& arithmetic) {
    return predict(model, tokens, cut_windows(4, 2), arithmetic, 2).nats;
  };
  const QuantizationConfig fp16 = quantization("format: fp16", "format: fp16");
  const double fp32 = loss(FloatArithmetic());
  // Both windows end behind token 0, whose logits are 2 and 1.
  EXPECT_NEAR(fp32, std::log(1 + std::exp(1)) + std::log(1 + std::exp(-1)), 1e-6);
  EXPECT_EQ(loss(QuantizedArithmetic(fp16)), fp32);
  // The gain goes into an activation of lm_head, where 1.0001 becomes 1.
  exact.tensors["model.norm.weight"].values = {2, 1.0001F};
  exact.write(folder.path());
  const ImportedModel finer = import_model(folder.path());
  const Llama of_finer(finer);
  EXPECT_EQ(predict(of_finer, tokens, cut_windows(4, 2), QuantizedArithmetic(fp16), 1).nats, fp32);
  EXPECT_NE(predict(of_finer, tokens, cut_windows(4, 2), FloatArithmetic(), 1).nats, fp32);
}

// ---- a GEMM

struct Case {
  const char* design;
  const char* activation;
  const char* weight;
  double tolerance;  // of a result's RMS
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.design << ", " << c.weight; }

class DesignGemm : public testing::TestWithParam<Case> {};

// Scales that are powers of two and sums below 2^24 leave nothing to round, whoever sums. Elsewhere
// FP32 rounds in another order, or the design's README allows more: bit_serial aligns a group's
// products to 15 bits.
TEST_P(DesignGemm, IsThatOfTheDequantizedValues) {
  const Case& c = GetParam();
  const QuantizationConfig config = quantization(c.activation, c.weight);
  const auto design = load_design(home_folder() / "configs/designs" / c.design, {});
  const FloatMatrix a = random_matrix(5, 320, 1);
  const FloatMatrix w = random_matrix(7, 320, 2);
  const DesignArithmetic on_design(config, *design);
  const FloatMatrix found = product(on_design, kLinear, a, w);
  EXPECT_EQ(on_design.coverage(), (std::map<std::string, std::string>{{"q_proj", ""}}));
  const FloatMatrix wanted = product(QuantizedArithmetic(config), kLinear, a, w);
  EXPECT_LE(largest_difference(found, wanted), c.tolerance * rms(wanted));
  EXPECT_GT(rms(wanted), 1);
}

constexpr const char* kInt8PowerOfTwo =
    "format: int8, method: absmax, granularity: channel, scale: e8m0";
constexpr const char* kInt8 = "format: int8, method: absmax, granularity: channel";
constexpr const char* kFp16 = "format: fp16";

INSTANTIATE_TEST_SUITE_P(
    All, DesignGemm,
    testing::Values(
        Case{"systolic/int8_4x4.yaml", kInt8PowerOfTwo, kInt8PowerOfTwo, 0},
        Case{"systolic/int8_4x4.yaml", kInt8, kInt8, 2e-6},
        Case{"systolic/fp16_16x16.yaml", kFp16, kFp16, 5e-6},
        Case{"bit_serial/int8_int4_4x8.yaml", kInt8,
             "format: int4, method: absmax, granularity: group, group: 64, scale: int8", 2e-6},
        Case{"bit_serial/fp4_4x4.yaml", kFp16,
             "format: fp4, method: bitmod, granularity: group, group: 16, scale: int8", 1e-2},
        Case{"bit_serial/ternary_4x4.yaml", kInt8PowerOfTwo,
             "format: ternary, method: absmean, granularity: tensor, scale: e8m0", 0},
        Case{"mixpe/int8_uint4_4x4.yaml", kInt8,
             "format: uint4, method: zero_point, granularity: group, group: 16, scale: fp16", 2e-6},
        Case{"lut_tensor_core/int8_int2_2x64x4_full.yaml", kInt8PowerOfTwo,
             "format: int2, method: absmax, granularity: channel, scale: e8m0", 0}),
    [](const testing::TestParamInfo<Case>& test) {
      std::string name = test.param.design;
      std::ranges::replace_if(
          name, [](char c) { return std::isalnum(c) == 0; }, '_');
      return fmt::format("{}_{}", name, test.index);
    });

TEST(DesignArithmetic, WhatDoesNotFitIsDequantizedAndNamed) {
  const auto design = load_design(home_folder() / "configs/designs/systolic/int8_4x4.yaml", {});
  const FloatMatrix a = random_matrix(3, 64, 1);
  const FloatMatrix w = random_matrix(4, 64, 2);
  const auto why_not = [&](const std::string& activation, const std::string& weight) {
    const QuantizationConfig config = quantization(activation, weight);
    const DesignArithmetic on_design(config, *design);
    const FloatMatrix found = product(on_design, kLinear, a, w);
    EXPECT_EQ(found.values, product(QuantizedArithmetic(config), kLinear, a, w).values);
    return on_design.coverage().at("q_proj");
  };
  EXPECT_EQ(why_not(kFp16, kInt8),
            "fp16 activations and int8 weights do not fit the design's int8 and int8 exactly");
  EXPECT_THAT(why_not(kInt8, "format: int8, method: absmax, granularity: group, group: 32"),
              HasSubstr("scales of groups along k cannot wait for the results"));
  EXPECT_THAT(why_not("format: int8, method: absmax, granularity: group, group: 32", kInt8),
              HasSubstr("do not belong to whole tokens"));
  EXPECT_THAT(why_not(kInt8, "format: uint4, method: zero_point, granularity: channel"),
              HasSubstr("the design subtracts no zero points"));
}

// ---- KV caches

// Where the recent tokens are cut off changes no value as long as all are stored alike.
TEST(RecentTokens, AreAPartOfTheirOwn) {
  const FloatMatrix queries = random_matrix(6, 16, 1);
  const FloatMatrix keys = random_matrix(6, 16, 2);
  const FloatMatrix values = random_matrix(16, 6, 3);
  const FloatMatrix probabilities = random_matrix(6, 6, 4);
  const GemmSite qk{0, "attention_qk", OperatorClass::attention_qk, 0};
  const GemmSite pv{0, "attention_pv", OperatorClass::attention_pv, 0};
  const auto both = [&](const std::string& weight) {
    const QuantizationConfig config = quantization(kFp16, weight, {"attention_qk", "attention_pv"});
    const QuantizedArithmetic arithmetic(config);
    return std::pair(product(arithmetic, qk, queries, keys),
                     product(arithmetic, pv, probabilities, values));
  };
  const auto whole = both("format: fp16");
  const auto cut = both("format: fp16, recent_tokens: 2");
  EXPECT_LE(largest_difference(whole.first, cut.first), 1e-6);
  EXPECT_LE(largest_difference(whole.second, cut.second), 1e-6);
  // Two bits for the older ones: the columns of the recent ones stay as they are.
  const std::string two_bits = "format: uint2, method: zero_point, granularity: channel";
  const FloatMatrix coarse = both(two_bits + ", recent_tokens: 2").first;
  for (std::size_t row = 0; row < 6; ++row) {
    for (std::size_t i = 4; i < 6; ++i) {
      EXPECT_NEAR(coarse.view()(row, i), whole.first.view()(row, i), 1e-6);
    }
  }
  EXPECT_GT(largest_difference(coarse, whole.first), 0.1);
  EXPECT_GT(largest_difference(both(two_bits).first, whole.first), 0.1);
  EXPECT_EQ(both(two_bits + ", stored_only: true").first.values, whole.first.values);
}

}  // namespace
}  // namespace bitsmith
