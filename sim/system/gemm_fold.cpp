#include "system/gemm_fold.h"

#include "common/divide.h"

namespace bitsmith {
namespace {

// Beats of all jobs of a schedule.
BeatCounts beats_of(const Design& design, const Schedule& schedule) {
  BeatCounts sum;
  const auto add = [&](const BeatCounts& beats) {
    sum.a += schedule.repeat * beats.a;
    sum.w += schedule.repeat * beats.w;
    sum.s += schedule.repeat * beats.s;
    sum.y += schedule.repeat * beats.y;
  };
  if (schedule.is_leaf()) add(design.beats(schedule.job));
  for (const Schedule& child : schedule.children) add(beats_of(design, child));
  return sum;
}

}  // namespace

BlockKinds::BlockKinds(const Design& design, const MemoryParams& memory, const MemoryTimes& times,
                       const ProgramOperator& program, const Mapping& mapping)
    : design_(design), memory_(memory), times_(times), program_(program), mapping_(mapping) {}

std::size_t BlockKinds::index_of(const Block& block) const {
  return (block.m != mapping_.block_m ? 1U : 0U) | (block.n != mapping_.block_n ? 2U : 0U) |
         (block.k != mapping_.block_k ? 4U : 0U) | (block.accumulate ? 8U : 0U) |
         (block.emit ? 16U : 0U);
}

const BlockKind& BlockKinds::at(const Block& block, std::size_t index) {
  if (!kinds_[index]) kinds_[index] = make(block);
  return *kinds_[index];
}

BlockKind BlockKinds::make(const Block& block) const {
  const ChannelWidths widths = design_.channel_widths();
  const BufferParams& y = memory_.result_buffer;
  const WeightConverter* converter = memory_.converter_of(program_.weights_are_kv_cache);
  const BlockFootprint size = footprint(design_, block.m, block.n, block.k, converter);
  BlockKind kind;
  kind.schedule = schedule_block(block, design_.tile_limits());
  kind.a_accesses = pieces(size.a_dram_bytes, times_.access_bytes);
  kind.w_accesses = pieces(size.w_dram_bytes, times_.access_bytes);
  if (converter != nullptr) {
    kind.converted_accesses = kind.w_accesses;
    kind.w_accesses = size.parameter_bits / (times_.access_bytes * 8);
    kind.converted_accesses -= kind.w_accesses;
    kind.conversions = block.k * block.n;
  }
  kind.a_words = size.a_buffer_bits / widths.a * times_.a_port_cycles;
  kind.w_words = size.w_buffer_bits / widths.w * times_.w_port_cycles;
  if (widths.s > 0) kind.w_words += size.s_buffer_bits / widths.s * times_.s_port_cycles;

  const BeatCounts beats = beats_of(design_, kind.schedule);
  SystemCounts& counts = kind.counts;
  counts.blocks = 1;
  counts.activation_buffer_reads = beats.a * times_.a_port_cycles;
  counts.weight_buffer_reads = beats.w * times_.w_port_cycles + beats.s * times_.s_port_cycles;
  counts.result_buffer_writes = beats.y * times_.y_port_cycles;
  if (!block.emit) return kind;

  const std::uint64_t stored_bits = size.results * program_.output_bits;
  kind.y_accesses = pieces(pieces(stored_bits, 8), times_.access_bytes);
  (program_.results_are_kv_cache ? counts.kv_cache_writes : counts.result_writes) = kind.y_accesses;
  counts.result_buffer_reads = y.cycles_for(stored_bits);
  if (program_.passes == 0) return kind;
  const std::uint64_t words = y.cycles_for(size.results * design_.accumulator_bits());
  kind.vector_cycles =
      program_.passes * std::max(pieces(size.results, memory_.vector.lanes), words);
  counts.vector_operations = program_.passes * size.results;
  counts.result_buffer_reads += program_.passes * words;
  counts.result_buffer_writes += y.cycles_for(stored_bits);
  return kind;
}

}  // namespace bitsmith
