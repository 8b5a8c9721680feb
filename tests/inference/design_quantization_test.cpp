#include "inference/design_quantization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/file.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

using testing::HasSubstr;

std::unique_ptr<const Design> design(const std::string& file) {
  return load_design(home_folder() / "configs/designs" / file);
}

void expect_equal(const OperandQuantization& a, const OperandQuantization& b) {
  EXPECT_EQ(a.quantizer.method, b.quantizer.method);
  EXPECT_EQ(&a.code_format(), &b.code_format());
  EXPECT_EQ(a.quantizer.candidates, b.quantizer.candidates);
  EXPECT_EQ(a.quantizer.scale_format, b.quantizer.scale_format);
  EXPECT_EQ(a.granularity, b.granularity);
  EXPECT_EQ(a.axis, b.axis);
  EXPECT_EQ(a.group_of(1 << 20), b.group_of(1 << 20));
}

// The quantization that ships for a design's whole model is the one that its formats ask for.
TEST(DesignQuantization, IsTheOneThatShipsForTheDesign) {
  const std::pair<const char*, const char*> pairs[] = {
      {"systolic/int8_16x16.yaml", "w8a8.yaml"},
      {"systolic/fp16_16x16.yaml", "fp16.yaml"},
      {"mixpe/fp16_uint4_16x16.yaml", "w4a16_g128_zero_point_all.yaml"},
      {"bit_serial/fp4_8x8.yaml", "bitmod_fp4_all.yaml"}};
  for (const auto& [file, quantization] : pairs) {
    SCOPED_TRACE(file);
    const auto shipped = load_quantization(home_folder() / "configs/quant" / quantization);
    const auto ours = quantization_of(*design(file), nullptr);
    for (std::size_t i = 0; i < shipped.classes.size(); ++i) {
      expect_equal(ours.classes[i].activation, shipped.classes[i].activation);
      expect_equal(ours.classes[i].weight, shipped.classes[i].weight);
    }
    EXPECT_FALSE(ours.needs_calibration());
  }
}

TEST(DesignQuantization, TernaryIsAbsmeanAndNarrowFloatsHaveScales) {
  const auto ternary = quantization_of(*design("bit_serial/ternary_4x4.yaml"), nullptr);
  EXPECT_EQ(ternary.of(OperatorClass::linear).weight.quantizer.method, QuantMethod::absmean);
  EXPECT_EQ(ternary.of(OperatorClass::linear).weight.group, 64U);
  const auto fp8 = quantization_of(*design("systolic/fp8_16x16.yaml"), nullptr);
  EXPECT_EQ(fp8.of(OperatorClass::lm_head).activation.quantizer.method, QuantMethod::absmax);
  EXPECT_EQ(fp8.of(OperatorClass::lm_head).activation.granularity, Granularity::channel);
}

// Weights as they lie in DRAM; the KV cache only where it lies there like them.
TEST(DesignQuantization, BehindAConverterItIsWhatIsStored) {
  const auto fp16 = design("systolic/fp16_16x16.yaml");
  WeightConverter converter{find_format("uint4"), 64, ConverterScale::int8, true};
  const auto config = quantization_of(*fp16, &converter);
  const OperandQuantization& weight = config.of(OperatorClass::linear).weight;
  EXPECT_EQ(weight.quantizer.method, QuantMethod::zero_point);
  EXPECT_EQ(weight.quantizer.scale_format, find_format("int8"));
  EXPECT_EQ(weight.group, 64U);
  EXPECT_EQ(config.of(OperatorClass::attention_qk).weight.code_format().name, "fp16");
  converter.kv_cache = true;
  EXPECT_EQ(quantization_of(*fp16, &converter).of(OperatorClass::attention_pv).weight.group, 64U);
}

TEST(DesignQuantization, AFormatThatNoMethodMakesIsRefused) {
  const auto bipolar = design("lut_tensor_core/int8_bipolar_4x8x4_grid.yaml");
  try {
    quantization_of(*bipolar, nullptr);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no quantizer makes bipolar weights"));
  }
}

}  // namespace
}  // namespace bitsmith
