// Weights of imported models in traces.
#include "workload/operator_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/process.h"
#include "support/safetensors_bytes.h"
#include "support/tiny_llama.h"
#include "workload/trace.h"
#include "workload/trace_names.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class OperatorWeights : public testing::Test {
 protected:
  // Traces the model of the folder in FP16, so that codes are values.
  std::vector<TracedOperand> trace() {
    model_ = import_model(folder());
    TraceRequest request;
    request.model = model_.transformer;
    request.phase.sequence = 3;
    request.quantization = load_quantization(home_folder() / "configs/quant/fp16.yaml");
    request.imported = &model_;
    return write_trace(request, file());
  }
  std::string error() {
    return user_error([&] { trace(); });
  }
  fs::path folder() const { return folder_.path(); }
  fs::path file() const { return folder() / "trace"; }

  // Codes of the weight of an operator in the trace.
  std::vector<std::uint16_t> codes(const std::string& name) const {
    const Trace trace(file());
    const auto& operators = trace.workload().operators;
    const auto found = std::ranges::find(operators, name, &Operator::name);
    const auto bytes = SafetensorsFile(file());
    const auto index = static_cast<std::size_t>(found - operators.begin());
    const auto data = bytes.data(tensor_name(index, OperandRole::weight));
    std::vector<std::uint16_t> result(data.size() / 2);
    std::memcpy(result.data(), data.data(), data.size());
    return result;
  }

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
  ImportedModel model_;
};

std::vector<std::uint16_t> codes_of(const std::string& tensor, std::uint64_t count) {
  std::vector<std::uint16_t> codes;
  for (std::uint64_t i = 0; i < count; ++i) codes.push_back(tiny_llama_code(tensor, i));
  return codes;
}

TEST_F(OperatorWeights, ATraceHoldsThem) {
  write_tiny_llama(folder());
  for (const TracedOperand& operand : trace()) {
    const bool is_attention = operand.operator_name.starts_with("attention_");
    EXPECT_EQ(operand.is_synthetic, operand.role == OperandRole::activation || is_attention)
        << operand.operator_name;
  }
  EXPECT_EQ(codes("q_proj"), codes_of("model.layers.0.self_attn.q_proj.weight", 256));
  EXPECT_EQ(codes("k_proj"), codes_of("model.layers.0.self_attn.k_proj.weight", 128));
  EXPECT_EQ(codes("v_proj"), codes_of("model.layers.0.self_attn.v_proj.weight", 128));
  EXPECT_EQ(codes("o_proj"), codes_of("model.layers.0.self_attn.o_proj.weight", 256));
  EXPECT_EQ(codes("gate_proj"), codes_of("model.layers.0.mlp.gate_proj.weight", 384));
  EXPECT_EQ(codes("up_proj"), codes_of("model.layers.0.mlp.up_proj.weight", 384));
  EXPECT_EQ(codes("down_proj"), codes_of("model.layers.0.mlp.down_proj.weight", 384));
  EXPECT_EQ(codes("lm_head"), codes_of("model.embed_tokens.weight", 160));  // tied
  EXPECT_EQ(SafetensorsFile(file()).metadata().at("operands"),
            "weights of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, lm_head "
            "from the model's files, of its first layer; all else synthetic; one GEMM of each "
            "operator");
}

TEST_F(OperatorWeights, WhatIsMissingStaysSynthetic) {
  TensorShapes shapes = tiny_llama_shapes();
  shapes.erase("model.layers.0.mlp.up_proj.weight");
  write_tiny_llama(folder(), shapes);
  trace();
  EXPECT_NE(codes("up_proj"), codes_of("model.layers.0.mlp.up_proj.weight", 384));
  EXPECT_EQ(codes("gate_proj"), codes_of("model.layers.0.mlp.gate_proj.weight", 384));
  EXPECT_THAT(SafetensorsFile(file()).metadata().at("operands"),
              HasSubstr("gate_proj, down_proj, lm_head"));
  fs::remove(folder() / "model.safetensors");
  trace();
  EXPECT_EQ(SafetensorsFile(file()).metadata().at("operands"),
            "synthetic, one GEMM of each operator");
}

// A model without its head lacks the first word of its names.
TEST_F(OperatorWeights, NamesOfABaseModel) {
  write_tiny_llama(folder(), {{"layers.0.self_attn.q_proj.weight", {16, 16}}});
  trace();
  EXPECT_EQ(codes("q_proj"), codes_of("layers.0.self_attn.q_proj.weight", 256));
}

TEST_F(OperatorWeights, OtherFirstWordsAreNotLeftOut) {
  TensorShapes shapes = {{"weight", {10, 16}}};
  write_tiny_llama(folder(), shapes);
  trace();
  EXPECT_NE(codes("lm_head"), codes_of("weight", 160));
}

TEST_F(OperatorWeights, OnlyATiedHeadIsTheEmbedding) {
  write_tiny_llama(folder());
  std::string config(kTinyLlamaConfig);
  config.replace(config.find("true"), 4, "false");
  write_file_atomically(folder() / "config.json", config);
  trace();
  EXPECT_NE(codes("lm_head"), codes_of("model.embed_tokens.weight", 160));
}

TEST_F(OperatorWeights, AnotherShapeIsRefused) {
  TensorShapes shapes = tiny_llama_shapes();
  shapes["model.layers.0.self_attn.k_proj.weight"] = {16, 16};
  write_tiny_llama(folder(), shapes);
  EXPECT_EQ(error(), fmt::format("{}/model.safetensors: tensor "
                                 "'model.layers.0.self_attn.k_proj.weight' has shape [16, 16]; the "
                                 "operator k_proj asks for [8, 16]",
                                 folder().string()));
}

TEST_F(OperatorWeights, InfinitiesAreRefused) {
  write_tiny_llama(folder());
  // The last number of the file, that of the last name: v_proj.
  const fs::path weights = folder() / "model.safetensors";
  std::string bytes = read_file(weights, 1 << 20);
  bytes.replace(bytes.size() - 2, 2, std::string("\x00\x7C", 2));
  write_file_atomically(weights, bytes);
  EXPECT_THAT(error(), HasSubstr("tensor 'model.layers.0.self_attn.v_proj.weight': element 127 is "
                                 "inf, expected a finite number"));
  EXPECT_FALSE(fs::exists(file()));
}

// Every family's names, for the operators of a layer and the head.
TEST_F(OperatorWeights, EveryFamily) {
  const auto found = [&](std::string_view config, const TensorShapes& shapes) {
    write_tiny_llama(folder(), shapes);
    write_file_atomically(folder() / "config.json", config);
    const ImportedModel model = import_model(folder());
    PhaseOptions phase;
    if (model.transformer.architecture != Architecture::vision) phase.sequence = 2;
    std::string names;
    for (const Operator& op : transformer_workload(model.transformer, phase).operators) {
      if (!weight_of(model, op).empty()) names += op.name + " ";
    }
    return names;
  };
  const std::string layer = "model.layers.0.", experts = layer + "block_sparse_moe.";
  EXPECT_EQ(found(R"({"model_type": "mixtral", "hidden_size": 16, "num_attention_heads": 2,
                      "num_key_value_heads": 1, "intermediate_size": 24, "num_local_experts": 4,
                      "vocab_size": 10})",
                  {{experts + "gate.weight", {4, 16}},
                   {experts + "experts.0.w1.weight", {24, 16}},
                   {experts + "experts.0.w2.weight", {16, 24}},
                   {experts + "experts.0.w3.weight", {24, 16}},
                   {"lm_head.weight", {10, 16}}}),
            "router gate_proj up_proj down_proj lm_head ");
  const std::string opt = "model.decoder.layers.0.";
  EXPECT_EQ(found(R"({"model_type": "opt", "hidden_size": 16, "num_attention_heads": 2,
                      "ffn_dim": 24, "vocab_size": 10})",
                  {{opt + "self_attn.q_proj.weight", {16, 16}},
                   {opt + "self_attn.k_proj.weight", {16, 16}},
                   {opt + "self_attn.v_proj.weight", {16, 16}},
                   {opt + "self_attn.out_proj.weight", {16, 16}},
                   {opt + "fc1.weight", {24, 16}},
                   {opt + "fc2.weight", {16, 24}},
                   {"model.decoder.embed_tokens.weight", {10, 16}}}),
            "q_proj k_proj v_proj o_proj up_proj down_proj lm_head ");
  EXPECT_EQ(found(R"({"model_type": "phi", "hidden_size": 16, "num_attention_heads": 2,
                      "intermediate_size": 24, "vocab_size": 10})",
                  {{layer + "self_attn.q_proj.weight", {16, 16}},
                   {layer + "self_attn.dense.weight", {16, 16}},
                   {layer + "mlp.fc1.weight", {24, 16}},
                   {layer + "mlp.fc2.weight", {16, 24}}}),
            "q_proj o_proj up_proj down_proj ");
  const std::string bert = "bert.encoder.layer.0.";
  EXPECT_EQ(found(R"({"model_type": "bert", "hidden_size": 16, "num_attention_heads": 2,
                      "intermediate_size": 24, "vocab_size": 10})",
                  {{bert + "attention.self.query.weight", {16, 16}},
                   {bert + "attention.output.dense.weight", {16, 16}},
                   {bert + "intermediate.dense.weight", {24, 16}},
                   {bert + "output.dense.weight", {16, 24}},
                   {"bert.pooler.dense.weight", {16, 16}}}),
            "q_proj o_proj up_proj down_proj pooler ");
  const std::string vit = "vit.encoder.layer.0.";
  EXPECT_EQ(found(R"({"model_type": "vit", "hidden_size": 16, "num_attention_heads": 2,
                      "intermediate_size": 24, "num_labels": 5,
                      "architectures": ["ViTForImageClassification"]})",
                  {{vit + "attention.attention.query.weight", {16, 16}},
                   {vit + "output.dense.weight", {16, 24}},
                   {"classifier.weight", {5, 16}}}),
            "q_proj down_proj classifier ");
  EXPECT_EQ(found(R"({"model_type": "gpt2", "n_embd": 16, "n_head": 2})",
                  {{"transformer.h.0.mlp.c_fc.weight", {16, 64}}}),
            "");
}

}  // namespace
}  // namespace bitsmith
