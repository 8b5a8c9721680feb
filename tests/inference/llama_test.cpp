// The forward pass against a model worked out by hand and against what PyTorch computed.
#include "inference/llama.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/parallel.h"
#include "common/process.h"
#include "inference/perplexity.h"
#include "support/hand_made_llama.h"
#include "support/safetensors_bytes.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// ---- by hand

class TinyLlama : public testing::Test {
 protected:
  ImportedModel written() const {
    model_.write(folder_.path());
    return import_model(folder_.path());
  }
  std::string refusal() const {
    return user_error([&] {
      const ImportedModel model = written();
      const Llama llama(model);
    });
  }

  HandMadeModel model_ = two_feature_model();

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

// The definition, for this model alone.
std::array<double, 2> logits_by_hand(const std::vector<double>& second, std::size_t t) {
  double weights = 0, attended = 0;
  for (std::size_t s = 0; s <= t; ++s) {
    const double weight =
        std::exp(std::cos(static_cast<double>(t) - static_cast<double>(s)) / std::sqrt(2.0));
    weights += weight;
    attended += weight * second[s];
  }
  std::array<double, 2> x = {1, second[t] + attended / weights};
  const double after_attention = std::sqrt((x[0] * x[0] + x[1] * x[1]) / 2);
  const double gate = x[0] / after_attention;
  const double up = x[1] / after_attention;
  x[0] += gate / (1 + std::exp(-gate)) * up;
  const double at_end = std::sqrt((x[0] * x[0] + x[1] * x[1]) / 2);
  return {2 * x[0] / at_end, x[1] / at_end};
}

TEST_F(TinyLlama, LossByHand) {
  const ImportedModel model = written();
  const Llama llama(model);
  const std::vector<std::uint32_t> tokens = {0, 1, 1, 0, 1};
  const std::vector<double> second = {1, -1, -1, 1, -1};
  double nats = 0;
  for (std::size_t t = 0; t + 1 < tokens.size(); ++t) {
    const auto logits = logits_by_hand(second, t);
    nats -= std::log(std::exp(logits[tokens[t + 1]]) / (std::exp(logits[0]) + std::exp(logits[1])));
  }
  const FloatArithmetic fp32;
  const PredictionLoss loss = predict(llama, tokens, cut_windows(5, 16), fp32, 1);
  EXPECT_EQ(loss.predicted, 4U);
  EXPECT_NEAR(loss.nats, nats, 1e-5);
  EXPECT_NEAR(loss.perplexity(), std::exp(nats / 4), 1e-5);
  EXPECT_NEAR(loss.bits_per_byte(), nats / 4 / std::log(2.0), 1e-5);
}

// A window knows nothing of those before it, and the number of threads is nowhere to be seen.
TEST_F(TinyLlama, WindowsAreAlone) {
  const ImportedModel model = written();
  const Llama llama(model);
  const FloatArithmetic fp32;
  const std::vector<std::uint32_t> tokens = {0, 1, 1, 0, 1, 1, 0, 0};
  const auto loss = [&](std::span<const std::uint32_t> of, unsigned threads) {
    return predict(llama, of, cut_windows(of.size(), 3), fp32, threads).nats;
  };
  const std::span all(tokens);
  const double together = loss(all, 1);
  EXPECT_EQ(together, loss(all.first(3), 1) + loss(all.subspan(3, 3), 1) + loss(all.last(2), 1));
  EXPECT_NE(together, predict(llama, tokens, cut_windows(8, 8), fp32, 1).nats);
  for (const unsigned threads : {2U, 3U, 7U}) EXPECT_EQ(loss(all, threads), together);
}

TEST_F(TinyLlama, ATiedHeadIsTheEmbedding) {
  model_.tensors["lm_head.weight"] = model_.tensors["model.embed_tokens.weight"];
  const FloatArithmetic fp32;
  const std::vector<std::uint32_t> tokens = {0, 1, 1};
  const auto loss = [&] {
    const ImportedModel model = written();
    return predict(Llama(model), tokens, cut_windows(3, 3), fp32, 1).nats;
  };
  const double own = loss();
  model_.tensors.erase("lm_head.weight");
  model_.config["tie_word_embeddings"] = true;
  EXPECT_EQ(loss(), own);
}

TEST_F(TinyLlama, WhatThePassDoesNotDoIsRefused) {
  EXPECT_EQ(refusal(), "no error");
  model_.config["hidden_act"] = "gelu";
  EXPECT_THAT(refusal(), HasSubstr("activation 'gelu'; silu works"));
  model_ = two_feature_model();
  model_.config["attention_bias"] = true;
  EXPECT_THAT(refusal(), HasSubstr("biases are not added"));
  model_ = two_feature_model();
  model_.config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 2.0}};
  EXPECT_THAT(refusal(), HasSubstr("'rope_scaling'"));
  model_ = two_feature_model();
  model_.config["rope_theta"] = 0.0;
  EXPECT_THAT(refusal(), HasSubstr("rotations of base 0"));
  model_ = two_feature_model();
  model_.config["model_type"] = "mixtral";
  EXPECT_THAT(refusal(), HasSubstr("a model of type 'mixtral'; llama and mistral work"));
  model_ = two_feature_model();
  model_.tensors["model.norm.weight"] = {{3}, {1, 1, 1}};
  model_.tensors["lm_head.weight"] = {{2, 1}, {1, 1}};
  const std::string shapes = refusal();
  EXPECT_THAT(shapes, HasSubstr("'model.norm.weight' is [3], expected [2]"));
  EXPECT_THAT(shapes, HasSubstr("'lm_head.weight' is [2, 1], expected [2, 2]"));
  model_ = two_feature_model();
  model_.tensors.erase("model.layers.0.mlp.up_proj.weight");
  EXPECT_THAT(refusal(), HasSubstr("model.layers.0.mlp.up_proj.weight"));
}

// Not printed as results: NaN, and losses whose exp is infinite.
TEST_F(TinyLlama, APerplexityThatIsNoNumberIsRefused) {
  const std::vector<std::uint32_t> tokens = {0, 1, 1, 0};
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), 1e20F}) {
    model_.tensors["model.norm.weight"].values = {wrong, wrong};
    const ImportedModel model = written();
    const Llama llama(model);
    EXPECT_THAT(
        user_error([&] { predict(llama, tokens, cut_windows(4, 4), FloatArithmetic(), 1); }),
        HasSubstr(std::isnan(wrong) ? "the perplexity is nan" : "the perplexity is inf"));
  }
}

TEST_F(TinyLlama, ATokenBeyondTheVocabularyIsRefused) {
  const ImportedModel model = written();
  const Llama llama(model);
  const std::vector<std::uint32_t> tokens = {1, 2};
  EXPECT_THAT(user_error([&] { llama.embed(tokens); }),
              HasSubstr("token 1 is 2; the vocabulary of"));
}

TEST_F(TinyLlama, ASlidingWindowLimits) {
  EXPECT_EQ(Llama(written()).longest_window(), 0U);
  model_.config["model_type"] = "mistral";
  model_.config["sliding_window"] = 7;
  EXPECT_EQ(Llama(written()).longest_window(), 7U);
}

// ---- by PyTorch

class ShippedLlama : public testing::Test {
 protected:
  // Rows of `found` against the tensor's from its `first` number on. Both sum in FP32, each in an
  // order of its own: an error of a few units in the last place (6e-8) of the largest addends, per
  // layer and sum. 1e-5 of a row's RMS leaves room for that, not for another formula: an epsilon of
  // 1e-6 instead of 1e-5 shows.
  void expect_equal(FloatView found, const std::string& name, std::size_t first = 0) const {
    constexpr double kTolerance = 1e-5;
    const auto bytes = reference_.data(name);
    for (std::size_t row = 0; row < found.rows; ++row) {
      std::vector<float> wanted(found.cols);
      ASSERT_LE((first + (row + 1) * found.cols) * sizeof(float), bytes.size());
      std::memcpy(wanted.data(), bytes.data() + (first + row * found.cols) * sizeof(float),
                  found.cols * sizeof(float));
      double squares = 0;
      for (const double value : wanted) squares += value * value;
      const double rms = std::sqrt(squares / static_cast<double>(found.cols));
      for (std::size_t i = 0; i < found.cols; ++i) {
        ASSERT_NEAR(found(row, i), wanted[i], kTolerance * rms)
            << name << " row " << row << " column " << i;
      }
    }
  }

  const fs::path folder_ = home_folder() / "workloads/trained/bytes-llama";
  const SafetensorsFile reference_{folder_ / "reference.safetensors"};
  const ImportedModel model_ = import_model(folder_);
  const Llama llama_{model_};
  const FloatArithmetic fp32_;
};

TEST_F(ShippedLlama, HiddenStatesAndLogitsAreThoseOfPyTorch) {
  const std::vector<std::uint64_t> shape = reference_.info("tokens").shape;
  ASSERT_EQ(shape.size(), 2U);
  std::vector<std::uint32_t> tokens;
  for (const std::byte token : reference_.data("tokens")) {
    tokens.push_back(std::to_integer<std::uint32_t>(token));
  }
  const std::size_t size = shape[1];
  const std::vector<Window> windows = cut_windows(tokens.size(), size);
  FloatMatrix hidden = llama_.embed(tokens);
  expect_equal(hidden.part(0, size), "hidden.embed");
  for (std::size_t layer = 0; layer < llama_.shape().num_hidden_layers; ++layer) {
    llama_.run_layer(layer, windows, fp32_, 2, hidden);
    expect_equal(hidden.part(0, size), fmt::format("hidden.{}", layer));
  }
  const Llama::Head head = llama_.head(fp32_);
  expect_equal(head.normed(hidden.part(0, size)).view(), "hidden.norm");
  expect_equal(head.logits(hidden.view(), fp32_).view(), "logits");
}

// Its mean loss over the held-out text, seven digits after the point: a rounding of 5e-8, and the
// errors of FP32 above, which are random and cancel over 22,967 tokens.
TEST_F(ShippedLlama, PerplexityIsThatOfPyTorch) {
  const auto& measured = reference_.metadata();
  const std::vector<std::uint32_t> tokens = read_bytes(folder_ / "held_out.txt", UINT64_MAX);
  const PredictionLoss loss =
      predict(llama_, tokens, cut_windows(tokens.size(), 256), fp32_, processors());
  EXPECT_EQ(std::to_string(loss.predicted), measured.at("predicted_tokens"));
  EXPECT_GE(loss.predicted, 10000U);
  EXPECT_NEAR(loss.nats / static_cast<double>(loss.predicted),
              std::stod(measured.at("mean_negative_log_likelihood")), 1e-6);
  EXPECT_NEAR(loss.perplexity(), std::stod(measured.at("perplexity")), 5e-6);
}

}  // namespace
}  // namespace bitsmith
