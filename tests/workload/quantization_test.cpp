// Quantization files, the splitting of a KV cache, and operands quantized in a stream.
#include "workload/quantization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/file.h"
#include "workload/operand_stream.h"
#include "workload/quantized_operator.h"

namespace bitsmith {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> errors_of(const std::string& text) {
  Diagnostics diagnostics;
  read_quantization(yaml::parse(text, "q.yaml"), diagnostics);
  try {
    diagnostics.throw_if_any();
  } catch (const UserError& error) {
    return error.messages();
  }
  return {};
}

QuantizationConfig shipped(const std::string& name) {
  return load_quantization(home_folder() / "configs/quant" / (name + ".yaml"));
}

TEST(Quantization, ShippedFilesAreRead) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(home_folder() / "configs/quant")) {
    const QuantizationConfig config = load_quantization(entry.path());
    EXPECT_EQ(config.name, entry.path().stem().string());
    EXPECT_FALSE(config.source.empty());
    ++files;
  }
  EXPECT_EQ(files, 15U);
}

TEST(Quantization, SaysWhatTheFileSays) {
  const QuantizationConfig config = shipped("kivi_2bit");
  const OperandQuantization& keys = config.of(OperatorClass::attention_qk).weight;
  EXPECT_EQ(keys.quantizer.method, QuantMethod::zero_point);
  EXPECT_EQ(keys.code_format().name, "uint2");
  EXPECT_EQ(keys.axis, LineAxis::across_k);
  EXPECT_EQ(keys.group, 32U);
  EXPECT_EQ(keys.recent_tokens, 128U);
  EXPECT_EQ(keys.quantizer.scale_format, find_format("fp16"));
  // Left out: fp16 as it is.
  EXPECT_EQ(config.of(OperatorClass::lm_head).weight.code_format().name, "fp16");
  EXPECT_EQ(shipped("bitmod_fp3").of(OperatorClass::linear).weight.quantizer.candidates.size(), 4U);
}

TEST(Quantization, AllMistakesAtOnce) {
  EXPECT_THAT(
      errors_of("name: x\nlinear:\n  weight: {format: int44, method: absmax}\n  wieght: {}\n"
                "lm_haed: {}\n"),
      ElementsAre(HasSubstr("q.yaml:3:20: 'format': unknown format 'int44'"),
                  HasSubstr("q.yaml:4:3: unknown operand or method 'wieght'"),
                  HasSubstr("q.yaml:5:1: unknown class of operators 'lm_haed'")));
  EXPECT_THAT(errors_of("linear: {}\n"), ElementsAre(HasSubstr("'name' is missing")));
  EXPECT_THAT(errors_of("name: x\nlinear: {weight: {format: mxfp4, method: mx, group: 16}}\n"),
              ElementsAre(HasSubstr("'granularity': mx and bitmod choose by the values of a group"),
                          HasSubstr("'group': a block of mxfp4 has 32 numbers")));
  EXPECT_THAT(errors_of("name: x\nlinear: {weight: {format: int8, method: absmax, scale: int8, "
                        "granularity: channel, recent_tokens: 5}}\n"),
              ElementsAre(HasSubstr("'scale': a scale of two levels is for groups along k"),
                          HasSubstr("'recent_tokens': only the weights of attention_qk")));
  EXPECT_THAT(errors_of("name: x\nlinear: {weight: {format: uint8, method: absmax}}\n"),
              ElementsAre(HasSubstr("'method'")));
  EXPECT_THAT(errors_of("name: x\nlinear: 4\n"), ElementsAre(HasSubstr("expected a map")));
}

TEST(Quantization, MethodsThatNeedACalibration) {
  const CalibratedMethod awq = shipped("awq_w4a16_g128").method_of(OperatorClass::linear);
  EXPECT_EQ(awq.scaling_grid, 20U);
  EXPECT_EQ(awq.split, SplitMethod::none);
  const CalibratedMethod int8 = shipped("llm_int8").method_of(OperatorClass::linear);
  EXPECT_EQ(int8.split, SplitMethod::outliers);
  EXPECT_EQ(int8.threshold, 6);
  EXPECT_EQ(int8.apart.activation.code_format().name, "fp16");
  EXPECT_EQ(int8.apart.weight.code_format().name, "fp16");
  const CalibratedMethod salient = shipped("mixllm_w4.4a8").method_of(OperatorClass::linear);
  EXPECT_EQ(salient.split, SplitMethod::salient);
  EXPECT_EQ(salient.fraction, 0.1);
  EXPECT_EQ(salient.apart.activation.code_format().name, "int8");
  EXPECT_EQ(salient.apart.weight.code_format().name, "int8");
  const QuantizationConfig comet = shipped("comet_w4a4a8");
  const CalibratedMethod blocks = comet.method_of(OperatorClass::linear);
  EXPECT_EQ(blocks.split, SplitMethod::blocks);
  EXPECT_EQ(blocks.block, 128U);
  EXPECT_EQ(blocks.apart.activation.code_format().name, "int8");
  EXPECT_EQ(blocks.apart.weight.code_format().name, "int4");
  EXPECT_EQ(comet.of(OperatorClass::linear).activation.code_format().name, "int4");
  EXPECT_TRUE(comet.needs_calibration());
  EXPECT_FALSE(comet.method_of(OperatorClass::lm_head).is_any());
  EXPECT_FALSE(shipped("w8a8").needs_calibration());
}

TEST(Quantization, MistakesInMethods) {
  EXPECT_THAT(errors_of("name: x\nlinear:\n  scaling: {method: awk}\n  outliers: {}\n"
                        "  blocks: 4\n  saliant: {}\n"),
              ElementsAre(HasSubstr("q.yaml:6:3: unknown operand or method 'saliant'"),
                          HasSubstr("q.yaml:3:21: 'method'"),
                          HasSubstr("q.yaml:3:3: 'scaling': weights are searched row by row"),
                          HasSubstr("q.yaml:4:3: 'outliers': there is 'scaling' already"),
                          HasSubstr("q.yaml:5:3: 'blocks': there is 'scaling' already")));
  EXPECT_THAT(
      errors_of("name: x\nlinear: {salient: {fraction: 1.5, activation: {}, threshold: 1}}\n"),
      ElementsAre(HasSubstr("'fraction': expected a number in 0..1"),
                  HasSubstr("unknown parameter 'activation'"),
                  HasSubstr("unknown parameter 'threshold'")));
  EXPECT_THAT(errors_of("name: x\nlinear: {blocks: {size: 0, activation: {format: int44}}}\n"),
              ElementsAre(HasSubstr("'size': expected an integer in 1.."),
                          HasSubstr("unknown format 'int44'")));
  EXPECT_THAT(errors_of("name: x\nlinear: {}\nattention_qk: {outliers: {}}\nlm_head:\n"
                        "  weight: {format: int4, method: absmax, granularity: channel}\n"
                        "  scaling: {method: awq}\n"),
              ElementsAre(HasSubstr("'outliers': keys and values are no weights"),
                          HasSubstr("'scaling': factors are folded")));
}

std::vector<std::string> rows_of(const std::vector<QuantizedOperator>& operators) {
  std::vector<std::string> rows;
  for (const QuantizedOperator& quantized : operators) {
    const Operator& op = quantized.op;
    const GemmQuantization& quantization = quantized.quantization;
    rows.push_back(op.is_gemm() ? fmt::format("{} {}x{}x{} {}", op.name, op.gemm.m, op.gemm.n,
                                              op.gemm.k, quantization.weight.code_format().name)
                                : fmt::format("{} {}", op.name, op.elements));
  }
  return rows;
}

// KIVI, 300 tokens: 256 keys in two blocks and 44 left over; 172 values and the last 128. The two
// parts of PV are added.
TEST(QuantizedOperators, RecentTokensStayInFp16) {
  Workload workload;
  Operator qk{"attention_qk", {1, 300, 64}, 4, 2};
  qk.operator_class = OperatorClass::attention_qk;
  Operator pv{"attention_pv", {1, 64, 300}, 4, 2};
  pv.operator_class = OperatorClass::attention_pv;
  workload.operators = {qk, pv};
  const QuantizationConfig config = shipped("kivi_2bit");
  const PhaseOptions decode{Phase::decode, 300, 1};
  EXPECT_THAT(rows_of(quantize_operators(workload, config, decode)),
              ElementsAre("attention_qk 1x256x64 uint2", "attention_qk_recent 1x44x64 fp16",
                          "attention_pv 1x64x172 uint2", "attention_pv_recent 1x64x128 fp16",
                          "attention_pv_add 256"));
  // A whole block of keys leaves none over; there are no more values than stay in fp16.
  workload.operators[0].gemm.n = workload.operators[1].gemm.k = 128;
  EXPECT_THAT(rows_of(quantize_operators(workload, config, decode)),
              ElementsAre("attention_qk 1x128x64 uint2", "attention_pv_recent 1x64x128 fp16"));
  // A prefill attends before the cache is stored.
  EXPECT_THAT(rows_of(quantize_operators(workload, config, {Phase::prefill, 128, 1})),
              ElementsAre("attention_qk 1x128x64 fp16", "attention_pv 1x64x128 fp16"));
}

std::uint64_t macs_of(const std::vector<QuantizedOperator>& operators) {
  std::uint64_t macs = 0;
  for (const auto& q : operators) macs += q.op.gemm.m * q.op.gemm.n * q.op.gemm.k * q.op.is_gemm();
  return macs;
}

Workload two_linears() {
  Workload workload;
  workload.operators = {{"norm", {}, 1, 2, OperatorKind::norm},
                        {"k_proj", {5, 64, 300}, 1, 2},
                        {"gate_proj", {5, 80, 300}, 1, 2}};
  workload.operators[1].results = ResultUse::kv_cache;
  workload.operators[2].results = ResultUse::activation;
  return workload;
}

// Outliers split along k, into parts that are added; the sum goes where the results went, except
// into an activation, which reads it.
TEST(QuantizedOperators, OutliersAreAGemmOfTheirOwn) {
  const Workload workload = two_linears();
  ChannelSplit some;
  for (std::uint64_t k = 0; k < 300; ++k) (k % 100 == 7 ? some.apart : some.others).push_back(k);
  const ChannelSplits splits = {{1, some}, {2, some}};
  const auto operators =
      quantize_operators(workload, shipped("llm_int8"), {Phase::prefill, 5, 1}, splits);
  EXPECT_THAT(rows_of(operators),
              ElementsAre("norm 0", "k_proj 5x64x297 int8", "k_proj.outliers 5x64x3 fp16",
                          "k_proj.add 320", "gate_proj 5x80x297 int8",
                          "gate_proj.outliers 5x80x3 fp16", "gate_proj.add 400"));
  EXPECT_EQ(macs_of(operators), 5U * (64 + 80) * 300);
  EXPECT_THAT(operators[2].part.channels, ElementsAre(7, 107, 207));
  EXPECT_EQ(operators[2].part.axis, OperatorPart::Axis::inputs);
  EXPECT_EQ(operators[2].op.repeat, 2U);
  std::vector<ResultUse> uses;
  std::vector<std::size_t> origins;
  for (const QuantizedOperator& q : operators) {
    uses.push_back(q.op.results);
    origins.push_back(q.origin);
  }
  using enum ResultUse;
  EXPECT_THAT(uses, ElementsAre(vector, vector, vector, kv_cache, vector, vector, vector));
  EXPECT_THAT(origins, ElementsAre(0, 1, 1, 1, 2, 2, 2));
}

// Salient features split along n: nothing is added. COMET's blocks split along k.
TEST(QuantizedOperators, SalientFeaturesAndBlocksAreGemmsOfTheirOwn) {
  const Workload workload = two_linears();
  ChannelSplit features = {{1, 3, 5}, {}};
  for (std::uint64_t n = 0; n < 64; ++n) {
    if (n > 5 || n % 2 == 0) features.others.push_back(n);
  }
  ChannelSplit none;
  for (std::uint64_t n = 0; n < 80; ++n) none.others.push_back(n);
  const auto salient = quantize_operators(workload, shipped("mixllm_w4.4a8"),
                                          {Phase::prefill, 5, 1}, {{1, features}, {2, none}});
  EXPECT_THAT(rows_of(salient),
              ElementsAre("norm 0", "k_proj 5x61x300 int4", "k_proj.salient 5x3x300 int8",
                          "gate_proj 5x80x300 int4"));
  EXPECT_EQ(macs_of(salient), 5U * (64 + 80) * 300);
  EXPECT_EQ(salient[1].op.results, ResultUse::kv_cache);
  EXPECT_EQ(salient[3].op.results, ResultUse::activation);

  std::vector<float> largest(300, 1);
  largest[290] = 50;
  const ChannelSplit blocks = split_blocks(largest, 128, 4);
  const ChannelSplit all = split_blocks(largest, 128, 0);
  const auto comet = quantize_operators(workload, shipped("comet_w4a4a8"), {Phase::prefill, 5, 1},
                                        {{1, blocks}, {2, all}});
  EXPECT_THAT(rows_of(comet),
              ElementsAre("norm 0", "k_proj 5x64x172 int4", "k_proj.blocks 5x64x128 int4",
                          "k_proj.add 320", "gate_proj.blocks 5x80x300 int4"));
  EXPECT_EQ(comet[2].quantization.activation.code_format().name, "int8");
  EXPECT_EQ(comet[2].part.channels.front(), 290U);
  EXPECT_EQ(macs_of(comet), 5U * (64 + 80) * 300);
}

TEST(QuantizedOperators, SplitsNeedACalibration) {
  try {
    quantize_operators(two_linears(), shipped("llm_int8"), {Phase::prefill, 5, 1});
    FAIL() << "no error";
  } catch (const UserError& error) {
    EXPECT_THAT(error.messages(),
                ElementsAre(HasSubstr("the 'outliers' of linear are found by a calibration")));
  }
}

// ---- streams

struct Whole {
  std::vector<std::uint16_t> codes;
  std::vector<GroupParameters> groups;
};

// The same from the definition of the granularities, with the whole tensor in memory.
Whole quantize_whole(const RandomTensor& tensor, const OperandQuantization& q, std::uint64_t rows,
                     std::uint64_t k) {
  std::vector<float> values(rows * k);
  fill_tile(tensor, {0, 0, rows, k}, values);
  Whole whole{std::vector<std::uint16_t>(rows * k), {}};
  const auto group = [&](std::uint64_t r0, std::uint64_t r1, std::uint64_t k0, std::uint64_t k1) {
    std::vector<float> in;
    for (std::uint64_t r = r0; r < r1; ++r) {
      in.insert(in.end(), values.begin() + static_cast<std::ptrdiff_t>(r * k + k0),
                values.begin() + static_cast<std::ptrdiff_t>(r * k + k1));
    }
    std::vector<std::uint16_t> out(in.size());
    whole.groups.push_back(quantize(q.quantizer, in, out));
    std::size_t next = 0;
    for (std::uint64_t r = r0; r < r1; ++r) {
      for (std::uint64_t c = k0; c < k1; ++c) whole.codes[r * k + c] = out[next++];
    }
  };
  const std::uint64_t size = q.granularity == Granularity::group ? q.group : rows * k;
  if (q.granularity == Granularity::tensor) {
    group(0, rows, 0, k);
  } else if (q.axis == LineAxis::along_k) {
    for (std::uint64_t r = 0; r < rows; ++r) {
      for (std::uint64_t c = 0; c < k; c += size) group(r, r + 1, c, std::min(c + size, k));
    }
  } else {
    for (std::uint64_t r = 0; r < rows; r += size) {
      for (std::uint64_t c = 0; c < k; ++c) group(r, std::min(r + size, rows), c, c + 1);
    }
  }
  return whole;
}

TEST(OperandStream, EqualsQuantizingTheWholeTensor) {
  constexpr std::uint64_t kRows = 13;
  constexpr std::uint64_t kK = 50;
  RandomTensor tensor;
  tensor.seed = 4;
  for (const Granularity granularity :
       {Granularity::tensor, Granularity::channel, Granularity::group}) {
    for (const LineAxis axis : {LineAxis::along_k, LineAxis::across_k}) {
      OperandQuantization q;
      q.quantizer = {
          QuantMethod::zero_point, find_format("uint4"), {}, nullptr, find_format("fp16")};
      q.granularity = granularity;
      q.axis = axis;
      q.group = 8;
      const Whole expected = quantize_whole(tensor, q, kRows, kK);
      std::vector<std::uint16_t> codes;
      const OperandResult result =
          stream_operand(tensor, q, {kRows, kK}, [&](std::span<const std::uint16_t> row) {
            codes.insert(codes.end(), row.begin(), row.end());
          });
      EXPECT_EQ(codes, expected.codes);
      EXPECT_EQ(result.parameters.groups, expected.groups);
      std::uint64_t groups = 1;
      for (const std::uint64_t size : result.parameters.shape) groups *= size;
      EXPECT_EQ(groups, expected.groups.size());
      EXPECT_EQ(result.statistics.error.count, kRows * kK);
    }
  }
}

// Two rows of which one is a hundred times larger: each has its own second-level scale.
TEST(OperandStream, ScalesOfTwoLevelsAreRelativeToTheirRow) {
  OperandQuantization q = shipped("bitmod_fp3").of(OperatorClass::linear).weight;
  RandomTensor tensor;
  const OperandResult result = stream_operand(tensor, q, {2, 256}, [](auto) {});
  ASSERT_EQ(result.parameters.channel_scales.size(), 2U);
  ASSERT_EQ(result.parameters.groups.size(), 4U);
  for (std::size_t g = 0; g < 4; ++g) {
    const GroupParameters& group = result.parameters.groups[g];
    EXPECT_EQ(group.scale,
              static_cast<float>(group.scale_code) * result.parameters.channel_scales[g / 2]);
    EXPECT_LE(group.scale_code, 127U);
  }
  // FP3 of normal numbers: more than 10 dB, less than 20.
  EXPECT_GT(result.statistics.error.sqnr_db(), 10);
  EXPECT_LT(result.statistics.error.sqnr_db(), 20);
}

}  // namespace
}  // namespace bitsmith
