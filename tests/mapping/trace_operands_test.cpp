// Weights and scales of a trace on the scale channel: what the array computes with is what the file
// holds, and what does not fit is refused in words that help.
#include "mapping/trace_operands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"
#include "pe/bit_serial/design.h"
#include "pe/bit_serial/golden.h"
#include "pe/lut_tensor_core/design.h"
#include "pe/mixpe/design.h"
#include "pe/registry.h"
#include "pe/systolic/design.h"
#include "workload/trace.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A GEMM whose last group along k is a short one: m 5, n 11, k 304 in the operator up_proj.
Transformer small_model() {
  Transformer model = load_transformer(home_folder() / "workloads/models/gpt-2.yaml");
  model.hidden_size = 304;
  model.intermediate_size = 11;
  model.num_hidden_layers = 1;
  model.num_attention_heads = model.num_key_value_heads = 1;
  model.head_dim = 8;
  model.vocab_size = 7;
  return model;
}

class TraceScales : public testing::Test {
 protected:
  // Everything quantized like this.
  Trace trace(const std::string& activation, const std::string& weight) {
    std::string text = "name: test\n";
    for (const char* word : {"linear", "attention_qk", "attention_pv", "lm_head"}) {
      text += fmt::format("{}: {{activation: {{{}}}, weight: {{{}}}}}\n", word, activation, weight);
    }
    TraceRequest request;
    request.model = small_model();
    request.phase.sequence = 5;
    Diagnostics diagnostics;
    request.quantization = read_quantization(yaml::parse(text, "test.yaml"), diagnostics);
    diagnostics.throw_if_any();
    write_trace(request, file());
    return Trace(file());
  }
  fs::path file() const { return folder_.path() / "t"; }

  std::string refusal(const std::string& weight, const bit_serial::Params& params) {
    const Trace written = trace("format: fp16", weight);
    const bit_serial::Design design(params);
    try {
      const TraceOperands operands(written, design, false);
    } catch (const UserError& error) {
      return error.messages().front();
    }
    return "accepted";
  }

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

bit_serial::Params params_of(const std::string& weight, std::uint32_t group) {
  bit_serial::Params params;
  params.weight = find_format(weight);
  params.group = group;
  return params;
}

lut_tensor_core::Params uint4_tables() {
  lut_tensor_core::Params params;
  params.weight = find_format("uint4");
  params.group = 64;
  return params;
}

// The first GEMM with more than two groups along k.
std::size_t long_gemm(const TraceOperands& operands) {
  for (const std::size_t op : operands.gemms()) {
    if (operands.shape(op).k == 304) return op;
  }
  throw InternalError("no long GEMM");
}

// The sum of the terms that the PEs see, in the weight's own unit.
double value_of(const bit_serial::Params& params, std::uint32_t code, std::uint32_t select) {
  double value = 0;
  for (const bit_serial::Term& term : bit_serial::terms_of(params, code, select)) {
    if (!term.one) continue;
    value += std::ldexp(term.negative ? -1 : 1, term.exponent + term.significance -
                                                    static_cast<int>(fraction_bits(params)));
  }
  return value;
}

// Term by term what the quantizer meant, by the file's own tensors.
TEST_F(TraceScales, MixturesArriveWithScaleAndSpecialValue) {
  for (const int bits : {3, 4}) {
    const Trace written =
        trace("format: fp16", fmt::format("format: fp{}, method: bitmod, granularity: group, "
                                          "group: 64, scale: int8",
                                          bits));
    const bit_serial::Params params = params_of(bits == 3 ? "fp3" : "fp4_e2m1", 64);
    const bit_serial::Design design(params);
    const TraceOperands operands(written, design, false);
    const std::size_t op = long_gemm(operands);
    const GemmShape gemm = operands.shape(op);
    const OperandTile tile =
        operands.tile(op, 0, 1, 2, static_cast<std::uint32_t>(gemm.n - 2), gemm.k);
    const SafetensorsFile tensors(file());
    const auto bytes = [&](const std::string& name) {
      return tensors.data(fmt::format("{:04}.weight{}", op, name));
    };
    const Quantizer& q = written.quantization(op, OperandRole::weight).quantizer;
    std::set<int> selects;
    for (std::uint64_t n = 2; n < gemm.n; ++n) {
      for (std::uint64_t k = 0; k < gemm.k; ++k) {
        const std::size_t group = n * 5 + k / 64;
        const auto select = static_cast<std::uint32_t>(bytes(".select")[group]);
        const std::uint32_t s = tile.s[(k / 64) * (gemm.n - 2) + n - 2];
        ASSERT_EQ(s & 255, static_cast<std::uint32_t>(bytes(".scale")[group]));
        const auto code = static_cast<std::uint32_t>(bytes("")[n * gemm.k + k]);
        ASSERT_EQ(value_of(params, tile.w[k * (gemm.n - 2) + n - 2], s >> 8),
                  decode(*q.candidates[select], code));
        selects.insert(static_cast<int>(select));
      }
    }
    EXPECT_GT(selects.size(), 2U) << "too little of a test";
  }
}

// Positions in the file's list of candidates are not the design's.
TEST_F(TraceScales, CandidatesMayComeInAnyOrder) {
  trace("format: fp16", "format: fp4, method: bitmod, granularity: group, group: 64, scale: int8");
  std::string text = read_file(file(), std::size_t{1} << 30);
  const std::string list = R"(\"fp4_m5\",\"fp4_p5\")";
  const std::string swapped = R"(\"fp4_p5\",\"fp4_m5\")";
  for (std::size_t at = text.find(list); at != std::string::npos; at = text.find(list)) {
    text.replace(at, list.size(), swapped);
  }
  const bit_serial::Design design(params_of("fp4_e2m1", 64));
  const auto scales = [&](const Trace& from) {
    const TraceOperands operands(from, design, false);
    const std::size_t op = long_gemm(operands);
    return operands.tile(op, 0, 1, 0, static_cast<std::uint32_t>(operands.shape(op).n), 304).s;
  };
  const std::vector<std::uint16_t> before = scales(Trace(file()));
  write_file_atomically(file(), text);
  const std::vector<std::uint16_t> after = scales(Trace(file()));
  ASSERT_EQ(before.size(), after.size());
  std::size_t changed = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const unsigned flip = before[i] >> 8 < 2 ? 1U << 8 : 0U;
    EXPECT_EQ(before[i] ^ flip, after[i]);
    changed += flip != 0 ? 1 : 0;
  }
  EXPECT_GT(changed, 0U);
}

// Scales of whole channels wait for the results: the array's are 1, its sums those of the codes.
TEST_F(TraceScales, ChannelsHaveTheScaleOne) {
  const std::string channel = "format: int8, method: absmax, granularity: channel";
  const Trace written = trace(channel, channel);
  bit_serial::Params params = params_of("int8", 128);
  params.activation = find_format("int8");
  const bit_serial::Design design(params);
  const TraceOperands operands(written, design, false);
  const std::size_t op = long_gemm(operands);
  const OperandTile tile = operands.tile(op, 1, 1, 3, 1, 304);
  EXPECT_THAT(tile.s, testing::ElementsAre(1, 1, 1));
  std::int64_t sum = 0, y = 0;
  for (std::size_t k = 0; k < 304; ++k) {
    sum += static_cast<std::int8_t>(tile.a[k]) * static_cast<std::int8_t>(tile.w[k]);
  }
  design.golden(
      {{tile.a.data(), 1, 304, 304}, {tile.w.data(), 304, 1, 1}, {tile.s.data(), 3, 1, 1}},
      {&y, 1, 1, 1});
  EXPECT_EQ(y, sum);
}

// One in the format of the scales, which is not always code 1.
TEST_F(TraceScales, ChannelsHaveTheScaleOneInFloatingPointToo) {
  const std::string channel = "format: int8, method: absmax, granularity: channel";
  const Trace written = trace(channel, channel);
  mixpe::Params params;
  params.weight = find_format("int8");
  const mixpe::Design design(params);
  const TraceOperands operands(written, design, false);
  EXPECT_THAT(operands.tile(long_gemm(operands), 1, 1, 3, 1, 304).s, testing::Each(0x3C00));
}

// Scales of groups on other arrays: the file's own codes.
TEST_F(TraceScales, EveryArrayWithScalesTakesThem) {
  const std::string activation = "format: int8, method: absmax, granularity: channel";
  const auto first_scales = [&](const Design& design, const std::string& scale) {
    const Trace written = trace(activation,
                                "format: int4, method: absmax, granularity: group, group: 64, "
                                "scale: " +
                                    scale);
    const TraceOperands operands(written, design, false);
    const std::size_t op = long_gemm(operands);
    const std::vector<std::uint16_t> s = operands.tile(op, 0, 1, 2, 1, 304).s;
    std::vector<std::uint16_t> stored(s.size());
    written.read_scales(op, OperandRole::weight, 2, 0, stored);
    EXPECT_EQ(s.size(), 5U);
    return std::pair(s, stored);
  };
  lut_tensor_core::Params lut;
  lut.weight = find_format("int4");
  lut.group = 64;
  const auto [s, stored] = first_scales(lut_tensor_core::Design(lut), "int8");
  EXPECT_EQ(s, stored);
  mixpe::Params shift_add;
  shift_add.weight = find_format("int4");
  shift_add.group = 64;
  const auto [s16, stored16] = first_scales(mixpe::Design(shift_add), "fp16");
  EXPECT_EQ(s16, stored16);
  EXPECT_GT(s16.front(), 255);
}

// Unsigned weights and what they stand for: scale and zero point of every group, by the file's own
// tensors, in both places where arrays take zero points.
TEST_F(TraceScales, ZeroPointsArriveWithTheirScales) {
  const auto expect_those_of_the_file = [&](const Design& design, const std::string& scale,
                                            auto scale_of, auto zero_of) {
    const Trace written =
        trace("format: int8, method: absmax, granularity: channel",
              "format: uint4, method: zero_point, granularity: group, group: 64, scale: " + scale);
    const TraceOperands operands(written, design, false);
    const std::size_t op = long_gemm(operands);
    const auto n = static_cast<std::uint32_t>(operands.shape(op).n - 2);
    const OperandTile tile = operands.tile(op, 0, 1, 2, n, 304);
    ASSERT_EQ(tile.s.size(), design.scale_rows(304) * n);
    const SafetensorsFile tensors(file());
    const auto word = [&](const char* tensor, std::size_t i) {
      std::uint16_t value = 0;
      std::memcpy(&value, tensors.data(fmt::format("{:04}.weight{}", op, tensor)).data() + 2 * i,
                  2);
      return value;
    };
    std::set<std::uint32_t> zeros;
    for (std::size_t col = 0; col < n; ++col) {
      for (std::size_t g = 0; g < 5; ++g) {
        const std::size_t group = (col + 2) * 5 + g;
        const std::uint32_t stored =
            scale == "fp16" ? word(".scale", group)
                            : static_cast<std::uint32_t>(
                                  tensors.data(fmt::format("{:04}.weight.scale", op))[group]);
        EXPECT_EQ(scale_of(tile, g, col, n), stored);
        EXPECT_EQ(zero_of(tile, g, col, n), word(".zero_point", group));
        zeros.insert(zero_of(tile, g, col, n));
      }
    }
    EXPECT_GT(zeros.size(), 2U) << "too little of a test";
  };
  mixpe::Params shift_add;
  shift_add.group = 64;
  expect_those_of_the_file(
      mixpe::Design(shift_add), "fp16",
      [](const OperandTile& x, std::size_t g, std::size_t col, std::size_t n) -> std::uint32_t {
        return x.s[2 * g * n + col];
      },
      [](const OperandTile& x, std::size_t g, std::size_t col, std::size_t n) -> std::uint32_t {
        return x.s[(2 * g + 1) * n + col];
      });
  expect_those_of_the_file(
      lut_tensor_core::Design(uint4_tables()), "int8",
      [](const OperandTile& x, std::size_t g, std::size_t col, std::size_t n) -> std::uint32_t {
        return x.s[g * n + col] & 255U;
      },
      [](const OperandTile& x, std::size_t g, std::size_t col, std::size_t n) -> std::uint32_t {
        return x.s[g * n + col] >> 8U;
      });
}

// What comes out is the sum of what the quantizer meant: scale x (code - zero point).
TEST_F(TraceScales, ResultsAreThoseOfTheValues) {
  const Trace written =
      trace("format: int8, method: absmax, granularity: channel",
            "format: uint4, method: zero_point, granularity: group, group: 64, scale: int8");
  const lut_tensor_core::Design design(uint4_tables());
  const TraceOperands operands(written, design, false);
  const std::size_t op = long_gemm(operands);
  const OperandTile tile = operands.tile(op, 1, 1, 3, 1, 304);
  std::vector<std::uint16_t> codes(304), scales(5), zeros(5);
  written.read(op, OperandRole::weight, 3, 0, codes);
  written.read_scales(op, OperandRole::weight, 3, 0, scales);
  written.read_zero_points(op, OperandRole::weight, 3, 0, zeros);
  std::int64_t sum = 0, y = 0;
  for (std::size_t k = 0; k < 304; ++k) {
    sum += scales[k / 64] * static_cast<std::int8_t>(tile.a[k]) * (codes[k] - zeros[k / 64]);
  }
  design.golden(
      {{tile.a.data(), 1, 304, 304}, {tile.w.data(), 304, 1, 1}, {tile.s.data(), 5, 1, 1}},
      {&y, 1, 1, 1});
  EXPECT_EQ(y, sum);
  EXPECT_NE(y, 0);
}

// A channel's zero point is subtracted in all of its groups, a tensor's in all of its columns; the
// scale waits for the results. Weights without a zero point have 0.
TEST_F(TraceScales, ZeroPointsOfChannelsAndTensors) {
  const mixpe::Design design{mixpe::Params()};
  const auto codes_of = [&](const std::string& weight, std::uint64_t first_group) {
    const Trace written = trace("format: int8, method: absmax, granularity: channel", weight);
    const TraceOperands operands(written, design, false);
    std::vector<std::uint16_t> s((6 - 2 * first_group) * 2);
    operands.read_s(long_gemm(operands), 2 * first_group, 6 - 2 * first_group, 4, 2, s);
    return s;
  };
  const auto stored = [&](std::uint64_t row) {
    const Trace written(file());
    const TraceOperands operands(written, design, false);
    std::uint16_t zero = 0;
    written.read_zero_points(long_gemm(operands), OperandRole::weight, row, 0, {&zero, 1});
    return zero;
  };
  const std::vector<std::uint16_t> of_channels =
      codes_of("format: uint4, method: zero_point, granularity: channel", 0);
  const std::uint16_t z4 = stored(4), z5 = stored(5);
  EXPECT_THAT(of_channels, testing::ElementsAre(0x3C00, 0x3C00, z4, z5, 0x3C00, 0x3C00, z4, z5,
                                                0x3C00, 0x3C00, z4, z5));
  const std::vector<std::uint16_t> of_all =
      codes_of("format: uint3, method: zero_point, granularity: tensor, scale: bf16", 1);
  const std::uint16_t z = stored(0);
  EXPECT_GT(z, 0);
  EXPECT_THAT(of_all, testing::ElementsAre(0x3C00, 0x3C00, z, z, 0x3C00, 0x3C00, z, z));
  EXPECT_THAT(codes_of("format: uint4", 2), testing::ElementsAre(0x3C00, 0x3C00, 0, 0));
}

// Every condition, with what is allowed, once for all operators that it is true of.
TEST_F(TraceScales, ZeroPointsThatDoNotFitAreRefused) {
  std::size_t refusals = 0;
  const auto refused = [&](const std::string& weight) {
    const Trace written = trace("format: int8, method: absmax, granularity: channel", weight);
    const mixpe::Design design{mixpe::Params()};
    try {
      const TraceOperands operands(written, design, false);
    } catch (const UserError& error) {
      refusals = error.messages().size();
      return error.messages().back();
    }
    return std::string("accepted");
  };
  const std::string fits = "format: uint4, method: zero_point, granularity: group, group: 128, ";
  const std::string wanted =
      " do not fit design mixpe, which takes {format: uint4, method: zero_point, granularity: "
      "group, along: k, group: 128, scale: fp16} and scales and zero points of whole channels or "
      "tensors";
  EXPECT_EQ(refused(fits + "scale: fp16"), "accepted");
  EXPECT_EQ(refused(fits + "scale: int8"), file().string() +
                                               ": operator 'q_proj' and 8 more: weights {format: "
                                               "uint4, method: zero_point, granularity: "
                                               "group, along: k, group: 128, scale: int8}" +
                                               wanted);
  EXPECT_EQ(refusals, 1U);
  const std::string of_64 =
      refused("format: uint4, method: zero_point, granularity: group, group: 64, scale: fp16");
  EXPECT_THAT(of_64, HasSubstr("group: 64, scale: fp16}" + wanted));
  EXPECT_THAT(of_64, HasSubstr("and 4 more: ")) << "those with more than 64 along k";
  EXPECT_THAT(refused(fits + "along: outputs, scale: fp16"), HasSubstr("along: outputs"));
  EXPECT_THAT(
      refused("format: uint8, method: zero_point, granularity: group, group: 128, scale: fp16"),
      HasSubstr("weights {format: uint8,"));
  EXPECT_THAT(
      refused("format: int4, method: absmax, granularity: group, group: 128, scale: fp16"),
      HasSubstr("method: absmax, granularity: group, along: k, group: 128, scale: fp16}" + wanted));
  // Narrower weights fit: their codes and zero points are numbers of the array's format.
  EXPECT_EQ(refused("format: uint2, method: zero_point, granularity: group, group: 128, "
                    "scale: fp16"),
            "accepted");
}

// Zero points that are no codes are found before any cycle, in all operators.
TEST_F(TraceScales, ZeroPointsAreInRange) {
  trace("format: int8, method: absmax, granularity: channel",
        "format: uint4, method: zero_point, granularity: group, group: 128, scale: fp16");
  std::string text = read_file(file(), std::size_t{1} << 30);
  const SafetensorsHeader header = SafetensorsFile(file()).header();
  for (const TensorInfo& tensor : header.tensors) {
    if (tensor.name == "0003.weight.zero_point") text.at(header.data_start + tensor.offset) = 16;
    // The upper byte of the second one.
    if (tensor.name == "0004.weight.zero_point") text.at(header.data_start + tensor.offset + 3) = 1;
  }
  write_file_atomically(file(), text);
  const Trace written(file());
  const mixpe::Design design{mixpe::Params()};
  try {
    const TraceOperands operands(written, design, true);
    FAIL() << "accepted";
  } catch (const UserError& error) {
    EXPECT_THAT(error.messages(),
                testing::ElementsAre(
                    file().string() + ": tensor '0003.weight.zero_point': 16 of row 0, group 0 is "
                                      "no uint4, 0..15",
                    testing::MatchesRegex(".*tensor '0004.weight.zero_point': 2[5-7][0-9] of row "
                                          "0, group 1 is no uint4, 0..15")));
  }
}

TEST_F(TraceScales, WhatNoArrayAppliesIsRefused) {
  const std::string weight = "format: int8, method: absmax, granularity: channel";
  const auto refused = [&](const std::string& activation, const Design& design) {
    const Trace written = trace(activation, weight);
    try {
      const TraceOperands operands(written, design, false);
    } catch (const UserError& error) {
      return error.messages().front();
    }
    return std::string("accepted");
  };
  bit_serial::Params params = params_of("int8", 128);
  params.activation = find_format("int8");
  const bit_serial::Design integers(params);
  EXPECT_THAT(refused("format: int8, method: absmax, granularity: group, group: 32", integers),
              HasSubstr("scales of activations in groups along k"));
  EXPECT_THAT(refused("format: fp4, method: bitmod, granularity: group, group: 64, scale: int8",
                      bit_serial::Design(params_of("fp4_e2m1", 64))),
              HasSubstr("a format of its own"));
}

// Every shipped array with a scale channel says what its scales are.
TEST(ScaleSchemes, OfEveryShippedDesign) {
  std::size_t with_scales = 0;
  for (const fs::directory_entry& file :
       fs::recursive_directory_iterator(home_folder() / "configs/designs")) {
    if (file.path().extension() != ".yaml") continue;
    const std::unique_ptr<const Design> design = load_design(file.path());
    if (design->scale_bits() == 0) continue;
    const ScaleScheme scheme = design->scale_scheme();
    EXPECT_GE(scheme.group, 8U) << file.path();
    ASSERT_NE(scheme.scale, nullptr) << file.path();
    EXPECT_LE(static_cast<std::uint32_t>(scheme.scale->bits), design->scale_bits());
    ++with_scales;
  }
  EXPECT_GE(with_scales, 20U);
}

TEST_F(TraceScales, RefusalsSayWhatWouldFit) {
  const std::string grouped =
      "format: int4, method: absmax, granularity: group, group: 128, scale: ";
  EXPECT_EQ(refusal(grouped + "int8", params_of("int4", 128)), "accepted");
  EXPECT_EQ(refusal(grouped + "fp16", params_of("int4", 128)),
            file().string() +
                ": operator 'q_proj' and 8 more: weights {format: int4, method: absmax, "
                "granularity: group, "
                "along: k, group: 128, scale: fp16} do not fit design bit_serial, which takes "
                "{format: int4, method: absmax, granularity: group, along: k, group: 128, scale: "
                "int8} and scales of whole channels or tensors");
  EXPECT_THAT(refusal(grouped + "uint8", params_of("int4", 128)),
              HasSubstr("scale: uint8} do not"));
  EXPECT_THAT(refusal(grouped + "int8", params_of("int4", 64)), HasSubstr("along: k, group: 64,"));
  EXPECT_THAT(refusal(grouped + "int8", params_of("fp4_e2m1", 128)),
              HasSubstr("which takes {format: fp4, method: bitmod, granularity: group"));
  EXPECT_THAT(
      refusal("format: fp4_e2m1, method: absmax, granularity: channel", params_of("fp4_e2m1", 128)),
      HasSubstr("which takes {format: fp4, method: bitmod,"));
  EXPECT_THAT(refusal("format: fp3, method: bitmod, granularity: group, group: 128, scale: int8",
                      params_of("fp4_e2m1", 128)),
              HasSubstr("weights {format: fp3, method: bitmod,"));
  EXPECT_THAT(refusal("format: fp3, method: bitmod, granularity: group, group: 128, scale: int8",
                      params_of("int4", 128)),
              HasSubstr("every group has a format of its own"));
  EXPECT_THAT(refusal("format: int4, method: absmax, granularity: channel, along: outputs",
                      params_of("int4", 128)),
              HasSubstr("granularity: channel, along: outputs, scale: fp32} do not fit"));
  EXPECT_THAT(
      refusal("format: uint4, method: zero_point, granularity: group, group: 128, scale: int8",
              params_of("int8", 128)),
      HasSubstr("method: zero_point"));
  EXPECT_THAT(
      refusal("format: mxfp4, method: mx, granularity: group, group: 32", params_of("int8", 32)),
      HasSubstr("weights {format: mxfp4, method: mx,"));
}

// A group's candidate that does not exist is found before any cycle.
TEST_F(TraceScales, SelectsAreInRange) {
  trace("format: fp16", "format: fp4, method: bitmod, granularity: group, group: 128, scale: int8");
  std::size_t at = 0;
  {
    const SafetensorsFile tensors(file());
    at = tensors.header().data_start + tensors.info("0003.weight.select").offset + 1;
  }
  std::string text = read_file(file(), std::size_t{1} << 30);
  text.at(at) = 4;
  write_file_atomically(file(), text);
  const Trace written(file());
  const bit_serial::Design design(params_of("fp4_e2m1", 128));
  try {
    const TraceOperands operands(written, design, true);
    FAIL() << "accepted";
  } catch (const UserError& error) {
    EXPECT_EQ(std::string(error.what()),
              file().string() +
                  ": tensor '0003.weight.select': 4 of row 0, group 1 is none of 4 candidates");
  }
}

}  // namespace
}  // namespace bitsmith
