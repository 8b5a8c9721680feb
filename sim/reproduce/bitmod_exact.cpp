#include "reproduce/bitmod_exact.h"

#include "common/divide.h"
#include "common/file.h"
#include "system/accelerator.h"
#include "system/plan.h"
#include "system/tile_engine.h"

namespace bitsmith::reproduce::bitmod {
namespace {

bitsmith::Accelerator accelerator_of(const Accelerator& paper, Phase phase) {
  const bool is_prefill = phase == Phase::prefill;
  const std::uint64_t outputs = is_prefill ? paper.prefill_rows : paper.decode_rows;
  const std::uint64_t tokens = is_prefill ? paper.prefill_cols : paper.decode_cols;
  const std::string& weight = is_prefill ? paper.exact_prefill_weight : paper.exact_decode_weight;
  std::vector<Override> overrides = {parse_override(fmt::format("design.rows={}", tokens)),
                                     parse_override(fmt::format("design.cols={}", outputs))};
  if (paper.exact_tile_rows > 0) {
    const std::uint64_t tiles = pieces(tokens, paper.exact_tile_rows);
    overrides.push_back(parse_override(fmt::format("design.row_tiles={}", tiles)));
  }
  if (!weight.empty()) overrides.push_back(parse_override("design.weight=" + weight));
  return load_accelerator(home_folder() / "configs/papers" / paper.exact, overrides);
}

}  // namespace

std::optional<ExactCycles> exact_cycles(const Paper& paper, const CycleRow& row) {
  if (paper.accelerators[row.accelerator].exact.empty()) return std::nullopt;
  const bitsmith::Accelerator accelerator =
      accelerator_of(paper.accelerators[row.accelerator], row.phase);
  const Workload workload =
      transformer_workload(paper.networks[row.network].model, {row.phase, paper.context});
  const RunResult result = run_tile(accelerator, make_plan(accelerator, workload));
  ExactCycles exact{0, result.total.cycles, result.total.macs};
  for (const OperatorResult& op : result.operators) {
    if (op.op.is_gemm()) exact.gemms += op.counts.cycles;
  }
  return exact;
}

}  // namespace bitsmith::reproduce::bitmod
