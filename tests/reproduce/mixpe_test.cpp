#include "reproduce/mixpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "common/error.h"
#include "common/file.h"
#include "reproduce/mixpe_paper.h"

namespace bitsmith::reproduce::mixpe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<CycleRow>& shipped_rows() {
  static const std::vector<CycleRow> kRows = cycle_rows(load_paper());
  return kRows;
}

// W4A8, ANT, BitFusion, INT8, W4A16, FP16.
std::vector<std::uint64_t> totals_of(std::size_t network) {
  std::vector<std::uint64_t> totals;
  for (const CycleRow& row : shipped_rows()) {
    if (row.network == network) totals.push_back(row.ours.total());
  }
  return totals;
}

TEST(MixpePaper, MeetsEveryTotalThatIsKnown) {
  EXPECT_THAT(totals_of(2), ElementsAre(50671104, 207625968, 357880480, 452990464, 101131264,
                                        524922368));  // OPT-6.7B
  for (const CycleRow& row : shipped_rows()) {
    EXPECT_EQ(row.claim != 0, row.network == 2);
    EXPECT_TRUE(row.claim == 0 || row.claim == row.ours.total());
  }
}

// By hand, per block: 2 x 5120 x (480 + 160 + 640) + 2 x 20480 x 160 cycles and an eighth of
// them for weights; 5120 x (120 + 40 + 160) + 20480 x 40 and 1280 + 640 + 1920 + 2560.
TEST(MixpePaper, LlamaByHand) {
  const std::vector<std::uint64_t> totals = totals_of(3);
  EXPECT_EQ(totals[3], 884741120U);
  EXPECT_EQ(totals[3], 40U * (19660800 + 19660800 / 8) + 5120);
  EXPECT_EQ(totals[0], 98629440U);
  EXPECT_EQ(totals[0], 40U * 2464000 + 69440);
}

TEST(MixpePaper, PublishedTimesAreOursRounded) {
  const Paper paper = load_paper();
  const auto rows = time_rows(paper, shipped_rows());
  ASSERT_EQ(rows.size(), 5U * 5);
  for (const TimeRow& row : rows) {
    EXPECT_EQ(fmt::format("{:.2f}", row.ours), fmt::format("{:.2f}", row.claim))
        << row.network << ' ' << paper.accelerators[row.accelerator].name;
  }
}

TEST(MixpePaper, TotalsStay) {
  EXPECT_THAT(totals_of(0), ElementsAre(2505112, 9890000, 11254756, 13201920, 8595472, 16171420));
  EXPECT_THAT(totals_of(1), ElementsAre(8026688, 32349264, 45956944, 56284864, 22051584, 68692620));
  EXPECT_THAT(totals_of(3),
              ElementsAre(98629440, 412883968, 698183240, 884741120, 197607840, 1025781120));
}

const Machine kInt8{32, 32, 8, 4};

std::uint64_t gemm_cycles(std::uint64_t inputs, std::uint64_t outputs) {
  return best_cycles({"gemm", 1, 64, 1, 1, inputs, outputs, 8}, kInt8, {})->total();
}

// Layers of INT8 that the authors' repository keeps the cycles of (results/int.csv).
TEST(MixpeFormula, MeetsPublishedLayers) {
  EXPECT_EQ(gemm_cycles(768, 2304), 110640U);
  EXPECT_EQ(gemm_cycles(768, 768), 36912U);
  EXPECT_EQ(gemm_cycles(768, 3072), 147504U);
  EXPECT_EQ(gemm_cycles(3072, 768), 147480U);
  EXPECT_EQ(gemm_cycles(1280, 3840), 307224U);
  EXPECT_EQ(gemm_cycles(1280, 1280), 102424U);
  EXPECT_EQ(gemm_cycles(1280, 5120), 409624U);
  EXPECT_EQ(gemm_cycles(5120, 1280), 409616U);
  const auto patches = [](std::uint64_t outputs) {
    return best_cycles({"patches", 1, 64, 16, 14, 3, outputs, 8}, kInt8, {}).value();
  };
  EXPECT_EQ(patches(768).compute, 7225344U);
  EXPECT_EQ(patches(768).stall, 192U);
  EXPECT_EQ(patches(1280).total(), 12042432U);
}

Cycles small(std::uint64_t outputs, std::uint64_t bits, const Memory& memory) {
  return best_cycles({"small", 1, 8, 1, 1, 16, outputs, bits}, {4, 2, 8, 4}, memory).value();
}

TEST(MixpeFormula, ComputesTileByTile) {
  EXPECT_EQ(small(6, 8, {}).compute, 16U * 2 * 3);
  EXPECT_EQ(small(7, 8, {}).compute, 16U * 2 * 4);  // an edge tile is whole
  EXPECT_EQ(small(6, 4, {}).compute, 16U * 1 * 2);  // twice as much in both dimensions
  EXPECT_EQ(small(6, 2, {}).compute, 16U * 1 * 2);  // nothing below low_bits
}

// 6 x 16 weights and 8 x 16 inputs of 8 bits, 8 x 6 results of 16: 768, 1024 and 768 bits.
TEST(MixpeFormula, WaitsForDram) {
  const Memory large{8, 4096, 4096, 4096, 16};
  // All weights and inputs are there when the array starts; 96 cycles hide the results' 96.
  EXPECT_EQ(small(6, 8, large).stall, (768U + 1024) / 8);
  EXPECT_EQ(small(6, 8, {1024, 4096, 4096, 4096, 16}).stall, 2U);
  // Half of 32 bytes hold 4 x 4 weights and inputs; then those of an independent search.
  EXPECT_EQ(small(6, 8, {8, 32, 32, 32, 16}).total(), 640U);
  EXPECT_EQ(small(6, 8, {8, 16, 16, 16, 16}).total(), 864U);
}

TEST(MixpeFormula, NeedsATileThatFits) {
  const Layer layer{"none", 1, 1, 256, 1, 1, 1, 16};
  const Machine machine{4, 2, 16, 16};
  const Memory memory{8, 4096, 4096, 4096, 16};
  EXPECT_FALSE(best_cycles(layer, machine, memory));
  EXPECT_THROW(cycles_of({layer}, machine, memory), UserError);
}

Transformer shipped_model(const std::string& name) {
  return load_transformer(home_folder() / "workloads" / (name + ".yaml"));
}

std::vector<std::string> names_of(const std::vector<Layer>& layers) {
  std::vector<std::string> names;
  for (const Layer& layer : layers) {
    names.push_back(fmt::format("{}: {} of {} x {} with {} bits", layer.name, layer.occurrences,
                                layer.inputs, layer.outputs, layer.bits));
  }
  return names;
}

TEST(MixpeFormula, LayersAreFourGemmsWithTheirDequantisation) {
  const auto opt =
      layers_of(shipped_model("models/opt-6.7b"), 64, {4, 8, Dequantisation::results, 8, 4, 0, 0});
  EXPECT_THAT(names_of(opt), ElementsAre("qkv: 32 of 4096 x 12288 with 4 bits",
                                         "qkv, dequantisation: 32 of 512 x 96 with 8 bits",
                                         "projection: 32 of 4096 x 4096 with 4 bits",
                                         "projection, dequantisation: 32 of 512 x 32 with 8 bits",
                                         "up: 32 of 4096 x 16384 with 4 bits",
                                         "up, dequantisation: 32 of 512 x 128 with 8 bits",
                                         "down: 32 of 16384 x 4096 with 4 bits",
                                         "down, dequantisation: 32 of 2048 x 32 with 8 bits"));
  const auto vit =
      layers_of(shipped_model("models/vit-b"), 64, {8, 8, Dequantisation::weights, 8, 4, 11, 1});
  EXPECT_THAT(names_of(vit),
              ElementsAre("patches: 1 of 3 x 768 with 8 bits", "qkv: 1 of 768 x 2304 with 8 bits",
                          "qkv, low precision: 11 of 768 x 2304 with 4 bits",
                          "qkv, dequantisation: 12 of 768 x 288 with 8 bits",
                          "projection, low precision: 12 of 768 x 768 with 4 bits",
                          "projection, dequantisation: 12 of 768 x 96 with 8 bits",
                          "up: 1 of 768 x 3072 with 8 bits",
                          "up, low precision: 11 of 768 x 3072 with 4 bits",
                          "up, dequantisation: 12 of 768 x 384 with 8 bits",
                          "down: 1 of 3072 x 768 with 8 bits",
                          "down, low precision: 11 of 3072 x 768 with 4 bits",
                          "down, dequantisation: 12 of 3072 x 96 with 8 bits"));
  EXPECT_EQ(vit.front().kernel, 16U);
  EXPECT_EQ(vit.front().side, 14U);
}

TEST(MixpeFormula, KnowsItsLimits) {
  EXPECT_FALSE(unfit(shipped_model("models/opt-6.7b")));
  EXPECT_EQ(unfit(shipped_model("models/llama-2-13b")), "its MLP is gated");
  EXPECT_EQ(unfit(shipped_model("models/bert-base")), "it is an encoder of text");
  Transformer model = shipped_model("models/opt-6.7b");
  model.head_dim = 64;
  EXPECT_THAT(*unfit(model), HasSubstr("in multiples of 128"));
  model = shipped_model("models/opt-6.7b");
  model.intermediate_size = 1 << 18;
  EXPECT_EQ(unfit(model), "it is too wide");
  model.intermediate_size = 16384;
  model.image_size = 2048;
  EXPECT_EQ(unfit(model), "its images are too large");
}

std::string changed(const std::string& from, const std::string& to) {
  std::string text = R"(source: here
batch: 2
dram_bits_per_cycle: 64
weight_buffer_bytes: 131072
input_buffer_bytes: 131072
output_buffer_bytes: 131072
output_bits: 16
reference: a
accelerators:
  a: {name: A, rows: 2, cols: 2, high_bits: 8, low_bits: 4, bits: 8, patch_bits: 8, dequantisation: weights, dequantisation_bits: 8, mean_time: 1}
networks:
  models/vit-b:
    a: {time: 1}
)";
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("no '" + from + "'");
  return text.replace(at, from.size(), to);
}

std::vector<std::string> errors_of(const std::string& text) {
  Diagnostics diagnostics;
  read_paper(yaml::parse(text, "p.yaml"), home_folder() / "workloads", diagnostics);
  try {
    diagnostics.throw_if_any();
  } catch (const UserError& error) {
    return error.messages();
  }
  return {};
}

TEST(MixpeReading, MistakesAreLocated) {
  EXPECT_THAT(errors_of(changed("here", "there")), testing::IsEmpty());
  const auto error = [](const std::string& from, const std::string& to) {
    const auto errors = errors_of(changed(from, to));
    return errors.size() == 1 ? errors.front() : testing::PrintToString(errors);
  };
  EXPECT_THAT(error("batch: 2", "batch: 0"), HasSubstr("p.yaml:2:8: 'batch'"));
  EXPECT_THAT(error("batch: 2\n", ""), HasSubstr("'batch' is missing"));
  EXPECT_THAT(error("reference: a", "reference: b"),
              HasSubstr("p.yaml:8:12: unknown accelerator 'b'"));
  EXPECT_THAT(error(" bits: 8", " bits: 16"), HasSubstr("more bits than the 8 of high_bits"));
  EXPECT_THAT(error("weights", "weight"), HasSubstr("did you mean 'weights'?"));
  EXPECT_THAT(error("vit-b", "vit-c"), HasSubstr("there is no model 'models/vit-c'"));
  EXPECT_THAT(error("vit-b", "llama-2-13b"), HasSubstr("its MLP is gated"));
  EXPECT_THAT(error("{time: 1}", "{time: 1, low_blocks: 12, low_projections: 1}"),
              HasSubstr("are 13 of 12 blocks"));
  EXPECT_THAT(error("{time: 1}", "{time: 1, low: 1}"), HasSubstr("unknown parameter 'low'"));
}

TEST(MixpeReading, ComparisonsMayBeLeftOut) {
  EXPECT_THAT(
      errors_of(changed("networks:", "comparisons:\n  b: {name: B, other: c.yaml}\nnetworks:")),
      ElementsAre(HasSubstr("'dequantise_first' is missing")));
  EXPECT_THAT(errors_of(changed("networks:", "comparisons: {}\nnetworks:")),
              ElementsAre(HasSubstr("'comparisons': expected a map with something in it")));
  const Paper paper = load_paper();
  ASSERT_EQ(paper.comparisons.size(), 4U);
  EXPECT_EQ(paper.comparisons[2].other, "configs/papers/mixpe/fp16.yaml");
}

TEST(MixpeReading, AllMistakesAtOnce) {
  EXPECT_THAT(errors_of(changed("    a: {", "    c: {")),
              ElementsAre(HasSubstr("unknown accelerator 'c'"), HasSubstr("'a' is missing")));
  EXPECT_THAT(errors_of("networks: {}\naccelerators: [1]\n"),
              testing::AllOf(testing::SizeIs(10),
                             testing::Contains(HasSubstr("'networks': expected a map with")),
                             testing::Contains(HasSubstr("'accelerators': expected a map with"))));
  EXPECT_THAT(errors_of("[]"), ElementsAre(HasSubstr("expected a map")));
}

}  // namespace
}  // namespace bitsmith::reproduce::mixpe
