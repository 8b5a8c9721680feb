// Traces: what is written is what is read, the same request gives the same bytes, and a file that
// says something impossible is refused.
#include "workload/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class TraceTest : public testing::Test {
 protected:
  fs::path file(const std::string& name) const { return folder_.path() / name; }

  static TraceRequest request(const std::string& quantization) {
    TraceRequest result;
    result.model = load_transformer(home_folder() / "workloads/models/deit-s.yaml");
    result.model.hidden_size = 48;
    result.model.intermediate_size = 80;
    result.model.head_dim = 8;
    result.model.num_labels = 10;
    result.quantization =
        load_quantization(home_folder() / "configs/quant" / (quantization + ".yaml"));
    return result;
  }

  std::string bytes(const fs::path& path) const { return read_file(path, std::size_t{1} << 30); }

  // The message with which the changed trace is refused, without the file's name.
  std::string refusal(const std::string& from, const std::string& to,
                      const std::string& quantization = "w8a8") {
    write_trace(request(quantization), file("good"));
    std::string text = bytes(file("good"));
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    EXPECT_EQ(from.size(), to.size());
    text.replace(at, from.size(), to);
    write_file_atomically(file("bad"), text);
    try {
      const Trace trace(file("bad"));
    } catch (const UserError& error) {
      return std::string(error.what()).substr(file("bad").string().size());
    }
    return "accepted";
  }

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

TEST_F(TraceTest, ReadsWhatWasWritten) {
  for (const std::string name : {"fp16", "w8a8", "w4a16_g128", "bitmod_fp4", "mxfp4",
                                 "bitnet_b1.58", "kivi_2bit", "w4a16_g128_zero_point"}) {
    const TraceRequest wanted = request(name);
    const auto written = write_trace(wanted, file(name));
    const Trace trace(file(name));
    const auto operators = quantize_operators(transformer_workload(wanted.model, wanted.phase),
                                              wanted.quantization, wanted.phase);
    ASSERT_EQ(trace.workload().operators.size(), operators.size());
    std::size_t gemms = 0;
    for (std::size_t i = 0; i < operators.size(); ++i) {
      const Operator& op = trace.workload().operators[i];
      EXPECT_EQ(op.name, operators[i].op.name);
      EXPECT_EQ(op.gemm, operators[i].op.gemm);
      EXPECT_EQ(op.kind, operators[i].op.kind);
      EXPECT_EQ(op.operator_class, operators[i].op.operator_class);
      EXPECT_EQ(op.elements, operators[i].op.elements);
      EXPECT_EQ(op.count * op.repeat, operators[i].op.count * operators[i].op.repeat);
      if (!op.is_gemm()) continue;
      ++gemms;
      EXPECT_EQ(&trace.format(i, OperandRole::weight),
                &operators[i].quantization.weight.code_format());
      const OperandQuantization& read = trace.quantization(i, OperandRole::weight);
      const OperandQuantization& meant = operators[i].quantization.weight;
      EXPECT_EQ(read.quantizer.method, meant.quantizer.method);
      EXPECT_EQ(read.quantizer.scale_format, meant.quantizer.scale_format);
      EXPECT_EQ(read.quantizer.candidates, meant.quantizer.candidates);
      EXPECT_EQ(read.quantizer.block, meant.quantizer.block);
      if (meant.quantizer.method == QuantMethod::none) continue;
      EXPECT_EQ(read.granularity, meant.granularity);
      EXPECT_EQ(read.axis, meant.axis);
      EXPECT_EQ(read.group_of(48), meant.group_of(48));
    }
    EXPECT_EQ(written.size(), 2 * gemms);
  }
}

// The codes of a row, read in two pieces, are those of a stream with the same seed.
TEST_F(TraceTest, CodesAreThoseOfTheStream) {
  write_trace(request("w8a8"), file("t"));
  const Trace trace(file("t"));
  std::size_t op = 0;
  while (trace.workload().operators[op].name != "up_proj") ++op;
  const GemmShape gemm = trace.workload().operators[op].gemm;
  std::vector<std::uint16_t> row(gemm.k), pieces(gemm.k);
  trace.read(op, OperandRole::weight, gemm.n - 1, 0, row);
  trace.read(op, OperandRole::weight, gemm.n - 1, 0, std::span(pieces).first(7));
  trace.read(op, OperandRole::weight, gemm.n - 1, 7, std::span(pieces).subspan(7));
  EXPECT_EQ(row, pieces);
  // Symmetric int8 per row: the largest magnitude is 127, and -128 never appears.
  int largest = 0;
  for (const std::uint16_t code : row) {
    const int value = static_cast<std::int8_t>(code);
    largest = std::max(largest, std::abs(value));
    EXPECT_GE(value, -127);
  }
  EXPECT_EQ(largest, 127);
  EXPECT_THROW(trace.read(op, OperandRole::weight, gemm.n, 0, row), InternalError);
}

std::vector<std::uint16_t> codes_of(const Trace& trace, std::size_t op, OperandRole role) {
  const GemmShape gemm = trace.workload().operators[op].gemm;
  const std::uint64_t rows = role == OperandRole::weight ? gemm.n : gemm.m;
  std::vector<std::uint16_t> codes(rows * gemm.k);
  for (std::uint64_t row = 0; row < rows; ++row) {
    trace.read(op, role, row, 0, std::span(codes).subspan(row * gemm.k, gemm.k));
  }
  return codes;
}

// The two parts of a GEMM hold some columns each of the tensors of the fp16 trace: all fp16 here,
// so that codes can be compared.
TEST_F(TraceTest, PartsAreOfTheSameTensors) {
  TraceRequest wanted = request("fp16");
  wanted.model.intermediate_size = 4000;  // about four outliers
  write_trace(wanted, file("whole"));
  CalibratedMethod& method = wanted.quantization.methods.front();
  method.split = SplitMethod::outliers;
  write_trace(wanted, file("split"));
  method.split = SplitMethod::salient;
  method.fraction = 0.25;
  write_trace(wanted, file("salient"));
  const Trace whole(file("whole")), split(file("split")), salient(file("salient"));
  const auto find = [](const Trace& trace, const std::string& name) {
    std::size_t op = 0;
    while (trace.workload().operators.at(op).name != name) ++op;
    return op;
  };
  const std::size_t all = find(whole, "down_proj");
  const GemmShape gemm = whole.workload().operators[all].gemm;
  const std::size_t plain = find(split, "down_proj"), apart = find(split, "down_proj.outliers");
  const std::uint64_t outliers = split.workload().operators[apart].gemm.k;
  EXPECT_GE(outliers, 1U);
  EXPECT_LE(outliers, gemm.k / 50);
  EXPECT_EQ(split.workload().operators[plain].gemm.k, gemm.k - outliers);
  EXPECT_EQ(split.workload().operators[apart + 1].name, "down_proj.add");
  for (const OperandRole role : {OperandRole::activation, OperandRole::weight}) {
    std::vector<std::uint16_t> expected = codes_of(whole, all, role);
    std::vector<std::uint16_t> parts = codes_of(split, plain, role);
    const std::vector<std::uint16_t> rest = codes_of(split, apart, role);
    parts.insert(parts.end(), rest.begin(), rest.end());
    std::sort(expected.begin(), expected.end());
    std::sort(parts.begin(), parts.end());
    EXPECT_EQ(parts, expected);
  }
  const std::size_t first = find(salient, "down_proj.salient");
  EXPECT_EQ(salient.workload().operators[first].gemm.n, gemm.n / 4);
  EXPECT_EQ(codes_of(salient, first, OperandRole::activation),
            codes_of(whole, all, OperandRole::activation));
  std::vector<std::uint16_t> features = codes_of(salient, first, OperandRole::weight);
  const std::vector<std::uint16_t> others =
      codes_of(salient, find(salient, "down_proj"), OperandRole::weight);
  features.insert(features.end(), others.begin(), others.end());
  EXPECT_EQ(features, codes_of(whole, all, OperandRole::weight));
}

TEST_F(TraceTest, RandomOperandsHaveNothingForAwqToSearch) {
  try {
    write_trace(request("awq_w4a16_g128"), file("awq"));
    FAIL() << "no error";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("'awq_w4a16_g128': AWQ's factors are found by a calibration"));
  }
  EXPECT_FALSE(fs::exists(file("awq")));
}

TEST_F(TraceTest, TheSameRequestGivesTheSameBytes) {
  TraceRequest wanted = request("w4a16_g128");
  write_trace(wanted, file("one"));
  write_trace(wanted, file("two"));
  EXPECT_EQ(bytes(file("one")), bytes(file("two")));
  wanted.seed = 2;
  write_trace(wanted, file("three"));
  EXPECT_NE(bytes(file("one")), bytes(file("three")));
}

TEST_F(TraceTest, RefusesWhatCannotBe) {
  EXPECT_THAT(refusal("bitsmith.trace/1", "bitsmith.trace/7"),
              HasSubstr("has the schema 'bitsmith.trace/7', expected 'bitsmith.trace/1'"));
  EXPECT_THAT(refusal("\\\"kind\\\":\\\"gemm\\\"", "\\\"kind\\\":\\\"gemn\\\""),
              HasSubstr("operator 0: unknown kind 'gemn'"));
  EXPECT_THAT(refusal("\\\"m\\\":196", "\\\"m\\\":0  "), HasSubstr("operator 0: 'm' is 0"));
  EXPECT_THAT(refusal("\\\"m\\\":196", "\\\"m\\\":197"),
              HasSubstr("tensor '0000.activation' is I8 [196, 768], expected I8 [197, 768]"));
  EXPECT_THAT(refusal("\\\"m\\\":196", "\\\"m\\\":-19"), HasSubstr("'m' is -19, expected"));
  EXPECT_THAT(refusal("\\\"format\\\":\\\"int8\\\"", "\\\"format\\\":\\\"int9\\\""),
              HasSubstr("expected U16 [196, 768]"));
  EXPECT_THAT(refusal("\\\"format\\\":\\\"int8\\\"", "\\\"format\\\":\\\"xnt8\\\""),
              HasSubstr("operator 0: activation: unknown format 'xnt8'"));
  EXPECT_THAT(refusal("\"operators\":\"[", "\"operators\":\"{"),
              HasSubstr("'operators' is no list of 1..100000 operators"));
  EXPECT_THAT(refusal("\"schema\"", "\"schemx\""), HasSubstr("its metadata lack 'schema'"));
}

// What goes with the codes is judged like the codes.
TEST_F(TraceTest, RefusesScalesThatCannotBe) {
  const auto bitmod = [&](const std::string& from, const std::string& to) {
    return refusal(from, to, "bitmod_fp4");
  };
  EXPECT_THAT(bitmod("\\\"group\\\":128", "\\\"group\\\":16 "),
              HasSubstr("tensor '0003.weight.scale' is I8 [48, 1], expected I8 [48, 3]"));
  EXPECT_THAT(bitmod("\\\"group\\\":128", "\\\"group\\\":0  "), HasSubstr("'group' is 0"));
  EXPECT_THAT(bitmod("\\\"along\\\":\\\"k\\\"", "\\\"along\\\":\\\"q\\\""),
              HasSubstr("operator 3: weight: unknown along 'q'"));
  EXPECT_THAT(bitmod("\\\"granularity\\\":\\\"group\\\"", "\\\"granularity\\\":\\\"grxup\\\""),
              HasSubstr("unknown granularity 'grxup'"));
  EXPECT_THAT(bitmod("\\\"scale\\\":\\\"int8\\\"", "\\\"scale\\\":\\\"fp16\\\""),
              HasSubstr("tensor '0003.weight.scale' is I8 [48, 1], expected F16 [48, 1]"));
  EXPECT_THAT(bitmod("\\\"scale\\\":\\\"int8\\\"", "\\\"scale\\\":\\\"int4\\\""),
              HasSubstr("'int4' is no format for scales"));
  EXPECT_THAT(bitmod("\\\"method\\\":\\\"bitmod\\\"", "\\\"method\\\":\\\"bitmop\\\""),
              HasSubstr("unknown method 'bitmop'"));
  EXPECT_THAT(bitmod("\\\"fp4_p8\\\"]", "\\\"fp4_p9\\\"]"), HasSubstr("unknown format 'fp4_p9'"));
  EXPECT_THAT(bitmod("\\\"fp4_p8\\\"]", "\\\"fp3_p6\\\"]"), HasSubstr("need the same width"));
  EXPECT_THAT(bitmod("\\\"candidates\\\":[", "\\\"candidatex\\\":["),
              HasSubstr("'candidates' is missing"));
  EXPECT_THAT(bitmod("\"0003.weight.select\"", "\"0003.weight.selecd\""),
              HasSubstr("tensor '0003.weight.select' is missing"));
  EXPECT_THAT(bitmod("\"0003.weight.channel_scale\"", "\"0003.weight.channel_scala\""),
              HasSubstr("tensor '0003.weight.channel_scale' is missing"));
}

}  // namespace
}  // namespace bitsmith
