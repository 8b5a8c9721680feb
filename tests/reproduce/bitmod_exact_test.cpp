// BitMoD's networks on verified arrays: nobody is faster than PEs and memory allow, and a decoded
// token not much slower than its weights arrive.
#include "reproduce/bitmod_exact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/divide.h"

namespace bitsmith::reproduce::bitmod {
namespace {

struct Array {
  double pes = 0;
  double macs_per_pe = 0;  // per cycle
  double weight_bits = 0;
  double scale_bits = 0;  // per group of 128
};

Array array_of(const Paper& paper, const CycleRow& row) {
  const bool is_prefill = row.phase == Phase::prefill;
  const std::string& name = paper.accelerators[row.accelerator].name;
  if (name == "FP16") return {768, 1, 16, 0};
  if (name == "BitMoD lossless") return {1024, 4.0 / 3, 6, 8};
  return {1024, 2, is_prefill ? 4.0 : 3.0, 10};
}

TEST(BitmodExact, NothingBeatsItsPes) {
  const Paper paper = load_paper();
  std::size_t rows = 0;
  for (const CycleRow& row : cycle_rows(paper)) {
    const auto exact = exact_cycles(paper, row);
    const std::string& name = paper.accelerators[row.accelerator].name;
    ASSERT_EQ(exact.has_value(), name != "ANT" && name != "OliVe") << name;
    if (!exact) continue;
    ++rows;
    const Array array = array_of(paper, row);
    EXPECT_GE(static_cast<double>(exact->gemms),
              static_cast<double>(exact->macs) / (array.pes * array.macs_per_pe));
    EXPECT_GT(exact->all, exact->gemms);
  }
  EXPECT_EQ(rows, 2U * 6 * 3);
}

// A token meets every weight once, so does the memory: 256 bits per cycle. What an operator adds to
// that, its latencies, first and last blocks, results and activations, is a twentieth at most.
TEST(BitmodExact, ATokenTakesAsLongAsItsWeights) {
  const Paper paper = load_paper();
  for (const CycleRow& row : cycle_rows(paper)) {
    const auto exact = row.phase == Phase::decode ? exact_cycles(paper, row) : std::nullopt;
    if (!exact) continue;
    const Array array = array_of(paper, row);
    double bits = 0;
    const Transformer& model = paper.networks[row.network].model;
    for (const Operator& op : transformer_workload(model, {row.phase, paper.context}).operators) {
      if (!op.is_gemm()) continue;
      const auto times = static_cast<double>(op.count * op.repeat * op.gemm.n);
      bits += times * (static_cast<double>(op.gemm.k) * array.weight_bits +
                       static_cast<double>(pieces(op.gemm.k, 128)) * array.scale_bits);
    }
    const auto cycles = static_cast<double>(exact->gemms);
    EXPECT_GT(cycles, bits / 256) << model.model << ", " << array.weight_bits << " bits";
    EXPECT_LT(cycles, 1.05 * bits / 256) << model.model << ", " << array.weight_bits << " bits";
  }
}

// The same projections as the script's, with everything it leaves out: the prompt is slower, by a
// factor that the buffers decide (32 rows of K up to 4096 fit half of one).
TEST(BitmodExact, PromptsAreSlowerThanTheScriptSays) {
  const Paper paper = load_paper();
  for (const CycleRow& row : cycle_rows(paper)) {
    const auto exact = row.phase == Phase::prefill ? exact_cycles(paper, row) : std::nullopt;
    if (!exact) continue;
    const Transformer& model = paper.networks[row.network].model;
    const double ratio = static_cast<double>(exact->gemms) / static_cast<double>(row.ours);
    EXPECT_GT(ratio, 1) << model.model;
    EXPECT_LT(ratio, model.hidden_size > 4096 ? 4 : 1.7) << model.model;
  }
}

}  // namespace
}  // namespace bitsmith::reproduce::bitmod
