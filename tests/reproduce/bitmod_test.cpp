#include "reproduce/bitmod.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "common/file.h"
#include "reproduce/bitmod_paper.h"

namespace bitsmith::reproduce::bitmod {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// FP16, ANT, OliVe, BitMoD lossless, BitMoD lossy: what the authors' script prints.
struct Totals {
  std::string model;
  std::vector<std::uint64_t> prefill;
  std::vector<std::uint64_t> decode;
};

TEST(BitmodPaper, MeetsEveryTotalOfTheScript) {
  const std::vector<Totals> totals = {
      {"opt-1.3b",
       {669255680, 440975360, 403718144, 336236544, 233070592},
       {82153718, 25779238, 20018374, 31220054, 15857750}},
      {"phi-2",
       {1399816192, 847773696, 779268096, 693780480, 515194880},
       {165841248, 51998112, 41655712, 62986912, 31959712}},
      {"yi-6b",
       {2878668800, 1734868992, 1575157760, 1414209536, 946937856},
       {362970848, 119342816, 96691936, 137681120, 69662944}},
      {"llama-2-7b",
       {3156574208, 1949564928, 1768062976, 1649680384, 1202921472},
       {413518608, 129497936, 97236816, 156919888, 79493200}},
      {"llama-2-13b",
       {6676111360, 4076584960, 3648512000, 3537397760, 2601461760},
       {804330080, 251907680, 189155680, 305157360, 154552560}},
      {"llama-3-8b",
       {3969089536, 2266234880, 2008645632, 1901133824, 1273233408},
       {469624976, 132370576, 105031744, 178109840, 90099088}},
  };
  const Paper paper = load_paper();
  ASSERT_EQ(paper.networks.size(), totals.size());
  std::map<std::pair<std::size_t, Phase>, std::vector<std::uint64_t>> ours;
  for (const CycleRow& row : cycle_rows(paper)) {
    ours[{row.network, row.phase}].push_back(row.ours);
    EXPECT_EQ(row.claim, row.ours);
  }
  for (std::size_t network = 0; network < totals.size(); ++network) {
    EXPECT_EQ(paper.networks[network].model.model, totals[network].model);
    EXPECT_EQ((ours[{network, Phase::prefill}]), totals[network].prefill);
    EXPECT_EQ((ours[{network, Phase::decode}]), totals[network].decode);
  }
}

TEST(BitmodPaper, HeadlinesAreMeansOfTwoTasks) {
  const Paper paper = load_paper();
  const auto rows = headline_rows(paper);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_NEAR(rows[0].prefill, 1.7229, 5e-5);
  EXPECT_NEAR(rows[0].generation, 1.6599, 5e-5);
  EXPECT_NEAR(rows[0].ours(), 1.69, 0.005);
  EXPECT_NEAR(rows[1].prefill, 1.5597, 5e-5);
  EXPECT_NEAR(rows[1].generation, 1.3881, 5e-5);
  EXPECT_NEAR(rows[1].ours(), 1.48, 0.01);
}

// 9 outputs of 7 inputs for 3 tokens.
const Layer kSmall{"small", 5, 9, 7, 3, 7, false};
const Machine kSerial{4, 2, 2, true, 3.0625};

TEST(BitmodFormula, ComputesTileByTile) {
  EXPECT_EQ(compute_cycles(kSmall, kSerial), 4U * 3 * 2 * 2);           // 3 bits: 2 cycles
  EXPECT_EQ(compute_cycles(kSmall, {4, 2, 2, true, 6.0625}), 24U * 3);  // 6 bits: 3
  EXPECT_EQ(compute_cycles(kSmall, {4, 2, 1, false, 16}), 7U * 3 * 2);  // 1, whatever the bits
  EXPECT_EQ(compute_cycles(kSmall, {2, 4, 1, false, 16}), 7U * 5 * 1);  // rows hold outputs
}

TEST(BitmodFormula, TakesTheLongerOfComputingAndTraffic) {
  const Traffic traffic = traffic_of(kSmall, kSerial, {});
  EXPECT_EQ(traffic.weight_bytes, 9U * 3);  // 7 x 3.0625 bits fill 3 bytes
  EXPECT_EQ(traffic.input_bytes, 3U * 14);
  EXPECT_EQ(traffic.output_bytes, 3U * 18);
  EXPECT_EQ(cycles_of(kSmall, kSerial, {16, 256, 4096, 4096}), 5U * 48);
  EXPECT_EQ(cycles_of(kSmall, kSerial, {16, 16, 4096, 4096}), 5U * 61);  // 123 bytes, cut
  EXPECT_EQ(cycles_of({kSmall, kSmall}, kSerial, {}), 2U * 5 * 48);
}

TEST(BitmodFormula, AttentionKeepsItsWeightsAsActivations) {
  Layer layer = kSmall;
  layer.is_attention = true;
  layer.token_features = 2;
  const Traffic traffic = traffic_of(layer, kSerial, {});
  EXPECT_EQ(traffic.weight_bytes, 9U * 14);
  EXPECT_EQ(traffic.input_bytes, 3U * 4);
  EXPECT_EQ(compute_cycles(layer, kSerial), 48U);  // but computes at the weights' precision
}

struct Fetches {
  std::uint64_t weights;
  std::uint64_t inputs;
  bool operator==(const Fetches&) const = default;
};

Fetches fetches_of(std::uint64_t weight_buffer, std::uint64_t activation_buffer) {
  const Traffic traffic = traffic_of(kSmall, kSerial, {16, 256, weight_buffer, activation_buffer});
  return {traffic.weight_fetches, traffic.input_fetches};
}

// 27 bytes of weights, 42 of inputs.
TEST(BitmodFormula, FetchesAgainWhatCostsLess) {
  EXPECT_EQ(fetches_of(16, 16), (Fetches{1, 2}));  // 27 + 2 x 42 < 3 x 27 + 42
  EXPECT_EQ(fetches_of(4, 16), (Fetches{3, 1}));   // 3 x 27 + 42 < 27 + 7 x 42
  EXPECT_EQ(fetches_of(27, 1), (Fetches{1, 1}));   // the weights fit
  EXPECT_EQ(fetches_of(1, 42), (Fetches{1, 1}));   // the inputs fit
  EXPECT_EQ(fetches_of(26, 41), (Fetches{2, 1}));  // neither does
  const Layer square{"tie", 1, 8, 8, 8, 8, true};
  const Traffic tie = traffic_of(square, kSerial, {16, 256, 64, 64});
  EXPECT_EQ(tie.weight_fetches, 1U);
  EXPECT_EQ(tie.input_fetches, 2U);
}

Transformer shipped_model(const std::string& name) {
  return load_transformer(home_folder() / "workloads/models" / (name + ".yaml"));
}

const Layer& find(const std::vector<Layer>& layers, const std::string& name) {
  for (const Layer& layer : layers) {
    if (layer.name == name) return layer;
  }
  throw std::runtime_error("no layer " + name);
}

std::vector<std::uint64_t> shape_of(const Layer& layer) {
  return {layer.occurrences, layer.outputs, layer.inputs, layer.tokens, layer.token_features};
}

// Grouped queries: 8 heads of keys and values, 128 features each.
TEST(BitmodFormula, LayersAreTheModelsButAttentionAndVocabulary) {
  const Transformer model = shipped_model("llama-3-8b");
  const auto prefill = layers_of(model, Phase::prefill, 256);
  EXPECT_EQ(prefill.size(), 4U + 2 + 3 + 1);
  EXPECT_THAT(shape_of(find(prefill, "k_proj")), ElementsAre(32, 1024, 4096, 256, 4096));
  EXPECT_THAT(shape_of(find(prefill, "down_proj")), ElementsAre(32, 4096, 14336, 256, 14336));
  EXPECT_THAT(shape_of(find(prefill, "attention_qk")), ElementsAre(32, 256, 4096, 32 * 256, 1024));
  EXPECT_THAT(shape_of(find(prefill, "attention_pv")), ElementsAre(32, 32 * 256, 256, 256, 1024));
  EXPECT_THAT(shape_of(find(prefill, "lm_head")), ElementsAre(1, 128256, 4096, 256, 4096));
  const auto decode = layers_of(model, Phase::decode, 256);
  EXPECT_THAT(shape_of(find(decode, "attention_qk")), ElementsAre(32, 1, 4096, 32, 1024));
  EXPECT_THAT(shape_of(find(decode, "attention_pv")), ElementsAre(32, 32, 256, 1, 1024));
  EXPECT_THAT(shape_of(find(decode, "lm_head")), ElementsAre(1, 128256, 4096, 1, 4096));
}

TEST(BitmodFormula, KnowsItsLimits) {
  EXPECT_FALSE(unfit(shipped_model("llama-2-7b")));
  EXPECT_EQ(unfit(shipped_model("bert-base")), "it is no decoder");
  EXPECT_EQ(unfit(shipped_model("mixtral-8x7b")), "it has experts");
  Transformer model = shipped_model("llama-2-7b");
  model.head_dim = 64;
  EXPECT_EQ(unfit(model), "its heads together are not hidden_size wide");
  model = shipped_model("llama-2-7b");
  model.vocab_size = 1 << 24;
  EXPECT_EQ(unfit(model), "it is too large to count its cycles");
}

std::string changed(const std::string& from, const std::string& to) {
  std::string text = R"(source: here
context: 256
generated_tokens: 20
activation_bits: 16
dram_bits_per_cycle: 256
weight_buffer_bytes: 524288
activation_buffer_bytes: 524288
accelerators:
  a: {name: A, prefill_rows: 1, prefill_cols: 2, decode_rows: 3, decode_cols: 4}
networks:
  gpt-2:
    a: {prefill_bits: 4, prefill_cycles: 7, decode_bits: 3.5, decode_cycles: 8}
headlines:
  - {subject: a, baseline: a, speedup: 1}
)";
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("no '" + from + "'");
  return text.replace(at, from.size(), to);
}

std::vector<std::string> errors_of(const std::string& text) {
  Diagnostics diagnostics;
  read_paper(yaml::parse(text, "p.yaml"), home_folder() / "workloads/models", diagnostics);
  try {
    diagnostics.throw_if_any();
  } catch (const UserError& error) {
    return error.messages();
  }
  return {};
}

TEST(BitmodReading, MistakesAreLocated) {
  EXPECT_THAT(errors_of(changed("here", "there")), testing::IsEmpty());
  const auto error = [](const std::string& from, const std::string& to) {
    const auto errors = errors_of(changed(from, to));
    return errors.size() == 1 ? errors.front() : testing::PrintToString(errors);
  };
  EXPECT_THAT(error("context: 256", "context: 0"), HasSubstr("p.yaml:2:10: 'context'"));
  EXPECT_THAT(error("generated_tokens: 20\n", ""), HasSubstr("'generated_tokens' is missing"));
  EXPECT_THAT(error("prefill_rows", "prefil_rows: 1, prefill_rows"),
              HasSubstr("p.yaml:9:16: unknown parameter 'prefil_rows' (did you mean"));
  EXPECT_THAT(error("decode_cols: 4", "decode_cols: 4, exact_weight: int6"),
              HasSubstr("unknown parameter 'exact_weight'"));
  EXPECT_THAT(error("gpt-2", "gpt-3"), HasSubstr("p.yaml:11:3: there is no model 'gpt-3'"));
  EXPECT_THAT(error("gpt-2", "bert-base"),
              HasSubstr("no answer for 'bert-base': it is no decoder"));
  EXPECT_THAT(error("prefill_bits: 4", "prefill_bits: 17"), HasSubstr("p.yaml:12:23: "));
  EXPECT_THAT(error("subject: a", "subject: b"), HasSubstr("p.yaml:14:15: unknown accelerator"));
}

TEST(BitmodReading, AllMistakesAtOnce) {
  EXPECT_THAT(errors_of(changed("    a: {", "    c: {")),
              ElementsAre(HasSubstr("unknown accelerator 'c'"), HasSubstr("'a' is missing")));
  EXPECT_THAT(errors_of("headlines: 3\nnetworks: {}\naccelerators: [1]\n"),
              testing::AllOf(testing::SizeIs(10),
                             testing::Contains(HasSubstr("'headlines': expected a sequence")),
                             testing::Contains(HasSubstr("'networks': expected a map with")),
                             testing::Contains(HasSubstr("'accelerators': expected a map with"))));
  EXPECT_THAT(errors_of("[]"), ElementsAre(HasSubstr("expected a map")));
}

}  // namespace
}  // namespace bitsmith::reproduce::bitmod
