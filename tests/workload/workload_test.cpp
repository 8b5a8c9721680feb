#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>

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

std::vector<Operator> gemms(const Transformer& model, const PhaseOptions& options) {
  std::vector<Operator> operators = transformer_workload(model, options).operators;
  std::erase_if(operators, [](const Operator& op) { return !op.is_gemm(); });
  return operators;
}

std::vector<std::filesystem::path> model_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(home_folder() / "workloads/models")) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Transformer shipped(const std::string& name) {
  return load_transformer(home_folder() / "workloads/models" / (name + ".yaml"));
}

// Nothing is left out: weights, biases, norms, tables, heads.
TEST(ModelZoo, HasThePublishedNumbersOfParameters) {
  std::size_t published = 0;
  for (const auto& file : model_files()) {
    const Transformer model = load_transformer(file);
    EXPECT_EQ(model.model, file.stem().string());
    EXPECT_FALSE(model.source.empty()) << file;
    if (model.published_parameters == 0) continue;
    ++published;
    EXPECT_EQ(parameter_count(model), model.published_parameters) << file;
  }
  EXPECT_EQ(published, 17U);
  // Published as 3.32 billion.
  EXPECT_NEAR(static_cast<double>(parameter_count(shipped("bitnet-b1.58-3b"))), 3.32e9, 0.005e9);
}

// The totals again, as literals: a file cannot vouch for itself.
TEST(ModelZoo, KnownTotals) {
  const std::map<std::string, std::uint64_t> totals = {
      {"llama-2-7b", 6738415616},    {"llama-2-13b", 13015864320}, {"llama-2-70b", 68976648192},
      {"llama-3-8b", 8030261248},    {"opt-1.3b", 1315758080},     {"opt-6.7b", 6658473984},
      {"phi-2", 2779683840},         {"yi-6b", 6061035520},        {"mistral-7b", 7241732096},
      {"mixtral-8x7b", 46702792704}, {"gpt-2", 124439808},         {"bert-base", 109482240},
      {"bert-large", 335141888},     {"vit-b", 86567656},          {"vit-l", 304326632},
      {"vit-h", 632045800},          {"deit-s", 22050664}};
  for (const auto& [name, total] : totals) EXPECT_EQ(parameter_count(shipped(name)), total) << name;
}

// Weights that meet a token in GEMMs, counted from the operators, are the parameters without
// tables, norms and biases. With experts every expert is counted once in a prefill that is long
// enough.
TEST(ModelZoo, OperatorsTouchEveryWeightOnce) {
  for (const auto& file : model_files()) {
    Transformer model = load_transformer(file);
    const Workload workload = transformer_workload(model, {});
    std::uint64_t weights = 0;
    for (const Operator& op : workload.operators) {
      const bool has_weights = op.is_gemm() && op.operator_class != OperatorClass::attention_qk &&
                               op.operator_class != OperatorClass::attention_pv;
      if (has_weights) weights += op.gemm.n * op.gemm.k * op.count * op.repeat;
    }
    model.attention_bias = model.mlp_bias = model.lm_head_bias = false;
    model.sublayer_norms = model.embedding_norm = model.final_norm = false;
    const std::uint64_t h = model.hidden_size;
    const std::uint64_t norms = model.num_hidden_layers * model.norms_per_layer * h *
                                (model.norm == NormKind::layer ? 2 : 1);
    std::uint64_t rest = norms + (model.position_embeddings + model.token_types) * h;
    if (!model.tie_word_embeddings) rest += model.vocab_size * h;
    if (model.architecture == Architecture::vision) rest += 2 * h;  // bias of patches, class token
    if (model.head == Head::pooler) rest += h;
    if (model.head == Head::classifier) rest += model.num_labels;
    EXPECT_EQ(weights, parameter_count(model) - rest) << file;
  }
}

// Two tokens, eight experts, two per token: four pairs on four experts.
TEST(Mixtral, TokensAreSpreadOverExperts) {
  const Transformer model = shipped("mixtral-8x7b");
  const auto experts_of = [&](std::uint64_t sequence) {
    std::vector<std::string> rows;
    for (const Operator& op :
         transformer_workload(model, {Phase::prefill, sequence, 1}).operators) {
      if (op.name == "down_proj" || op.name == "router") {
        rows.push_back(
            fmt::format("{} {}x{}x{} {}", op.name, op.gemm.m, op.gemm.n, op.gemm.k, op.count));
      }
    }
    return rows;
  };
  EXPECT_THAT(experts_of(2), ElementsAre("router 2x8x4096 1", "down_proj 1x4096x14336 4"));
  EXPECT_THAT(experts_of(10), ElementsAre("router 10x8x4096 1", "down_proj 3x4096x14336 4",
                                          "down_proj 2x4096x14336 4"));
}

// 10 tokens in chunks of 4: projections of 4, 4 and 2 rows; scores against 4, 8 and 10 keys.
TEST(ChunkedPrefill, MeetsTheKeysSoFar) {
  Transformer model = llama_2_7b();
  model.num_hidden_layers = 1;
  const Workload workload = transformer_workload(model, {Phase::prefill, 10, 1, 4});
  std::vector<std::string> rows;
  for (const Operator& op : workload.operators) {
    if (op.name == "q_proj" || op.name == "attention_qk") {
      rows.push_back(
          fmt::format("{} {}x{}x{} {}", op.name, op.gemm.m, op.gemm.n, op.gemm.k, op.repeat));
    }
    if (op.name == "softmax") rows.push_back(fmt::format("softmax {}", op.elements));
  }
  EXPECT_THAT(rows, ElementsAre("q_proj 4x4096x4096 2", "attention_qk 4x4x128 1", "softmax 512",
                                "attention_qk 4x8x128 1", "softmax 1024", "q_proj 2x4096x4096 1",
                                "attention_qk 2x10x128 1", "softmax 640"));
}

// Phi-2 turns 32 of the 80 features of its 32 query and 32 key heads.
TEST(VectorOperators, OfPhi2) {
  for (const Operator& op :
       transformer_workload(shipped("phi-2"), {Phase::prefill, 10, 1}).operators) {
    if (op.name == "rotary") {
      EXPECT_EQ(op.elements, 10U * 32 * 32);
    }
    EXPECT_NE(op.name, "mlp_norm");  // one norm for both branches, which are added at once
    if (op.name == "mlp_add") {
      EXPECT_EQ(op.elements, 2U * 10 * 2560);
    }
  }
}

TEST(Phases, ThatDoNotFitTheModelAreRefused) {
  const auto errors = [](const std::string& name, const PhaseOptions& options) {
    try {
      transformer_workload(shipped(name), options);
    } catch (const UserError& error) {
      return error.messages();
    }
    return std::vector<std::string>();
  };
  EXPECT_THAT(errors("bert-base", {Phase::decode, 100, 1}),
              ElementsAre("--phase decode: bert-base is no decoder; use prefill"));
  EXPECT_THAT(errors("bert-base", {Phase::prefill, 513, 1, 7}),
              ElementsAre(HasSubstr("--chunk: bert-base attends in both directions"),
                          "--seq 513: bert-base takes at most 512 tokens"));
  EXPECT_THAT(errors("vit-b", {Phase::prefill, 100, 1}), ElementsAre(HasSubstr("197 tokens")));
  EXPECT_THAT(errors("vit-b", {Phase::prefill, 197, 1}), ElementsAre());
  EXPECT_THAT(errors("gpt-2", {}), ElementsAre());
  EXPECT_THAT(errors("opt-1.3b", {Phase::prefill, 2048, 1}), ElementsAre());
  EXPECT_THAT(errors("opt-1.3b", {Phase::prefill, 2049, 1}),
              ElementsAre("--seq 2049: opt-1.3b takes at most 2048 tokens"));
  EXPECT_THAT(errors("llama-2-7b", {Phase::prefill, 2048, 1, 2}), ElementsAre());
  EXPECT_THAT(errors("llama-2-7b", {Phase::prefill, 2049, 1, 2}),
              ElementsAre("--chunk 2: more than 1024 chunks"));
  EXPECT_THAT(errors("llama-2-7b", {Phase::decode, 100, 1, 7}),
              ElementsAre("--chunk: only a prefill comes in chunks"));
  EXPECT_THAT(errors("llama-2-70b", {Phase::prefill, 1 << 24, 1 << 20}),
              ElementsAre(HasSubstr("more elements than 64-bit counters hold")));
}

// Llama-2-7B, one token, context 100: the vector operators of a layer, by hand.
TEST(VectorOperators, OfADecodedToken) {
  std::vector<std::string> rows;
  for (const Operator& op : transformer_workload(llama_2_7b(), {Phase::decode, 100, 2}).operators) {
    if (!op.is_gemm()) {
      rows.push_back(fmt::format("{} {} {} {}", op.name, word_of(op.kind), op.elements, op.repeat));
    }
  }
  EXPECT_THAT(rows, ElementsAre("embedding embedding 8192 1", "input_norm norm 8192 32",
                                "rotary rotary 8192 32", "rotary_keys rotary 8192 32",
                                "softmax softmax 6400 32", "attention_add add 8192 32",
                                "mlp_norm norm 8192 32", "mlp_activation activation 22016 32",
                                "mlp_multiply multiply 22016 32", "mlp_add add 8192 32",
                                "final_norm norm 8192 1"));
}

TEST(Llama2, PrefillOperators) {
  const Workload workload = transformer_workload(llama_2_7b(), {Phase::prefill, 2048, 1});
  std::vector<std::string> rows;
  for (const Operator& op : workload.operators) {
    if (!op.is_gemm()) continue;
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
  const std::vector<Operator> operators = gemms(llama_2_7b(), {Phase::decode, 1000, 4});
  EXPECT_EQ(operators[0].gemm, (GemmShape{4, 4096, 4096}));
  EXPECT_EQ(operators[3].gemm, (GemmShape{1, 1000, 128}));
  EXPECT_EQ(operators[3].count, 4U * 32);
  EXPECT_EQ(operators[4].gemm, (GemmShape{1, 128, 1000}));
  EXPECT_EQ(operators[9].gemm, (GemmShape{4, 32000, 4096}));
}

// Weight MACs of a decoded token are the parameters that take part: all but the embedding and the
// norms.
TEST(Llama2, DecodedTokenTouchesEveryWeightOnce) {
  const Transformer model = llama_2_7b();
  const std::vector<Operator> operators = gemms(model, {Phase::decode, 1, 1});
  std::uint64_t weights = 0;
  for (const Operator& op : operators) {
    if (!op.name.starts_with("attention")) weights += op.gemm.n * op.gemm.k * op.count * op.repeat;
  }
  const std::uint64_t norms = (2 * model.num_hidden_layers + 1) * model.hidden_size;
  EXPECT_EQ(weights, parameter_count(model) - model.vocab_size * model.hidden_size - norms);
}

TEST(Transformer, GroupedQueriesShareAGemmAndPlainMlpsHaveTwo) {
  Transformer model = llama_2_7b();
  model.num_key_value_heads = 8;
  model.mlp = Mlp::plain;
  const std::vector<Operator> operators = gemms(model, {Phase::decode, 100, 1});
  EXPECT_EQ(operators[1].gemm, (GemmShape{1, 1024, 4096}));
  EXPECT_EQ(operators[3].gemm, (GemmShape{4, 100, 128}));
  EXPECT_EQ(operators[3].count, 8U);
  EXPECT_EQ(operators[6].name, "up_proj");
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
