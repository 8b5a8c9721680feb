#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/file.h"
#include "workload/operator.h"
#include "workload/transformer.h"

namespace bitsmith {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Transformer llama_2_7b() {
  return load_transformer(home_folder() / "workloads/models/llama-2-7b.yaml");
}

std::vector<std::string> errors_of(const std::string& gemm) {
  try {
    gemm_workload(gemm);
  } catch (const UserError& error) {
    return error.messages();
  }
  return {};
}

TEST(Gemm, IsReadAsTyped) {
  const Workload workload = gemm_workload("100x70x90");
  ASSERT_EQ(workload.operators.size(), 1U);
  EXPECT_EQ(workload.operators[0].gemm, (GemmShape{100, 70, 90}));
}

TEST(Gemm, EveryWrongPartIsNamed) {
  EXPECT_THAT(errors_of("0x-4x5"),
              ElementsAre("--gemm 0x-4x5: M is '0', expected an integer in 1..1099511627776",
                          "--gemm 0x-4x5: N is '-4', expected an integer in 1..1099511627776"));
  EXPECT_THAT(errors_of("4611686018427387904x1x1"),
              ElementsAre(HasSubstr("M is '4611686018427387904'")));
  EXPECT_THAT(errors_of("1x1x99999999999999999999"), ElementsAre(HasSubstr("K is")));
  EXPECT_THAT(errors_of("16"), ElementsAre("--gemm 16: expected MxNxK, for example 128x4096x4096"));
  EXPECT_THAT(errors_of(""), ElementsAre(HasSubstr("expected MxNxK")));
  EXPECT_THAT(errors_of("1x2x3x4"), ElementsAre(HasSubstr("expected MxNxK")));
  EXPECT_THAT(errors_of("1x 2x3"), ElementsAre(HasSubstr("N is ' 2'")));
  EXPECT_THAT(errors_of("1099511627776x1x1"), ElementsAre());
  EXPECT_THAT(errors_of("1099511627777x1x1"), ElementsAre(HasSubstr("M is")));
}

// Published total of meta-llama/Llama-2-7b-hf: 6,738,415,616 parameters.
TEST(Llama2, HasThePublishedNumberOfParameters) {
  EXPECT_EQ(parameter_count(llama_2_7b()), 6738415616U);
}

TEST(Llama2, PrefillOperators) {
  const Workload workload = transformer_workload(llama_2_7b(), {Phase::prefill, 2048, 1});
  std::vector<std::string> rows;
  for (const Operator& op : workload.operators) {
    rows.push_back(fmt::format("{} {}x{}x{} {} {}", op.name, op.gemm.m, op.gemm.n, op.gemm.k,
                               op.count, op.repeat));
  }
  EXPECT_THAT(rows, ElementsAre("q_proj 2048x4096x4096 1 32", "k_proj 2048x4096x4096 1 32",
                                "v_proj 2048x4096x4096 1 32", "attention_qk 2048x2048x128 32 32",
                                "attention_pv 2048x128x2048 32 32", "o_proj 2048x4096x4096 1 32",
                                "gate_proj 2048x11008x4096 1 32", "up_proj 2048x11008x4096 1 32",
                                "down_proj 2048x4096x11008 1 32", "lm_head 1x32000x4096 1 1"));
}

TEST(Llama2, DecodeOfABatch) {
  const Workload workload = transformer_workload(llama_2_7b(), {Phase::decode, 1000, 4});
  EXPECT_EQ(workload.operators[0].gemm, (GemmShape{4, 4096, 4096}));
  EXPECT_EQ(workload.operators[3].gemm, (GemmShape{1, 1000, 128}));
  EXPECT_EQ(workload.operators[3].count, 4U * 32);
  EXPECT_EQ(workload.operators[4].gemm, (GemmShape{1, 128, 1000}));
  EXPECT_EQ(workload.operators[9].gemm, (GemmShape{4, 32000, 4096}));
}

// Weight MACs of a decoded token are the parameters that take part: all but the embedding and the
// norms.
TEST(Llama2, DecodedTokenTouchesEveryWeightOnce) {
  const Transformer model = llama_2_7b();
  const Workload workload = transformer_workload(model, {Phase::decode, 1, 1});
  std::uint64_t weights = 0;
  for (const Operator& op : workload.operators) {
    if (!op.name.starts_with("attention")) weights += op.gemm.n * op.gemm.k * op.count * op.repeat;
  }
  const std::uint64_t norms = (2 * model.num_hidden_layers + 1) * model.hidden_size;
  EXPECT_EQ(weights, parameter_count(model) - model.vocab_size * model.hidden_size - norms);
}

TEST(Transformer, GroupedQueriesShareAGemmAndPlainMlpsHaveTwo) {
  Transformer model = llama_2_7b();
  model.num_key_value_heads = 8;
  model.mlp = Mlp::plain;
  const Workload workload = transformer_workload(model, {Phase::decode, 100, 1});
  EXPECT_EQ(workload.operators[1].gemm, (GemmShape{1, 1024, 4096}));
  EXPECT_EQ(workload.operators[3].gemm, (GemmShape{4, 100, 128}));
  EXPECT_EQ(workload.operators[3].count, 8U);
  EXPECT_EQ(workload.operators[6].name, "up_proj");
}

TEST(Transformer, HeadsMustDivide) {
  Diagnostics diagnostics;
  const YamlNode node = yaml::parse(
      "model: x\nhidden_size: 64\nnum_hidden_layers: 1\nnum_attention_heads: "
      "6\nnum_key_value_heads: 4\n"
      "head_dim: 8\nintermediate_size: 8\nvocab_size: 10\nsource: a test\n",
      "m.yaml");
  transformer_parameters().read(node, diagnostics);
  try {
    diagnostics.throw_if_any();
    FAIL() << "6 heads over 4 were accepted";
  } catch (const UserError& error) {
    EXPECT_STREQ(error.what(),
                 "m.yaml:5:22: 'num_key_value_heads': 6 query heads are not a multiple of 4 "
                 "key-value heads");
  }
}

}  // namespace
}  // namespace bitsmith
