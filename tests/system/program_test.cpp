// What becomes of a workload's operators: formats of what is loaded and stored, passes, fusion.
#include "system/program.h"

#include <gtest/gtest.h>

#include <map>

#include "common/error.h"
#include "common/file.h"
#include "numerics/float_arithmetic.h"
#include "pe/systolic/design.h"
#include "workload/transformer.h"

namespace bitsmith {
namespace {

systolic::Design design(const char* activation, const char* weight) {
  systolic::Params params;
  params.activation = find_format(activation);
  params.weight = find_format(weight);
  return systolic::Design(params);
}

Workload mlp() {
  Operator keys{"k_proj", {4, 8, 16}, 1, 2};
  keys.results = ResultUse::kv_cache;
  Operator gate{"gate", {4, 32, 16}, 1, 2};
  gate.results = ResultUse::activation;
  Operator activation{"silu", {}, 1, 2, OperatorKind::activation, {}, 128};
  Operator multiply{"multiply", {}, 1, 2, OperatorKind::multiply, {}, 128, ResultUse::gemm};
  Operator add{"add", {}, 1, 2, OperatorKind::add, {}, 64};
  return {"mlp", {keys, gate, activation, multiply, add}};
}

std::vector<std::string> names(const std::vector<ProgramOperator>& program) {
  std::vector<std::string> result;
  for (const ProgramOperator& op : program) result.push_back(op.op.name);
  return result;
}

TEST(Program, FusedConversion) {
  const auto program = make_program(mlp(), design("int8", "int4"), {});
  EXPECT_EQ(names(program),
            (std::vector<std::string>{"k_proj", "gate", "silu", "multiply", "add"}));
  // Keys are stored as the array reads them, in its weight format; other results as fp16.
  EXPECT_EQ(program[0].output_bits, 4U);
  EXPECT_TRUE(program[0].results_are_kv_cache);
  EXPECT_EQ(program[1].output_bits, 16U);
  EXPECT_EQ(program[1].passes, 1U);
  // A multiplication reads two fp16 numbers and writes int8 for the next GEMM.
  EXPECT_EQ(program[2].vector.input_bits, 16U);
  EXPECT_EQ(program[2].vector.output_bits, 16U);
  EXPECT_EQ(program[3].vector.input_bits, 32U);
  EXPECT_EQ(program[3].vector.output_bits, 8U);
  EXPECT_EQ(program[4].vector.output_bits, 16U);
}

// The KV cache as a converter takes it, if that converts it.
TEST(Program, ConvertedKeysAreStoredAsTheConverterTakesThem) {
  MemoryParams memory;
  memory.weight_converter.emplace().stored = find_format("uint2");
  EXPECT_EQ(make_program(mlp(), design("int8", "int8"), memory)[0].output_bits, 8U);
  memory.weight_converter->kv_cache = true;
  EXPECT_EQ(make_program(mlp(), design("int8", "int8"), memory)[0].output_bits, 2U);
}

TEST(Program, FusedActivationIsAPassOfItsGemm) {
  MemoryParams memory;
  memory.fuse_activation = true;
  memory.vector.activation_passes = 3;
  const auto program = make_program(mlp(), design("int8", "int8"), memory);
  EXPECT_EQ(names(program), (std::vector<std::string>{"k_proj", "gate", "multiply", "add"}));
  EXPECT_EQ(program[0].passes, 1U);
  EXPECT_EQ(program[1].passes, 4U);
}

TEST(Program, WithoutFusionAccumulatorsGoThroughDram) {
  MemoryParams memory;
  memory.fuse_dequantize = false;
  const auto program = make_program(mlp(), design("int8", "int8"), memory);
  EXPECT_EQ(names(program),
            (std::vector<std::string>{"k_proj", "k_proj_dequantize", "gate", "gate_dequantize",
                                      "silu", "multiply", "add"}));
  EXPECT_EQ(program[0].output_bits, 32U);
  EXPECT_EQ(program[0].output, nullptr);
  EXPECT_EQ(program[0].passes, 0U);
  EXPECT_EQ(program[1].vector.elements, 32U);
  EXPECT_EQ(program[1].vector.input_bits, 32U);
  EXPECT_EQ(program[1].vector.output_bits, 8U);
  EXPECT_TRUE(program[1].results_are_kv_cache);
  EXPECT_EQ(program[1].op.repeat, 2U);
}

TEST(Program, AttentionReadsTheKvCache) {
  const Transformer llama = load_transformer(home_folder() / "workloads/models/llama-2-7b.yaml");
  const auto program =
      make_program(transformer_workload(llama, {Phase::decode, 100}), design("int8", "int8"), {});
  std::uint64_t cached = 0;
  for (const ProgramOperator& op : program) {
    EXPECT_EQ(op.weights_are_kv_cache, op.op.name.starts_with("attention_") && op.op.is_gemm());
    EXPECT_EQ(op.results_are_kv_cache, op.op.name == "rotary_keys" || op.op.name == "v_proj");
    cached += op.weights_are_kv_cache ? 1 : 0;
  }
  EXPECT_EQ(cached, 2U);
}

// What one operator writes the next one reads: Llama by name, GPT-2 (no rotation, plain MLP) fused.
TEST(Program, ResultsAreStoredAsTheirReaderReadsThem) {
  const auto bits = [](const char* model, const MemoryParams& memory) {
    const auto program = make_program(
        transformer_workload(load_transformer(home_folder() / "workloads/models" / model),
                             {Phase::prefill, 64}),
        design("int8", "int4"), memory);
    std::map<std::string, std::uint64_t> written;
    for (const ProgramOperator& op : program) {
      written[op.op.name] = op.op.is_gemm() ? op.output_bits : op.vector.output_bits;
      if (!op.op.is_gemm()) {
        EXPECT_EQ(op.vector.input_bits % 16, 0U) << op.op.name;
      }
    }
    return written;
  };
  const auto llama = bits("llama-2-7b.yaml", {});
  for (const char* name : {"input_norm", "rotary", "softmax", "attention_pv", "mlp_norm",
                           "mlp_multiply", "final_norm"}) {
    EXPECT_EQ(llama.at(name), 8U) << name;
  }
  for (const char* name : {"rotary_keys", "v_proj"}) EXPECT_EQ(llama.at(name), 4U) << name;
  for (const char* name : {"embedding", "q_proj", "k_proj", "attention_qk", "o_proj", "gate_proj",
                           "up_proj", "mlp_activation", "down_proj", "mlp_add", "lm_head"}) {
    EXPECT_EQ(llama.at(name), 16U) << name;
  }
  MemoryParams fused;
  fused.fuse_activation = true;
  const auto gpt = bits("gpt-2.yaml", fused);
  EXPECT_EQ(gpt.at("q_proj"), 8U);
  EXPECT_EQ(gpt.at("k_proj"), 4U);
  EXPECT_EQ(gpt.at("up_proj"), 8U);
  EXPECT_EQ(gpt.count("mlp_activation"), 0U);
}

TEST(Program, BlocksOfVectorOperatorsFillTheSmallerHalf) {
  MemoryParams memory;
  memory.activation_buffer.capacity_bytes = 200;  // half: 800 bits
  memory.result_buffer.capacity_bytes = 100;      // half: 400 bits
  EXPECT_EQ(vector_block_elements({1000, 32, 16, 1}, memory), 25U);
  EXPECT_EQ(vector_block_elements({1000, 33, 16, 1}, memory), 24U);
  EXPECT_EQ(vector_block_elements({1000, 8, 17, 1}, memory), 23U);
  EXPECT_EQ(vector_block_elements({7, 8, 8, 1}, memory), 7U);
  EXPECT_THROW(vector_block_elements({7, 8, 401, 1}, memory), UserError);
}

// A sum of 64 products of INT8 by INT8: 14 bits a product, 4 for the sum, 7 are left: 2^-11.
TEST(Program, ResultsAreScaledByAPowerOfTwoAndRoundedOnce) {
  const auto int8 = design("int8", "int8");
  EXPECT_EQ(result_exponent(int8, 64), -11);
  const Format& out = *find_format("int8");
  EXPECT_EQ(convert_result(int8, 3 * 2048, out, -11), 3U);
  EXPECT_EQ(convert_result(int8, 2048 + 1024, out, -11), 2U);  // 1.5: to even
  EXPECT_EQ(convert_result(int8, 4096 + 1024, out, -11), 2U);  // 2.5: to even
  EXPECT_EQ(convert_result(int8, -2048, out, -11), 0xffU);
  EXPECT_EQ(convert_result(int8, 1 << 30, out, -11), 127U);
  const auto fp16 = design("fp16", "fp16");
  EXPECT_EQ(result_exponent(fp16, 64), 0);
  EXPECT_EQ(convert_result(fp16, 0x3f800000, *find_format("fp16"), 0), 0x3c00U);
}

}  // namespace
}  // namespace bitsmith
