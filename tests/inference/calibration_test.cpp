// What calibration finds in the trained model, and what the methods do to its perplexity.
#include "inference/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/error.h"
#include "common/file.h"
#include "common/parallel.h"
#include "inference/perplexity.h"
#include "inference/quantized_arithmetic.h"

namespace bitsmith {
namespace {

using testing::HasSubstr;

QuantizationConfig shipped(const std::string& name) {
  return load_quantization(home_folder() / "configs/quant" / (name + ".yaml"));
}

// Read and calibrated once: 1024 bytes of the README; 1024 held-out bytes are predicted.
struct Trained {
  ImportedModel imported = import_model(home_folder() / "workloads/trained/bytes-llama");
  Llama model{imported};
  std::vector<std::uint32_t> text = read_bytes(home_folder() / "README.md", 1024);
  Calibration calibration{model, text, cut_windows(text.size(), 256), true};
  std::vector<std::uint32_t> held_out =
      read_bytes(home_folder() / "workloads/trained/bytes-llama/held_out.txt", 1024);

  double perplexity(const Llama& llama, const Arithmetic& arithmetic) const {
    const auto windows = cut_windows(held_out.size(), 256);
    return predict(llama, held_out, windows, arithmetic, processors()).perplexity();
  }
  double perplexity(const QuantizationConfig& config) const {
    const PlacedSplits splits = find_splits(imported, calibration, config);
    return perplexity(model, QuantizedArithmetic(config, splits));
  }
};

const Trained& trained() {
  static const Trained result;
  return result;
}

CalibratedMethod& method_of(QuantizationConfig& config) { return config.methods.front(); }

// Operators that read the same activations have the same statistics, of all 1024 tokens.
TEST(Calibration, SeesEveryLinear) {
  const Calibration& calibration = trained().calibration;
  const InputStatistics& q = calibration.inputs({2, "q_proj"});
  EXPECT_EQ(q.rows, 1024U);
  EXPECT_EQ(q.channels(), 256U);
  EXPECT_EQ(&calibration.inputs({2, "v_proj"}), &q);
  EXPECT_NE(&calibration.inputs({3, "v_proj"}), &q);
  EXPECT_NE(&calibration.inputs({2, "up_proj"}), &q);
  EXPECT_EQ(calibration.inputs({0, "down_proj"}).channels(), 512U);
  EXPECT_EQ(calibration.inputs({0, "lm_head"}).rows, 1024U);
  // A norm's activations have about the mean square of its gain.
  EXPECT_GT(q.gram[0], 0);
  EXPECT_THROW(calibration.inputs({9, "q_proj"}), InternalError);
}

// Threshold out of reach: plain INT8. Threshold 0: everything in fp16.
TEST(Splits, OutliersBetweenNoneAndAll) {
  QuantizationConfig config = shipped("llm_int8");
  QuantizationConfig plain = config;
  method_of(plain) = {};
  const double int8 = trained().perplexity(plain);
  method_of(config).threshold = 1e9;
  EXPECT_DOUBLE_EQ(trained().perplexity(config), int8);
  method_of(config).threshold = 0;
  const double fp16 = trained().perplexity(shipped("fp16"));
  EXPECT_NEAR(trained().perplexity(config), fp16, 1e-5 * fp16);
}

// Nobody salient: W4A8. All salient: W8A8 in the same groups.
TEST(Splits, SalientFeaturesBetweenNoneAndAll) {
  QuantizationConfig config = shipped("mixllm_w4.4a8");
  QuantizationConfig w4 = config, w8 = config;
  w8.classes.front() = method_of(config).apart;
  method_of(w4) = method_of(w8) = {};
  method_of(config).fraction = 0;
  EXPECT_DOUBLE_EQ(trained().perplexity(config), trained().perplexity(w4));
  method_of(config).fraction = 1;
  EXPECT_NEAR(trained().perplexity(config), trained().perplexity(w8), 1e-5);
}

// All blocks of 8 bits, and none: with one scale per token and output, whose order does not matter,
// these are W4A8 and W4A4.
TEST(Splits, BlocksBetweenNoneAndAll) {
  QuantizationConfig config = shipped("comet_w4a4a8");
  CalibratedMethod& method = method_of(config);
  GemmQuantization& gemm = config.classes.front();
  gemm.activation.granularity = gemm.weight.granularity = Granularity::channel;
  method.apart.activation.granularity = method.apart.weight.granularity = Granularity::channel;
  QuantizationConfig a4 = config, a8 = config;
  a8.classes.front() = method.apart;
  method_of(a4) = method_of(a8) = {};
  method.ratio = 1e9;
  const double fewest = trained().perplexity(a4);
  const double most = trained().perplexity(a8);
  EXPECT_NEAR(trained().perplexity(config), fewest, 1e-3 * fewest);
  method.ratio = 0;
  EXPECT_NEAR(trained().perplexity(config), most, 1e-4 * most);
}

TEST(Splits, AreAskedFor) {
  const QuantizationConfig config = shipped("llm_int8");
  const QuantizedArithmetic arithmetic(config);
  try {
    trained().perplexity(trained().model, arithmetic);
    FAIL() << "no error";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("are found by a calibration"));
  }
}

// Folded factors change nothing until weights are quantized, and v_proj has fewer rows than o_proj
// columns here.
TEST(Awq, FoldedFactorsCancel) {
  QuantizationConfig config = shipped("awq_w4a16_g128");
  method_of(config).scaling_grid = 2;
  const ImportedModel folded =
      fold_awq(trained().imported, trained().calibration, config, processors());
  const Llama model(folded);
  const double exact = trained().perplexity(trained().model, FloatArithmetic());
  EXPECT_NEAR(trained().perplexity(model, FloatArithmetic()), exact, 1e-4 * exact);
  std::size_t gains = 0, linears = 0;
  for (const StoredTensor& tensor : folded.weights->tensors()) {
    std::vector<float> before(256), after(256);
    trained().imported.weights->read(tensor.name, 0, before);
    folded.weights->read(tensor.name, 0, after);
    if (before == after) continue;
    (tensor.shape.size() == 1 ? gains : linears) += 1;
    EXPECT_THAT(tensor.name, HasSubstr("model.layers."));
    EXPECT_THAT(tensor.name, testing::Not(HasSubstr("o_proj")));
  }
  // Two gains and six linears of each of four layers, where the search finds more than alpha = 0.
  EXPECT_GT(gains + linears, 0U);
  EXPECT_LE(gains, 8U);
  EXPECT_LE(linears, 24U);
}

}  // namespace
}  // namespace bitsmith
